//! An owner's endpoint is told of final states.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{PATIENCE, Stage, csv};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A delivery: its headers, in lower case, and its body.
type Delivery = (Vec<(String, String)>, String);

/// An endpoint that answers with one status after the other, the last for ever.
async fn endpoint(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Delivery>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<Delivery>>> = Arc::default();
    let deliveries = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let (head, mut body) = loop {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.unwrap_or(0);
                bytes.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    break (head.to_owned(), body.as_bytes().to_vec());
                }
                if read == 0 {
                    break (text, Vec::new());
                }
            };
            let headers: Vec<(String, String)> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
            while body.len() < length {
                let mut chunk = [0; 4096];
                match stream.read(&mut chunk).await {
                    Ok(read) if read > 0 => body.extend_from_slice(&chunk[..read]),
                    _ => break,
                }
            }
            let status = {
                let mut deliveries = deliveries.lock().unwrap();
                deliveries.push((headers, String::from_utf8(body).unwrap()));
                let index = (deliveries.len() - 1).min(statuses.len() - 1);
                statuses[index]
            };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, seen)
}

async fn until(seen: &Arc<Mutex<Vec<Delivery>>>, count: usize) -> Vec<Delivery> {
    let began = Instant::now();
    loop {
        let deliveries = seen.lock().unwrap().clone();
        if deliveries.len() >= count {
            return deliveries;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{} of {count} deliveries",
            deliveries.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stage() -> Stage {
    Stage::with(&[
        ("Default: public\n", "Default: any\n"),
        (
            "DELIVERY_BACKOFF_SECONDS: 5 30 120 600 1800 3600 7200 14400",
            "DELIVERY_BACKOFF_SECONDS: 1 1",
        ),
        ("maxReceiveCount: 9", "maxReceiveCount: 3"),
    ])
    .await
}

async fn register(stage: &Stage, owner: &str, url: &str) -> Value {
    let answer = stage
        .api(owner, "POST", "/v1/webhooks", Some(&json!({"url": url})))
        .await;
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery
        .0
        .iter()
        .find(|(header, _)| header == name)
        .map_or("", |(_, value)| value)
}

/// What the signature must be (Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`).
fn signature(secret: &str, delivery: &Delivery) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use hmac::{KeyInit as _, Mac as _};
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let text = format!(
        "{}.{}.{}",
        header(delivery, "webhook-id"),
        header(delivery, "webhook-timestamp"),
        delivery.1
    );
    mac.update(text.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn an_endpoint_is_told_of_final_states_once_each_and_signed() {
    let stage = stage().await;
    let (url, seen) = endpoint(&[200]).await;
    let (others, others_seen) = endpoint(&[200]).await;
    let registered = register(&stage, "alice", &url).await;
    register(&stage, "bob", &others).await;
    let done = stage.upload_auto("alice", "calls.csv", csv(5)).await;
    let file = stage.until("alice", &done, &["done"]).await;
    let rejected = stage.upload_auto("alice", "paper", "%PDF-1.7\n1 0 obj\n").await;
    stage.until("alice", &rejected, &["rejected"]).await;
    let deliveries = until(&seen, 2).await;
    for delivery in &deliveries {
        assert_eq!(
            header(delivery, "webhook-signature"),
            signature(registered["secret"].as_str().unwrap(), delivery)
        );
        assert_eq!(header(delivery, "content-type"), "application/json");
    }
    let bodies: Vec<Value> = deliveries
        .iter()
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect();
    let of = |id: &str| bodies.iter().find(|body| body["data"]["id"] == id).unwrap();
    assert_eq!(
        (&of(&done)["type"], &of(&done)["data"]),
        (&json!("file.done"), &file),
        "the file as the API shows it"
    );
    assert_eq!(of(&rejected)["type"], "file.rejected");
    stage.stack.idle().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(seen.lock().unwrap().len(), 2, "once each");
    assert!(others_seen.lock().unwrap().is_empty(), "others are told nothing");
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_again_and_kept_in_the_end() {
    let stage = stage().await;
    let (url, seen) = endpoint(&[500, 302, 200]).await;
    register(&stage, "alice", &url).await;
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    stage.until("alice", &id, &["done"]).await;
    let deliveries = until(&seen, 3).await;
    let ids: std::collections::BTreeSet<_> = deliveries
        .iter()
        .map(|delivery| header(delivery, "webhook-id"))
        .collect();
    assert_eq!(
        ids.len(),
        1,
        "by its id a receiver knows a delivery that it has had"
    );

    let (down, refused) = endpoint(&[503]).await;
    register(&stage, "bob", &down).await;
    let id = stage.upload("bob", "calls.csv", csv(5)).await;
    stage.until("bob", &id, &["done"]).await;
    until(&refused, 3).await;
    let queue = stage.queue("Undelivered");
    let began = Instant::now();
    while stage.stack.queue_length(queue).unwrap() == 0 {
        assert!(began.elapsed() < PATIENCE, "nothing in {queue}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(refused.lock().unwrap().len(), 3, "and no more");
}

#[tokio::test]
async fn private_endpoints_are_refused_where_only_public_ones_may_be() {
    let stage = Stage::new().await;
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://0x7f.1/",
        "https://user:pass@example.com/",
        "ftp://example.com/",
        "no url",
    ] {
        let answer = stage
            .api("alice", "POST", "/v1/webhooks", Some(&json!({"url": url})))
            .await;
        assert_eq!(answer.status(), 400, "{url}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "url", "{url}: {problem}");
    }
    let webhook = register(&stage, "alice", "https://example.com/hook").await;
    let list = stage.get("alice", "/v1/webhooks").await;
    assert!(
        !list.to_string().contains("whsec_"),
        "a secret is shown once: {list}"
    );
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    assert_eq!(stage.api("mallory", "DELETE", &path, None).await.status(), 404);
    assert_eq!(stage.api("alice", "DELETE", &path, None).await.status(), 204);
    for _ in 0..5 {
        register(&stage, "alice", "https://example.com/hook").await;
    }
    let sixth = stage
        .api(
            "alice",
            "POST",
            "/v1/webhooks",
            Some(&json!({"url": "https://example.com/hook"})),
        )
        .await;
    assert_eq!(sixth.status(), 409);
}
