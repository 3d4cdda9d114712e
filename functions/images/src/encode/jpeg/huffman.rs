//! Huffman codes made for a picture (ITU-T T.81, K.2).
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of 257 and 33 under numbers that are kept below that"
)]

use super::segment;

/// The symbols of DC coefficients: categories 0 to 11.
pub(super) const DC_SYMBOLS: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// The symbols of AC coefficients in a sequential scan: runs of 0 to 15 before categories 1 to 10, the end, sixteen zeros.
pub(super) const AC_SYMBOLS: &[u8] = &{
    let mut symbols = [0; 162];
    symbols[1] = 0xF0;
    let mut index = 2;
    let mut run = 0;
    while run < 16 {
        let mut category = 1;
        while category <= 10 {
            symbols[index] = run << 4 | category;
            index += 1;
            category += 1;
        }
        run += 1;
    }
    symbols
};

/// How often each symbol stands in a scan.
#[derive(Debug, Clone)]
pub(super) struct Frequencies([u32; 257]);

impl Default for Frequencies {
    fn default() -> Self {
        Self([0; 257])
    }
}

impl Frequencies {
    #[inline]
    pub(super) fn add(&mut self, symbol: u8) {
        self.0[usize::from(symbol)] += 1;
    }

    /// Makes sure that each of these has a code: those that were seen count sixteenfold against those that were not.
    pub(super) fn expect_all(&mut self, symbols: &[u8]) {
        for symbol in symbols {
            let count = &mut self.0[usize::from(*symbol)];
            *count = (*count).saturating_mul(16).max(1);
        }
    }
}

/// A code: for each symbol its bits and how many, and what the file says of it.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) codes: [(u16, u8); 256],
    /// How many codes have 1 to 16 bits.
    lengths: [u8; 16],
    /// The symbols, those with the shortest codes first.
    symbols: Vec<u8>,
}

impl Default for Code {
    fn default() -> Self {
        Self {
            codes: [(0, 0); 256],
            lengths: [0; 16],
            symbols: Vec::new(),
        }
    }
}

impl Code {
    /// The best code with at most 16 bits a symbol, none of them all ones.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths and symbols are at most 256"
    )]
    pub(super) fn new(frequencies: &Frequencies) -> Self {
        let mut counts = frequencies.0.map(u64::from);
        // A symbol that never stands takes the code of all ones.
        counts[256] = 1;
        let mut sizes = [0_usize; 257];
        let mut next: [Option<usize>; 257] = [None; 257];
        loop {
            let rarest = |except: Option<usize>| {
                let candidates = (0..257).filter(|symbol| counts[*symbol] > 0 && Some(*symbol) != except);
                // Of equally rare ones the last.
                candidates.min_by_key(|symbol| (counts[*symbol], std::cmp::Reverse(*symbol)))
            };
            let Some(first) = rarest(None) else { break };
            let Some(second) = rarest(Some(first)) else { break };
            counts[first] += counts[second];
            counts[second] = 0;
            let mut last = first;
            sizes[last] += 1;
            while let Some(other) = next[last] {
                last = other;
                sizes[last] += 1;
            }
            next[last] = Some(second);
            let mut last = second;
            sizes[last] += 1;
            while let Some(other) = next[last] {
                last = other;
                sizes[last] += 1;
            }
        }
        let mut bits = [0_usize; 258];
        for size in sizes {
            if size > 0 {
                bits[size] += 1;
            }
        }
        // Codes longer than 16 bits are shortened: two of them give way to one of a shorter prefix (figure K.3).
        for length in (17..258).rev() {
            while bits[length] > 0 {
                let mut shorter = length - 2;
                while bits[shorter] == 0 {
                    shorter -= 1;
                }
                bits[length] -= 2;
                bits[length - 1] += 1;
                bits[shorter + 1] += 2;
                bits[shorter] -= 1;
            }
        }
        // The code of all ones goes.
        if let Some(longest) = (1..=16).rev().find(|length| bits[*length] > 0) {
            bits[longest] -= 1;
        }
        let mut symbols: Vec<usize> = (0..256).filter(|symbol| sizes[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| (sizes[*symbol], *symbol));
        let mut code = Self::default();
        let mut unused = symbols.into_iter();
        let mut value = 0_u32;
        for (length, count) in bits.into_iter().enumerate().take(17).skip(1) {
            code.lengths[length - 1] = count as u8;
            for symbol in unused.by_ref().take(count) {
                code.codes[symbol] = (value as u16, length as u8);
                code.symbols.push(symbol as u8);
                value += 1;
            }
            value <<= 1;
        }
        code
    }

    /// Writes its DHT segment; `number` is its class and place.
    pub(super) fn write(&self, number: u8, out: &mut Vec<u8>) {
        let mut body = vec![number];
        body.extend(self.lengths);
        body.extend_from_slice(&self.symbols);
        segment(0xC4, &body, out);
    }
}
