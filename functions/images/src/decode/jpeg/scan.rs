//! One block of a scan: sequential (T.81, F.2) and progressive (G.1.2).

#![expect(
    clippy::indexing_slicing,
    clippy::inline_always,
    reason = "the inner loop; indices are masked to the 64 coefficients of a block"
)]

use super::{
    huffman::Huffman,
    stream::{Bits, Stream},
};

/// The coefficients of a block, row after row.
pub(super) type Block = [i16; 64];

/// Where the coefficients stand in a block, in the order that they are coded in (T.81, figure 5).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Of each coefficient in the order of the code: where it stands in a block, and its divisor. Of 64 bits, so that one load gets both.
pub(super) type Dequantization = [(u32, i32); 64];

/// The divisors of a table, which has them in the order of the code.
pub(super) fn dequantization(table: &[i16; 64]) -> Dequantization {
    std::array::from_fn(|at| (u32::from(ZIGZAG[at]), i32::from(table[at])))
}

/// What is wrong with the coded data.
pub(super) struct Damage(pub(super) &'static str);

const NO_CODE: Damage = Damage("bits that are no code of the Huffman table");
const TOO_FAR: Damage = Damage("a run of zeros past the end of a block");
const TOO_LARGE: Damage = Damage("a coefficient of more bits than there can be");

/// The difference of a DC coefficient.
#[inline(always)]
fn dc_difference(bits: &mut Bits, table: &Huffman) -> Result<i32, Damage> {
    let coded = table.decode(bits).ok_or(NO_CODE)?;
    if coded.run != 0 {
        return Err(TOO_LARGE);
    }
    Ok(coded.value)
}

/// Decodes a block of a sequential scan, dequantized. `block` must be all
/// zeros. Gives the index of the last coefficient that may not be zero.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "samples of 8 bits have coefficients of 16; others wrap"
)]
pub(super) fn sequential(
    stream: &mut Stream<'_>,
    (dc, ac): (&Huffman, &Huffman),
    factors: &Dequantization,
    predictor: &mut i32,
    block: &mut Block,
) -> Result<usize, Damage> {
    let mut bits = stream.lend();
    *predictor = predictor.wrapping_add(dc_difference(&mut bits, dc)?);
    block[0] = predictor.wrapping_mul(factors[0].1) as i16;
    let mut at = 1;
    let mut last = 0;
    while at < 64 {
        stream.need(&mut bits);
        let Some(coded) = ac.decode(&mut bits) else {
            stream.take_back(bits);
            return Err(NO_CODE);
        };
        at += coded.run as usize;
        if coded.size == 0 {
            if coded.run == 15 {
                at += 1;
                continue;
            }
            break;
        }
        if at > 63 {
            return Err(TOO_FAR);
        }
        let (place, factor) = factors[at & 63];
        block[place as usize & 63] = coded.value.wrapping_mul(factor) as i16;
        last = at;
        at += 1;
    }
    stream.take_back(bits);
    Ok(last)
}

/// The first scan of a DC coefficient.
#[expect(
    clippy::cast_possible_truncation,
    reason = "samples of 8 bits have coefficients of 16; others wrap"
)]
pub(super) fn dc_first(
    stream: &mut Stream<'_>,
    table: &Huffman,
    low: u32,
    predictor: &mut i32,
    block: &mut Block,
) -> Result<(), Damage> {
    let mut bits = stream.lend();
    *predictor = predictor.wrapping_add(dc_difference(&mut bits, table)?);
    stream.take_back(bits);
    block[0] = predictor.wrapping_shl(low) as i16;
    Ok(())
}

/// One more bit of a DC coefficient.
pub(super) fn dc_refine(stream: &mut Stream<'_>, low: u32, block: &mut Block) {
    if stream.bit() {
        block[0] |= 1_i16.wrapping_shl(low);
    }
}

/// What of the spectrum a progressive scan carries, and how many blocks of it have no more than zeros to come.
pub(super) struct Band {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) low: u32,
    pub(super) empty_blocks: u32,
}

impl Band {
    /// This block, and so many more, have nothing more to come. `size` is of the code for it.
    #[inline(always)]
    fn begin_run(&mut self, stream: &mut Stream<'_>, bits: &mut Bits, size: u32) {
        self.empty_blocks = 1 << size;
        if size > 0 {
            stream.need(bits);
            self.empty_blocks += bits.peek(size);
            bits.take(size);
        }
    }

    /// The first scan of AC coefficients.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "samples of 8 bits have coefficients of 16; others wrap"
    )]
    pub(super) fn ac_first(
        &mut self,
        stream: &mut Stream<'_>,
        table: &Huffman,
        block: &mut Block,
    ) -> Result<(), Damage> {
        if self.empty_blocks > 0 {
            self.empty_blocks -= 1;
            return Ok(());
        }
        let mut at = self.from;
        let mut bits = stream.lend();
        while at <= self.to {
            stream.need(&mut bits);
            let Some(coded) = table.decode(&mut bits) else {
                stream.take_back(bits);
                return Err(NO_CODE);
            };
            if coded.size == 0 {
                if coded.run == 15 {
                    at += 16;
                    continue;
                }
                self.begin_run(stream, &mut bits, coded.run);
                self.empty_blocks -= 1;
                break;
            }
            at += coded.run as usize;
            if at > self.to {
                return Err(TOO_FAR);
            }
            block[usize::from(ZIGZAG[at & 63]) & 63] = coded.value.wrapping_shl(self.low) as i16;
            at += 1;
        }
        stream.take_back(bits);
        Ok(())
    }

    /// One more bit of AC coefficients.
    pub(super) fn ac_refine(
        &mut self,
        stream: &mut Stream<'_>,
        table: &Huffman,
        block: &mut Block,
    ) -> Result<(), Damage> {
        let one = 1_i16.wrapping_shl(self.low);
        let mut at = self.from;
        let mut bits = stream.lend();
        if self.empty_blocks == 0 {
            while at <= self.to {
                stream.need(&mut bits);
                let Some((run, size)) = table.decode_code(&mut bits) else {
                    stream.take_back(bits);
                    return Err(NO_CODE);
                };
                let value = match (run, size) {
                    (15, 0) => 0,
                    (run, 0) => {
                        self.begin_run(stream, &mut bits, run);
                        break;
                    }
                    (_, 1) => {
                        let is_positive = bits.peek(1) == 1;
                        bits.take(1);
                        if is_positive { one } else { one.wrapping_neg() }
                    }
                    _ => return Err(TOO_LARGE),
                };
                let mut zeros = run;
                while at <= self.to {
                    let coefficient = &mut block[usize::from(ZIGZAG[at & 63]) & 63];
                    at += 1;
                    if *coefficient != 0 {
                        refine(stream, &mut bits, coefficient, one);
                    } else if zeros == 0 {
                        *coefficient = value;
                        break;
                    } else {
                        zeros -= 1;
                    }
                }
            }
        }
        if self.empty_blocks > 0 {
            while at <= self.to {
                let coefficient = &mut block[usize::from(ZIGZAG[at & 63]) & 63];
                if *coefficient != 0 {
                    refine(stream, &mut bits, coefficient, one);
                }
                at += 1;
            }
            self.empty_blocks -= 1;
        }
        stream.take_back(bits);
        Ok(())
    }
}

/// One more bit of a coefficient that is not zero: away from zero if it is set.
#[inline(always)]
fn refine(stream: &mut Stream<'_>, bits: &mut Bits, coefficient: &mut i16, one: i16) {
    stream.need(bits);
    let is_set = bits.peek(1) == 1 && *coefficient & one == 0;
    bits.take(1);
    // Without a branch on the bit, which would be guessed wrong half of the time.
    let sign = *coefficient >> 15;
    let step = (one ^ sign).wrapping_sub(sign);
    *coefficient = coefficient.wrapping_add(step & i16::from(is_set).wrapping_neg());
}
