//! What the subjects are given to do, the same in both languages, and whether they did it.

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::{item, stage::Stage};

/// Rows of the table that is unloaded, some 60 bytes each.
const CSV_ROWS: u32 = 1_000;

const OWNER: &str = "you";
/// The output that the API hands out.
const OUTPUT: &str = "profile.json";

/// Where a job's file lies.
const KEYS: [(Job, &str, &str); 3] = [
    (Job::Intake, "inbox", "csv"),
    (Job::Tables, "tables", "csv"),
    (Job::Images, "images", "jpg"),
];

/// What is done with one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Job {
    Hello,
    Api,
    Intake,
    Notify,
    Tables,
    Images,
}

/// An event, and what belongs to its answer.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    job: Job,
    pub(crate) event: Bytes,
    /// What the answer must have in it, for jobs that leave nothing behind.
    expected: Value,
}

impl Job {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Api => "api",
            Self::Intake => "intake",
            Self::Notify => "notify",
            Self::Tables => "tables",
            Self::Images => "images",
        }
    }

    /// The services that it cannot be done without.
    pub(crate) const fn services(self) -> &'static [&'static str] {
        match self {
            Self::Hello => &[],
            Self::Notify => &["DYNAMODB"],
            Self::Intake => &["DYNAMODB", "LAMBDA", "S3"],
            Self::Api | Self::Tables | Self::Images => &["DYNAMODB", "S3"],
        }
    }

    /// Puts what the job needs in its place. `number` is new each time.
    pub(crate) async fn prepare(self, stage: &Stage, number: u64) -> Result<Task> {
        let (event, expected) = match self {
            Self::Hello => (json!({}), json!({"message": "hello"})),
            Self::Api => prepare_output(stage).await?,
            Self::Notify => (
                event(stage, "dynamodb-stream-done")?,
                json!({"batchItemFailures": []}),
            ),
            Self::Intake | Self::Tables | Self::Images => (upload(stage, self, number).await?, Value::Null),
        };
        Ok(Task {
            job: self,
            event: Bytes::from(event.to_string()),
            expected,
        })
    }
}

impl Task {
    /// Fails unless the job was done: not only said to be.
    pub(crate) async fn check(&self, stage: &Stage, answer: &[u8]) -> Result<()> {
        self.look(stage, answer)
            .await
            .with_context(|| format!("the answer was {}", String::from_utf8_lossy(answer)))
    }

    async fn look(&self, stage: &Stage, answer: &[u8]) -> Result<()> {
        let answer: Value = serde_json::from_slice(answer).context("the answer is no JSON")?;
        match self.job {
            Job::Hello | Job::Notify => {
                ensure!(answer == self.expected, "expected {}", self.expected);
                Ok(())
            }
            Job::Api => {
                ensure!(
                    answer.get("statusCode").is_some_and(|status| status == 200),
                    "expected the status 200"
                );
                let body = answer
                    .get("body")
                    .and_then(Value::as_str)
                    .context("there is no body")?;
                let body: Value = serde_json::from_str(body).context("the body is no JSON")?;
                ensure!(body == self.expected, "expected {}", self.expected);
                Ok(())
            }
            Job::Intake => {
                let record = record(stage, &answer).await?;
                let is = |name: &str, value: &str| text(&record, name).is_some_and(|text| text == value);
                ensure!(
                    is("status", "pending") && is("kind", "tables"),
                    "the record is {record:?}"
                );
                Ok(())
            }
            Job::Tables => outputs(stage, &answer, 2).await,
            Job::Images => outputs(stage, &answer, 3).await,
        }
    }
}

type Item = std::collections::HashMap<String, AttributeValue>;

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a String> {
    item.get(name)?.as_s().ok()
}

/// The record that the answer speaks of.
async fn record(stage: &Stage, answer: &Value) -> Result<Item> {
    let file = answer.pointer("/files/0").context("the answer names no file")?;
    let id = file
        .get("file_id")
        .and_then(Value::as_str)
        .context("the answer names no file")?;
    let found = stage
        .dynamodb
        .get_item()
        .table_name(stage.table())
        .key("pk", AttributeValue::S(format!("{OWNER}/{id}")))
        .key("sk", AttributeValue::S("record".to_owned()))
        .consistent_read(true)
        .send()
        .await
        .context("cannot read the record")?;
    found.item.context("there is no record")
}

/// Fails unless the record says done, and its outputs are there.
async fn outputs(stage: &Stage, answer: &Value, count: usize) -> Result<()> {
    let record = record(stage, answer).await?;
    let is_done = text(&record, "status").is_some_and(|status| status == "done");
    ensure!(is_done, "the record is {record:?}");
    let outputs = record.get("outputs").and_then(|outputs| outputs.as_l().ok());
    let outputs = outputs.context("the record has no outputs")?;
    ensure!(
        outputs.len() >= count,
        "the record has {} outputs, not {count}",
        outputs.len()
    );
    for output in outputs {
        let Some(key) = output.as_m().ok().and_then(|output| text(output, "key")) else {
            bail!("an output has no key");
        };
        let head = stage
            .s3
            .head_object()
            .bucket(stage.results())
            .key(key)
            .send()
            .await;
        let head = head.with_context(|| format!("there is no output {key}"))?;
        ensure!(
            head.content_length().is_some_and(|size| size > 0),
            "{key} is empty"
        );
    }
    Ok(())
}

/// A file that is done, with its output; the event that asks for that, and what it says.
async fn prepare_output(stage: &Stage) -> Result<(Value, Value)> {
    let change = event(stage, "dynamodb-stream-done")?;
    let image = change
        .pointer("/Records/0/dynamodb/NewImage")
        .context("the event has no image")?;
    let outputs = image.pointer("/outputs/L").and_then(Value::as_array);
    let output = outputs
        .into_iter()
        .flatten()
        .find(|output| output.pointer("/M/name/S").is_some_and(|name| name == OUTPUT));
    let key = output.and_then(|output| output.pointer("/M/key/S")?.as_str());
    let key = key.context("the event's file has no such output")?;
    let profile = json!({"rows": 3, "columns": [{"name": "port", "type": "string", "nulls": 0}]});
    put(stage, stage.results(), key, profile.to_string().into_bytes()).await?;
    stage
        .dynamodb
        .put_item()
        .table_name(stage.table())
        .set_item(Some(item::from_json(image)?))
        .send()
        .await
        .context("cannot write the record")?;
    let mut ask = event(stage, "api-get-output")?;
    let id = image
        .pointer("/id/S")
        .and_then(Value::as_str)
        .context("the image has no id")?;
    let path = format!("/v1/files/{id}/outputs/{OUTPUT}");
    set(&mut ask, "/pathParameters", json!({"id": id, "name": OUTPUT}))?;
    set(&mut ask, "/rawPath", json!(path))?;
    set(&mut ask, "/rawQueryString", json!("inline=true"))?;
    set(&mut ask, "/queryStringParameters", json!({"inline": "true"}))?;
    set(&mut ask, "/requestContext/http/path", json!(path))?;
    Ok((ask, profile))
}

/// A new file, and the event about it.
async fn upload(stage: &Stage, job: Job, number: u64) -> Result<Value> {
    let place = KEYS.iter().find(|(of, _, _)| *of == job);
    let (_, prefix, extension) = place.context("the job has no files")?;
    let key = format!("{prefix}/{OWNER}/cold-{number}.{extension}");
    let body = if job == Job::Images {
        let path = stage.places().peers.join("picture.jpg");
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?
    } else {
        csv().into_bytes()
    };
    let size = body.len();
    let etag = put(stage, stage.uploads(), &key, body).await?;
    let mut event = event(stage, "s3-put-csv")?;
    let arn = format!("arn:aws:s3:::{}", stage.uploads());
    for (member, value) in [
        ("bucket/name", json!(stage.uploads())),
        ("bucket/arn", json!(arn)),
        ("object/key", json!(key)),
        ("object/size", json!(size)),
        ("object/eTag", json!(etag)),
    ] {
        set(&mut event, &format!("/Records/0/s3/{member}"), value)?;
    }
    Ok(event)
}

async fn put(stage: &Stage, bucket: &str, key: &str, body: Vec<u8>) -> Result<String> {
    let put = stage.s3.put_object().bucket(bucket).key(key).body(body.into());
    let put = put.send().await.with_context(|| format!("cannot put {key}"))?;
    let etag = put.e_tag().context("the object has no ETag")?;
    Ok(etag.trim_matches('"').to_owned())
}

/// Sets a member, at a JSON pointer, of an object that is there.
fn set(event: &mut Value, pointer: &str, value: Value) -> Result<()> {
    let (parent, name) = pointer
        .rsplit_once('/')
        .context("a pointer begins with a slash")?;
    let parent = event.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.with_context(|| format!("the event has nothing to put {pointer} into"))?;
    parent.insert(name.to_owned(), value);
    Ok(())
}

/// One of `events/`.
fn event(stage: &Stage, name: &str) -> Result<Value> {
    let path = stage.places().workspace.join(format!("events/{name}.json"));
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// A small table of the common types.
fn csv() -> String {
    use std::fmt::Write as _;
    let ports = [
        "Antwerp",
        "Bergen",
        "Cadiz",
        "Gdansk",
        "Hamburg",
        "Lisbon",
        "Rotterdam",
    ];
    let mut text = "id,port,arrived,departed,draught_m,tonnes,berth\n".to_owned();
    for (number, port) in (0..CSV_ROWS).zip(ports.iter().cycle()) {
        let (day, hour) = (number % 28 + 1, number % 24);
        let draught = f64::from(number % 140) / 10.0;
        let _ = writeln!(
            text,
            "{number},{port},2026-03-{day:02}T{hour:02}:15:00Z,2026-03-{day:02},{draught:.1},{},B{}",
            number * 37 % 90_000,
            number % 60
        );
    }
    text
}
