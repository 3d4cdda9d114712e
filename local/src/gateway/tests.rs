//! The shapes of events and responses; the flow is in `tests/api.rs`, over a real function.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::event::{self, RequestFacts};
use super::response;
use crate::template::{HttpApi, Route};

fn route() -> Route {
    Route {
        api: "api".to_owned(),
        method: "POST".to_owned(),
        path: "/files/{id}".to_owned(),
        function: "f".to_owned(),
        authorizer: None,
        scopes: None,
        integration_timeout: Duration::from_secs(30),
    }
}

fn build(request: http::request::Builder, body: &'static [u8]) -> Value {
    let api = HttpApi {
        logical_id: "Api".to_owned(),
        id: "api".to_owned(),
        stage: "$default".to_owned(),
        cors: None,
        authorizers: BTreeMap::new(),
        default_authorizer: None,
        routes: Vec::new(),
    };
    let (parts, ()) = request.body(()).unwrap().into_parts();
    event::build(&RequestFacts {
        api: &api,
        route: &route(),
        parts: &parts,
        body: &Bytes::from_static(body),
        parameters: &BTreeMap::from([("id".to_owned(), "a b".to_owned())]),
        jwt: Some(&json!({"claims": {"sub": "you"}, "scopes": null})),
        request_id: "R",
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        time: "2020-03-12T19:03:58.390Z".parse().unwrap(),
    })
}

#[test]
fn the_event_is_payload_format_2() {
    let request = Request::builder()
        .method("POST")
        .uri("/files/a%20b?parameter1=value1&parameter1=value2&p2=a%26b+c")
        .header("host", "127.0.0.1:3000")
        .header("X-Many", "one")
        .header("x-many", "two")
        .header("cookie", "cookie1=1; cookie2=2")
        .header("user-agent", "agent")
        .header("content-type", "application/json; charset=utf-8");
    assert_eq!(
        build(request, b"{\"a\":1}"),
        json!({
            "version": "2.0",
            "routeKey": "POST /files/{id}",
            "rawPath": "/files/a b",
            "rawQueryString": "parameter1=value1&parameter1=value2&p2=a%26b+c",
            "cookies": ["cookie1=1", "cookie2=2"],
            "headers": {
                "host": "127.0.0.1:3000", "x-many": "one,two", "user-agent": "agent",
                "content-type": "application/json; charset=utf-8", "content-length": "7",
                "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "3000", "x-forwarded-proto": "http"
            },
            "queryStringParameters": {"parameter1": "value1,value2", "p2": "a&b c"},
            "requestContext": {
                "accountId": "000000000000", "apiId": "api",
                "authorizer": {"jwt": {"claims": {"sub": "you"}, "scopes": null}},
                "domainName": "127.0.0.1:3000", "domainPrefix": "127",
                "http": {"method": "POST", "path": "/files/a b", "protocol": "HTTP/1.1",
                         "sourceIp": "127.0.0.1", "userAgent": "agent"},
                "requestId": "R", "routeKey": "POST /files/{id}", "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_584_039_838_390_i64
            },
            "body": "{\"a\":1}",
            "pathParameters": {"id": "a b"},
            "isBase64Encoded": false
        })
    );
}

#[test]
fn bodies_that_are_no_text_are_encoded() {
    for (content_type, body, expected, encoded) in [
        ("application/octet-stream", b"ab".as_slice(), "YWI=", true),
        ("application/x-www-form-urlencoded", b"a=b", "YT1i", true),
        ("text/csv", b"a,b", "a,b", false),
        ("application/problem+json", b"{}", "{}", false),
        ("text/plain", b"\xff\xfe", "//4=", true),
    ] {
        let event = build(
            Request::builder()
                .uri("/files/x")
                .header("content-type", content_type),
            body,
        );
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(expected), &json!(encoded)),
            "{content_type}"
        );
    }
    let empty = build(Request::builder().uri("/files/x"), b"");
    assert!(empty.get("body").is_none() && empty.get("cookies").is_none());
    assert!(empty.get("queryStringParameters").is_none());
}

#[test]
fn answers_become_responses() {
    let map = |value: Value| response::map(&Bytes::from(value.to_string()));
    let structured = map(json!({
        "statusCode": 201, "headers": {"Content-Type": "image/png", "x-n": 5, "content-length": "999"},
        "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true
    }))
    .unwrap();
    assert_eq!(structured.status(), 201);
    assert_eq!(structured.headers()["content-type"], "image/png");
    assert_eq!(structured.headers()["x-n"], "5");
    assert!(!structured.headers().contains_key("content-length"));
    let cookies: Vec<_> = structured.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    let bare = map(json!({"message": "hi"})).unwrap();
    assert_eq!(
        (bare.status().as_u16(), &bare.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert_eq!(map(json!({"statusCode": 204})).unwrap().status(), 204);
    assert_eq!(
        map(json!({"statusCode": "302", "headers": {"location": "/"}}))
            .unwrap()
            .headers()["location"],
        "/"
    );
    for bad in [
        json!({"statusCode": 99}),
        json!({"statusCode": "many"}),
        json!({"statusCode": 200, "body": {"a": 1}}),
        json!({"statusCode": 200, "body": "not base64!", "isBase64Encoded": true}),
    ] {
        assert!(map(bad.clone()).is_none(), "{bad}");
    }
    assert!(response::map(&Bytes::from_static(b"not json")).is_none());
}
