//! A delimited file, from its bytes to its slabs.

use std::io::Read;

use serde::Serialize;
use shared::{Failure, Input, options::TablesOptions};

use super::Slabs;
use crate::{
    dialect::{Dialect, Wanted, detect},
    source::{Decoded, Text, TextEncoding},
};

/// A delimited file: how its bytes become text, and how its text becomes cells. In JSON it is what a profile says of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delimited {
    /// How its bytes become text.
    #[serde(flatten)]
    pub text: Text,
    /// How its text becomes cells.
    #[serde(flatten)]
    pub dialect: Dialect,
}

impl Delimited {
    /// Looks at a file. What `options` say is not looked for.
    ///
    /// # Errors
    /// See [`Text::find`] and [`detect`].
    pub fn open(input: &Input<'_>, options: &TablesOptions) -> Result<Self, Failure> {
        let encoding = options
            .encoding
            .as_ref()
            .and_then(|name| TextEncoding::by_name(name.as_str()));
        let (text, sample) = Text::find(input, encoding)?;
        let dialect = detect(&sample, &Wanted::from(options))?;
        Ok(Self { text, dialect })
    }

    /// The file's records, from the first after the header on. May be called again, for a second pass.
    pub fn slabs<'a>(&self, input: &Input<'a>) -> Result<Slabs<Decoded<Box<dyn Read + Send + 'a>>>, Failure> {
        let text = self.text.reader(input)?;
        let progress = text.progress();
        Ok(Slabs::new(text, &self.dialect, input.limits).placed(progress))
    }
}
