//! Eight samples of 16 bits and four sums of 32 at a time: the few instructions that the transform and the colours need, on x86-64 (which
//! always has SSE2) the machine's own, elsewhere what the compiler makes of arrays.

#![expect(clippy::inline_always, reason = "each is one instruction")]

#[cfg(target_arch = "x86_64")]
mod x86 {
    use safe_arch::{
        add_i16_m128i, add_i32_m128i, add_saturating_i16_m128i, bitand_m128i, bitor_m128i, m128i,
        mul_i16_horizontal_add_m128i, pack_i16_to_u8_m128i, pack_i32_to_i16_m128i, set_splat_i16_m128i,
        set_splat_i32_m128i, shr_imm_i32_m128i, shr_imm_u64_m128i, sub_i32_m128i, unpack_high_i8_m128i,
        unpack_high_i16_m128i, unpack_low_i8_m128i, unpack_low_i16_m128i, zeroed_m128i,
    };

    /// Sixteen pixels of their planes.
    #[inline(always)]
    pub(in super::super) fn interleave(planes: [[u8; 16]; 3]) -> [u8; 48] {
        let [red, green, blue] = planes.map(m128i::from);
        let zero = zeroed_m128i();
        let (low, high) = (unpack_low_i8_m128i(red, green), unpack_high_i8_m128i(red, green));
        let (blue_low, blue_high) = (unpack_low_i8_m128i(blue, zero), unpack_high_i8_m128i(blue, zero));
        let halves = [(low, blue_low), (high, blue_high)].map(|(red_green, blue)| {
            let [a, b] = pairs(unpack_low_i16_m128i(red_green, blue));
            let [c, d] = pairs(unpack_high_i16_m128i(red_green, blue));
            [a | b << 48, b >> 16 | c << 32, c >> 32 | d << 16]
        });
        let mut out = [0; 48];
        let (words, _) = out.as_chunks_mut::<8>();
        for (to, word) in words.iter_mut().zip(halves.as_flattened()) {
            *to = word.to_le_bytes();
        }
        out
    }

    /// Four pixels, each in four bytes, to twice two of them in six.
    #[inline(always)]
    fn pairs(pixels: m128i) -> [u64; 2] {
        let first = m128i::from([0xFF_FFFF_u64; 2]);
        let second = m128i::from([0xFFFF_FF00_0000_u64; 2]);
        bitor_m128i(
            bitand_m128i(pixels, first),
            bitand_m128i(shr_imm_u64_m128i::<8>(pixels), second),
        )
        .into()
    }

    /// Eight samples.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Samples(m128i);

    /// Four sums.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Sums(m128i);

    impl Samples {
        #[inline(always)]
        pub(in super::super) fn new(samples: [i16; 8]) -> Self {
            Self(m128i::from(samples))
        }

        #[inline(always)]
        pub(in super::super) fn plus(self, other: Self) -> Self {
            Self(add_i16_m128i(self.0, other.0))
        }

        /// The lower halves, one sample of each in turn.
        #[inline(always)]
        pub(in super::super) fn interleave_low(self, other: Self) -> Self {
            Self(unpack_low_i16_m128i(self.0, other.0))
        }

        /// The upper halves, one sample of each in turn.
        #[inline(always)]
        pub(in super::super) fn interleave_high(self, other: Self) -> Self {
            Self(unpack_high_i16_m128i(self.0, other.0))
        }

        /// Products, and pairs of them summed.
        #[inline(always)]
        pub(in super::super) fn dot(self, by: Self) -> Sums {
            Sums(mul_i16_horizontal_add_m128i(self.0, by.0))
        }

        /// Two rows of samples around zero as bytes around 128.
        #[inline(always)]
        pub(in super::super) fn to_bytes(self, other: Self) -> [u8; 16] {
            let middle = set_splat_i16_m128i(128);
            let (low, high) = (
                add_saturating_i16_m128i(self.0, middle),
                add_saturating_i16_m128i(other.0, middle),
            );
            pack_i16_to_u8_m128i(low, high).into()
        }
    }

    impl Sums {
        #[inline(always)]
        pub(in super::super) fn plus(self, other: Self) -> Self {
            Self(add_i32_m128i(self.0, other.0))
        }

        #[inline(always)]
        pub(in super::super) fn minus(self, other: Self) -> Self {
            Self(sub_i32_m128i(self.0, other.0))
        }

        /// Both, rounded to the nearest and kept within 16 bits.
        #[inline(always)]
        pub(in super::super) fn descale<const SHIFT: i32>(self, other: Self) -> Samples {
            let half = set_splat_i32_m128i(1 << (SHIFT - 1));
            let (low, high) = (add_i32_m128i(self.0, half), add_i32_m128i(other.0, half));
            Samples(pack_i32_to_i16_m128i(
                shr_imm_i32_m128i::<SHIFT>(low),
                shr_imm_i32_m128i::<SHIFT>(high),
            ))
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Samples, Sums, interleave};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use arrays::{Samples, Sums, interleave};

#[cfg(any(test, not(target_arch = "x86_64")))]
#[expect(clippy::many_single_char_names, reason = "shuffles of eight samples")]
mod arrays {
    use wide::{i16x8, i32x4, i32x8};

    /// Sixteen pixels of their planes.
    #[inline(always)]
    pub(in super::super) fn interleave([red, green, blue]: [[u8; 16]; 3]) -> [u8; 48] {
        let mut out = [0; 48];
        let (pixels, _) = out.as_chunks_mut::<3>();
        for (((pixel, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
            *pixel = [red, green, blue];
        }
        out
    }

    /// Eight samples.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Samples(i16x8);

    /// Four sums.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Sums(i32x4);

    impl Samples {
        #[inline(always)]
        pub(in super::super) fn new(samples: [i16; 8]) -> Self {
            Self(i16x8::new(samples))
        }

        #[inline(always)]
        pub(in super::super) fn plus(self, other: Self) -> Self {
            Self(self.0 + other.0)
        }

        /// The lower halves, one sample of each in turn.
        #[inline(always)]
        pub(in super::super) fn interleave_low(self, other: Self) -> Self {
            let ([a, c, e, g, ..], [b, d, f, h, ..]) = (self.0.to_array(), other.0.to_array());
            Self::new([a, b, c, d, e, f, g, h])
        }

        /// The upper halves, one sample of each in turn.
        #[inline(always)]
        pub(in super::super) fn interleave_high(self, other: Self) -> Self {
            let ([.., a, c, e, g], [.., b, d, f, h]) = (self.0.to_array(), other.0.to_array());
            Self::new([a, b, c, d, e, f, g, h])
        }

        /// Products, and pairs of them summed.
        #[inline(always)]
        pub(in super::super) fn dot(self, by: Self) -> Sums {
            Sums(self.0.dot(by.0))
        }

        /// Two rows of samples around zero as bytes around 128.
        #[inline(always)]
        #[expect(
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation,
            reason = "between 0 and 255"
        )]
        pub(in super::super) fn to_bytes(self, other: Self) -> [u8; 16] {
            let byte = |sample: i16| (sample.clamp(-128, 127) + 128) as u8;
            let mut bytes = [0; 16];
            let rows = [self.0.to_array(), other.0.to_array()];
            bytes
                .iter_mut()
                .zip(rows.as_flattened())
                .for_each(|(to, sample)| *to = byte(*sample));
            bytes
        }
    }

    impl Sums {
        #[inline(always)]
        pub(in super::super) fn plus(self, other: Self) -> Self {
            Self(self.0 + other.0)
        }

        #[inline(always)]
        pub(in super::super) fn minus(self, other: Self) -> Self {
            Self(self.0 - other.0)
        }

        /// Both, rounded to the nearest and kept within 16 bits.
        #[inline(always)]
        pub(in super::super) fn descale<const SHIFT: i32>(self, other: Self) -> Samples {
            let half = i32x4::splat(1 << (SHIFT - 1));
            let [a, b, c, d] = ((self.0 + half) >> SHIFT).to_array();
            let [e, f, g, h] = ((other.0 + half) >> SHIFT).to_array();
            Samples(i16x8::from_i32x8_saturate(i32x8::from([a, b, c, d, e, f, g, h])))
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{arrays, x86};

    #[test]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "noise"
    )]
    fn the_machines_instructions_are_what_arrays_give() {
        let planes =
            [0, 100, 200].map(|first: u8| std::array::from_fn(|at| first.wrapping_add(at as u8 * 7)));
        assert_eq!(x86::interleave(planes), arrays::interleave(planes));
        for seed in 0..500_i32 {
            let row = |salt: i32| {
                std::array::from_fn(|at| {
                    ((seed * 7919 + salt + at as i32 * 104_729).wrapping_mul(40_503) >> 7) as i16
                })
            };
            let (a, b) = (row(1), row(2));
            let ours = (x86::Samples::new(a), x86::Samples::new(b));
            let theirs = (arrays::Samples::new(a), arrays::Samples::new(b));
            let x = ours.0.interleave_low(ours.1).dot(ours.1).plus(ours.0.dot(ours.1));
            let y = theirs
                .0
                .interleave_low(theirs.1)
                .dot(theirs.1)
                .plus(theirs.0.dot(theirs.1));
            let (x2, y2) = (
                x.minus(ours.0.interleave_high(ours.1).dot(ours.0)),
                y.minus(theirs.0.interleave_high(theirs.1).dot(theirs.0)),
            );
            let bytes = x.descale::<18>(x2).plus(ours.0).to_bytes(ours.1);
            assert_eq!(bytes, y.descale::<18>(y2).plus(theirs.0).to_bytes(theirs.1));
        }
    }
}
