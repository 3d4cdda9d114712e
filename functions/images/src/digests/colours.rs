//! The colours that a picture is made of.

use std::collections::BTreeMap;

use serde::Serialize;

/// A colour, and how much of the picture is of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dominant {
    /// `#rrggbb`.
    pub colour: String,
    /// 0 to 1, of what is not transparent.
    pub share: f64,
}

/// The most that are told.
const MOST: usize = 6;
/// Two colours are the same to us when they are nearer than so many codes.
const NEAR: u32 = 56;
/// What takes less of the picture is not told.
const LEAST_SHARE: f64 = 0.02;

fn distance([r, g, b]: [u8; 3], [other_r, other_g, other_b]: [u8; 3]) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // Green weighs most, as in the eye.
    (3 * square(r, other_r) + 4 * square(g, other_g) + 2 * square(b, other_b)) / 3
}

/// The mean of many colours.
#[derive(Default, Clone, Copy)]
struct Mean {
    sums: [u64; 3],
    count: u64,
}

impl Mean {
    fn add(&mut self, colour: [u8; 3]) {
        for (sum, code) in self.sums.iter_mut().zip(colour) {
            *sum += u64::from(code);
        }
        self.count += 1;
    }

    fn colour(&self) -> [u8; 3] {
        self.sums
            .map(|sum| u8::try_from((sum + self.count / 2) / self.count.max(1)).unwrap_or(255))
    }
}

/// The dominant colours: the fullest cells of the colour cube that are not near one another, then each pixel to the nearest.
pub(super) fn dominant(pixels: &[[u8; 4]]) -> Vec<Dominant> {
    let seen = || {
        pixels
            .iter()
            .filter(|[.., a]| *a >= 128)
            .map(|[r, g, b, _]| [*r, *g, *b])
    };
    let mut cells: BTreeMap<[u8; 3], Mean> = BTreeMap::new();
    for colour in seen() {
        cells.entry(colour.map(|code| code >> 4)).or_default().add(colour);
    }
    let mut cells: Vec<Mean> = cells.into_values().collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.count));
    let mut seeds: Vec<[u8; 3]> = Vec::new();
    for cell in &cells {
        let colour = cell.colour();
        if seeds.len() < MOST && seeds.iter().all(|seed| distance(*seed, colour) >= NEAR * NEAR) {
            seeds.push(colour);
        }
    }
    // Twice: to the seeds, then to the means of what was near them.
    let mut means = Vec::new();
    for _ in 0..2 {
        means = vec![Mean::default(); seeds.len()];
        for colour in seen() {
            let nearest = seeds
                .iter()
                .zip(&mut means)
                .min_by_key(|(seed, _)| distance(**seed, colour));
            if let Some((_, mean)) = nearest {
                mean.add(colour);
            }
        }
        seeds = means
            .iter()
            .zip(seeds)
            .map(|(mean, seed)| if mean.count == 0 { seed } else { mean.colour() })
            .collect();
    }
    means.sort_by_key(|mean| std::cmp::Reverse(mean.count));
    let total: u64 = means.iter().map(|mean| mean.count).sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000 pixels")]
    let told = means
        .iter()
        .map(|mean| (mean, mean.count as f64 / total.max(1) as f64));
    told.filter(|(_, share)| *share >= LEAST_SHARE)
        .map(|(mean, share)| {
            let [r, g, b] = mean.colour();
            Dominant {
                colour: format!("#{r:02x}{g:02x}{b:02x}"),
                share: (share * 1000.0).round() / 1000.0,
            }
        })
        .collect()
}

/// The mean luma (Rec. 601), 0 to 1, to a thousandth.
pub(super) fn brightness(pixels: &[[u8; 4]]) -> f64 {
    let (mut sum, mut covered) = (0.0, 0.0);
    for [r, g, b, a] in pixels {
        let alpha = f64::from(*a) / 255.0;
        sum += alpha * (0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b)) / 255.0;
        covered += alpha;
    }
    if covered > 0.0 {
        (sum / covered * 1000.0).round() / 1000.0
    } else {
        0.0
    }
}
