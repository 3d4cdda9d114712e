//! What stands before a JPEG's first scan, and between its scans.

use shared::Failure;

use super::{
    huffman::Huffman,
    standard,
    stream::{Stream, marker},
};

/// The largest profile that is put together.
const MOST_PROFILE_BYTES: usize = 4 << 20;

/// How a frame is coded, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) is_progressive: bool,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: Vec<Component>,
}

/// One component as the frame's header describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors, 1 to 4.
    pub(super) h: u8,
    pub(super) v: u8,
    /// Its quantization table, 0 to 3.
    pub(super) quantization: u8,
}

/// A scan's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    /// Of each component: its place in the frame, its DC table, its AC table.
    pub(super) components: Vec<(usize, u8, u8)>,
    pub(super) from: u8,
    pub(super) to: u8,
    pub(super) high: u8,
    pub(super) low: u8,
}

/// Tables, and what applications say.
#[derive(Default)]
pub(super) struct Header {
    pub(super) frame: Option<Frame>,
    pub(super) quantization: [Option<[i16; 64]>; 4],
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
    /// MCUs between restarts; none without restarts.
    pub(super) restart_interval: u16,
    pub(super) has_jfif: bool,
    /// Adobe's colour transform.
    pub(super) adobe: Option<u8>,
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<Vec<u8>>,
    /// Photoshop's image resources.
    pub(super) resources: Option<Vec<u8>>,
    profile: Vec<(u8, Vec<u8>)>,
    pub(super) c2pa: bool,
}

/// What stands at the end of the segments that were read.
pub(super) enum Next {
    /// A scan, whose data follows.
    Scan(Scan),
    /// The end of the picture; or of the file.
    End { is_marked: bool },
}

impl Header {
    /// Reads segments up to the next scan's data.
    pub(super) fn read(&mut self, stream: &mut Stream<'_>) -> Result<Next, Failure> {
        loop {
            let Some(marker) = stream.next_marker() else {
                return Ok(Next::End { is_marked: false });
            };
            match marker {
                marker::EOI => return Ok(Next::End { is_marked: true }),
                marker::SOI | marker::TEM | marker::RST0..=0xD7 => continue,
                _ => {}
            }
            let Some(length) = stream.word()?.checked_sub(2) else {
                return Err(stream.corrupt(format!("segment 0xFF{marker:02X} is shorter than its length")));
            };
            match marker {
                marker::DHT | marker::DQT | marker::SOS | marker::DRI => {
                    let bytes = stream.bytes(length)?;
                    let read = match marker {
                        marker::DHT => self.huffman_tables(&bytes),
                        marker::DQT => self.quantization_tables(&bytes),
                        marker::DRI => self.restarts(&bytes),
                        _ => match self.scan(&bytes) {
                            Ok(scan) => return Ok(Next::Scan(scan)),
                            Err(message) => Err(message),
                        },
                    };
                    read.map_err(|message| stream.corrupt(message))?;
                }
                0xC0..=0xCF => {
                    let bytes = stream.bytes(length)?;
                    self.start_of_frame(stream, marker, &bytes)?;
                }
                marker::DNL => return Err(refuse(stream, "a height that follows the first scan")),
                marker::APP0
                | marker::APP1
                | marker::APP2
                | marker::APP11
                | marker::APP13
                | marker::APP14 => {
                    let bytes = stream.bytes(length)?;
                    self.application(marker, &bytes);
                }
                _ => stream.skip(usize::from(length))?,
            }
        }
    }

    /// The ICC profile, put together.
    pub(super) fn profile(&mut self) -> Option<Vec<u8>> {
        self.profile.sort_by_key(|(number, _)| *number);
        let profile = std::mem::take(&mut self.profile);
        (!profile.is_empty()).then(|| profile.into_iter().flat_map(|(_, part)| part).collect())
    }

    /// Puts in the tables of a stream that says nothing of them, as libjpeg does.
    pub(super) fn put_standard_tables(&mut self) {
        for (place, table) in self
            .dc
            .iter_mut()
            .enumerate()
            .filter(|(_, table)| table.is_none())
        {
            *table = standard::dc(place);
        }
        for (place, table) in self
            .ac
            .iter_mut()
            .enumerate()
            .filter(|(_, table)| table.is_none())
        {
            *table = standard::ac(place);
        }
    }

    fn start_of_frame(&mut self, stream: &mut Stream<'_>, marker: u8, bytes: &[u8]) -> Result<(), Failure> {
        let is_progressive = match marker {
            marker::SOF0 | 0xC1 => false,
            0xC2 => true,
            0xC3 => return Err(refuse(stream, "lossless coding")),
            0xC5..=0xC7 => return Err(refuse(stream, "hierarchical coding")),
            0xC8 => return Err(refuse(stream, "the reserved coding 0xFFC8")),
            _ => return Err(refuse(stream, "arithmetic coding")),
        };
        if self.frame.is_some() {
            return Err(stream.corrupt("a second frame"));
        }
        let [bits, h0, h1, w0, w1, count, rest @ ..] = bytes else {
            return Err(stream.corrupt("the frame's header is cut short"));
        };
        if *bits != 8 {
            return Err(refuse(stream, &format!("samples of {bits} bits")));
        }
        let (width, height) = (u16::from_be_bytes([*w0, *w1]), u16::from_be_bytes([*h0, *h1]));
        if height == 0 {
            return Err(refuse(stream, "a height that follows the first scan"));
        }
        if width == 0 {
            return Err(stream.corrupt("a width of no pixels"));
        }
        let (parts, left) = rest.as_chunks::<3>();
        if parts.len() != usize::from(*count) || !left.is_empty() {
            return Err(stream.corrupt("the frame's header is not as long as its components"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(refuse(stream, &format!("{count} components")));
        }
        let components: Vec<Component> = parts
            .iter()
            .map(|[id, sampling, table]| Component {
                id: *id,
                h: sampling >> 4,
                v: sampling & 15,
                quantization: *table,
            })
            .collect();
        let valid = |part: &Component| {
            (1..=4).contains(&part.h) && (1..=4).contains(&part.v) && part.quantization < 4
        };
        if !components.iter().all(valid) {
            return Err(stream.corrupt("a component's sampling factor or table out of range"));
        }
        self.frame = Some(Frame {
            is_progressive,
            width,
            height,
            components,
        });
        Ok(())
    }

    fn scan(&self, bytes: &[u8]) -> Result<Scan, &'static str> {
        let frame = self.frame.as_ref().ok_or("a scan before the frame's header")?;
        let [count, rest @ ..] = bytes else {
            return Err("the scan's header is cut short");
        };
        let (parts, tail) = rest
            .split_at_checked(2 * usize::from(*count))
            .ok_or("the scan's header is cut short")?;
        let [from, to, bits, ..] = tail else {
            return Err("the scan's header is cut short");
        };
        if !(1..=4).contains(count) {
            return Err("a scan of no component, or of more than four");
        }
        let mut components = Vec::with_capacity(4);
        for [id, tables] in parts.as_chunks::<2>().0 {
            let place = frame.components.iter().position(|component| component.id == *id);
            let place = place.ok_or("a scan of a component that the frame has not")?;
            if components.iter().any(|(seen, _, _)| *seen == place) {
                return Err("a scan that has a component twice");
            }
            if tables >> 4 > 3 || tables & 15 > 3 {
                return Err("a scan with a Huffman table past the fourth");
            }
            components.push((place, tables >> 4, tables & 15));
        }
        let scan = Scan {
            components,
            from: *from,
            to: *to,
            high: bits >> 4,
            low: bits & 15,
        };
        if frame.is_progressive {
            let is_band = if scan.from == 0 {
                scan.to == 0
            } else {
                scan.from <= scan.to && scan.to < 64 && scan.components.len() == 1
            };
            if !is_band || scan.low > 13 {
                return Err("a progressive scan of a part that there is not");
            }
        }
        Ok(scan)
    }

    fn restarts(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let [high, low] = bytes else {
            return Err("a restart interval of other than two bytes");
        };
        self.restart_interval = u16::from_be_bytes([*high, *low]);
        Ok(())
    }

    fn quantization_tables(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let [kind, rest @ ..] = bytes {
            let wide = match kind >> 4 {
                0 => false,
                1 => true,
                _ => return Err("a quantization table of neither 8 nor 16 bits"),
            };
            let (values, rest) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or("a quantization table that is cut short")?;
            let mut table = [0; 64];
            if wide {
                let pairs = values.as_chunks::<2>().0;
                table
                    .iter_mut()
                    .zip(pairs)
                    .for_each(|(to, pair)| *to = u16::from_be_bytes(*pair).cast_signed());
            } else {
                table
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, value)| *to = i16::from(*value));
            }
            *self
                .quantization
                .get_mut(usize::from(kind & 15))
                .ok_or("a quantization table past the fourth")? = Some(table);
            bytes = rest;
        }
        Ok(())
    }

    fn huffman_tables(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let [kind, rest @ ..] = bytes {
            let (counts, rest) = rest
                .split_first_chunk::<16>()
                .ok_or("a Huffman table that is cut short")?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest
                .split_at_checked(total)
                .ok_or("a Huffman table that is cut short")?;
            let table = Huffman::new(*counts, symbols).ok_or("a Huffman table of too many codes")?;
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err("a Huffman table of neither DC nor AC"),
            };
            *tables
                .get_mut(usize::from(kind & 15))
                .ok_or("a Huffman table past the fourth")? = Some(table);
            bytes = rest;
        }
        Ok(())
    }

    fn application(&mut self, marker: u8, bytes: &[u8]) {
        match (marker, bytes) {
            (marker::APP0, bytes) if bytes.starts_with(b"JFIF\0") => self.has_jfif = true,
            (marker::APP1, bytes) if bytes.starts_with(b"Exif\0") => {
                self.exif.get_or_insert_with(|| bytes.to_vec());
            }
            (marker::APP1, bytes) => {
                if let Some(xmp) = bytes.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp.get_or_insert_with(|| xmp.to_vec());
                }
            }
            (marker::APP2, bytes) => {
                let held: usize = self.profile.iter().map(|(_, part)| part.len()).sum();
                if let Some([number, _, part @ ..]) = bytes.strip_prefix(b"ICC_PROFILE\0")
                    && held + part.len() <= MOST_PROFILE_BYTES
                {
                    self.profile.push((*number, part.to_vec()));
                }
            }
            (marker::APP13, bytes) => {
                if let Some(resources) = bytes.strip_prefix(b"Photoshop 3.0\0") {
                    self.resources.get_or_insert_with(|| resources.to_vec());
                }
            }
            // A JUMBF box (ISO 19566-5) whose description says so.
            (marker::APP11, bytes) => self.c2pa |= bytes.windows(4).any(|window| window == b"c2pa"),
            (_, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                self.adobe = Some(*transform);
            }
            _ => {}
        }
    }
}

/// What is JPEG, and is not taken.
fn refuse(stream: &Stream<'_>, what: &str) -> Failure {
    Failure::rejected("format-not-taken", format!("JPEG with {what} is not taken")).at(stream.place())
}
