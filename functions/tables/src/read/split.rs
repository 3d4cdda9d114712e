//! A slab split into blocks of cells, and what becomes of records that do not fit.

use super::{
    Fault, Repair, Slab,
    block::{Block, Counts, Mended, Reject, Unescape},
    general::{Damaged, Next, Rules, next},
    repair::{is_prefix, redelimit, requote, without_empty},
    scan::{Scan, Scanned, check, most_fields},
    span::Span,
};
use crate::dialect::{Dialect, Kinds};

/// About how many bytes make a block: few enough for the spans to stay in a core's cache.
const BLOCK_BYTES: usize = 256 << 10;
/// For a wide table, this much more per column: or a block would hold a few rows only.
const BLOCK_BYTES_PER_COLUMN: usize = 1 << 10;
/// And never more than this.
const MAX_BLOCK_BYTES: usize = 2 << 20;
/// And no more than about so many cells: short rows are filled up, and a table of thousands of columns may have no others.
const MAX_BLOCK_CELLS: usize = 2 << 20;
/// A short row is filled up to so many times its fields: with fewer it says too little to be one, and would cost too much.
const MOST_PADDED: usize = 64;

impl Slab {
    /// Splits the slab and calls `take` with every block of it, in order; gives what it held.
    ///
    /// # Errors
    /// What `take` fails with.
    pub fn for_each_block<E>(
        &self,
        dialect: &Dialect,
        take: impl FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<Counts, E> {
        self.for_each_block_until(usize::MAX, dialect, take)
    }

    /// As [`Slab::for_each_block`], but ends at the first block that ends at `bytes` of the slab or later.
    pub(crate) fn for_each_block_until<E>(
        &self,
        bytes: usize,
        dialect: &Dialect,
        mut take: impl FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<Counts, E> {
        let columns = dialect.columns();
        let wide = columns.saturating_mul(BLOCK_BYTES_PER_COLUMN);
        let block_bytes = wide.clamp(BLOCK_BYTES, MAX_BLOCK_BYTES);
        let mut splitter = Splitter::new(self, dialect);
        loop {
            let more = splitter.fill(block_bytes);
            if !splitter.is_empty() {
                take(&splitter.block())?;
            }
            if !more || splitter.position() >= bytes {
                return Ok(splitter.counts);
            }
        }
    }
}

/// What finds the records.
enum Engine {
    Simple(Scan),
    General { position: usize },
}

/// Splits a slab.
struct Splitter<'a> {
    slab: &'a Slab,
    bytes: &'a [u8],
    engine: Engine,
    rules: Rules,
    kinds: &'a Kinds,
    columns: usize,
    /// What no row repeats; none where the header is of several rows, or names no first column.
    header: &'a [String],
    unescape: Unescape,
    damages: usize,
    spans: Vec<Span>,
    rejects: Vec<Reject>,
    repairs: Vec<Mended>,
    counts: Counts,
}

impl<'a> Splitter<'a> {
    fn new(slab: &'a Slab, dialect: &'a Dialect) -> Self {
        let rules = Rules::of(dialect);
        let engine = if rules.is_simple() {
            let delimiter = rules.delimiter.first().copied().unwrap_or(b',');
            Engine::Simple(Scan::new(delimiter, dialect.quote, dialect.columns()))
        } else {
            Engine::General { position: 0 }
        };
        let is_named =
            dialect.header_rows == 1 && dialect.header.first().is_some_and(|name| !name.is_empty());
        let header = if is_named { dialect.header.as_slice() } else { &[] };
        Self {
            slab,
            bytes: slab.bytes(),
            engine,
            rules,
            kinds: &dialect.kinds,
            columns: dialect.columns(),
            header,
            unescape: Unescape::of(dialect),
            damages: 0,
            spans: Vec::new(),
            rejects: Vec::new(),
            repairs: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.rejects.is_empty()
    }

    fn block(&self) -> Block<'_> {
        Block {
            bytes: self.bytes,
            offset: self.slab.offset,
            end: self.position(),
            spans: &self.spans,
            columns: self.columns,
            unescape: &self.unescape,
            rejects: &self.rejects,
            repairs: &self.repairs,
        }
    }

    fn position(&self) -> usize {
        match &self.engine {
            Engine::Simple(scan) => scan.position(),
            Engine::General { position } => *position,
        }
    }

    /// Splits about so many bytes of records; whether there are more.
    fn fill(&mut self, block_bytes: usize) -> bool {
        self.spans.clear();
        self.rejects.clear();
        self.repairs.clear();
        let until = self.position() + block_bytes;
        while self.position() < until && self.spans.len() < MAX_BLOCK_CELLS {
            if self.damaged() {
                continue;
            }
            let first = self.spans.len();
            match self.scan() {
                Scanned::End => return false,
                Scanned::Comment => self.counts.comments += 1,
                Scanned::Blank if self.columns == 1 => {
                    self.counts.records += 1;
                    self.counts.rows += 1;
                }
                Scanned::Blank => {
                    self.spans.truncate(first);
                    self.counts.blank_lines += 1;
                }
                Scanned::Record {
                    start,
                    end,
                    fields,
                    fault,
                } => {
                    self.counts.records += 1;
                    // Of one that is too long there may be no more than the front.
                    let is_sound = fault.is_none() && end - start <= self.slab.record_bytes;
                    if is_sound && self.repeats_header(first) {
                        self.spans.truncate(first);
                        self.reject(Fault::RepeatedHeader, start, end);
                    } else if is_sound && fields == self.columns {
                        self.counts.rows += 1;
                    } else {
                        self.odd(start, end, fields, fault, first);
                    }
                }
            }
        }
        true
    }

    #[inline]
    fn scan(&mut self) -> Scanned {
        let position = match &mut self.engine {
            Engine::Simple(scan) => return scan.next(self.bytes, &mut self.spans),
            Engine::General { position } => position,
        };
        let start = *position;
        let most = most_fields(self.columns);
        let first = self.spans.len();
        let record_bytes = self.slab.record_bytes;
        let found = next(
            self.bytes,
            start,
            true,
            &self.rules,
            record_bytes,
            most,
            &mut self.spans,
        );
        let (scanned, next) = match found {
            Next::End | Next::NeedMore => return Scanned::End,
            Next::Blank { next } => {
                self.spans.truncate(first);
                if self.columns == 1 {
                    self.spans.push(Span::MISSING);
                }
                (Scanned::Blank, next)
            }
            Next::Comment { next } => (Scanned::Comment, next),
            Next::Record {
                end,
                next,
                fields,
                damage,
            } => {
                let fault = check(self.bytes.get(start..end).unwrap_or_default());
                let fault = fault.or(damage.map(|how| damage_fault(how, start)));
                (
                    Scanned::Record {
                        start,
                        end,
                        fields,
                        fault,
                    },
                    next,
                )
            }
        };
        *position = next;
        scanned
    }

    /// Whether the record whose spans are those from `first` on is the header again, or one that begins like it.
    #[inline]
    fn repeats_header(&self, first: usize) -> bool {
        // Their first bytes tell nearly all of them apart, without a call.
        let same = |(span, name): (&Span, &String)| {
            let cell = self.bytes.get(span.range()).unwrap_or_default();
            cell.first() == name.as_bytes().first() && cell == name.as_bytes()
        };
        let spans = self.spans.get(first..).unwrap_or_default();
        let mut both = spans.iter().zip(self.header);
        // Hardly a row has the first column's name in it.
        both.next().is_some_and(same) && spans.len() > 1 && both.all(same)
    }

    /// Takes the record that is next if it is known to be damaged; whether it is.
    fn damaged(&mut self) -> bool {
        let start = self.position();
        let Some(damage) = self
            .slab
            .damages
            .get(self.damages)
            .filter(|damage| damage.start == start)
        else {
            return false;
        };
        self.damages += 1;
        match &mut self.engine {
            Engine::Simple(scan) => scan.skip_to(damage.next),
            Engine::General { position } => *position = damage.next,
        }
        self.counts.records += 1;
        if damage.end - start > self.slab.record_bytes {
            self.too_long(start);
            return true;
        }
        let record = self.bytes.get(start..damage.end).unwrap_or_default();
        if let Some(fault) = check(record) {
            self.reject(fault, start, damage.end);
        } else if requote(record, start, &self.rules, self.kinds, &mut self.spans) {
            self.mended(Repair::Quotes, start, damage.end);
        } else if redelimit(record, start, &self.rules, self.kinds, &mut self.spans) {
            self.mended(Repair::Delimiter, start, damage.end);
        } else {
            self.reject(damage_fault(damage.how, start), start, damage.end);
        }
        true
    }

    /// A record that is not as it should be; its spans are those from `first` on.
    fn odd(&mut self, start: usize, end: usize, fields: usize, fault: Option<Fault>, first: usize) {
        if end - start > self.slab.record_bytes {
            self.spans.truncate(first);
            self.too_long(start);
            return;
        }
        if let Some(fault) = fault {
            self.spans.truncate(first);
            self.reject(fault, start, end);
            return;
        }
        if let Some(repair) = self.ragged(start, end, fields, first) {
            self.mended(repair, start, end);
        } else {
            self.spans.truncate(first);
            self.reject(Fault::FieldCount { found: fields }, start, end);
        }
    }

    /// Makes a row of a record with the wrong number of fields, if it can be one.
    fn ragged(&mut self, start: usize, end: usize, fields: usize, first: usize) -> Option<Repair> {
        let (bytes, kinds) = (self.bytes, self.kinds);
        let spans = self.spans.get(first..).unwrap_or_default();
        // Of columns that spaces align any may be what is missing.
        let may_pad = fields < self.columns && !self.rules.is_white();
        if may_pad && fields * MOST_PADDED >= self.columns && is_prefix(bytes, spans, kinds) {
            self.spans.resize(first + self.columns, Span::MISSING);
            return Some(Repair::Padded);
        }
        // Not all fields of a record of very many are noted.
        if fields > self.columns && fields <= most_fields(self.columns) {
            let surplus = spans.get(self.columns..).unwrap_or_default();
            let fits = |spans: &[Span]| {
                spans
                    .iter()
                    .enumerate()
                    .all(|(column, span)| kinds.fits(column, bytes.get(span.range()).unwrap_or_default()))
            };
            let is_blank = surplus.iter().all(|span| span.is_empty());
            if is_blank && fits(spans.get(..self.columns).unwrap_or_default()) {
                self.spans.truncate(first + self.columns);
                return Some(Repair::Trimmed);
            }
            if let Some(remaining) = without_empty(bytes, spans, kinds) {
                self.spans.truncate(first);
                self.spans.extend(remaining);
                return Some(Repair::EmptyDropped);
            }
        }
        self.spans.truncate(first);
        let record = bytes.get(start..end).unwrap_or_default();
        redelimit(record, start, &self.rules, kinds, &mut self.spans).then_some(Repair::Delimiter)
    }

    fn too_long(&mut self, start: usize) {
        self.reject(Fault::TooLong, start, start + self.slab.record_bytes + 1);
    }

    fn reject(&mut self, fault: Fault, start: usize, end: usize) {
        self.counts.rejects += 1;
        self.rejects.push(Reject {
            row: self.counts.records,
            fault,
            start,
            end,
        });
    }

    fn mended(&mut self, repair: Repair, start: usize, end: usize) {
        self.counts.rows += 1;
        *self.counts.repairs.entry(repair).or_default() += 1;
        self.repairs.push(Mended {
            row: self.counts.records,
            repair,
            start,
            end,
        });
    }
}

fn damage_fault(how: Damaged, start: usize) -> Fault {
    match how {
        Damaged::Stray(at) => Fault::StrayQuote {
            at: at.saturating_sub(start),
        },
        Damaged::Unterminated => Fault::UnterminatedQuote,
    }
}
