//! Whether a text is JSON, and how its records follow each other.

use super::{Fault, JsonKind, MARK, check, cursor::Cursor};

/// What a text is that begins like this; `None` if it is none of those.
///
/// An array of objects, or empty; an array of something else, as far as it goes; objects of which one goes over several lines, with nothing
/// wrong before it; lines of which one of the first is a whole object; an object that goes on for more than a line, or than the sample.
#[must_use]
pub fn looks_like(sample: &[u8]) -> Option<JsonKind> {
    const LINES: usize = 16;
    let text = sample.strip_prefix(MARK).unwrap_or(sample).trim_ascii_start();
    let opens_object = |text: &[u8]| {
        let rest = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'"' | b'}')))
    };
    if let Some(items) = text.strip_prefix(b"[") {
        let items = items.trim_ascii_start();
        let is_array = items.starts_with(b"]") || opens_object(items) || goes_on_as_json(text);
        return is_array.then_some(JsonKind::Array);
    }
    if opens_object(text) && has_value_over_lines(text) {
        return Some(JsonKind::Values);
    }
    let is_object = |line: &[u8]| line.starts_with(b"{") && check(line).is_ok();
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    if lines.by_ref().take(LINES).any(is_object) {
        return Some(JsonKind::Lines);
    }
    if !opens_object(text) {
        return None;
    }
    // Either the first line is longer than the sample, or its object is longer than the line.
    let is_one_line = memchr::memchr(b'\n', text).is_none();
    Some(if is_one_line {
        JsonKind::Lines
    } else {
        JsonKind::Values
    })
}

/// Whether one of the values that a text begins with, all of them sound, goes over several lines.
fn has_value_over_lines(text: &[u8]) -> bool {
    let mut cursor = Cursor::new(text);
    loop {
        cursor.skip_space();
        let start = cursor.at();
        let is_whole = match cursor.skip_value(0) {
            Ok(()) => true,
            Err(Fault::Syntax { at, .. }) if at + cut_slack(text) >= text.len() => false,
            Err(_) => return false,
        };
        let end = if is_whole { cursor.at() } else { text.len() };
        let value = text.get(start..end).unwrap_or_default().trim_ascii_end();
        if memchr::memchr(b'\n', value).is_some() {
            return true;
        }
        if !is_whole || value.is_empty() {
            return false;
        }
    }
}

/// How far before a sample's end it may be cut: it ends anywhere, and a whole file where somebody ended it.
const fn cut_slack(sample: &[u8]) -> usize {
    const CUT_FROM: usize = 64 << 10;
    if sample.len() >= CUT_FROM { 8 } else { 0 }
}

/// Whether nothing in a sample says that it is no JSON: `[1, 2` may be, `[id],[name]` is not.
fn goes_on_as_json(sample: &[u8]) -> bool {
    match check(sample) {
        Ok(()) | Err(Fault::TooDeep { .. }) => true,
        Err(Fault::Syntax { at, .. } | Fault::NotUtf8 { at }) => at + cut_slack(sample) >= sample.len(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_over_several_lines_are_told_from_lines() {
        for text in [
            "{\n  \"items\": [\n    {\"id\":1,\"v\":\"a\"},\n    {\"id\":2,\"v\":\"b\"}\n  ]\n}\n",
            "{\"id\":1,\"t\":[\n{\"x\":1},\n{\"x\":2}]}\n{\"id\":2,\"t\":[]}\n",
            "{}\n{\n  \"a\": 1\n}\n",
            "{\n  \"a\": 1\n}\n{\"a\":2}\n{\"a\":3}\n",
            "{\n  \"a\": [\n{}",
        ] {
            assert_eq!(looks_like(text.as_bytes()), Some(JsonKind::Values), "{text:?}");
        }
        for text in [
            "{\"a\":1}\n{\"a\":2}\n",
            "{\"a\":1\n{\"a\":2}\n",
            "{\"a\":[1,2\n{\"a\":3}\n",
            "{\"a\":\"x\n{\"a\":3}\n",
            "{\"a\":1}\n{\"a\":",
            "oops\n{\"a\":1}\n",
        ] {
            assert_eq!(looks_like(text.as_bytes()), Some(JsonKind::Lines), "{text:?}");
        }
    }
}
