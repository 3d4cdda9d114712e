//! The one loop that every processor shares: from an invocation to its answer.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures::FutureExt as _;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::{
    attempt::{Ending, Invocation, Unloaded, Unloader},
    aws,
    config::{ConfigError, Environment, ProcessorConfig},
    event::{self, Change, Incoming},
    failure::{Failure, FailureKind},
    processor::Processor,
    store::{Catalogue, Objects, dynamodb::DynamoCatalogue, read::ReadPlan, s3::S3Objects},
    telemetry::{self, FileMetrics},
};

/// Runs a processor on Lambda until the environment is taken down. For `main`, which returns what this returns.
///
/// # Errors
/// The exit code says that the start failed; the log says why.
#[must_use]
pub fn run<P: Processor>(processor: P) -> ExitCode {
    run_with(|_| Ok(processor))
}

/// As [`run`], with a processor that is made of the environment.
#[must_use]
pub fn run_with<P: Processor>(make: impl FnOnce(&Environment) -> Result<P, ConfigError>) -> ExitCode {
    let environment = Environment::of_process();
    start(&environment, async |environment| {
        let processor = make(environment)?;
        let config = ProcessorConfig::read(environment)?;
        let aws = aws::configure(environment)?;
        let objects = S3Objects::new(aws_sdk_s3::Client::new(&aws.sdk));
        let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), config.table_name);
        aws.rehearse(async {
            futures::join!(
                catalogue.rehearse(),
                objects.rehearse_get(&config.uploads_bucket),
                objects.rehearse_put(&config.results_bucket),
            )
        })
        .await;
        let unloader = Unloader {
            objects,
            catalogue,
            results_bucket: config.results_bucket,
            drop_owner: config.drop_owner,
            limits: config.limits,
            read_plan: ReadPlan::default(),
        };
        serve(Unloading {
            processor: Arc::new(processor),
            unloader,
        })
        .await
    })
}

/// What a function does with a change to an object.
pub trait Work: Send + Sync + 'static {
    /// The kind of the files that it is told of.
    const KIND: &'static str;

    /// Sees to one change.
    ///
    /// # Errors
    /// What kept us from writing down how it ended; Lambda tries again.
    fn see_to(
        &self,
        change: Change,
        invocation: &Invocation,
    ) -> impl Future<Output = Result<Unloaded, Failure>> + Send;
}

/// The work of a processor.
struct Unloading<P, O, C> {
    processor: Arc<P>,
    unloader: Unloader<O, C>,
}

impl<P: Processor, O: Objects, C: Catalogue> Work for Unloading<P, O, C> {
    const KIND: &'static str = P::NAME;

    async fn see_to(&self, change: Change, invocation: &Invocation) -> Result<Unloaded, Failure> {
        self.unloader.unload(&self.processor, change, invocation).await
    }
}

/// Takes invocations, and sees to the changes that they tell of, until the environment is taken down.
pub async fn serve<W: Work>(work: W) -> Result<(), StartError> {
    let function = Arc::new(Function {
        work,
        warm: AtomicBool::new(false),
    });
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let function = Arc::clone(&function);
        // Boxed: the SDK's futures nest deeper than the compiler follows.
        async move { Box::pin(function.invoke(event)).await }.boxed()
    }))
    .await
    .map_err(StartError::Runtime)
}

/// Why a function did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The Lambda runtime API could not be spoken to.
    #[error("the lambda runtime stopped: {0}")]
    Runtime(lambda_runtime::Error),
}

/// Starts the log and the runtime, runs `main` on one thread (a function below 1,769 MB has less than one core),
/// and says why it failed if it does.
pub fn start(
    environment: &Environment,
    main: impl AsyncFnOnce(&Environment) -> Result<(), StartError>,
) -> ExitCode {
    telemetry::start(environment.optional("LOG_LEVEL").unwrap_or("info"));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "could not start the runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(main(environment)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "could not start");
            ExitCode::FAILURE
        }
    }
}

/// What a function is, for the time of its environment.
struct Function<W> {
    work: W,
    warm: AtomicBool,
}

/// The answer to Lambda when an attempt failed: its type is what a retry policy or an alarm can look for.
fn diagnostic(failure: &Failure) -> Diagnostic {
    let error_type = match failure.kind {
        FailureKind::Rejected => "Rejected",
        FailureKind::Limit => "Limit",
        FailureKind::Transient => "Transient",
        FailureKind::Internal => "Internal",
    };
    Diagnostic {
        error_type: error_type.to_owned(),
        error_message: format!("{}: {failure}", failure.code),
    }
}

impl<W: Work> Function<W> {
    async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let request_id = context.request_id.clone();
        let cold_start = !self.warm.swap(true, Ordering::Relaxed);
        let file_id = tracing::field::Empty;
        let span = tracing::info_span!("invocation", kind = W::KIND, request_id, cold_start, file_id);
        let deadline = context.deadline();
        self.answer(payload, &request_id, deadline).instrument(span).await
    }

    async fn answer(
        &self,
        payload: Value,
        request_id: &str,
        deadline: SystemTime,
    ) -> Result<Value, Diagnostic> {
        let incoming = event::decode(payload).map_err(|error| {
            tracing::error!(%error, "the event cannot be understood");
            diagnostic(&Failure::internal("event", error.to_string()))
        })?;
        match incoming {
            Incoming::Test { bucket } => {
                tracing::info!(bucket, "test event acknowledged");
                Ok(json!({"acknowledged": "s3:TestEvent"}))
            }
            Incoming::Changes(changes) => {
                let endings = self
                    .changes(changes, request_id, deadline)
                    .await
                    .map_err(|f| diagnostic(&f))?;
                Ok(json!({"files": endings.iter().map(summary).collect::<Vec<_>>()}))
            }
            Incoming::Queue(messages) => {
                let mut refused = Vec::new();
                for message in messages {
                    let done = match message.body {
                        Ok(Incoming::Changes(changes)) => self.changes(changes, request_id, deadline).await,
                        Ok(_) => Ok(Vec::new()),
                        Err(error) => {
                            tracing::error!(%error, message_id = message.id, "the message cannot be understood");
                            Err(Failure::internal("event", error.to_string()))
                        }
                    };
                    // Whoever works on a file now may die of it, and this message is the last that speaks of
                    // the file: it comes back until it finds the file done.
                    let busy = |unloaded: &Unloaded| matches!(unloaded.ending, Ending::Busy(_));
                    if done.map_or(true, |endings| endings.iter().any(busy)) {
                        refused.push(json!({"itemIdentifier": message.id}));
                    }
                }
                Ok(json!({"batchItemFailures": refused}))
            }
        }
    }

    /// Sees to all changes; then fails if one of them is to be retried. Those that are done stay done.
    async fn changes(
        &self,
        changes: Vec<Change>,
        request_id: &str,
        deadline: SystemTime,
    ) -> Result<Vec<Unloaded>, Failure> {
        let mut endings = Vec::with_capacity(changes.len());
        let mut failed = None;
        for change in changes {
            let started = Instant::now();
            let upload = change.at.to_string();
            let remaining = deadline
                .duration_since(SystemTime::now())
                .unwrap_or(Duration::ZERO);
            let invocation = Invocation {
                request_id: request_id.to_owned(),
                remaining,
            };
            let result = self.work.see_to(change, &invocation).await;
            report(W::KIND, &upload, request_id, started.elapsed(), &result);
            match result {
                Ok(unloaded) => {
                    failed = unloaded
                        .ending
                        .failure()
                        .filter(|failure| !failure.kind.is_final())
                        .cloned()
                        .or(failed);
                    endings.push(unloaded);
                }
                Err(failure) => failed = Some(failure),
            }
        }
        failed.map_or(Ok(endings), Err)
    }
}

/// Says how the work on a change went: one line for people, one for CloudWatch's metrics.
fn report(
    kind: &str,
    upload: &str,
    request_id: &str,
    duration: Duration,
    result: &Result<Unloaded, Failure>,
) {
    let unloaded = result.as_ref().ok();
    let ending = unloaded.map(|unloaded| &unloaded.ending);
    let metrics = FileMetrics {
        kind,
        outcome: ending.map_or("failed", Ending::as_str),
        bytes_in: unloaded.map_or(0, |unloaded| unloaded.bytes_in),
        bytes_out: ending.map_or(0, Ending::bytes_out),
        duration,
        request_id,
        file_id: unloaded.map(|unloaded| unloaded.file.id.to_string()),
    };
    let (outcome, file_id) = (metrics.outcome, &metrics.file_id);
    match result
        .as_ref()
        .map_or_else(Some, |unloaded| unloaded.ending.failure())
    {
        None => tracing::info!(file_id, upload, outcome, "finished"),
        Some(failure) if failure.kind.is_final() => {
            tracing::info!(file_id, upload, outcome, code = %failure.code, "{failure}");
        }
        Some(failure) => {
            tracing::error!(file_id, upload, outcome, code = %failure.code, blame = %failure.kind, "{failure}");
        }
    }
    metrics.emit();
}

/// What a synchronous caller (`sam local invoke`) is told of a file.
fn summary(unloaded: &Unloaded) -> Value {
    json!({
        "file_id": unloaded.file.id.to_string(),
        "owner": unloaded.file.owner.as_str(),
        "outcome": unloaded.ending.as_str(),
    })
}
