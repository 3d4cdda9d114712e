//! The values of secrets: those that are generated are made once and kept in the data folder, readable by
//! their owner alone. They reach the processes of functions and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use rsa::rand_core::{OsRng, RngCore as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::private_file;
use crate::template::{CharacterKind, Function, Generation, Piece, Secret, SecretSource, Template, pieces};

const FILE: &str = "secrets.json";

/// The functions of a template, with the values of their secrets in their environments.
pub(crate) async fn put_in(folder: &Path, template: &Template) -> Result<Vec<Function>> {
    let (folder, known) = (folder.to_owned(), template.secrets.clone());
    let secrets = tokio::task::spawn_blocking(move || Secrets::open(&folder, &known)).await??;
    template
        .functions
        .iter()
        .map(|function| secrets.resolve(function))
        .collect()
}

/// The value of every secret of the template.
struct Secrets(Vec<(Secret, String)>);

/// A generated value, and what it was generated from: the value lives as long as that stays the same.
#[derive(Serialize, Deserialize)]
struct Kept {
    generation: Generation,
    value: String,
}

impl Secrets {
    /// Reads the values that the folder keeps, and makes those that are not there. Blocks.
    fn open(folder: &Path, secrets: &[Secret]) -> Result<Self> {
        let path = folder.join(FILE);
        let mut kept: BTreeMap<String, Kept> = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!("{} cannot be read: delete it to get new secrets", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut values = Vec::with_capacity(secrets.len());
        let mut is_new = false;
        for secret in secrets {
            let value = match &secret.source {
                SecretSource::Given(text) => text.clone(),
                SecretSource::Generated(generation) => match kept.get(&secret.name) {
                    Some(known) if known.generation == *generation => known.value.clone(),
                    _ => {
                        let (generation, value) = (generation.clone(), generate(generation));
                        is_new = true;
                        let known = Kept {
                            generation,
                            value: value.clone(),
                        };
                        kept.insert(secret.name.clone(), known);
                        value
                    }
                },
            };
            values.push((secret.clone(), value));
        }
        if is_new {
            private_file::write(&path, &serde_json::to_vec_pretty(&kept)?)?;
        }
        Ok(Self(values))
    }

    /// The function with the references of its environment put in.
    fn resolve(&self, function: &Function) -> Result<Function> {
        let mut resolved = function.clone();
        for (name, value) in &mut resolved.environment {
            let path = format!(
                "Resources.{}.Properties.Environment.Variables.{name}",
                function.logical_id
            );
            let text = self.text(value, &path)?;
            *value = text;
        }
        Ok(resolved)
    }

    fn text(&self, pattern: &str, path: &str) -> Result<String> {
        let mut text = String::with_capacity(pattern.len());
        for piece in pieces(pattern, path)? {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Secret(reference) => {
                    let found = self.0.iter().find(|(secret, _)| reference.names(secret));
                    let (_, value) =
                        found.ok_or_else(|| anyhow!("{path}: there is no secret {}", reference.id))?;
                    match reference.json_key {
                        None => text.push_str(value),
                        Some(key) => text.push_str(&member(value, key).ok_or_else(|| {
                            anyhow!("{path}: the secret {} has no JSON key {key}", reference.id)
                        })?),
                    }
                }
            }
        }
        Ok(text)
    }
}

/// One member of a secret that is a JSON object.
fn member(secret: &str, key: &str) -> Option<String> {
    let value: Value = serde_json::from_str(secret).ok()?;
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn generate(generation: &Generation) -> String {
    let allowed = |kind: &CharacterKind| -> Vec<char> {
        kind.characters()
            .chars()
            .filter(|one| !generation.exclude.contains(*one))
            .collect()
    };
    let kinds: Vec<Vec<char>> = generation.kinds.iter().map(allowed).collect();
    let all = kinds.concat();
    let password = loop {
        let password: String = (0..generation.length).filter_map(|_| pick(&all)).collect();
        // By rejection and not by placing one of each: every password that is allowed stays as likely as another.
        let has = |kind: &Vec<char>| password.contains(kind.as_slice());
        if !generation.require_each || kinds.iter().all(has) {
            break password;
        }
    };
    match &generation.template {
        None => password,
        Some((map, key)) => {
            let mut map = map.clone();
            map.insert(key.clone(), Value::String(password));
            Value::Object(map).to_string()
        }
    }
}

/// One of these, each as likely as the others; `None` for none.
fn pick(characters: &[char]) -> Option<char> {
    let count = u32::try_from(characters.len()).ok().filter(|count| *count > 0)?;
    // What is left over at the end of the range would make the first characters likelier.
    let fair = u32::MAX - u32::MAX % count;
    loop {
        let number = OsRng.next_u32();
        if number < fair {
            return characters.get((number % count) as usize).copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation() -> Generation {
        Generation {
            length: 40,
            exclude: "\"\\lI1".to_owned(),
            kinds: vec![CharacterKind::Lower, CharacterKind::Upper, CharacterKind::Digit],
            require_each: true,
            template: None,
        }
    }

    fn secret(name: &str, source: SecretSource) -> Secret {
        Secret {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            arn: format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-000000"),
            source,
        }
    }

    #[test]
    fn a_generated_value_has_what_was_asked_for() {
        for _ in 0..50 {
            let value = generate(&generation());
            assert_eq!(value.chars().count(), 40);
            assert!(
                value
                    .chars()
                    .all(|one| one.is_ascii_alphanumeric() && !"lI1".contains(one)),
                "{value}"
            );
            for kind in [char::is_lowercase, char::is_uppercase, char::is_numeric] {
                assert!(value.contains(kind), "{value}");
            }
        }
        let wrapped = Generation {
            template: Some((
                serde_json::from_str(r#"{"user":"me"}"#).unwrap(),
                "password".to_owned(),
            )),
            length: 3,
            ..generation()
        };
        let value: Value = serde_json::from_str(&generate(&wrapped)).unwrap();
        assert_eq!(
            (&value["user"], value["password"].as_str().unwrap().len()),
            (&Value::from("me"), 3)
        );
    }

    #[test]
    fn values_outlive_a_restart_and_end_with_their_definition() {
        let folder = tempfile::tempdir().unwrap();
        let generated = secret("g", SecretSource::Generated(generation()));
        let given = secret("v", SecretSource::Given(r#"{"a":{"b":1},"t":"x"}"#.to_owned()));
        let value = |secrets: &Secrets, text: &str| secrets.text(text, "p");
        let both = [generated, given];
        let secrets = Secrets::open(folder.path(), &both).unwrap();
        let first = value(&secrets, "{{resolve:secretsmanager:g}}").unwrap();
        let again = Secrets::open(folder.path(), &both).unwrap();
        assert_eq!(value(&again, "{{resolve:secretsmanager:g}}").unwrap(), first);
        assert_eq!(
            value(
                &again,
                "<{{resolve:secretsmanager:v:SecretString:t}},{{resolve:secretsmanager:v:SecretString:a}}>"
            )
            .unwrap(),
            r#"<x,{"b":1}>"#
        );
        let missing = value(&again, "{{resolve:secretsmanager:v:SecretString:z}}").unwrap_err();
        assert_eq!(missing.to_string(), "p: the secret v has no JSON key z");
        let longer = Generation {
            length: 41,
            ..generation()
        };
        let changed = [secret("g", SecretSource::Generated(longer))];
        let changed = Secrets::open(folder.path(), &changed).unwrap();
        assert_eq!(value(&changed, "{{resolve:secretsmanager:g}}").unwrap().len(), 41);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
