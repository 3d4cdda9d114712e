//! The format that a client takes: its `Accept` header (RFC 9110, section 12.5.1).

use shared::options::ImageFormat;

/// What is chosen from, the first that is taken. AVIF is for who names it: it costs a hundred times what WebP does.
const CHOICE: [ImageFormat; 4] = [
    ImageFormat::Webp,
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::Avif,
];

/// The format for a client that accepts this; JPEG for one that takes none of ours, since every client can show it.
/// `*/*` and `image/*` alone are what clients send that know nothing of WebP: they get JPEG.
pub(super) fn format(accept: Option<&str>) -> ImageFormat {
    let accept = accept.unwrap_or("*/*").to_ascii_lowercase();
    let named = |format: &ImageFormat| {
        accept.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_it = parts.next() == Some(format.media_type());
            let refused = parts
                .filter_map(|part| part.strip_prefix("q="))
                .any(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0));
            is_it && !refused
        })
    };
    CHOICE.into_iter().find(named).unwrap_or(ImageFormat::Jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_best_that_it_names() {
        use ImageFormat::{Avif, Jpeg, Png, Webp};
        for (accept, expected) in [
            (None, Jpeg),
            (Some("*/*"), Jpeg),
            (Some("image/*"), Jpeg),
            (
                Some("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
                Webp,
            ),
            (Some("image/png,image/*;q=0.8,*/*;q=0.5"), Png),
            (Some("IMAGE/WEBP"), Webp),
            (Some("image/webp;q=0, image/jpeg"), Jpeg),
            (Some("image/avif"), Avif),
            (Some("text/html"), Jpeg),
            (Some(""), Jpeg),
        ] {
            assert_eq!(format(accept), expected, "{accept:?}");
        }
    }
}
