//! Any bytes have a dialect or are refused, and what is found can be read by.
#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use shared::{Facts, Failure, Input, Limits, options::TablesOptions};
use tables::read::{Counts, Delimited};

const SLAB_BYTES: usize = 1 << 14;

fn read(bytes: &[u8]) -> Result<Counts, Failure> {
    let facts = Facts {
        name: String::new(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits {
        input_bytes: 1 << 20,
        record_bytes: 1 << 12,
        ..Limits::default()
    };
    let input = Input::new(&facts, &limits, &bytes);
    let table = Delimited::open(&input, &TablesOptions::default())?;
    assert!((0.0..=1.0).contains(&table.dialect.confidence));
    let mut slabs = table.slabs(&input)?.of_bytes(SLAB_BYTES);
    let mut counts = Counts::default();
    while let Some(slab) = slabs.next_slab()? {
        let held = slab
            .for_each_block(&table.dialect, |block| {
                for column in 0..table.dialect.columns() {
                    let mut cells = 0;
                    block.for_each_cell(column, |cell, _| {
                        assert!(std::str::from_utf8(cell).is_ok());
                        cells += 1;
                    });
                    assert_eq!(cells, block.rows());
                }
                Ok::<_, ()>(())
            })
            .unwrap();
        counts.add(&held);
    }
    Ok(counts)
}

fuzz_target!(|bytes: &[u8]| {
    match read(bytes) {
        Ok(counts) => assert_eq!(counts.records, counts.rows + counts.rejects),
        Err(failure) => assert!(failure.kind.is_final(), "{failure:?}"),
    }
});
