//! From the queue to endpoints' answers.

use std::time::Duration;

use notify::{
    client::HttpClient,
    deliver::{CONCURRENT, Courier},
    delivery::Delivery,
    delivery::Queue as _,
};
use serde_json::{Value, json};
use shared::{
    aws,
    config::Environment,
    store::endpoints::Endpoints as _,
    time::UnixMillis,
    webhook::{Endpoint, Targets},
};

use crate::{
    receiver::{Receiver, Reply},
    stage::{MemoryQueue, Stage, file, owner},
};

/// How long these tests' client waits for an answer.
const PATIENCE: Duration = Duration::from_millis(400);

fn courier(
    stage: &Stage,
    targets: Targets,
) -> Courier<shared::store::memory::MemoryEndpoints, MemoryQueue, HttpClient> {
    Courier {
        endpoints: stage.endpoints.clone(),
        queue: stage.queue.clone(),
        post: HttpClient::new(targets, aws::roots(&Environment::default()).unwrap()).answer_timeout(PATIENCE),
        targets,
        backoff: "5 30 120".parse().unwrap(),
        now: UnixMillis::now,
    }
}

/// Delivers what waits in the queue, once.
async fn deliver(stage: &Stage, targets: Targets) {
    let come_back = courier(stage, targets).deliver(stage.queue.receive()).await;
    stage.queue.settle(&come_back);
}

/// Puts a delivery for an endpoint of alice's into the queue.
async fn enqueue(stage: &Stage, endpoint: &Endpoint) -> Delivery {
    let file = file("alice");
    let delivery = Delivery {
        webhook_id: format!("{}_1_done", file.id),
        owner: file.owner,
        endpoint_id: endpoint.id,
        file_id: file.id,
        body: json!({"type": "file.done", "data": {"name": "ü 🚢.csv"}}).to_string(),
    };
    stage.queue.send(std::slice::from_ref(&delivery)).await.unwrap();
    delivery
}

/// A stage with one endpoint of alice's, and one delivery for it.
async fn one_delivery(receiver: &Receiver) -> (Stage, Endpoint, Delivery) {
    let stage = Stage::new();
    let endpoint = stage.endpoint("alice", &receiver.url("/hooks?x=1")).await;
    let delivery = enqueue(&stage, &endpoint).await;
    (stage, endpoint, delivery)
}

/// The waits that the only message in the queue was given.
fn waits(stage: &Stage) -> Vec<u32> {
    let waiting = stage.queue.waiting();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting[0].waits.clone()
}

#[tokio::test]
async fn a_delivery_is_signed_and_arrives() {
    let receiver = Receiver::new([]).await;
    let (stage, endpoint, delivery) = one_delivery(&receiver).await;
    deliver(&stage, Targets::Any).await;
    assert!(stage.queue.waiting().is_empty());
    let requests = receiver.received();
    assert_eq!(requests.len(), 1);
    let (line, headers, body) = (&requests[0].line, &requests[0].headers, &requests[0].body);
    assert_eq!(line, "POST /hooks?x=1 HTTP/1.1");
    assert_eq!(*body, delivery.body);
    assert!(serde_json::from_str::<Value>(body).is_ok());
    assert_eq!(headers["webhook-id"], delivery.webhook_id);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["host"], format!("127.0.0.1:{}", receiver.port()));
    assert!(headers["user-agent"].starts_with("Longshore-Webhooks/"));
    let timestamp: u64 = headers["webhook-timestamp"].parse().unwrap();
    assert!(UnixMillis::now().as_seconds().abs_diff(timestamp) < 60);
    let signature = endpoint
        .secret
        .sign(&headers["webhook-id"], timestamp, body.as_bytes());
    assert_eq!(headers["webhook-signature"], signature);
}

#[tokio::test]
async fn a_failed_delivery_comes_back_later_and_later_as_the_same_and_is_told_of_once() {
    let replies = [
        Reply::Status(500, ""),
        Reply::Close,
        Reply::Status(404, ""),
        Reply::Status(204, ""),
    ];
    let receiver = Receiver::new(replies).await;
    let (stage, endpoint, delivery) = one_delivery(&receiver).await;
    for (index, longest) in [6, 36, 144].into_iter().enumerate() {
        deliver(&stage, Targets::Any).await;
        let waits = waits(&stage);
        assert_eq!(waits.len(), index + 1);
        assert!((longest * 5 / 6..=longest).contains(&waits[index]), "{waits:?}");
    }
    deliver(&stage, Targets::Any).await;
    assert!(stage.queue.waiting().is_empty());
    deliver(&stage, Targets::Any).await;
    let requests = receiver.received();
    assert_eq!(requests.len(), 4);
    for request in requests {
        let (id, body) = (&request.headers["webhook-id"], &request.body);
        assert_eq!((id, body), (&delivery.webhook_id, &delivery.body));
        let timestamp = request.headers["webhook-timestamp"].parse().unwrap();
        let signature = endpoint.secret.sign(id, timestamp, body.as_bytes());
        assert_eq!(request.headers["webhook-signature"], signature);
    }
}

#[tokio::test]
async fn after_the_last_try_the_message_waits_for_nothing() {
    let receiver = Receiver::new(vec![Reply::Status(500, ""); 4]).await;
    let (stage, ..) = one_delivery(&receiver).await;
    for _ in 0..4 {
        deliver(&stage, Targets::Any).await;
    }
    assert_eq!(
        waits(&stage).last(),
        Some(&0),
        "the queue's redrive policy takes it now"
    );
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_in_time_is_tried_again() {
    for reply in [Reply::Never, Reply::Late(PATIENCE * 3)] {
        let receiver = Receiver::new([reply]).await;
        let (stage, ..) = one_delivery(&receiver).await;
        let started = std::time::Instant::now();
        deliver(&stage, Targets::Any).await;
        assert!(started.elapsed() < PATIENCE * 3);
        assert_eq!((waits(&stage).len(), receiver.received().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = Receiver::new([]).await;
        let location = format!("location: {}\r\n", elsewhere.url("/secret")).leak();
        let receiver = Receiver::new([Reply::Status(code, location)]).await;
        let (stage, ..) = one_delivery(&receiver).await;
        deliver(&stage, Targets::Any).await;
        assert_eq!((waits(&stage).len(), receiver.received().len()), (1, 1), "{code}");
        assert_eq!(elsewhere.connections(), 0, "{code}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_deleted_and_told_nothing_more() {
    let receiver = Receiver::new([Reply::Status(410, "")]).await;
    let (stage, endpoint, _) = one_delivery(&receiver).await;
    let other = stage.endpoint("alice", &receiver.url("/other")).await;
    deliver(&stage, Targets::Any).await;
    assert!(stage.queue.waiting().is_empty());
    assert_eq!(stage.endpoints.endpoints(&owner("alice")).await.unwrap(), [other]);
    enqueue(&stage, &endpoint).await;
    deliver(&stage, Targets::Any).await;
    assert!(stage.queue.waiting().is_empty());
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_asks_for_time_gets_it() {
    let replies = [
        Reply::Status(429, "retry-after: 70\r\n"),
        Reply::Status(503, "retry-after: tomorrow\r\n"),
    ];
    let receiver = Receiver::new(replies).await;
    let (stage, ..) = one_delivery(&receiver).await;
    deliver(&stage, Targets::Any).await;
    deliver(&stage, Targets::Any).await;
    let waits = waits(&stage);
    assert!(waits[0] == 70 && (30..=36).contains(&waits[1]), "{waits:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_or_speaks_no_tls_is_tried_again() {
    let receiver = Receiver::new([]).await;
    let free = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    for url in [
        format!("https://127.0.0.1:{}/", receiver.port()),
        format!("http://127.0.0.1:{free}/"),
        "http://no-such-host.invalid/".to_owned(),
    ] {
        let stage = Stage::new();
        let endpoint = stage.endpoint("alice", &url).await;
        enqueue(&stage, &endpoint).await;
        deliver(&stage, Targets::Any).await;
        assert_eq!(waits(&stage).len(), 1, "{url}");
    }
    assert!(receiver.received().is_empty());
}

/// Registered when any target was allowed, or by a name that leads elsewhere since.
#[tokio::test]
async fn a_refused_target_is_not_connected_to_and_its_deliveries_are_dropped() {
    let receiver = Receiver::new([]).await;
    let port = receiver.port();
    for url in [
        receiver.url("/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://localhost:{port}/"),
        "not a url".to_owned(),
    ] {
        let stage = Stage::new();
        let endpoint = stage.endpoint("alice", &url).await;
        enqueue(&stage, &endpoint).await;
        deliver(&stage, Targets::Public).await;
        assert!(stage.queue.waiting().is_empty(), "{url}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn little_of_an_answer_is_read() {
    let receiver = Receiver::new([Reply::Endless]).await;
    let (stage, ..) = one_delivery(&receiver).await;
    let started = std::time::Instant::now();
    deliver(&stage, Targets::Any).await;
    assert!(stage.queue.waiting().is_empty(), "200 is success");
    assert!(started.elapsed() < Duration::from_secs(3));
    // What lies in the buffers of two sockets was sent and not read.
    assert!(
        receiver.sent_bytes() < 16 << 20,
        "{} bytes",
        receiver.sent_bytes()
    );
}

#[tokio::test]
async fn deliveries_are_made_side_by_side_but_not_without_bound() {
    let receiver = Receiver::new(vec![Reply::Late(PATIENCE / 4); 25]).await;
    let stage = Stage::new();
    let endpoint = stage.endpoint("alice", &receiver.url("/")).await;
    for _ in 0..25 {
        enqueue(&stage, &endpoint).await;
    }
    deliver(&stage, Targets::Any).await;
    assert_eq!(receiver.received().len(), 25);
    assert!(stage.queue.waiting().is_empty());
    assert!(
        (2..=CONCURRENT).contains(&receiver.most_at_once()),
        "{}",
        receiver.most_at_once()
    );
}

/// One slow endpoint, one that fails, one that takes it: each delivery has its own fate.
#[tokio::test]
async fn only_what_failed_comes_back() {
    let stage = Stage::new();
    let mut failing = Vec::new();
    for (reply, fails) in [
        (Reply::Never, true),
        (Reply::Status(200, ""), false),
        (Reply::Status(500, ""), true),
        (Reply::Status(202, ""), false),
    ] {
        let receiver = Receiver::new([reply]).await;
        let endpoint = stage.endpoint("alice", &receiver.url("/")).await;
        enqueue(&stage, &endpoint).await;
        if fails {
            failing.push(endpoint.id);
        }
    }
    deliver(&stage, Targets::Any).await;
    let waiting: Vec<_> = stage
        .queue
        .waiting()
        .iter()
        .map(|queued| queued.delivery.endpoint_id)
        .collect();
    assert_eq!(waiting, failing);
}

#[tokio::test]
async fn a_message_that_is_no_delivery_ends_among_the_undelivered() {
    let stage = Stage::new();
    let receiver = Receiver::new([]).await;
    let endpoint = stage.endpoint("alice", &receiver.url("/")).await;
    enqueue(&stage, &endpoint).await;
    let mut messages = stage.queue.receive();
    messages[0].body = "{}".to_owned();
    let come_back = courier(&stage, Targets::Any).deliver(messages).await;
    assert_eq!(come_back, ["message-0"]);
    assert_eq!(waits(&stage), [0]);
    assert_eq!(receiver.connections(), 0);
}
