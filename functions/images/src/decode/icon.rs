//! Windows icons and cursors: the largest picture of one, a PNG or a bitmap.

use shared::{Failure, Input, Place};

use super::{Format, Opened, PictureLimits, bitmap, png, positioned::Positioned, refusal};

const HEADER_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16;
/// An icon has about ten.
const MOST_ENTRIES: usize = 1024;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let mut header = [0; HEADER_BYTES];
    read(input, 0, &mut header)?;
    let [_, _, kind, _, c0, c1] = header;
    let count = usize::from(u16::from_le_bytes([c0, c1]));
    if count > MOST_ENTRIES {
        return Err(Failure::limit(
            "too-many-pictures",
            format!("the icon has {count} pictures"),
        ));
    }
    let mut directory = vec![0; count * ENTRY_BYTES];
    read(input, HEADER_BYTES as u64, &mut directory)?;
    let (entries, _) = directory.as_chunks::<ENTRY_BYTES>();
    // The first of several that are as good.
    let entry = entries.iter().rev().max_by_key(|entry| {
        let [width, height, _, _, _, _, b0, b1, ..] = **entry;
        // A side of 256 is written as 0. Of a cursor these are no bits.
        let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
        let bits = if kind == 1 {
            u16::from_le_bytes([b0, b1])
        } else {
            0
        };
        (side(width) * side(height), bits)
    });
    let Some(
        [
            width,
            height,
            colours,
            _,
            _,
            _,
            _,
            _,
            s0,
            s1,
            s2,
            s3,
            o0,
            o1,
            o2,
            o3,
        ],
    ) = entry.copied()
    else {
        return Err(refusal::corrupt("corrupt", "the icon", "no picture in it", 4));
    };
    let size = u32::from_le_bytes([s0, s1, s2, s3]);
    let offset = u64::from(u32::from_le_bytes([o0, o1, o2, o3]));
    let mut opened = if starts_as_png(input, offset)? {
        png::open_at(Positioned::part(input, offset, u64::from(size)), limits)?
    } else {
        if offset + u64::from(size) > input.facts.size_bytes {
            return Err(refusal::corrupt(
                "truncated",
                "the icon",
                "its picture ends past the file",
                offset,
            ));
        }
        limits.check_held(u64::from(size))?;
        // An icon of this picture alone, whose directory says no more than is needed.
        let [s0, s1, s2, s3] = size.to_le_bytes();
        let begin = [
            0, 0, 1, 0, 1, 0, width, height, colours, 0, 1, 0, 32, 0, s0, s1, s2, s3, 22, 0, 0, 0,
        ];
        let mut icon = vec![0; begin.len() + size as usize];
        for (to, from) in icon.iter_mut().zip(begin) {
            *to = from;
        }
        read(input, offset, icon.get_mut(begin.len()..).unwrap_or_default())?;
        bitmap::open_icon(&icon, limits)?
    };
    opened.facts.format = Format::Ico;
    Ok(opened)
}

fn starts_as_png(input: &Input<'_>, offset: u64) -> Result<bool, Failure> {
    let mut head = [0; 8];
    read(input, offset, &mut head)?;
    Ok(head == *b"\x89PNG\r\n\x1A\n")
}

fn read(input: &Input<'_>, offset: u64, bytes: &mut [u8]) -> Result<(), Failure> {
    let length = input.read_at(offset, bytes)?;
    if length < bytes.len() {
        return Err(
            Failure::rejected("truncated", "the icon: the file ends within it").at(Place::Byte {
                offset: offset + length as u64,
            }),
        );
    }
    Ok(())
}
