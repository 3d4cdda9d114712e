//! The `.proto` file.

use std::fmt::Write as _;

use super::{Kind, Label, Member, Scalar, Wraps};

/// How much of a column's name a comment shows.
const MAX_NAME_CHARS: usize = 120;

const HEAD: &str = "\
// Made by Longshore from the table that lies beside this file. table.pb holds its rows: before each Row its length in
// bytes, as a varint (Java: parseDelimitedFrom; Python: google.protobuf.proto.parse_length_prefixed).
//
// A field that is absent is null; zero, false and \"\" are written. Dates, times and timestamps without a zone are ISO 8601
// text, decimals are text with all their digits. A field's number is its column's position.
syntax = \"proto3\";

package longshore.tables;
";

/// The text of a message `Row` of these fields.
pub(super) fn write(fields: &[Member]) -> String {
    let mut body = String::from("\nmessage Row {\n");
    let mut has_instant = false;
    messages(fields, &mut body, &mut has_instant);
    for member in fields {
        field(member, "  ", &mut body, &mut has_instant);
    }
    body.push_str("}\n");
    let import = if has_instant {
        "\nimport \"google/protobuf/timestamp.proto\";\n"
    } else {
        ""
    };
    format!("{HEAD}{import}{body}")
}

/// The messages that fields are of, all side by side within `Row`: protoc takes declarations in declarations no deeper
/// than 32.
fn messages(fields: &[Member], text: &mut String, has_instant: &mut bool) {
    for member in fields {
        let Kind::Message { name, members, wraps } = &member.kind else {
            continue;
        };
        messages(members, text, has_instant);
        let what = match wraps {
            Wraps::Struct => None,
            Wraps::Item => Some("an item of a list; without a value it is null"),
            Wraps::List => Some("a list: present and without items it is empty, absent it is null"),
        };
        if let Some(what) = what {
            let _ = writeln!(text, "  // {what}");
        }
        let _ = writeln!(text, "  message {name} {{");
        for member in members {
            field(member, "    ", text, has_instant);
        }
        text.push_str("  }\n\n");
    }
}

fn field(member: &Member, indent: &str, text: &mut String, has_instant: &mut bool) {
    let (label, kind) = match &member.kind {
        Kind::Scalar(scalar) => ("optional ", scalar.keyword()),
        Kind::Instant(_) => {
            *has_instant = true;
            ("", ".google.protobuf.Timestamp")
        }
        Kind::Message { name, .. } => ("", name.as_str()),
    };
    let label = match member.label {
        Label::Optional => label,
        Label::Repeated | Label::RepeatedOrNull => "repeated ",
    };
    let (name, number) = (&member.name, member.number);
    let mut comment: Vec<String> = Vec::new();
    comment.extend(member.column.as_deref().map(quote));
    comment.extend(note(member).map(str::to_owned));
    let comment = if comment.is_empty() {
        String::new()
    } else {
        format!("  // {}", comment.join(": "))
    };
    let _ = writeln!(text, "{indent}{label}{kind} {name} = {number};{comment}");
}

/// What the type alone does not say.
fn note(member: &Member) -> Option<&'static str> {
    if member.label == Label::RepeatedOrNull {
        return Some("without items it is null");
    }
    match &member.kind {
        Kind::Scalar(Scalar::Date) => Some("date, YYYY-MM-DD"),
        Kind::Scalar(Scalar::Time(_)) => Some("time of day, HH:MM:SS and a fraction if there is one"),
        Kind::Scalar(Scalar::LocalTimestamp(_)) => {
            Some("timestamp without a zone, YYYY-MM-DDTHH:MM:SS and a fraction if there is one")
        }
        Kind::Scalar(Scalar::Decimal { .. }) => Some("decimal"),
        Kind::Scalar(Scalar::Uuid) => Some("UUID"),
        _ => None,
    }
}

/// A name as a comment may hold it: on one line, nothing that a terminal or an editor obeys.
fn quote(name: &str) -> String {
    let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
    let more = if shown.len() < name.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}
