//! What holds on every route.

use api::{OPERATIONS, PROBLEMS};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Api, done, request};

fn path_of(path: &str, id: &str) -> String {
    path.replace("{id}", id).replace("{name}", "table.parquet")
}

fn body_of(operation: &api::Operation) -> Value {
    operation
        .body
        .as_ref()
        .map_or(Value::Null, |body| (body.example)())
}

#[tokio::test]
async fn a_caller_and_their_scope_are_asked_for() {
    let api = Api::new();
    for operation in OPERATIONS {
        let path = path_of(operation.path, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let context = format!("{} {path}", operation.method);
        let body = body_of(operation);
        let bare = api.ask(request(None, operation.method, &path, &body)).await;
        let Some(scope) = operation.scope else {
            assert_eq!(bare.status, StatusCode::OK, "{context}");
            continue;
        };
        assert_eq!(bare.problem(), "unauthorized", "{context}");
        let other = if scope.as_str() == "files:read" {
            "files:write"
        } else {
            "files:read"
        };
        for scopes in ["", "openid", other] {
            let answer = api
                .ask(request(Some(("alice", scopes)), operation.method, &path, &body))
                .await;
            assert_eq!(answer.problem(), "missing-scope", "{context} {scopes}");
        }
        let granted = api
            .ask(request(
                Some(("alice", scope.as_str())),
                operation.method,
                &path,
                &body,
            ))
            .await;
        assert!(
            !["unauthorized", "missing-scope"].contains(&granted.problem()),
            "{context}"
        );
    }
}

#[tokio::test]
async fn another_owners_file_does_not_exist() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    api.end("alice", &id, done()).await;
    let mut routes = 0;
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.path.contains("{id}"))
    {
        let body = body_of(operation);
        let ask = async |id: &str| {
            let path = path_of(operation.path, id);
            let mut answer = api.send("mallory", operation.method, &path, &body).await;
            answer.body["detail"].take();
            (answer.status, answer.body)
        };
        let theirs = ask(&id).await;
        assert_eq!(
            theirs.0,
            StatusCode::NOT_FOUND,
            "{} {}",
            operation.method,
            operation.path
        );
        assert_eq!(
            theirs,
            ask("01ARZ3NDEKTSV4RRFFQ69G5FAV").await,
            "the same answer as for a file that nobody has"
        );
        routes += 1;
    }
    assert!(routes >= 8, "{routes}");
    assert_eq!(api.get("mallory", "/v1/files").await.body["files"], json!([]));
    assert_eq!(api.get("mallory", "/v1/stats").await.body["files"], 0);
    assert_eq!(
        api.get("alice", &format!("/v1/files/{id}")).await.body["status"],
        "done",
        "and nothing happened to it"
    );
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    for operation in OPERATIONS {
        let path = path_of(operation.path, &id) + "?colour=red";
        let answer = api
            .send("alice", operation.method, &path, &body_of(operation))
            .await;
        assert_eq!(
            answer.body["errors"][0]["field"], "colour",
            "{} {path}: {}",
            operation.method, answer.body
        );
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_by_name() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    for operation in OPERATIONS.iter().filter(|operation| operation.body.is_some()) {
        let mut body = body_of(operation);
        body["colour"] = json!("red");
        let answer = api
            .send("alice", operation.method, &path_of(operation.path, &id), &body)
            .await;
        assert_eq!(
            answer.body["errors"][0]["field"], "colour",
            "{}: {}",
            operation.path, answer.body
        );
    }
}

#[tokio::test]
async fn a_route_has_its_methods_and_no_other() {
    let api = Api::new();
    for operation in OPERATIONS {
        let path = path_of(operation.path, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let answer = api.send("alice", "PATCH", &path, &Value::Null).await;
        assert_eq!(answer.problem(), "method-not-allowed", "{path}");
    }
    assert_eq!(api.get("alice", "/v2").await.problem(), "not-found");
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
        assert_eq!(api.get("alice", &path).await.problem(), "not-found", "{id:.40}");
    }
    // A path that is not UTF-8 names nothing either.
    assert_eq!(api.get("alice", "/v1/files/%ff").await.problem(), "not-found");
    assert_eq!(
        api.get("alice", "/v1/files/%ff/outputs/x").await.problem(),
        "not-found"
    );
}

#[tokio::test]
async fn the_description_describes_each_operation() {
    let api = Api::new();
    let document = api.get("alice", "/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    for operation in OPERATIONS {
        let described = &document["paths"][operation.path][operation.method.to_lowercase()];
        assert_eq!(described["operationId"], operation.id);
    }
}

#[test]
fn every_problem_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    let text = std::fs::read_to_string(path).unwrap();
    for problem in PROBLEMS {
        let row = format!("| `{}{}` | {} |", api::TYPE_PREFIX, problem.name, problem.status);
        assert!(text.contains(&row), "docs/errors.md lacks: {row}");
    }
    let documented = text.matches(&format!("| `{}", api::TYPE_PREFIX)).count();
    assert_eq!(
        documented,
        PROBLEMS.len(),
        "docs/errors.md lists a problem that there is not"
    );
}
