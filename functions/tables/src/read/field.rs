//! Which field of a record a byte stands in, be the record sound or not.

use std::ops::Range;

use memchr::{memchr2, memmem};

use super::general::{Rules, behind_white_space};

/// The number of the field that the byte at `at` of a record stands in, from 0, and where that field stands, quotes included. A
/// delimiter counts to the field before it, and what is behind the end to the last one. A quote that does not close takes
/// all that follows into its field.
pub(crate) fn field_at(record: &[u8], at: usize, rules: &Rules) -> (usize, Range<usize>) {
    let (mut number, mut start) = (0, 0);
    if rules.is_white() {
        start = behind_white_space(record, 0);
    }
    loop {
        let end = end_of_field(record, start, rules);
        let next = behind_delimiter(record, end, rules);
        if at < next || end >= record.len() {
            return (number, start..end);
        }
        number += 1;
        start = next;
    }
}

/// Where the field that begins at `start` ends: before the next delimiter that no quotes or escape make text.
fn end_of_field(record: &[u8], start: usize, rules: &Rules) -> usize {
    let is = |at: usize, mark: Option<u8>| mark.is_some() && record.get(at).copied() == mark;
    let own_escape = rules.own_escape();
    let mut at = start;
    if is(start, rules.quote) {
        at += 1;
        loop {
            if at >= record.len() {
                return record.len();
            }
            let is_doubled = is(at, rules.quote) && rules.escape == rules.quote && is(at + 1, rules.quote);
            if is(at, own_escape) || is_doubled {
                at += 2;
            } else if is(at, rules.quote) {
                break;
            } else {
                at += 1;
            }
        }
    }
    loop {
        let rest = record.get(at..).unwrap_or_default();
        let found = if rules.is_white() {
            memchr2(b' ', b'\t', rest)
        } else {
            memmem::find(rest, &rules.delimiter)
        };
        let Some(found) = found else {
            return record.len();
        };
        let end = at + found;
        // An escaped escape escapes nothing.
        let between = record.get(at..end).unwrap_or_default();
        let escapes = between
            .iter()
            .rev()
            .take_while(|byte| Some(**byte) == own_escape)
            .count();
        if escapes % 2 == 0 {
            return end;
        }
        at = end + rules.delimiter.len().max(1);
    }
}

/// Where the next field begins behind one that ends at `end`.
fn behind_delimiter(record: &[u8], end: usize, rules: &Rules) -> usize {
    if rules.is_white() {
        behind_white_space(record, end).max(end + 1)
    } else {
        end + rules.delimiter.len().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(delimiter: &str, quote: Option<u8>, escape: Option<u8>) -> Rules {
        Rules {
            delimiter: delimiter.into(),
            quote,
            escape,
            comment: None,
            comment_unless: None,
        }
    }

    fn fields(record: &str, rules: &Rules) -> Vec<(usize, String)> {
        let mut fields: Vec<_> = (0..=record.len())
            .map(|at| field_at(record.as_bytes(), at, rules))
            .map(|(number, range)| (number, record[range].to_owned()))
            .collect();
        fields.dedup();
        fields
    }

    #[test]
    fn every_byte_stands_in_a_field() {
        let rfc = rules(",", Some(b'"'), Some(b'"'));
        let own = rules("::", Some(b'\''), Some(b'\\'));
        let white = rules(r"\s+", Some(b'"'), Some(b'"'));
        for (record, rules, expected) in [
            ("a,,c", &rfc, &["a", "", "c"][..]),
            (r#""a,""b""",c"#, &rfc, &[r#""a,""b""""#, "c"]),
            (r#""a"x,c"#, &rfc, &[r#""a"x"#, "c"]),
            (r#"a,"b,c"#, &rfc, &["a", r#""b,c"#]),
            ("", &rfc, &[""]),
            (r"a\::b::'c\'::d'::e", &own, &[r"a\::b", r"'c\'::d'", "e"]),
            (r"a\\::b", &own, &[r"a\\", "b"]),
            (" a \t \"b c\"  d ", &white, &["a", "\"b c\"", "d", ""]),
        ] {
            let found = fields(record, rules);
            let expected: Vec<_> = expected
                .iter()
                .map(|field| (*field).to_owned())
                .enumerate()
                .collect();
            assert_eq!(found, expected, "{record}");
        }
    }
}
