//! What the API can do, as data: the description is made of it, `template.yaml` is compared with it, tests walk it.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};
use shared::catalogue::{FileView, Status};

use crate::{
    caller::Scope,
    files::{Events, Files},
    parts::{Completed, PartWays, Parts, Progress},
    problem::{self, Kind},
    reprocess::Again,
    stats::Stats,
    uploads::{Announced, NewUpload},
    webhooks::{NewWebhook, Registered, Webhooks},
};

/// A parameter of a query.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Its JSON Schema.
    pub schema: fn() -> Value,
    /// A value that is taken.
    pub example: &'static str,
}

/// A JSON body: its schema, and an example that is taken, or given.
#[derive(Debug)]
pub struct Content {
    /// Its schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// An example.
    pub example: fn() -> Value,
    /// Whether a request needs it.
    pub required: bool,
}

/// What an operation answers with when it did what was asked.
#[derive(Debug)]
pub struct Success {
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub description: &'static str,
    /// The body, if there is one.
    pub content: Option<Content>,
}

/// One method of one path.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub method: &'static str,
    /// The path, as `template.yaml` has it.
    pub path: &'static str,
    /// Its name.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What the token must allow; none if there need be no token.
    pub scope: Option<Scope>,
    /// Parameters of the query.
    pub parameters: &'static [Parameter],
    /// The request's body.
    pub body: Option<Content>,
    /// Answers when it went well.
    pub successes: &'static [Success],
    /// What can go wrong besides what can go wrong everywhere.
    pub problems: &'static [&'static Kind],
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what it is for is optional: the table below reads better"
)]
const fn content(schema: fn(&mut SchemaGenerator) -> Schema, example: fn() -> Value) -> Option<Content> {
    Some(Content {
        schema,
        example,
        required: true,
    })
}

const fn ok(status: u16, description: &'static str, content: Option<Content>) -> Success {
    Success {
        status,
        description,
        content,
    }
}

/// Everything that the API can do.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        method: "POST",
        path: "/v1/uploads",
        id: "createUpload",
        summary: "Announce a file, and get the way to upload it: a form up to 100 MB, a multipart upload above",
        scope: Some(Scope::Write),
        parameters: &[],
        body: content(SchemaGenerator::subschema_for::<NewUpload>, examples::new_upload),
        successes: &[ok(
            201,
            "The file is announced",
            content(SchemaGenerator::subschema_for::<Announced>, examples::announced),
        )],
        problems: &[&problem::TOO_LARGE, &problem::QUOTA_EXCEEDED],
    },
    Operation {
        method: "DELETE",
        path: "/v1/uploads/{id}",
        id: "abortUpload",
        summary: "Withdraw an upload that has not arrived",
        scope: Some(Scope::Write),
        parameters: &[],
        body: None,
        successes: &[ok(204, "It is withdrawn, or was", None)],
        problems: &[&problem::NOT_FOUND, &problem::ALREADY_UPLOADED],
    },
    Operation {
        method: "POST",
        path: "/v1/uploads/{id}/parts",
        id: "signParts",
        summary: "Get URLs for up to 100 parts of a multipart upload",
        scope: Some(Scope::Write),
        parameters: &[],
        body: content(SchemaGenerator::subschema_for::<Parts>, examples::parts),
        successes: &[ok(
            200,
            "Where each part is sent",
            content(SchemaGenerator::subschema_for::<PartWays>, examples::part_ways),
        )],
        problems: &[
            &problem::NOT_FOUND,
            &problem::NOT_MULTIPART,
            &problem::ALREADY_UPLOADED,
            &problem::UPLOAD_EXPIRED,
        ],
    },
    Operation {
        method: "GET",
        path: "/v1/uploads/{id}/parts",
        id: "listParts",
        summary: "See which parts of a multipart upload have arrived, to go on with the others",
        scope: Some(Scope::Read),
        parameters: &[],
        body: None,
        successes: &[ok(
            200,
            "How far the upload is",
            content(SchemaGenerator::subschema_for::<Progress>, examples::progress),
        )],
        problems: &[
            &problem::NOT_FOUND,
            &problem::NOT_MULTIPART,
            &problem::ALREADY_UPLOADED,
            &problem::UPLOAD_EXPIRED,
        ],
    },
    Operation {
        method: "POST",
        path: "/v1/uploads/{id}/complete",
        id: "completeUpload",
        summary: "Make the parts the file",
        scope: Some(Scope::Write),
        parameters: &[],
        body: content(SchemaGenerator::subschema_for::<Parts>, examples::parts),
        successes: &[ok(
            200,
            "The file is uploaded, or was",
            content(SchemaGenerator::subschema_for::<Completed>, examples::completed),
        )],
        problems: &[
            &problem::NOT_FOUND,
            &problem::NOT_MULTIPART,
            &problem::UPLOAD_INCOMPLETE,
            &problem::UPLOAD_EXPIRED,
        ],
    },
    Operation {
        method: "GET",
        path: "/v1/files",
        id: "listFiles",
        summary: "List your files, newest first",
        scope: Some(Scope::Read),
        parameters: &[
            Parameter {
                name: "kind",
                description: "Only files of this kind",
                schema: || json!({"type": "string"}),
                example: "tables",
            },
            Parameter {
                name: "status",
                description: "Only files with this status",
                schema: || {
                    let names = crate::files::STATUSES.map(Status::as_str);
                    json!({"type": "string", "enum": names})
                },
                example: "done",
            },
            Parameter {
                name: "name_prefix",
                description: "Only files whose name begins so",
                schema: || json!({"type": "string"}),
                example: "flights",
            },
            Parameter {
                name: "created_from",
                description: "Only files created then or later",
                schema: || json!({"type": "string", "format": "date-time"}),
                example: "2026-11-01T00:00:00Z",
            },
            Parameter {
                name: "created_before",
                description: "Only files created before then",
                schema: || json!({"type": "string", "format": "date-time"}),
                example: "2026-12-01T00:00:00Z",
            },
            Parameter {
                name: "limit",
                description: "Most files on the page",
                schema: || json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 50}),
                example: "20",
            },
            Parameter {
                name: "cursor",
                description: "`next_cursor` of an answer to the same question",
                schema: || json!({"type": "string"}),
                example: "",
            },
        ],
        body: None,
        successes: &[ok(
            200,
            "A page of files",
            content(SchemaGenerator::subschema_for::<Files>, examples::files),
        )],
        problems: &[],
    },
    Operation {
        method: "GET",
        path: "/v1/files/{id}",
        id: "getFile",
        summary: "See what became of a file; with `wait`, once its state changes",
        scope: Some(Scope::Read),
        parameters: &[Parameter {
            name: "wait",
            description: "Wait up to so many seconds until the state changes, or with `If-None-Match` anything",
            schema: || json!({"type": "integer", "minimum": 0, "maximum": 20, "default": 0}),
            example: "20",
        }],
        body: None,
        successes: &[
            ok(
                200,
                "The file",
                content(SchemaGenerator::subschema_for::<FileView>, examples::file),
            ),
            ok(304, "It is still what `If-None-Match` names", None),
        ],
        problems: &[&problem::NOT_FOUND],
    },
    Operation {
        method: "DELETE",
        path: "/v1/files/{id}",
        id: "deleteFile",
        summary: "Delete a file: its upload, its outputs and its record",
        scope: Some(Scope::Write),
        parameters: &[],
        body: None,
        successes: &[ok(204, "It is deleted, or was", None)],
        problems: &[&problem::NOT_FOUND],
    },
    Operation {
        method: "GET",
        path: "/v1/files/{id}/events",
        id: "listFileEvents",
        summary: "See what happened to a file, with times and attempts",
        scope: Some(Scope::Read),
        parameters: &[],
        body: None,
        successes: &[ok(
            200,
            "What happened, the earliest first",
            content(SchemaGenerator::subschema_for::<Events>, examples::events),
        )],
        problems: &[&problem::NOT_FOUND],
    },
    Operation {
        method: "GET",
        path: "/v1/files/{id}/image",
        id: "getImage",
        summary: "Get a signed address at which a rendition of a picture is made, in the format that the client accepts",
        scope: Some(Scope::Read),
        parameters: image::PARAMETERS,
        body: None,
        successes: &[ok(302, "Where the rendition is, until it expires", None)],
        problems: &[&problem::NOT_FOUND, &problem::NOT_AN_IMAGE, &problem::NOT_DONE],
    },
    Operation {
        method: "GET",
        path: "/v1/files/{id}/outputs/{name}",
        id: "getOutput",
        summary: "Fetch an output: by a redirect, or itself if it is JSON of up to 5 MB and `inline` is asked for",
        scope: Some(Scope::Read),
        parameters: &[Parameter {
            name: "inline",
            description: "Answer with the output itself",
            // `?inline` alone is as good as `true`.
            schema: || json!({"enum": [true, false, ""], "default": false}),
            example: "true",
        }],
        body: None,
        successes: &[
            ok(
                200,
                "The output itself",
                content(|_| Schema::default(), || json!({"rows": 3})),
            ),
            ok(302, "Where the output is, for five minutes", None),
        ],
        problems: &[&problem::NOT_FOUND, &problem::NOT_DONE],
    },
    Operation {
        method: "POST",
        path: "/v1/files/{id}/reprocess",
        id: "reprocessFile",
        summary: "Process a file again, with other options if they are given",
        scope: Some(Scope::Write),
        parameters: &[],
        body: Some(Content {
            schema: SchemaGenerator::subschema_for::<Again>,
            example: || json!({"options": {"tables": {"delimiter": ";"}}}),
            required: false,
        }),
        successes: &[ok(
            202,
            "The file is handed to its function",
            content(SchemaGenerator::subschema_for::<Completed>, examples::completed),
        )],
        problems: &[
            &problem::NOT_FOUND,
            &problem::NOT_UPLOADED,
            &problem::UPLOAD_GONE,
            &problem::AT_WORK,
        ],
    },
    Operation {
        method: "GET",
        path: "/v1/stats",
        id: "getStats",
        summary: "Count your files of the last days, and see how much of today's quota is used",
        scope: Some(Scope::Read),
        parameters: &[Parameter {
            name: "days",
            description: "How many days are counted",
            schema: || json!({"type": "integer", "minimum": 1, "maximum": 366, "default": 30}),
            example: "7",
        }],
        body: None,
        successes: &[ok(
            200,
            "The counts",
            content(SchemaGenerator::subschema_for::<Stats>, examples::stats),
        )],
        problems: &[],
    },
    Operation {
        method: "POST",
        path: "/v1/webhooks",
        id: "registerWebhook",
        summary: "Be told at an HTTPS endpoint of what became of your files, as Standard Webhooks",
        scope: Some(Scope::Write),
        parameters: &[],
        body: content(
            SchemaGenerator::subschema_for::<NewWebhook>,
            examples::new_webhook,
        ),
        successes: &[ok(
            201,
            "The endpoint, with its secret, which is not shown again",
            content(SchemaGenerator::subschema_for::<Registered>, examples::registered),
        )],
        problems: &[&problem::TOO_MANY_ENDPOINTS],
    },
    Operation {
        method: "GET",
        path: "/v1/webhooks",
        id: "listWebhooks",
        summary: "List your endpoints, the oldest first",
        scope: Some(Scope::Read),
        parameters: &[],
        body: None,
        successes: &[ok(
            200,
            "All of them",
            content(SchemaGenerator::subschema_for::<Webhooks>, examples::webhooks),
        )],
        problems: &[],
    },
    Operation {
        method: "DELETE",
        path: "/v1/webhooks/{id}",
        id: "deleteWebhook",
        summary: "Be told no more at an endpoint",
        scope: Some(Scope::Write),
        parameters: &[],
        body: None,
        successes: &[ok(204, "It is deleted", None)],
        problems: &[&problem::NOT_FOUND],
    },
    Operation {
        method: "GET",
        path: "/healthz",
        id: "getHealth",
        summary: "See whether the API answers",
        scope: None,
        parameters: &[],
        body: None,
        successes: &[ok(
            200,
            "It does",
            content(
                |_| {
                    let schema = json!({"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]});
                    Schema::try_from(schema).unwrap_or_default()
                },
                || json!({"status": "ok"}),
            ),
        )],
        problems: &[],
    },
    Operation {
        method: "GET",
        path: "/openapi.json",
        id: "getDescription",
        summary: "Read this description",
        scope: None,
        parameters: &[],
        body: None,
        successes: &[ok(
            200,
            "This description",
            content(|_| Schema::default(), || json!({"openapi": "3.1.0"})),
        )],
        problems: &[],
    },
];

mod examples;
mod image;
