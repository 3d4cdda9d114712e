//! Text with hardly a word in it that is not ASCII.

use std::collections::BTreeSet;

use encoding_rs::{
    Encoding, ISO_8859_2, ISO_8859_4, ISO_8859_10, ISO_8859_13, ISO_8859_14, ISO_8859_16, WINDOWS_1250,
    WINDOWS_1252, WINDOWS_1257, WINDOWS_1258,
};

/// What a detector takes a word of Western Europe for, if it has no other word to go by.
const RARER: [&Encoding; 9] = [
    ISO_8859_2,
    ISO_8859_4,
    ISO_8859_10,
    ISO_8859_13,
    ISO_8859_14,
    ISO_8859_16,
    WINDOWS_1250,
    WINDOWS_1257,
    WINDOWS_1258,
];
/// With more words there is enough to go by.
const FEW: usize = 2;
/// The letters beyond ASCII of languages, by groups whose letters stand in one word.
const LETTERS: [&str; 6] = [
    // French, Dutch.
    "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ",
    // German, Swedish, Finnish.
    "äöüßåéÄÖÜÅÉ",
    // Danish, Norwegian.
    "æøåéöüÆØÅÉÖÜ",
    // Spanish, Catalan.
    "áéíóúüñçàèòïÁÉÍÓÚÜÑÇÀÈÒ",
    // Portuguese.
    "áâãàçéêíóôõúüÁÂÃÀÇÉÊÍÓÔÕÚÜ",
    // Italian.
    "àèéìîòùÀÈÉÌÒÙ",
];

/// Whether text that a detector takes for one of Central Europe or the Baltic has so few words beyond ASCII, each of them possible
/// in Western Europe, that it is likelier from there.
pub(super) fn may_be_western<'a>(guess: &'static Encoding, pieces: impl Iterator<Item = &'a [u8]>) -> bool {
    if !RARER.contains(&guess) {
        return false;
    }
    let mut few = BTreeSet::new();
    for word in pieces.flat_map(words) {
        few.insert(word);
        if few.len() > FEW {
            return false;
        }
    }
    few.into_iter().all(|word| {
        let (word, _) = WINDOWS_1252.decode_without_bom_handling(word);
        let is_in = |letters: &&str| {
            word.chars()
                .all(|letter| letter.is_ascii() || letters.contains(letter))
        };
        LETTERS.iter().any(is_in)
    })
}

/// The words that are not ASCII.
fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    bytes
        .split(move |byte| !is_letter(byte))
        .filter(|word| !word.is_ascii())
}

#[cfg(test)]
mod tests {
    use encoding_rs::Encoding;

    use crate::source::TextEncoding;

    fn found(label: &str, words: &[&str]) -> String {
        let text = format!(
            "id,note\n1,John Smith\n{}2,plain text\n",
            words
                .iter()
                .map(|word| format!("7,the {word}\n"))
                .collect::<Vec<_>>()
                .concat()
        );
        let (bytes, _, lossy) = Encoding::for_label(label.as_bytes()).unwrap().encode(&text);
        assert!(!lossy, "{words:?}");
        TextEncoding::find(&bytes, true, &[]).name()
    }

    #[test]
    fn a_word_of_western_europe_is_read_as_it_was_written() {
        for word in [
            "na\u{EF}ve",
            "Troms\u{F8}",
            "Forl\u{EC}",
            "H\u{E9}l\u{E8}ne",
            "Beno\u{EE}t",
            "\u{C6}ther",
            "caf\u{E9}",
            "M\u{FC}ller",
            "S\u{E3}o",
            "Pe\u{F1}a",
        ] {
            assert_eq!(found("windows-1252", &[word]), "windows-1252", "{word}");
        }
        assert_eq!(
            found("windows-1252", &["na\u{EF}ve", "Beno\u{EE}t"]),
            "windows-1252"
        );
    }

    #[test]
    fn other_words_are_not() {
        for (label, words) in [
            ("windows-1250", &["\u{141}\u{F3}d\u{17A}", "Pozna\u{144}"][..]),
            (
                "windows-1250",
                &["Dvo\u{159}\u{E1}k", "\u{10C}ern\u{FD}", "P\u{159}\u{ED}bram"],
            ),
            (
                "windows-1257",
                &[
                    "\u{160}iauliai",
                    "K\u{117}dainiai",
                    "Klaip\u{117}da",
                    "Maži\u{16B}nai",
                ],
            ),
        ] {
            assert_ne!(found(label, words), "windows-1252", "{words:?}");
        }
    }
}
