//! What functions write to stdout and stderr: forwarded line by line, and the last of it kept for
//! `LogType=Tail`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Lambda gives the last 4 KB of a log.
const TAIL_BYTES: usize = 4096;
/// A line longer than that is cut into several.
const LINE_BYTES: usize = 64 * 1024;

/// Takes what functions write: the function's name and one line without its end.
pub type LogSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The last lines of one process.
#[derive(Default)]
pub(super) struct Tail(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub(super) fn push(&self, line: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += line.len() + 1;
        kept.lines.push_back(line.to_owned());
        while kept.bytes > TAIL_BYTES && kept.lines.len() > 1 {
            if let Some(gone) = kept.lines.pop_front() {
                kept.bytes -= gone.len() + 1;
            }
        }
    }

    /// Forgets what earlier invocations wrote.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    /// The last 4 KB at most.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for line in &kept.lines {
            text.push_str(line);
            text.push('\n');
        }
        let mut start = text.len().saturating_sub(TAIL_BYTES);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        text.split_off(start)
    }
}

/// Forwards a pipe until it closes.
pub(super) async fn forward(pipe: impl AsyncRead + Unpin, function: String, tail: Arc<Tail>, sink: LogSink) {
    let mut reader = BufReader::new(pipe);
    let mut line: Vec<u8> = Vec::new();
    let emit = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\r');
        tail.push(text);
        sink(&function, text);
        line.clear();
    };
    while let Ok(available) = reader.fill_buf().await {
        if available.is_empty() {
            break;
        }
        let (taken, complete) = match memchr::memchr(b'\n', available) {
            Some(end) => (end, true),
            None => (available.len(), false),
        };
        line.extend_from_slice(available.get(..taken).unwrap_or_default());
        reader.consume(taken + usize::from(complete));
        if complete || line.len() >= LINE_BYTES {
            emit(&mut line);
        }
    }
    if !line.is_empty() {
        emit(&mut line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_forwarded_and_the_tail_is_kept() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink: LogSink = {
            let seen = seen.clone();
            Arc::new(move |function, line| seen.lock().unwrap().push(format!("{function}|{line}")))
        };
        let tail = Arc::new(Tail::default());
        let text = format!("one\r\ntwo\n{}\nlast", "x".repeat(TAIL_BYTES));
        forward(text.as_bytes(), "f".to_owned(), tail.clone(), sink).await;
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 4);
        assert_eq!(
            (seen[0].as_str(), seen[1].as_str(), seen[3].as_str()),
            ("f|one", "f|two", "f|last")
        );
        assert_eq!(tail.text(), "last\n");
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut() {
        let tail = Arc::new(Tail::default());
        let count = Arc::new(Mutex::new(0));
        let sink: LogSink = {
            let count = count.clone();
            Arc::new(move |_, line| {
                assert!(line.len() <= LINE_BYTES + 8192);
                *count.lock().unwrap() += 1;
            })
        };
        forward(vec![b'x'; 5 * LINE_BYTES].as_slice(), "f".to_owned(), tail, sink).await;
        assert!(*count.lock().unwrap() >= 4);
    }
}
