//! The SDK's clients, as every function makes them: configured by hand from what Lambda sets, connected before the
//! first event.
//!
//! `aws_config::load` looks through files, profiles, the instance's metadata and more for what Lambda says in five
//! variables; here they are read and nothing else is. What must be there is named when it is not.

mod connections;
mod roots;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use futures::future::LocalBoxFuture;

pub use connections::Connections;
pub use roots::{roots, tls};

use crate::config::{ConfigError, Environment};

/// A request whose answer does not begin by then is tried again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// How to reach AWS: the clients' configuration, and the connections that they share.
#[derive(Debug, Clone)]
pub struct Aws {
    /// For the `new` of each service's client.
    pub sdk: SdkConfig,
    connections: Connections,
}

/// Reads the variables that Lambda sets (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for roles,
/// `AWS_SESSION_TOKEN`), and of the SDKs' standard ones `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>` and
/// `AWS_CA_BUNDLE` ("Settings reference" in the AWS SDKs and Tools Reference Guide). The credentials hold as long as
/// the environment, which Lambda ends before them.
///
/// A connection that does not come about within 2 seconds, and a request whose answer does not begin within 20, is
/// tried again by the SDK (three tries in all).
pub fn configure(environment: &Environment) -> Result<Aws, ConfigError> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let connections = Connections::new(roots(environment)?);
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(connections.clone())
        .timeout_config(TimeoutConfig::builder().read_timeout(ANSWER_TIMEOUT).build())
        .service_config(Endpoints(environment.clone()));
    sdk.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
    Ok(Aws {
        sdk: sdk.build(),
        connections,
    })
}

impl Aws {
    /// Rehearses requests: they pass through the clients as always, but what leaves is an empty `HEAD /` to the same
    /// host without a signature, and what comes back an empty answer. So the host's name is resolved, TCP and TLS
    /// connect, and the code has run once, all before the first event: while Lambda gives a full core, and not
    /// the share of one that a small function has later. Nothing is read or written; errors mean nothing.
    ///
    /// Only for before the first event: requests of anybody are rehearsed meanwhile.
    pub fn rehearse<'a, T>(&'a self, requests: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, ()>
    where
        T: 'a,
    {
        // Boxed: the SDK's futures are large, and a function's `main` waits for this one within others.
        Box::pin(self.connections.rehearse(requests))
    }
}

/// `AWS_ENDPOINT_URL_<SERVICE>`, which the clients ask for when they are made.
#[derive(Debug)]
struct Endpoints(Environment);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        self.0
            .optional(&format!("{}_{service}", key.env()))
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    #[test]
    fn what_lambda_sets_is_enough_and_each_of_it_is_needed() {
        let aws = configure(&LAMBDA.into()).unwrap();
        assert_eq!(aws.sdk.region().unwrap().as_ref(), "eu-west-1");
        assert_eq!(aws.sdk.endpoint_url(), None);
        for index in 0..LAMBDA.len() {
            let mut lacking = LAMBDA;
            lacking[index].1 = "";
            let error = configure(&lacking.into()).unwrap_err();
            assert_eq!(error, ConfigError::Missing(LAMBDA[index].0));
        }
    }

    #[test]
    fn endpoints_are_those_of_the_environment_and_an_empty_one_is_none() {
        let endpoint = |variables: [(&str, &str); 6]| {
            let aws = configure(&variables.into()).unwrap();
            let key = ServiceConfigKey::builder()
                .service_id("DynamoDB")
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build()
                .unwrap();
            let service = aws
                .sdk
                .service_config()
                .and_then(|config| config.load_config(key));
            (aws.sdk.endpoint_url().map(str::to_owned), service)
        };
        let [region, id, secret] = LAMBDA;
        let named = |all, dynamodb| {
            endpoint([
                region,
                id,
                secret,
                ("AWS_ENDPOINT_URL", all),
                ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
                ("AWS_ENDPOINT_URL_S3", "http://s3"),
            ])
        };
        assert_eq!(named("", ""), (None, None));
        assert_eq!(
            named("http://all", "http://dynamodb"),
            (Some("http://all".to_owned()), Some("http://dynamodb".to_owned()))
        );
    }
}
