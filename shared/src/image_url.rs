//! Pictures rendered on request: what a query may ask for, and the signed addresses that are handed out for it.
//!
//! The API checks who asks, and hands out an address; the function behind it checks nothing but the signature. So an address
//! can stand in a page until it expires, and nobody can make another size of it.

use std::{collections::BTreeSet, fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Number, Value};
use sha2::Sha256;
use url::form_urlencoded;

use crate::{
    keys::{FileId, FileRef, Owner},
    options::RenditionSpec,
    time::UnixMillis,
};

/// What a query may say, in the order in which `filters` are applied: the parameter, and what of a
/// [`RenditionSpec`] it is.
pub const PARAMETERS: [(&str, &str); 22] = [
    ("w", "width"),
    ("h", "height"),
    ("fit", "fit"),
    ("focus", "focus"),
    ("format", "format"),
    ("q", "quality"),
    ("max_bytes", "target_bytes"),
    ("progressive", "progressive"),
    ("lossless", "lossless"),
    ("animated", "animated"),
    ("background", "background"),
    ("rotate", "filters.rotate"),
    ("flip", "filters.flip"),
    ("flop", "filters.flop"),
    ("blur", "filters.blur"),
    ("sharpen", "filters.sharpen"),
    ("brightness", "filters.brightness"),
    ("contrast", "filters.contrast"),
    ("saturation", "filters.saturation"),
    ("grayscale", "filters.grayscale"),
    ("sepia", "filters.sepia"),
    ("tint", "filters.tint"),
];

/// A parameter of a query that cannot be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryProblem {
    /// Its name.
    pub parameter: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads what a query asks for. Its format is none where it leaves that to what the client accepts.
///
/// # Errors
/// Names the parameter that is unknown, or wrong.
pub fn read_query<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<RenditionSpec, QueryProblem> {
    let mut spec = Map::new();
    let mut filters = Map::new();
    for (name, text) in pairs {
        let wrong = |problem: &str| QueryProblem {
            parameter: name.to_owned(),
            problem: problem.to_owned(),
        };
        let Some((_, field)) = PARAMETERS.iter().find(|(parameter, _)| *parameter == name) else {
            return Err(wrong("there is no such parameter"));
        };
        let value = value(field, text);
        let before = match field.strip_prefix("filters.") {
            Some(filter) => filters.insert(filter.to_owned(), value),
            None => spec.insert((*field).to_owned(), value),
        };
        if before.is_some() {
            return Err(wrong("is given more than once"));
        }
    }
    if !filters.is_empty() {
        spec.insert("filters".to_owned(), Value::Object(filters));
    }
    let spec: RenditionSpec =
        serde_path_to_error::deserialize(Value::Object(spec)).map_err(|error| QueryProblem {
            parameter: parameter_of(&error.path().to_string()),
            problem: error.inner().to_string(),
        })?;
    spec.check().map_err(|error| {
        let text = error.to_string();
        let (field, problem) = text.split_once(": ").unwrap_or(("w", &text));
        QueryProblem {
            parameter: parameter_of(field),
            problem: problem.to_owned(),
        }
    })?;
    Ok(spec)
}

/// The parameter that a field of a specification comes from.
fn parameter_of(field: &str) -> String {
    let known = PARAMETERS.iter().find(|(_, known)| {
        field == *known
            || field
                .strip_prefix(known)
                .is_some_and(|rest| rest.starts_with('.'))
    });
    known.map_or(field, |(parameter, _)| parameter).to_owned()
}

/// A parameter's text as the JSON that a specification would have: a number, a truth value, a point, else a text.
fn value(field: &str, text: &str) -> Value {
    let number = |text: &str| {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let whole = text.parse::<u32>().ok().map(Number::from);
        let number = || text.parse().ok().and_then(Number::from_f64);
        is_decimal
            .then(|| whole.or_else(number))
            .flatten()
            .map(Value::Number)
    };
    let as_text = || Value::String(text.to_owned());
    match field {
        "fit" | "format" => as_text(),
        "background" | "filters.tint" if text.starts_with('#') => as_text(),
        // A number sign would end the query.
        "background" | "filters.tint" => Value::String(format!("#{text}")),
        "focus" => match text.split_once(',') {
            Some((x, y)) => {
                let side = |text: &str| number(text).unwrap_or_else(|| Value::String(text.to_owned()));
                Value::Object(Map::from_iter([
                    ("x".to_owned(), side(x)),
                    ("y".to_owned(), side(y)),
                ]))
            }
            None => as_text(),
        },
        _ => match text {
            "true" | "" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => number(text).unwrap_or_else(as_text),
        },
    }
}

/// The widths and heights that may be asked for: a deployment's list, or any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sizes(Option<BTreeSet<u32>>);

impl Sizes {
    /// Says which side of a specification is not allowed, by its parameter.
    ///
    /// # Errors
    /// That side.
    pub fn check(&self, spec: &RenditionSpec) -> Result<(), QueryProblem> {
        let Some(allowed) = &self.0 else { return Ok(()) };
        for (parameter, side) in [("w", spec.width), ("h", spec.height)] {
            if let Some(side) = side.filter(|side| !allowed.contains(&side.get())) {
                let problem = format!("{} is none of the sizes that are rendered: {self}", side.get());
                return Err(QueryProblem {
                    parameter: parameter.to_owned(),
                    problem,
                });
            }
        }
        if spec.width.is_none() && spec.height.is_none() {
            return Err(QueryProblem {
                parameter: "w".to_owned(),
                problem: format!("is missing: one of {self}"),
            });
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(sizes) = &self.0 else {
            return f.write_str("any");
        };
        let sizes: Vec<_> = sizes.iter().map(ToString::to_string).collect();
        f.write_str(&sizes.join(","))
    }
}

/// A text that is no list of sizes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither any nor a list of sizes in pixels, such as 320,640")]
pub struct InvalidSizes(String);

impl FromStr for Sizes {
    type Err = InvalidSizes;

    fn from_str(text: &str) -> Result<Self, InvalidSizes> {
        if text == "any" {
            return Ok(Self(None));
        }
        let sizes = text
            .split(',')
            .map(|size| size.trim().parse().ok().filter(|size| *size > 0));
        let sizes: Option<BTreeSet<u32>> = sizes.collect();
        sizes
            .map(|sizes| Self(Some(sizes)))
            .ok_or_else(|| InvalidSizes(text.to_owned()))
    }
}

/// What an address is signed with: HMAC with SHA-256 (RFC 2104).
#[derive(Clone)]
pub struct UrlKey(Vec<u8>);

impl fmt::Debug for UrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlKey")
    }
}

/// What a signed address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedImage {
    /// The picture.
    pub file: FileRef,
    /// What is asked for, as [`read_query`] takes it.
    pub query: Vec<(String, String)>,
    /// Until when, in seconds since 1970.
    pub expires_at: u64,
}

/// Why an address is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// It is not one that was handed out.
    #[error("the address was not signed here")]
    Signature,
    /// Its time is over.
    #[error("the address has expired")]
    Expired,
}

const SIGNATURE: &str = "&signature=";

impl UrlKey {
    /// A key of any length, the longer the better.
    #[must_use]
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(key.into())
    }

    fn mac(&self, path: &str, query: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in ["image", path, query] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }

    /// The path and query that stand for this, below the address of the function.
    #[must_use]
    pub fn sign(&self, image: &SignedImage) -> String {
        let path = format!("v1/files/{}/image", image.file.id);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(
            image
                .query
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        query.append_pair("owner", image.file.owner.as_str());
        query.append_pair("expires", &image.expires_at.to_string());
        let query = query.finish();
        let tag = self.mac(&path, &query).map(|mac| mac.finalize().into_bytes());
        let tag = URL_SAFE_NO_PAD.encode(tag.unwrap_or_default());
        format!("{path}?{query}{SIGNATURE}{tag}")
    }

    /// What a path (without the slash it begins with) and a query stand for.
    ///
    /// # Errors
    /// [`UrlRefusal`].
    pub fn verify(&self, path: &str, query: &str, now: UnixMillis) -> Result<SignedImage, UrlRefusal> {
        let refused = UrlRefusal::Signature;
        let (query, tag) = query.rsplit_once(SIGNATURE).ok_or(refused)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| refused)?;
        let mac = self.mac(path, query).ok_or(refused)?;
        mac.verify_slice(&tag).map_err(|_| refused)?;
        let id: FileId = path
            .strip_prefix("v1/files/")
            .and_then(|rest| rest.strip_suffix("/image"))
            .and_then(|id| id.parse().ok())
            .ok_or(refused)?;
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let expires = pairs.pop().filter(|(name, _)| name == "expires").ok_or(refused)?;
        let owner = pairs.pop().filter(|(name, _)| name == "owner").ok_or(refused)?;
        let expires_at: u64 = expires.1.parse().map_err(|_| refused)?;
        if now.as_seconds() >= expires_at {
            return Err(UrlRefusal::Expired);
        }
        Ok(SignedImage {
            file: FileRef {
                owner: Owner::new(owner.1).map_err(|_| refused)?,
                id,
            },
            query: pairs,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Fit, ImageFormat};

    fn read(query: &str) -> Result<RenditionSpec, QueryProblem> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        read_query(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    #[test]
    fn a_query_says_what_a_specification_says() {
        let spec =
            read("w=640&h=480&fit=cover&focus=0.5,0.25&format=webp&q=70&blur=1.5&tint=704214&grayscale")
                .unwrap();
        assert_eq!(spec.width.map(crate::options::Side::get), Some(640));
        assert_eq!(spec.fit, Some(Fit::Cover));
        assert_eq!(spec.format, Some(ImageFormat::Webp));
        let json = serde_json::to_value(&spec).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "width": 640, "height": 480, "fit": "cover", "focus": {"x": 0.5, "y": 0.25}, "format": "webp",
                "quality": 70, "filters": {"blur": 1.5, "grayscale": true, "tint": "#704214"},
            })
        );
        assert_eq!(read("").unwrap(), RenditionSpec::default());
    }

    #[test]
    fn what_is_wrong_with_a_query_is_named_by_its_parameter() {
        for (query, parameter, named) in [
            ("width=3", "width", "no such parameter"),
            ("w=0", "w", "from 1 to"),
            ("w=1e3", "w", "1e3"),
            ("w=3.5", "w", "whole number"),
            ("w=-3", "w", "-3"),
            ("w=3&w=4", "w", "more than once"),
            ("fit=crop", "fit", "crop"),
            ("fit=cover&w=10", "fit", "width and a height"),
            ("q=101", "q", "101"),
            ("blur=9999", "blur", "9999"),
            ("rotate=45", "rotate", "45"),
            ("tint=red", "tint", "red"),
            ("format=gif", "format", "gif"),
            ("focus=2,0&fit=cover&w=1&h=1", "focus", ""),
            ("q=80&format=png", "q", "lossless"),
        ] {
            let problem = read(query).unwrap_err();
            assert_eq!(problem.parameter, parameter, "{query}: {problem:?}");
            assert!(problem.problem.contains(named), "{query}: {problem:?}");
        }
    }

    #[test]
    fn only_listed_sizes_are_allowed() {
        let sizes: Sizes = "320, 640".parse().unwrap();
        for (query, allowed) in [
            ("w=320", true),
            ("w=320&h=640&fit=cover", true),
            ("w=321", false),
            ("w=320&h=1", false),
            ("", false),
        ] {
            assert_eq!(sizes.check(&read(query).unwrap()).is_ok(), allowed, "{query}");
            assert!(
                "any"
                    .parse::<Sizes>()
                    .unwrap()
                    .check(&read(query).unwrap())
                    .is_ok()
            );
        }
        for text in ["", "0", "a", "1,,2"] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_stands_for_what_was_signed_and_for_nothing_else() {
        let key = UrlKey::new("k");
        let image = SignedImage {
            file: FileRef {
                owner: Owner::new("al&ice=1").unwrap(),
                id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
            },
            query: vec![
                ("w".to_owned(), "320".to_owned()),
                ("fit".to_owned(), "in side&".to_owned()),
            ],
            expires_at: 1_000,
        };
        let address = key.sign(&image);
        let (path, query) = address.split_once('?').unwrap();
        let before = UnixMillis::new(999_999);
        assert_eq!(key.verify(path, query, before), Ok(image.clone()));
        let after = UnixMillis::new(1_000_000);
        assert_eq!(key.verify(path, query, after), Err(UrlRefusal::Expired));
        assert_eq!(
            UrlKey::new("other").verify(path, query, before),
            Err(UrlRefusal::Signature)
        );
        let other_path = path.replace("5FAV", "5FAW");
        let cut = query.get(1..).unwrap();
        let extended = format!("h=1&{query}");
        let later = query.replace("expires=1000", "expires=1001");
        for (path, query) in [
            (other_path.as_str(), query),
            (path, cut),
            (path, extended.as_str()),
            (path, later.as_str()),
            (path, ""),
            (path, "&signature="),
        ] {
            assert_eq!(
                key.verify(path, query, before),
                Err(UrlRefusal::Signature),
                "{path}?{query}"
            );
        }
    }
}
