//! `notify` on Lambda, behind the table's stream and the deliveries' queue.

use std::{process::ExitCode, sync::Arc};

use futures::FutureExt as _;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use shared::{
    aws,
    config::{ConfigError, Environment},
    lambda::{StartError, start},
    store::{Catalogue, dynamodb::DynamoCatalogue, endpoints::Endpoints},
    time::UnixMillis,
    webhook::Targets,
};
use tracing::Instrument as _;

use crate::{
    backoff::Backoff,
    client::HttpClient,
    deliver::Courier,
    delivery::Queue,
    event::{self, Incoming},
    post::Post,
    sqs::SqsQueue,
    watch::Watcher,
};

/// What the function is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Config {
    /// The catalogue's table, which holds the endpoints too.
    table_name: String,
    /// The deliveries' queue.
    queue_url: String,
    /// How often Lambda tries an invocation of a function that unloads files: once, and its `MaximumRetryAttempts`.
    tries: usize,
    /// Where deliveries may go.
    targets: Targets,
    /// How long failed deliveries wait.
    backoff: Backoff,
}

impl Config {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            queue_url: environment.required("DELIVERIES_QUEUE_URL")?.to_owned(),
            tries: environment.parse("ATTEMPTS")?,
            targets: environment.parse("WEBHOOK_TARGETS")?,
            backoff: environment.parse("DELIVERY_BACKOFF_SECONDS")?,
        })
    }
}

/// Runs `notify` on Lambda until its environment is taken down.
#[must_use]
pub fn run() -> ExitCode {
    start(&Environment::of_process(), async |environment| {
        let config = Config::read(environment)?;
        let aws = aws::configure(environment)?;
        let table = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), config.table_name);
        let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&aws.sdk), config.queue_url);
        // Most changes are of owners without endpoints, and end after one look into the table.
        aws.rehearse(table.rehearse()).await;
        let function = Arc::new(Function {
            watcher: Watcher {
                catalogue: table.clone(),
                endpoints: table.clone(),
                queue: queue.clone(),
                tries: config.tries,
                now: UnixMillis::now,
            },
            courier: Courier {
                endpoints: table,
                queue,
                post: HttpClient::new(config.targets, aws::roots(environment)?),
                targets: config.targets,
                backoff: config.backoff,
                now: UnixMillis::now,
            },
        });
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
            let function = Arc::clone(&function);
            // Boxed: the SDK's futures nest deeper than the compiler follows.
            async move { Box::pin(function.invoke(event)).await }.boxed()
        }))
        .await
        .map_err(StartError::Runtime)
    })
}

/// Both of its trades, for the time of its environment.
struct Function<C, E, Q, P> {
    watcher: Watcher<C, E, Q>,
    courier: Courier<E, Q, P>,
}

impl<C: Catalogue, E: Endpoints, Q: Queue, P: Post> Function<C, E, Q, P> {
    async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let span = tracing::info_span!("invocation", request_id = context.request_id);
        self.answer(payload).instrument(span).await
    }

    /// Says which records are to come back ("Reporting batch item failures" in the AWS Lambda developer guide).
    async fn answer(&self, payload: Value) -> Result<Value, Diagnostic> {
        let come_back: Vec<String> = match event::decode(payload) {
            Ok(Incoming::Changes(changes)) => self.watcher.watch(changes).await.into_iter().collect(),
            Ok(Incoming::Messages(messages)) => self.courier.deliver(messages).await,
            Err(error) => {
                tracing::error!(%error, "the event cannot be understood");
                return Err(Diagnostic {
                    error_type: "Internal".to_owned(),
                    error_message: error.to_string(),
                });
            }
        };
        let failures: Vec<_> = come_back.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok(json!({"batchItemFailures": failures}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 5] = [
        ("TABLE_NAME", "catalogue"),
        ("DELIVERIES_QUEUE_URL", "https://sqs.example/1/deliveries"),
        ("ATTEMPTS", "3"),
        ("WEBHOOK_TARGETS", "public"),
        ("DELIVERY_BACKOFF_SECONDS", "5 30"),
    ];

    #[test]
    fn each_missing_or_wrong_variable_is_named() {
        let config = Config::read(&COMPLETE.into()).unwrap();
        assert_eq!(
            (config.tries, config.targets, config.backoff.tries()),
            (3, Targets::Public, 3)
        );
        for (index, (name, _)) in COMPLETE.iter().enumerate() {
            let mut lacking = COMPLETE;
            lacking[index].1 = "";
            let error = Config::read(&lacking.into()).unwrap_err().to_string();
            assert_eq!(error, format!("the environment variable {name} is not set"));
        }
        for (index, value, problem) in [
            (2, "many", "invalid digit found in string"),
            (3, "private", "targets are \"public\" or \"any\""),
            (
                4,
                "soon",
                "waits are whole seconds from 0 to 36000, separated by spaces",
            ),
        ] {
            let mut wrong = COMPLETE;
            wrong[index].1 = value;
            let error = Config::read(&wrong.into()).unwrap_err().to_string();
            assert!(
                error.contains(COMPLETE[index].0) && error.ends_with(problem),
                "{error}"
            );
        }
    }
}
