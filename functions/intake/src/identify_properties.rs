//! What holds for any bytes, any text, any damage and any table.

use proptest::prelude::*;

use crate::{
    Sample, identify,
    identify_tests::{COMBINED, gzip, of, said, tar, zstd},
};

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2000), name in ".{0,12}", more in 0_u64..3) {
        let identified = identify(Sample { head: &bytes, size_bytes: bytes.len() as u64 + more, name: &name });
        prop_assert!((0.0..=1.0).contains(&identified.confidence));
        prop_assert!(!identified.looks_like.is_empty() && !identified.format.is_empty());
    }

    #[test]
    fn any_text_is_answered(text in "[ -~\t\n\"',;|{}\\[\\]:#éß€]{0,600}", name in "[a-z]{0,3}(\\.csv|\\.json|\\.gz)?") {
        let identified = of(text.as_bytes(), &name);
        prop_assert!((0.0..=1.0).contains(&identified.confidence));
    }

    #[test]
    fn any_damage_is_answered(at in 0_usize..4000, byte in any::<u8>(), which in 0_usize..5, cut in 0_usize..4000) {
        let content = COMBINED.repeat(40);
        let mut bytes = match which {
            0 => gzip(content.as_bytes()),
            1 => zstd(content.as_bytes()),
            2 => tar("a", content.as_bytes()),
            3 => b"\x28\xB5\x2F\xFD".iter().chain(content.as_bytes()).copied().collect(),
            _ => content.clone().into_bytes(),
        };
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut.max(1));
        let identified = identify(Sample { head: &bytes, size_bytes: length as u64, name: "" });
        prop_assert!((0.0..=1.0).contains(&identified.confidence));
    }

    /// What a table's writer writes is read as a table, whatever is in its cells.
    #[test]
    fn any_quoted_table_is_a_table(rows in prop::collection::vec(prop::collection::vec("[ -~\n]{0,12}", 4), 2..20)) {
        let text: String = std::iter::once("one,two,three,four\n".to_owned())
            .chain(rows.iter().map(|row| {
                let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                cells.join(",") + "\n"
            }))
            .collect();
        prop_assert_eq!(said(text.as_bytes()), "tables/csv");
    }
}
