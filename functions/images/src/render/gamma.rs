//! A PNG's `gAMA` (PNG, third edition, 11.3.2.2) applied, as browsers do it where nothing else tells of the colours.

use shared::Failure;

use crate::picture::{Depth, Row, Rows, Shape};

/// The exponent of screens. Its inverse as `gAMA` (45455) counts as sRGB.
const SCREEN: f64 = 2.2;
/// Exponents so near to 1 are left alone, as libpng leaves them.
const THRESHOLD: f64 = 0.05;

/// Rows whose codes go through a curve, but for alpha.
pub(super) struct Corrected<'a> {
    rows: &'a mut dyn Rows,
    /// Of each code the one on a screen.
    curve: Vec<u16>,
    eight: Vec<u8>,
    sixteen: Vec<u16>,
}

/// Rows of a picture with this `gAMA`; none where they are as a screen shows them already.
pub(super) fn correct(rows: &mut dyn Rows, gamma: f32) -> Option<Corrected<'_>> {
    let exponent = 1.0 / (f64::from(gamma) * SCREEN);
    if !exponent.is_finite() || (exponent - 1.0).abs() < THRESHOLD {
        return None;
    }
    let most = match rows.shape().depth {
        Depth::Eight => u16::from(u8::MAX),
        Depth::Sixteen => u16::MAX,
    };
    let on_screen = |code: u16| {
        let share = (f64::from(code) / f64::from(most)).powf(exponent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to `most`"
        )]
        let code = (share * f64::from(most)).round() as u16;
        code
    };
    Some(Corrected {
        rows,
        curve: (0..=most).map(on_screen).collect(),
        eight: Vec::new(),
        sixteen: Vec::new(),
    })
}

impl Rows for Corrected<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let channels = self.rows.shape().channels;
        let is_alpha =
            |index: usize| channels.has_alpha() && index % channels.count() == channels.count() - 1;
        let curve = &self.curve;
        let on_screen = |code: u16| curve.get(usize::from(code)).copied().unwrap_or(code);
        let Some(row) = self.rows.next_row()? else {
            return Ok(None);
        };
        Ok(Some(match row {
            Row::Eight(codes) => {
                self.eight.clear();
                self.eight.extend(codes.iter().enumerate().map(|(index, code)| {
                    if is_alpha(index) {
                        return *code;
                    }
                    u8::try_from(on_screen(u16::from(*code))).unwrap_or(u8::MAX)
                }));
                Row::Eight(&self.eight)
            }
            Row::Sixteen(codes) => {
                self.sixteen.clear();
                self.sixteen.extend(codes.iter().enumerate().map(|(index, code)| {
                    if is_alpha(index) { *code } else { on_screen(*code) }
                }));
                Row::Sixteen(&self.sixteen)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Channels;

    struct One(Vec<u8>, bool);

    impl Rows for One {
        fn shape(&self) -> Shape {
            Shape {
                width: 2,
                height: 1,
                channels: Channels::GrayAlpha,
                depth: Depth::Eight,
            }
        }

        fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
            let is_next = !std::mem::replace(&mut self.1, true);
            Ok(is_next.then_some(Row::Eight(&self.0)))
        }
    }

    #[test]
    fn light_becomes_codes_of_a_screen_and_alpha_stays() {
        let mut rows = One(vec![128, 128, 255, 0], false);
        let mut corrected = correct(&mut rows, 1.0).unwrap();
        // 255 × (128 / 255) ^ (1 / 2.2)
        assert_eq!(
            corrected.next_row().unwrap(),
            Some(Row::Eight(&[186, 128, 255, 0]))
        );
        assert_eq!(corrected.next_row().unwrap(), None);
    }

    #[test]
    fn what_counts_as_srgb_is_left_alone() {
        for gamma in [0.454_55, 0.45, 0.0] {
            assert!(correct(&mut One(Vec::new(), false), gamma).is_none(), "{gamma}");
        }
    }
}
