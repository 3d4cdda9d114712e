//! The SDK's clients, as every function makes them.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{Builder, tls};

/// Credentials, region and endpoint from the environment, HTTPS by rustls with ring.
///
/// A connection that does not come about within 2 seconds, and a request whose answer does not begin within 20, is
/// tried again by the SDK (three tries in all).
pub async fn configure() -> SdkConfig {
    let https = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .read_timeout(Duration::from_secs(20))
                .build(),
        )
        .load()
        .await
}
