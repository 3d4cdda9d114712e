//! Any bytes as JSON Lines, as an array and as values: nothing panics, every record is a row or a reject, a shape that saw
//! all does not contradict a part, what Arrow holds becomes Protocol Buffers, and however the text is cut, all that is the same.
#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use shared::Failure;
use tables::{
    json::{self, Fault, JsonKind, Parse, Shape, Slabs},
    write::proto,
};

/// Few, so that some are too long.
const RECORD_BYTES: usize = 300;

/// How many records there are, those that are no rows, and the columns.
#[derive(Debug, PartialEq)]
struct Read {
    records: u64,
    rejects: Vec<(u64, u64, u64, Fault)>,
    messages: Vec<u8>,
}

fn read(text: &[u8], kind: JsonKind, slab_bytes: usize) -> Result<Read, Failure> {
    let mut reader = Slabs::new(text, kind, RECORD_BYTES).of_bytes(slab_bytes);
    let (mut shape, mut slabs) = (Shape::default(), Vec::new());
    while let Some(slab) = reader.next_slab()? {
        shape.merge(Shape::infer(&slab, RECORD_BYTES));
        slabs.push(slab);
    }
    let (mut records, mut rejects, mut messages) = (0, Vec::new(), Vec::new());
    for slab in slabs {
        let Parse::Done(parsed) = json::parse(&slab, &shape, RECORD_BYTES)? else {
            panic!("the shape of all contradicts a part");
        };
        assert_eq!(
            parsed.records,
            (parsed.batch.num_rows() + parsed.rejects.len()) as u64
        );
        let of_all = |reject: &json::Reject| {
            let row = records + reject.row;
            (row, reject.line, reject.offset, reject.fault)
        };
        rejects.extend(parsed.rejects.iter().map(of_all));
        records += parsed.records;
        proto::encode(&parsed.batch, &mut messages).expect("a batch of ours has a message");
    }
    Ok(Read {
        records,
        rejects,
        messages,
    })
}

fuzz_target!(|bytes: &[u8]| {
    let _ = json::looks_like(bytes);
    let is_json = json::check(bytes).is_ok();
    for kind in [JsonKind::Lines, JsonKind::Array, JsonKind::Values] {
        let whole = read(bytes, kind, 1 << 16);
        let cut = read(bytes, kind, 1);
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                assert_eq!(whole, cut);
                if is_json && kind == JsonKind::Values {
                    assert_eq!(whole.records, 1);
                }
            }
            (Err(whole), Err(cut)) => {
                assert!(whole.kind.is_final(), "{whole:?}");
                assert_eq!(whole, cut);
            }
            (whole, cut) => panic!("{whole:?} of the whole, {cut:?} of parts"),
        }
    }
});
