//! A DynamoDB server for development: `dynoxide` behind the wire protocol.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>

mod streams;
mod tables;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use serde_json::{Value, json};

pub(crate) use streams::shard_id;

/// The most that a request may hold: 16 MB, what `BatchWriteItem` takes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// How often items past their time to live are removed. AWS promises days.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3);

/// Operations that may leave a record in a table's stream.
const WRITES: [&str; 8] = [
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "ExecuteStatement",
    "ExecuteTransaction",
    "BatchExecuteStatement",
];

/// Why the server could not be opened or set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database file cannot be opened, or refused a table.
    #[error("the table store: {0}")]
    Database(#[from] DynoxideError),
    /// The path of the database is not UTF-8.
    #[error("the path of the table store is not utf-8: {0}")]
    Path(PathBuf),
    /// A table's definition is not what `CreateTable` takes.
    #[error("the definition of a table: {0}")]
    Definition(#[from] serde_json::Error),
    /// The records of streams cannot be put in order.
    #[error("the streams of the table store: {0}")]
    Streams(#[from] rusqlite::Error),
    /// The folder of the database cannot be made.
    #[error("the folder of the table store: {0}")]
    Folder(#[from] std::io::Error),
}

/// The server. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Server {
    database: Database,
    /// The tables for which point-in-time recovery was asked: told back until the server ends, never done.
    recoverable: Arc<Mutex<HashSet<String>>>,
    /// Told of every write, before its client is answered.
    on_write: Arc<dyn Fn() + Send + Sync>,
}

impl Server {
    /// Opens the tables in a file, made with its folder if they are not there, or in memory. Blocks.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Error> {
        let database = match file {
            Some(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let text = path.to_str().ok_or_else(|| Error::Path(path.clone()))?;
                // The first makes the file what it is to be.
                drop(Database::new(text)?);
                streams::prepare(&path)?;
                Database::new(text)?
            }
            None => Database::memory()?,
        };
        Ok(Self {
            database,
            recoverable: Arc::default(),
            on_write: Arc::new(|| {}),
        })
    }

    /// Calls that function after every write, before its client is answered. It must not block.
    pub(crate) fn tell_of_writes(mut self, on_write: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_write = Arc::new(on_write);
        self
    }

    /// Removes items past their time to live, again and again, until dropped.
    pub async fn sweep_expired(&self) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (database, on_write) = (self.database.clone(), self.on_write.clone());
            let sweep = move || {
                let swept = database.sweep_ttl();
                // An error may come after some removals.
                if !matches!(swept, Ok(0)) {
                    on_write();
                }
                swept
            };
            match tokio::task::spawn_blocking(sweep).await {
                Ok(Ok(0)) => {}
                Ok(Ok(removed)) => tracing::debug!(removed, "removed expired items"),
                Ok(Err(error)) => tracing::warn!(%error, "cannot remove expired items"),
                Err(error) => tracing::warn!(%error, "the sweep of expired items failed"),
            }
        }
    }

    /// Answers one HTTP request. Never fails: what goes wrong is an error document of DynamoDB.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let content_type = content_type(&parts.headers);
        let body = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return error_response(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    content_type,
                    "RequestEntityTooLarge",
                );
            }
            Err(error) => {
                tracing::debug!(%error, "a request to the table store broke off");
                return error_response(StatusCode::BAD_REQUEST, content_type, "SerializationException");
            }
        };
        let target = parts
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok());
        let name = target.and_then(|target| target.rsplit('.').next());
        let writes = name.is_some_and(|name| WRITES.contains(&name));
        let Some(operation) = target.and_then(operation) else {
            return error_response(StatusCode::BAD_REQUEST, content_type, "UnknownOperationException");
        };
        let material = AuthMaterial {
            authorization: parts
                .headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok()),
            query: parts.uri.query().unwrap_or_default(),
            has_date_header: parts.headers.contains_key("x-amz-date")
                || parts.headers.contains_key(header::DATE),
        };
        if let Some(refusal) = auth_material::validate(material) {
            return respond(StatusCode::BAD_REQUEST, content_type, refusal);
        }
        let server = self.clone();
        // In the work itself: it goes on when the client goes away.
        let work = move || {
            let answer = operation(&server, &body);
            if writes {
                (server.on_write)();
            }
            answer
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(answer)) => respond(StatusCode::OK, content_type, answer),
            Ok(Err(Refusal::Malformed)) => {
                error_response(StatusCode::BAD_REQUEST, content_type, "SerializationException")
            }
            Ok(Err(Refusal::Missing(message))) => {
                let kind = "com.amazonaws.dynamodb.v20120810#TableNotFoundException";
                let answer = json!({"__type": kind, "message": message}).to_string();
                respond(StatusCode::BAD_REQUEST, content_type, answer)
            }
            Ok(Err(Refusal::Database(error))) => {
                let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
                respond(status, content_type, error.to_json())
            }
            Err(error) => {
                tracing::error!(%error, "the table store failed");
                error_response(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    content_type,
                    "InternalServerError",
                )
            }
        }
    }
}

/// Why an operation was refused.
enum Refusal {
    /// The body is no JSON object.
    Malformed,
    /// A table that only operations of ours look for.
    Missing(String),
    Database(DynoxideError),
}

impl From<DynoxideError> for Refusal {
    fn from(error: DynoxideError) -> Self {
        Self::Database(error)
    }
}

/// One operation on the tables: a request's JSON to a response's. Blocks.
type Operation = fn(&Server, &[u8]) -> Result<String, Refusal>;

/// Reads a request, calls `method`, writes the response.
fn call<Q: serde::de::DeserializeOwned, A: serde::Serialize>(
    body: &[u8],
    method: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    if !value.is_object() {
        return Err(Refusal::Malformed);
    }
    // From the bytes and not from the value: numbers keep the way they were written.
    let request = serde_json::from_slice(body).map_err(|error| unfit(&error))?;
    let answer = method(request)?;
    serde_json::to_string(&answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()).into())
}

/// Makes an error of a message.
type Refuse = fn(String) -> DynoxideError;

/// JSON that is not what the operation takes. `dynoxide` marks what DynamoDB refuses in words of its own.
fn unfit(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let plain = || text.split(" at line ").next().unwrap_or_default();
    let marks: [(&str, Refuse); 5] = [
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("SERIALIZATION:", DynoxideError::SerializationException),
        ("VALIDATION_REQUEST:", DynoxideError::ValidationException),
        ("VALIDATION:", DynoxideError::ValidationException),
    ];
    for (mark, refuse) in marks {
        if let Some(message) = plain().strip_prefix(mark) {
            return refuse(message.to_owned()).into();
        }
    }
    let is_invalid = [
        "missing field",
        "unknown variant",
        "invalid type: null",
        "AttributeValue",
    ]
    .iter()
    .any(|part| text.contains(part));
    let refuse = if is_invalid {
        DynoxideError::ValidationException
    } else {
        DynoxideError::SerializationException
    };
    refuse(plain().to_owned()).into()
}

macro_rules! operations {
    ($($name:literal => $method:ident,)*) => {
        /// The operation that a target names, behind the service and its version.
        fn operation(target: &str) -> Option<Operation> {
            let name = target
                .strip_prefix("DynamoDB_20120810.")
                .or_else(|| target.strip_prefix("DynamoDBStreams_20120810."))?;
            match name {
                $($name => Some(|server, body| call(body, |request| server.database.$method(request))),)*
                "ExecuteStatement" => Some(|server, body| {
                    call(body, |request| server.database.execute_statement(request).map_err(of_statement))
                }),
                "DescribeContinuousBackups" | "UpdateContinuousBackups" => Some(continuous_backups),
                "DescribeLimits" => Some(|_, _| Ok(LIMITS.to_owned())),
                "DescribeEndpoints" => Some(|_, _| Ok(ENDPOINTS.to_owned())),
                _ => None,
            }
        }
    };
}

operations! {
    "CreateTable" => create_table,
    "DeleteTable" => delete_table,
    "DescribeTable" => describe_table,
    "ListTables" => list_tables,
    "UpdateTable" => update_table,
    "PutItem" => put_item,
    "GetItem" => get_item,
    "DeleteItem" => delete_item,
    "UpdateItem" => update_item,
    "Query" => query,
    "Scan" => scan,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "TransactWriteItems" => transact_write_items,
    "TransactGetItems" => transact_get_items,
    "ListStreams" => list_streams,
    "DescribeStream" => describe_stream,
    "GetShardIterator" => get_shard_iterator,
    "GetRecords" => get_records,
    "UpdateTimeToLive" => update_time_to_live,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteTransaction" => execute_transaction,
    "BatchExecuteStatement" => batch_execute_statement,
    "TagResource" => tag_resource,
    "UntagResource" => untag_resource,
    "ListTagsOfResource" => list_tags_of_resource,
}

/// The quotas of an account.
const LIMITS: &str = r#"{"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,"TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000}"#;
const ENDPOINTS: &str = r#"{"Endpoints":[{"Address":"localhost","CachePeriodInMinutes":1440}]}"#;

/// A statement's failed condition is written in a shape of its own when it shows the item.
fn of_statement(error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::ConditionalCheckFailedException(message, Some(item)) => {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        other => other,
    }
}

/// Point-in-time recovery is accepted, never done: the tool that turns it on is pleased, and nothing local
/// needs restoring. The table must be there.
fn continuous_backups(server: &Server, body: &[u8]) -> Result<String, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    let name = value.get("TableName").cloned().unwrap_or_default();
    let request = serde_json::from_value(json!({"TableName": name})).map_err(|error| unfit(&error))?;
    if let Err(error) = server.database.describe_table(request) {
        return Err(match error {
            DynoxideError::ResourceNotFoundException(_) => {
                Refusal::Missing(format!("Table not found: {}", name.as_str().unwrap_or_default()))
            }
            other => other.into(),
        });
    }
    let asked = value
        .pointer("/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled")
        .and_then(Value::as_bool);
    let mut recoverable = server.recoverable.lock().unwrap_or_else(PoisonError::into_inner);
    let name = name.as_str().unwrap_or_default();
    match asked {
        Some(true) => {
            recoverable.insert(name.to_owned());
        }
        Some(false) => {
            recoverable.remove(name);
        }
        None => {}
    }
    let enabled = recoverable.contains(name);
    let status = if enabled { "ENABLED" } else { "DISABLED" };
    Ok(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }})
    .to_string())
}

/// Clients of either protocol version are answered in their own.
fn content_type(headers: &HeaderMap) -> &'static str {
    match headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) {
        Some(b"application/json") => "application/json",
        _ => "application/x-amz-json-1.0",
    }
}

fn error_response(status: StatusCode, content_type: &'static str, kind: &str) -> Response<Full<Bytes>> {
    respond(
        status,
        content_type,
        json!({"__type": format!("com.amazon.coral.service#{kind}")}).to_string(),
    )
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let checksum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, body.as_bytes());
    let request_id = format!("{}{}", ulid::Ulid::generate(), ulid::Ulid::generate());
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::SERVER, HeaderValue::from_static("Server"));
    headers.insert("x-amz-crc32", HeaderValue::from(checksum));
    if let Ok(id) = HeaderValue::try_from(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(server: &Server, target: &str, body: &str, signed: bool) -> (StatusCode, Value) {
        let mut request = Request::post("/").header("x-amz-target", target);
        if signed {
            let authorization = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, \
                                 SignedHeaders=host, Signature=0";
            request = request
                .header("authorization", authorization)
                .header("x-amz-date", "20260101T000000Z");
        }
        let response = server
            .handle(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap())
            .await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    fn table() -> Value {
        json!({
            "TableName": "files",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true},
        })
    }

    #[tokio::test]
    async fn a_table_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tables/dynamodb.sqlite");
        let server = Server::open(Some(file.clone())).unwrap();
        server.ensure_table(&table()).unwrap();
        let put = r#"{"TableName": "files", "Item": {"pk": {"S": "a"}}}"#;
        assert_eq!(
            ask(&server, "DynamoDB_20120810.PutItem", put, true).await.0,
            StatusCode::OK
        );
        drop(server);
        let server = Server::open(Some(file)).unwrap();
        server.ensure_table(&table()).unwrap();
        let get = r#"{"TableName": "files", "Key": {"pk": {"S": "a"}}}"#;
        let (_, found) = ask(&server, "DynamoDB_20120810.GetItem", get, true).await;
        assert_eq!(found, json!({"Item": {"pk": {"S": "a"}}}));
        let describe = r#"{"TableName": "files"}"#;
        let (_, ttl) = ask(&server, "DynamoDB_20120810.DescribeTimeToLive", describe, true).await;
        assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "ttl");
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_as_dynamodb_does() {
        let server = Server::open(None).unwrap();
        let kind = |answer: (StatusCode, Value)| {
            assert_eq!(answer.0, StatusCode::BAD_REQUEST);
            answer.1["__type"]
                .as_str()
                .unwrap()
                .rsplit('#')
                .next()
                .unwrap()
                .to_owned()
        };
        let target = "DynamoDB_20120810.ListTables";
        assert_eq!(
            kind(ask(&server, target, "{}", false).await),
            "MissingAuthenticationTokenException"
        );
        assert_eq!(
            kind(ask(&server, target, "{", true).await),
            "SerializationException"
        );
        assert_eq!(
            kind(ask(&server, target, "[]", true).await),
            "SerializationException"
        );
        assert_eq!(
            kind(ask(&server, "DynamoDB_20120810.Nothing", "{}", true).await),
            "UnknownOperationException"
        );
        let get = r#"{"TableName": "none", "Key": {"pk": {"S": "a"}}}"#;
        assert_eq!(
            kind(ask(&server, "DynamoDB_20120810.GetItem", get, true).await),
            "ResourceNotFoundException"
        );
    }
}
