//! What a template comes to: plain data, every expression evaluated.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::event_filter::Filters;

/// A whole template.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The functions that can be run here, by logical id.
    pub functions: Vec<Function>,
    /// The S3 buckets.
    pub buckets: Vec<Bucket>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The SQS queues.
    pub queues: Vec<Queue>,
    /// The secrets, without the values of those that are generated.
    pub secrets: Vec<super::Secret>,
    /// The HTTP APIs, each with its routes.
    pub apis: Vec<HttpApi>,
    /// What has no effect on the local stack, with the reason.
    pub ignored: Vec<Ignored>,
    /// The value of every parameter, a text or a list.
    pub parameters: BTreeMap<String, Value>,
}

/// A part of the template without effect on the local stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Logical id, with the part after a dot.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether that is as it should be: only a deployment needs it (alarms, roles, log groups).
    pub expected: bool,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// The key under `Resources`.
    pub logical_id: String,
    /// `FunctionName`, or one made of the stack name and the logical id.
    pub name: String,
    /// The unqualified ARN.
    pub arn: String,
    /// The name of the binary, which is the name of its crate.
    pub binary: String,
    /// `Environment.Variables`. References to secrets (`{{resolve:secretsmanager:…}}`) are left in them.
    pub environment: BTreeMap<String, String>,
    /// `MemorySize`, in MB of 1,048,576 bytes.
    pub memory_mb: u64,
    /// `Timeout`.
    pub timeout: Duration,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<u64>,
    /// `Handler`: what `_HANDLER` says, without meaning for a binary.
    pub handler: String,
    /// `LoggingConfig.LogGroup`, or the group that Lambda makes by itself.
    pub log_group: String,
    /// What happens to asynchronous invocations that fail.
    pub event_invoke: EventInvoke,
    /// The S3 notifications it takes.
    pub object_triggers: Vec<ObjectTrigger>,
    /// The queues it reads.
    pub queue_triggers: Vec<QueueTrigger>,
    /// The streams of tables it reads.
    pub stream_triggers: Vec<StreamTrigger>,
    /// `FunctionUrlConfig`: the address of its own, if it has one.
    pub url: Option<FunctionUrl>,
}

/// The address of a function, without an API before it. Anyone may call it (`AuthType: NONE`).
#[derive(Clone, Debug)]
pub struct FunctionUrl {
    /// `InvokeMode: RESPONSE_STREAM`: answers come as they are made, and may be larger than 6 MB.
    pub streams: bool,
    /// Answered before the function is asked.
    pub cors: Option<Cors>,
}

/// `EventInvokeConfig`.
#[derive(Clone, Debug)]
pub struct EventInvoke {
    /// Attempts after the first; 0 to 2.
    pub maximum_retry_attempts: u32,
    /// An event older than that is given up.
    pub maximum_event_age: Duration,
    /// Where the record of a given-up event goes.
    pub on_failure: Option<Destination>,
    /// Where the record of a successful event goes.
    pub on_success: Option<Destination>,
}

/// The target of an invocation record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The name of a queue.
    Queue(String),
    /// The name of a function, invoked asynchronously.
    Function(String),
}

impl Destination {
    /// `None` for services that the local stack does not deliver to.
    pub(crate) fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, rest) = (parts.next()?, parts.nth(2)?);
        match service {
            "sqs" => Some(Self::Queue(rest.to_owned())),
            "lambda" => {
                let name = rest.strip_prefix("function:")?;
                Some(Self::Function(name.split(':').next().unwrap_or(name).to_owned()))
            }
            _ => None,
        }
    }

    pub(crate) fn queue(&self) -> Option<&str> {
        match self {
            Self::Queue(name) => Some(name),
            Self::Function(_) => None,
        }
    }
}

/// One S3 event of a function.
#[derive(Clone, Debug)]
pub struct ObjectTrigger {
    /// The event's key: `configurationId` in the notification.
    pub id: String,
    /// The bucket's name.
    pub bucket: String,
    /// `s3:ObjectCreated:*` and the like.
    pub events: Vec<String>,
    /// What the (decoded) key must start with; empty for anything.
    pub prefix: String,
    /// What the (decoded) key must end with; empty for anything.
    pub suffix: String,
}

/// One SQS event of a function.
#[derive(Clone, Debug)]
pub struct QueueTrigger {
    /// The queue's name.
    pub queue: String,
    /// Messages per invocation; 1 to 10.
    pub batch_size: usize,
    /// How long a batch that is not full waits for more.
    pub batching_window: Duration,
    /// Batches at the same time.
    pub concurrency: usize,
    /// Whether the function answers with the messages that failed.
    pub reports_item_failures: bool,
    /// Messages that do not pass are deleted.
    pub filters: Filters,
}

/// One DynamoDB event of a function.
#[derive(Clone, Debug)]
pub struct StreamTrigger {
    /// The event's key.
    pub id: String,
    /// The table's name.
    pub table: String,
    /// What records name as their source.
    pub stream_arn: String,
    /// Where a mapping begins that has read nothing yet.
    pub starting_position: StartingPosition,
    /// Records per invocation; 1 to 10,000.
    pub batch_size: usize,
    /// How long a batch that is not full waits for more.
    pub batching_window: Duration,
    /// Attempts after the first; as many as the age of the records allows when absent.
    pub maximum_retry_attempts: Option<u32>,
    /// Records older than that are given up; as old as the stream keeps them when absent.
    pub maximum_record_age: Option<Duration>,
    /// Whether a batch that failed is cut in two before it is tried again.
    pub bisects: bool,
    /// Whether the function answers with the records that failed.
    pub reports_item_failures: bool,
    /// Records that do not pass are skipped.
    pub filters: Filters,
    /// The name of the queue that is told of given-up batches.
    pub on_failure: Option<String>,
}

/// Where the reading of a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record that is kept.
    TrimHorizon,
    /// With the first record from now on.
    Latest,
}

/// An S3 bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The key under `Resources`.
    pub logical_id: String,
    /// The name.
    pub name: String,
    /// Whether versioning is enabled.
    pub versioned: bool,
    /// `CorsConfiguration`, in CloudFormation's spelling.
    pub cors: Option<Value>,
    /// `LifecycleConfiguration`, in CloudFormation's spelling.
    pub lifecycle: Option<Value>,
}

/// A DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// The key under `Resources`.
    pub logical_id: String,
    /// The name.
    pub name: String,
    /// The body of a `CreateTable` call.
    pub create_table: Value,
    /// The attribute that expires items, when there is one.
    pub time_to_live: Option<TimeToLive>,
}

impl Table {
    /// Whether the template asks for a stream of its changes.
    #[must_use]
    pub fn has_stream(&self) -> bool {
        self.create_table.get("StreamSpecification").is_some()
    }
}

/// `TimeToLiveSpecification`, enabled.
#[derive(Clone, Debug)]
pub struct TimeToLive {
    /// The attribute, seconds since 1970.
    pub attribute: String,
}

/// An SQS queue (standard).
#[derive(Clone, Debug)]
pub struct Queue {
    /// The key under `Resources`.
    pub logical_id: String,
    /// The name.
    pub name: String,
    /// How long a received message is hidden.
    pub visibility_timeout_seconds: u64,
    /// How long a message is kept.
    pub retention_seconds: u64,
    /// How long a new message is hidden.
    pub delay_seconds: u64,
    /// How long a receive call waits when it does not say.
    pub receive_wait_seconds: u64,
    /// Where a message goes that was received too often.
    pub redrive: Option<Redrive>,
}

/// `RedrivePolicy`.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// The name of the dead-letter queue.
    pub queue: String,
    /// Receives before a message is moved there.
    pub max_receive_count: u64,
}

/// An HTTP API.
#[derive(Clone, Debug)]
pub struct HttpApi {
    /// The key under `Resources`.
    pub logical_id: String,
    /// The API id.
    pub id: String,
    /// The stage; `$default` has no part in paths.
    pub stage: String,
    /// CORS, answered by the gateway itself.
    pub cors: Option<Cors>,
    /// The JWT authorizers by name.
    pub authorizers: BTreeMap<String, JwtAuthorizer>,
    /// The authorizer of routes that name none.
    pub default_authorizer: Option<String>,
    /// The routes.
    pub routes: Vec<Route>,
}

/// One route of an HTTP API.
#[derive(Clone, Debug)]
pub struct Route {
    /// The id of the API.
    pub api: String,
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// `/files/{id}`, `/{proxy+}` or `$default`.
    pub path: String,
    /// The name of the function behind it.
    pub function: String,
    /// An authorizer's name, or `NONE`; absent for the API's default.
    pub authorizer: Option<String>,
    /// The scopes of which a token needs one; absent for the authorizer's.
    pub scopes: Option<Vec<String>>,
    /// How long the gateway waits for the function.
    pub integration_timeout: Duration,
}

impl Route {
    /// `GET /files/{id}` or `$default`, as API Gateway names it.
    #[must_use]
    pub fn key(&self) -> String {
        if self.path == "$default" {
            self.path.clone()
        } else {
            format!("{} {}", self.method, self.path)
        }
    }
}

/// `CorsConfiguration` of an HTTP API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Origins, `*`, or `https://*` and the like.
    pub allow_origins: Vec<String>,
    /// Methods or `*`.
    pub allow_methods: Vec<String>,
    /// Header names or `*`.
    pub allow_headers: Vec<String>,
    /// Header names or `*`.
    pub expose_headers: Vec<String>,
    /// Whether cookies may be sent.
    pub allow_credentials: bool,
    /// How long a browser keeps a preflight answer.
    pub max_age_seconds: Option<u64>,
}

/// A JWT authorizer.
#[derive(Clone, Debug)]
pub struct JwtAuthorizer {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// The `aud` or `client_id`: one of these.
    pub audience: Vec<String>,
    /// `$request.header.Authorization` or `$request.querystring.token`.
    pub identity_source: String,
    /// Scopes for routes that name none.
    pub scopes: Vec<String>,
}
