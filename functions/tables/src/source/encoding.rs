//! Which encoding a text is in, and the text in UTF-8.
//!
//! Found in this order: a byte order mark; UTF-16 by where its zeros stand; UTF-8 if the bytes are; Windows-1252 if all else are
//! signs of its, such as `£` and `µ`, or stand in a word or two of Western Europe, such as `naïve`; else what `chardetng` (the detector of Firefox) takes them for. Decoded by `encoding_rs`, which follows the WHATWG Encoding Standard.
//!
//! Bytes that the encoding does not have become the byte 0xFF, which UTF-8 does not have: the record they stand in is
//! rejected as not decodable. Where in the file anything stood, [`Decoded::progress`] tells (`places`). Text that is UTF-8
//! already is passed on unchanged.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Serialize, Serializer};

use super::{
    places::{Corrections, Progress, Stretch, Width},
    signs, words,
};

/// How many bytes are decoded at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// The decoder needs room for a character, and more.
const LEAST_BYTES: usize = 16;
/// What stands for bytes that cannot be decoded.
const UNDECODABLE: u8 = 0xFF;

/// The encoding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding {
    encoding: &'static Encoding,
    /// Bytes of the byte order mark that the text begins with.
    mark_bytes: usize,
}

impl Serialize for TextEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl TextEncoding {
    /// By a name that the WHATWG Encoding Standard has (`utf-8`, `windows-1252`, `latin1`, `shift_jis`, …).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Encoding::for_label(name.as_bytes())
            .or_else(|| name.eq_ignore_ascii_case("utf-16").then_some(UTF_16LE))
            .map(|encoding| Self {
                encoding,
                mark_bytes: 0,
            })
    }

    /// Its name: `UTF-8`, `UTF-16LE`, `windows-1252`; `UTF-8 with BOM` where it begins with a byte order mark.
    #[must_use]
    pub fn name(self) -> String {
        let mark = if self.mark_bytes > 0 { " with BOM" } else { "" };
        format!("{}{mark}", self.encoding.name())
    }

    pub(super) fn is_utf_16(self) -> bool {
        self.encoding == UTF_16LE || self.encoding == UTF_16BE
    }

    /// The same, with the byte order mark that `start` begins with.
    pub(super) fn with_mark(self, start: &[u8]) -> Self {
        match Encoding::for_bom(start) {
            // UTF-16 asked for without saying which: the mark does.
            Some((encoding, mark_bytes))
                if encoding == self.encoding || (self.encoding == UTF_16LE && encoding == UTF_16BE) =>
            {
                Self { encoding, mark_bytes }
            }
            _ => self,
        }
    }

    /// Finds the encoding of a text by its beginning and pieces from inside.
    pub(super) fn find(start: &[u8], is_whole: bool, inside: &[Vec<u8>]) -> Self {
        if let Some((encoding, mark_bytes)) = Encoding::for_bom(start) {
            return Self { encoding, mark_bytes };
        }
        let plain = |encoding| Self {
            encoding,
            mark_bytes: 0,
        };
        let head = start.get(..start.len().min(4096)).unwrap_or_default();
        if let Some(encoding) = utf_16_by_zeros(head) {
            return plain(encoding);
        }
        let (mut invalid, mut multibyte) = utf_8_errors(start, !is_whole);
        for piece in inside {
            // A piece may begin within a character.
            let within = piece
                .iter()
                .take(3)
                .take_while(|byte| (0x80..0xC0).contains(*byte));
            let piece = piece.get(within.count()..).unwrap_or_default();
            let (more_invalid, more_multibyte) = utf_8_errors(piece, true);
            invalid += more_invalid;
            multibyte += more_multibyte;
        }
        // A few damaged characters do not make UTF-8 something else, and more do not in JSON, which is UTF-8 by its standard
        // (RFC 8259, section 8.1).
        let is_json = matches!(start.trim_ascii_start(), [b'{' | b'[', ..]);
        let most = if is_json {
            1 + multibyte * 2
        } else {
            1 + multibyte / 4
        };
        if invalid == 0 || (multibyte > 0 && invalid <= most) {
            return plain(UTF_8);
        }
        if std::iter::once(start)
            .chain(inside.iter().map(Vec::as_slice))
            .all(signs::has_no_letters)
        {
            return plain(WINDOWS_1252);
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        for piece in inside {
            detector.feed(piece, false);
        }
        detector.feed(start, true);
        let guess = detector.guess(None, Utf8Detection::Deny);
        let pieces = std::iter::once(start).chain(inside.iter().map(Vec::as_slice));
        if words::may_be_western(guess, pieces) {
            return plain(WINDOWS_1252);
        }
        plain(guess)
    }

    /// The text of a piece, and where it stood in it; `is_start` says that it is the file's beginning.
    pub(super) fn decode_piece(self, bytes: &[u8], is_start: bool) -> (Vec<u8>, Stretch) {
        let encoding = if is_start {
            self
        } else {
            Self {
                mark_bytes: 0,
                ..self
            }
        };
        let mut decoded = Decoded::new(bytes, encoding);
        decoded.is_piece = true;
        let mut text = vec![0; bytes.len() * 3 + 16];
        let mut length = 0;
        while let Some(free) = text.get_mut(length..).filter(|free| !free.is_empty()) {
            match decoded.read(free) {
                Ok(0) | Err(_) => break,
                Ok(read) => length += read,
            }
        }
        text.truncate(length);
        let stretch = decoded.progress().pass(&text);
        (text, stretch)
    }
}

/// How many invalid sequences and how many characters of several bytes there are; one at the very end is not invalid if
/// the text `may_go_on`.
fn utf_8_errors(bytes: &[u8], may_go_on: bool) -> (usize, usize) {
    if bytes.is_ascii() {
        return (0, 0);
    }
    let (mut invalid, mut multibyte) = (0, 0);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        multibyte += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        let is_cut = may_go_on && chunks.peek().is_none();
        invalid += usize::from(!chunk.invalid().is_empty() && !is_cut);
    }
    (invalid, multibyte)
}

/// UTF-16 without a byte order mark: in Latin text every other byte is zero.
pub(super) fn utf_16_by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if head.len() >= 4 && odd * 10 > head.len() * 3 && even * 50 <= head.len() {
        return Some(UTF_16LE);
    }
    (head.len() >= 4 && even * 10 > head.len() * 3 && odd * 50 <= head.len()).then_some(UTF_16BE)
}

/// A text in UTF-8, streamed.
pub struct Decoded<R> {
    reader: R,
    /// None: it is UTF-8 already.
    decoder: Option<encoding_rs::Decoder>,
    skip_bytes: usize,
    mark_bytes: usize,
    /// `chunk[from..to]` is read and not decoded.
    chunk: Vec<u8>,
    from: usize,
    to: usize,
    width: Width,
    corrections: Corrections,
    /// How much text was given.
    text: u64,
    /// Bytes of the file decoded since its text was last right about them, and how many it says they are.
    taken: u64,
    guessed: u64,
    /// Decoded for a buffer that had too little room.
    spare: VecDeque<u8>,
    ended: bool,
    flushed: bool,
    /// A piece may end within a character, which is left out.
    is_piece: bool,
    pending: usize,
}

impl<R> std::fmt::Debug for Decoded<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Decoded")
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(reader: R, encoding: TextEncoding) -> Self {
        let is_utf_8 = encoding.encoding == UTF_8;
        Self {
            reader,
            decoder: (!is_utf_8).then(|| encoding.encoding.new_decoder_without_bom_handling()),
            skip_bytes: encoding.mark_bytes,
            mark_bytes: encoding.mark_bytes,
            chunk: Vec::new(),
            from: 0,
            to: 0,
            width: Width::of(encoding.encoding),
            corrections: Corrections::default(),
            text: 0,
            taken: 0,
            guessed: 0,
            spare: VecDeque::new(),
            ended: false,
            flushed: false,
            is_piece: false,
            pending: 0,
        }
    }

    /// Tells where in the file the text stood, to one who passes all of it.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.width, self.corrections.clone(), self.mark_bytes as u64)
    }

    /// What is decoded next: to the end of a line where what was taken is to be compared there.
    fn undecoded(&self) -> (&[u8], bool) {
        let bytes = self.chunk.get(self.from..self.to).unwrap_or_default();
        if self.width != Width::Varying {
            return (bytes, false);
        }
        // In none of these encodings is a byte of another character a line feed.
        match memchr::memchr(b'\n', bytes).and_then(|at| bytes.get(..=at)) {
            Some(line) => (line, true),
            None => (bytes, false),
        }
    }

    /// At the end of a line: whether the text is right about the bytes it was.
    fn compare(&mut self) {
        if self.taken != self.guessed {
            self.corrections
                .add(self.text, self.taken.cast_signed() - self.guessed.cast_signed());
        }
        (self.taken, self.guessed) = (0, 0);
    }

    fn pass_mark(&mut self) -> io::Result<()> {
        while self.skip_bytes > 0 {
            let mut mark = [0; 4];
            let wanted = self.skip_bytes.min(mark.len());
            let read = self.reader.read(mark.get_mut(..wanted).unwrap_or_default())?;
            if read == 0 {
                self.skip_bytes = 0;
                break;
            }
            self.skip_bytes -= read;
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            self.chunk = vec![0; CHUNK_BYTES];
        }
        self.from = 0;
        self.to = self.reader.read(&mut self.chunk)?;
        self.ended = self.to == 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pass_mark()?;
        if self.decoder.is_none() {
            return self.reader.read(buffer);
        }
        if self.spare.is_empty() {
            if buffer.len() >= LEAST_BYTES {
                return self.decode(buffer);
            }
            // Nothing read would be the end of the text.
            let mut more = [0; 4 * LEAST_BYTES];
            let length = self.decode(&mut more)?;
            self.spare.extend(more.get(..length).unwrap_or_default());
        }
        self.spare.read(buffer)
    }
}

impl<R: Read> Decoded<R> {
    /// Decodes into a buffer of at least [`LEAST_BYTES`]; nothing is the end.
    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        loop {
            let room = buffer.get_mut(written..).unwrap_or_default();
            if self.pending > 0 {
                let Some(first) = room.first_mut() else {
                    return Ok(written);
                };
                *first = UNDECODABLE;
                self.pending -= 1;
                self.guessed += self.width.bytes(&[UNDECODABLE]);
                written += 1;
                self.text += 1;
                continue;
            }
            if self.flushed || room.len() < LEAST_BYTES {
                return Ok(written);
            }
            if self.from == self.to && !self.ended {
                if written > 0 {
                    return Ok(written);
                }
                self.fill()?;
            }
            let Some(mut decoder) = self.decoder.take() else {
                return Ok(written);
            };
            let (bytes, is_line) = self.undecoded();
            let last = self.ended && !self.is_piece;
            let (result, read, wrote) = decoder.decode_to_utf8_without_replacement(bytes, room, last);
            self.decoder = Some(decoder);
            self.from += read;
            written += wrote;
            self.text += wrote as u64;
            if self.width == Width::Varying {
                self.taken += read as u64;
                let wrote = room.get(..wrote).unwrap_or_default();
                self.guessed += self.width.bytes(wrote);
            }
            match result {
                DecoderResult::InputEmpty if is_line => self.compare(),
                DecoderResult::InputEmpty => self.flushed = self.ended,
                DecoderResult::OutputFull => return Ok(written),
                DecoderResult::Malformed(..) => self.pending += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(bytes: &[u8]) -> TextEncoding {
        TextEncoding::find(bytes, true, &[])
    }

    /// Gives at most three bytes a read.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(3);
            self.0.read(&mut buffer[..length])
        }
    }

    fn decode(bytes: &[u8]) -> (String, Vec<u8>, Stretch) {
        let encoding = find(bytes);
        let mut decoded = Decoded::new(Trickle(bytes), encoding);
        let mut text = Vec::new();
        let mut buffer = [0; 40];
        loop {
            match decoded.read(&mut buffer).unwrap() {
                0 => break,
                read => text.extend_from_slice(&buffer[..read]),
            }
        }
        let stretch = decoded.progress().pass(&text);
        (encoding.name(), text, stretch)
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_becomes_utf_8() {
        let text = "name,Ort\nJürgen,Köln 😀 €\n".repeat(20);
        let latin = "name,Ort\nJürgen,Köln\n".repeat(20);
        let latin_bytes: Vec<u8> = latin.chars().map(|char| u8::try_from(char).unwrap()).collect();
        for (bytes, name, expected) in [
            (text.clone().into_bytes(), "UTF-8", &text),
            (["\u{FEFF}", &text].concat().into_bytes(), "UTF-8 with BOM", &text),
            (utf_16(&text, u16::to_le_bytes), "UTF-16LE", &text),
            (utf_16(&text, u16::to_be_bytes), "UTF-16BE", &text),
            (
                utf_16(&["\u{FEFF}", &text].concat(), u16::to_le_bytes),
                "UTF-16LE with BOM",
                &text,
            ),
            (
                utf_16(&["\u{FEFF}", &text].concat(), u16::to_be_bytes),
                "UTF-16BE with BOM",
                &text,
            ),
            (latin_bytes, "windows-1252", &latin),
        ] {
            let (found, decoded, stretch) = decode(&bytes);
            assert_eq!(found, name);
            let mut places = stretch.places(&decoded);
            assert_eq!(places.file_offset(decoded.len()), bytes.len() as u64, "{name}");
            assert_eq!(String::from_utf8(decoded).unwrap(), *expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_marked_and_placed() {
        // A lone surrogate at byte 14.
        let mut bytes = utf_16("\u{FEFF}a,b\n1,", u16::to_le_bytes);
        assert_eq!(bytes.len(), 14);
        bytes.extend([0x00, 0xD8]);
        bytes.extend(utf_16("\n3,4\n", u16::to_le_bytes));
        let (_, text, stretch) = decode(&bytes);
        assert_eq!(text, b"a,b\n1,\xFF\n3,4\n");
        let mut places = stretch.places(&text);
        assert_eq!([6, 7, 8, 0].map(|at| places.file_offset(at)), [14, 16, 18, 2]);
    }

    #[test]
    fn a_buffer_with_little_room_does_not_end_the_text() {
        let text = "a,b\n1,é😀\n".repeat(50);
        for room in 1..40 {
            let bytes = utf_16(&["\u{FEFF}", &text].concat(), u16::to_le_bytes);
            let mut decoded = Decoded::new(bytes.as_slice(), find(&bytes));
            let (mut read, mut buffer) = (Vec::new(), vec![0; room]);
            loop {
                match decoded.read(&mut buffer).unwrap() {
                    0 => break,
                    length => read.extend_from_slice(&buffer[..length]),
                }
            }
            assert_eq!(String::from_utf8(read).unwrap(), text, "{room}");
        }
    }

    #[test]
    fn a_damaged_character_does_not_make_utf_8_something_else() {
        let text = ["é,ü\n".repeat(10).into_bytes(), b"\xC3,x\n".to_vec()].concat();
        assert_eq!(find(&text).name(), "UTF-8");
        assert_eq!(decode(&text).1, text);
    }

    #[test]
    fn encodings_go_by_their_web_names() {
        for (name, expected) in [
            ("utf-8", "UTF-8"),
            ("latin1", "windows-1252"),
            ("UTF-16", "UTF-16LE"),
            ("shift_jis", "Shift_JIS"),
        ] {
            assert_eq!(TextEncoding::by_name(name).unwrap().name(), expected);
        }
        assert_eq!(TextEncoding::by_name("ebcdic"), None);
    }
}
