//! Configuration: read once, at the start; what is missing or wrong stops the start with its name.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use crate::{keys::Owner, limits::Limits};

/// The environment as it was at the start.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// A variable that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It cannot be read.
    #[error("the environment variable {name} is {value:?}: {problem}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with that.
        problem: String,
    },
}

impl Environment {
    /// The process's environment; variables that are not UTF-8 count as not set.
    #[must_use]
    pub fn of_process() -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(utf8).collect())
    }

    /// A variable that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// A variable that may be there; an empty one is not.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A variable that must be there, parsed.
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, ConfigError> {
        let value = self.required(name)?;
        value.parse().map_err(|problem: T::Err| ConfigError::Invalid {
            name,
            value: value.to_owned(),
            problem: problem.to_string(),
        })
    }

    /// A variable that must be there and name an owner.
    pub fn owner(&self, name: &'static str) -> Result<Owner, ConfigError> {
        let value = self.required(name)?;
        Owner::new(value).map_err(|problem| ConfigError::Invalid {
            name,
            value: value.to_owned(),
            problem: problem.to_string(),
        })
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(
            variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
    }
}

/// What every function that unloads files is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorConfig {
    /// The catalogue's table.
    pub table_name: String,
    /// Where uploads lie.
    pub uploads_bucket: String,
    /// Where outputs go.
    pub results_bucket: String,
    /// Whom files belong to that were dropped without an owner.
    pub drop_owner: Owner,
    /// What a file may ask of us.
    pub limits: Limits,
}

/// Memory that everything around a core needs, in MiB: the binary, the ranges being read, the parts being written.
const AROUND_THE_CORE_MIB: u64 = 128;

/// Lambda gives a core for every so many MiB.
const CORE_MIB: u64 = 1_769;
/// More threads need more memory for buffers than their cores come with.
const MOST_THREADS: u64 = 2;

/// How many threads have a core, or more than half of one, to themselves.
fn threads(memory_mib: u64) -> usize {
    usize::try_from(((memory_mib + CORE_MIB / 2) / CORE_MIB).clamp(1, MOST_THREADS)).unwrap_or(1)
}

impl ProcessorConfig {
    /// Reads `TABLE_NAME`, `UPLOADS_BUCKET`, `RESULTS_BUCKET`, `DROP_OWNER`, `MAX_INPUT_BYTES` and the function's memory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let memory_mib: u64 = environment.parse("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?;
        // Below 160 MiB the core gets a fifth, and the rest is tight.
        let core_mib = memory_mib.saturating_sub(AROUND_THE_CORE_MIB).max(memory_mib / 5);
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            uploads_bucket: environment.required("UPLOADS_BUCKET")?.to_owned(),
            results_bucket: environment.required("RESULTS_BUCKET")?.to_owned(),
            drop_owner: environment.owner("DROP_OWNER")?,
            limits: Limits {
                input_bytes: environment.parse("MAX_INPUT_BYTES")?,
                memory_bytes: core_mib << 20,
                threads: threads(memory_mib),
                ..Limits::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 6] = [
        ("TABLE_NAME", "catalogue"),
        ("UPLOADS_BUCKET", "uploads"),
        ("RESULTS_BUCKET", "results"),
        ("DROP_OWNER", "bucket"),
        ("MAX_INPUT_BYTES", "1000"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ];

    #[test]
    fn the_core_gets_what_is_left_of_the_memory() {
        let config = ProcessorConfig::read(&COMPLETE.into()).unwrap();
        assert_eq!(
            (config.limits.input_bytes, config.limits.memory_bytes),
            (1000, 384 << 20)
        );
    }

    #[test]
    fn a_second_thread_comes_with_a_second_core() {
        let of = [128, 1_769, 2_600, 2_700, 10_240].map(threads);
        assert_eq!(of, [1, 1, 1, 2, 2]);
    }

    #[test]
    fn each_missing_or_wrong_variable_is_named() {
        for (index, (name, _)) in COMPLETE.iter().enumerate() {
            let mut lacking = COMPLETE;
            lacking[index].1 = "";
            let error = ProcessorConfig::read(&lacking.into()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the environment variable {name} is not set")
            );
        }
        let mut wrong = COMPLETE;
        wrong[4].1 = "10 GB";
        let error = ProcessorConfig::read(&wrong.into()).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"the environment variable MAX_INPUT_BYTES is "10 GB": invalid digit found in string"#
        );
    }
}
