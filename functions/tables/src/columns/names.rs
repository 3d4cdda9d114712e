//! Column names: as the header has them, made unique and legal where they are not.

use std::collections::{HashMap, HashSet};

/// The most characters of a name.
const MOST_CHARACTERS: usize = 200;

/// Gives each field of the header a name of its own.
///
/// A name loses the space around it, what is more space or a control character within it becomes one space, and it is cut at
/// 200 characters. An empty one becomes `column_N` (N from 1). One that stands further left already, be it in other
/// capitals (DuckDB and most databases do not tell them apart), becomes `name_2`, `name_3` and so on, passing over names that
/// the header itself has.
#[must_use]
pub fn unique_names(header: &[String]) -> Vec<String> {
    let legal: Vec<String> = header.iter().map(|name| legal(name)).collect();
    let given: HashSet<String> = legal.iter().map(|name| name.to_lowercase()).collect();
    let mut taken = HashSet::new();
    let mut next = HashMap::new();
    let mut unique = Vec::with_capacity(legal.len());
    for (index, name) in legal.into_iter().enumerate() {
        let was_empty = name.is_empty();
        let base = if was_empty {
            format!("column_{}", index + 1)
        } else {
            name
        };
        let folded = base.to_lowercase();
        let free = !was_empty || !given.contains(&folded);
        if free && taken.insert(folded.clone()) {
            unique.push(base);
            continue;
        }
        // Counted on per name, or a header of one name repeated would cost its square.
        let number = next.entry(folded.clone()).or_insert(2_usize);
        loop {
            let folded = format!("{folded}_{number}");
            let name = format!("{base}_{number}");
            *number += 1;
            if !given.contains(&folded) && taken.insert(folded) {
                unique.push(name);
                break;
            }
        }
    }
    unique
}

/// The name without what no other program shows or takes well.
fn legal(name: &str) -> String {
    let space = |character: char| character.is_whitespace() || character.is_control();
    let words: Vec<&str> = name.split(space).filter(|word| !word.is_empty()).collect();
    let joined = if name.contains(|character: char| character != ' ' && space(character)) {
        words.join(" ")
    } else {
        name.trim().to_owned()
    };
    joined.chars().take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_unless_empty_or_taken() {
        let names =
            |header: &[&str]| unique_names(&header.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names(&["a", " b ", "c  d", "A"]), ["a", "b", "c  d", "A_2"]);
        assert_eq!(names(&["a\nb", "\t", "é", "É"]), ["a b", "column_2", "é", "É_2"]);
        assert_eq!(names(&["x".repeat(300).as_str()]), ["x".repeat(200)]);
        assert_eq!(names(&["a", "a", "a"]), ["a", "a_2", "a_3"]);
        assert_eq!(names(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
        assert_eq!(
            names(&["", "", "column_1"]),
            ["column_1_2", "column_2", "column_1"]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_name_is_empty_or_given_twice(
            header in proptest::collection::vec("(|a|A|b|a_2|A_2|a_2_2|column_[12](_2)?)", 0..12),
        ) {
            let names = unique_names(&header);
            let distinct: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
            proptest::prop_assert_eq!(distinct.len(), header.len());
            proptest::prop_assert!(names.iter().all(|name| !name.is_empty()));
        }
    }
}
