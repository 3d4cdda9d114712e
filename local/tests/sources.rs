//! Event source mappings: streams of tables and queues, over a real binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod support;

use std::time::{Duration, Instant};

use local::{Data, Options, Stack};
use serde_json::{Value, json};
use support::{Lines, drain, dynamodb, each, options, sqs};

async fn start(lines: &Lines, data: Data) -> Stack {
    let options = Options {
        data,
        log_sink: lines.sink(),
        ..options("sources.yaml")
    };
    Stack::start(options).await.unwrap()
}

async fn put(stack: &Stack, table: &str, pk: &str, order: &str) {
    let item = json!({"pk": {"S": pk}, "do": {"S": order}});
    dynamodb(stack, "PutItem", json!({"TableName": table, "Item": item})).await;
}

const KEY: &str = "/dynamodb/Keys/pk/S";

#[tokio::test]
async fn a_write_reaches_its_function_soon_and_in_the_shape_of_lambda() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    put(&stack, "watched", "warm", "").await;
    lines.wait_for("watcher", 1).await;
    stack.idle().await;
    let begin = Instant::now();
    put(&stack, "watched", "a", "").await;
    lines.wait_for("watcher", 2).await;
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    let update = json!({"TableName": "watched", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}}});
    // The second changes nothing, and is no change.
    dynamodb(&stack, "UpdateItem", update.clone()).await;
    dynamodb(&stack, "UpdateItem", update).await;
    let key = json!({"TableName": "watched", "Key": {"pk": {"S": "a"}}});
    dynamodb(&stack, "DeleteItem", key).await;
    stack.idle().await;
    let batches = lines.batches("watcher");
    let records: Vec<&Value> = batches[1..]
        .iter()
        .flat_map(|batch| batch["Records"].as_array().unwrap())
        .collect();
    let names: Vec<&Value> = records.iter().map(|record| &record["eventName"]).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let mut modified = records[1].clone();
    let created = modified["dynamodb"]["ApproximateCreationDateTime"].take();
    assert!(created.as_f64().unwrap() > 1.7e9, "{created}");
    assert!(modified["dynamodb"]["SizeBytes"].take().as_u64().unwrap() > 0);
    let number = modified["dynamodb"]["SequenceNumber"].take();
    assert_eq!(number.as_str().unwrap().len(), 21);
    assert_eq!(modified["eventID"].take().as_str().unwrap().len(), 32);
    assert_eq!(
        modified,
        json!({
            "eventID": null, "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "eventSourceARN":
                "arn:aws:dynamodb:us-east-1:000000000000:table/watched/stream/2026-01-01T00:00:00.000",
            "dynamodb": {
                "ApproximateCreationDateTime": null, "Keys": {"pk": {"S": "a"}},
                "NewImage": {"pk": {"S": "a"}, "do": {"S": ""}, "n": {"N": "1"}},
                "OldImage": {"pk": {"S": "a"}, "do": {"S": ""}},
                "SequenceNumber": null, "SizeBytes": null, "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        })
    );
    assert!(
        lines.batches("expirer").is_empty(),
        "a client's delete is no removal by TTL"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn failed_items_are_tried_again_from_the_first_and_given_up() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    let writes: Vec<Value> = [("a", ""), ("b", "item"), ("c", "")]
        .map(|(pk, order)| json!({"Put": {"TableName": "watched", "Item": {"pk": {"S": pk}, "do": {"S": order}}}}))
        .into();
    dynamodb(&stack, "TransactWriteItems", json!({"TransactItems": writes})).await;
    stack.idle().await;
    let batches = lines.batches("watcher");
    let keys: Vec<Vec<&str>> = batches.iter().map(|batch| each(batch, KEY)).collect();
    assert_eq!(keys, [vec!["a", "b", "c"], vec!["b", "c"], vec!["b", "c"]]);
    let records = drain(&stack, "given-up").await;
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(
        record["requestContext"]["functionArn"],
        "arn:aws:lambda:us-east-1:000000000000:function:watcher"
    );
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST"})
    );
    let info = &record["DDBStreamBatchInfo"];
    let numbers = each(&batches[0], "/dynamodb/SequenceNumber");
    assert_eq!(
        (
            &info["batchSize"],
            &info["startSequenceNumber"],
            &info["endSequenceNumber"]
        ),
        (&json!(2), &json!(numbers[1]), &json!(numbers[2]))
    );
    assert_eq!(info["shardId"], "shardId-00000001-watched");
    // What was given up does not hold up what follows.
    put(&stack, "watched", "d", "").await;
    stack.idle().await;
    assert_eq!(each(lines.batches("watcher").last().unwrap(), KEY), ["d"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn bisecting_gives_up_the_poison_alone() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    for (pk, order) in [("a", ""), ("b", ""), ("c", "fail"), ("d", "")] {
        put(&stack, "cut", pk, order).await;
    }
    stack.idle().await;
    let keys: Vec<String> = lines
        .batches("bisector")
        .iter()
        .map(|batch| each(batch, KEY).concat())
        .collect();
    assert_eq!(keys, ["abcd", "ab", "cd", "c", "d"]);
    let records = drain(&stack, "given-up").await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(records[0]["responseContext"]["functionError"], "Unhandled");
    stack.shutdown().await;
}

#[tokio::test]
async fn an_item_past_its_time_reaches_the_one_who_waits_for_it() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    let soon = jiff::Timestamp::now().as_second() - 5;
    let item = json!({"pk": {"S": "short"}, "expires_at": {"N": soon.to_string()}});
    dynamodb(&stack, "PutItem", json!({"TableName": "watched", "Item": item})).await;
    let batches = lines.wait_for("expirer", 1).await;
    let record = &batches[0]["Records"][0];
    assert_eq!(
        record["userIdentity"],
        json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
    );
    assert_eq!(record["dynamodb"]["OldImage"]["pk"], json!({"S": "short"}));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_restart_repeats_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Lines::default();
    let data = || Data::Folder(folder.path().to_owned());
    let stack = Stack::start(Options {
        data: data(),
        log_sink: lines.sink(),
        // The stack stops before the second attempt.
        retry_delay: Duration::from_mins(1),
        ..options("sources.yaml")
    });
    let stack = stack.await.unwrap();
    put(&stack, "watched", "done", "").await;
    stack.idle().await;
    put(&stack, "cut", "first", "").await;
    put(&stack, "watched", "stuck", "fail").await;
    lines.wait_for("watcher", 2).await;
    stack.shutdown().await;
    let before = lines.batches("watcher").len();
    assert_eq!(each(&lines.batches("watcher")[0], KEY), ["done"]);

    let stack = start(&lines, data()).await;
    let batches = lines.wait_for("watcher", before + 1).await;
    assert_eq!(each(&batches[before], KEY), ["stuck"], "and not `done` again");
    lines.wait_for("bisector", 1).await;
    stack.idle().await;
    assert!(
        lines
            .batches("watcher")
            .iter()
            .skip(1)
            .all(|batch| each(batch, KEY) == ["stuck"])
    );
    assert_eq!(drain(&stack, "given-up").await.len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_streams_api_is_served() {
    let stack = start(&Lines::default(), Data::Ephemeral).await;
    put(&stack, "cut", "a", "").await;
    let call = async |operation: &str, input: Value| dynamodb(&stack, operation, input).await.json();
    let listed = call("Streams.ListStreams", json!({"TableName": "cut"})).await;
    let arn = listed["Streams"][0]["StreamArn"].clone();
    let described = call("Streams.DescribeStream", json!({"StreamArn": arn})).await;
    let shard = described["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let input = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = call("Streams.GetShardIterator", input).await["ShardIterator"].clone();
    let records = call("Streams.GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(records["Records"][0]["eventName"], "INSERT");
    stack.shutdown().await;
}

async fn send_message(stack: &Stack, body: Value, delay: u64) {
    let url = format!("{}/000000000000/deliveries", stack.aws_endpoint());
    let input = json!({"QueueUrl": url, "MessageBody": body.to_string(), "DelaySeconds": delay,
        "MessageAttributes": {"attempt": {"DataType": "Number", "StringValue": "1"}}});
    assert_eq!(sqs(stack, "SendMessage", input).await.status, 200);
}

#[tokio::test]
async fn a_message_hidden_during_its_batch_comes_back_then_and_is_moved_at_last() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    send_message(
        &stack,
        json!({"kind": "file.done", "do": "hide", "seconds": 1}),
        0,
    )
    .await;
    send_message(&stack, json!({"kind": "file.done"}), 0).await;
    send_message(&stack, json!({"kind": "other", "do": "fail"}), 0).await;
    let first = lines.wait_for("deliverer", 1).await;
    let begin = Instant::now();
    let record = &first[0]["Records"][0];
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(
        record["messageAttributes"]["attempt"],
        json!({"dataType": "Number", "stringValue": "1", "binaryValue": null,
            "stringListValues": [], "binaryListValues": []})
    );
    let is_hidden = |batch: &Value| batch["Records"][0]["body"].as_str().unwrap().contains("hide");
    let deadline = Instant::now() + Duration::from_secs(10);
    let again = loop {
        let hidden: Vec<Value> = lines.batches("deliverer").into_iter().filter(is_hidden).collect();
        if hidden.len() >= 3 {
            break hidden;
        }
        assert!(Instant::now() < deadline, "{hidden:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let took = begin.elapsed();
    assert!(
        took > Duration::from_millis(1900) && took < Duration::from_secs(5),
        "two times one second, not {took:?}"
    );
    let counts: Vec<&Value> = again
        .iter()
        .map(|batch| &batch["Records"][0]["attributes"]["ApproximateReceiveCount"])
        .collect();
    assert_eq!(counts, ["1", "2", "3"]);
    // Received three times: the next look moves it, once it is visible again.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let moved = drain(&stack, "undelivered").await;
    assert_eq!(moved, [json!({"kind": "file.done", "do": "hide", "seconds": 1})]);
    // What the filter does not let pass reached nobody and is gone, as is what was answered as done.
    let bodies: Vec<Value> = lines.batches("deliverer");
    assert!(bodies.iter().all(|batch| !batch.to_string().contains("other")));
    let url = format!("{}/000000000000/deliveries", stack.aws_endpoint());
    let left = sqs(
        &stack,
        "GetQueueAttributes",
        json!({"QueueUrl": url, "AttributeNames": ["All"]}),
    );
    let left = left.await.json();
    assert_eq!(left["Attributes"]["ApproximateNumberOfMessages"], "0");
    assert_eq!(left["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_delayed_message_comes_after_its_delay() {
    let lines = Lines::default();
    let stack = start(&lines, Data::Ephemeral).await;
    let begin = Instant::now();
    send_message(&stack, json!({"kind": "file.done"}), 1).await;
    lines.wait_for("deliverer", 1).await;
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(3),
        "{took:?}"
    );
    stack.shutdown().await;
}
