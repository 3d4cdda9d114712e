//! Who gets in: every kind of token on every route, over the real binary behind the real gateway's rules.

use api::OPERATIONS;
use local::{Signing, TokenTerms};
use tests::{Stage, csv};

/// What is wrong with a token, and what its bearer is answered.
fn tokens() -> [(&'static str, Option<TokenTerms>, u16); 9] {
    let good = || TokenTerms::for_owner("mallory");
    [
        ("none", None, 401),
        (
            "expired",
            Some(TokenTerms {
                expires_in_seconds: -1,
                ..good()
            }),
            401,
        ),
        (
            "wrong issuer",
            Some(TokenTerms {
                issuer: Some("https://elsewhere.example/".to_owned()),
                ..good()
            }),
            401,
        ),
        (
            "wrong audience",
            Some(TokenTerms {
                audience: Some("another-api".to_owned()),
                ..good()
            }),
            401,
        ),
        (
            "alg none",
            Some(TokenTerms {
                signing: Signing::None,
                ..good()
            }),
            401,
        ),
        (
            "broken signature",
            Some(TokenTerms {
                signing: Signing::Broken,
                ..good()
            }),
            401,
        ),
        (
            "no scope",
            Some(TokenTerms {
                scopes: Some(Vec::new()),
                ..good()
            }),
            403,
        ),
        // Filled in for each route: the scope that it does not ask for.
        ("other scope", Some(good()), 403),
        ("other owner", Some(good()), 404),
    ]
}

#[tokio::test]
async fn every_token_on_every_route() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    let before = stage.until("alice", &id, &["done"]).await;
    let (mut cells, mut routes) = (0, 0);
    for operation in OPERATIONS {
        let path = operation
            .path
            .replace("{id}", &id)
            .replace("{name}", "table.parquet");
        routes += 1;
        for (what, terms, mut expected) in tokens() {
            let terms = terms.map(|mut terms| {
                if what == "other scope" {
                    let other = match operation.scope.map(api::Scope::as_str) {
                        Some("files:read") => "files:write",
                        _ => "files:read",
                    };
                    terms.scopes = Some(vec![other.to_owned()]);
                }
                terms
            });
            if operation.scope.is_none() {
                expected = 200;
            } else if what == "other owner" && !operation.path.contains("{id}") {
                // There is nothing of another owner's to ask for.
                continue;
            }
            let method = operation.method.parse().unwrap();
            let mut request = stage
                .http
                .request(method, format!("{}{path}", stage.stack.api_url()));
            if let Some(terms) = &terms {
                request = request.bearer_auth(stage.stack.token_with(terms).unwrap());
            }
            if let Some(body) = &operation.body {
                request = request.json(&(body.example)());
            }
            let answer = request.send().await.unwrap();
            let context = format!("{} {path}, token: {what}", operation.method);
            assert_eq!(answer.status().as_u16(), expected, "{context}");
            if expected == 401 {
                let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
                assert!(challenge.starts_with("Bearer"), "{context}: {challenge}");
            }
            cells += 1;
        }
    }
    assert_eq!(
        stage.get("alice", &format!("/v1/files/{id}")).await,
        before,
        "and nothing happened to the file"
    );
    tests::tell(&format!(
        "access: {cells} cells, {} tokens on {routes} routes",
        tokens().len()
    ));
    assert!(cells > 100, "{cells}");
}

#[tokio::test]
async fn a_browser_application_may_call_the_api() {
    let stage = Stage::new().await;
    let url = format!("{}/v1/files/x", stage.stack.api_url());
    let preflight = stage
        .http
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "DELETE")
        .header(
            "access-control-request-headers",
            "authorization,idempotency-key,if-none-match",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(
        preflight.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("DELETE")
    );
    let token = stage
        .stack
        .token("alice", &[], std::time::Duration::from_mins(1))
        .unwrap();
    let answer = stage
        .http
        .get(format!("{}/v1/files", stage.stack.api_url()))
        .header("origin", "https://app.example")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    let exposed = answer.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    for name in [
        "etag",
        "location",
        "retry-after",
        "x-request-id",
        "idempotent-replayed",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
}
