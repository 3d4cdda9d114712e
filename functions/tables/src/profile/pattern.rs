//! What a text looks like, by a cheap look: a form that has a name, or its shape.

/// The longest shape, in characters; what follows is `…`.
const SHAPE_CHARS: usize = 24;
/// Runs of digits and capitals up to this long are told by their length.
const TOLD_RUN: usize = 5;
/// So many words and more are prose.
const PROSE_WORDS: usize = 5;

/// The pattern of a text, and whether it is the name of a form.
pub(crate) fn classify(text: &str) -> (String, bool) {
    match name(text) {
        Some(name) => (name.to_owned(), true),
        None => (shape(text), false),
    }
}

fn name(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Some("empty");
    }
    if text.trim().is_empty() {
        return Some("blank");
    }
    if is_uuid(bytes) {
        return Some("uuid");
    }
    if is_url(text) {
        return Some("url");
    }
    if is_email(text) {
        return Some("email");
    }
    let first = *bytes.first()?;
    if first.is_ascii_digit() || matches!(first, b'+' | b'(' | b'-' | b'.') {
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Some("ipv4");
        }
        if let Some(name) = date_or_time(bytes) {
            return Some(name);
        }
        if is_phone(bytes) {
            return Some("phone");
        }
    }
    if bytes.len() <= 45
        && text.matches(':').count() >= 2
        && text.contains(|c: char| c.is_ascii_hexdigit())
        && text.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return Some("ipv6");
    }
    let is_bracketed = |open, close| first == open && bytes.len() > 1 && bytes.last() == Some(&close);
    if is_bracketed(b'{', b'}') || is_bracketed(b'[', b']') {
        return Some("json");
    }
    (text.split_ascii_whitespace().take(PROSE_WORDS).count() == PROSE_WORDS).then_some("prose")
}

/// `9` stands for a digit, anything else for itself.
fn fits(bytes: &[u8], form: &str) -> bool {
    bytes.len() == form.len()
        && bytes.iter().zip(form.bytes()).all(|(byte, form)| match form {
            b'9' => byte.is_ascii_digit(),
            form => *byte == form,
        })
}

fn date_or_time(bytes: &[u8]) -> Option<&'static str> {
    if fits(bytes, "9999-99-99") {
        return Some("iso_date");
    }
    let day = bytes.get(..10).is_some_and(|day| fits(day, "9999-99-99"));
    if day && matches!(bytes.get(10), Some(b'T' | b' ')) {
        let clock = bytes.get(11..16).is_some_and(|clock| fits(clock, "99:99"));
        let allowed = |byte: &u8| byte.is_ascii_digit() || b":.,+-Z ".contains(byte);
        return (clock && bytes.get(16..)?.iter().all(allowed)).then_some("iso_timestamp");
    }
    if fits(bytes, "99:99") || fits(bytes, "99:99:99") || fits(bytes, "9:99") {
        return Some("time");
    }
    let local = [
        "99/99/9999",
        "9/9/9999",
        "9/99/9999",
        "99/9/9999",
        "99.99.9999",
        "99-99-9999",
    ];
    local.iter().any(|form| fits(bytes, form)).then_some("local_date")
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.starts_with("www.") && !text.contains(char::is_whitespace);
    };
    let is_scheme = (2..=10).contains(&scheme.len())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !rest.is_empty() && !text.contains(char::is_whitespace)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let allowed = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    !local.is_empty()
        && local.chars().all(allowed)
        && domain
            .split_once('.')
            .is_some_and(|(host, end)| !host.is_empty() && !end.is_empty() && !end.ends_with('.'))
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || c == '.' || c == '-')
}

/// 7 to 15 digits (E.164) with what people put between them, and a sign that they are no plain number.
fn is_phone(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let marks = bytes.len() - digits;
    (7..=15).contains(&digits)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"+-(). /".contains(byte))
        && matches!(bytes.first(), Some(b'+' | b'(' | b'0'..=b'9'))
        && (bytes.first() == Some(&b'+') || (2..=6).contains(&marks) && !bytes.contains(&b'/'))
}

fn shape(text: &str) -> String {
    let mut shape = String::new();
    let mut length = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if length >= SHAPE_CHARS {
            shape.push('…');
            break;
        }
        let class = class_of(c);
        let mut run = 1;
        while class.is_some() && rest.peek().is_some_and(|next| class_of(*next) == class) {
            rest.next();
            run += 1;
        }
        match class {
            None => shape.push(c),
            Some(class) => {
                let is_word =
                    class == 'A' && run == 1 && rest.peek().is_some_and(|next| class_of(*next) == Some('a'));
                shape.push(class);
                if class == 'a' && run > 1 {
                    shape.push('+');
                } else if run <= TOLD_RUN && !is_word {
                    shape.extend(std::iter::repeat_n(class, run - 1));
                } else if run > 1 {
                    shape.push('+');
                }
            }
        }
        length = shape.chars().count();
    }
    shape
}

fn class_of(c: char) -> Option<char> {
    if c.is_ascii_digit() || c.is_numeric() {
        Some('9')
    } else if c.is_uppercase() {
        Some('A')
    } else if c.is_alphabetic() {
        Some('a')
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_have_names() {
        for (text, expected) in [
            ("", "empty"),
            (" \t", "blank"),
            ("ann@example.org", "email"),
            ("ann.o'neil+x@mail.example.co.uk", "email"),
            ("https://example.org/a?b=c", "url"),
            ("www.example.org", "url"),
            ("s3://bucket/key", "url"),
            ("00112233-4455-6677-8899-aabbccddeeff", "uuid"),
            ("192.168.0.1", "ipv4"),
            ("2001:db8::1", "ipv6"),
            ("::1", "ipv6"),
            ("2024-02-29", "iso_date"),
            ("2024-02-29T12:00:00+01:00", "iso_timestamp"),
            ("2024-02-29 12:00", "iso_timestamp"),
            ("29/02/2024", "local_date"),
            ("12:30", "time"),
            ("+49 30 901820", "phone"),
            ("(555) 010-9999", "phone"),
            ("555-010-9999", "phone"),
            ("{\"a\":1}", "json"),
            ("the quick brown fox jumps over it", "prose"),
        ] {
            assert_eq!(classify(text), (expected.to_owned(), true), "{text:?}");
        }
    }

    #[test]
    fn the_rest_has_a_shape() {
        for (text, expected) in [
            ("N14228", "A99999"),
            ("N142287", "A9+"),
            ("007", "999"),
            ("AA-123", "AA-999"),
            ("John Smith", "Aa+ Aa+"),
            ("élan", "a+"),
            ("x", "a"),
            ("ABCDEFG", "A+"),
            ("a@b", "a@a"),
            ("12.50 €", "99.99 €"),
            ("1234567", "9+"),
            ("😀", "😀"),
        ] {
            assert_eq!(classify(text), (expected.to_owned(), false), "{text:?}");
        }
        let long = "-".repeat(100);
        assert_eq!(classify(&long).0.chars().count(), SHAPE_CHARS + 1);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_short_pattern(text in "\\PC{0,60}") {
            let (pattern, _) = classify(&text);
            proptest::prop_assert!(pattern.chars().count() <= SHAPE_CHARS + TOLD_RUN + 1, "{}", pattern);
        }
    }
}
