//! Reading requests strictly: what is unknown or wrong is refused by its name.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::request::Parts,
};
use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};
use shared::keys::{FileId, FileRef, Owner};

use crate::problem::{FieldProblem, Problem, UNREADABLE_BODY};

/// The parameters of a query, and what is wrong with them so far.
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    problems: Vec<FieldProblem>,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let given = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self {
            given,
            problems: Vec::new(),
        })
    }
}

impl Parameters {
    /// A parameter's value.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = Vec::new();
        self.given.retain(|(given, value)| {
            let is_it = given == name;
            if is_it {
                values.push(value.clone());
            }
            !is_it
        });
        if values.len() > 1 {
            self.refuse(name, "is given more than once");
        }
        values.into_iter().next()
    }

    /// A parameter's value, read by `read`, which says what it must be.
    pub(crate) fn read<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.text(name)?;
        match read(&value) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.refuse(name, problem);
                None
            }
        }
    }

    /// Says that a parameter is wrong.
    pub(crate) fn refuse(&mut self, name: &str, problem: impl Into<String>) {
        self.problems.push(FieldProblem::new(name, problem));
    }

    /// Refuses what is wrong, and what nobody asked for.
    pub(crate) fn end(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.given) {
            self.refuse(&name, "there is no such parameter");
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.problems))
        }
    }
}

/// A number from a range.
pub(crate) fn number_within(
    range: std::ops::RangeInclusive<u64>,
) -> impl FnOnce(&str) -> Result<u64, String> {
    move |text| {
        // No sign, no spaces: what `parse` takes beside digits is not meant.
        let number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok());
        number
            .flatten()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    }
}

/// Reads a whole number of a JSON body. JSON has one kind of number, and to JSON Schema `3.0` is the integer 3.
pub(crate) fn whole_number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number
        .as_u64()
        .or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    whole
        .and_then(|whole| T::try_from(whole).ok())
        .ok_or_else(|| serde::de::Error::custom(format!("{number} is not a whole number in range")))
}

/// A JSON body, read strictly. An empty one is `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(&UNREADABLE_BODY).detail(rejection.body_text()))?;
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let mut reader = serde_json::Deserializer::from_slice(json);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let cause = error.into_inner();
            if cause.is_data() {
                explain(&path, &cause)
            } else {
                Problem::new(&UNREADABLE_BODY).detail(format!("not JSON: {cause}"))
            }
        })?;
        reader
            .end()
            .map_err(|error| Problem::new(&UNREADABLE_BODY).detail(format!("not JSON: {error}")))?;
        Ok(Self(value))
    }
}

/// Says which field is wrong. For a field that is missing or unknown, the path ends at what it is missing from.
fn explain(path: &str, cause: &serde_json::Error) -> Problem {
    let message = cause.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let named = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    match (named, path) {
        (Some(field), ".") => Problem::field(field, "is missing"),
        (Some(field), path) => Problem::field(format!("{path}.{field}"), "is missing"),
        (None, ".") => Problem::field("body", message),
        (None, path) => Problem::field(path, message),
    }
}

/// The file that a path names: an id that is none, one that nobody has and one that someone else has are the same.
pub(crate) struct Named(FileId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // A path that is not UTF-8 names nothing.
        let Path(segments) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| unknown_file())?;
        segments
            .into_iter()
            .find(|(name, _)| name == "id")
            .and_then(|(_, id)| id.parse().ok())
            .map(Self)
            .ok_or_else(unknown_file)
    }
}

impl Named {
    pub(crate) fn of(self, owner: Owner) -> FileRef {
        FileRef { owner, id: self.0 }
    }
}

pub(crate) fn unknown_file() -> Problem {
    Problem::not_found("you have no file with this id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |text: &str| whole_number::<_, u16>(&mut serde_json::Deserializer::from_str(text)).ok();
        for (text, number) in [
            ("0", 0),
            ("7", 7),
            ("7.0", 7),
            ("65535", 65_535),
            ("65535.0", 65_535),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["65536", "-1", "-7.0", "7.5", "1e400", "\"7\"", "null", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
