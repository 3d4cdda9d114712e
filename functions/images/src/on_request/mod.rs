//! Renditions on request, behind an address of the function's own: `GET /v1/files/{id}/image?w=640&…`, signed.
//!
//! ```text
//! address ─► signature ─► record ─► format, by Accept ─► ETag: 304?
//!    ─► rendered before? ─► stream it from the bucket
//!    ─► render, by the core ─► keep it in the bucket ─► stream it
//! ```
//!
//! Answers are streamed, so that what is larger than the 6 MB of a buffered answer passes too.

mod accept;
mod answer;
mod serve;

use std::{process::ExitCode, sync::Arc};

use lambda_http::service_fn;
use shared::{
    aws,
    config::{ConfigError, Environment},
    image_url::UrlKey,
    lambda::{StartError, start},
    limits::Limits,
    store::{dynamodb::DynamoCatalogue, s3::S3Objects},
};

use self::serve::Service;

/// Memory around the core, in MiB: the binary and what is being sent.
const AROUND_THE_CORE_MIB: u64 = 96;

/// What the function is told.
struct Config {
    table_name: String,
    results_bucket: String,
    key: UrlKey,
    limits: Limits,
    memory_bytes: u64,
}

impl Config {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let memory_mib: u64 = environment.parse("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?;
        let memory_bytes = memory_mib.saturating_sub(AROUND_THE_CORE_MIB).max(memory_mib / 4) << 20;
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            results_bucket: environment.required("RESULTS_BUCKET")?.to_owned(),
            key: UrlKey::new(environment.required("IMAGE_URL_KEY")?),
            limits: Limits {
                input_bytes: environment.parse("MAX_INPUT_BYTES")?,
                memory_bytes,
                ..Limits::default()
            },
            memory_bytes,
        })
    }
}

/// Runs the function on Lambda until its environment is taken down.
pub(crate) fn run(environment: &Environment) -> ExitCode {
    start(environment, async |environment| {
        let config = Config::read(environment)?;
        let aws = aws::configure(environment)?;
        let objects = S3Objects::new(aws_sdk_s3::Client::new(&aws.sdk));
        let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), config.table_name);
        aws.rehearse(async {
            futures::join!(catalogue.rehearse(), objects.rehearse_get(&config.results_bucket));
        })
        .await;
        let service = Arc::new(Service {
            objects,
            catalogue,
            results_bucket: config.results_bucket,
            key: config.key,
            limits: config.limits,
            decoded_bytes: config.memory_bytes,
        });
        lambda_http::run_with_streaming_response(service_fn(move |request: lambda_http::Request| {
            let service = Arc::clone(&service);
            async move { Ok::<_, std::convert::Infallible>(Box::pin(service.answer(request)).await) }
        }))
        .await
        .map_err(StartError::Runtime)
    })
}

#[cfg(test)]
mod tests;
