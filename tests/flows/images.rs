//! Pictures: from the upload to the renditions, and renditions on request.

use bytes::Bytes;
use serde_json::{Value, json};
use shared::store::Location;
use tests::{Stage, root};

fn harbour() -> Bytes {
    std::fs::read(root().join("events/harbour.jpg")).unwrap().into()
}

/// The address that the API hands out for a rendition.
async fn address(stage: &Stage, owner: &str, id: &str, query: &str) -> String {
    let answer = stage
        .api(owner, "GET", &format!("/v1/files/{id}/image{query}"), None)
        .await;
    assert_eq!(answer.status(), 302, "{query}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn fetch(stage: &Stage, address: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = stage.http.get(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_picture_becomes_renditions_and_a_manifest() {
    let stage = Stage::new().await;
    let announcement = json!({"name": "harbour.jpg", "kind": "images", "size_bytes": harbour().len(),
        "options": {"images": {"renditions": [
            {"width": 320}, {"width": 100, "height": 100, "fit": "cover", "focus": "attention", "format": "jpeg"}]}}});
    let (id, upload) = stage.announce_as("alice", announcement).await;
    stage.send_upload(&upload, harbour()).await;
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(file["status"], "done", "{file}");
    let manifest: Value = serde_json::from_slice(&stage.output("alice", &id, "manifest.json").await).unwrap();
    // The camera held it on its side.
    assert_eq!(
        (&manifest["source"]["width"], &manifest["source"]["height"]),
        (&json!(480), &json!(640)),
        "{manifest}"
    );
    assert_eq!(manifest["source"]["model"], "Harbour 1", "{manifest}");
    assert!(
        !manifest.to_string().contains("53.5"),
        "where it was taken was not asked for"
    );
    for rendition in manifest["renditions"].as_array().unwrap() {
        let bytes = stage
            .output("alice", &id, rendition["name"].as_str().unwrap())
            .await;
        assert_eq!(rendition["sha256"], tests::sha256_of(&bytes), "{rendition}");
    }
    let rendition = stage.output("alice", &id, "320.webp").await;
    assert!(rendition.starts_with(b"RIFF") && rendition.get(8..12) == Some(b"WEBP"));
}

#[tokio::test]
async fn a_picture_that_nobody_announced_is_sorted_and_has_the_default_renditions() {
    let stage = Stage::new().await;
    let id = stage.upload_auto("alice", "what is this", harbour()).await;
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(
        (&file["status"], &file["kind"]),
        (&json!("done"), &json!("images")),
        "{file}"
    );
    // Never enlarged: of the three widths, what is wider than the picture is as wide as it.
    let names: Vec<_> = file["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| output["name"].clone())
        .collect();
    assert!(
        names.contains(&json!("320.webp")) && names.contains(&json!("320.jpg")),
        "{names:?}"
    );
}

#[tokio::test]
async fn options_stand_in_an_objects_metadata_or_in_the_stack() {
    let stage = Stage::with(&[(
        "IMAGES_SPEC: !Ref ImagesSpec",
        "IMAGES_SPEC: '{\"widths\": [48]}'",
    )])
    .await;
    let at = Location::new(stage.uploads(), "images/bob/a.jpg");
    stage.put(&at, harbour()).await;
    let body = aws_sdk_s3::primitives::ByteStream::from(harbour());
    let put = stage
        .s3
        .put_object()
        .bucket(stage.uploads())
        .key("images/bob/b.jpg")
        .body(body);
    put.metadata("longshore-widths", "40")
        .metadata("longshore-formats", "png")
        .send()
        .await
        .unwrap();
    stage.stack.idle().await;
    let list = stage.get("bob", "/v1/files").await;
    let names = |name: &str| {
        let file = list["files"]
            .as_array()
            .unwrap()
            .iter()
            .find(|file| file["name"] == name)
            .unwrap()
            .clone();
        let outputs = file["outputs"].as_array().unwrap_or_else(|| panic!("{file}"));
        let mut names: Vec<_> = outputs
            .iter()
            .map(|output| output["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("a.jpg"), ["48.jpg", "48.webp", "manifest.json"]);
    assert_eq!(names("b.jpg"), ["40.png", "manifest.json"]);
}

#[tokio::test]
async fn what_is_no_picture_is_rejected_with_its_reason() {
    let stage = Stage::new().await;
    let cut: Bytes = harbour().slice(..9_000);
    for (name, body, code) in [
        ("cut.jpg", cut, ""),
        (
            "photo.heic",
            Bytes::from_static(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
            "format-not-taken",
        ),
        ("empty.png", Bytes::new(), ""),
    ] {
        stage
            .put(
                &Location::new(stage.uploads(), format!("images/eve/{name}")),
                body,
            )
            .await;
        stage.stack.idle().await;
        let list = stage.get("eve", &format!("/v1/files?name_prefix={name}")).await;
        let file = &list["files"][0];
        assert_eq!(file["status"], "rejected", "{name}: {list}");
        let said = file["failure"]["code"].as_str().unwrap();
        assert!(said.contains(code), "{name}: {file}");
    }
}

#[tokio::test]
async fn a_rendition_is_made_when_it_is_asked_for() {
    let stage = Stage::new().await;
    let id = stage.upload_auto("alice", "harbour.jpg", harbour()).await;
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(file["status"], "done", "{file}");
    let kept = stage.result_keys().await.len();

    let url = address(&stage, "alice", &id, "?w=200&h=100&fit=cover&blur=1").await;
    let answer = fetch(&stage, &url, &[("accept", "image/avif,image/webp,*/*")]).await;
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "image/webp");
    assert_eq!(headers["vary"], "accept");
    assert!(
        headers["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("public, max-age=")
    );
    let bytes = answer.bytes().await.unwrap();
    assert!(bytes.starts_with(b"RIFF"));
    assert_eq!(stage.result_keys().await.len(), kept + 1, "it is kept");

    // The second time it comes out of the bucket, and for who has it, not at all.
    let again = fetch(&stage, &url, &[("accept", "image/webp")]).await;
    assert_eq!(again.headers()["etag"], headers["etag"]);
    assert_eq!(again.bytes().await.unwrap(), bytes);
    assert_eq!(stage.result_keys().await.len(), kept + 1);
    let etag = headers["etag"].to_str().unwrap();
    let known = fetch(&stage, &url, &[("accept", "image/webp"), ("if-none-match", etag)]).await;
    assert_eq!(known.status(), 304);
    assert!(known.bytes().await.unwrap().is_empty());

    let jpeg = fetch(&stage, &url, &[]).await;
    assert_eq!(jpeg.headers()["content-type"], "image/jpeg");
    assert_ne!(jpeg.headers()["etag"], headers["etag"]);

    // With the file goes what was made of it.
    assert_eq!(
        stage
            .api("alice", "DELETE", &format!("/v1/files/{id}"), None)
            .await
            .status(),
        204
    );
    assert!(stage.result_keys().await.is_empty());
    assert_eq!(fetch(&stage, &url, &[]).await.status(), 404);
}

#[tokio::test]
async fn an_answer_may_be_larger_than_a_buffered_one() {
    let stage = Stage::new().await;
    // Noise: nothing makes it small.
    let (width, height) = (1_700_u32, 1_400_u32);
    let mut noise = 1_u32;
    let mut bmp = Vec::new();
    bmp.extend_from_slice(b"BM");
    let size = 54 + width * height * 3;
    for number in [size, 0, 54, 40, width, height, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
        bmp.extend_from_slice(&number.to_le_bytes());
    }
    bmp.extend((0..width * height * 3).map(|_| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise.to_le_bytes()[0]
    }));
    let at = Location::new(stage.uploads(), "images/alice/noise.bmp");
    stage.put(&at, bmp).await;
    stage.stack.idle().await;
    let list = stage.get("alice", "/v1/files").await;
    assert_eq!(list["files"][0]["status"], "done", "{list}");
    let id = list["files"][0]["id"].as_str().unwrap();
    let url = address(&stage, "alice", id, "?format=png").await;
    for _ in 0..2 {
        let answer = fetch(&stage, &url, &[]).await;
        assert_eq!(answer.status(), 200);
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes.len() > 6 << 20, "{}", bytes.len());
        assert!(bytes.ends_with(b"IEND\xAE\x42\x60\x82"));
    }
}

#[tokio::test]
async fn only_what_was_signed_is_rendered_and_only_to_owners_is_it_signed() {
    let stage = Stage::with(&[("IMAGE_SIZES: !Ref ImageSizes", "IMAGE_SIZES: 100,200")]).await;
    let id = stage.upload_auto("alice", "harbour.jpg", harbour()).await;
    stage.until("alice", &id, &["done"]).await;
    for (owner, query, status, named) in [
        ("bob", "?w=100", 404, "not-found"),
        ("alice", "?w=101", 400, "100,200"),
        ("alice", "?w=ten", 400, "whole number"),
        ("alice", "?width=100", 400, "no such parameter"),
        ("alice", "?w=100&expires_in=1", 400, "expires_in"),
    ] {
        let answer = stage
            .api(owner, "GET", &format!("/v1/files/{id}/image{query}"), None)
            .await;
        assert_eq!(answer.status(), status, "{query}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(named), "{query}: {text}");
    }
    let table = stage.upload("alice", "t.csv", "a,b\n1,2\n").await;
    stage.until("alice", &table, &["done"]).await;
    let answer = stage
        .api("alice", "GET", &format!("/v1/files/{table}/image?w=100"), None)
        .await;
    assert_eq!(answer.status(), 409);

    let url = address(&stage, "alice", &id, "?w=100").await;
    for (from, to) in [
        ("w=100", "w=200"),
        ("owner=alice", "owner=bob"),
        ("expires=", "expires=9"),
        ("signature=", "signature=A"),
    ] {
        let answer = fetch(&stage, &url.replace(from, to), &[]).await;
        assert_eq!(answer.status(), 403, "{from}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "urn:problem-type:longshore:address-not-signed");
    }
    let answer = stage.http.post(&url).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    // The address of no function.
    let nowhere = format!("{}/lambda-url/longshore-tables/", stage.stack.api_url());
    assert_eq!(fetch(&stage, &nowhere, &[]).await.status(), 403);
}
