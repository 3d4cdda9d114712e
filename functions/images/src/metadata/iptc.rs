//! IPTC-IIM 4.2 in Photoshop's image resources: who made a picture and whose it is, where EXIF left it out.

use crate::decode::Facts;

/// Photoshop's resource of IPTC records.
const RECORDS: u16 = 0x0404;

/// Reads the resources that follow `Photoshop 3.0\0` into the facts that are not known yet.
pub(crate) fn read(mut resources: &[u8], facts: &mut Facts) {
    while let Some((id, data, rest)) = resource(resources) {
        if id == RECORDS {
            records(data, facts);
        }
        resources = rest;
    }
}

/// The first resource: its number, its data and what follows.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (id, rest) = bytes.strip_prefix(b"8BIM")?.split_first_chunk::<2>()?;
    // A name with its length before it, and then the data: each fills an even number of bytes.
    let name = usize::from(*rest.first()?) + 1;
    let (size, rest) = rest.get(name.next_multiple_of(2)..)?.split_first_chunk::<4>()?;
    let size = u32::from_be_bytes(*size) as usize;
    let data = rest.get(..size)?;
    Some((
        u16::from_be_bytes(*id),
        data,
        rest.get(size.next_multiple_of(2)..).unwrap_or_default(),
    ))
}

fn records(mut bytes: &[u8], facts: &mut Facts) {
    while let [0x1C, record, dataset, high, low, rest @ ..] = bytes {
        // A length of more than 15 bits is written otherwise, and is none of these.
        let Some((value, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
        else {
            return;
        };
        let slot = match (record, dataset) {
            (2, 80) => Some(&mut facts.exif.artist),
            (2, 116) => Some(&mut facts.exif.copyright),
            _ => None,
        };
        if let Some(slot) = slot.filter(|slot| slot.is_none()) {
            let text = String::from_utf8_lossy(value);
            let text: String = text
                .trim()
                .chars()
                .filter(|letter| !letter.is_control())
                .collect();
            *slot = (!text.is_empty()).then_some(text);
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Format;

    #[test]
    fn reads_the_byline_and_the_copyright() {
        let mut facts = Facts::new(Format::Jpeg, 1, 1);
        let resources = b"8BIM\x03\xED\0\0\0\0\0\x01x\08BIM\x04\x04\0\0\0\0\0\x10\x1C\x02\x50\0\x02Me\x1C\x02\x74\0\x04Mine";
        read(resources, &mut facts);
        assert_eq!(facts.exif.artist.as_deref(), Some("Me"));
        assert_eq!(facts.exif.copyright.as_deref(), Some("Mine"));
    }
}
