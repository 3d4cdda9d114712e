//! How much memory a column's profile may take, and how exact it is for that.

/// The sizes of a column's sketches. Profiles merge only if theirs are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// Up to so many different values everything is exact: each is kept with its count.
    pub(crate) exact: usize,
    /// The logarithm of the number of registers that estimate how many different values there are.
    pub(crate) register_bits: u32,
    /// Buckets of four counters each, for the values seen most: a power of two.
    pub(crate) buckets: usize,
    /// The `k` of the quantile sketch.
    pub(crate) quantile_k: usize,
    /// How many bytes of a text are kept.
    pub(crate) text_bytes: usize,
    /// Up to so many patterns are told apart.
    pub(crate) patterns: usize,
}

impl Precision {
    /// For a table of up to 32 columns: at most some 250 KB a column, of which 190 KB are kept texts.
    pub const NARROW: Self = Self {
        exact: 1024,
        register_bits: 12,
        buckets: 256,
        quantile_k: 256,
        text_bytes: 128,
        patterns: 64,
    };
    /// For a table of up to 256 columns: at most some 60 KB a column.
    pub const MIDDLE: Self = Self {
        exact: 512,
        register_bits: 11,
        buckets: 64,
        quantile_k: 200,
        text_bytes: 64,
        patterns: 32,
    };
    /// For wider tables: at most some 9 KB a column.
    pub const WIDE: Self = Self {
        exact: 64,
        register_bits: 9,
        buckets: 8,
        quantile_k: 64,
        text_bytes: 48,
        patterns: 8,
    };

    /// What a table of so many columns affords; nested columns count as one each.
    #[must_use]
    pub const fn for_columns(columns: usize) -> Self {
        match columns {
            0..=32 => Self::NARROW,
            33..=256 => Self::MIDDLE,
            _ => Self::WIDE,
        }
    }

    /// The standard error of an estimated number of different values: 1.04 / √registers (Flajolet et al. 2007).
    #[must_use]
    pub fn distinct_standard_error(self) -> f64 {
        1.04 / f64::from(1_u32 << self.register_bits).sqrt()
    }

    /// How far the rank of a quantile may be off, as a share of the values, in 99 of 100 cases: the sketch's own
    /// error (2.296 / k^0.9723, fitted by Apache `DataSketches` to KLL sketches of this shape), and that of the
    /// sample it is fed with, in quadrature.
    #[must_use]
    pub fn quantile_rank_error(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let sketch = 2.296 / (self.quantile_k as f64).powf(0.9723);
        sketch.hypot(super::quantiles::SAMPLING_RANK_ERROR)
    }
}
