//! Texts of strangers in a page: escaped, with what would be invisible or turn the line around made visible.

use std::fmt::{self, Write};

/// Characters of a value that are shown.
const VALUE_CHARS: usize = 80;
/// Characters of a name that are shown.
const NAME_CHARS: usize = 120;

/// A text where text or an attribute's value may stand.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| escape(c, f))
    }
}

fn escape(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        // The control pictures stand in the controls' order.
        '\0'..='\x1F' => f.write_char(char::from_u32(0x2400 + u32::from(c)).unwrap_or('␀')),
        '\x7F' => f.write_char('␡'),
        c if is_invisible(c) => write!(f, "⟨U+{:04X}⟩", u32::from(c)),
        c => f.write_char(c),
    }
}

/// Controls, marks of direction, and what has no width.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9F}' | '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A name, shortened in its middle.
pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(no name)");
        }
        let count = self.0.chars().count();
        if count <= NAME_CHARS {
            return write!(f, "{}", Escaped(self.0));
        }
        let half = NAME_CHARS / 2;
        self.0.chars().take(half).try_for_each(|c| escape(c, f))?;
        f.write_char('…')?;
        self.0.chars().skip(count - half).try_for_each(|c| escape(c, f))
    }
}

/// A text value as markup: spaces at its ends marked, shortened, an empty one said in words.
pub(super) struct TextValue<'a>(pub(super) &'a str);

impl fmt::Display for TextValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("<i class=\"quiet\">empty text</i>");
        }
        let core = self.0.trim_matches(' ');
        let before = self.0.len() - self.0.trim_start_matches(' ').len();
        spaces(before, f)?;
        let mut chars = core.chars();
        chars.by_ref().take(VALUE_CHARS).try_for_each(|c| escape(c, f))?;
        if chars.next().is_some() {
            return f.write_char('…');
        }
        spaces(self.0.len() - before - core.len(), f)
    }
}

fn spaces(count: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if count == 0 {
        return Ok(());
    }
    let marks = "␣".repeat(count.min(8));
    write!(f, "<span class=\"space\">{marks}</span>")
}

/// A count with its thousands apart.
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&thousands(&self.0.to_string()))
    }
}

/// Puts commas between thousands of digits.
pub(super) fn thousands(digits: &str) -> String {
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A float to six significant digits.
pub(super) struct Float(pub(super) f64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && !(1e-4..1e15).contains(&size) {
            return f.write_str(&format!("{:.4e}", self.0).replace('-', "−"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 10"
        )]
        let decimals = (5.0 - size.max(1e-4).log10().floor()).clamp(0.0, 10.0) as usize;
        let digits = format!("{size:.decimals$}");
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.0 < 0.0 { "−" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", thousands(whole))
    }
}

/// A size in bytes, in units of 1,000.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unit = "bytes";
        #[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
        let mut size = self.0 as f64;
        for larger in ["kB", "MB", "GB", "TB", "PB"] {
            if size < 1000.0 {
                break;
            }
            size /= 1000.0;
            unit = larger;
        }
        if unit == "bytes" || size >= 100.0 {
            write!(f, "{size:.0} {unit}")
        } else {
            write!(f, "{size:.1} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let shown = Escaped("<script>alert(\"1\" & '2')</script>\n\u{202E}\0").to_string();
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;␊⟨U+202E⟩␀"
        );
    }

    #[test]
    fn ends_of_values_are_seen() {
        assert_eq!(
            TextValue(" a ").to_string(),
            "<span class=\"space\">␣</span>a<span class=\"space\">␣</span>"
        );
        assert_eq!(TextValue("  ").to_string(), "<span class=\"space\">␣␣</span>");
        assert_eq!(
            TextValue(&"é".repeat(100)).to_string(),
            "é".repeat(VALUE_CHARS) + "…"
        );
        assert_eq!(Name(&"a".repeat(500)).to_string().chars().count(), NAME_CHARS + 1);
    }

    #[test]
    fn numbers_read_well() {
        for (value, shown) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-1_234_567.891, "−1,234,568"),
            (0.001_234_567, "0.00123457"),
            (6.639_073_5, "6.63907"),
            (1e20, "1.0000e20"),
            (-1e-9, "−1.0000e−9"),
            (100.0, "100"),
        ] {
            assert_eq!(Float(value).to_string(), shown);
        }
        assert_eq!(Count(1_234_567).to_string(), "1,234,567");
        assert_eq!(Count(12).to_string(), "12");
        assert_eq!(Bytes(999).to_string(), "999 bytes");
        assert_eq!(Bytes(31_053_850).to_string(), "31.1 MB");
    }
}
