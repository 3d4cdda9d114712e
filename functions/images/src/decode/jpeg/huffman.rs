//! Huffman tables (T.81, annexes C and F), looked up ten bits at a time.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are masked to the arrays' sizes, or below the sums checked when made"
)]

use super::stream::Stream;

const LOOKUP_BITS: u32 = 10;

/// A table of codes.
///
/// An entry of `lookup` holds, from the bottom: in 8 bits how many bits it takes, in 4 the run of zeros, then a flag, and in the
/// upper half the coefficient's value where the bits hold all of it (the flag is set), or how many bits of it follow.
/// Zero stands for longer codes.
pub(super) struct Huffman {
    lookup: Box<[u32; 1 << LOOKUP_BITS]>,
    /// The first code of a length past those of this length, at the top of 16 bits.
    ends: [u32; 17],
    /// What to add to a code of this length for its place among the symbols.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

const WHOLE: u32 = 1 << 15;

/// What a code says: a run of zeros, and a coefficient's value or the bits that it has.
pub(super) enum Code {
    /// A run of zeros and the value after it.
    Value(u32, i32),
    /// A run of zeros and how many bits of a value follow.
    Symbol(u32, u32),
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
        for (rest, entry) in self.lookup[first..][..1 << (LOOKUP_BITS - length)]
            .iter_mut()
            .enumerate()
        {
            let total = length + size;
            *entry = if size > 0 && total <= LOOKUP_BITS {
                let bits = i32::try_from(rest >> (LOOKUP_BITS - total)).unwrap_or_default();
                let value = if bits < 1 << (size - 1) {
                    bits - (1 << size) + 1
                } else {
                    bits
                };
                (value << 16).cast_unsigned() | WHOLE | run << 8 | total
            } else {
                size << 16 | run << 8 | length
            };
        }
    }

    /// The next code; none when it is no code of this table.
    #[inline]
    pub(super) fn decode(&self, stream: &mut Stream<'_>) -> Option<Code> {
        stream.need();
        let entry = self.lookup[stream.peek(LOOKUP_BITS) as usize & ((1 << LOOKUP_BITS) - 1)];
        if entry & WHOLE != 0 {
            stream.take(entry & 0xFF);
            return Some(Code::Value(entry >> 8 & 15, entry.cast_signed() >> 16));
        }
        if entry != 0 {
            stream.take(entry & 0xFF);
            return Some(Code::Symbol(entry >> 8 & 15, entry >> 16));
        }
        self.decode_long(stream)
    }

    #[cold]
    fn decode_long(&self, stream: &mut Stream<'_>) -> Option<Code> {
        let bits = stream.peek(16);
        let length = (LOOKUP_BITS + 1..=16).find(|length| bits < self.ends[*length as usize])?;
        let code = (bits >> (16 - length)).cast_signed();
        let index = usize::try_from(code + self.offsets[length as usize]).ok()?;
        let symbol = *self.symbols.get(index)?;
        stream.take(length);
        Some(Code::Symbol(u32::from(symbol >> 4), u32::from(symbol & 15)))
    }
}
