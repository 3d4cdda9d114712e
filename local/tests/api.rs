//! The HTTP front, over a real function: routes, payload format 2.0, tokens, CORS, limits.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod support;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode};
use local::{Signing, Stack, TokenTerms};
use serde_json::{Value, json};
use support::{Answer, send, start};

fn request(stack: &Stack, method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("{}{path}", stack.api_url()))
}

async fn get(stack: &Stack, path: &str, token: Option<&str>) -> Answer {
    let mut builder = request(stack, "GET", path);
    if let Some(token) = token {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    send(builder, "").await
}

#[tokio::test]
async fn requests_reach_the_function_as_events_and_answers_come_back() {
    let stack = start("api.yaml").await;
    let builder = request(&stack, "PUT", "/open/a%20b/c?x=1&x=2").header("content-type", "text/plain");
    let echoed = send(builder, "some text").await;
    assert_eq!(
        (echoed.status, echoed.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    assert!(!echoed.header("apigw-requestid").is_empty());
    let event = echoed.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /open/{proxy+}");
    assert_eq!(event["pathParameters"], json!({"proxy": "a b/c"}));
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2"}));
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["body"], "some text");

    let order = json!({"do": "respond", "with": {
        "statusCode": 418, "headers": {"x-tea": "green"}, "cookies": ["a=1", "b=2"],
        "body": "/w==", "isBase64Encoded": true,
    }});
    let builder = request(&stack, "POST", "/respond").header("content-type", "application/json");
    let answer = send(builder, order.to_string()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-tea"), &answer.body[..]),
        (418, "green", [255].as_slice())
    );
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    stack.shutdown().await;
}

#[tokio::test]
async fn failures_are_answered_as_by_api_gateway() {
    let stack = start("api.yaml").await;
    let order = |order: Value| (order.to_string(), "application/json");
    for (method, path, (body, content_type), status, message) in [
        ("GET", "/nowhere", order(json!({})), 404, "Not Found"),
        ("DELETE", "/admin", order(json!({})), 404, "Not Found"),
        (
            "POST",
            "/respond",
            order(json!({"do": "fail"})),
            500,
            "Internal Server Error",
        ),
        (
            "POST",
            "/respond",
            order(json!({"do": "exit"})),
            500,
            "Internal Server Error",
        ),
        (
            "POST",
            "/respond",
            order(json!({"do": "respond", "with": {"statusCode": "x"}})),
            500,
            "Internal Server Error",
        ),
        (
            "POST",
            "/slow",
            order(json!({"do": "sleep", "ms": 1500})),
            503,
            "Service Unavailable",
        ),
        (
            "POST",
            "/respond",
            ("x".repeat(10 * 1024 * 1024 + 1), "text/plain"),
            413,
            "Request Entity Too Large",
        ),
    ] {
        let answer = send(
            request(&stack, method, path).header("content-type", content_type),
            body,
        )
        .await;
        let expected = json!({"message": message});
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (status, expected),
            "{method} {path}"
        );
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn the_authorizer_takes_good_tokens_only() {
    let stack = start("api.yaml").await;
    let hour = Duration::from_hours(1);
    let good = stack.token("you", &[], hour).unwrap();
    let event = get(&stack, "/files/7", Some(&good)).await.json();
    let jwt = &event["requestContext"]["authorizer"]["jwt"];
    assert_eq!(
        (&jwt["claims"]["sub"], &jwt["scopes"]),
        (&json!("you"), &Value::Null)
    );
    assert!(jwt["claims"]["exp"].is_string(), "claims are texts");
    let bare = request(&stack, "GET", "/files/7").header("authorization", good.as_str());
    assert_eq!(
        send(bare, "").await.status,
        StatusCode::OK,
        "the scheme may be left out"
    );

    let now = jiff::Timestamp::now().as_second();
    let issuer = format!("{}/.local/issuer", stack.api_url());
    let claims = json!({"iss": issuer, "aud": "longshore-local", "sub": "you", "iat": now, "exp": now + 60});
    let with = |changes: Value| {
        let mut claims = claims.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        stack.issuer().sign(&claims).unwrap()
    };
    for changes in [
        json!({}),
        json!({"aud": ["other", "longshore-local"]}),
        json!({"aud": null, "client_id": "longshore-local"}),
        json!({"nbf": now - 1}),
    ] {
        assert_eq!(
            get(&stack, "/files/7", Some(&with(changes.clone()))).await.status,
            StatusCode::OK,
            "{changes}"
        );
    }

    let parts: Vec<&str> = good.split('.').collect();
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", encode(json!({"alg": "none", "typ": "JWT"})), parts[1]);
    let mac = format!(
        "{}.{}.{}",
        encode(json!({"alg": "HS256", "typ": "JWT"})),
        parts[1],
        parts[2]
    );
    let forged_claims =
        encode(json!({"iss": issuer, "aud": "longshore-local", "sub": "them", "exp": now + 60}));
    let forged = format!("{}.{forged_claims}.{}", parts[0], parts[2]);
    for (what, token) in [
        ("expired", with(json!({"exp": now - 1}))),
        ("never expires", with(json!({"exp": null}))),
        ("not yet", with(json!({"nbf": now + 60}))),
        ("issued in the future", with(json!({"iat": now + 60}))),
        ("wrong issuer", with(json!({"iss": "https://evil.example"}))),
        ("no issuer", with(json!({"iss": null}))),
        ("wrong audience", with(json!({"aud": "other"}))),
        ("no audience", with(json!({"aud": null}))),
        (
            "right client, wrong audience",
            with(json!({"aud": "other", "client_id": "longshore-local"})),
        ),
        ("alg none", unsigned),
        ("a MAC", mac),
        ("other claims under the signature", forged),
        ("no token", "nonsense".to_owned()),
    ] {
        let answer = get(&stack, "/files/7", Some(&token)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(answer.json(), json!({"message": "Unauthorized"}), "{what}");
        assert!(
            answer.header("www-authenticate").starts_with("Bearer scope="),
            "{what}"
        );
    }
    let none = get(&stack, "/files/7", None).await;
    assert_eq!(
        (none.status, none.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );

    stack.shutdown().await;
}

#[tokio::test]
async fn a_route_with_scopes_wants_one_of_them() {
    let stack = start("api.yaml").await;
    let hour = Duration::from_hours(1);
    let none = TokenTerms {
        scopes: Some(Vec::new()),
        ..TokenTerms::for_owner("you")
    };
    let none = stack.token_with(&none).unwrap();
    let all = stack.token("you", &[], hour).unwrap();
    assert_eq!(get(&stack, "/admin", Some(&all)).await.status, StatusCode::OK);
    let now = jiff::Timestamp::now().as_second();
    let issuer = format!("{}/.local/issuer", stack.api_url());
    let with = |name: &str, scopes: Value| {
        let mut claims = json!({"iss": issuer, "aud": "longshore-local", "sub": "you", "exp": now + 60});
        claims[name] = scopes;
        stack.issuer().sign(&claims).unwrap()
    };
    assert_eq!(
        get(&stack, "/admin", Some(&none)).await.status,
        StatusCode::FORBIDDEN
    );
    let other = with("scope", json!("files:read files:write"));
    let answer = get(&stack, "/admin", Some(&other)).await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::FORBIDDEN, json!({"message": "Forbidden"}))
    );
    let root = stack
        .token("you", &["files:root".to_owned(), "x".to_owned()], hour)
        .unwrap();
    let event = get(&stack, "/admin", Some(&root)).await.json();
    let scopes = &event["requestContext"]["authorizer"]["jwt"]["scopes"];
    assert_eq!(*scopes, json!(["files:admin", "files:root"]));
    let list = with("scp", json!(["files:admin"]));
    assert_eq!(get(&stack, "/admin", Some(&list)).await.status, StatusCode::OK);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_issuer_describes_itself() {
    let stack = start("api.yaml").await;
    let document = get(&stack, "/.local/issuer/.well-known/openid-configuration", None)
        .await
        .json();
    assert_eq!(document["issuer"], format!("{}/.local/issuer", stack.api_url()));
    let keys = document["jwks_uri"]
        .as_str()
        .unwrap()
        .strip_prefix(&stack.api_url())
        .unwrap()
        .to_owned();
    let keys = get(&stack, &keys, None).await.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["e"]),
        (&json!("RSA"), &json!("RS256"), &json!("AQAB"))
    );
    // What the document says is what tokens are signed with.
    let part = |name: &str| key[name].as_str().unwrap();
    let public = jsonwebtoken::DecodingKey::from_rsa_components(part("n"), part("e")).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&["longshore-local"]);
    let token = stack.token("you", &[], Duration::from_mins(1)).unwrap();
    let verified = jsonwebtoken::decode::<Value>(&token, &public, &validation).unwrap();
    assert_eq!(verified.claims["sub"], "you");
    let header = stack.token("you", &[], Duration::from_mins(1)).unwrap();
    let header = URL_SAFE_NO_PAD.decode(header.split('.').next().unwrap()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&header).unwrap()["kid"],
        key["kid"]
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_token_made_beside_the_stack_is_taken_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = support::options("api.yaml");
    let template = options.template.clone();
    let data = local::Data::Folder(folder.path().to_owned());
    let stack = Stack::start(local::Options { data, ..options }).await.unwrap();
    let port = stack.api_url().rsplit(':').next().unwrap().parse().unwrap();
    let parameters = std::collections::BTreeMap::new();
    let beside = local::Offline {
        template: &template,
        parameters: &parameters,
        folder: folder.path(),
        api_port: port,
    };
    let offline = |terms: &TokenTerms| beside.token(terms).unwrap();
    let good = TokenTerms::for_owner("them");
    let token = offline(&good);
    let event = get(&stack, "/files/7", Some(&token)).await.json();
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"],
        "them"
    );
    // Each of these is wrong in one way, made beside the stack or by it.
    for (what, terms) in [
        (
            "expired",
            TokenTerms {
                expires_in_seconds: -1,
                ..good.clone()
            },
        ),
        (
            "issuer",
            TokenTerms {
                issuer: Some("https://elsewhere".to_owned()),
                ..good.clone()
            },
        ),
        (
            "audience",
            TokenTerms {
                audience: Some("others".to_owned()),
                ..good.clone()
            },
        ),
        (
            "unsigned",
            TokenTerms {
                signing: Signing::None,
                ..good.clone()
            },
        ),
        (
            "changed",
            TokenTerms {
                signing: Signing::Broken,
                ..good.clone()
            },
        ),
    ] {
        for token in [offline(&terms), stack.token_with(&terms).unwrap()] {
            let answer = get(&stack, "/files/7", Some(&token)).await;
            assert_eq!(
                (answer.status, answer.json()),
                (StatusCode::UNAUTHORIZED, json!({"message": "Unauthorized"})),
                "{what}"
            );
        }
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn many_clients_wait_for_long_answers_without_keeping_others_out() {
    let stack = start("api.yaml").await;
    let order = |ms: u64| json!({"do": "sleep", "ms": ms}).to_string();
    let post = || request(&stack, "POST", "/respond").header("content-type", "application/json");
    // More than the processes that are started at once, so long that nobody waits for two rounds of them.
    let long = futures::future::join_all((0..20).map(|_| send(post(), order(1500))));
    let begin = Instant::now();
    let (long, short) = tokio::join!(long, async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let begin = Instant::now();
        let answer = send(post(), order(0)).await;
        (answer.status, begin.elapsed())
    });
    assert!(long.iter().all(|answer| answer.status == StatusCode::OK));
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(2900), "one round, not {took:?}");
    assert_eq!(short.0, StatusCode::OK);
    assert!(short.1 < Duration::from_millis(700), "{:?}", short.1);
    assert!(stack.pids("web").len() >= 20);
    stack.shutdown().await;
}

#[tokio::test]
async fn many_short_requests_share_a_few_processes_and_clients_that_leave_hold_none() {
    let stack = start("api.yaml").await;
    let post = || request(&stack, "POST", "/respond").header("content-type", "application/json");
    for _ in 0..4 {
        let answers = futures::future::join_all((0..25).map(|_| send(post(), r#"{"do":"echo"}"#))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    }
    let shared = stack.pids("web").len();
    assert!(shared <= 25, "{shared} processes for 25 clients");
    let order = r#"{"do":"sleep","ms":300}"#;
    let left = futures::future::join_all(
        (0..10).map(|_| tokio::time::timeout(Duration::from_millis(50), send(post(), order))),
    );
    assert!(left.await.iter().all(Result::is_err));
    tokio::time::timeout(Duration::from_secs(10), stack.idle())
        .await
        .unwrap();
    stack.shutdown().await;
}

#[tokio::test]
async fn the_gateway_answers_cors_itself() {
    let stack = start("api.yaml").await;
    let preflight = |origin: &str, method: &str, headers: &str| {
        request(&stack, "OPTIONS", "/files/7")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers)
    };
    let allowed = send(preflight("https://app.example", "GET", "Authorization"), "").await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT);
    for (name, expected) in [
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(allowed.header(name), expected, "{name}");
    }
    for refused in [
        preflight("https://evil.example", "GET", "authorization"),
        preflight("https://app.example", "DELETE", "authorization"),
        preflight("https://app.example", "GET", "x-own"),
    ] {
        let answer = send(refused, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let order = json!({"do": "respond", "with": {"statusCode": 200, "headers": {"access-control-allow-origin": "*"}}});
    for (origin, expected) in [
        ("https://app.example", "https://app.example"),
        ("https://evil.example", ""),
    ] {
        let builder = request(&stack, "POST", "/respond").header("content-type", "application/json");
        let answer = send(builder.header("origin", origin), order.to_string()).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            expected,
            "what the function says is replaced"
        );
    }
    // Errors of the gateway carry the headers too, or no page could read them.
    let unauthorized = send(
        request(&stack, "GET", "/files/7").header("origin", "https://app.example"),
        "",
    )
    .await;
    assert_eq!(unauthorized.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unauthorized.header("access-control-expose-headers"), "location");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_said_by_its_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = local::Options {
        api_port: port,
        ..support::options("api.yaml")
    };
    let Err(error) = Stack::start(options).await else {
        panic!("two servers on one port")
    };
    let message = format!("{error:#}");
    assert!(
        message.contains(&port.to_string()) && message.contains("--api-port"),
        "{message}"
    );
}
