//! A JPEG's bytes: markers, segments, and the bits of entropy-coded data, through one fixed buffer.

#![expect(clippy::inline_always, reason = "the inner loop keeps its bits in registers")]

use std::io::Read;

use shared::{Failure, Place};

const BUFFER_BYTES: usize = 1 << 16;

/// Markers (T.81, table B.1).
pub(super) mod marker {
    pub(in super::super) const SOF0: u8 = 0xC0;
    pub(in super::super) const DHT: u8 = 0xC4;
    pub(in super::super) const RST0: u8 = 0xD0;
    pub(in super::super) const SOI: u8 = 0xD8;
    pub(in super::super) const EOI: u8 = 0xD9;
    pub(in super::super) const SOS: u8 = 0xDA;
    pub(in super::super) const DQT: u8 = 0xDB;
    pub(in super::super) const DNL: u8 = 0xDC;
    pub(in super::super) const DRI: u8 = 0xDD;
    pub(in super::super) const APP0: u8 = 0xE0;
    pub(in super::super) const APP1: u8 = 0xE1;
    pub(in super::super) const APP2: u8 = 0xE2;
    pub(in super::super) const APP11: u8 = 0xEB;
    pub(in super::super) const APP13: u8 = 0xED;
    pub(in super::super) const APP14: u8 = 0xEE;
    pub(in super::super) const TEM: u8 = 0x01;
}

/// The next bits of entropy-coded data, from the top; below `count` of them the first bits of the byte that comes next may stand already.
#[derive(Clone, Copy)]
pub(super) struct Bits {
    bits: u64,
    count: u32,
}

impl Bits {
    /// The next bits, not taken; 1 to 32.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
    pub(super) fn peek(&self, bits: u32) -> u32 {
        (self.bits >> (64 - bits)) as u32
    }

    /// Takes bits.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) {
        self.bits <<= bits;
        self.count = self.count.wrapping_sub(bits);
    }

    /// The number of `size` bits (0 to 15) that stands past `skipped` ones, as T.81 extends its sign (F.2.2.1): without branches,
    /// which would be guessed wrong half of the time.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 15 bits and a sign are left"
    )]
    pub(super) fn extended(&self, skipped: u32, size: u32) -> i32 {
        let ahead = self.bits << skipped;
        let value = (ahead >> 1 >> (63 - size)) as i32;
        let is_negative = !((ahead.cast_signed() >> 63) as i32);
        value + (is_negative & (1 - (1 << size)))
    }
}

/// The bytes and bits of a file, from its begin.
pub(super) struct Stream<'a> {
    reader: Box<dyn Read + Send + 'a>,
    buffer: Vec<u8>,
    /// What of the buffer is next, and where what has been read ends.
    at: usize,
    end: usize,
    /// Where the buffer's first byte stands in the file.
    base: u64,
    at_end: bool,
    /// An error of the reader, kept until it is asked for.
    failure: Option<Failure>,
    bits: Bits,
    /// How many zeros were put at the end of `bits` for data that is not there.
    invented: u32,
    /// The marker that ended the entropy-coded data.
    marker: Option<u8>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(reader: Box<dyn Read + Send + 'a>) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            end: 0,
            base: 0,
            at_end: false,
            failure: None,
            bits: Bits { bits: 0, count: 0 },
            invented: 0,
            marker: None,
        }
    }

    /// How far it has been read, in bytes.
    pub(super) fn place(&self) -> Place {
        Place::Byte {
            offset: self.base + self.at as u64,
        }
    }

    /// A damaged file, here; the reader's own error if there is one.
    pub(super) fn corrupt(&mut self, message: impl Into<String>) -> Failure {
        let place = self.place();
        self.failure.take().unwrap_or_else(|| {
            Failure::rejected("corrupt", format!("the JPEG: {}", message.into())).at(place)
        })
    }

    pub(super) fn truncated(&mut self, message: &str) -> Failure {
        let place = self.place();
        self.failure
            .take()
            .unwrap_or_else(|| Failure::rejected("truncated", format!("the JPEG: {message}")).at(place))
    }

    /// Keeps what is unread and reads on.
    #[cold]
    fn fill(&mut self) {
        self.buffer.copy_within(self.at..self.end, 0);
        self.base += self.at as u64;
        self.end -= self.at;
        self.at = 0;
        while !self.at_end && self.end < BUFFER_BYTES {
            match self.buffer.get_mut(self.end..).map(|free| self.reader.read(free)) {
                Some(Ok(0)) | None => self.at_end = true,
                Some(Ok(read)) => self.end += read,
                Some(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Some(Err(error)) => {
                    self.failure = Some(Failure::from_read(&error));
                    self.at_end = true;
                }
            }
        }
    }

    /// The next byte; none at the end.
    fn next(&mut self) -> Option<u8> {
        if self.at == self.end {
            if self.at_end {
                return None;
            }
            self.fill();
        }
        let byte = self.buffer.get(self.at..self.end)?.first().copied()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Failure> {
        self.next()
            .ok_or_else(|| self.truncated("the file ends within a segment"))
    }

    pub(super) fn word(&mut self) -> Result<u16, Failure> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// Passes over bytes.
    pub(super) fn skip(&mut self, mut bytes: usize) -> Result<(), Failure> {
        while bytes > 0 {
            self.byte()?;
            let here = (self.end - self.at).min(bytes - 1);
            self.at += here;
            bytes -= 1 + here;
        }
        Ok(())
    }

    /// Bytes of a segment: at most 64 KiB of them.
    pub(super) fn bytes(&mut self, count: u16) -> Result<Vec<u8>, Failure> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// The marker that comes next, past what stands before it; none at the end of the file.
    pub(super) fn next_marker(&mut self) -> Option<u8> {
        self.bits = Bits { bits: 0, count: 0 };
        self.invented = 0;
        if let Some(marker) = self.marker.take() {
            return Some(marker);
        }
        loop {
            while self.next()? != 0xFF {}
            let marker = loop {
                match self.next()? {
                    // A marker may be preceded by any number of these.
                    0xFF => {}
                    marker => break marker,
                }
            };
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    /// The bits, at least 32 of them (zeros among them when the data is at its end): to be worked on by themselves, and given back.
    #[inline(always)]
    pub(super) fn lend(&mut self) -> Bits {
        let mut bits = self.bits;
        self.need(&mut bits);
        bits
    }

    /// Takes back what [`Self::lend`] gave.
    #[inline(always)]
    pub(super) fn take_back(&mut self, bits: Bits) {
        self.bits = bits;
    }

    /// Makes sure that what was lent has 32 bits.
    #[inline(always)]
    pub(super) fn need(&mut self, bits: &mut Bits) {
        if bits.count < 32 {
            *bits = self.refill(*bits);
        }
    }

    #[inline(always)]
    fn refill(&mut self, mut bits: Bits) -> Bits {
        if self.marker.is_none()
            && let Some(ahead) = self
                .buffer
                .get(self.at..self.end)
                .and_then(|rest| rest.first_chunk::<8>())
        {
            let word = u64::from_be_bytes(*ahead);
            // No byte of them is 0xFF.
            if (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                bits.bits |= word >> bits.count;
                let bytes = (63 - bits.count) >> 3;
                self.at += bytes as usize;
                bits.count += bytes * 8;
                return bits;
            }
        }
        self.refill_slowly(bits)
    }

    #[cold]
    fn refill_slowly(&mut self, mut bits: Bits) -> Bits {
        while bits.count <= 56 {
            let byte = if self.marker.is_some() {
                None
            } else {
                self.next_coded()
            };
            let byte = byte.unwrap_or_else(|| {
                self.invented = self.invented.saturating_add(8);
                0
            });
            bits.bits |= u64::from(byte) << (56 - bits.count);
            bits.count += 8;
        }
        bits
    }

    /// The next byte of entropy-coded data; none at a marker, which is kept, or the end.
    fn next_coded(&mut self) -> Option<u8> {
        let byte = self.next()?;
        if byte != 0xFF {
            return Some(byte);
        }
        loop {
            match self.next() {
                Some(0) => return Some(0xFF),
                Some(0xFF) => {}
                Some(marker) => {
                    self.marker = Some(marker);
                    return None;
                }
                None => return None,
            }
        }
    }

    /// One bit.
    #[inline]
    pub(super) fn bit(&mut self) -> bool {
        let mut bits = self.lend();
        let bit = bits.peek(1) == 1;
        bits.take(1);
        self.bits = bits;
        bit
    }

    /// Whether bits were taken that the data does not have.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.invented > self.bits.count
    }

    /// Ends a restart interval: the marker must be this one.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Failure> {
        match self.next_marker() {
            Some(found) if found == marker::RST0 + number => Ok(()),
            Some(found) => {
                Err(self.corrupt(format!("marker 0xFF{found:02X} where restart {number} must be")))
            }
            None => Err(self.truncated(&format!("the file ends where restart {number} must be"))),
        }
    }
}
