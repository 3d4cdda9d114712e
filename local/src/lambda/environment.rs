//! The environment of a function's process: what Lambda gives, what the template says, nothing inherited.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>

use std::collections::BTreeMap;
use std::path::Path;

use crate::template::{Function, REGION};

/// The one pair of keys that the local stack knows.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
}

/// Every variable of one process. `LD_LIBRARY_PATH` of Lambda's image is left out: here it could bring a wrong
/// libc to the front. The template's own come last and may replace what is not reserved, as the
/// endpoint.
pub(super) fn variables(
    function: &Function,
    instance: &str,
    runtime_api: &str,
    aws_endpoint: &str,
    credentials: &Credentials,
    task_root: &Path,
) -> BTreeMap<String, String> {
    let log_stream = format!("local/[$LATEST]{instance}");
    let memory = function.memory_mb.to_string();
    let task_root = task_root.to_string_lossy().into_owned();
    let lambda = [
        ("_HANDLER", function.handler.as_str()),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL", aws_endpoint),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &log_stream),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_REGION", REGION),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        // The SDK would otherwise ask the metadata service of EC2, and wait for it.
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("LAMBDA_TASK_ROOT", &task_root),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        ("TZ", ":UTC"),
    ];
    let mut variables: BTreeMap<String, String> = lambda
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    variables.extend(function.environment.clone());
    variables
}

impl Credentials {
    /// Not secret: only a server that this machine alone reaches takes it.
    #[must_use]
    pub fn local() -> Self {
        Self {
            access_key_id: "longshore".to_owned(),
            secret_access_key: "longshore-local".to_owned(),
        }
    }

    /// The line for a shell that points the AWS CLI and SDKs at the stack.
    #[must_use]
    pub fn export(&self, aws_endpoint: &str) -> String {
        let (id, secret) = (&self.access_key_id, &self.secret_access_key);
        format!(
            "export AWS_ENDPOINT_URL={aws_endpoint} AWS_ACCESS_KEY_ID={id} AWS_SECRET_ACCESS_KEY={secret} \
             AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}"
        )
    }
}
