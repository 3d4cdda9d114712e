//! Text whose only characters beyond ASCII are signs.

/// Whether what is not ASCII is, in Windows-1252, signs and no letters, and stands where such signs do: `£5`, `20 µm`, `m²`. A
/// detector goes by letters and has nothing to go by here.
pub(super) fn has_no_letters(bytes: &[u8]) -> bool {
    let around = |at: usize| (at.checked_sub(1).and_then(|at| bytes.get(at)), bytes.get(at + 1));
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii())
        .all(|(at, byte)| {
            let (before, after) = around(at);
            let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
            let is_alone = before.is_none_or(u8::is_ascii) && after.is_none_or(u8::is_ascii);
            let stands_right = match byte {
                // Pound, yen, plus-minus, fractions: letters of Central Europe elsewhere.
                0xA3 | 0xA5 | 0xB1 | 0xBC..=0xBE => !is_letter(before) && !is_letter(after),
                // Superscripts, of metres and of powers.
                0xB2 | 0xB3 | 0xB9 => matches!(before, Some(b'm' | b'0'..=b'9')) && !is_letter(after),
                // Ordinals.
                0xAA | 0xBA => before.is_some_and(u8::is_ascii_digit),
                // Micro.
                0xB5 => !is_letter(before),
                // An apostrophe.
                0x92 => true,
                // Quotes, dashes, and other signs.
                0x80
                | 0x82
                | 0x84..=0x87
                | 0x89
                | 0x8B
                | 0x91
                | 0x93..=0x97
                | 0x99
                | 0x9B
                | 0xA0..=0xA2
                | 0xA4
                | 0xA6..=0xA9
                | 0xAB..=0xAE
                | 0xB0
                | 0xB4
                | 0xB6..=0xB8
                | 0xBB => !(is_letter(before) && is_letter(after)),
                _ => false,
            };
            is_alone && stands_right
        })
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, WINDOWS_1252};

    use crate::source::TextEncoding;

    #[test]
    fn signs_alone_are_those_of_windows_1252() {
        for text in [
            "sku,price\nA1,\u{A3}5.00\nB2,\u{A3}7.50\n",
            "n,weight\n1,20 \u{B5}g\n2,\u{B1}5\n3,5\u{B0}C\n4,12 m\u{B2}\n",
            "n,note\n1,\u{AB}oui\u{BB}\n2,\u{BC} cup\n3,\u{A5}500\n4,it\u{2019}s\n5,1 \u{20AC} \u{2013} 2 \u{20AC}\n",
        ] {
            let (bytes, _, lossy) = WINDOWS_1252.encode(text);
            assert!(!lossy);
            let found = TextEncoding::find(&bytes, true, &[]);
            assert_eq!(found.name(), "windows-1252", "{text:?}");
        }
        for (label, text) in [
            (
                "windows-1250",
                "miasto,opis\n\u{141}\u{F3}d\u{17A},by\u{142}o \u{142}adnie\nPozna\u{144},\u{17C}ona i m\u{105}\u{17C}\n",
            ),
            (
                "windows-1250",
                "s\u{142}owo\nby\u{142}\nby\u{142}a\n\u{142}adny\n\u{17C}ona\ns\u{105}\n",
            ),
        ] {
            let (bytes, ..) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert_ne!(
                TextEncoding::find(&bytes, true, &[]).name(),
                "windows-1252",
                "{text:?}"
            );
        }
    }
}
