//! A small picture laid over another.

use shared::options::{Position, Watermark};

use crate::{
    compose::{of_codes, over, rgba},
    picture::{Channels, Picture, RowsOf, Samples, Shape},
    resize::{self, Node, Region},
};

/// Lays `mark` (with four channels) over a picture.
pub(super) fn lay(picture: &Picture, mark: &Picture, settings: &Watermark) -> Picture {
    let shape = picture.shape;
    let mark = sized(mark, shape, settings);
    let Samples::Eight(mark_codes) = &mark.samples else {
        return picture.clone();
    };
    let margin = settings.margin.map_or(0, shared::options::Whole::get);
    let (left, top) = corner(shape, mark.shape, settings.position.unwrap_or_default(), margin);
    let opacity = settings.opacity.map_or(1.0, shared::options::Decimal::get);
    let mark_row = |y: usize| {
        let row = y.checked_sub(top)?;
        mark_codes
            .as_chunks::<4>()
            .0
            .chunks_exact(mark.shape.width as usize)
            .nth(row)
    };
    let width = shape.width as usize;
    let mut pixels = rgba(picture);
    let mut out = Vec::with_capacity(width * shape.height as usize * 4);
    for y in 0..shape.height as usize {
        let marked = mark_row(y);
        for (x, under) in pixels.by_ref().take(width).enumerate() {
            let top = marked.and_then(|row| row.get(x.checked_sub(left)?));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most 255"
            )]
            let fade = |[r, g, b, a]: [u8; 4]| [r, g, b, (f64::from(a) * opacity).round() as u8];
            out.push(top.map_or(under, |top| over(fade(*top), under)));
        }
    }
    if shape.channels.has_alpha() {
        return of_codes(shape.width, shape.height, Channels::Rgba, out.into_flattened());
    }
    let samples = out.into_iter().flat_map(|[r, g, b, _]| [r, g, b]).collect();
    of_codes(shape.width, shape.height, Channels::Rgb, samples)
}

/// The mark as large as it is asked for, and never larger than the picture.
fn sized(mark: &Picture, shape: Shape, settings: &Watermark) -> Picture {
    let own = (f64::from(mark.shape.width), f64::from(mark.shape.height));
    let width = settings
        .scale
        .map_or(own.0, |scale| f64::from(shape.width) * scale.get());
    let scale = (width / own.0)
        .min(f64::from(shape.width) / own.0)
        .min(f64::from(shape.height) / own.1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a picture's side"
    )]
    let side = |side: f64| (side * scale).round().max(1.0) as u32;
    let target = (side(own.0), side(own.1));
    if target == (mark.shape.width, mark.shape.height) {
        return mark.clone();
    }
    let region = Region::whole(mark.shape.width, mark.shape.height);
    let node = Node {
        id: 0,
        region,
        target,
        halved: false,
        children: Vec::new(),
    };
    let resized = resize::run(&mut RowsOf::new(mark), &[node]);
    resized
        .ok()
        .and_then(|mut pictures| pictures.pop())
        .map_or_else(|| mark.clone(), |(_, picture)| picture)
}

/// Left and top of the mark.
fn corner(shape: Shape, mark: Shape, position: Position, margin: u32) -> (usize, usize) {
    use Position::{Bottom, BottomLeft, BottomRight, Center, Left, Right, Top, TopLeft, TopRight};
    let place = |side: u32, mark: u32, at: u32| {
        let free = side.saturating_sub(mark);
        match at {
            0 => margin.min(free),
            1 => free / 2,
            _ => free.saturating_sub(margin),
        }
    };
    let (across, down) = match position {
        TopLeft => (0, 0),
        Top => (1, 0),
        TopRight => (2, 0),
        Left => (0, 1),
        Center => (1, 1),
        Right => (2, 1),
        BottomLeft => (0, 2),
        Bottom => (1, 2),
        BottomRight => (2, 2),
    };
    (
        place(shape.width, mark.width, across) as usize,
        place(shape.height, mark.height, down) as usize,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::codes;

    #[test]
    fn a_mark_lies_where_it_is_said_to() {
        let picture = of_codes(10, 10, Channels::Gray, vec![0; 100]);
        let mark = of_codes(2, 2, Channels::Rgba, vec![255; 16]);
        for (settings, lit) in [
            (r#"{"png":""}"#, (8, 8)),
            (r#"{"png":"","position":"top-left","margin":1}"#, (1, 1)),
            (r#"{"png":"","position":"center"}"#, (4, 4)),
        ] {
            let settings: Watermark = serde_json::from_str(settings).unwrap();
            let out = lay(&picture, &mark, &settings);
            let first = codes(&out).iter().position(|code| *code == 255).unwrap() / 3;
            assert_eq!((first % 10, first / 10), lit);
            let lit: u32 = codes(&out).iter().map(|code| u32::from(*code)).sum();
            assert_eq!(lit, 12 * 255);
        }
        let settings: Watermark = serde_json::from_str(r#"{"png":"","scale":1,"opacity":0.5}"#).unwrap();
        let out = lay(&picture, &mark, &settings);
        assert!(codes(&out).iter().all(|code| *code == 128));
    }
}
