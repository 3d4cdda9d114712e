//! A JPEG's rows: of a picture in one scan as it is read, of any other once all its scans are.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's instructions"
)]

use std::sync::LazyLock;

use fearless_simd::{Level, dispatch};
use shared::Failure;

use super::{
    convert,
    header::{Frame, Header, Next, Scan},
    plane::{Geometry, Plane},
    scan::{self, Band, Block, Damage, Dequantization},
    stream::Stream,
};
use crate::{
    decode::refusal,
    picture::{Channels, Depth, Planes, Row, Rows, Shape},
};

/// Progressive pictures have about ten; a thousand of empty ones would only cost time.
const MOST_SCANS: usize = 100;

/// What the components are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Gray,
    Ycc,
    Rgb,
    Cmyk,
    Ycck,
}

/// Turns amounts of ink into RGB.
pub(in crate::decode) type Inks = Box<dyn FnMut(&[[u8; 4]], &mut [u8]) -> Result<(), Failure> + Send>;

pub(super) struct JpegRows<'a> {
    level: Level,
    stream: Stream<'a>,
    header: Header,
    geometry: Geometry,
    pub(super) planes: Vec<Plane>,
    /// The scan whose data is read strip by strip; none when all coefficients are held.
    streamed: Option<Scan>,
    /// What is to be read before the first strip, where all coefficients are held: who looks at the header alone does not pay for them.
    unread: Option<(Frame, Scan)>,
    /// For the scan that is streamed, of each component.
    factors: Vec<Dequantization>,
    restarts: Restarts,
    pub(super) strips: usize,
    row: usize,
    pub(super) colours: Colours,
    inks: Vec<[u8; 4]>,
    to_rgb: Inks,
    out: Vec<u8>,
}

/// Counts MCUs to the next restart marker.
#[derive(Default)]
struct Restarts {
    interval: u16,
    left: u16,
    number: u8,
}

impl Restarts {
    fn new(interval: u16) -> Self {
        Self {
            interval,
            left: interval,
            number: 0,
        }
    }

    /// Before each MCU; whether predictions begin anew.
    #[inline]
    fn is_due(&mut self, stream: &mut Stream<'_>) -> Result<bool, Failure> {
        if self.interval == 0 {
            return Ok(false);
        }
        if self.left > 0 {
            self.left -= 1;
            return Ok(false);
        }
        stream.restart(self.number)?;
        self.number = (self.number + 1) % 8;
        self.left = self.interval - 1;
        Ok(true)
    }
}

impl<'a> JpegRows<'a> {
    /// Of a stream that stands at the data of its first scan.
    pub(super) fn new(
        mut stream: Stream<'a>,
        header: Header,
        frame: &Frame,
        geometry: Geometry,
        first: Scan,
        colours: Colours,
        to_rgb: Inks,
    ) -> Result<Self, Failure> {
        let planes: Option<Vec<Plane>> = frame
            .components
            .iter()
            .enumerate()
            .map(|(index, component)| {
                let is_light = match colours {
                    Colours::Gray | Colours::Rgb => true,
                    Colours::Ycc => index == 0,
                    Colours::Cmyk | Colours::Ycck => false,
                };
                Plane::new(frame, *component, &geometry, is_light)
            })
            .collect();
        let Some(planes) = planes else {
            return Err(stream.corrupt("sampling factors that are no multiples of one another"));
        };
        let channels = if colours == Colours::Gray { 1 } else { 3 };
        let is_streamed = !frame.is_progressive && first.components.len() == frame.components.len();
        let mut rows = Self {
            level: Level::new(),
            stream,
            header,
            geometry,
            planes,
            streamed: None,
            unread: None,
            factors: Vec::new(),
            restarts: Restarts::default(),
            strips: 0,
            row: 0,
            colours,
            inks: Vec::new(),
            to_rgb,
            out: vec![0; geometry.width * channels],
        };
        if matches!(colours, Colours::Cmyk | Colours::Ycck) {
            rows.inks = vec![[0; 4]; geometry.width];
        }
        rows.latch(frame, &first)?;
        if is_streamed {
            rows.restarts = Restarts::new(rows.header.restart_interval);
            rows.streamed = Some(first);
            let tables = rows
                .planes
                .iter()
                .map(|plane| plane.quantization.unwrap_or([1; 64]));
            rows.factors = tables.map(|table| scan::dequantization(&table)).collect();
        } else {
            rows.unread = Some((frame.clone(), first));
        }
        Ok(rows)
    }

    /// Keeps the quantization tables that components have when their first scan begins, and sees that there are Huffman tables.
    fn latch(&mut self, frame: &Frame, scan: &Scan) -> Result<(), Failure> {
        self.header.put_standard_tables();
        for (index, dc, ac) in &scan.components {
            let (Some(plane), Some(component)) = (self.planes.get_mut(*index), frame.components.get(*index))
            else {
                continue;
            };
            if plane.quantization.is_none() {
                plane.quantization = self
                    .header
                    .quantization
                    .get(usize::from(component.quantization))
                    .copied()
                    .flatten();
            }
            if plane.quantization.is_none() {
                return Err(self.stream.corrupt("a component without its quantization table"));
            }
            let is_first_dc = !frame.is_progressive || scan.from == 0 && scan.high == 0;
            let has_band = !frame.is_progressive || scan.from > 0;
            let has = |tables: &[Option<super::huffman::Huffman>; 4], at: u8| {
                tables.get(usize::from(at)).is_some_and(Option::is_some)
            };
            if is_first_dc && !has(&self.header.dc, *dc) || has_band && !has(&self.header.ac, *ac) {
                return Err(self.stream.corrupt("a scan without its Huffman table"));
            }
        }
        Ok(())
    }

    /// Reads all scans, and holds their coefficients.
    fn read_scans(&mut self, frame: &Frame, first: Scan) -> Result<(), Failure> {
        for plane in &mut self.planes {
            let blocks = plane.blocks_across * plane.v * self.geometry.mcus_down;
            plane.coefficients = vec![[0; 64]; blocks];
        }
        let mut next = first;
        // Of each component and coefficient, how many low bits are still missing.
        let mut missing = vec![[u8::MAX; 64]; self.planes.len()];
        for _ in 0..MOST_SCANS {
            for (index, _, _) in &next.components {
                let (from, to) = if frame.is_progressive {
                    (next.from, next.to)
                } else {
                    (0, 63)
                };
                let low = if frame.is_progressive { next.low } else { 0 };
                if let Some(bits) = missing.get_mut(*index) {
                    bits.iter_mut()
                        .take(usize::from(to) + 1)
                        .skip(usize::from(from))
                        .for_each(|bits| *bits = low);
                }
            }
            self.read_scan(frame, &next)?;
            match self.header.read(&mut self.stream)? {
                Next::Scan(scan) => {
                    self.latch(frame, &scan)?;
                    next = scan;
                }
                Next::End { is_marked } => {
                    let is_whole = |bits: &[u8; 64]| {
                        if is_marked {
                            bits.first() != Some(&u8::MAX)
                        } else {
                            bits.iter().all(|bits| *bits == 0)
                        }
                    };
                    if missing.iter().all(is_whole) {
                        return Ok(());
                    }
                    return Err(self
                        .stream
                        .truncated("the file ends before all of its scans were there"));
                }
            }
        }
        Err(Failure::limit(
            "too-many-scans",
            format!("the JPEG has more than {MOST_SCANS} scans"),
        )
        .at(self.stream.place()))
    }

    fn read_scan(&mut self, frame: &Frame, scan: &Scan) -> Result<(), Failure> {
        let mut restarts = Restarts::new(self.header.restart_interval);
        let mut band = Band {
            from: usize::from(scan.from),
            to: usize::from(scan.to),
            low: u32::from(scan.low),
            empty_blocks: 0,
        };
        let coding = match (frame.is_progressive, scan.from, scan.high) {
            (false, _, _) => Coding::Sequential,
            (true, 0, 0) => Coding::DcFirst,
            (true, 0, _) => Coding::DcRefine,
            (true, _, 0) => Coding::AcFirst,
            (true, _, _) => Coding::AcRefine,
        };
        self.planes.iter_mut().for_each(|plane| plane.predictor = 0);
        if let [(index, dc, ac)] = *scan.components.as_slice() {
            let Some((across, down)) = self.planes.get(index).map(|plane| plane.blocks) else {
                return Ok(());
            };
            for y in 0..down {
                for x in 0..across {
                    self.next_mcu(&mut restarts, &mut band)?;
                    self.read_block(coding, &mut band, index, (dc, ac), (x, y))?;
                    self.check_exhausted()?;
                }
            }
            return Ok(());
        }
        for mcu_y in 0..self.geometry.mcus_down {
            for mcu_x in 0..self.geometry.mcus_across {
                self.next_mcu(&mut restarts, &mut band)?;
                for (index, dc, ac) in &scan.components {
                    let Some((h, v)) = self.planes.get(*index).map(|plane| (plane.h, plane.v)) else {
                        continue;
                    };
                    for (y, x) in (0..v).flat_map(|y| (0..h).map(move |x| (y, x))) {
                        self.read_block(
                            coding,
                            &mut band,
                            *index,
                            (*dc, *ac),
                            (mcu_x * h + x, mcu_y * v + y),
                        )?;
                    }
                }
                self.check_exhausted()?;
            }
        }
        Ok(())
    }

    #[inline]
    fn next_mcu(&mut self, restarts: &mut Restarts, band: &mut Band) -> Result<(), Failure> {
        if restarts.is_due(&mut self.stream)? {
            band.empty_blocks = 0;
            self.planes.iter_mut().for_each(|plane| plane.predictor = 0);
        }
        Ok(())
    }

    #[inline]
    fn check_exhausted(&mut self) -> Result<(), Failure> {
        if self.stream.is_exhausted() {
            return Err(self
                .stream
                .truncated("a scan's data ends before its picture does"));
        }
        Ok(())
    }

    #[inline]
    fn read_block(
        &mut self,
        coding: Coding,
        band: &mut Band,
        index: usize,
        (dc, ac): (u8, u8),
        (x, y): (usize, usize),
    ) -> Result<(), Failure> {
        let Self {
            stream,
            planes,
            header,
            ..
        } = self;
        let Some(plane) = planes.get_mut(index) else {
            return Ok(());
        };
        let Some(block) = plane.coefficients.get_mut(y * plane.blocks_across + x) else {
            return Ok(());
        };
        let dc = header.dc.get(usize::from(dc)).and_then(Option::as_ref);
        let ac = header.ac.get(usize::from(ac)).and_then(Option::as_ref);
        let decoded = match (coding, dc, ac) {
            (Coding::Sequential, Some(dc), Some(ac)) => {
                *block = [0; 64];
                scan::sequential(stream, (dc, ac), &PLAIN, &mut plane.predictor, block).map(|_| ())
            }
            (Coding::DcFirst, Some(dc), _) => {
                scan::dc_first(stream, dc, band.low, &mut plane.predictor, block)
            }
            (Coding::DcRefine, _, _) => {
                scan::dc_refine(stream, band.low, block);
                Ok(())
            }
            (Coding::AcFirst, _, Some(ac)) => band.ac_first(stream, ac, block),
            (Coding::AcRefine, _, Some(ac)) => band.ac_refine(stream, ac, block),
            _ => Err(Damage("a scan without its Huffman table")),
        };
        decoded.map_err(|damage| damaged(stream, &damage))
    }

    /// Decodes the next row of MCUs.
    pub(super) fn decode_strip(&mut self) -> Result<(), Failure> {
        if let Some((frame, first)) = self.unread.take() {
            self.read_scans(&frame, first)?;
        }
        dispatch!(self.level, simd => {
            // For the machine's shifts, and its instructions of three operands.
            let _ = simd;
            self.decode_strip_inlined()
        })
    }

    #[inline(always)]
    fn decode_strip_inlined(&mut self) -> Result<(), Failure> {
        let strip = self.strips;
        self.strips += 1;
        let Some(scan) = &self.streamed else {
            self.planes.iter_mut().for_each(|plane| plane.put_strip(strip));
            return Ok(());
        };
        for mcu in 0..self.geometry.mcus_across {
            if self.restarts.is_due(&mut self.stream)? {
                self.planes.iter_mut().for_each(|plane| plane.predictor = 0);
            }
            for (index, dc, ac) in &scan.components {
                let (Some(plane), Some(factors)) = (self.planes.get_mut(*index), self.factors.get(*index))
                else {
                    continue;
                };
                let tables = (
                    self.header.dc.get(usize::from(*dc)).and_then(Option::as_ref),
                    self.header.ac.get(usize::from(*ac)).and_then(Option::as_ref),
                );
                let (Some(dc), Some(ac)) = tables else {
                    continue;
                };
                for y in 0..plane.v {
                    for x in 0..plane.h {
                        let mut block: Block = [0; 64];
                        let last = scan::sequential(
                            &mut self.stream,
                            (dc, ac),
                            factors,
                            &mut plane.predictor,
                            &mut block,
                        )
                        .map_err(|damage| damaged(&mut self.stream, &damage))?;
                        plane.put(strip, mcu * plane.h + x, y, &block, last);
                    }
                }
            }
            if self.stream.is_exhausted() {
                return Err(self
                    .stream
                    .truncated("the scan's data ends before its picture does"));
            }
        }
        Ok(())
    }
}

/// Coefficients that are held are dequantized later.
static PLAIN: LazyLock<Dequantization> = LazyLock::new(|| scan::dequantization(&[1; 64]));

/// How a scan's blocks are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Sequential,
    DcFirst,
    DcRefine,
    AcFirst,
    AcRefine,
}

/// Bits that are no code, unless there was nothing left to read them from.
#[cold]
fn damaged(stream: &mut Stream<'_>, damage: &Damage) -> Failure {
    if stream.is_exhausted() {
        return stream.truncated("a scan's data ends before its picture does");
    }
    stream.corrupt(damage.0)
}

impl Rows for JpegRows<'_> {
    fn shape(&self) -> Shape {
        Shape {
            width: u32::try_from(self.geometry.width).unwrap_or_default(),
            height: u32::try_from(self.geometry.height).unwrap_or_default(),
            channels: if self.colours == Colours::Gray {
                Channels::Gray
            } else {
                Channels::Rgb
            },
            depth: Depth::Eight,
        }
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let y = self.row;
        if y >= self.geometry.height {
            return Ok(None);
        }
        while self.planes.iter().any(|plane| plane.lacks(y, self.strips)) {
            self.decode_strip()?;
        }
        self.row += 1;
        self.planes.iter_mut().for_each(|plane| plane.upsample(y));
        let row = |index: usize| self.planes.get(index).map_or(&[][..], |plane| plane.upsampled(y));
        match self.colours {
            Colours::Gray => {
                let (row, length) = (row(0), self.geometry.width);
                return match row.get(..length) {
                    Some(_) => Ok(self.planes.first().map(|plane| Row::Eight(plane.upsampled(y)))),
                    None => Err(refusal::corrupt(
                        "corrupt",
                        "the JPEG",
                        "a row without samples",
                        0,
                    )),
                };
            }
            Colours::Ycc => convert::ycc_to_rgb(row(0), row(1), row(2), &mut self.out),
            Colours::Rgb => convert::interleave_rgb(row(0), row(1), row(2), &mut self.out),
            Colours::Cmyk | Colours::Ycck => {
                let planes = [row(0), row(1), row(2), row(3)];
                convert::interleave_cmyk(planes, self.colours == Colours::Ycck, &mut self.inks);
                (self.to_rgb)(&self.inks, &mut self.out)?;
            }
        }
        Ok(Some(Row::Eight(&self.out)))
    }

    fn planes(&mut self) -> Option<&mut dyn Planes> {
        self.are_luma_and_chroma().then_some(self as &mut dyn Planes)
    }
}
