//! Why a file could not be unloaded: whose fault, what and where.

use std::{borrow::Cow, fmt, io};

use serde::{Deserialize, Serialize};

/// Whose fault a failure is, and so what becomes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The file is at fault: terminal, never retried.
    Rejected,
    /// The file asks for more than its limits allow: terminal, never retried.
    Limit,
    /// We could not finish this time (a broken connection, a deadline): retried.
    Transient,
    /// We are at fault (a panic, a broken invariant): retried, then left for a person.
    Internal,
}

impl FailureKind {
    /// Whether the file is at fault, so that trying again would change nothing.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Rejected | Self::Limit)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "rejected",
            Self::Limit => "limit",
            Self::Transient => "transient",
            Self::Internal => "internal",
        })
    }
}

/// Where in the file a failure stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A byte, counted from 0 at the start of the file.
    Byte {
        /// Offset in bytes.
        offset: u64,
    },
    /// A record of a table or a log.
    Row {
        /// Number of the record, counted from 1; a header is not counted.
        row: u64,
        /// Offset in bytes of the record's first byte.
        offset: u64,
    },
    /// An entry of an archive.
    Entry {
        /// Name of the entry as the archive gives it.
        name: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte { offset } => write!(f, "byte {offset}"),
            Self::Row { row, offset } => write!(f, "row {row}, byte {offset}"),
            Self::Entry { name } => write!(f, "entry {name:?}"),
        }
    }
}

/// Why a file could not be unloaded.
///
/// There is deliberately no `From<io::Error>`: corrupt gzip and a dropped S3 stream are both an
/// [`io::Error`], and only one of them is the file's fault. Readers of this crate carry a `Failure` inside the
/// `io::Error` ([`Failure::into_io`]), and [`Failure::from_read`] recovers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Failure {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// A stable, kebab-case name for programs, such as `not-utf8`.
    pub code: Cow<'static, str>,
    /// A sentence for people: lower-case, no full stop.
    pub message: String,
    /// Where in the file, if it stands at one place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<Place>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some(place) = &self.place {
            write!(f, " (at {place})")?;
        }
        Ok(())
    }
}

impl Failure {
    fn new(kind: FailureKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: Cow::Borrowed(code),
            message: message.into(),
            place: None,
        }
    }

    /// The file is at fault.
    #[must_use]
    pub fn rejected(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Rejected, code, message)
    }

    /// The file asks for more than a limit allows.
    #[must_use]
    pub fn limit(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Limit, code, message)
    }

    /// We could not finish this time; trying again may help.
    #[must_use]
    pub fn transient(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, code, message)
    }

    /// We are at fault.
    #[must_use]
    pub fn internal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Internal, code, message)
    }

    /// Says where in the file.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Carries this failure through an interface that only knows [`io::Error`].
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// What an error of a reader or a decoder means: the failure carried inside if there is one; else, when a
    /// decoder calls its input malformed or cut short, the file's fault; else ours.
    #[must_use]
    pub fn from_read(error: &io::Error) -> Self {
        if let Some(failure) = carried(error) {
            return failure.clone();
        }
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::rejected("corrupt", error.to_string())
            }
            io::ErrorKind::UnexpectedEof => Self::rejected("truncated", error.to_string()),
            _ => Self::internal("read", error.to_string()),
        }
    }

    /// What an error of an output's writer means: the failure carried inside if there is one, else ours.
    #[must_use]
    pub fn from_write(error: &io::Error) -> Self {
        carried(error)
            .cloned()
            .unwrap_or_else(|| Self::internal("write", error.to_string()))
    }
}

/// Finds a failure inside an error, through the wrappers that libraries (parquet, flate2) put around it.
fn carried(error: &io::Error) -> Option<&Failure> {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error
        .get_ref()
        .map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(current) = inner {
        if let Some(failure) = current.downcast_ref::<Failure>() {
            return Some(failure);
        }
        if let Some(io) = current.downcast_ref::<io::Error>()
            && let Some(failure) = carried(io)
        {
            return Some(failure);
        }
        inner = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_gives_back_the_failure_it_carries() {
        let failure = Failure::transient("s3-read", "connection reset").at(Place::Byte { offset: 7 });
        assert_eq!(Failure::from_read(&failure.clone().into_io()), failure);
        let wrapped = io::Error::other(failure.clone().into_io());
        assert_eq!(Failure::from_read(&wrapped), failure);
        assert_eq!(Failure::from_write(&wrapped), failure);
    }

    #[test]
    fn a_decoders_complaint_is_the_files_fault_and_anything_else_is_ours() {
        let of = |kind| Failure::from_read(&io::Error::new(kind, "x")).kind;
        assert_eq!(of(io::ErrorKind::InvalidData), FailureKind::Rejected);
        assert_eq!(of(io::ErrorKind::UnexpectedEof), FailureKind::Rejected);
        assert_eq!(of(io::ErrorKind::ConnectionReset), FailureKind::Internal);
    }

    #[test]
    fn a_failure_says_what_and_where() {
        let failure =
            Failure::rejected("not-utf8", "the bytes are not UTF-8").at(Place::Row { row: 3, offset: 41 });
        assert_eq!(failure.to_string(), "the bytes are not UTF-8 (at row 3, byte 41)");
    }
}
