//! An S3 server for development: real semantics, one account, one machine.
//!
//! `s3s` parses requests, verifies signatures and writes answers; `api` says what each operation does; `index`
//! keeps what is true in SQLite; `blobs` keeps the bytes. Nothing here ever holds a whole object
//! in memory, and nothing is visible before all of its bytes have arrived and passed their checks.

mod acl;
mod api;
mod blobs;
mod buckets;
mod checksum;
mod conditions;
mod config;
mod copy;
mod cors;
mod delete;
mod event;
mod fault;
mod form;
mod front;
mod get;
mod host;
mod index;
mod list;
mod model;
mod multipart;
mod policy;
mod put;
mod ranges;
mod receive;
mod store;
mod tagging;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3ErrorCode, S3Result};

pub use crate::lambda::Credentials;
pub use event::{EventKind, EventSink, ObjectEvent};
pub use s3s::Body;
/// The types that bucket configurations are written in: `CORSConfiguration`, `NotificationConfiguration`.
pub use s3s::dto;

use host::Hosts;
use model::Versioning;
use store::Store;

/// How to open a [`Server`].
pub struct Options {
    /// Where buckets and objects are kept, made if it is not there; without it, a temporary folder that goes
    /// with the server.
    pub data_dir: Option<PathBuf>,
    /// Who may sign; each may do everything.
    pub credentials: Vec<Credentials>,
    /// The region of buckets made without a location constraint.
    pub region: String,
    /// The name before which a bucket's name may stand in `Host`: `localhost` for `bucket.localhost`.
    pub domain: String,
}

/// What [`Server::ensure_bucket`] sets up. What is `None` stays as it is.
#[derive(Default)]
pub struct BucketSettings {
    /// Who may read from and write to the bucket out of a browser.
    pub cors: Option<dto::CORSConfiguration>,
    /// Versioning on (`true`) or suspended.
    pub versioning: Option<bool>,
    /// What `GetBucketNotificationConfiguration` tells; delivery is the event sink's business.
    pub notifications: Option<dto::NotificationConfiguration>,
    /// Kept and told, not enforced.
    pub lifecycle: Option<dto::BucketLifecycleConfiguration>,
}

/// Why the server could not be opened or set up.
#[derive(Debug, thiserror::Error)]
#[error("the object store: {0}")]
pub struct Error(#[from] fault::Fault);

impl From<s3s::S3Error> for Error {
    fn from(error: s3s::S3Error) -> Self {
        Self(error.into())
    }
}

/// The server. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Server {
    store: Arc<Store>,
    service: S3Service,
    hosts: Arc<Hosts>,
    keys: Arc<Vec<Credentials>>,
}

impl Server {
    /// Opens the store and cleans up what a crash may have left. Blocks for as long as that takes.
    ///
    /// `on_event` is told of each committed change of an object: see [`EventSink`].
    pub fn open(options: Options, on_event: EventSink) -> Result<Self, Error> {
        let store = Arc::new(Store::open(options.data_dir, options.region, on_event)?);
        let hosts = Hosts::new(&options.domain);
        let keys = Arc::new(options.credentials);
        let mut verified = S3ServiceBuilder::new(api::Api(Arc::clone(&store)));
        verified.set_host(hosts.clone());
        let mut builder = S3ServiceBuilder::new(api::Api(Arc::clone(&store)));
        builder.set_route(ranges::IgnoreBadRanges(verified.build()));
        builder.set_auth(Keys(Arc::clone(&keys)));
        builder.set_host(hosts.clone());
        Ok(Self {
            store,
            service: builder.build(),
            hosts: Arc::new(hosts),
            keys,
        })
    }

    /// Makes a bucket unless it is there, and configures it.
    pub async fn ensure_bucket(&self, name: &str, settings: BucketSettings) -> Result<(), Error> {
        if !s3s::path::check_bucket_name(name) {
            let message = format!("{name} is not a valid bucket name");
            return Err(fault::s3(S3ErrorCode::InvalidBucketName, message).into());
        }
        let region = self.store.region.clone();
        let bucket = name.to_owned();
        self.store
            .write(move |change| {
                index::buckets::create(change, &bucket, &region)?;
                if let Some(on) = settings.versioning {
                    let versioning = if on {
                        Versioning::Enabled
                    } else {
                        Versioning::Suspended
                    };
                    index::buckets::set_versioning(change, &bucket, versioning)?;
                }
                let documents = [
                    (
                        config::CORS,
                        settings
                            .cors
                            .map(config::check_cors)
                            .transpose()?
                            .as_ref()
                            .map(to_json),
                    ),
                    (config::NOTIFICATION, settings.notifications.as_ref().map(to_json)),
                    (config::LIFECYCLE, settings.lifecycle.as_ref().map(to_json)),
                ];
                for (kind, document) in documents {
                    if let Some(document) = document {
                        index::buckets::configure(change, &bucket, kind, Some(&document?))?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// What notifications are configured on a bucket: by [`Server::ensure_bucket`], or by a client since.
    pub async fn notifications(&self, bucket: &str) -> Result<dto::NotificationConfiguration, Error> {
        let found = config::load(&self.store, bucket.to_owned(), config::NOTIFICATION).await?;
        Ok(found.unwrap_or_default())
    }

    /// Answers one HTTP request: signed, presigned, a browser's form or its preflight. Never fails: what goes
    /// wrong is an S3 error document.
    pub async fn handle<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        front::handle(self, request.map(Body::http_body_unsync)).await
    }
}

fn to_json<T: serde::Serialize>(document: &T) -> Result<String, fault::Fault> {
    Ok(serde_json::to_string(document)?)
}

/// The keys that may sign.
struct Keys(Arc<Vec<Credentials>>);

impl Keys {
    fn find(keys: &[Credentials], access_key_id: &str) -> S3Result<String> {
        let found = keys.iter().find(|key| key.access_key_id == access_key_id);
        found.map(|key| key.secret_access_key.clone()).ok_or_else(|| {
            fault::s3(
                S3ErrorCode::InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records.",
            )
        })
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        Self::find(&self.0, access_key).map(SecretKey::from)
    }
}
