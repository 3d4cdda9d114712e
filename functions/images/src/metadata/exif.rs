//! EXIF 3.0 (CIPA DC-008): a TIFF structure inside of other files.

use crate::decode::Facts;

/// How many entries of a directory are looked at.
const MOST_ENTRIES: usize = 1024;
/// The longest text that is kept.
const MOST_TEXT_BYTES: usize = 4096;

/// Reads what is asked of EXIF into the facts. Damage in it harms no picture: what cannot be read is left out.
pub(crate) fn read(bytes: &[u8], facts: &mut Facts) {
    // JPEG says `Exif\0\0` first, and some writers of the other formats do.
    let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let Some(exif) = Exif::new(bytes) else { return };
    let Some(first) = exif.u32(4) else { return };
    let mut date = None;
    let mut offset_time = None;
    let mut original = None;
    for entry in exif.directory(first) {
        match entry.tag {
            0x0112 => {
                if let Some(orientation @ 1..=8) = exif.number(&entry) {
                    facts.orientation = u8::try_from(orientation).unwrap_or(1);
                }
            }
            0x010F => facts.exif.make = exif.text(&entry),
            0x0110 => facts.exif.model = exif.text(&entry),
            0x0132 => date = exif.text(&entry),
            0x013B => facts.exif.artist = exif.text(&entry),
            0x8298 => facts.exif.copyright = exif.text(&entry),
            0x8769 => {
                for entry in exif.number(&entry).into_iter().flat_map(|at| exif.directory(at)) {
                    match entry.tag {
                        0x9003 => original = exif.text(&entry),
                        0x9011 => offset_time = exif.text(&entry),
                        _ => {}
                    }
                }
            }
            0x8825 => {
                if let Some(at) = exif.number(&entry) {
                    facts.exif.position = exif.position(at);
                }
            }
            _ => {}
        }
    }
    let taken = match (original, offset_time) {
        (Some(original), offset) => date_time(&original, offset.as_deref()),
        (None, _) => date.and_then(|date| date_time(&date, None)),
    };
    facts.exif.taken_at = taken;
}

/// `2026:11:21 10:00:00` as `2026-11-21T10:00:00`, with the offset where there is one.
pub(crate) fn date_time(text: &str, offset: Option<&str>) -> Option<String> {
    let (date, time) = text.trim().split_once(' ')?;
    let date = date.replace(':', "-");
    let digits = |text: &str, of: &str| {
        text.len() == of.len()
            && text.bytes().zip(of.bytes()).all(|(byte, of)| {
                if of == b'0' {
                    byte.is_ascii_digit()
                } else {
                    byte == of
                }
            })
    };
    let time = time.get(..8)?;
    if !digits(&date, "0000-00-00") || !digits(time, "00:00:00") || date.starts_with("0000") {
        return None;
    }
    let offset = offset
        .map(str::trim)
        .filter(|offset| digits(offset, "+00:00") || digits(offset, "-00:00"))
        .unwrap_or_default();
    Some(format!("{date}T{time}{offset}"))
}

struct Exif<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

/// One entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Where its four bytes of value, or of an offset to it, stand.
    at: usize,
}

impl<'a> Exif<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn directory(&self, at: u32) -> impl Iterator<Item = Entry> {
        let at = at as usize;
        let count = self.u16(at).map_or(0, usize::from).min(MOST_ENTRIES);
        (0..count).map_while(move |index| {
            let at = at + 2 + index * 12;
            Some(Entry {
                tag: self.u16(at)?,
                kind: self.u16(at + 2)?,
                count: self.u32(at + 4)? as usize,
                at: at + 8,
            })
        })
    }

    /// The bytes of an entry's value.
    fn value(&self, entry: &Entry) -> Option<&'a [u8]> {
        let size = match entry.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = entry.count.checked_mul(size)?;
        let at = if length <= 4 {
            entry.at
        } else {
            self.u32(entry.at)? as usize
        };
        self.bytes.get(at..at.checked_add(length)?)
    }

    /// The first number of a short or a long.
    fn number(&self, entry: &Entry) -> Option<u32> {
        match entry.kind {
            3 if entry.count >= 1 => self.u16(entry.at).map(u32::from),
            4 | 13 if entry.count == 1 => self.u32(entry.at),
            _ => None,
        }
    }

    fn text(&self, entry: &Entry) -> Option<String> {
        if !matches!(entry.kind, 2 | 7 | 129) {
            return None;
        }
        let value = self.value(entry)?;
        let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
        let value = value.get(..end.min(MOST_TEXT_BYTES))?;
        let text = match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            // What is no UTF-8 is most often Latin-1.
            Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
        };
        let text: String = text
            .trim()
            .chars()
            .filter(|letter| !letter.is_control())
            .collect();
        (!text.is_empty()).then_some(text)
    }

    fn rationals<const N: usize>(&self, entry: &Entry) -> Option<[f64; N]> {
        if entry.kind != 5 || entry.count != N {
            return None;
        }
        let at = self.u32(entry.at)? as usize;
        let mut values = [0.0; N];
        for (index, value) in values.iter_mut().enumerate() {
            let (over, under) = (self.u32(at + index * 8)?, self.u32(at + index * 8 + 4)?);
            *value = f64::from(over) / f64::from(under);
        }
        values.iter().all(|value| value.is_finite()).then_some(values)
    }

    /// Latitude and longitude of the GPS directory, in degrees.
    fn position(&self, at: u32) -> Option<(f64, f64)> {
        let mut signs = [None; 2];
        let mut angles = [None; 2];
        for entry in self.directory(at) {
            match entry.tag {
                1 => signs[0] = self.text(&entry).map(|sign| sign.starts_with('S')),
                2 => angles[0] = self.rationals::<3>(&entry),
                3 => signs[1] = self.text(&entry).map(|sign| sign.starts_with('W')),
                4 => angles[1] = self.rationals::<3>(&entry),
                _ => {}
            }
        }
        let degrees = |index: usize, most: f64| {
            let [degrees, minutes, seconds] = (*angles.get(index)?)?;
            let angle = degrees + minutes / 60.0 + seconds / 3600.0;
            let negative = (*signs.get(index)?)?;
            (angle <= most).then_some(if negative { -angle } else { angle })
        };
        Some((degrees(0, 90.0)?, degrees(1, 180.0)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Format;

    fn facts(exif: &[u8]) -> Facts {
        let mut facts = Facts::new(Format::Jpeg, 1, 1);
        read(exif, &mut facts);
        facts
    }

    #[test]
    fn reads_the_orientation_in_both_byte_orders() {
        let little = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(facts(little).orientation, 6);
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0";
        assert_eq!(facts(big).orientation, 8);
    }

    #[test]
    fn damage_is_left_out() {
        for bytes in [
            &b"II*\0\xFF\xFF\xFF\xFF"[..],
            b"II*\0\x08\0\0\0\xFF\xFF\x12\x01",
            b"",
            b"XX",
        ] {
            assert_eq!(facts(bytes), Facts::new(Format::Jpeg, 1, 1));
        }
    }

    #[test]
    fn dates_are_written_as_rfc_3339_writes_them() {
        let offset = date_time("2026:11:21 10:00:00", Some("+01:00"));
        assert_eq!(offset.as_deref(), Some("2026-11-21T10:00:00+01:00"));
        assert_eq!(date_time("    :  :     :  :  ", None), None);
        assert_eq!(date_time("0000:00:00 00:00:00", None), None);
    }
}
