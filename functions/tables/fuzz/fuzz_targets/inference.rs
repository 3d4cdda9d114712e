//! Types of any cells: what one pass over a column says is what its parts say together, and a cell that is of the
//! column's type reads as a value of it.

#![no_main]

mod memory;

use libfuzzer_sys::fuzz_target;
use tables::types::{ColumnType, Inference, NARROW_DIGITS, token};

fn observe<'a>(cells: impl Iterator<Item = &'a [u8]>) -> Inference {
    let mut inference = Inference::default();
    cells.for_each(|cell| inference.observe(cell));
    inference
}

fuzz_target!(|bytes: &[u8]| {
    let cells: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let whole = observe(cells.iter().copied());
    let (first, second) = cells.split_at(cells.len() / 2);
    let (first, second) = (observe(first.iter().copied()), observe(second.iter().copied()));
    assert_eq!(first.merge(&second).decide(), whole.decide());
    assert_eq!(second.merge(&first).decide(), whole.decide());
    assert_eq!(observe(cells.iter().rev().copied()).decide(), whole.decide());
    let mut again = Inference::default();
    for cell in cells
        .iter()
        .filter(|cell| !cell.is_empty() && token::find(cell).is_none())
    {
        let reads = match whole.decide() {
            ColumnType::Bool => again.truth(cell).is_some(),
            ColumnType::Int64 => again.int(cell).is_some(),
            ColumnType::UInt64 => again.uint(cell).is_some(),
            ColumnType::Decimal { precision, scale } if precision <= NARROW_DIGITS => {
                again.decimal(cell, scale).is_some()
            }
            ColumnType::Decimal { scale, .. } => again.wide_decimal(cell, scale).is_some(),
            ColumnType::Float64 => again.float(cell).is_some(),
            ColumnType::Date(form) => again.date(cell, form).is_some(),
            ColumnType::Time => again.time(cell).is_some(),
            ColumnType::Timestamp { form, .. } => again.timestamp(cell, form).is_some(),
            ColumnType::Uuid => again.uuid(cell).is_some(),
            ColumnType::String => true,
        };
        assert!(reads, "{cell:?} is not read as {}", whole.decide());
    }
    if whole.decide() != ColumnType::String {
        assert_eq!(again.decide(), whole.decide());
    }
});
