//! Examples, made of the types that the routes read and write; a flow test sends and compares them for real.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Value, json};
use shared::{
    catalogue::{FileView, HistoryEvent, HistoryView, Identified, OutputView, Status},
    options::{Delimiter, Options, TablesOptions},
    time::UnixMillis,
};

use crate::{
    files::{Events, Files},
    parts::{Arrived, Completed, Part, PartWay, PartWays, Parts, Progress},
    quota::{Share, Today},
    stats::Stats,
    uploads::{Announced, NewUpload, Way},
    webhooks::{NewWebhook, Registered, Webhook, Webhooks},
};

const ID: &str = "01M7YAC62ANJMDM51BSPQB6QQM";
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ANNOUNCED: UnixMillis = UnixMillis::new(1_795_240_106_058);
const DONE: UnixMillis = UnixMillis::new(1_795_240_107_961);
const EXPIRES: UnixMillis = UnixMillis::new(1_795_241_006_058);

fn value(of: impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn pending_view() -> FileView {
    FileView {
        id: ID
            .parse()
            .unwrap_or_else(|_| shared::keys::FileId::generate(ANNOUNCED)),
        kind: "auto".to_owned(),
        name: "flights.csv".to_owned(),
        status: Status::Pending,
        size_bytes: Some(31_053_850),
        content_type: Some("text/csv".to_owned()),
        sha256: None,
        options: Some(value(options())),
        identified: None,
        attempts: 0,
        created_at: ANNOUNCED,
        updated_at: ANNOUNCED,
        upload_expires_at: Some(EXPIRES),
        outputs: None,
        report: None,
        failure: None,
        upload_removed_at: None,
    }
}

fn done_view() -> FileView {
    let output = |name: &str, size_bytes, content_type: &str| OutputView {
        name: name.to_owned(),
        size_bytes,
        content_type: content_type.to_owned(),
        href: format!("/v1/files/{ID}/outputs/{name}"),
    };
    FileView {
        kind: "tables".to_owned(),
        status: Status::Done,
        identified: Some(Identified {
            kind: Some("tables".to_owned()),
            format: "csv".to_owned(),
            looks_like: "CSV delimited by commas".to_owned(),
            media_type: "text/csv".to_owned(),
            confidence: 0.97,
            declared_type: Some("text/csv".to_owned()),
            mismatch: false,
        }),
        attempts: 2,
        updated_at: DONE,
        upload_expires_at: None,
        outputs: Some(vec![
            output("table.parquet", 5_257_546, "application/vnd.apache.parquet"),
            output("profile.json", 3_812, "application/json"),
        ]),
        report: Some(json!({"rows": 336_776, "rows_written": 336_776, "rows_rejected": 0, "columns": 19})),
        ..pending_view()
    }
}

fn options() -> Options {
    Options {
        tables: Some(TablesOptions {
            delimiter: Some(Delimiter::COMMA),
            ..TablesOptions::default()
        }),
        ..Options::default()
    }
}

pub(super) fn new_upload() -> Value {
    value(NewUpload {
        name: "flights.csv".to_owned(),
        kind: "auto".to_owned(),
        size_bytes: 31_053_850,
        content_type: Some("text/csv".to_owned()),
        sha256: None,
        options: Some(options()),
    })
}

pub(super) fn announced() -> Value {
    let fields = [
        ("key", "inbox/you/~01M7YAC62ANJMDM51BSPQB6QQM/flights.csv"),
        ("content-type", "text/csv"),
        ("policy", "eyJleHBpcmF0aW9uIjogIuKApiJ9"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
    ];
    value(Announced {
        file: pending_view(),
        upload: Way::Form {
            method: "POST".to_owned(),
            url: "https://longshore-uploads-000000000000.s3.eu-west-1.amazonaws.com/".to_owned(),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            expires_at: EXPIRES,
        },
    })
}

pub(super) fn parts() -> Value {
    value(Parts {
        parts: vec![Part {
            number: 1,
            sha256: SHA256.to_owned(),
        }],
    })
}

pub(super) fn part_ways() -> Value {
    let headers = [
        ("content-length", "16777216"),
        (
            "x-amz-checksum-sha256",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
    ];
    value(PartWays {
        parts: vec![PartWay {
            number: 1,
            method: "PUT".to_owned(),
            url: "https://longshore-uploads-000000000000.s3.eu-west-1.amazonaws.com/inbox/…?partNumber=1&…"
                .to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            expires_at: EXPIRES,
        }],
    })
}

pub(super) fn progress() -> Value {
    value(Progress {
        part_bytes: 16_777_216,
        parts: 7,
        expires_at: Some(EXPIRES),
        arrived: vec![Arrived {
            number: 1,
            size_bytes: 16_777_216,
            sha256: SHA256.to_owned(),
        }],
    })
}

pub(super) fn completed() -> Value {
    value(Completed { file: pending_view() })
}

pub(super) fn file() -> Value {
    value(done_view())
}

pub(super) fn files() -> Value {
    value(Files {
        files: vec![done_view()],
        next_cursor: None,
    })
}

pub(super) fn events() -> Value {
    let event = |at, event, attempt, detail: Option<&str>| HistoryView {
        at,
        event,
        attempt,
        detail: detail.map(str::to_owned),
    };
    value(Events {
        events: vec![
            event(ANNOUNCED, HistoryEvent::Announced, None, None),
            event(DONE, HistoryEvent::Claimed, Some(1), Some("intake")),
            event(DONE, HistoryEvent::HandedOver, Some(1), Some("csv to tables")),
            event(DONE, HistoryEvent::Claimed, Some(2), Some("tables")),
            event(DONE, HistoryEvent::Done, Some(2), None),
        ],
    })
}

pub(super) fn stats() -> Value {
    let share = |used, limit| Share { used, limit };
    let counts = |name: Cow<'static, str>| BTreeMap::from([(name.into_owned(), 1)]);
    value(Stats {
        from: UnixMillis::new(1_792_648_107_961),
        to: DONE,
        complete: true,
        files: 1,
        by_status: counts("done".into()),
        by_kind: counts("tables".into()),
        bytes_in: 31_053_850,
        bytes_out: 5_261_358,
        today: Today {
            files: share(1, 10_000),
            bytes: share(31_053_850, 1_099_511_627_776),
            resets_at: UnixMillis::new(1_795_305_600_000),
        },
    })
}

pub(super) fn new_webhook() -> Value {
    value(NewWebhook {
        url: "https://hooks.example.com/longshore".to_owned(),
    })
}

fn webhook() -> Webhook {
    Webhook {
        id: "01M7YA9RXG4S6RFW1S3C3D7D9B"
            .parse()
            .unwrap_or_else(|_| shared::webhook::EndpointId::generate(ANNOUNCED)),
        url: "https://hooks.example.com/longshore".to_owned(),
        created_at: ANNOUNCED,
    }
}

pub(super) fn registered() -> Value {
    value(Registered {
        webhook: webhook(),
        secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
    })
}

pub(super) fn webhooks() -> Value {
    value(Webhooks {
        webhooks: vec![webhook()],
    })
}
