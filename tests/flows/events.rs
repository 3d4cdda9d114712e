//! The events in `events/`, as `sam local invoke` would send them.

use serde_json::{Value, json};
use shared::store::Location;
use tests::{Stage, root};

fn event(name: &str) -> String {
    std::fs::read_to_string(root().join("events").join(name)).unwrap()
}

async fn invoke(stage: &Stage, function: &str, name: &str) -> Value {
    stage.invoke(function, event(name)).await.unwrap()
}

#[tokio::test]
async fn every_event_file_is_understood() {
    // Without the triggers, the events of the files are the only ones.
    let stage = Stage::quiet().await;
    let at = Location::new(stage.uploads(), "tables/you/harbour calls.csv");
    stage
        .put(
            &at,
            std::fs::read(root().join("events/harbour-calls.csv")).unwrap(),
        )
        .await;

    let test = invoke(&stage, "Tables", "s3-test.json").await;
    assert_eq!(test, json!({"acknowledged": "s3:TestEvent"}));
    let put = invoke(&stage, "Tables", "s3-put-csv.json").await;
    assert_eq!(
        (&put["files"][0]["outcome"], &put["files"][0]["owner"]),
        (&json!("done"), &json!("you")),
        "{put}"
    );
    assert_eq!(
        invoke(&stage, "Tables", "sqs-s3-put-csv.json").await,
        json!({"batchItemFailures": []})
    );
    let delete = invoke(&stage, "Tables", "s3-delete-csv.json").await;
    assert_eq!(delete["files"][0]["outcome"], "removed");

    let harbour = Location::new(stage.uploads(), "images/you/harbour.jpg");
    stage
        .put(
            &harbour,
            std::fs::read(root().join("events/harbour.jpg")).unwrap(),
        )
        .await;
    let put = invoke(&stage, "Images", "s3-put-jpeg.json").await;
    assert_eq!(put["files"][0]["outcome"], "done", "{put}");

    let inbox = Location::new(stage.uploads(), "inbox/you/harbour calls.csv");
    stage
        .put(
            &inbox,
            std::fs::read(root().join("events/harbour-calls.csv")).unwrap(),
        )
        .await;
    let sorted = invoke(&stage, "Intake", "s3-put-inbox.json").await;
    assert_eq!(sorted["files"][0]["outcome"], "handed-over", "{sorted}");
    for name in ["dynamodb-stream-done.json", "sqs-delivery.json"] {
        let answer = invoke(&stage, "Notify", name).await;
        assert_eq!(
            answer,
            json!({"batchItemFailures": []}),
            "{name}: nobody has an endpoint"
        );
    }

    for (name, status) in [
        ("api-healthz.json", 200),
        ("api-openapi.json", 200),
        ("api-create-upload.json", 201),
        ("api-create-webhook.json", 201),
        ("api-list-files.json", 200),
        ("api-stats.json", 200),
        ("api-get-file.json", 404),
        ("api-get-output.json", 404),
        ("api-get-image.json", 404),
        ("api-list-file-events.json", 404),
        ("api-reprocess-file.json", 404),
        ("api-delete-file.json", 404),
        ("api-sign-parts.json", 404),
    ] {
        let answer = invoke(&stage, "Api", name).await;
        assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    }
    let list: Value = serde_json::from_str(
        invoke(&stage, "Api", "api-list-files.json").await["body"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(list["files"].as_array().unwrap().len(), 4, "{list}");
}

#[tokio::test]
async fn what_is_no_event_is_an_error_that_says_so() {
    let stage = Stage::new().await;
    let answer = stage.invoke("Tables", r#"{"hello": "world"}"#).await.unwrap_err();
    assert!(
        answer["errorMessage"]
            .as_str()
            .unwrap()
            .contains("not an S3 notification, nor a queue's messages, nor a hand-over"),
        "{answer}"
    );
}
