//! `AWS::SecretsManager::Secret`, and the dynamic references by which environments name one:
//! `{{resolve:secretsmanager:<id>:SecretString:<json key>:<stage>:<version>}}`, where all after the id may be
//! left out.
//!
//! A [`Template`](super::Template) never holds a secret: references stay in its environments as they are, checked
//! here, and are put in where a process is started.
//! Reference: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html>

use serde::{Deserialize, Serialize};

use super::properties::Properties;
use super::{ACCOUNT_ID, REGION, TemplateError};

/// The parts of an ARN that are divided by colons, up to the name of a secret.
const ARN_PARTS: usize = 7;

/// A secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The key under `Resources`.
    pub logical_id: String,
    /// The name.
    pub name: String,
    /// What `Ref` gives.
    pub arn: String,
    /// Where its value is from.
    pub source: SecretSource,
}

/// Where the value of a secret is from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// `SecretString`: in the template itself.
    Given(String),
    /// `GenerateSecretString`: made once, by chance.
    Generated(Generation),
}

/// `GenerateSecretString`.
/// Reference: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Characters; 1 to 4096.
    pub length: usize,
    /// Characters that it never has.
    pub exclude: String,
    /// The kinds of characters that it has: lower-case, upper-case, digits, punctuation, space.
    pub kinds: Vec<CharacterKind>,
    /// Whether there must be at least one of each kind.
    pub require_each: bool,
    /// A JSON object, and the key under which the value is put into it.
    pub template: Option<(serde_json::Map<String, serde_json::Value>, String)>,
}

/// A kind of characters of a generated secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CharacterKind {
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// `0` to `9`.
    Digit,
    /// ``!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~``.
    Punctuation,
    /// The space.
    Space,
}

impl CharacterKind {
    /// The characters of that kind.
    #[must_use]
    pub fn characters(self) -> &'static str {
        match self {
            Self::Lower => "abcdefghijklmnopqrstuvwxyz",
            Self::Upper => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::Digit => "0123456789",
            Self::Punctuation => "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
            Self::Space => " ",
        }
    }
}

/// The ARN of a secret. AWS ends it with six random characters.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{name}-000000")
}

pub(super) fn read(logical_id: &str, properties: Properties<'_>) -> Result<Secret, TemplateError> {
    let name = properties.resolver.name(logical_id)?;
    let given = properties.text("SecretString")?;
    let generated = properties.object("GenerateSecretString")?;
    let source = match (given, generated) {
        (Some(text), None) => SecretSource::Given(text),
        (None, Some(map)) => {
            let path = properties.path_of("GenerateSecretString");
            SecretSource::Generated(generation(Properties {
                resolver: properties.resolver,
                map: &map,
                path: &path,
            })?)
        }
        (Some(_), Some(_)) => {
            return properties.fail("GenerateSecretString", "is there beside SecretString");
        }
        (None, None) => return properties.fail("GenerateSecretString", "is missing, and SecretString too"),
    };
    Ok(Secret {
        logical_id: logical_id.to_owned(),
        arn: arn(&name),
        name,
        source,
    })
}

fn generation(properties: Properties<'_>) -> Result<Generation, TemplateError> {
    let length = properties.number("PasswordLength")?.unwrap_or(32);
    if !(1..=4096).contains(&length) {
        return properties.fail("PasswordLength", "is not between 1 and 4096");
    }
    let length = usize::try_from(length).unwrap_or(4096);
    let exclude = properties.text("ExcludeCharacters")?.unwrap_or_default();
    let mut kinds = Vec::new();
    for (key, kind) in [
        ("ExcludeLowercase", CharacterKind::Lower),
        ("ExcludeUppercase", CharacterKind::Upper),
        ("ExcludeNumbers", CharacterKind::Digit),
        ("ExcludePunctuation", CharacterKind::Punctuation),
    ] {
        if properties.truth(key)? != Some(true) {
            kinds.push(kind);
        }
    }
    if properties.truth("IncludeSpace")? == Some(true) {
        kinds.push(CharacterKind::Space);
    }
    // A kind of which every character is excluded is a kind that is excluded.
    kinds.retain(|kind| kind.characters().contains(|one| !exclude.contains(one)));
    if kinds.is_empty() {
        return properties.fail("ExcludeCharacters", "leaves no character");
    }
    let require_each = properties.truth("RequireEachIncludedType")?.unwrap_or(true);
    if require_each && length < kinds.len() {
        return properties.fail("PasswordLength", "has no room for each kind of characters");
    }
    let template = match (
        properties.text("SecretStringTemplate")?,
        properties.text("GenerateStringKey")?,
    ) {
        (None, None) => None,
        (Some(template), Some(key)) => match serde_json::from_str(&template) {
            Ok(map) => Some((map, key)),
            Err(_) => return properties.fail("SecretStringTemplate", "is not a JSON object"),
        },
        _ => {
            return properties.fail(
                "SecretStringTemplate",
                "and GenerateStringKey go together: one is missing",
            );
        }
    };
    Ok(Generation {
        length,
        exclude,
        kinds,
        require_each,
        template,
    })
}

/// A piece of a text with dynamic references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Secret(SecretReference<'a>),
}

/// A reference to a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretReference<'a> {
    /// A name or an ARN.
    pub(crate) id: &'a str,
    /// The member of the secret's JSON object; the whole secret without one.
    pub(crate) json_key: Option<&'a str>,
}

impl SecretReference<'_> {
    /// Whether it means that secret. AWS takes an ARN without its random end as well.
    pub(crate) fn names(&self, secret: &Secret) -> bool {
        self.id == secret.name
            || self.id == secret.arn
            || secret
                .arn
                .strip_suffix("-000000")
                .is_some_and(|partial| partial == self.id)
    }
}

const OPEN: &str = "{{resolve:";

/// Whether there is a dynamic reference in that text.
pub(super) fn is_dynamic(text: &str) -> bool {
    text.contains(OPEN)
}

/// Takes a text apart at its dynamic references. `path` is where the text is in the template.
pub(crate) fn pieces<'a>(text: &'a str, path: &str) -> Result<Vec<Piece<'a>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (reference, after) = after
            .split_once("}}")
            .ok_or_else(|| TemplateError::new(path, "a {{resolve: without its }}"))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Secret(reference_of(reference, path)?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn reference_of<'a>(text: &'a str, path: &str) -> Result<SecretReference<'a>, TemplateError> {
    let fail = |problem: String| Err(TemplateError::new(path, problem));
    let Some(rest) = text.strip_prefix("secretsmanager:") else {
        let service = text.split(':').next().unwrap_or_default();
        return fail(format!(
            "{{{{resolve:{service}:…}}}} is not known to the local stack, only secretsmanager is"
        ));
    };
    // The id may be an ARN, which has colons of its own.
    let colons_of_id = if rest.starts_with("arn:") { ARN_PARTS } else { 1 };
    let end = rest
        .match_indices(':')
        .nth(colons_of_id - 1)
        .map(|(index, _)| index);
    let (id, options) = match end.and_then(|end| rest.split_at_checked(end)) {
        Some((id, options)) => (id, options.strip_prefix(':').unwrap_or(options)),
        None => (rest, ""),
    };
    let mut options = options.split(':');
    let mut option = || options.next().filter(|option| !option.is_empty());
    if let Some(kind) = option().filter(|kind| *kind != "SecretString") {
        return fail(format!("a secret has a SecretString and no {kind}"));
    }
    let json_key = option();
    if let Some(stage) = option().filter(|stage| *stage != "AWSCURRENT") {
        return fail(format!("only the stage AWSCURRENT is kept here, not {stage}"));
    }
    if let Some(version) = option() {
        return fail(format!("versions of secrets are not kept here: {version}"));
    }
    if id.is_empty() {
        return fail("names no secret".to_owned());
    }
    Ok(SecretReference { id, json_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let secret = |id, json_key| Piece::Secret(SecretReference { id, json_key });
        let arn = arn("s");
        for (text, expected) in [
            ("plain {{x}}", vec![Piece::Text("plain {{x}}")]),
            ("{{resolve:secretsmanager:s}}", vec![secret("s", None)]),
            (
                "a{{resolve:secretsmanager:s:SecretString:k}}b{{resolve:secretsmanager:t::::}}",
                vec![
                    Piece::Text("a"),
                    secret("s", Some("k")),
                    Piece::Text("b"),
                    secret("t", None),
                ],
            ),
            (
                &format!("{{{{resolve:secretsmanager:{arn}}}}}"),
                vec![secret(&arn, None)],
            ),
            (
                &format!("{{{{resolve:secretsmanager:{arn}:SecretString:user:AWSCURRENT}}}}"),
                vec![secret(&arn, Some("user"))],
            ),
        ] {
            assert_eq!(pieces(text, "p").unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_named_with_its_place() {
        for (text, expected) in [
            (
                "{{resolve:ssm:/a/b:1}}",
                "p: {{resolve:ssm:…}} is not known to the local stack, only secretsmanager is",
            ),
            ("{{resolve:secretsmanager:s", "p: a {{resolve: without its }}"),
            ("{{resolve:secretsmanager:}}", "p: names no secret"),
            (
                "{{resolve:secretsmanager:s:SecretBinary}}",
                "p: a secret has a SecretString and no SecretBinary",
            ),
            (
                "{{resolve:secretsmanager:s:SecretString::AWSPREVIOUS}}",
                "p: only the stage AWSCURRENT is kept here, not AWSPREVIOUS",
            ),
            (
                "{{resolve:secretsmanager:s:SecretString:::v1}}",
                "p: versions of secrets are not kept here: v1",
            ),
        ] {
            assert_eq!(pieces(text, "p").unwrap_err().to_string(), expected);
        }
    }
}
