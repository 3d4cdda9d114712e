//! A picture as scans from coarse to fine (ITU-T T.81, G.1): first the means of all blocks, then bands of finer detail, luma's
//! coarse ones first.

use super::{
    Plane,
    colour::Sampling,
    entropy::{Writer, categorised},
    huffman::{Code, Frequencies},
    segment,
};

/// The longest run of blocks without anything, that one symbol can tell.
const LONGEST_RUN: u32 = 0x7FFF;

/// The bands: component, first and last coefficient.
const BANDS: [(usize, usize, usize); 4] = [(0, 1, 5), (2, 1, 63), (1, 1, 63), (0, 6, 63)];

/// Writes all scans.
pub(super) fn write(planes: &[Plane], sampling: Sampling, out: &mut Vec<u8>) {
    means(planes, sampling, out);
    for (component, first, last) in BANDS {
        if let Some(plane) = planes.get(component) {
            band(plane, component, first, last, out);
        }
    }
}

/// Passes symbols and the bits behind them on.
type Take<'a> = dyn FnMut(u8, u32, u32) + 'a;

fn header(components: &[(usize, u8)], first: usize, last: usize, out: &mut Vec<u8>) {
    let byte = |number: usize| u8::try_from(number).unwrap_or_default();
    let mut body = vec![byte(components.len())];
    for (component, tables) in components {
        body.extend([byte(component + 1), *tables]);
    }
    body.extend([byte(first), byte(last), 0]);
    segment(0xDA, &body, out);
}

fn means(planes: &[Plane], sampling: Sampling, out: &mut Vec<u8>) {
    let mut frequencies = [Frequencies::default(), Frequencies::default()];
    each_mean(planes, sampling, &mut |chroma, symbol, _, _| {
        if let Some(frequencies) = frequencies.get_mut(chroma) {
            frequencies.add(symbol);
        }
    });
    let codes = frequencies.map(|frequencies| Code::new(&frequencies));
    let kinds = planes.len().min(2);
    for (number, code) in (0x00..).zip(&codes).take(kinds) {
        code.write(number, out);
    }
    let components: Vec<_> = (0..planes.len())
        .map(|component| (component, if component > 0 { 0x10 } else { 0 }))
        .collect();
    header(&components, 0, 0, out);
    let mut writer = Writer::new(std::mem::take(out));
    each_mean(planes, sampling, &mut |chroma, symbol, bits, length| {
        if let Some(code) = codes.get(chroma) {
            writer.put_coded(code, symbol, bits, length);
        }
    });
    *out = writer.finish();
}

/// The means of all blocks, unit after unit: whether of chroma, symbol, bits, how many.
#[expect(clippy::cast_possible_truncation, reason = "categories are below 16")]
fn each_mean(planes: &[Plane], sampling: Sampling, take: &mut dyn FnMut(usize, u8, u32, u32)) {
    let Some(luma) = planes.first() else { return };
    let factor = sampling.unit() / 8;
    let (across, down) = (
        luma.across / factor,
        luma.blocks.len() / luma.across.max(1) / factor,
    );
    let mut last = [0; 3];
    for unit in 0..across * down {
        let (unit_x, unit_y) = (unit % across, unit / across);
        for ((component, plane), last) in planes.iter().enumerate().zip(&mut last) {
            let factor = if component == 0 { factor } else { 1 };
            for block in 0..factor * factor {
                let (x, y) = (unit_x * factor + block % factor, unit_y * factor + block / factor);
                let mean = plane
                    .blocks
                    .get(y * plane.across + x)
                    .map_or(0, |[mean, ..]| i32::from(*mean));
                let (length, bits) = categorised(mean - *last);
                *last = mean;
                take(usize::from(component > 0), length as u8, bits, length);
            }
        }
    }
}

fn band(plane: &Plane, component: usize, first: usize, last: usize, out: &mut Vec<u8>) {
    let mut frequencies = Frequencies::default();
    each_detail(plane, first, last, &mut |symbol, _, _| frequencies.add(symbol));
    let code = Code::new(&frequencies);
    code.write(0x10, out);
    header(&[(component, 0x00)], first, last, out);
    let mut writer = Writer::new(std::mem::take(out));
    each_detail(plane, first, last, &mut |symbol, bits, length| {
        writer.put_coded(&code, symbol, bits, length);
    });
    *out = writer.finish();
}

/// The detail of a band, block after block of those that are seen.
#[expect(clippy::cast_possible_truncation, reason = "categories and runs are below 16")]
fn each_detail(plane: &Plane, first: usize, last: usize, take: &mut Take<'_>) {
    let mut empty = 0_u32;
    let rows = plane
        .blocks
        .chunks_exact(plane.across.max(1))
        .take(plane.seen_down);
    for block in rows.flat_map(|row| row.iter().take(plane.seen_across)) {
        let mut run = 0_u32;
        for coefficient in block.get(first..=last).unwrap_or_default() {
            if *coefficient == 0 {
                run += 1;
                continue;
            }
            end_run(&mut empty, take);
            while run > 15 {
                take(0xF0, 0, 0);
                run -= 16;
            }
            let (length, bits) = categorised(i32::from(*coefficient));
            take((run << 4 | length) as u8, bits, length);
            run = 0;
        }
        if run > 0 {
            empty += 1;
            if empty == LONGEST_RUN {
                end_run(&mut empty, take);
            }
        }
    }
    end_run(&mut empty, take);
}

/// Tells how many blocks end here.
#[expect(clippy::cast_possible_truncation, reason = "below 15")]
fn end_run(empty: &mut u32, take: &mut Take<'_>) {
    if *empty > 0 {
        let length = 31 - empty.leading_zeros();
        take((length << 4) as u8, *empty & ((1 << length) - 1), length);
        *empty = 0;
    }
}
