//! The fields of a log's line, and what kind of value each is.

/// A field of a line: bare up to a space, in quotes, or in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Bare(&'a str),
    Quoted(&'a str),
    Bracketed(&'a str),
}

impl<'a> Field<'a> {
    pub(crate) fn bare(self) -> Option<&'a str> {
        match self {
            Self::Bare(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn quoted(self) -> Option<&'a str> {
        match self {
            Self::Quoted(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn bracketed(self) -> Option<&'a str> {
        match self {
            Self::Bracketed(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a bare field passes `test`.
    pub(crate) fn is(self, test: impl Fn(&str) -> bool) -> bool {
        self.bare().is_some_and(test)
    }
}

/// More fields than any format has.
const FIELDS: usize = 64;

/// Splits a line at its spaces, quotes and brackets kept together; a quote may be escaped by a backslash.
pub(crate) fn fields(line: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && fields.len() < FIELDS {
        let (field, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = quote_end(quoted);
            let (inside, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
            (Field::Quoted(inside), after.strip_prefix('"').unwrap_or(after))
        } else if let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            (Field::Bracketed(inside), after)
        } else {
            let (bare, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            (Field::Bare(bare), after)
        };
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}

/// Where the quote that has just been opened closes.
fn quote_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index,
            _ => {}
        }
    }
    text.len()
}

/// `22/Jan/2019:03:56:14 +0330`, or the same time as ISO 8601 has it.
pub(crate) fn is_log_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_apache = bytes.len() >= 20
        && bytes
            .iter()
            .zip(b"dd/Mmm/dddd:dd:dd:dd")
            .all(|(byte, like)| match like {
                b'd' => byte.is_ascii_digit(),
                b'M' | b'm' => byte.is_ascii_alphabetic(),
                _ => byte == like,
            });
    is_apache || is_iso_time(text)
}

/// `2015-05-13T23:39:43`, with whatever follows.
pub(crate) fn is_iso_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes
            .iter()
            .zip(b"dddd-dd-ddTdd:dd:dd")
            .all(|(byte, like)| match like {
                b'd' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                _ => byte == like,
            })
}

pub(crate) fn is_none(text: &str) -> bool {
    text == "-"
}

pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn is_number_or_none(text: &str) -> bool {
    is_none(text) || is_number(text)
}

/// A duration in seconds, or -1 where there was none.
pub(crate) fn is_seconds(text: &str) -> bool {
    text == "-1"
        || is_none(text)
        || (text.starts_with(|first: char| first.is_ascii_digit()) && text.parse::<f64>().is_ok())
}

/// Three digits; `000` is `CloudFront`'s and nginx's for a client that had gone.
pub(crate) fn is_status(text: &str) -> bool {
    text.len() == 3 && is_number(text)
}

pub(crate) fn is_hex_id(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An IP address, with a port or without.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
        || text.parse::<std::net::SocketAddr>().is_ok()
        // AWS writes IPv6 addresses with ports without brackets.
        || text
            .rsplit_once(':')
            .is_some_and(|(host, port)| is_number(port) && host.parse::<std::net::IpAddr>().is_ok())
}

/// `2024-01-31`
pub(crate) fn is_day(text: &str) -> bool {
    text.len() == 10 && is_iso_time(&format!("{text} 00:00:00"))
}

/// `7:55:20`, with fractions or without.
pub(crate) fn is_clock(text: &str) -> bool {
    let (clock, _fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    clock.len() <= 8 && parts.clone().count() == 3 && parts.all(|part| part.len() <= 2 && is_number(part))
}
