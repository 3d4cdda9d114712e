//! JSON text (RFC 8259), token by token: a place in it and what stands there.
//!
//! The text is UTF-8 that was checked before. Nothing is built: a number is a slice of the text, a string too until
//! someone wants its escapes resolved.

use super::Fault;

/// Objects and lists within each other, at most: more than people export, and few enough for every reader of what is
/// written (a list may be two messages of Protocol Buffers deep, and their parsers stop at 100).
pub const MAX_DEPTH: usize = 48;

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// A number, as far as 64 bits hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// An integer that an `i64` holds. `-0` is none: an integer would forget its sign.
    Int(i64),
    /// A larger one that a `u64` holds.
    Big(u64),
    /// One beyond that.
    Huge,
    /// No integer: there is a point, an exponent or a `-0`.
    No,
}

/// What stands between a string's quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) raw: &'a [u8],
    pub(super) is_escaped: bool,
    /// Offset of the raw text.
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Offset in the text.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The text from an offset to here.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes a byte that was peeked.
    #[inline]
    pub(super) const fn pass(&mut self) {
        self.at += 1;
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) const fn unexpected(&self, expected: &'static str) -> Fault {
        Fault::Syntax {
            at: self.at,
            expected,
        }
    }

    /// Passes bytes, if they stand here.
    #[inline]
    pub(super) fn take(&mut self, expected: &[u8]) -> bool {
        let stands = self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(expected));
        if stands {
            self.at += expected.len();
        }
        stands
    }

    /// Passes `true`, `false` or `null`.
    pub(super) fn literal(&mut self, literal: &'static str) -> Result<(), Fault> {
        if self.take(literal.as_bytes()) {
            Ok(())
        } else {
            Err(self.unexpected(literal))
        }
    }

    /// Passes a number and gives it as far as it is an integer.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Whole, Fault> {
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
        }
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - start;
        let leading_zero = digits > 1 && self.text.get(start) == Some(&b'0');
        if digits == 0 || leading_zero {
            self.at = start + usize::from(leading_zero);
            return Err(self.unexpected(if leading_zero {
                "no digit after a leading zero"
            } else {
                "a digit"
            }));
        }
        if let Some(b'.' | b'e' | b'E') = self.peek() {
            self.fraction_and_exponent()?;
            return Ok(Whole::No);
        }
        if digits <= 18 {
            let value = value.cast_signed();
            return Ok(match (negative, value) {
                (true, 0) => Whole::No,
                (true, value) => Whole::Int(-value),
                (false, value) => Whole::Int(value),
            });
        }
        // Up to 19 digits cannot have wrapped; of 20, those that a u64 holds are found by reading them again.
        let digits = std::str::from_utf8(self.since(start)).unwrap_or_default();
        Ok(match digits.parse::<u64>() {
            Ok(value) if negative => 0_i64.checked_sub_unsigned(value).map_or(Whole::Huge, Whole::Int),
            Ok(value) => i64::try_from(value).map_or(Whole::Big(value), Whole::Int),
            Err(_) => Whole::Huge,
        })
    }

    fn fraction_and_exponent(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    /// Passes a string. That its escapes are such is for [`Text::unescape`] to find.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Text<'a>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a string"));
        }
        self.at += 1;
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.at += plain_len(self.text.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    let raw = self.since(start);
                    self.at += 1;
                    return Ok(Text {
                        raw,
                        is_escaped,
                        at: start,
                    });
                }
                Some(b'\\') => {
                    is_escaped = true;
                    // The byte that follows is not the closing quote, whatever it is.
                    self.at += 2;
                }
                Some(_) => return Err(self.unexpected("a control character written as an escape")),
                None => {
                    self.at = self.text.len();
                    return Err(self.unexpected("the string's closing quote"));
                }
            }
        }
    }

    /// Passes a value; checks all of it. `depth` is that of what it stands in.
    pub(super) fn skip_value(&mut self, depth: usize) -> Result<(), Fault> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string()?.check(),
            Some(b'{') => {
                let mut members = self.open(b'}', depth)?;
                while members.next(self, "a comma or the closing brace")? {
                    self.string()?.check()?;
                    self.colon()?;
                    self.skip_value(depth + 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut items = self.open(b']', depth)?;
                while items.next(self, "a comma or the closing bracket")? {
                    self.skip_value(depth + 1)?;
                }
                Ok(())
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Passes the bracket that opens an object or a list.
    pub(super) const fn open(&mut self, close: u8, depth: usize) -> Result<Members, Fault> {
        if depth >= MAX_DEPTH {
            return Err(Fault::TooDeep { at: self.at });
        }
        self.at += 1;
        Ok(Members {
            close,
            is_first: true,
        })
    }

    #[inline]
    pub(super) fn colon(&mut self) -> Result<(), Fault> {
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Whether nothing follows but white space.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Fault::Trailing { at: self.at }),
        }
    }
}

/// What passes the commas and the closing bracket of an object or a list.
#[derive(Debug)]
pub(super) struct Members {
    close: u8,
    is_first: bool,
}

impl Members {
    /// Goes to the next member; whether there is one.
    #[inline]
    pub(super) fn next(&mut self, cursor: &mut Cursor<'_>, expected: &'static str) -> Result<bool, Fault> {
        cursor.skip_space();
        match cursor.peek() {
            Some(byte) if byte == self.close => {
                cursor.pass();
                return Ok(false);
            }
            Some(b',') if !self.is_first => {
                cursor.pass();
                cursor.skip_space();
            }
            Some(_) if self.is_first => self.is_first = false,
            _ => return Err(cursor.unexpected(expected)),
        }
        // After a comma, a closing bracket is no value and no key: what reads those refuses it.
        Ok(true)
    }
}

/// How many bytes at the front are neither a quote, nor a backslash, nor a control character.
#[inline]
fn plain_len(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 128;
    const QUOTES: u64 = ONES * 0x22;
    const SLASHES: u64 = ONES * 0x5C;
    let mut len = 0;
    let mut rest = text;
    // Eight at a time. A byte is found by a borrow of a subtraction, which can mark one behind a find as well, never
    // one before it.
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quotes = word ^ QUOTES;
        let slashes = word ^ SLASHES;
        let found = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quotes.wrapping_sub(ONES) & !quotes)
            | (slashes.wrapping_sub(ONES) & !slashes);
        let found = found & HIGHS;
        if found != 0 {
            return len + found.trailing_zeros() as usize / 8;
        }
        len += 8;
        rest = after;
    }
    let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
    len + rest.iter().take_while(is_plain).count()
}

impl Text<'_> {
    /// Whether every escape is one, and no surrogate is alone.
    pub(super) fn check(self) -> Result<(), Fault> {
        if self.is_escaped {
            return self.unescape(|_| ());
        }
        Ok(())
    }

    /// Adds the string to `out`.
    #[inline]
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.is_escaped {
            return self.unescape(|part| out.extend_from_slice(part));
        }
        out.extend_from_slice(self.raw);
        Ok(())
    }

    fn unescape(self, mut take: impl FnMut(&[u8])) -> Result<(), Fault> {
        let mut rest = self.raw;
        while let Some(plain) = memchr::memchr(b'\\', rest) {
            let (before, escape) = rest.split_at_checked(plain).unwrap_or_default();
            take(before);
            let at = self.at + self.raw.len() - escape.len();
            let short = |byte: &'static [u8]| (byte, 2);
            let mut utf8 = [0; 4];
            let (character, len): (&[u8], usize) = match escape.get(1) {
                Some(b'"') => short(b"\""),
                Some(b'\\') => short(b"\\"),
                Some(b'/') => short(b"/"),
                Some(b'b') => short(b"\x08"),
                Some(b'f') => short(b"\x0C"),
                Some(b'n') => short(b"\n"),
                Some(b'r') => short(b"\r"),
                Some(b't') => short(b"\t"),
                Some(b'u') => {
                    let (character, len) = unicode(escape, at)?;
                    (character.encode_utf8(&mut utf8).as_bytes(), len)
                }
                _ => {
                    return Err(Fault::Syntax {
                        at: at + 1,
                        expected: "an escape",
                    });
                }
            };
            take(character);
            rest = escape.get(len..).unwrap_or_default();
        }
        take(rest);
        Ok(())
    }
}

/// The character of `\u` and four hexadecimal digits, or of two that are a pair of surrogates, and how long the escape is.
fn unicode(escape: &[u8], at: usize) -> Result<(char, usize), Fault> {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0_u32, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    };
    let first = unit(0).ok_or(Fault::Syntax {
        at: at + 2,
        expected: "four hexadecimal digits",
    })?;
    let lone = Fault::LoneSurrogate { at };
    match first {
        0xD800..0xDC00 => match unit(6) {
            Some(second @ 0xDC00..0xE000) => {
                let character = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                char::from_u32(character)
                    .map(|character| (character, 12))
                    .ok_or(lone)
            }
            _ => Err(lone),
        },
        unit => char::from_u32(unit).map(|character| (character, 6)).ok_or(lone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Fault> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip_value(0)?;
        cursor.end()
    }

    #[test]
    fn faults_say_where() {
        let syntax = |at, expected| Err(Fault::Syntax { at, expected });
        assert_eq!(check(" [1, true, null, \"x\", {\"a\": -0.5e+3}] "), Ok(()));
        assert_eq!(check("[1 2]"), syntax(3, "a comma or the closing bracket"));
        assert_eq!(check("[1,]"), syntax(3, "a value"));
        assert_eq!(check("[,1]"), syntax(1, "a value"));
        assert_eq!(check("{\"a\":1,}"), syntax(7, "a string"));
        assert_eq!(check("{\"a\" 1}"), syntax(5, "a colon"));
        assert_eq!(check("01"), syntax(1, "no digit after a leading zero"));
        assert_eq!(check("-"), syntax(1, "a digit"));
        assert_eq!(check("1."), syntax(2, "a digit"));
        assert_eq!(
            check("\"a\tb\""),
            syntax(2, "a control character written as an escape")
        );
        assert_eq!(check("\"abc\\"), syntax(5, "the string's closing quote"));
        assert_eq!(check("\"abc\\x\""), syntax(5, "an escape"));
        assert_eq!(check("\"\\u12g4\""), syntax(3, "four hexadecimal digits"));
        assert_eq!(check("\"a\\ud83d!\""), Err(Fault::LoneSurrogate { at: 2 }));
        assert_eq!(check("{} x"), Err(Fault::Trailing { at: 3 }));
        let deep = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert_eq!(check(&deep), Ok(()));
        assert_eq!(check(&format!("[{deep}]")), Err(Fault::TooDeep { at: MAX_DEPTH }));
    }

    #[test]
    fn integers_are_told_by_what_holds_them() {
        let number = |text: &str| Cursor::new(text.as_bytes()).number();
        assert_eq!(number("0"), Ok(Whole::Int(0)));
        assert_eq!(number("-0"), Ok(Whole::No));
        assert_eq!(number("1e3"), Ok(Whole::No));
        assert_eq!(number("9223372036854775807"), Ok(Whole::Int(i64::MAX)));
        assert_eq!(number("-9223372036854775808"), Ok(Whole::Int(i64::MIN)));
        assert_eq!(number("-9223372036854775809"), Ok(Whole::Huge));
        assert_eq!(number("9223372036854775808"), Ok(Whole::Big(1 << 63)));
        assert_eq!(number("18446744073709551615"), Ok(Whole::Big(u64::MAX)));
        assert_eq!(number("18446744073709551616"), Ok(Whole::Huge));
        assert_eq!(number("100000000000000000000000000"), Ok(Whole::Huge));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_as_serde_json_does(text in "[\\[\\]{},:\"\\\\u0-9a-fA-F.eE+\\- truefalsn\u{1}é]{0,24}") {
            let ours = check(&text);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // It refuses numbers that an f64 does not hold.
            let too_large = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
            match theirs {
                Ok(_) => proptest::prop_assert_eq!(ours, Ok(())),
                Err(error) if too_large(&error) => {}
                Err(_) => proptest::prop_assert!(ours.is_err()),
            }
        }

        #[test]
        fn strings_are_what_they_say(text in "[\\PC\u{0}-\u{20}\"\\\\]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            let mut out = Vec::new();
            Cursor::new(json.as_bytes()).string().unwrap().write(&mut out).unwrap();
            proptest::prop_assert_eq!(out, text.as_bytes());
            let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let units = units.concat();
            let json = format!("\"{units}\"");
            let mut out = Vec::new();
            Cursor::new(json.as_bytes()).string().unwrap().write(&mut out).unwrap();
            proptest::prop_assert_eq!(out, text.as_bytes());
        }
    }
}
