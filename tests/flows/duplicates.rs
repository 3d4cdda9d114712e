//! The same event again, in every order, and at once.

use serde_json::{Value, json};
use shared::store::Location;
use tests::{Stage, csv, root};

/// The notification of an object as it lies there, with a sequencer of ours.
async fn event(stage: &Stage, at: &Location, sequencer: &str) -> Value {
    let text = std::fs::read_to_string(root().join("events/s3-put-csv.json")).unwrap();
    let mut event: Value = serde_json::from_str(&text).unwrap();
    let head = stage
        .s3
        .head_object()
        .bucket(&at.bucket)
        .key(&at.key)
        .send()
        .await
        .unwrap();
    let s3 = &mut event["Records"][0]["s3"];
    s3["bucket"]["name"] = json!(at.bucket);
    s3["object"] = json!({
        "key": at.key,
        "size": head.content_length(),
        "eTag": head.e_tag().unwrap().trim_matches('"'),
        "sequencer": sequencer,
    });
    event
}

async fn outcome(stage: &Stage, event: &Value) -> String {
    let answer = stage.invoke("Tables", event.to_string()).await.unwrap();
    answer["files"][0]["outcome"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// A stack whose test alone decides which events come, and when; and a place in it.
async fn quiet() -> (Stage, Location) {
    let stage = Stage::quiet().await;
    let at = Location::new(stage.uploads(), "tables/alice/calls.csv");
    (stage, at)
}

#[tokio::test]
async fn the_same_event_five_times_is_unloaded_once() {
    let (stage, at) = quiet().await;
    stage.put(&at, csv(100)).await;
    let event = event(&stage, &at, "0A").await;
    assert_eq!(outcome(&stage, &event).await, "done");
    let keys = stage.result_keys().await;
    for _ in 0..4 {
        assert_eq!(outcome(&stage, &event).await, "already");
    }
    assert_eq!(stage.result_keys().await, keys, "nothing was written again");
    let files = stage.get("alice", "/v1/files").await;
    assert_eq!(
        (
            files["files"].as_array().unwrap().len(),
            &files["files"][0]["attempts"]
        ),
        (1, &json!(1))
    );
}

#[tokio::test]
async fn events_in_every_order_end_with_the_newest_upload() {
    let (stage, _) = quiet().await;
    let orders: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        let at = Location::new(stage.uploads(), format!("tables/alice/{number}.csv"));
        let mut events = Vec::new();
        for version in 1..=3 {
            stage.put(&at, csv(version * 10)).await;
            events.push(event(&stage, &at, &format!("0{version}")).await);
        }
        for index in order {
            let outcome = outcome(&stage, &events[index]).await;
            let newest_was_seen = order.iter().position(|i| *i == 2) < order.iter().position(|i| *i == index);
            match index {
                2 => assert_eq!(outcome, "done", "{order:?}"),
                _ if newest_was_seen => assert_eq!(outcome, "stale", "{order:?}"),
                // The object is not that version any more, or an event in between was newer already.
                _ => assert!(
                    ["superseded", "stale"].contains(&outcome.as_str()),
                    "{order:?}: {outcome}"
                ),
            }
        }
        let files = stage.get("alice", "/v1/files?limit=1").await;
        assert_eq!(
            (&files["files"][0]["status"], &files["files"][0]["report"]["rows"]),
            (&json!("done"), &json!(30))
        );
    }
}

#[tokio::test]
async fn two_at_once_make_one_result() {
    let (stage, at) = quiet().await;
    stage.put(&at, csv(200_000)).await;
    let event = event(&stage, &at, "0A").await;
    let (first, second) = tokio::join!(outcome(&stage, &event), outcome(&stage, &event));
    let mut outcomes = [first, second];
    outcomes.sort();
    // Both at work at once is the rule; one may have been done before the other began.
    assert!(
        [["busy", "done"], ["already", "done"]].contains(&[outcomes[0].as_str(), outcomes[1].as_str()]),
        "{outcomes:?}"
    );
    assert_eq!(stage.result_keys().await.len(), 5);
    assert_eq!(stage.unfinished_results().await, 0);
}

#[tokio::test]
async fn a_queues_message_about_a_busy_file_comes_back_and_bad_messages_harm_no_other() {
    let (stage, at) = quiet().await;
    stage.put(&at, csv(10)).await;
    let good = event(&stage, &at, "0A").await;
    let message = |id: &str, body: String| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
    let batch = json!({"Records": [message("bad", "{}".into()), message("good", good.to_string())]});
    assert_eq!(
        stage.invoke("Tables", batch.to_string()).await.unwrap(),
        json!({"batchItemFailures": [{"itemIdentifier": "bad"}]})
    );
    assert_eq!(outcome(&stage, &good).await, "already");
}
