//! An upload that breaks its policy in any one way is refused by S3, and the refusal says which rule it broke.

use serde_json::{Value, json};
use tests::{Form, Stage, sha256_of};

const BODY: &str = "a,b\n1,2\n";

/// The code and the message of an S3 error document.
async fn error(answer: reqwest::Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let part = |tag: &str| {
        let inner = text
            .split(&format!("<{tag}>"))
            .nth(1)
            .and_then(|rest| rest.split(&format!("</{tag}>")).next());
        inner
            .unwrap_or_default()
            .replace("&quot;", "\"")
            .replace("&#34;", "\"")
    };
    (status, part("Code"), part("Message"))
}

#[expect(clippy::too_many_lines, reason = "a table of rules")]
#[tokio::test]
async fn each_rule_of_the_policy_is_kept() {
    let stage = Stage::new().await;
    let announcement = json!({"name": "calls.csv", "kind": "tables", "size_bytes": BODY.len(),
        "content_type": "text/csv", "sha256": sha256_of(BODY.as_bytes())});
    let (id, upload) = stage.announce_as("alice", announcement).await;
    let good = Form::of(&upload, BODY);
    let other_key = good.field("key").replace("alice", "mallory");
    let longer = Form {
        file: "a,b\n1,2\n3".into(),
        ..good.clone()
    };
    let shorter = Form {
        file: "a,b\n1,2".into(),
        ..good.clone()
    };
    let other_bytes = Form {
        file: "a,b\n1,3\n".into(),
        ..good.clone()
    };
    let elsewhere = Form {
        url: good.url.replace("uploads", "results"),
        ..good.clone()
    };
    let mut policy = good.field("policy").to_owned();
    policy.replace_range(20..24, "AAAA");
    let other_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let refusals = [
        (
            "another key",
            good.clone().with("key", &other_key),
            403,
            "AccessDenied",
            "$key",
        ),
        (
            "another type",
            good.clone().with("content-type", "text/html"),
            403,
            "AccessDenied",
            "$content-type",
        ),
        (
            "another checksum in the form",
            good.clone().with("x-amz-checksum-sha256", other_sha256),
            403,
            "AccessDenied",
            "$x-amz-checksum-sha256",
        ),
        (
            "no checksum in the form",
            good.clone().without("x-amz-checksum-sha256"),
            403,
            "AccessDenied",
            "$x-amz-checksum-sha256",
        ),
        (
            "another answer",
            good.clone().with("success_action_status", "200"),
            403,
            "AccessDenied",
            "$success_action_status",
        ),
        (
            "a field that the policy does not name",
            good.clone().with("x-amz-meta-evil", "1"),
            403,
            "AccessDenied",
            "Extra input fields: x-amz-meta-evil",
        ),
        (
            "an access list",
            good.clone().with("acl", "public-read"),
            403,
            "AccessDenied",
            "Extra input fields: acl",
        ),
        (
            "a longer file",
            longer,
            400,
            "EntityTooLarge",
            "exceeds the maximum allowed size",
        ),
        (
            "a shorter file",
            shorter,
            400,
            "EntityTooSmall",
            "smaller than the minimum allowed size",
        ),
        (
            "other bytes of the same length",
            other_bytes,
            400,
            "BadDigest",
            "SHA256",
        ),
        ("another bucket", elsewhere, 403, "AccessDenied", "bucket"),
        (
            "another policy",
            good.clone().with("policy", &policy),
            403,
            "SignatureDoesNotMatch",
            "signature",
        ),
        (
            "another signature",
            good.clone().with("x-amz-signature", &"0".repeat(64)),
            403,
            "SignatureDoesNotMatch",
            "signature",
        ),
        (
            "no policy",
            good.clone().without("policy"),
            403,
            "AccessDenied",
            "Access Denied",
        ),
        (
            "no signature",
            good.clone().without("x-amz-signature"),
            400,
            "InvalidArgument",
            "X-Amz-Signature",
        ),
        (
            "no key",
            good.clone().without("key"),
            400,
            "InvalidArgument",
            "key",
        ),
    ];
    let count = refusals.len();
    for (rule, form, status, code, message) in refusals {
        let answer = error(form.send(&stage.http).await).await;
        assert_eq!(
            (answer.0, answer.1.as_str()),
            (status, code),
            "{rule}: {answer:?}"
        );
        assert!(
            answer.2.to_lowercase().contains(&message.to_lowercase()),
            "{rule}: {answer:?}"
        );
        let file = stage.get("alice", &format!("/v1/files/{id}")).await;
        assert_eq!(file["status"], "pending", "{rule}: nothing has arrived");
        tests::tell(&format!("policy: {rule}: {status} {code}: {}", answer.2));
    }
    tests::tell(&format!("policy: {count} rules"));
    assert_eq!(
        good.send(&stage.http).await.status(),
        201,
        "and the good form is taken"
    );
    stage.until("alice", &id, &["done"]).await;
}

#[tokio::test]
async fn a_form_is_good_for_its_time() {
    let stage = Stage::new().await;
    let (_, upload) = stage.announce("alice", "calls.csv", BODY.len()).await;
    let form = Form::of(&upload, BODY);
    let policy: Value = {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(form.field("policy"))
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(
        policy["expiration"], upload["expires_at"],
        "the policy says when it is over"
    );
}
