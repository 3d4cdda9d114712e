//! Quantiles, the histogram and the share of outliers, from values in order with what each stands for: all of them
//! while they are few, else what the sketch kept.

use super::{
    kind::Kind,
    report::{Bin, Histogram, Outliers, Quantile, Scale, Shown},
};

/// The quantiles that are told.
const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
/// Bins of a histogram at most.
const BINS: usize = 24;
/// Tukey's fences: so many interquartile ranges beyond the quartiles.
const FENCE: f64 = 1.5;

/// Values in order, each with how many it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Distribution {
    kind: Kind,
    values: Vec<(u128, u64)>,
    range: Option<(u128, u128)>,
    total: u64,
    pub(crate) exact: bool,
}

impl Distribution {
    pub(crate) fn new(
        kind: Kind,
        values: Vec<(u128, u64)>,
        range: Option<(u128, u128)>,
        exact: bool,
    ) -> Self {
        Self {
            total: values.iter().map(|(_, count)| count).sum(),
            kind,
            values,
            range,
            exact,
        }
    }

    /// The least value that at least this share of all does not exceed (type 1 of Hyndman and Fan 1996: a value that
    /// is there, never one between two).
    fn quantile(&self, share: f64) -> Option<u128> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank; beyond 2^53 values it is as near as one can be"
        )]
        let rank = ((share * self.total as f64).ceil() as u64).clamp(1, self.total.max(1));
        let mut below = 0;
        for (value, count) in &self.values {
            below += count;
            if below >= rank {
                return Some(*value);
            }
        }
        None
    }

    pub(crate) fn quantiles(&self) -> Vec<Quantile> {
        let of = |share: f64| {
            let key = self.quantile(share)?;
            Some(Quantile {
                share,
                value: self.kind.show(key),
                position: self.kind.position(key),
            })
        };
        QUANTILES.into_iter().filter_map(of).collect()
    }

    /// Bins from the least to the greatest value, of one width: on the line, or of positive values that are skewed on
    /// the logarithm of it. The edges of integers and days are whole, so those bins differ by one at most.
    pub(crate) fn histogram(&self) -> Option<Histogram> {
        let (min, max) = self.range?;
        let (low, high) = (self.kind.position(min), self.kind.position(max));
        if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) || self.total == 0 {
            return None;
        }
        let whole = matches!(self.kind, Kind::Int | Kind::UInt | Kind::Date);
        let end = if whole { high + 1.0 } else { high };
        let scale = self.scale(low, high);
        let (from, to) = (scale.of(low), scale.of(end));
        let bins = bin_count(self.total)
            .min(if whole { end - low } else { f64::MAX })
            .max(1.0);
        let width = (to - from) / bins;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to BINS"
        )]
        let mut edges: Vec<f64> = (0..=bins as u32)
            .map(|bin| match bin {
                0 => low,
                _ if f64::from(bin) >= bins => end,
                _ => self.edge(scale.back(from + f64::from(bin) * width), width),
            })
            .collect();
        edges.dedup_by(|next, edge| *next <= *edge);
        if edges.len() < 2 {
            edges = vec![low, end];
        }
        let last = edges.len() - 2;
        let mut counts = vec![0_u64; last + 1];
        for (value, count) in &self.values {
            let position = self.kind.position(*value);
            let bin = edges.partition_point(|edge| *edge <= position).saturating_sub(1);
            if let Some(held) = counts.get_mut(bin.min(last)) {
                *held += count;
            }
        }
        let show = |edge: usize| match edges.get(edge) {
            _ if edge == 0 => self.kind.show(min),
            _ if edge > last => self.end(max),
            Some(position) => self.show_edge(*position),
            None => self.kind.show(max),
        };
        let bins = counts.into_iter().enumerate().map(|(bin, count)| Bin {
            from: show(bin),
            to: show(bin + 1),
            count,
        });
        Some(Histogram {
            exact: self.exact,
            scale,
            last_includes_end: !whole,
            bins: bins.collect(),
            span: (from, to),
        })
    }

    /// Where an edge is put that falls at a position: between integers and days on one of them, and on a whole second where bins are
    /// wider than two.
    fn edge(&self, position: f64, width: f64) -> f64 {
        match self.kind {
            Kind::Int | Kind::UInt | Kind::Date => position.round(),
            Kind::Time { .. } | Kind::Timestamp { .. } if width >= 2.0 => position.round(),
            #[expect(clippy::cast_precision_loss, reason = "a power of ten")]
            Kind::Time { per_second } | Kind::Timestamp { per_second, .. } => {
                (position * per_second as f64).round() / per_second as f64
            }
            _ => position,
        }
    }

    /// The end of the last bin: of whole numbers that behind the greatest, which the bin holds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "one more than any integer of 64 bits is a float"
    )]
    fn end(&self, max: u128) -> Shown {
        match self.kind.show(max) {
            Shown::Int(max) => max
                .checked_add(1)
                .map_or_else(|| Shown::float(max as f64), Shown::Int),
            Shown::UInt(max) => max
                .checked_add(1)
                .map_or_else(|| Shown::float(max as f64), Shown::UInt),
            shown if self.kind != Kind::Date => shown,
            _ => self.show_edge(self.kind.position(max) + 1.0),
        }
    }

    /// Logarithmic for positive values of which the middle lies in the first twentieth, over two orders of magnitude.
    fn scale(&self, low: f64, high: f64) -> Scale {
        let median = self.quantile(0.5).map_or(low, |key| self.kind.position(key));
        let skewed = low > 0.0 && high / low >= 100.0 && median - low <= (high - low) * 0.05;
        if self.kind.is_number() && skewed {
            Scale::Log
        } else {
            Scale::Linear
        }
    }

    fn show_edge(&self, position: f64) -> Shown {
        match self.kind {
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            Kind::Int if position.abs() < 9e18 => Shown::Int(position as i64),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            Kind::UInt if position < 1.8e19 => Shown::UInt(position as u64),
            kind => kind.show_position(position),
        }
    }

    /// Values beyond Tukey's fences, unless half of all are the same.
    pub(crate) fn outliers(&self) -> Option<Outliers> {
        let position = |share: f64| self.quantile(share).map(|value| self.kind.position(value));
        let (first, third) = (position(0.25)?, position(0.75)?);
        let reach = (third - first) * FENCE;
        if !reach.is_finite() || reach <= 0.0 {
            return None;
        }
        let fence = |position: f64| match self.kind {
            Kind::Time { .. } | Kind::Timestamp { .. } => self.edge(position, reach),
            _ => position,
        };
        let (low, high) = (fence(first - reach), fence(third + reach));
        let beyond = |outside: &dyn Fn(f64) -> bool| {
            let values = self
                .values
                .iter()
                .filter(|(value, _)| outside(self.kind.position(*value)));
            values.map(|(_, count)| count).sum::<u64>()
        };
        Some(Outliers {
            exact: self.exact,
            low_fence: self.kind.show_position(low),
            high_fence: self.kind.show_position(high),
            below: beyond(&|position| position < low),
            above: beyond(&|position| position > high),
        })
    }
}

/// Sturges' rule, up to [`BINS`].
#[expect(clippy::cast_precision_loss, reason = "a logarithm of it is taken")]
fn bin_count(total: u64) -> f64 {
    ((total as f64).log2().ceil() + 1.0).clamp(1.0, BINS as f64)
}
