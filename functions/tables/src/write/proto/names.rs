//! Legal names: what a column or a struct is called in the `.proto` file.

use std::collections::{HashMap, HashSet};

/// The longest name: what is longer is cut.
const MAX_BYTES: usize = 64;

/// Words that proto3, or the code that `protoc` makes for Python, cannot have for a field's name: they get an `_` at
/// their end. (What protoc makes for C++, Java, Go and so on renames their own.)
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "and", "as", "assert", "async", "await", "bool", "break", "bytes", "class", "continue", "def", "del",
    "double", "elif", "else", "enum", "except", "extend", "extensions", "false", "finally", "fixed32",
    "fixed64", "float", "for", "from", "global", "group", "if", "import", "in", "inf", "int32", "int64",
    "is", "lambda", "map", "max", "message", "nan", "none", "nonlocal", "not", "oneof", "option",
    "optional", "or", "package", "pass", "public", "raise", "repeated", "required", "reserved", "return",
    "returns", "rpc", "self", "service", "sfixed32", "sfixed64", "sint32", "sint64", "stream", "string",
    "syntax", "to", "true", "try", "uint32", "uint64", "weak", "while", "with", "yield",
];

/// The names given in one scope. Two names are the same if they differ in case or `_` only: protoc refuses fields
/// whose names in JSON are equal, and some languages' code folds them too.
#[derive(Debug)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The number to go on from, by what it is added to: or a header of one name repeated would cost its square.
    next: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(taken: &[&str]) -> Self {
        Self {
            taken: taken.iter().map(|name| fold(name)).collect(),
            next: HashMap::new(),
        }
    }

    /// The `snake_case` name of a column.
    pub(super) fn field(&mut self, column: &str, position: usize) -> String {
        let mut name = snake(column);
        if name.is_empty() {
            name = format!("column_{}", position + 1);
        } else if name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert_str(0, "column_");
        }
        if RESERVED.binary_search(&name.as_str()).is_ok() {
            name.push('_');
        }
        self.free(&name, "_")
    }

    /// The `CamelCase` name of a message.
    pub(super) fn message(&mut self, path: &str) -> String {
        let end = path.len().min(MAX_BYTES);
        self.free(path.get(..end).unwrap_or(path), "")
    }

    fn free(&mut self, name: &str, joint: &str) -> String {
        if self.taken.insert(fold(name)) {
            return name.to_owned();
        }
        let stem = name.trim_end_matches('_');
        let number = self.next.entry(fold(stem)).or_insert(2);
        loop {
            let numbered = format!("{stem}{joint}{number}");
            *number += 1;
            if self.taken.insert(fold(&numbered)) {
                return numbered;
            }
        }
    }
}

fn fold(name: &str) -> String {
    let letters = name.chars().filter(|letter| *letter != '_');
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// ASCII letters and digits, words parted by `_`; empty if there is none.
fn snake(column: &str) -> String {
    let mut name = String::new();
    let mut letters = column.chars().peekable();
    let mut last = ' ';
    while let Some(letter) = letters.next() {
        if name.len() >= MAX_BYTES {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            let after_lower = last.is_ascii_lowercase() || last.is_ascii_digit();
            let before_lower = letters.peek().is_some_and(char::is_ascii_lowercase);
            let starts_word =
                letter.is_ascii_uppercase() && (after_lower || (last.is_ascii_uppercase() && before_lower));
            if !name.is_empty() && (starts_word || !last.is_ascii_alphanumeric()) {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        last = letter;
    }
    name
}

/// `snake_case` as `CamelCase`.
pub(super) fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(columns: &[&str]) -> Vec<String> {
        let mut names = Names::new(&[]);
        let columns = columns.iter().enumerate();
        columns
            .map(|(position, column)| names.field(column, position))
            .collect()
    }

    #[test]
    fn the_words_are_in_order() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn names_are_snake_case_and_their_own() {
        assert_eq!(
            fields(&[
                "FirstName",
                "HTTPServer",
                "a-b c",
                "größe",
                "名前",
                "",
                "2020",
                "from",
                "ID",
                "column6"
            ]),
            [
                "first_name",
                "http_server",
                "a_b_c",
                "gr_e",
                "column_5",
                "column_6",
                "column_2020",
                "from_",
                "id",
                "column6_2"
            ]
        );
        assert_eq!(fields(&["a_1", "a1", "A 1", "a"]), ["a_1", "a1_2", "a_1_3", "a"]);
        assert_eq!(
            fields(&["class", "Class", "class_"]),
            ["class_", "class_2", "class_3"]
        );
        assert_eq!(camel("first_name_2"), "FirstName2");
    }

    proptest::proptest! {
        #[test]
        fn every_name_is_legal(columns in proptest::collection::vec("\\PC{0,8}|[a-cA-C_ 1]{0,4}|class", 0..20)) {
            let names = fields(&columns.iter().map(String::as_str).collect::<Vec<_>>());
            let folded: HashSet<String> = names.iter().map(|name| fold(name)).collect();
            proptest::prop_assert_eq!(folded.len(), columns.len());
            for name in names {
                proptest::prop_assert!(name.starts_with(|first: char| first.is_ascii_lowercase()));
                proptest::prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
                proptest::prop_assert!(RESERVED.binary_search(&name.as_str()).is_err());
            }
        }
    }
}
