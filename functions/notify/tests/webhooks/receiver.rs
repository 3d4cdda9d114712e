//! An endpoint on this machine, which answers as it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) line: String,
    /// By their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// How to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With a status and more lines of the head.
    Status(u16, &'static str),
    /// So much later, with 200.
    Late(Duration),
    /// Never.
    Never,
    /// By closing the connection.
    Close,
    /// With 200 and a body that never ends.
    Endless,
}

#[derive(Default)]
struct Book {
    received: Mutex<Vec<Received>>,
    replies: Mutex<VecDeque<Reply>>,
    connections: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    sent_bytes: AtomicUsize,
}

/// An endpoint. It answers 200 when it runs out of replies.
pub(crate) struct Receiver {
    port: u16,
    book: Arc<Book>,
}

impl Receiver {
    pub(crate) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let book = Arc::new(Book {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Book::default()
        });
        let served = Arc::clone(&book);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let book = Arc::clone(&served);
                tokio::spawn(async move {
                    book.connections.fetch_add(1, Ordering::Relaxed);
                    let now = book.at_once.fetch_add(1, Ordering::Relaxed) + 1;
                    book.most_at_once.fetch_max(now, Ordering::Relaxed);
                    // A client that goes away early is what some of these tests are about.
                    let _ = serve(stream, &book).await;
                    book.at_once.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { port, book }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.book.received.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.book.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.book.most_at_once.load(Ordering::Relaxed)
    }

    pub(crate) fn sent_bytes(&self) -> usize {
        self.book.sent_bytes.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, book: &Book) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    book.received
        .lock()
        .unwrap()
        .push(Received { line, headers, body });
    let reply = book.replies.lock().unwrap().pop_front();
    match reply.unwrap_or(Reply::Status(200, "")) {
        Reply::Status(code, more) => {
            let answer = format!("HTTP/1.1 {code} x\r\n{more}content-length: 2\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await
        }
        Reply::Late(delay) => {
            tokio::time::sleep(delay).await;
            stream
                .write_all(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n")
                .await
        }
        Reply::Never => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(())
        }
        Reply::Close => Ok(()),
        Reply::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"400\r\n").await?;
                stream.write_all(&[b'x'; 0x400]).await?;
                stream.write_all(b"\r\n").await?;
                book.sent_bytes.fetch_add(0x400, Ordering::Relaxed);
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
