//! Where the records of a text of values end: where brackets and quotes say so.

use std::ops::Range;

use memchr::memchr2;

use super::JsonKind;

/// Where a text of values stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Before the bracket that opens the array.
    Before,
    /// Where the first item may be, or the bracket that closes the array.
    First,
    /// Where an item must be, or where another value may be.
    Next,
    /// In a record, so many brackets deep.
    In { depth: usize, in_string: bool },
    /// In something that begins no object and no array, outside an array: to the end of the line.
    InWord,
    /// Behind the array.
    After,
}

/// Finds the ends of records. A record that an array's text does not hold (`[1,,2]`) is an empty span: no JSON text.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) kind: JsonKind,
    pub(super) state: State,
    /// Up to where it has looked, in the bytes at hand.
    pub(super) at: usize,
    /// Where the record began that it is in.
    pub(super) start: Option<usize>,
    /// That record was given already, its front at least.
    pub(super) is_cut: bool,
    /// Where something follows the array.
    pub(super) trailing: Option<usize>,
}

impl Scan {
    pub(super) const fn new(kind: JsonKind) -> Self {
        let state = if matches!(kind, JsonKind::Array) {
            State::Before
        } else {
            State::Next
        };
        Self {
            kind,
            state,
            at: 0,
            start: None,
            is_cut: false,
            trailing: None,
        }
    }

    /// The bytes before `rest` are gone.
    pub(super) fn rebase(&mut self, rest: usize) {
        self.at -= rest.min(self.at);
        self.start = self.start.map(|start| start.saturating_sub(rest));
    }

    /// The record that it is in ends here.
    pub(super) fn close(&mut self, end: usize, spans: &mut Vec<Range<usize>>) {
        if let Some(start) = self.start.take()
            && !self.is_cut
        {
            spans.push(start..end);
        }
        self.is_cut = false;
    }

    /// The text ends here.
    pub(super) fn end(&mut self, end: usize, spans: &mut Vec<Range<usize>>) {
        if self.kind == JsonKind::Values {
            self.close(end, spans);
        }
    }

    pub(super) fn run(&mut self, bytes: &[u8], spans: &mut Vec<Range<usize>>) {
        let is_array = self.kind == JsonKind::Array;
        while let Some(byte) = bytes.get(self.at).copied() {
            let at = self.at;
            match (self.state, byte) {
                (
                    State::In {
                        depth,
                        in_string: true,
                    },
                    _,
                ) => {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(found) = memchr2(b'"', b'\\', rest) else {
                        self.at = bytes.len();
                        return;
                    };
                    if rest.get(found) == Some(&b'"') {
                        self.state = State::In {
                            depth,
                            in_string: false,
                        };
                    } else if found + 1 == rest.len() {
                        // Which byte is escaped is yet to come.
                        self.at = at + found;
                        return;
                    } else {
                        self.at += 1;
                    }
                    self.at += found;
                }
                (State::In { depth, .. }, b'"') => {
                    self.state = State::In {
                        depth,
                        in_string: true,
                    }
                }
                (State::In { depth, .. }, b'{' | b'[') => {
                    self.state = State::In {
                        depth: depth + 1,
                        in_string: false,
                    }
                }
                (State::In { depth: 0, .. }, b',') if is_array => {
                    self.close(at, spans);
                    self.state = State::Next;
                }
                (State::In { depth: 0, .. }, b']') if is_array => {
                    self.close(at, spans);
                    self.state = State::After;
                }
                (State::In { depth, .. }, b'}' | b']') => {
                    let depth = depth.saturating_sub(1);
                    self.state = State::In {
                        depth,
                        in_string: false,
                    };
                    if depth == 0 && !is_array {
                        self.close(at + 1, spans);
                        self.state = State::Next;
                    }
                }
                (State::InWord, b'\n') => {
                    self.close(at, spans);
                    self.state = State::Next;
                }
                (State::In { .. } | State::InWord, _) | (_, b' ' | b'\t' | b'\n' | b'\r') => {}
                (State::Before, b'[') => self.state = State::First,
                (State::Before | State::After, _) => {
                    self.trailing = Some(at);
                    return;
                }
                (State::First | State::Next, b',') if is_array => {
                    spans.push(at..at);
                    self.state = State::Next;
                }
                (State::First, b']') => self.state = State::After,
                (State::Next, b']') if is_array => {
                    spans.push(at..at);
                    self.state = State::After;
                }
                (State::First | State::Next, _) => {
                    self.start = Some(at);
                    // The byte is looked at again.
                    self.state = if is_array || matches!(byte, b'{' | b'[') {
                        State::In {
                            depth: 0,
                            in_string: false,
                        }
                    } else {
                        State::InWord
                    };
                    continue;
                }
            }
            self.at += 1;
        }
    }
}
