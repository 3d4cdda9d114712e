//! What the cells of a column look like: enough to tell a header from a row, and a shifted row from a good one.
//!
//! Not the columns' types, which are inferred over the whole file. These come from a sample and decide only what becomes
//! of records that do not have the right number of fields.

/// What cells look like: a set of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Class(u16);

impl Class {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const INTEGER: Self = Self(1);
    /// With a point or comma, an exponent, a currency or a percent sign.
    pub(crate) const NUMBER: Self = Self(1 << 1);
    pub(crate) const DATE: Self = Self(1 << 2);
    pub(crate) const TIME: Self = Self(1 << 3);
    pub(crate) const DATE_TIME: Self = Self(1 << 4);
    /// An address of the web, or of mail.
    pub(crate) const ADDRESS: Self = Self(1 << 5);
    /// Without spaces, with digits in it: an identifier.
    pub(crate) const CODE: Self = Self(1 << 6);
    /// Letters only.
    pub(crate) const WORD: Self = Self(1 << 7);
    /// Anything else.
    pub(crate) const TEXT: Self = Self(1 << 8);
    /// Those that no header has.
    pub(crate) const TYPED: Self = Self(0x3F);

    /// Whether there is none.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn index(self) -> usize {
        self.0.trailing_zeros() as usize
    }
}

const CLASSES: usize = 9;
/// Longer cells are addresses or text.
const LONG: usize = 64;

/// The class of a cell; none if it is empty or says that nothing is known.
pub(crate) fn class_of(cell: &[u8]) -> Class {
    let cell = cell.trim_ascii();
    let Some(&first) = cell.first() else {
        return Class::NONE;
    };
    // Most cells of most tables are, and need not be asked anything else.
    if cell.len() <= LONG && cell.iter().all(u8::is_ascii_digit) {
        return Class::INTEGER;
    }
    if is_null(cell) {
        return Class::NONE;
    }
    if cell.len() > LONG {
        return if is_address(cell) {
            Class::ADDRESS
        } else {
            Class::TEXT
        };
    }
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = cell
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
        .count();
    let has_space = cell.contains(&b' ');
    if digits > 0
        && let Some(class) = number(cell, first, digits, letters).or_else(|| moment(cell, digits, letters))
    {
        return class;
    }
    if !has_space && is_address(cell) {
        return Class::ADDRESS;
    }
    if letters == cell.len() {
        return Class::WORD;
    }
    let is_code = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/#".contains(byte) || !byte.is_ascii();
    if !has_space && digits > 0 && cell.iter().all(is_code) {
        return Class::CODE;
    }
    Class::TEXT
}

fn is_null(cell: &[u8]) -> bool {
    // A colon is Eurostat's.
    const NULLS: [&[u8]; 10] = [
        b"NA", b"N/A", b"n/a", b"NULL", b"null", b"NaN", b"nan", b"-", b"\\N", b":",
    ];
    NULLS.contains(&cell)
}

fn is_address(cell: &[u8]) -> bool {
    if cell.contains(&b' ') {
        return false;
    }
    let web = [&b"http://"[..], b"https://", b"ftp://", b"www.", b"s3://"];
    if web.iter().any(|scheme| cell.starts_with(scheme)) {
        return true;
    }
    let mut parts = cell.split(|byte| *byte == b'@');
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some(name), Some(host), None) if !name.is_empty() && host.contains(&b'.')
    )
}

/// `1`, `-1.5`, `1,234.56`, `1e5`, `$12.50`, `12 %`.
fn number(cell: &[u8], first: u8, digits: usize, letters: usize) -> Option<Class> {
    let signed = usize::from(matches!(first, b'-' | b'+'));
    if digits + signed == cell.len() {
        return Some(Class::INTEGER);
    }
    let text = std::str::from_utf8(cell).ok()?;
    let text = text
        .trim_start_matches(['-', '+', '(', '$', '€', '£', '¥', ' '])
        .trim_end_matches([')', '%', '$', '€', '£', '¥', ' ']);
    let exponent = letters == 1 && text.contains(['e', 'E']);
    if letters > 0 && !exponent && text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let body = text.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b',') || (exponent && b"eE+-".contains(&byte))
    });
    let begins = text.starts_with(|char: char| char.is_ascii_digit() || matches!(char, '.' | ','));
    // 1.2.3 is a version or a date.
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    let commas = text.bytes().filter(|byte| *byte == b',').count();
    let grouped = |count: usize, mark: char| count < 2 || is_grouped(text, mark);
    // Of both marks the first parts thousands: `0,0.5` is two numbers.
    let parts_thousands = |mark: char, point: char| {
        let whole = text.split(point).next().unwrap_or_default();
        !whole.contains(mark) || is_grouped(whole, mark)
    };
    let is_one = points == 0 || commas == 0 || (parts_thousands(',', '.') && parts_thousands('.', ','));
    (body && begins && (points <= 1 || commas <= 1) && grouped(points, '.') && grouped(commas, ',') && is_one)
        .then_some(Class::NUMBER)
}

/// Whether what stands between the marks are groups of three: `1.234.567,89`.
fn is_grouped(text: &str, mark: char) -> bool {
    text.split(mark)
        .skip(1)
        .all(|group| group.bytes().take_while(u8::is_ascii_digit).count() == 3)
}

/// A date, a time of day, or both.
fn moment(cell: &[u8], digits: usize, letters: usize) -> Option<Class> {
    if !cell.first()?.is_ascii_digit() || letters > 12 {
        return None;
    }
    let count = |wanted: &[u8]| cell.iter().filter(|byte| wanted.contains(byte)).count();
    let (colons, slashes, dashes, points) = (count(b":"), count(b"/"), count(b"-"), count(b"."));
    let allowed = cell
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b":/-.+ ,".contains(byte));
    if !allowed || digits < 3 {
        return None;
    }
    let month = letters == 3 && (dashes == 2 || slashes == 2 || count(b" ") == 2);
    let is_date = slashes == 2 || dashes >= 2 || (points == 2 && colons == 0) || month;
    let has_time = (1..=3).contains(&colons) && digits >= 3 && points <= 1;
    // What letters there are: T and Z, AM and PM, a zone or a month.
    let few_letters = letters <= 5;
    let is_apart = count(b" T") > 0;
    match (is_date, has_time) {
        (true, true) if few_letters && is_apart => Some(Class::DATE_TIME),
        (true, false) if letters <= 1 || month => {
            ((4..=8).contains(&digits) || (month && digits <= 8)).then_some(Class::DATE)
        }
        (false, true) if (letters == 0 || letters == 2) && digits <= 9 => Some(Class::TIME),
        _ => None,
    }
}

/// What the cells of each column look like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Kinds(Vec<Class>);

impl Kinds {
    /// For so many columns of which nothing is known.
    pub(crate) fn unknown(columns: usize) -> Self {
        Self(vec![Class(0x1FF); columns])
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether they can tell one column from another at all.
    pub(crate) fn tell(&self) -> bool {
        self.0.iter().any(|kind| kind.is_typed())
    }

    /// The columns whose cells all are of a class that no header has.
    pub(crate) fn typed(&self) -> impl Iterator<Item = usize> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, kind)| kind.is_typed())
            .map(|(column, _)| column)
    }

    /// Whether there is a column whose cells are all of one class that no header has.
    pub(crate) fn has_one_typed(&self) -> bool {
        let is_one =
            |kind: Class| kind.0.is_power_of_two() || kind == Class(Class::INTEGER.0 | Class::NUMBER.0);
        self.0.iter().any(|kind| kind.is_typed() && is_one(*kind))
    }

    /// Whether a cell may be one of the column: what is typed is, and text takes anything.
    pub(crate) fn fits(&self, column: usize, cell: &[u8]) -> bool {
        let kind = self.0.get(column).copied().unwrap_or_default();
        let class = class_of(cell);
        let takes_text = kind.has(Class(Class::TEXT.0 | Class::WORD.0 | Class::CODE.0));
        class.is_empty() || kind.has(class) || takes_text || numeric(kind, class)
    }

    /// Whether the column's cells are of the class of one cell, and not of another's.
    pub(crate) fn tell_apart(&self, column: usize, one: &[u8], other: &[u8]) -> bool {
        let kind = self.0.get(column).copied().unwrap_or_default();
        kind.has(class_of(one)) && !kind.has(class_of(other))
    }

    /// Whether a cell looks like those of the column.
    pub(crate) fn fits_closely(&self, column: usize, cell: &[u8]) -> bool {
        let kind = self.0.get(column).copied().unwrap_or_default();
        let class = class_of(cell);
        let wordy = Class(Class::TEXT.0 | Class::WORD.0);
        class.is_empty() || kind.has(class) || numeric(kind, class) || (kind.has(wordy) && wordy.has(class))
    }
}

/// How often the cells of each column are of each class, in rows of a sample.
#[derive(Clone)]
pub(crate) struct Tally {
    counts: Vec<[u32; CLASSES]>,
    rows: usize,
}

impl Tally {
    /// Of no row yet.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            counts: vec![[0; CLASSES]; columns],
            rows: 0,
        }
    }

    pub(crate) fn add<'a>(&mut self, row: impl Iterator<Item = &'a [u8]>) {
        self.rows += 1;
        for (cell, counts) in row.zip(&mut self.counts) {
            if let Some(count) = counts.get_mut(class_of(cell).index()) {
                *count += 1;
            }
        }
    }

    pub(crate) fn kinds(&self) -> Kinds {
        if self.rows == 0 {
            return Kinds::unknown(self.counts.len());
        }
        let kinds = self.counts.iter().map(|counts| {
            let all: u32 = counts.iter().sum();
            let mut kind = Class::NONE;
            for (index, count) in counts.iter().enumerate() {
                // A class that is rarer than one in thirty may be what is wrong with the sample.
                if *count > 0 && *count * 30 >= all {
                    kind.0 |= 1 << index;
                }
            }
            kind
        });
        Kinds(kinds.collect())
    }
}

impl Class {
    fn is_typed(self) -> bool {
        !self.is_empty() && self.0 & !Self::TYPED.0 == 0
    }
}

fn numeric(kind: Class, class: Class) -> bool {
    let numeric = Class(Class::INTEGER.0 | Class::NUMBER.0);
    kind.has(numeric) && numeric.has(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_told_apart_by_their_looks() {
        for (class, cells) in [
            (Class::NONE, &["", " ", "NA", "null"][..]),
            (Class::INTEGER, &["0", "-12", "007"]),
            (
                Class::NUMBER,
                &[
                    "1.5",
                    "-1,5",
                    "$74.69",
                    "12 %",
                    "1e5",
                    "1.234.567,89",
                    "1,234.5",
                    "€ 5",
                ],
            ),
            (
                Class::DATE,
                &["2018-01-28", "28/01/2018", "1.2.2018", "28-Jan-2018"],
            ),
            (Class::TIME, &["00:00", "12:30:59", "3:05 PM"]),
            (
                Class::DATE_TIME,
                &[
                    "2018-01-28T12:00:00Z",
                    "2018-01-28 12:00",
                    "2018-01-28 12:00:00.123+01:00",
                ],
            ),
            (Class::ADDRESS, &["https://a.b/c", "a@b.org"]),
            (Class::CODE, &["MG-8769", "a1", "192.168.0.1", "18/02/201802:15"]),
            (Class::WORD, &["Headlamp", "Ü"]),
            (Class::TEXT, &["a b", "5 apples", "\"x"]),
        ] {
            for cell in cells {
                assert_eq!(class_of(cell.as_bytes()), class, "{cell:?}");
            }
        }
    }
}
