//! `GET /openapi.json`: the API described in `OpenAPI` 3.1, made of [`OPERATIONS`] and the types that the routes read and write.
//!
//! Source: <https://spec.openapis.org/oas/v3.1.1.html>

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use shared::keys::AUTO;

use crate::{
    kinds::Kinds,
    operations::{Content, OPERATIONS, Operation},
    problem::{self, Document, Kind, TYPE_PREFIX},
};

/// Describes the API of a deployment that takes these kinds.
pub(crate) fn document(kinds: &Kinds) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut schemas);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_ascii_lowercase(), described);
        }
    }
    schemas.subschema_for::<Document<'_>>();
    let mut components = schemas.take_definitions(true);
    name_kinds(&mut components, kinds);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Longshore",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Announce a file, upload it, see what became of it, fetch what it was turned into. \
                            Times are RFC 3339 in UTC, sizes are in bytes, errors are problem documents (RFC 9457).",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The token's `sub` owns the files; its scopes are `files:read` and `files:write`.",
                },
            },
        },
    })
}

/// Says which kinds this deployment takes, and the largest file that any of them does.
fn name_kinds(components: &mut Map<String, Value>, kinds: &Kinds) {
    let facts = [
        ("kind", "enum", json!(kinds.names())),
        ("size_bytes", "maximum", json!(kinds.max_bytes(AUTO))),
    ];
    for (property, keyword, value) in facts {
        let schema = components
            .get_mut("NewUpload")
            .and_then(|schema| schema.pointer_mut(&format!("/properties/{property}")))
            .and_then(Value::as_object_mut);
        if let Some(schema) = schema {
            schema.insert(keyword.to_owned(), value);
        }
    }
}

fn describe(operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation, schemas),
    });
    let Some(map) = described.as_object_mut() else {
        return described;
    };
    let security = operation
        .scope
        .map_or_else(|| json!([]), |scope| json!([{"token": [scope.as_str()]}]));
    map.insert("security".to_owned(), security);
    if let Some(body) = &operation.body {
        let content =
            json!({"required": body.required, "content": {"application/json": media(body, schemas)}});
        map.insert("requestBody".to_owned(), content);
    }
    described
}

fn media(content: &Content, schemas: &mut SchemaGenerator) -> Value {
    json!({"schema": (content.schema)(schemas), "example": (content.example)()})
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters = Vec::new();
    for name in ["id", "name"] {
        if operation.path.contains(&format!("{{{name}}}")) {
            let (description, example) = match name {
                "id" if operation.path.starts_with("/v1/webhooks/") => {
                    ("The endpoint's id", "01M7YA9RXG4S6RFW1S3C3D7D9B")
                }
                "id" => ("The file's id", "01M7YAC62ANJMDM51BSPQB6QQM"),
                _ => ("The output's name", "table.parquet"),
            };
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "description": description,
                "schema": {"type": "string", "minLength": 1}, "example": example,
            }));
        }
    }
    for parameter in operation.parameters {
        let mut described = json!({
            "name": parameter.name, "in": "query", "description": parameter.description,
            "schema": (parameter.schema)(),
        });
        if let (Some(map), false) = (described.as_object_mut(), parameter.example.is_empty()) {
            let example = match (parameter.schema)().get("type").and_then(Value::as_str) {
                Some("string") => json!(parameter.example),
                _ => serde_json::from_str(parameter.example).unwrap_or_default(),
            };
            map.insert("example".to_owned(), example);
        }
        parameters.push(described);
    }
    if operation.method == "POST" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "description": "Names the request: sent again within a day, it is not done again, but answered as before",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
            "example": "a-name-of-your-own",
        }));
    }
    if operation.id == "getFile" {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "description": "The `ETag` of what is known already",
            "schema": {"type": "string"}, "example": "\"3b0c44298fc1c149afbf4c89\"",
        }));
    }
    parameters
}

fn responses(operation: &Operation, schemas: &mut SchemaGenerator) -> Map<String, Value> {
    let mut responses = Map::new();
    for success in operation.successes {
        let mut response =
            json!({"description": success.description, "headers": headers(operation, success.status)});
        if let (Some(content), Some(map)) = (&success.content, response.as_object_mut()) {
            map.insert(
                "content".to_owned(),
                json!({"application/json": media(content, schemas)}),
            );
        }
        responses.insert(success.status.to_string(), response);
    }
    let mut everywhere = vec![
        &problem::INVALID_REQUEST,
        &problem::INTERNAL,
        &problem::UNAVAILABLE,
    ];
    if operation.scope.is_some() {
        everywhere.extend([&problem::UNAUTHORIZED, &problem::MISSING_SCOPE]);
    }
    if operation.method == "POST" {
        everywhere.extend([
            &problem::UNREADABLE_BODY,
            &problem::STILL_RUNNING,
            &problem::KEY_REUSED,
        ]);
    }
    let mut by_status: std::collections::BTreeMap<u16, Vec<&Kind>> = std::collections::BTreeMap::new();
    for kind in everywhere.into_iter().chain(operation.problems.iter().copied()) {
        by_status.entry(kind.status).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), problem_response(status, &kinds));
    }
    responses
}

fn headers(operation: &Operation, status: u16) -> Value {
    let text = |description: &str| json!({"description": description, "schema": {"type": "string"}});
    let mut headers = json!({"x-request-id": text("Names the request in the log")});
    let Some(map) = headers.as_object_mut() else {
        return headers;
    };
    if matches!(status, 201 | 302) {
        map.insert("location".to_owned(), text("Where it is"));
    }
    if operation.id == "getFile" {
        map.insert("etag".to_owned(), text("Changes with what is answered"));
    }
    if operation.method == "POST" {
        map.insert(
            "idempotent-replayed".to_owned(),
            text("`true` if this answer is a repetition"),
        );
    }
    headers
}

/// What is answered when something is wrong. The gateway refuses by itself what its authorizer does not let through.
fn problem_response(status: u16, kinds: &[&Kind]) -> Value {
    let mut examples = Map::new();
    for kind in kinds {
        let value =
            json!({"type": format!("{TYPE_PREFIX}{}", kind.name), "title": kind.title, "status": status});
        examples.insert(kind.name.to_owned(), json!({"value": value}));
    }
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title).collect();
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples});
    let mut content = json!({"application/problem+json": problem});
    if let (401 | 403 | 503 | 500, Some(map)) = (status, content.as_object_mut()) {
        let schema =
            json!({"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]});
        map.insert("application/json".to_owned(), json!({"schema": schema}));
    }
    json!({"description": titles.join("; "), "content": content})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_is_there() {
        let document = document(&"tables=5".parse().unwrap());
        let text = document.to_string();
        let references: Vec<_> = text
            .split("\"$ref\":\"#")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(references.len() > 20);
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        let described: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(described, OPERATIONS.len());
        let kinds = document
            .pointer("/components/schemas/NewUpload/properties/kind/enum")
            .unwrap();
        assert_eq!(*kinds, json!(["auto", "tables"]));
        let largest = document.pointer("/components/schemas/NewUpload/properties/size_bytes/maximum");
        assert_eq!(largest, Some(&json!(5)));
    }
}
