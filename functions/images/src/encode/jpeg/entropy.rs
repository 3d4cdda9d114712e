//! Blocks to symbols (ITU-T T.81, F.1.2), and symbols to bits.
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of 256 under bytes, of 2 and 3 under the kind and number of a component"
)]
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's instructions"
)]

use fearless_simd::{Level, dispatch};

use super::{
    colour::Block,
    huffman::{Code, Frequencies},
};

/// Where symbols go: first counted, then written. `kind` is 0 of luma, 1 of chroma.
pub(super) trait Sink {
    /// A DC symbol, and the bits behind it.
    fn dc(&mut self, kind: usize, symbol: u8, bits: u32, length: u32);
    /// An AC symbol, and the bits behind it.
    fn ac(&mut self, kind: usize, symbol: u8, bits: u32, length: u32);
}

/// The size category of a number, and the bits that say which of that category it is.
#[inline(always)]
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

/// The symbols of blocks in the order of a scan. `last` holds, of each component, the DC coefficient of the block before.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "categories and runs are below 16")]
pub(super) fn encode(blocks: &[Block], last: &mut [i16; 3], sink: &mut impl Sink) {
    for Block {
        component,
        coefficients,
        ..
    } in blocks
    {
        let kind = usize::from(*component > 0);
        let mean = coefficients.at(0);
        let last = &mut last[*component % 3];
        let (length, bits) = categorised(i32::from(mean) - i32::from(*last));
        *last = mean;
        sink.dc(kind, length as u8, bits, length);
        let mut present = coefficients.present & !1;
        let mut next = 1;
        while present != 0 {
            let index = present.trailing_zeros();
            present &= present - 1;
            let mut run = index - next;
            while run > 15 {
                sink.ac(kind, 0xF0, 0, 0);
                run -= 16;
            }
            let (length, bits) = categorised(i32::from(coefficients.at(index)));
            sink.ac(kind, (run << 4 | length) as u8, bits, length);
            next = index + 1;
        }
        if next < 64 {
            sink.ac(kind, 0x00, 0, 0);
        }
    }
}

/// Counts symbols.
pub(super) struct Counter<'a> {
    pub(super) dc: &'a mut [Frequencies; 2],
    pub(super) ac: &'a mut [Frequencies; 2],
}

impl Sink for Counter<'_> {
    #[inline(always)]
    fn dc(&mut self, kind: usize, symbol: u8, _: u32, _: u32) {
        self.dc[kind & 1].add(symbol);
    }

    #[inline(always)]
    fn ac(&mut self, kind: usize, symbol: u8, _: u32, _: u32) {
        self.ac[kind & 1].add(symbol);
    }
}

/// Writes bits, the first one highest, and a zero after each byte of ones.
pub(super) struct Writer {
    out: Vec<u8>,
    /// Bits not written yet, the last ones of these.
    held: u64,
    count: u32,
}

/// A writer with the codes of luma and chroma.
struct Coded<'a> {
    writer: &'a mut Writer,
    dc: &'a [Code; 2],
    ac: &'a [Code; 2],
}

impl Writer {
    pub(super) const fn new(out: Vec<u8>) -> Self {
        Self {
            out,
            held: 0,
            count: 0,
        }
    }

    /// Blocks in the order of a scan; `last` as [`encode`] takes it.
    pub(super) fn write(
        &mut self,
        level: Level,
        blocks: &[Block],
        last: &mut [i16; 3],
        dc: &[Code; 2],
        ac: &[Code; 2],
    ) {
        let mut coded = Coded { writer: self, dc, ac };
        dispatch!(level, simd => {
            // For the machine's way of counting zeros and shifting.
            let _ = simd;
            encode(blocks, last, &mut coded);
        });
    }

    /// At most 32 bits.
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
    fn dc(&mut self, kind: usize, symbol: u8, bits: u32, length: u32) {
        self.writer.put_coded(&self.dc[kind & 1], symbol, bits, length);
    }

    #[inline(always)]
    fn ac(&mut self, kind: usize, symbol: u8, bits: u32, length: u32) {
        self.writer.put_coded(&self.ac[kind & 1], symbol, bits, length);
    }
}
