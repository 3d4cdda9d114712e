//! `intake` on Lambda, behind the notifications of `inbox/`.

use std::process::ExitCode;

use futures::join;
use shared::{
    aws,
    config::{ConfigError, Environment},
    handover::{Functions, LambdaInvoke},
    keys::Owner,
    lambda::{serve, start},
    store::{dynamodb::DynamoCatalogue, s3::S3Objects},
};

use crate::sort::Sorter;

/// What the function is told.
#[derive(Debug)]
struct Config {
    table_name: String,
    uploads_bucket: String,
    results_bucket: String,
    drop_owner: Owner,
    functions: Functions,
}

impl Config {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            uploads_bucket: environment.required("UPLOADS_BUCKET")?.to_owned(),
            results_bucket: environment.required("RESULTS_BUCKET")?.to_owned(),
            drop_owner: environment.owner("DROP_OWNER")?,
            functions: environment.parse("FUNCTIONS")?,
        })
    }
}

/// Runs `intake` on Lambda until its environment is taken down.
#[must_use]
pub fn run() -> ExitCode {
    start(&Environment::of_process(), async |environment| {
        let config = Config::read(environment)?;
        let aws = aws::configure(environment)?;
        let objects = S3Objects::new(aws_sdk_s3::Client::new(&aws.sdk));
        let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&aws.sdk), config.table_name);
        let invoke = LambdaInvoke::new(aws_sdk_lambda::Client::new(&aws.sdk));
        aws.rehearse(async {
            join!(
                catalogue.rehearse(),
                objects.rehearse_get(&config.uploads_bucket),
                invoke.rehearse(),
            )
        })
        .await;
        serve(Sorter {
            objects,
            catalogue,
            invoke,
            functions: config.functions,
            results_bucket: config.results_bucket,
            drop_owner: config.drop_owner,
        })
        .await
    })
}
