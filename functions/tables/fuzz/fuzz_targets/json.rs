//! Any bytes as JSON Lines, as an array and as values: nothing panics, every record is a row or a reject, a shape that saw
//! all does not contradict a part, and what Arrow holds becomes Protocol Buffers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tables::{
    json::{self, JsonKind, Parse, Shape, Slabs},
    write::proto,
};

const RECORD_BYTES: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    let _ = json::looks_like(bytes);
    let _ = json::check(bytes);
    for kind in [JsonKind::Lines, JsonKind::Array, JsonKind::Values] {
        let mut reader = Slabs::new(bytes, kind, RECORD_BYTES);
        let (mut shape, mut slabs) = (Shape::default(), Vec::new());
        while let Ok(Some(slab)) = reader.next_slab() {
            shape.merge(Shape::infer(&slab, RECORD_BYTES));
            slabs.push(slab);
        }
        for slab in slabs {
            let Parse::Done(parsed) = json::parse(&slab, &shape, RECORD_BYTES).expect("Arrow takes what was built") else {
                panic!("the shape of all contradicts a part");
            };
            assert_eq!(parsed.records, (parsed.batch.num_rows() + parsed.rejects.len()) as u64);
            proto::encode(&parsed.batch, &mut Vec::new()).expect("a batch of ours has a message");
        }
    }
});
