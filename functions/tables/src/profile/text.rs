//! Columns of text: lengths, patterns, what is wrong with them.

use super::{
    few::Few,
    frequent::Frequent,
    mojibake,
    pattern::classify,
    precision::Precision,
    registers::Registers,
    report::{Distinct, Pattern, Patterns},
};
use crate::order::key_of_text;

/// Once values are many, one of so many is looked at for its pattern.
const LOOKED_AT: usize = 16;

/// The values of a column.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    precision: Precision,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Few(Few<Text>),
    Many(Box<Many>),
}

/// A value, as far as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    start: Box<str>,
    facts: Facts,
}

/// What a value adds to what is said of the column.
#[derive(Debug, Clone, Copy)]
struct Facts {
    bytes: u64,
    chars: u64,
    padded: bool,
    mojibake: bool,
}

#[derive(Debug, Clone)]
struct Many {
    registers: Registers,
    frequent: Frequent<Box<str>>,
    summary: Summary,
}

/// What is said of texts but how many are different and which are seen most.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) empties: u64,
    pub(crate) bytes: Span,
    pub(crate) chars: Span,
    pub(crate) padded: u64,
    pub(crate) mojibake: u64,
    pub(crate) range: Option<(Box<str>, Box<str>)>,
    patterns: Seen,
    text_bytes: usize,
    /// The first bytes of the range: most values are neither less nor greater by these.
    prefixes: (u64, u64),
}

/// A range of lengths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) total: u64,
    pub(crate) count: u64,
}

/// Patterns and how often they were seen; those for which there is no room are `others`.
#[derive(Debug, Clone)]
struct Seen {
    patterns: Vec<Pattern>,
    others: u64,
    most: usize,
}

/// Texts of the array observed, by row.
pub(crate) trait Rows<'a> {
    fn bytes(&self, row: u32) -> &'a [u8];
    fn text(&self, row: u32) -> &'a str;
    /// All bytes from the first of these rows to the last.
    fn is_ascii(&self, first: u32, last: u32) -> bool;
}

/// The beginning of a text, cut between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[inline]
fn is_padded(bytes: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C));
    is_space(bytes.first()) || is_space(bytes.last())
}

impl Facts {
    fn of(text: &str) -> Self {
        Self {
            bytes: text.len() as u64,
            chars: text.chars().count() as u64,
            padded: is_padded(text.as_bytes()),
            mojibake: mojibake::is_in(text),
        }
    }
}

impl Texts {
    pub(crate) fn new(precision: Precision) -> Self {
        Self {
            precision,
            state: State::Few(Few::new(precision.exact)),
        }
    }

    fn keep(&self) -> impl Fn(&str) -> Text + use<> {
        let most = self.precision.text_bytes;
        move |text| Text {
            start: cut(text, most).into(),
            facts: Facts::of(text),
        }
    }

    /// Takes values of the array observed, by their hashes and rows.
    pub(crate) fn add_all<'a>(&mut self, hashes: &[u64], rows: &[u32], values: &impl Rows<'a>) {
        let taken = match &mut self.state {
            State::Few(few) => few.add_all(hashes, rows),
            State::Many(_) => 0,
        };
        if taken == hashes.len() {
            return;
        }
        let keep = self.keep();
        if let State::Few(few) = &mut self.state {
            let mut many = Many::new(self.precision);
            if let Some(few) = few.rows() {
                many.add_all(&few.once_hashes, &few.once, values);
                for (row, hash, count) in few.repeated {
                    many.count(&keep(values.text(row)), hash, count);
                }
            } else {
                few.settle(|row| keep(values.text(row)));
                many.take(few);
            }
            self.state = State::Many(Box::new(many));
        }
        if let (State::Many(many), Some(hashes), Some(rows)) =
            (&mut self.state, hashes.get(taken..), rows.get(taken..))
        {
            many.add_all(hashes, rows, values);
        }
    }

    /// Takes values with their hashes and how often each came. What was added before is settled.
    pub(crate) fn add_counted<'a>(&mut self, values: impl Iterator<Item = (&'a str, u64, u64)>) {
        let keep = self.keep();
        for (text, hash, count) in values {
            if let State::Few(few) = &mut self.state {
                if few.add_value(hash, count, || keep(text)) {
                    continue;
                }
                let mut many = Many::new(self.precision);
                many.take(few);
                self.state = State::Many(Box::new(many));
            }
            if let State::Many(many) = &mut self.state {
                many.count(&keep(text), hash, count);
            }
        }
    }

    /// Keeps what so far are rows of the array observed.
    pub(crate) fn settle<'a>(&mut self, values: &impl Rows<'a>) {
        let keep = self.keep();
        let most = self.precision.text_bytes;
        match &mut self.state {
            State::Few(few) => few.settle(|row| keep(values.text(row))),
            State::Many(many) => many.frequent.settle(|row| cut(values.text(row), most).into()),
        }
    }

    /// Takes the other's values. Both are settled.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut self.state, &other.state) {
            (State::Few(ours), State::Few(theirs)) => {
                let mut together = ours.clone();
                let mut theirs_all = theirs.iter();
                if theirs_all.all(|(text, hash, count)| together.add_value(hash, count, || text.clone())) {
                    self.state = State::Few(together);
                } else {
                    let mut many = Many::new(self.precision);
                    many.take(ours);
                    many.take(theirs);
                    self.state = State::Many(Box::new(many));
                }
            }
            (State::Few(ours), State::Many(theirs)) => {
                let mut many = theirs.clone();
                many.take(ours);
                self.state = State::Many(many);
            }
            (State::Many(ours), State::Few(theirs)) => ours.take(theirs),
            (State::Many(ours), State::Many(theirs)) => {
                ours.registers.merge(&theirs.registers);
                ours.frequent.merge(&theirs.frequent);
                ours.summary.merge(&theirs.summary);
            }
        }
    }

    pub(crate) fn distinct(&self) -> Distinct {
        match &self.state {
            State::Few(few) => Distinct::exact(few.len()),
            State::Many(many) => Distinct::estimated(many.registers.estimate()),
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        match &self.state {
            State::Few(few) => {
                let mut summary = Summary::new(self.precision);
                summary.take(few);
                summary
            }
            State::Many(many) => many.summary.clone(),
        }
    }

    /// Values with how often they came at least and how much more that may be; and how often any other came at most.
    pub(crate) fn top(&self) -> (Vec<(&str, u64, u64)>, u64) {
        match &self.state {
            State::Few(few) => {
                let values = few.iter().map(|(text, _, count)| (&*text.start, count, 0));
                (values.collect(), 0)
            }
            State::Many(many) => {
                let counted = many.frequent.iter();
                let values = counted.map(|counted| (&**counted.value, counted.count, counted.error));
                (values.collect(), many.frequent.most_lost())
            }
        }
    }
}

impl Many {
    fn new(precision: Precision) -> Self {
        Self {
            registers: Registers::new(precision.register_bits),
            frequent: Frequent::new(precision.buckets),
            summary: Summary::new(precision),
        }
    }

    /// Takes values of the array observed, by their hashes and rows.
    fn add_all<'a>(&mut self, hashes: &[u64], rows: &[u32], values: &impl Rows<'a>) {
        self.registers.add_all(hashes);
        self.frequent.add_all(hashes, rows);
        self.summary.add_all(rows, values);
    }

    /// Takes a value that came `count` times.
    fn count(&mut self, text: &Text, hash: u64, count: u64) {
        self.registers.add_all(&[hash]);
        self.frequent.add(hash, count, &text.start);
        self.summary.count(text, count);
    }

    /// Takes values that were counted exactly, settled.
    fn take(&mut self, few: &Few<Text>) {
        for (text, hash, count) in few.iter() {
            self.registers.add_all(&[hash]);
            self.frequent.add(hash, count, &text.start);
        }
        self.summary.take(few);
    }
}

impl Summary {
    fn new(precision: Precision) -> Self {
        Self {
            empties: 0,
            bytes: Span::default(),
            chars: Span::default(),
            padded: 0,
            mojibake: 0,
            range: None,
            patterns: Seen {
                patterns: Vec::new(),
                others: 0,
                most: precision.patterns,
            },
            text_bytes: precision.text_bytes,
            prefixes: (u64::MAX, 0),
        }
    }

    fn take(&mut self, few: &Few<Text>) {
        let mut texts: Vec<_> = few.iter().collect();
        // The patterns for which there is room are the same whatever the table's order.
        texts.sort_unstable_by_key(|(_, hash, count)| (std::cmp::Reverse(*count), *hash));
        for (text, _, count) in texts {
            self.count(text, count);
        }
    }

    /// Takes a value that came `count` times.
    fn count(&mut self, text: &Text, count: u64) {
        let facts = text.facts;
        self.empties += if facts.bytes == 0 { count } else { 0 };
        self.padded += if facts.padded { count } else { 0 };
        self.mojibake += if facts.mojibake { count } else { 0 };
        self.bytes.add(facts.bytes, count);
        self.chars.add(facts.chars, count);
        self.patterns.add(&text.start, count);
        self.widen(&text.start);
    }

    fn add_all<'a>(&mut self, rows: &[u32], values: &impl Rows<'a>) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return;
        };
        let before = self.bytes;
        for row in rows {
            let bytes = values.bytes(*row);
            self.bytes.add(bytes.len() as u64, 1);
            self.empties += u64::from(bytes.is_empty());
            self.padded += u64::from(is_padded(bytes));
            let prefix = key_of_text(bytes);
            if prefix <= self.prefixes.0 || prefix >= self.prefixes.1 {
                self.widen(cut(values.text(*row), self.text_bytes));
            }
        }
        if values.is_ascii(*first, *last) {
            // Characters are bytes.
            let mut added = self.bytes;
            added.total -= before.total;
            added.count -= before.count;
            let (min, max) = rows.iter().fold((u64::MAX, 0), |(min, max), row| {
                let length = values.bytes(*row).len() as u64;
                (length.min(min), length.max(max))
            });
            self.chars.merge(&Span { min, max, ..added });
        } else {
            for row in rows {
                let text = values.text(*row);
                self.chars.add(text.chars().count() as u64, 1);
                self.mojibake += u64::from(mojibake::is_in(text));
            }
        }
        for row in rows.iter().step_by(LOOKED_AT) {
            self.patterns.add(cut(values.text(*row), self.text_bytes), 1);
        }
    }

    fn widen(&mut self, text: &str) {
        match &mut self.range {
            None => self.range = Some((text.into(), text.into())),
            Some((min, max)) => {
                if text < &**min {
                    *min = text.into();
                }
                if text > &**max {
                    *max = text.into();
                }
            }
        }
        if let Some((min, max)) = &self.range {
            self.prefixes = (key_of_text(min.as_bytes()), key_of_text(max.as_bytes()));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.empties += other.empties;
        self.padded += other.padded;
        self.mojibake += other.mojibake;
        self.bytes.merge(&other.bytes);
        self.chars.merge(&other.chars);
        self.patterns.merge(&other.patterns);
        if let Some((min, max)) = &other.range {
            self.widen(min);
            self.widen(max);
        }
    }

    /// The patterns seen most.
    pub(crate) fn patterns(&self, most: usize) -> Patterns {
        let mut values = self.patterns.patterns.clone();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.pattern.cmp(&b.pattern)));
        let examined = values.iter().map(|pattern| pattern.count).sum::<u64>() + self.patterns.others;
        values.truncate(most);
        let named = values.iter().map(|pattern| pattern.count).sum::<u64>();
        Patterns {
            examined,
            others: examined - named,
            values,
        }
    }
}

impl Default for Span {
    fn default() -> Self {
        Self {
            min: u64::MAX,
            max: 0,
            total: 0,
            count: 0,
        }
    }
}

impl Span {
    #[inline]
    pub(crate) fn add(&mut self, length: u64, count: u64) {
        self.min = self.min.min(length);
        self.max = self.max.max(length);
        self.total += length * count;
        self.count += count;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.total += other.total;
        self.count += other.count;
    }
}

impl Seen {
    fn add(&mut self, text: &str, count: u64) {
        let (pattern, named) = classify(text);
        self.count(Pattern {
            pattern,
            named,
            count,
        });
    }

    fn count(&mut self, pattern: Pattern) {
        let same = |held: &&mut Pattern| held.pattern == pattern.pattern && held.named == pattern.named;
        if let Some(held) = self.patterns.iter_mut().find(same) {
            held.count += pattern.count;
        } else if self.patterns.len() < self.most {
            self.patterns.push(pattern);
        } else {
            self.others += pattern.count;
        }
    }

    fn merge(&mut self, other: &Self) {
        for pattern in &other.patterns {
            self.count(pattern.clone());
        }
        self.others += other.others;
    }
}
