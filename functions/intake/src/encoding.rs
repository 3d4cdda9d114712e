//! Text out of bytes: which encoding they are in, or that they are no text.

use std::fmt;

use serde::Serialize;

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8 and ASCII.
    Utf8,
    /// UTF-8 that begins with a byte order mark.
    Utf8Bom,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// One byte a character, Windows-1252 or one of its kin: which of them the bytes do not say.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with a byte order mark",
            Self::Utf16Le => "UTF-16, little-endian",
            Self::Utf16Be => "UTF-16, big-endian",
            Self::Windows1252 => "Windows-1252 or a similar encoding",
        })
    }
}

/// A sample that is text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// The text with `\n` for line ends, without a last line that the sample's end cut.
    pub(crate) content: String,
    /// What it was before.
    pub(crate) encoding: Encoding,
    /// Whether the sample is the whole file.
    pub(crate) whole: bool,
}

impl Text {
    /// The lines that hold something.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.content.lines().filter(|line| !line.trim().is_empty())
    }
}

/// The text that `head` is, or none if it is binary.
pub(crate) fn decode(head: &[u8], whole: bool) -> Option<Text> {
    let (encoding, text) = match head {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return None,
        [0xEF, 0xBB, 0xBF, rest @ ..] => {
            if is_binary(rest) {
                return None;
            }
            (Encoding::Utf8Bom, String::from_utf8_lossy(rest).into_owned())
        }
        [0xFF, 0xFE, rest @ ..] => (Encoding::Utf16Le, utf16(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => (Encoding::Utf16Be, utf16(rest, u16::from_be_bytes)),
        _ => without_mark(head)?,
    };
    if matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be) && !is_plausible(&text) {
        return None;
    }
    Some(Text {
        content: complete_lines(text, whole),
        encoding,
        whole,
    })
}

fn without_mark(head: &[u8]) -> Option<(Encoding, String)> {
    let nuls = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    // Latin text in UTF-16 is every other byte a NUL.
    let (even, odd) = (nuls(0), nuls(1));
    if head.len() >= 4 && odd * 10 > head.len() * 3 && even * 50 <= head.len() {
        let text = utf16(head, u16::from_le_bytes);
        return is_plausible(&text).then_some((Encoding::Utf16Le, text));
    }
    if head.len() >= 4 && even * 10 > head.len() * 3 && odd * 50 <= head.len() {
        let text = utf16(head, u16::from_be_bytes);
        return is_plausible(&text).then_some((Encoding::Utf16Be, text));
    }
    if is_binary(head) {
        return None;
    }
    let (mut invalid, mut multibyte) = (0_usize, 0_usize);
    for chunk in head.utf8_chunks() {
        multibyte += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    // A sample may end within a character; a few damaged characters do not make UTF-8 something else.
    if invalid <= 1 + multibyte / 4 && (multibyte > 0 || invalid == 0) {
        Some((Encoding::Utf8, String::from_utf8_lossy(head).into_owned()))
    } else {
        Some((
            Encoding::Windows1252,
            head.iter().map(|byte| windows_1252(*byte)).collect(),
        ))
    }
}

/// Whether there are more control bytes than a damaged text has.
fn is_binary(bytes: &[u8]) -> bool {
    let (mut nuls, mut controls) = (0_usize, 0_usize);
    for byte in bytes {
        match byte {
            0 => nuls += 1,
            // Hive's and ASCII's own delimiters among them: the tab, the line ends, 0x01 and 0x1C to 0x1F.
            0x01 | b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | 0x1A..=0x1F => {}
            0x02..=0x1F | 0x7F => controls += 1,
            _ => {}
        }
    }
    bytes.first() == Some(&0) || nuls * 20 > bytes.len() || controls * 50 > bytes.len()
}

/// Whether text that was read as UTF-16 reads like one: few control and unassigned characters.
fn is_plausible(text: &str) -> bool {
    let (mut all, mut bad) = (0_usize, 0_usize);
    for char in text.chars() {
        all += 1;
        let is_bad = (char.is_control() && !matches!(char, '\t' | '\n' | '\r'))
            || matches!(char, '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' | '\u{FFF0}'..='\u{FFFF}');
        bad += usize::from(is_bad);
    }
    bad * 20 <= all
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match *pair {
        [a, b] => unit([a, b]),
        _ => 0,
    });
    char::decode_utf16(units)
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// The character of a byte in Windows-1252, as the WHATWG Encoding Standard has it.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    byte.checked_sub(0x80)
        .and_then(|index| HIGH.get(usize::from(index)).copied())
        .unwrap_or(char::from(byte))
}

/// `text` with `\n` for every line end and, unless it is `whole`, without its last, cut line.
fn complete_lines(text: String, whole: bool) -> String {
    let mut text = if text.contains('\n') {
        if text.contains('\r') {
            text.replace("\r\n", "\n")
        } else {
            text
        }
    } else {
        text.replace('\r', "\n")
    };
    if !whole && let Some(end) = text.rfind('\n') {
        text.truncate(end + 1);
    }
    text
}
