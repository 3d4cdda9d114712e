//! From the table's stream to the queue.

use std::time::Duration;

use notify::notice::MAX_BODY_BYTES;
use serde_json::{Value, json};
use shared::{
    Failure,
    catalogue::{Attempt, Claim, Claimed, Committed, FileRecord, Outcome, Output, Sequencer, Status, Upload},
    keys::{FileRef, upload_key},
    store::{Catalogue as _, endpoints::Endpoints as _},
    time::UnixMillis,
};

use crate::stage::{NOW, Stage, changed, file, owner};

/// A file, and the records of the stream about it so far.
struct Story<'a> {
    stage: &'a Stage,
    file: FileRef,
    records: Vec<Value>,
    last: Option<FileRecord>,
}

impl<'a> Story<'a> {
    fn new(stage: &'a Stage, owner_name: &str) -> Self {
        Self {
            stage,
            file: file(owner_name),
            records: Vec::new(),
            last: None,
        }
    }

    /// Writes down the record as it became.
    async fn happened(&mut self) {
        let now = self.stage.catalogue.get(&self.file).await.unwrap().unwrap();
        let number = u32::try_from(self.records.len()).unwrap() + 1;
        self.records.push(changed(number, self.last.as_ref(), &now));
        self.last = Some(now);
    }

    async fn announced(mut self) -> Self {
        let key = upload_key("tables", &self.file, "ü 🚢.csv");
        let mut record =
            FileRecord::announced(self.file.clone(), "tables", "ü 🚢.csv", ("uploads", &key), NOW);
        record.upload_expires_at = Some(NOW.after(Duration::from_mins(15)));
        self.stage.catalogue.create(&record).await.unwrap();
        self.happened().await;
        self
    }

    async fn attempt(&mut self, request_id: &str, outcome: Outcome) {
        let claim = Claim {
            file: self.file.clone(),
            kind: "tables".into(),
            name: "ü 🚢.csv".into(),
            bucket: "uploads".into(),
            key: upload_key("tables", &self.file, "ü 🚢.csv"),
            upload: Upload {
                size_bytes: 42,
                etag: "e".into(),
                sequencer: Sequencer::new("01"),
            },
            processor_version: 1,
            holder: request_id.into(),
            now: NOW,
            lease_until: NOW.after(Duration::from_mins(15)),
        };
        let Claimed::Granted(attempt) = self.stage.catalogue.claim(&claim).await.unwrap() else {
            panic!("the claim is to be granted");
        };
        self.happened().await;
        self.commit(&attempt, &outcome).await;
    }

    async fn commit(&mut self, attempt: &Attempt, outcome: &Outcome) {
        let committed = self
            .stage
            .catalogue
            .commit(attempt, outcome, NOW.after(Duration::from_secs(1)))
            .await;
        assert_eq!(committed.unwrap(), Committed::Yes);
        self.happened().await;
    }
}

fn done() -> Outcome {
    Outcome::Done {
        outputs: vec![Output {
            name: "table.parquet".into(),
            key: "tables/alice/x/1/table.parquet".into(),
            size_bytes: 7,
            content_type: "application/vnd.apache.parquet".into(),
        }],
        report: json!({"rows": 3, "share": 0.5, "nested": {"list": [1, "x", null, true]}}),
    }
}

fn bodies(stage: &Stage) -> Vec<Value> {
    let waiting = stage.queue.waiting();
    waiting
        .iter()
        .map(|queued| serde_json::from_str(&queued.delivery.body).unwrap())
        .collect()
}

fn ids(stage: &Stage) -> Vec<String> {
    stage
        .queue
        .waiting()
        .into_iter()
        .map(|queued| queued.delivery.webhook_id)
        .collect()
}

#[tokio::test]
async fn every_endpoint_of_the_owner_is_told_once_of_a_file_that_is_done() {
    let stage = Stage::new();
    let mut expected = Vec::new();
    for path in ["a", "b", "c"] {
        expected.push(
            stage
                .endpoint("alice", &format!("https://example.com/{path}"))
                .await
                .id,
        );
    }
    stage.endpoint("bob", "https://example.com/bob").await;
    let mut story = Story::new(&stage, "alice").announced().await;
    story.attempt("request-1", done()).await;
    // Another write in the same state: the upload was deleted, say.
    let last = story.last.clone().unwrap();
    let mut later = last.clone();
    later.upload_removed_at = Some(NOW);
    story.records.push(changed(9, Some(&last), &later));

    assert_eq!(stage.watch(&story.records).await, None);
    let waiting = stage.queue.waiting();
    let mut told: Vec<_> = waiting.iter().map(|queued| queued.delivery.endpoint_id).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    let id = story.file.id;
    for queued in &waiting {
        assert_eq!(queued.delivery.owner, owner("alice"));
        assert_eq!(queued.delivery.file_id, id);
        assert_eq!(queued.delivery.webhook_id, format!("{id}_1_done"));
    }
    let body = &bodies(&stage)[0];
    assert_eq!(body["type"], "file.done");
    assert_eq!(body["timestamp"], NOW.after(Duration::from_secs(1)).to_string());
    assert_eq!(body["data"]["id"], id.to_string());
    assert_eq!(body["data"]["status"], "done");
    assert_eq!(body["data"]["name"], "ü 🚢.csv");
    assert_eq!(
        body["data"]["report"],
        json!({"rows": 3, "share": 0.5, "nested": {"list": [1, "x", null, true]}})
    );
    assert_eq!(body["data"]["outputs"][0]["name"], "table.parquet");
    assert_eq!(body.get("omitted"), None);
    // No key, no bucket, no lease leaves the house.
    let text = body.to_string();
    for inner in ["uploads", "lease", "request-1", "sequencer", "pk"] {
        assert!(!text.contains(inner), "{inner} in {text}");
    }
}

#[tokio::test]
async fn owners_are_told_of_every_final_state_by_its_name() {
    for (outcome, expected) in [
        (done(), "file.done"),
        (
            Outcome::Failed(Failure::rejected("not-utf8", "row 3")),
            "file.rejected",
        ),
        (
            Outcome::Failed(Failure::limit("too-many-columns", "row 1")),
            "file.rejected",
        ),
        (Outcome::Gone, "file.removed"),
    ] {
        let stage = Stage::new();
        stage.endpoint("alice", "https://example.com/").await;
        let mut story = Story::new(&stage, "alice").announced().await;
        story.attempt("r", outcome).await;
        assert_eq!(stage.watch(&story.records).await, None);
        let bodies = bodies(&stage);
        assert_eq!(bodies.len(), 1, "{expected}");
        assert_eq!(bodies[0]["type"], expected);
    }
}

#[tokio::test]
async fn nobody_is_told_of_what_is_not_final() {
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    let mut story = Story::new(&stage, "alice").announced().await;
    story.attempt("r", Outcome::Superseded).await;
    let last = story.last.clone().unwrap();
    for status in [Status::Pending, Status::Processing, Status::Deleted] {
        let mut next = last.clone();
        next.status = status;
        story.records.push(changed(9, Some(&last), &next));
    }
    assert_eq!(stage.watch(&story.records).await, None);
    assert!(stage.queue.waiting().is_empty());
}

#[tokio::test]
async fn a_failure_is_told_of_on_the_last_try_of_its_invocation() {
    let failed = || Outcome::Failed(Failure::transient("store", "s3 is away"));
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    let mut story = Story::new(&stage, "alice").announced().await;
    // An older invocation's tries do not count.
    for request_id in ["old", "old", "request", "request"] {
        story.attempt(request_id, failed()).await;
    }
    assert_eq!(stage.watch(&story.records).await, None);
    assert_eq!(ids(&stage), [""; 0]);
    story.attempt("request", failed()).await;
    assert_eq!(stage.watch(&story.records).await, None);
    assert_eq!(ids(&stage), [format!("{}_5_failed", story.file.id)]);
    let body = &bodies(&stage)[0];
    assert_eq!(
        (&body["type"], &body["data"]["failure"]["code"]),
        (&json!("file.failed"), &json!("store"))
    );
    assert!(
        !body.to_string().contains("s3 is away"),
        "what a store says is not for owners"
    );
}

#[tokio::test]
async fn a_file_that_is_done_again_is_told_of_again() {
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    let mut story = Story::new(&stage, "alice").announced().await;
    story
        .attempt("r1", Outcome::Failed(Failure::transient("store", "x")))
        .await;
    story.attempt("r1", done()).await;
    let first = story.last.clone().unwrap();
    let mut processing = first.clone();
    (processing.status, processing.fence) = (Status::Processing, 3);
    let mut second = processing.clone();
    second.status = Status::Done;
    story.records.push(changed(8, Some(&first), &processing));
    story.records.push(changed(9, Some(&processing), &second));
    assert_eq!(stage.watch(&story.records).await, None);
    let id = story.file.id;
    assert_eq!(ids(&stage), [format!("{id}_2_done"), format!("{id}_3_done")]);
}

#[tokio::test]
async fn what_could_not_be_sent_comes_back_and_is_the_same_then() {
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    let mut first = Story::new(&stage, "alice").announced().await;
    first.attempt("r", done()).await;
    let mut second = Story::new(&stage, "alice").announced().await;
    second.attempt("r", done()).await;
    let mut records = first.records.clone();
    for (index, mut record) in second.records.into_iter().enumerate() {
        record["dynamodb"]["SequenceNumber"] = json!((index + 10).to_string());
        records.push(record);
    }
    // The first goes, the second does not: its record is where the stream comes back from.
    stage.queue.fail(1);
    assert_eq!(stage.watch(&records).await.as_deref(), Some("3"));
    assert!(stage.queue.waiting().is_empty());
    assert_eq!(stage.watch(&records).await, None);
    assert_eq!(ids(&stage).len(), 2);
    let told = bodies(&stage);
    assert_eq!(stage.watch(&records).await, None);
    let again = bodies(&stage);
    assert_eq!(
        (&again[..2], &again[2..]),
        (&told[..], &told[..]),
        "a duplicate has the same id and body"
    );
    assert_eq!(ids(&stage)[..2], ids(&stage)[2..]);
}

#[tokio::test]
async fn a_record_that_cannot_be_understood_does_not_hold_up_the_others() {
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    let mut story = Story::new(&stage, "alice").announced().await;
    story.attempt("r", done()).await;
    let ended = story.records.pop().unwrap();
    let mut poison = Vec::new();
    let mut spoil = |at: &str, value: Value| {
        let mut record = ended.clone();
        *record.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = value;
        poison.push(record);
    };
    spoil("/dynamodb", json!(1));
    spoil("/dynamodb/Keys", json!({}));
    spoil("/dynamodb/Keys/sk", json!({"N": "1"}));
    spoil("/dynamodb/NewImage", json!(null));
    spoil("/dynamodb/NewImage", json!({"status": {"S": "done"}}));
    spoil("/dynamodb/NewImage/status", json!({"S": "finished"}));
    spoil("/dynamodb/NewImage/fence", json!({"N": "many"}));
    spoil("/dynamodb/NewImage/owner", json!({"S": ""}));
    // And what is none of our business.
    spoil("/dynamodb/Keys/sk", json!({"S": "2026-11-21"}));
    spoil("/eventName", json!("REMOVE"));
    assert_eq!(stage.watch(&poison).await, None);
    assert!(stage.queue.waiting().is_empty());
    poison.push(ended);
    assert_eq!(stage.watch(&poison).await, None);
    assert_eq!(stage.queue.waiting().len(), 1);
}

fn marker_removed(file: &FileRef, expires_at: UnixMillis) -> Value {
    let key = json!({"pk": {"S": file.to_string()}, "sk": {"S": "expiry"}});
    let mut image = key.clone();
    image["expires_at"] = json!({"N": expires_at.as_seconds().to_string()});
    json!({
        "eventName": "REMOVE", "eventSource": "aws:dynamodb",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"Keys": key, "OldImage": image, "SequenceNumber": "50"},
    })
}

#[tokio::test]
async fn an_upload_whose_time_is_over_expires_and_its_owner_is_told() {
    let stage = Stage::new();
    stage.endpoint("auth0|alice", "https://example.com/").await;
    let mut story = Story::new(&stage, "auth0|alice").announced().await;
    let until = story.last.as_ref().unwrap().upload_expires_at.unwrap();
    let removed = marker_removed(&story.file, until);
    // The table's clock may be a second ahead of ours, which stands before the time is over: it is right.
    assert_eq!(stage.watch(std::slice::from_ref(&removed)).await, None);
    let record = stage.catalogue.get(&story.file).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Expired);
    assert!(stage.queue.waiting().is_empty(), "the stream tells of it");
    story.happened().await;
    assert_eq!(stage.watch(&story.records).await, None);
    assert_eq!(ids(&stage), [format!("{}_0_expired", story.file.id)]);
    assert_eq!(bodies(&stage)[0]["type"], "file.expired");
    // The marker's record of the stream once more: nothing changes.
    assert_eq!(stage.watch(&[removed]).await, None);
    assert_eq!(stage.catalogue.get(&story.file).await.unwrap(), story.last);
}

#[tokio::test]
async fn an_upload_that_came_or_whose_marker_somebody_removed_does_not_expire() {
    let stage = Stage::new();
    let mut came = Story::new(&stage, "alice").announced().await;
    came.attempt("r", done()).await;
    let waiting = Story::new(&stage, "alice").announced().await;
    let until = NOW.after(Duration::from_mins(15));
    let mut by_somebody = marker_removed(&waiting.file, until);
    by_somebody.as_object_mut().unwrap().remove("userIdentity");
    let mut of_no_file = marker_removed(&waiting.file, until);
    of_no_file["dynamodb"]["Keys"]["pk"] = json!({"S": "alice/webhooks"});
    let records = [marker_removed(&came.file, until), by_somebody, of_no_file];
    assert_eq!(stage.watch(&records).await, None);
    for (story, status) in [(&came, Status::Done), (&waiting, Status::Pending)] {
        let record = stage.catalogue.get(&story.file).await.unwrap().unwrap();
        assert_eq!(record.status, status);
    }
}

#[tokio::test]
async fn what_makes_a_body_too_large_is_left_out_by_name() {
    let stage = Stage::new();
    stage.endpoint("alice", "https://example.com/").await;
    for (rows, outputs, omitted) in [
        (10, 10, json!(null)),
        (20_000, 10, json!(["report"])),
        (20_000, 1000, json!(["report", "outputs"])),
    ] {
        let Outcome::Done { outputs: one, .. } = done() else {
            unreachable!("it is done");
        };
        let outcome = Outcome::Done {
            outputs: vec![one[0].clone(); outputs],
            report: json!(vec!["row"; rows]),
        };
        let mut story = Story::new(&stage, "alice").announced().await;
        story.attempt("r", outcome).await;
        assert_eq!(stage.watch(&story.records).await, None);
        let body = bodies(&stage).pop().unwrap();
        assert!(body.to_string().len() <= MAX_BODY_BYTES);
        assert_eq!(body.get("omitted").unwrap_or(&Value::Null), &omitted);
        for field in ["report", "outputs"] {
            let left_out = omitted
                .as_array()
                .is_some_and(|names| names.contains(&json!(field)));
            assert_eq!(body["data"].get(field).is_none(), left_out, "{field}");
        }
        assert_eq!(body["data"]["status"], "done");
    }
}

#[tokio::test]
async fn an_owner_without_endpoints_is_told_nothing() {
    let stage = Stage::new();
    let endpoint = stage.endpoint("alice", "https://example.com/").await;
    assert!(
        stage
            .endpoints
            .unregister(&owner("alice"), endpoint.id)
            .await
            .unwrap()
    );
    let mut story = Story::new(&stage, "alice").announced().await;
    story.attempt("r", done()).await;
    assert_eq!(stage.watch(&story.records).await, None);
    assert!(stage.queue.waiting().is_empty());
}
