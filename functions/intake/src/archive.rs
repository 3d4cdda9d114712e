//! Archives by their first structure: tar by its header's checksum, zip by its first entries.

use memchr::memmem;

use crate::identify::{Guess, Kind};

const ZIP_MEDIA_TYPE: &str = "application/zip";

/// The archive that begins like `head`.
pub(crate) fn identify(head: &[u8], whole: bool) -> Option<Guess> {
    if let Some(confidence) = tar(head) {
        return Some(Guess::new(
            Some(Kind::Audit),
            "tar",
            "a tar archive",
            "application/x-tar",
            confidence,
        ));
    }
    if matches!(
        head,
        [b'P', b'K', 3, 4, ..]
            | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..]
            | [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..]
    ) {
        return Some(zip(head, whole));
    }
    // An archive without entries, or one behind something else, such as the program that unpacks it.
    (whole && has_end_record(head)).then(|| {
        Guess::new(
            Some(Kind::Audit),
            "zip",
            "a zip archive",
            ZIP_MEDIA_TYPE,
            if head.starts_with(b"PK") { 0.95 } else { 0.8 },
        )
    })
}

/// How sure it is that a tar header begins here, or none.
///
/// The header's checksum is the sum of its bytes with the checksum itself as spaces, in octal: POSIX.1-1988 `ustar`,
/// and the same in the V7 format before it, which has no other mark.
fn tar(head: &[u8]) -> Option<f32> {
    let block = head.get(..512)?;
    let digits = block.get(148..156)?;
    let mut checksum: Option<i64> = None;
    for byte in digits.iter().skip_while(|byte| **byte == b' ') {
        match byte {
            b'0'..=b'7' => checksum = Some(checksum.unwrap_or(0) * 8 + i64::from(byte - b'0')),
            b' ' | 0 => break,
            _ => {
                checksum = None;
                break;
            }
        }
    }
    let is_posix = block.get(257..262) == Some(b"ustar");
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        // Some old writers summed signed characters.
        signed += i64::from(i8::from_ne_bytes([byte]));
    }
    match checksum {
        Some(sum) if sum == unsigned || sum == signed => Some(if is_posix { 1.0 } else { 0.95 }),
        _ if is_posix => Some(0.7),
        _ => None,
    }
}

/// Whether the end of a zip's central directory is here, with nothing that contradicts it.
fn has_end_record(head: &[u8]) -> bool {
    memmem::rfind(head, b"PK\x05\x06").is_some_and(|start| {
        let Some([disk, _, start_disk, _, _, _, _, _]) = head.get(start + 4..start + 12) else {
            return false;
        };
        let Some([low, high]) = head.get(start + 20..start + 22) else {
            return false;
        };
        let comment = usize::from(u16::from_le_bytes([*low, *high]));
        disk == start_disk && start + 22 + comment <= head.len()
    })
}

/// How many entries of a zip are looked at.
const ENTRIES: usize = 200;

/// What a zip is by its first entries: an archive, a package of software, or a document of another kind.
fn zip(head: &[u8], whole: bool) -> Guess {
    let audit =
        |format, looks_like, media_type| Guess::new(Some(Kind::Audit), format, looks_like, media_type, 0.97);
    let other = |format, looks_like, media_type| Guess::new(None, format, looks_like, media_type, 0.95);
    let names = entry_names(head);
    let has = |test: &dyn Fn(&[u8]) -> bool| names.iter().any(|name| test(name));
    let begins = |prefix: &'static [u8]| has(&|name: &[u8]| name.starts_with(prefix));
    let is = |wanted: &'static [u8]| has(&|name: &[u8]| name == wanted);
    // A document has the entry that lists its parts besides the one that declares it.
    let has_parts = [
        &b"META-INF/manifest.xml"[..],
        b"META-INF/container.xml",
        b"content.xml",
        b"stack.xml",
    ]
    .into_iter()
    .any(is);
    if (has_parts || !whole)
        && let Some(document) = declared_document(head)
    {
        return document;
    }
    if is(b"[Content_Types].xml") || begins(b"_rels/") {
        return if begins(b"word/") {
            other(
                "docx",
                "a Word document",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            )
        } else if begins(b"xl/") {
            other(
                "xlsx",
                "an Excel workbook",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        } else if begins(b"ppt/") {
            other(
                "pptx",
                "a PowerPoint presentation",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            )
        } else if has(&|name: &[u8]| name.ends_with(b".nuspec")) {
            audit("nupkg", "a NuGet package", ZIP_MEDIA_TYPE)
        } else if is(b"extension.vsixmanifest") {
            audit("vsix", "a Visual Studio extension", ZIP_MEDIA_TYPE)
        } else if is(b"[Content_Types].xml") {
            other("ooxml", "an Office Open XML document", "application/zip")
        } else {
            audit("zip", "a zip archive", ZIP_MEDIA_TYPE)
        };
    }
    if is(b"AndroidManifest.xml") {
        audit(
            "apk",
            "an Android package",
            "application/vnd.android.package-archive",
        )
    } else if begins(b"WEB-INF/") {
        audit("war", "a Java web archive", "application/java-archive")
    } else if begins(b"META-INF/MANIFEST.MF")
        || names.first().is_some_and(|name| name.starts_with(b"META-INF/"))
    {
        audit("jar", "a Java archive", "application/java-archive")
    } else if has(&|name: &[u8]| {
        name.ends_with(b".dist-info/WHEEL") || name.ends_with(b".dist-info/METADATA")
    }) {
        audit("whl", "a Python wheel", ZIP_MEDIA_TYPE)
    } else if names.first().is_some_and(|name| *name == b"doc.kml") {
        other("kmz", "a KMZ map", "application/vnd.google-earth.kmz")
    } else if !names.is_empty() && names.iter().all(|name| name.ends_with(b".npy")) {
        other("npz", "NumPy arrays", "application/x-npz")
    } else {
        audit("zip", "a zip archive", ZIP_MEDIA_TYPE)
    }
}

/// The document whose media type lies uncompressed in the first entry, `mimetype`: `OpenDocument` and EPUB, by OCF 3.3.
fn declared_document(head: &[u8]) -> Option<Guess> {
    let content = head.get(30..)?.strip_prefix(b"mimetype")?;
    if content.starts_with(b"application/epub+zip") {
        return Some(Guess::new(
            None,
            "epub",
            "an EPUB book",
            "application/epub+zip",
            0.98,
        ));
    }
    if content.starts_with(b"image/openraster") {
        return Some(Guess::new(
            Some(Kind::Images),
            "ora",
            "OpenRaster image",
            "image/openraster",
            0.95,
        ));
    }
    let rest = content.strip_prefix(b"application/vnd.oasis.opendocument.")?;
    let (format, looks_like, media_type) = if rest.starts_with(b"text") {
        (
            "odt",
            "an OpenDocument text",
            "application/vnd.oasis.opendocument.text",
        )
    } else if rest.starts_with(b"spreadsheet") {
        (
            "ods",
            "an OpenDocument spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet",
        )
    } else if rest.starts_with(b"presentation") {
        (
            "odp",
            "an OpenDocument presentation",
            "application/vnd.oasis.opendocument.presentation",
        )
    } else {
        ("opendocument", "an OpenDocument file", "application/zip")
    };
    Some(Guess::new(None, format, looks_like, media_type, 0.98))
}

/// The names of the entries whose local headers lie in the sample.
fn entry_names(head: &[u8]) -> Vec<&[u8]> {
    let finder = memmem::Finder::new(b"PK\x03\x04");
    let mut names = Vec::new();
    let mut from = 0;
    // Searched for rather than followed: sizes may stand behind the data, and a search cannot be sent astray.
    while names.len() < ENTRIES
        && let Some(rest) = head.get(from..)
        && let Some(found) = finder.find(rest)
    {
        let start = from + found;
        if let Some([low, high]) = head.get(start + 26..start + 28) {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            if let Some(name) = head.get(start + 30..start + 30 + length) {
                names.push(name);
            }
        }
        from = start + 4;
    }
    names
}
