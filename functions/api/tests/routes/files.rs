//! Files, what happened to them, their outputs, another attempt, deletion, counts.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::{Failure, catalogue::Outcome, store::Catalogue as _};

use crate::stage::{Api, claim, done, file, now, pass, request};

#[tokio::test]
async fn results_are_shown_once_the_file_is_done() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    let (path, output) = (
        format!("/v1/files/{id}"),
        format!("/v1/files/{id}/outputs/table.parquet"),
    );
    assert_eq!(api.get("alice", &output).await.problem(), "not-done");
    api.end("alice", &id, done()).await;
    let shown = api.get("alice", &path).await;
    assert_eq!(
        (&shown.body["status"], &shown.body["report"]["rows"]),
        (&json!("done"), &json!(2))
    );
    assert_eq!(shown.body["outputs"][0]["href"], output);
    let answer = api.get("alice", &output).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(
        answer.header("location"),
        "https://results/tables/alice/X/1/table.parquet?table.parquet"
    );
    assert_eq!(
        api.get("alice", &format!("{path}/outputs/other")).await.problem(),
        "not-found"
    );
}

#[tokio::test]
async fn small_json_is_inlined() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    api.end("alice", &id, done()).await;
    let output = |name: &str, query: &str| format!("/v1/files/{id}/outputs/{name}?{query}");
    for query in ["inline", "inline=true"] {
        let answer = api.get("alice", &output("profile.json", query)).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "application/json")
        );
        assert_eq!(answer.body["read"], "tables/alice/X/1/profile.json");
    }
    assert_eq!(
        api.get("alice", &output("profile.json", "inline=false"))
            .await
            .status,
        StatusCode::FOUND
    );
    for (name, query) in [
        ("table.parquet", "inline"),
        ("large.json", "inline"),
        ("profile.json", "inline=yes"),
        ("profile.json", "inline&inline"),
    ] {
        let answer = api.get("alice", &output(name, query)).await;
        assert_eq!(answer.body["errors"][0]["field"], "inline", "{name} {query}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_a_fault_of_ours_says_no_more_than_that() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    api.end(
        "alice",
        &id,
        Outcome::Failed(Failure::rejected("binary", "this is a PNG")),
    )
    .await;
    let body = api.get("alice", &format!("/v1/files/{id}")).await.body;
    assert_eq!(
        (&body["status"], &body["failure"]["message"]),
        (&json!("rejected"), &json!("this is a PNG"))
    );
    let id = api.announced("alice", "x.csv").await;
    api.end(
        "alice",
        &id,
        Outcome::Failed(Failure::internal("store", "s3://secret-bucket")),
    )
    .await;
    let body = api.get("alice", &format!("/v1/files/{id}")).await.body;
    assert_eq!(
        (&body["status"], &body["failure"]["code"]),
        (&json!("failed"), &json!("store"))
    );
    assert!(!body.to_string().contains("secret"), "{body}");
    let events = api.get("alice", &format!("/v1/files/{id}/events")).await.body;
    assert!(!events.to_string().contains("secret"), "{events}");
    let names: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].clone())
        .collect();
    assert_eq!(names, ["announced", "claimed", "failed"]);
    assert_eq!(
        (&events["events"][1]["attempt"], &events["events"][2]["detail"]),
        (&json!(1), &json!("store"))
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let api = Api::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, api.announced("alice", "x.csv").await);
        pass(Duration::from_millis(10));
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/files?limit=2".to_owned());
    loop {
        let answer = api.get("alice", &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let files = answer.body["files"].as_array().unwrap();
        seen.extend(files.iter().map(|file| file["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = answer.body["next_cursor"].as_str() else {
            break;
        };
        let stolen = api
            .get("mallory", &format!("/v1/files?limit=2&cursor={cursor}"))
            .await;
        assert_eq!(
            stolen.body["errors"][0]["field"], "cursor",
            "a cursor is its owner's"
        );
        let moved = api
            .get("alice", &format!("/v1/files?kind=tables&cursor={cursor}"))
            .await;
        assert_eq!(
            moved.body["errors"][0]["field"], "cursor",
            "a cursor is one question's"
        );
        path = format!("/v1/files?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids, "newest first, none twice, none left out");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=%2B1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=", "cursor"),
        ("cursor=_w", "cursor"),
        ("status=deleted", "status"),
        ("created_from=yesterday", "created_from"),
        ("colour=red", "colour"),
    ] {
        let answer = api.get("alice", &format!("/v1/files?{query}")).await;
        assert_eq!(answer.problem(), "invalid-request", "{query}");
        assert_eq!(answer.body["errors"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_list_is_filtered() {
    let api = Api::new();
    let mut ids = Vec::new();
    for name in ["a.csv", "ab.csv", "b.csv"] {
        ids.push(api.announced("alice", name).await);
        pass(Duration::from_mins(1));
    }
    api.end("alice", &ids[1], done()).await;
    for (query, expected) in [
        ("name_prefix=a", vec![1, 0]),
        ("name_prefix=a&status=done", vec![1]),
        ("status=pending&limit=1", vec![2]),
        ("kind=auto", vec![]),
        ("kind=tables&created_from=2026-11-21T05:01:00Z", vec![2, 1]),
        ("created_before=2026-11-21T05:02:00Z", vec![1, 0]),
        (
            "created_from=2026-11-21T05:01:00Z&created_before=2026-11-21T05:01:00.001Z",
            vec![1],
        ),
        ("created_from=2026-11-21T07:01:00%2B02:00", vec![2, 1]),
    ] {
        let answer = api.get("alice", &format!("/v1/files?{query}")).await;
        let seen: Vec<_> = answer.body["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["id"].clone())
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|index: usize| json!(ids[index]))
            .collect();
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    let path = format!("/v1/files/{id}");
    let etag = api.get("alice", &path).await.header("etag").to_owned();
    let known = async |etag: &str, query: &str| {
        let mut request = request(
            Some(("alice", "files:read")),
            "GET",
            &format!("{path}{query}"),
            &Value::Null,
        );
        request
            .headers_mut()
            .insert("if-none-match", etag.parse().unwrap());
        api.ask(request).await
    };
    let unchanged = known(&etag, "").await;
    assert_eq!(
        (unchanged.status, unchanged.header("etag")),
        (StatusCode::NOT_MODIFIED, etag.as_str())
    );
    assert_eq!(known("\"other\"", "").await.status, StatusCode::OK);
    api.end("alice", &id, done()).await;
    assert_eq!(known(&etag, "").await.body["status"], "done");
}

#[tokio::test]
async fn a_request_waits_for_a_change() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    let path = format!("/v1/files/{id}?wait=20");
    let began = now();
    assert_eq!(api.get("alice", &path).await.body["status"], "pending");
    assert_eq!(
        now().since(began),
        Duration::from_secs(20),
        "it waits no longer than asked"
    );
    api.outside
        .meanwhile
        .lock()
        .unwrap()
        .push((file("alice", &id), done()));
    let began = now();
    assert_eq!(api.get("alice", &path).await.body["status"], "done");
    assert!(now().since(began) < Duration::from_secs(1));
    let began = now();
    api.get("alice", &path).await;
    assert_eq!(now(), began, "what is over does not change");
    for wait in ["21", "-1", "1.5", ""] {
        let answer = api.get("alice", &format!("/v1/files/{id}?wait={wait}")).await;
        assert_eq!(answer.body["errors"][0]["field"], "wait");
    }
}

#[tokio::test]
async fn a_file_is_processed_again() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    let path = format!("/v1/files/{id}/reprocess");
    let again = async |body: Value| api.send("alice", "POST", &path, &body).await;
    assert_eq!(again(Value::Null).await.problem(), "not-uploaded");
    api.outside
        .catalogue
        .claim(&claim(&file("alice", &id)))
        .await
        .unwrap();
    assert_eq!(again(Value::Null).await.problem(), "at-work");
    pass(Duration::from_mins(2));
    let answer = again(json!({"options": {"tables": {"delimiter": ";"}}})).await;
    assert_eq!(
        answer.status,
        StatusCode::ACCEPTED,
        "an attempt that was lost does not block: {}",
        answer.body
    );
    assert_eq!(
        (
            &answer.body["file"]["status"],
            &answer.body["file"]["options"]["tables"]["delimiter"]
        ),
        (&json!("pending"), &json!(";"))
    );
    let seen = api.outside.invoke.seen.lock().unwrap().clone();
    assert_eq!(
        (
            seen[0].0.as_str(),
            seen[0].1.etag.as_str(),
            seen[0].1.id.to_string()
        ),
        ("x-tables", "e", id.clone())
    );
    assert_eq!(
        again(json!({"options": {"tables": {"x": 1}}})).await.body["errors"][0]["field"],
        "options.tables.x"
    );
    *api.outside.invoke.down.lock().unwrap() = true;
    let down = again(Value::Null).await;
    assert_eq!((down.problem(), down.header("retry-after")), ("unavailable", "1"));
    *api.outside.invoke.down.lock().unwrap() = false;
    assert_eq!(
        again(Value::Null).await.status,
        StatusCode::ACCEPTED,
        "asked again, it goes on"
    );
}

#[tokio::test]
async fn a_file_is_deleted_with_all_that_was_made_of_it() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    api.end("alice", &id, done()).await;
    let path = format!("/v1/files/{id}");
    *api.outside.storage.breaks.lock().unwrap() = true;
    assert_eq!(
        api.send("alice", "DELETE", &path, &Value::Null).await.problem(),
        "unavailable"
    );
    *api.outside.storage.breaks.lock().unwrap() = false;
    for _ in 0..2 {
        let answer = api.send("alice", "DELETE", &path, &Value::Null).await;
        assert_eq!(
            answer.status,
            StatusCode::NO_CONTENT,
            "asked again, it does what is left"
        );
    }
    let deleted = api.outside.storage.deleted.lock().unwrap().clone();
    assert!(deleted.contains(&format!("tables/alice/{id}/")), "{deleted:?}");
    for path in [
        &path,
        &format!("{path}/events"),
        &format!("{path}/outputs/table.parquet"),
    ] {
        assert_eq!(api.get("alice", path).await.problem(), "not-found");
    }
    assert_eq!(api.get("alice", "/v1/files").await.body["files"], json!([]));
    let again = api
        .send("alice", "POST", &format!("{path}/reprocess"), &Value::Null)
        .await;
    assert_eq!(again.problem(), "not-found");
}

#[tokio::test]
async fn files_are_counted() {
    let api = Api::new();
    for name in ["a", "b"] {
        let id = api.announced("alice", name).await;
        api.end("alice", &id, done()).await;
    }
    api.announce("alice", json!({"name": "c", "size_bytes": 7})).await;
    api.announced("bob", "x").await;
    let stats = api.get("alice", "/v1/stats?days=1").await.body;
    assert_eq!((&stats["files"], &stats["complete"]), (&json!(3), &json!(true)));
    assert_eq!(stats["by_status"], json!({"done": 2, "pending": 1}));
    assert_eq!(stats["by_kind"], json!({"auto": 1, "tables": 2}));
    assert_eq!(
        (&stats["bytes_in"], &stats["bytes_out"]),
        (&json!(17), &json!(2 * 5_000_019))
    );
    pass(Duration::from_hours(25));
    assert_eq!(api.get("alice", "/v1/stats?days=1").await.body["files"], 0);
    assert_eq!(api.get("alice", "/v1/stats?days=2").await.body["files"], 3);
    assert_eq!(
        api.get("alice", "/v1/stats?days=0").await.body["errors"][0]["field"],
        "days"
    );
}
