//! What a client of the API may rely on, over stores in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

use std::{collections::BTreeMap, time::Duration};

use api::{App, Caller, Presign, PresignedUpload, ROUTES, router};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::{
    Failure,
    catalogue::{Claim, Claimed, Outcome, Output, Sequencer, Upload},
    keys::{FileRef, Owner},
    store::{Catalogue, Location, StoreError, memory::MemoryCatalogue},
    time::UnixMillis,
};
use tower::ServiceExt as _;

/// Signs nothing, and says what it was asked to sign.
struct Echo;

impl Presign for Echo {
    async fn upload(
        &self,
        at: &Location,
        size_bytes: u64,
        content_type: &str,
        expiry: Duration,
    ) -> Result<PresignedUpload, StoreError> {
        let headers = BTreeMap::from([
            ("content-length".to_owned(), size_bytes.to_string()),
            ("content-type".to_owned(), content_type.to_owned()),
        ]);
        Ok(PresignedUpload {
            method: "PUT".into(),
            url: format!("{at}?{}", expiry.as_secs()),
            headers,
        })
    }

    async fn download(&self, at: &Location, file_name: &str, _: Duration) -> Result<String, StoreError> {
        Ok(format!("https://results/{}?{file_name}", at.key))
    }
}

const NOW: UnixMillis = UnixMillis::new(1_795_237_200_000);

struct Api {
    router: Router,
    catalogue: MemoryCatalogue,
}

impl Api {
    fn new() -> Self {
        let catalogue = MemoryCatalogue::default();
        let router = router(App {
            catalogue: catalogue.clone(),
            presigner: Echo,
            kinds: "tables=1000".parse().unwrap(),
            uploads_bucket: "uploads".into(),
            results_bucket: "results".into(),
            upload_expiry: Duration::from_mins(15),
            now: || NOW,
        });
        Self { router, catalogue }
    }

    async fn send(
        &self,
        owner: Option<&str>,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.to_owned()))
            .unwrap();
        if let Some(owner) = owner {
            request.extensions_mut().insert(Caller {
                owner: Owner::new(owner).unwrap(),
            });
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if !status.is_success() && !status.is_redirection() {
            assert_eq!(headers["content-type"], "application/problem+json", "{body}");
            assert_eq!(body["status"], status.as_u16(), "{body}");
            assert!(body["type"].is_string() && body["title"].is_string(), "{body}");
        }
        let location = headers
            .get("location")
            .map(|location| location.to_str().unwrap().to_owned());
        (status, body, location.unwrap_or_default())
    }

    async fn get(&self, owner: &str, path: &str) -> (StatusCode, Value, String) {
        self.send(Some(owner), "GET", path, "").await
    }

    async fn announce(&self, owner: &str, name: &str) -> String {
        let body = json!({"name": name, "kind": "tables", "size_bytes": 5, "content_type": "text/csv"});
        let (status, body, location) = self
            .send(Some(owner), "POST", "/v1/uploads", &body.to_string())
            .await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let id = body["file"]["id"].as_str().unwrap().to_owned();
        assert_eq!(location, format!("/v1/files/{id}"));
        id
    }

    async fn end(&self, owner: &str, id: &str, outcome: Outcome) {
        let file = FileRef {
            owner: Owner::new(owner).unwrap(),
            id: id.parse().unwrap(),
        };
        let claim = Claim {
            key: format!("tables/{file}/x.csv"),
            file,
            kind: "tables".into(),
            name: "x.csv".into(),
            bucket: "uploads".into(),
            upload: Upload {
                size_bytes: 5,
                etag: "e".into(),
                sequencer: Sequencer::new("01"),
            },
            processor_version: 1,
            holder: "r".into(),
            now: NOW,
            lease_until: NOW.after(Duration::from_mins(1)),
        };
        let Claimed::Granted(attempt) = self.catalogue.claim(&claim).await.unwrap() else {
            panic!("not granted")
        };
        self.catalogue.commit(&attempt, &outcome, NOW).await.unwrap();
    }
}

fn done() -> Outcome {
    let output = Output {
        name: "table.parquet".into(),
        key: "tables/alice/X/1/table.parquet".into(),
        size_bytes: 9,
        content_type: "application/vnd.apache.parquet".into(),
    };
    Outcome::Done {
        outputs: vec![output],
        report: json!({"rows": 2}),
    }
}

#[tokio::test]
async fn an_upload_is_announced_signed_and_listed() {
    let api = Api::new();
    let body = json!({"name": "ü.csv", "kind": "tables", "size_bytes": 1000, "content_type": "text/csv"});
    let (status, body, _) = api
        .send(Some("alice"), "POST", "/v1/uploads", &body.to_string())
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let id = body["file"]["id"].as_str().unwrap();
    assert_eq!(
        body["upload"]["url"],
        format!("s3://uploads/tables/alice/~{id}/ü.csv?900")
    );
    assert_eq!(
        body["upload"]["headers"],
        json!({"content-length": "1000", "content-type": "text/csv"})
    );
    assert_eq!(body["upload"]["expires_at"], "2026-11-21T05:15:00.000Z");
    let (_, file, _) = api.get("alice", &format!("/v1/files/{id}")).await;
    assert_eq!(file, body["file"]);
    assert_eq!(
        (&file["status"], &file["size_bytes"]),
        (&json!("pending"), &json!(1000))
    );
    let (_, list, _) = api.get("alice", "/v1/files").await;
    assert_eq!(list, json!({"files": [file], "next_cursor": null}));
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_named() {
    let api = Api::new();
    let good = json!({"name": "a.csv", "kind": "tables", "size_bytes": 5});
    for (field, value, status, named) in [
        ("name", json!("a/b.csv"), 400, "name"),
        ("name", json!(""), 400, "name"),
        ("name", json!(7), 400, "invalid type"),
        ("kind", json!("movies"), 400, "kind"),
        (
            "content_type",
            json!("text/csv\r\nx-evil: 1"),
            400,
            "content_type",
        ),
        ("size_bytes", json!(1001), 413, "1001"),
        ("size_bytes", json!(-1), 400, "-1"),
        ("sizebytes", json!(1), 400, "sizebytes"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (actual, answer, _) = api
            .send(Some("alice"), "POST", "/v1/uploads", &body.to_string())
            .await;
        assert_eq!(actual.as_u16(), status, "{body} {answer}");
        assert!(
            answer.to_string().contains(named),
            "{body}: {answer} names {named}"
        );
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        &format!("{{\"name\": \"{}\"}}", "x".repeat(70_000)),
    ] {
        let (status, _, _) = api.send(Some("alice"), "POST", "/v1/uploads", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body:.20}");
    }
    assert_eq!(
        api.get("alice", "/v1/files").await.1["files"],
        json!([]),
        "nothing was catalogued"
    );
}

#[tokio::test]
async fn results_are_shown_once_the_file_is_done() {
    let api = Api::new();
    let id = api.announce("alice", "x.csv").await;
    let (file, output) = (
        format!("/v1/files/{id}"),
        format!("/v1/files/{id}/outputs/table.parquet"),
    );
    assert_eq!(api.get("alice", &output).await.0, StatusCode::CONFLICT);
    api.end("alice", &id, done()).await;
    let (_, body, _) = api.get("alice", &file).await;
    assert_eq!(
        (&body["status"], &body["report"]["rows"]),
        (&json!("done"), &json!(2))
    );
    assert_eq!(body["outputs"][0]["href"], output);
    let (status, _, location) = api.get("alice", &output).await;
    assert_eq!(status, StatusCode::FOUND);
    assert_eq!(
        location,
        "https://results/tables/alice/X/1/table.parquet?table.parquet"
    );
    assert_eq!(
        api.get("alice", &format!("{file}/outputs/other")).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_refusal_says_why_and_a_fault_of_ours_says_no_more_than_that() {
    let api = Api::new();
    let id = api.announce("alice", "x.csv").await;
    api.end(
        "alice",
        &id,
        Outcome::Failed(Failure::rejected("binary", "this is a PNG")),
    )
    .await;
    let (_, body, _) = api.get("alice", &format!("/v1/files/{id}")).await;
    assert_eq!(
        (&body["status"], &body["failure"]["message"]),
        (&json!("rejected"), &json!("this is a PNG"))
    );
    let id = api.announce("alice", "x.csv").await;
    api.end(
        "alice",
        &id,
        Outcome::Failed(Failure::internal("store", "s3://secret-bucket")),
    )
    .await;
    let (_, body, _) = api.get("alice", &format!("/v1/files/{id}")).await;
    assert_eq!(
        (&body["status"], &body["failure"]["code"]),
        (&json!("failed"), &json!("store"))
    );
    assert!(!body.to_string().contains("secret"), "{body}");
}

#[tokio::test]
async fn another_owners_file_does_not_exist() {
    let api = Api::new();
    let id = api.announce("alice", "x.csv").await;
    api.end("alice", &id, done()).await;
    for path in [
        format!("/v1/files/{id}"),
        format!("/v1/files/{id}/outputs/table.parquet"),
    ] {
        let (status, theirs, _) = api.get("mallory", &path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        let nobodys = path.replace(&id, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(
            theirs,
            api.get("mallory", &nobodys).await.1,
            "the same answer as for a file that nobody has"
        );
    }
    assert_eq!(api.get("mallory", "/v1/files").await.1["files"], json!([]));
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let api = Api::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(api.announce("alice", "x.csv").await);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/files?limit=2".to_owned());
    loop {
        let (status, body, _) = api.get("alice", &path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        seen.extend(
            body["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| file["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/files?limit=2&cursor={cursor}");
    }
    ids.sort();
    seen.sort();
    assert_eq!(seen, ids);
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "cursor=%20",
        "cursor=",
        "cursor=_w",
        "colour=red",
    ] {
        let (status, body, _) = api.get("alice", &format!("/v1/files?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {body}");
    }
}

#[tokio::test]
async fn every_route_but_healthz_wants_a_caller() {
    let api = Api::new();
    for (method, route) in ROUTES {
        let path = route
            .replace("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
            .replace("{name}", "x");
        let (status, body, _) = api.send(None, method, &path, "{}").await;
        let expected = if route == "/healthz" {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(status, expected, "{method} {route}: {body}");
        assert_eq!(
            api.send(None, "PATCH", &path, "").await.0,
            StatusCode::METHOD_NOT_ALLOWED
        );
    }
    assert_eq!(api.get("alice", "/v2").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn naughty_ids_and_names_are_just_not_found() {
    let api = Api::new();
    for id in [
        "..",
        "%2e%2e",
        "%00",
        "%F0%9F%9A%A2",
        "a".repeat(4000).as_str(),
        "01arz3ndektsv4rrffq69g5fav",
        "' OR 1=1",
    ] {
        let path = format!("/v1/files/{}", id.replace(' ', "%20").replace('\'', "%27"));
        assert_eq!(api.get("alice", &path).await.0, StatusCode::NOT_FOUND, "{id:.40}");
    }
    // A path that is not UTF-8 names nothing either.
    assert!(api.get("alice", "/v1/files/%ff").await.0.is_client_error());
}
