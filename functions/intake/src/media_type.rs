//! Whether what an uploader declared a file to be is what it is.

use crate::identify::Identified;

/// Types that say nothing of the content.
const GENERIC: [&str; 12] = [
    "",
    "*/*",
    "application/octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/download",
    "application/force-download",
    "application/x-download",
    "application/unknown",
    "application/x-unknown",
    "unknown/unknown",
    "multipart/form-data",
];

/// Groups of types that stand for each other; the first is what the others are taken for.
///
/// Browsers and clients choose among them by the name alone, and by what their system has registered: CSV is an Excel
/// type where Excel is installed.
const ALIASES: [&[&str]; 17] = [
    &[
        "text/csv",
        "application/csv",
        "application/x-csv",
        "text/x-csv",
        "text/comma-separated-values",
        "text/x-comma-separated-values",
        "application/vnd.ms-excel",
        "text/tab-separated-values",
        "text/tsv",
    ],
    &[
        "application/json",
        "text/json",
        "application/x-json",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
        "application/x-ldjson",
        "application/geo+json",
        "application/ld+json",
        "application/json-seq",
    ],
    &["image/jpeg", "image/jpg", "image/pjpeg"],
    &["image/png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"],
    &[
        "image/bmp",
        "image/x-bmp",
        "image/x-ms-bmp",
        "image/x-windows-bmp",
    ],
    &["image/tiff", "image/tif", "image/x-tiff"],
    &["image/vnd.microsoft.icon", "image/x-icon", "image/ico"],
    &["image/qoi", "image/x-qoi"],
    &[
        "image/heic",
        "image/heif",
        "image/heic-sequence",
        "image/heif-sequence",
    ],
    &["image/svg+xml", "image/svg"],
    &[
        "application/gzip",
        "application/x-gzip",
        "application/gzip-compressed",
        "application/x-gunzip",
        "application/x-tgz",
        "application/x-compressed-tar",
        "application/x-gtar-compressed",
        "application/tar+gzip",
    ],
    &[
        "application/zstd",
        "application/x-zstd",
        "application/zst",
        "application/x-zst",
    ],
    &[
        "application/zip",
        "application/x-zip",
        "application/x-zip-compressed",
        "application/zip-compressed",
        "multipart/x-zip",
        "application/java-archive",
        "application/x-java-archive",
    ],
    &["application/x-tar", "application/tar", "application/x-gtar"],
    &[
        "application/x-bzip2",
        "application/x-bzip",
        "application/bzip2",
        "application/x-bzip-compressed-tar",
    ],
    &["application/xml", "text/xml"],
    &["text/html", "application/xhtml+xml"],
];

/// Types of text of any form.
const TEXT: [&str; 5] = [
    "text/plain",
    "text/x-log",
    "text/log",
    "text/x-logfile",
    "application/x-log",
];

/// Types of source code and configuration that do not begin with `text/`.
const PROGRAM_TEXT: [&str; 10] = [
    "application/javascript",
    "application/x-javascript",
    "application/typescript",
    "application/x-sh",
    "application/x-python",
    "application/x-httpd-php",
    "application/sql",
    "application/toml",
    "application/yaml",
    "application/x-yaml",
];

/// Whether a file was declared to be something that it is not.
///
/// Nothing declared, and types that say nothing, are no mismatch; nor are other names of the same type, `text/plain` for
/// any text, the type of the content inside a compression, or that of the zip that a format is packed in.
#[must_use]
pub fn declared_mismatch(identified: &Identified, declared_media_type: Option<&str>) -> bool {
    let Some(declared) = declared_media_type else {
        return false;
    };
    // What follows a semicolon are parameters: `text/csv; charset=utf-8`.
    let declared = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if GENERIC.contains(&declared.as_str()) {
        return false;
    }
    if identified.encoding.is_some() && TEXT.contains(&declared.as_str()) {
        return false;
    }
    let declared = canonical(&declared);
    let is_known = ALIASES.iter().any(|group| group.contains(&declared));
    // Text that is told by no more than its letters may be what it was declared to be: a log of one's own, a script.
    let may_be_so = match identified.format.as_ref() {
        "empty" => true,
        "blank" => declared.starts_with("text/"),
        "text" | "code" | "config" | "log" | "script" => {
            !is_known && (declared.starts_with("text/") || PROGRAM_TEXT.contains(&declared))
        }
        _ => false,
    };
    let is_zip_based = declared == "application/zip"
        && [
            "docx", "xlsx", "pptx", "ooxml", "odt", "ods", "odp", "epub", "apk", "kmz", "npz",
        ]
        .contains(&identified.format.as_ref());
    !may_be_so
        && !is_zip_based
        && declared != canonical(&identified.media_type)
        && declared != canonical(&identified.content_media_type)
}

/// The first type of the group that `media_type` is in, or itself.
fn canonical(media_type: &str) -> &str {
    ALIASES
        .iter()
        .find(|group| group.contains(&media_type))
        .and_then(|group| group.first())
        .copied()
        .unwrap_or(media_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, identify};

    fn mismatch(bytes: &[u8], declared: &str) -> bool {
        let identified = identify(Sample {
            head: bytes,
            size_bytes: bytes.len() as u64,
            name: "",
        });
        declared_mismatch(&identified, Some(declared))
    }

    #[test]
    fn other_names_of_a_type_and_types_that_say_nothing_are_no_mismatch() {
        let csv = b"a,b\n1,2\n3,4\n";
        for declared in [
            "text/csv",
            "text/csv; charset=utf-8",
            "TEXT/CSV",
            "application/csv",
            "text/x-csv",
            "application/vnd.ms-excel",
            "text/plain",
            "application/octet-stream",
            "binary/octet-stream",
            "",
        ] {
            assert!(!mismatch(csv, declared), "{declared}");
        }
        for declared in ["image/png", "application/json", "application/zip", "text/html"] {
            assert!(mismatch(csv, declared), "{declared}");
        }
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x10JFIF";
        assert!(!mismatch(jpeg, "image/jpg"));
        assert!(mismatch(jpeg, "image/png"));
        assert!(mismatch(jpeg, "text/plain"));
        let zip = b"PK\x03\x04\x14\0\0\0\0\0";
        assert!(!mismatch(zip, "application/x-zip-compressed"));
        assert!(!mismatch(b"{\"a\":1}\n{\"a\":2}\n", "application/x-ndjson"));
        assert!(!mismatch(b"fn main() {\n    run();\n}\n", "text/x-rust"));
        assert!(!mismatch(b"a: 1\nb: 2\n", "application/yaml"));
        assert!(mismatch(b"fn main() {\n    run();\n}\n", "text/csv"));
        assert!(!mismatch(b"", "text/csv"));
        assert!(mismatch(b"\0\x01\x02\x03\x04\x05\x06\x07", "text/csv"));
    }

    #[test]
    fn nothing_declared_is_no_mismatch() {
        let identified = identify(Sample {
            head: b"a,b\n1,2\n",
            size_bytes: 8,
            name: "",
        });
        assert!(!declared_mismatch(&identified, None));
    }
}
