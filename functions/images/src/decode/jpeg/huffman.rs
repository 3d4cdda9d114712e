//! Huffman tables (T.81, annexes C and F), looked up ten bits at a time.

#![expect(
    clippy::indexing_slicing,
    clippy::inline_always,
    reason = "the inner loop; indices are masked to the arrays' sizes, or below the sums checked when made"
)]

use super::stream::Bits;

const LOOKUP_BITS: u32 = 10;

/// A table of codes.
///
/// An entry of `lookup` holds, from the bottom: in 8 bits how many bits the code and the value after it take, in 4 the run of zeros, in
/// 4 how many bits of those are the value's, and above how many are the code's. Zero stands for longer codes.
pub(super) struct Huffman {
    lookup: Box<[u32; 1 << LOOKUP_BITS]>,
    /// The first code of a length past those of this length, at the top of 16 bits.
    ends: [u32; 17],
    /// What to add to a code of this length for its place among the symbols.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

/// What a code says, and the value after it.
#[derive(Clone, Copy)]
pub(super) struct Coded {
    /// How many zeros stand before the value.
    pub(super) run: u32,
    /// How many bits the value has; with none it is zero, or no value.
    pub(super) size: u32,
    /// The value.
    pub(super) value: i32,
}

impl Huffman {
    /// Of how many codes there are of each length, and their symbols; none when the codes do not fit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "codes have at most 16 bits"
    )]
    pub(super) fn new(counts: [u8; 16], given: &[u8]) -> Option<Self> {
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        if total > 256 || given.len() != total {
            return None;
        }
        let mut symbols = [0; 256];
        symbols[..total].copy_from_slice(given);
        let mut table = Self {
            lookup: Box::new([0; 1 << LOOKUP_BITS]),
            ends: [0; 17],
            offsets: [0; 17],
            symbols,
        };
        let mut code = 0_u32;
        let mut index = 0_usize;
        for length in 1..=16_u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offsets[length as usize] = index as i32 - code as i32;
            for _ in 0..count {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOKUP_BITS {
                    table.enter(code, length, symbols[index]);
                }
                code += 1;
                index += 1;
            }
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let first = (code << (LOOKUP_BITS - length)) as usize;
        let entry = length << 16 | size << 12 | run << 8 | (length + size);
        self.lookup[first..][..1 << (LOOKUP_BITS - length)].fill(entry);
    }

    /// The next code and the value after it; none when it is no code of this table.
    #[inline(always)]
    pub(super) fn decode(&self, bits: &mut Bits) -> Option<Coded> {
        let entry = self.lookup[bits.peek(LOOKUP_BITS) as usize & ((1 << LOOKUP_BITS) - 1)];
        let entry = if entry == 0 {
            self.find_long(bits.peek(16))?
        } else {
            entry
        };
        let (run, size) = (entry >> 8 & 15, entry >> 12 & 15);
        let value = bits.extended(entry >> 16, size);
        bits.take(entry & 0xFF);
        Some(Coded { run, size, value })
    }

    /// The next code alone; its value's bits are left.
    #[inline]
    pub(super) fn decode_code(&self, bits: &mut Bits) -> Option<(u32, u32)> {
        let entry = self.lookup[bits.peek(LOOKUP_BITS) as usize & ((1 << LOOKUP_BITS) - 1)];
        let entry = if entry == 0 {
            self.find_long(bits.peek(16))?
        } else {
            entry
        };
        bits.take(entry >> 16);
        Some((entry >> 8 & 15, entry >> 12 & 15))
    }

    #[cold]
    fn find_long(&self, bits: u32) -> Option<u32> {
        let length = (LOOKUP_BITS + 1..=16).find(|length| bits < self.ends[*length as usize])?;
        let code = (bits >> (16 - length)).cast_signed();
        let index = usize::try_from(code + self.offsets[length as usize]).ok()?;
        let symbol = *self.symbols.get(index)?;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        Some(length << 16 | size << 12 | run << 8 | (length + size))
    }
}
