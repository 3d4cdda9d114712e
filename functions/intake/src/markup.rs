//! Text that says at its beginning what it is: markup, documents, keys, scripts.

use crate::{
    encoding::Text,
    identify::{Guess, Kind},
};

/// How far a root element may lie behind comments and declarations, in bytes.
const ROOT_BYTES: usize = 4096;

/// Beginnings that are no table's: what text begins with, its format, what to call it, its media type.
const STARTS: [(&str, &str, &str, &str); 26] = [
    ("%pdf-", "pdf", "a PDF document", "application/pdf"),
    ("{\\rtf", "rtf", "an RTF document", "application/rtf"),
    ("%!ps", "ps", "PostScript", "application/postscript"),
    (
        "-----begin certificate",
        "pem",
        "a PEM certificate",
        "application/x-pem-file",
    ),
    (
        "-----begin openssh",
        "pem",
        "a private key",
        "application/x-pem-file",
    ),
    (
        "-----begin pgp",
        "pgp",
        "a PGP message or key",
        "application/pgp-encrypted",
    ),
    ("-----begin ", "pem", "PEM data", "application/x-pem-file"),
    ("ssh-rsa ", "pub", "an SSH public key", "text/plain"),
    ("ssh-ed25519 ", "pub", "an SSH public key", "text/plain"),
    ("#!", "script", "a script", "text/x-shellscript"),
    ("<?php", "php", "PHP source code", "text/x-php"),
    ("begin:vcard", "vcf", "contacts (vCard)", "text/vcard"),
    (
        "begin:vcalendar",
        "ics",
        "a calendar (iCalendar)",
        "text/calendar",
    ),
    ("diff --git ", "diff", "a diff", "text/x-diff"),
    ("--- a/", "diff", "a diff", "text/x-diff"),
    ("webvtt", "vtt", "subtitles (WebVTT)", "text/vtt"),
    ("#extm3u", "m3u", "a playlist", "audio/x-mpegurl"),
    ("\\documentclass", "tex", "LaTeX", "text/x-tex"),
    ("return-path: ", "eml", "an e-mail message", "message/rfc822"),
    ("received: from", "eml", "an e-mail message", "message/rfc822"),
    ("mime-version: ", "eml", "an e-mail message", "message/rfc822"),
    ("from mailer-daemon", "mbox", "a mailbox", "application/mbox"),
    ("%yaml", "yaml", "YAML", "application/yaml"),
    ("solid ", "stl", "a 3D model (STL)", "model/stl"),
    ("#?radiance", "hdr", "Radiance HDR image", "image/vnd.radiance"),
    ("/* xpm */", "xpm", "XPM image", "image/x-xpixmap"),
];

/// What `text` says it is.
pub(crate) fn identify(text: &Text) -> Option<Guess> {
    let body = text.content.trim_start();
    let head = floor(body, ROOT_BYTES).to_ascii_lowercase();
    for (start, format, looks_like, media_type) in STARTS {
        if head.starts_with(start) && (start != "solid " || head.contains("facet normal")) {
            let kind = media_type.starts_with("image/").then_some(Kind::Images);
            return Some(Guess::new(kind, format, looks_like, media_type, 0.97));
        }
    }
    head.starts_with('<').then(|| element(&head)).flatten()
}

/// Markup by its first elements: `head` is lower-case.
fn element(head: &str) -> Option<Guess> {
    let root = root(head)?;
    let is_xml = head.starts_with("<?xml");
    let guess = match root {
        "svg" | "svg:svg" => Guess::new(Some(Kind::Images), "svg", "SVG image", "image/svg+xml", 0.97),
        "html" | "head" | "body" | "!doctype html" | "div" | "script" | "table" | "p" | "meta" | "title"
        | "h1" | "style" => Guess::new(None, "html", "HTML", "text/html", 0.97),
        _ if is_xml || head.contains("</") || head.contains("/>") || head.contains("xmlns") => Guess::new(
            None,
            "xml",
            "XML",
            "application/xml",
            if is_xml { 0.97 } else { 0.8 },
        ),
        _ => return None,
    };
    Some(guess)
}

/// The name of the first element, what declares and comments left out; `!doctype html` if that is declared.
fn root(head: &str) -> Option<&str> {
    let mut rest = head;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("<?") {
            rest = after.split_once("?>")?.1;
        } else if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->")?.1;
        } else if let Some(after) = rest.strip_prefix("<!doctype") {
            if after.trim_start().starts_with("html") {
                return Some("!doctype html");
            }
            // An internal subset has elements of its own, in brackets.
            rest = match after.find(['[', '>']) {
                Some(end) if after.get(end..)?.starts_with('[') => {
                    after.split_once(']')?.1.split_once('>')?.1
                }
                Some(end) => after.get(end + 1..)?,
                None => return Some("!doctype"),
            };
        } else {
            let after = rest.strip_prefix('<')?;
            let end = after.find(|char: char| char.is_whitespace() || matches!(char, '>' | '/'))?;
            let name = after.get(..end)?;
            let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && name
                    .chars()
                    .all(|char| char.is_alphanumeric() || matches!(char, ':' | '-' | '_' | '.'));
            return is_name.then_some(name);
        }
    }
}

/// The first `length` bytes of `text`, or one to three fewer where a character would be cut.
fn floor(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}
