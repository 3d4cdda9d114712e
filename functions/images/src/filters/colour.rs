//! Filters of one pixel at a time.

use shared::options::Filters;

use crate::{
    compose::{of_codes, rgba},
    picture::{Channels, Picture},
};

/// Rec. 709, as CSS filters have it.
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// The matrix of CSS's `sepia(1)`.
const SEPIA: [[f32; 3]; 3] = [
    [0.393, 0.769, 0.189],
    [0.349, 0.686, 0.168],
    [0.272, 0.534, 0.131],
];

fn luma([r, g, b]: [f32; 3]) -> f32 {
    let [of_r, of_g, of_b] = LUMA;
    r * of_r + g * of_g + b * of_b
}

/// Brightness, contrast, saturation, grayscale, sepia and tint, in this order.
pub(super) fn apply(picture: Picture, filters: &Filters) -> Picture {
    #[expect(clippy::cast_possible_truncation, reason = "a factor of at most 10")]
    let factor = |number: Option<f64>| number.map_or(1.0, |number| number as f32);
    let brightness = factor(filters.brightness.map(shared::options::Decimal::get));
    let contrast = factor(filters.contrast.map(shared::options::Decimal::get));
    let saturation = factor(filters.saturation.map(shared::options::Decimal::get));
    let grayscale = filters.grayscale == Some(true);
    let sepia = filters.sepia == Some(true);
    let tint = filters.tint.map(|colour| {
        let [r, g, b, _] = colour.rgba.map(f32::from);
        // The tint's own brightness is left out of it: the picture's stays.
        let own = luma([r, g, b]).max(1.0);
        [r, g, b].map(|part| part / own)
    });
    let is_plain = |factor: f32| (factor - 1.0).abs() < 1e-6;
    if is_plain(brightness)
        && is_plain(contrast)
        && is_plain(saturation)
        && !grayscale
        && !sepia
        && tint.is_none()
    {
        return picture;
    }
    let colour = |pixel: [f32; 3]| {
        let lit = pixel.map(|part| (part * brightness - 127.5) * contrast + 127.5);
        let grey = luma(lit);
        let mut out = lit.map(|part| grey + (part - grey) * saturation);
        if grayscale {
            out = [luma(out); 3];
        }
        if sepia {
            let [r, g, b] = out;
            out = SEPIA.map(|[of_r, of_g, of_b]| r * of_r + g * of_g + b * of_b);
        }
        if let Some(tint) = tint {
            let grey = luma(out);
            out = tint.map(|part| grey * part);
        }
        out
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let code = |part: f32| (part.clamp(0.0, 255.0) + 0.5) as u8;
    let shape = picture.shape;
    let pixels = rgba(&picture).map(|[r, g, b, a]| (colour([r, g, b].map(f32::from)).map(code), a));
    let is_gray = (grayscale || matches!(shape.channels, Channels::Gray | Channels::GrayAlpha))
        && !sepia
        && tint.is_none();
    let (width, height) = (shape.width, shape.height);
    match (is_gray, shape.channels.has_alpha()) {
        (true, false) => of_codes(
            width,
            height,
            Channels::Gray,
            pixels.map(|([gray, ..], _)| gray).collect(),
        ),
        (true, true) => of_codes(
            width,
            height,
            Channels::GrayAlpha,
            pixels.flat_map(|([gray, ..], a)| [gray, a]).collect(),
        ),
        (false, false) => of_codes(
            width,
            height,
            Channels::Rgb,
            pixels.flat_map(|(colour, _)| colour).collect(),
        ),
        (false, true) => of_codes(
            width,
            height,
            Channels::Rgba,
            pixels.flat_map(|([r, g, b], a)| [r, g, b, a]).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::codes;

    fn filtered(filters: &str, pixel: [u8; 3]) -> Vec<u8> {
        let filters: Filters = serde_json::from_str(filters).unwrap();
        codes(&apply(of_codes(1, 1, Channels::Rgb, pixel.to_vec()), &filters)).to_vec()
    }

    #[test]
    fn each_filter_does_what_its_name_says() {
        let pixel = [200, 100, 50];
        for (filters, expected) in [
            (r"{}", vec![200, 100, 50]),
            (r#"{"brightness":1}"#, vec![200, 100, 50]),
            (r#"{"brightness":0.5}"#, vec![100, 50, 25]),
            (r#"{"brightness":10}"#, vec![255, 255, 255]),
            (r#"{"contrast":0}"#, vec![128, 128, 128]),
            (r#"{"saturation":0}"#, vec![118, 118, 118]),
            (r#"{"grayscale":true}"#, vec![118]),
            (r#"{"sepia":true}"#, vec![165, 147, 114]),
            (r##"{"tint":"#ff0000"}"##, vec![255, 0, 0]),
            (r##"{"tint":"#808080"}"##, vec![118, 118, 118]),
        ] {
            assert_eq!(filtered(filters, pixel), expected, "{filters}");
        }
    }
}
