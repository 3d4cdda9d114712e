//! Any text reads the same however it is cut into slabs, in a simple dialect and in odd ones.
#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use shared::Limits;
use tables::{
    dialect::Dialect,
    read::{Counts, Slabs},
};

type Read = (Vec<Vec<u8>>, Vec<(u64, u64, String)>, Counts);

fn read(text: &[u8], dialect: &Dialect, record_bytes: usize, slab_bytes: usize) -> Read {
    let limits = Limits {
        record_bytes,
        ..Limits::default()
    };
    let mut slabs = Slabs::new(text, dialect, &limits).of_bytes(slab_bytes);
    let (mut cells, mut rejects, mut counts) = (Vec::new(), Vec::new(), Counts::default());
    while let Some(slab) = slabs.next_slab().unwrap() {
        let mut columns = vec![Vec::new(); dialect.columns()];
        let before = counts.records;
        let held = slab
            .for_each_block(dialect, |block| {
                for (column, cells) in columns.iter_mut().enumerate() {
                    block.for_each_cell(column, |cell, _| cells.push(cell.to_vec()));
                }
                for reject in block.rejects {
                    let fault = format!("{:?}", reject.fault);
                    rejects.push((before + reject.row, block.offset(reject.start), fault));
                }
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!(held.records, held.rows + held.rejects);
        assert!(columns.iter().all(|cells| cells.len() as u64 == held.rows));
        for row in 0..usize::try_from(held.rows).unwrap() {
            cells.extend(columns.iter().map(|cells| cells[row].clone()));
        }
        counts.add(&held);
        slabs.recycle(slab.into_buffer());
    }
    (cells, rejects, counts)
}

fuzz_target!(|bytes: &[u8]| {
    let [which, columns, cap, slab, text @ ..] = bytes else {
        return;
    };
    let header = (0..=*columns % 4).map(|column| column.to_string()).collect();
    let mut dialect = Dialect::simple(b',', header, 0);
    match which % 7 {
        0 | 1 => {}
        2 => dialect.delimiter = "||".into(),
        3 => dialect.escape = Some(b'\\'),
        5 => dialect.delimiter = r"\s+".into(),
        4 => dialect.comment = Some("#".into()),
        _ => (dialect.quote, dialect.escape) = (None, Some(b'\\')),
    }
    let cap = usize::from(*cap) + 1;
    let whole = read(text, &dialect, cap, 1 << 20);
    let cut = read(text, &dialect, cap, usize::from(*slab) + 1);
    assert_eq!(whole, cut);
});
