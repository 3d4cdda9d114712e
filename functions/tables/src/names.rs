//! Column names: as the header has them, made unique where they are not.

use std::collections::HashSet;

/// Gives each field of the header a name of its own.
///
/// A name is kept as it stands, spaces and all. An empty one becomes `column_N` (N from 1), one that already
/// stands further left becomes `name_2`, `name_3` and so on, passing over names that the header itself has.
#[must_use]
pub fn unique_names(header: &[String]) -> Vec<String> {
    let given: HashSet<&str> = header.iter().map(String::as_str).collect();
    let mut taken = HashSet::new();
    let mut next = std::collections::HashMap::new();
    header
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let base = if name.is_empty() {
                format!("column_{}", index + 1)
            } else {
                name.clone()
            };
            let free = !name.is_empty() || !given.contains(base.as_str());
            if free && taken.insert(base.clone()) {
                return base;
            }
            // Counted on per name, or a header of one name repeated would cost its square.
            let number = next.entry(base.clone()).or_insert(2_usize);
            loop {
                let name = format!("{base}_{number}");
                *number += 1;
                if !given.contains(name.as_str()) && taken.insert(name.clone()) {
                    return name;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_unless_empty_or_taken() {
        let names =
            |header: &[&str]| unique_names(&header.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names(&["a", " b ", "A"]), ["a", " b ", "A"]);
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
            header in proptest::collection::vec("(|a|b|a_2|a_2_2|column_[12](_2)?)", 0..12),
        ) {
            let names = unique_names(&header);
            let distinct: HashSet<&String> = names.iter().collect();
            proptest::prop_assert_eq!(distinct.len(), header.len());
            proptest::prop_assert!(names.iter().all(|name| !name.is_empty()));
        }
    }
}
