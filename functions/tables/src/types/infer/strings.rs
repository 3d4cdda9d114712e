//! Strings of a text whose other values say themselves what they are, as JSON's do: what may hide in one is a day, a time, an
//! instant or a UUID, each as ISO 8601, RFC 3339 and RFC 9562 have it. A number in quotes was put there to be text.

use super::{DATE, Inference, TIME, TIMESTAMP, UUID};

const MAY_HIDE: u16 = DATE | TIME | TIMESTAMP | UUID;

impl Inference {
    /// Knows of no string yet.
    #[must_use]
    pub fn of_strings() -> Self {
        Self {
            candidates: MAY_HIDE,
            ..Self::default()
        }
    }

    /// Takes note of a string. Unlike a cell it speaks for itself when it is empty, or a word for nothing.
    #[inline]
    pub fn observe_string(&mut self, text: &[u8]) {
        if self.candidates == 0 {
            return;
        }
        let mut class = self.classify(text);
        if class & (DATE | TIMESTAMP) != 0 && !self.days.say_iso() {
            class = 0;
        }
        self.narrow(class);
        self.settle();
    }

    /// What one pass over the strings of both parts would know. Associative and commutative.
    #[must_use]
    pub fn merge_strings(&self, other: &Self) -> Self {
        let mut merged = self.merge(other);
        merged.settle();
        merged
    }

    /// What is text is known by nothing else, so that equal knowledge is equal.
    fn settle(&mut self) {
        if self.candidates == 0 {
            *self = Self {
                candidates: 0,
                seen: true,
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ColumnType;
    use super::*;

    fn of(texts: &[&str]) -> String {
        let mut all = Inference::of_strings();
        for text in texts {
            all.observe_string(text.as_bytes());
        }
        let (first, second) = texts.split_at(texts.len() / 2);
        let mut parts = [first, second].map(|texts| {
            let mut part = Inference::of_strings();
            for text in texts {
                part.observe_string(text.as_bytes());
            }
            part
        });
        let merged = parts[0].merge_strings(&parts[1]);
        assert_eq!(merged, all, "{texts:?}");
        parts.reverse();
        assert_eq!(parts[0].merge_strings(&parts[1]), all, "{texts:?}");
        all.decide().to_string()
    }

    #[test]
    fn only_the_standard_forms_hide_something() {
        for (texts, expected) in [
            (&["2024-10-10", "2024-02-29"][..], "date"),
            (&["2024-10-10"], "date"),
            (&["10:00:00", "23:59:59"], "time"),
            (&["2024-10-10T10:00:00Z", "2024-02-29T00:00:00Z"], "timestamp_utc"),
            (&["2024-10-10T10:00:00", "2024-02-29T00:00:00"], "timestamp"),
            (&["00112233-4455-6677-8899-aabbccddeeff"], "uuid"),
            (&["2024-10-10", ""], "string"),
            (&["", "2024-10-10"], "string"),
            (&["2024-10-10", "NULL"], "string"),
            (&["2024-10-10", "2024-10-10T00:00:00Z"], "string"),
            (&["2024-10-10", "2024-1-2"], "string"),
            (&["2024/10/10"], "string"),
            (&["13.10.2024"], "string"),
            (&["1/13/2024"], "string"),
            (&["2024-10-10T10:00:00Z", "2024-10-10T10:00:00+01:00"], "string"),
            (&["2024-10-10T10:00:00.5Z", "2024-10-10T10:00:00.50Z"], "string"),
            (&["2023-02-29"], "string"),
            (&["00112233-4455-6677-8899-AABBCCDDEEFF"], "string"),
            (&["1", "2"], "string"),
            (&["true"], "string"),
            (&[], "string"),
        ] {
            assert_eq!(of(texts), expected, "{texts:?}");
        }
        assert_eq!(Inference::of_strings().decide(), ColumnType::String);
    }
}
