//! What leaves a function before its first event, and what stays of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "for tests, which report by panicking"
)]

use std::sync::{Arc, Mutex};

use shared::{
    aws::{self, Aws},
    config::Environment,
    store::{Location, Objects as _, dynamodb::DynamoCatalogue, s3::S3Objects},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The heads of requests, each with the number of the connection that it came by.
type Heads = Arc<Mutex<Vec<(usize, String)>>>;

/// A server that says yes to everything.
async fn server() -> (String, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, connection, Arc::clone(&seen)));
        }
    });
    (url, heads)
}

async fn answer(mut stream: TcpStream, connection: usize, seen: Heads) {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => received.extend_from_slice(&buffer[..length]),
            }
            continue;
        };
        let head = String::from_utf8(received.drain(..end + 4).collect())
            .unwrap()
            .to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = length.map_or(0, |length| length.parse().unwrap());
        while body > received.len() {
            body -= received.len();
            received.clear();
            let length = stream.read(&mut buffer).await.unwrap();
            received.extend_from_slice(&buffer[..length]);
        }
        received.drain(..body);
        seen.lock().unwrap().push((connection, head));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    }
}

fn aws_at(url: &str) -> Aws {
    let environment = Environment::from([
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    aws::configure(&environment).unwrap()
}

#[tokio::test]
async fn a_rehearsal_asks_for_nothing_and_leaves_a_connection() {
    let (url, heads) = server().await;
    let aws = aws_at(&url);
    let objects = S3Objects::new(aws_sdk_s3::Client::new(&aws.sdk));
    let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), "table".to_owned());
    aws.rehearse(async {
        catalogue.rehearse().await;
        objects.rehearse_get("uploads").await;
        objects.rehearse_put("results").await;
    })
    .await;
    let rehearsed = std::mem::take(&mut *heads.lock().unwrap());
    assert_eq!(rehearsed.len(), 3);
    for (_, head) in &rehearsed {
        assert!(head.starts_with("head / http/1.1\r\n"), "{head}");
        assert!(
            !head.contains("authorization") && !head.contains("content-length"),
            "{head}"
        );
    }
    // The real request comes by a connection that the rehearsal has left.
    let (head, _) = objects.get(&Location::new("b", "k"), "e", None).await.unwrap();
    assert_eq!(head.size_bytes, 0);
    let real = heads.lock().unwrap().pop().unwrap();
    assert!(real.1.starts_with("get /b/k"), "{}", real.1);
    assert!(real.1.contains("authorization: aws4-hmac-sha256"), "{}", real.1);
    assert!(rehearsed.iter().any(|(connection, _)| *connection == real.0));
}

#[tokio::test]
async fn a_rehearsal_that_reaches_nobody_is_no_error() {
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let aws = aws_at(&url);
    let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), "table".to_owned());
    aws.rehearse(catalogue.rehearse()).await;
}
