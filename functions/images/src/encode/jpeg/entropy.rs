//! Blocks to symbols (ITU-T T.81, F.1.2), and symbols to bits.
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of 64 and 256 under numbers below 64 and under bytes"
)]

use super::huffman::{Code, Frequencies};

/// Where symbols go: first counted, then written.
pub(super) trait Sink {
    /// A DC symbol, and the bits behind it.
    fn dc(&mut self, symbol: u8, bits: u32, length: u32);
    /// An AC symbol, and the bits behind it.
    fn ac(&mut self, symbol: u8, bits: u32, length: u32);
}

/// The size category of a number, and the bits that say which of that category it is.
#[inline]
pub(super) fn categorised(number: i32) -> (u32, u32) {
    let magnitude = number.unsigned_abs();
    let length = 32 - magnitude.leading_zeros();
    // Of negative numbers the bits of the magnitude, turned over.
    let bits = if number < 0 {
        !magnitude & ((1 << length) - 1)
    } else {
        magnitude
    };
    (length, bits)
}

/// The symbols of a block in zigzag order. `last` is the DC coefficient of the block before.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "categories and runs are below 16")]
pub(super) fn encode_block(block: &[i16; 64], last: &mut i16, sink: &mut impl Sink) {
    let (length, bits) = categorised(i32::from(block[0]) - i32::from(*last));
    *last = block[0];
    sink.dc(length as u8, bits, length);
    let mut present = 0_u64;
    for (index, coefficient) in block.iter().enumerate() {
        present |= u64::from(*coefficient != 0) << index;
    }
    present &= !1;
    let mut next = 1;
    while present != 0 {
        let index = present.trailing_zeros();
        present &= present - 1;
        let mut run = index - next;
        while run > 15 {
            sink.ac(0xF0, 0, 0);
            run -= 16;
        }
        let (length, bits) = categorised(i32::from(block[index as usize & 63]));
        sink.ac((run << 4 | length) as u8, bits, length);
        next = index + 1;
    }
    if next < 64 {
        sink.ac(0x00, 0, 0);
    }
}

/// Counts symbols.
pub(super) struct Counter<'a> {
    pub(super) dc: &'a mut Frequencies,
    pub(super) ac: &'a mut Frequencies,
}

impl Sink for Counter<'_> {
    fn dc(&mut self, symbol: u8, _: u32, _: u32) {
        self.dc.add(symbol);
    }

    fn ac(&mut self, symbol: u8, _: u32, _: u32) {
        self.ac.add(symbol);
    }
}

/// Writes bits, the first one highest, and a zero after each byte of ones.
pub(super) struct Writer {
    out: Vec<u8>,
    /// Bits not written yet, the last ones of these.
    held: u64,
    count: u32,
}

/// A writer with the codes of a component.
pub(super) struct Coded<'a> {
    writer: &'a mut Writer,
    dc: &'a Code,
    ac: &'a Code,
}

impl Writer {
    pub(super) const fn new(out: Vec<u8>) -> Self {
        Self {
            out,
            held: 0,
            count: 0,
        }
    }

    pub(super) const fn coded<'a>(&'a mut self, dc: &'a Code, ac: &'a Code) -> Coded<'a> {
        Coded { writer: self, dc, ac }
    }

    /// At most 32 bits.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the upper bits were written")]
    pub(super) fn put(&mut self, bits: u32, length: u32) {
        self.held = self.held << length | u64::from(bits);
        self.count += length;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.held >> self.count) as u32;
            // Whether any byte is all ones: then adding one to each carries.
            if word & !word.wrapping_add(0x0101_0101) & 0x8080_8080 == 0 {
                self.out.extend(word.to_be_bytes());
            } else {
                for byte in word.to_be_bytes() {
                    self.out.push(byte);
                    if byte == 0xFF {
                        self.out.push(0);
                    }
                }
            }
        }
    }

    /// A symbol by its code, and bits behind it.
    #[inline]
    pub(super) fn put_coded(&mut self, code: &Code, symbol: u8, bits: u32, length: u32) {
        let (code, code_length) = code.codes[usize::from(symbol)];
        self.put(u32::from(code) << length | bits, u32::from(code_length) + length);
    }

    /// Fills the last byte with ones.
    #[expect(clippy::cast_possible_truncation, reason = "a byte at a time")]
    pub(super) fn finish(mut self) -> Vec<u8> {
        let fill = (8 - self.count % 8) % 8;
        self.held = self.held << fill | ((1 << fill) - 1);
        self.count += fill;
        while self.count > 0 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
        self.out
    }
}

impl Sink for Coded<'_> {
    #[inline]
    fn dc(&mut self, symbol: u8, bits: u32, length: u32) {
        self.writer.put_coded(self.dc, symbol, bits, length);
    }

    #[inline]
    fn ac(&mut self, symbol: u8, bits: u32, length: u32) {
        self.writer.put_coded(self.ac, symbol, bits, length);
    }
}
