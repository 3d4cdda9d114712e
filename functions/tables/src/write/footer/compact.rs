//! Thrift's compact protocol, as much of it as a Parquet footer takes
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

use crate::write::varint;

/// What a list holds, and what a field is, by the protocol's numbers.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// In lists. A field that is one has its value for a kind.
    Bool = 2,
    I32 = 5,
    I64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;

/// A struct that is being written. Its fields come in the order of their identifiers, no two of which are more than 15
/// apart.
pub(super) struct Fields<'a> {
    into: &'a mut Vec<u8>,
    last: u8,
}

impl<'a> Fields<'a> {
    /// Begins a struct; [`Fields::end`] ends it.
    pub(super) const fn new(into: &'a mut Vec<u8>) -> Self {
        Self { into, last: 0 }
    }

    /// The same, after the field `last`.
    pub(super) const fn after(into: &'a mut Vec<u8>, last: u8) -> Self {
        Self { into, last }
    }

    fn begin(&mut self, field: u8, kind: u8) {
        self.into.push((field - self.last) << 4 | kind);
        self.last = field;
    }

    pub(super) fn i32(&mut self, field: u8, value: i32) {
        self.begin(field, Kind::I32 as u8);
        put_int(value.into(), self.into);
    }

    pub(super) fn i64(&mut self, field: u8, value: i64) {
        self.begin(field, Kind::I64 as u8);
        put_int(value, self.into);
    }

    pub(super) fn bool(&mut self, field: u8, value: bool) {
        self.begin(field, if value { TRUE } else { FALSE });
    }

    pub(super) fn binary(&mut self, field: u8, value: &[u8]) {
        self.begin(field, Kind::Binary as u8);
        put_binary(value, self.into);
    }

    /// A struct; what it returns writes that one's fields.
    pub(super) fn structure(&mut self, field: u8) -> Fields<'_> {
        self.begin(field, Kind::Struct as u8);
        Fields::new(self.into)
    }

    /// A struct that is encoded already.
    pub(super) fn encoded(&mut self, field: u8, structure: &[u8]) {
        self.begin(field, Kind::Struct as u8);
        self.into.extend_from_slice(structure);
    }

    /// A list of so many; each of them is then appended.
    pub(super) fn list(&mut self, field: u8, kind: Kind, length: usize) -> &mut Vec<u8> {
        self.begin(field, Kind::List as u8);
        put_list(kind, length, self.into);
        self.into
    }

    pub(super) fn bools(&mut self, field: u8, values: &[bool]) {
        let truths = values.iter().map(|value| if *value { TRUE } else { FALSE });
        self.list(field, Kind::Bool, values.len()).extend(truths);
    }

    pub(super) fn i64s(&mut self, field: u8, values: &[i64]) {
        let into = self.list(field, Kind::I64, values.len());
        for value in values {
            put_int(*value, into);
        }
    }

    pub(super) fn binaries(&mut self, field: u8, values: &[impl AsRef<[u8]>]) {
        let into = self.list(field, Kind::Binary, values.len());
        for value in values {
            put_binary(value.as_ref(), into);
        }
    }

    pub(super) fn end(self) {
        self.into.push(0);
    }
}

/// A list's head.
fn put_list(kind: Kind, length: usize, into: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(length) if length < 15 => into.push(length << 4 | kind as u8),
        _ => {
            into.push(0xF0 | kind as u8);
            varint::put(length as u64, into);
        }
    }
}

/// An integer as an element, zigzag.
pub(super) fn put_int(value: i64, into: &mut Vec<u8>) {
    varint::put(varint::zigzag(value), into);
}

fn put_binary(value: &[u8], into: &mut Vec<u8>) {
    varint::put(value.len() as u64, into);
    into.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand from the specification.
    #[test]
    fn structs_and_lists_are_as_the_specification_has_them() {
        let mut bytes = Vec::new();
        let mut fields = Fields::new(&mut bytes);
        fields.i32(1, -1);
        fields.i64(3, 150);
        fields.bool(4, true);
        fields.bool(5, false);
        fields.binary(6, b"ab");
        let mut inner = fields.structure(7);
        inner.i64s(2, &[i64::MIN, 0]);
        inner.end();
        fields.bools(8, &[true; 15]);
        fields.end();
        let mut expected = vec![0x15, 1, 0x26, 0xAC, 0x02, 0x11, 0x12, 0x18, 2, b'a', b'b', 0x1C];
        expected.extend([0x29, 0x26]);
        expected.extend([[0xFF; 9].as_slice(), &[1, 0, 0]].concat());
        expected.extend([[0x19, 0xF2, 15].as_slice(), &[1; 15], &[0]].concat());
        assert_eq!(bytes, expected);
    }
}
