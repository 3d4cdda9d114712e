//! JSON: lines of objects, arrays of objects, and documents, which no function takes.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use crate::{
    access_log::share,
    encoding::Text,
    identify::{Guess, Kind},
    json_log,
};

const JSON: &str = "application/json";
const JSON_LINES: &str = "application/x-ndjson";
/// The share of the lines that must be objects, in percent: a few may be damaged.
const SHARE_PERCENT: usize = 60;
/// How many lines or elements are looked at.
const RECORDS: usize = 1000;
/// How many records are asked whether they are an access log's.
const LOG_RECORDS: usize = 100;

/// The JSON that `text` is. `name` is lower-case.
pub(crate) fn identify(text: &Text, name: &str) -> Option<Guess> {
    let body = text.content.trim();
    let is_called_json = [".json", ".geojson", ".har", ".sarif", ".webmanifest", ".ipynb"]
        .iter()
        .any(|ending| name.ends_with(ending));
    match body.as_bytes().first()? {
        b'{' => objects(text, body, name, is_called_json),
        b'[' => array(text, body, is_called_json),
        // A number or a word alone is a document only if it is called so.
        _ if is_called_json && is_document(body) => Some(document("a JSON document", 0.6)),
        _ => None,
    }
}

fn document(looks_like: &str, confidence: f32) -> Guess {
    Guess::new(None, "json", looks_like, JSON, confidence)
}

/// Whether `body` is one JSON value and no more.
fn is_document(body: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(body).is_ok()
}

/// Text that begins with an object: one document, or a line for each of many.
fn objects(text: &Text, body: &str, name: &str, is_called_json: bool) -> Option<Guess> {
    let is_called_lines = [".jsonl", ".ndjson", ".jsonlines", ".ldjson", ".log"]
        .iter()
        .any(|ending| name.ends_with(ending));
    let mut records: Vec<Map<String, Value>> = Vec::new();
    let (mut lines, mut good) = (0_usize, 0_usize);
    for line in text.lines().take(RECORDS) {
        lines += 1;
        if !line.trim_start().starts_with('{') {
            continue;
        }
        if records.len() < LOG_RECORDS {
            if let Ok(record) = serde_json::from_str(line) {
                good += 1;
                records.push(record);
            }
        } else if is_document(line.trim()) {
            good += 1;
        }
    }
    // The only line of a sample that is cut off is a part of one object.
    let is_lines =
        good * 100 >= lines * SHARE_PERCENT && good > 0 && (lines > 1 || is_called_lines || !text.whole);
    let logged = json_log::share_of(&records);
    if good > 0 && good * 100 >= lines * SHARE_PERCENT && logged > 0.5 {
        return Some(Guess::new(
            Some(Kind::Logs),
            "json_lines",
            "an access log of JSON lines",
            JSON_LINES,
            logged * share(good, lines),
        ));
    }
    if is_lines {
        return Some(Guess::new(
            Some(Kind::Tables),
            "jsonl",
            "JSON Lines",
            JSON_LINES,
            share(good, lines),
        ));
    }
    match Deserializer::from_str(body).into_iter::<IgnoredAny>().next() {
        Some(Ok(_)) if is_document(body) => Some(document("a JSON document", 1.0)),
        Some(Ok(_)) => Some(document("JSON documents one after another", 0.8)),
        Some(Err(error)) if error.is_eof() && !text.whole => Some(document("a JSON document", 0.9)),
        // A brace may begin much else; a quote behind it is JSON's.
        Some(Err(_)) if begins_an_object(body) || is_called_json => {
            Some(document("a damaged JSON document", 0.7))
        }
        _ => None,
    }
}

fn begins_an_object(body: &str) -> bool {
    body.strip_prefix('{')
        .map(str::trim_start)
        .is_some_and(|rest| rest.starts_with('"') && rest.contains("\":") || rest == "}")
}

/// Whether what is cut off is not nested deeper than data is.
fn is_shallow(value: &str) -> bool {
    serde_json::from_str::<Value>(value).is_err_and(|error| error.is_eof())
}

/// Text that begins with an array: a table if its elements are objects.
fn array(text: &Text, body: &str, is_called_json: bool) -> Option<Guess> {
    let mut rest = body.strip_prefix('[')?.trim_start();
    let (mut elements, mut objects) = (0_usize, 0_usize);
    let mut records: Vec<Map<String, Value>> = Vec::new();
    let mut is_broken = false;
    while !rest.is_empty() && !rest.starts_with(']') && elements < RECORDS {
        let mut values = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let end = values.byte_offset();
                let (value, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                elements += 1;
                if value.starts_with('{') {
                    objects += 1;
                    if records.len() < LOG_RECORDS
                        && let Ok(record) = serde_json::from_str(value)
                    {
                        records.push(record);
                    }
                }
                let after = after.trim_start();
                rest = match after.strip_prefix(',') {
                    Some(next) => next.trim_start(),
                    None if after.is_empty() || after.starts_with(']') => after,
                    None => {
                        is_broken = true;
                        break;
                    }
                };
            }
            Some(Err(error)) => {
                // The last element of a sample that is cut off, or of a file that is.
                is_broken = !error.is_eof();
                // An array whose first object fills the sample.
                if elements == 0
                    && !text.whole
                    && error.is_eof()
                    && begins_an_object(rest)
                    && is_shallow(rest)
                {
                    return Some(Guess::new(
                        Some(Kind::Tables),
                        "json",
                        "a JSON array of objects",
                        JSON,
                        0.6,
                    ));
                }
                break;
            }
            None => break,
        }
    }
    if is_broken && elements < 2 {
        return (is_called_json || elements > 0).then(|| document("a damaged JSON document", 0.7));
    }
    // A whole file whose array is not closed, and that holds next to nothing, is damaged.
    let is_cut = text.whole && !rest.starts_with(']');
    if objects > 0 && objects * 10 >= elements * 9 && (objects > 1 || !is_cut) {
        return Some(Guess::new(
            Some(Kind::Tables),
            "json",
            "a JSON array of objects",
            JSON,
            if is_cut { 0.6 } else { share(objects, elements) },
        ));
    }
    if elements == 0 && !is_document(body) && !is_called_json && text.whole {
        // A bracket alone begins a line of a log, a section of an INI file, or a sentence.
        return None;
    }
    Some(document(
        if is_cut {
            "a damaged JSON document"
        } else {
            "a JSON document"
        },
        0.9,
    ))
}
