//! What is configured on a bucket: documents that are kept as given, and the errors when there is none.

use std::sync::Arc;

use http::StatusCode;
use s3s::dto;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{self, Fault, custom};
use super::index::buckets;
use super::model::Tags;
use super::store::Store;
use super::tagging;

/// The document kinds, as they are named in the index.
pub(super) const CORS: &str = "cors";
pub(super) const NOTIFICATION: &str = "notification";
pub(super) const LIFECYCLE: &str = "lifecycle";
const POLICY: &str = "policy";
const ENCRYPTION: &str = "encryption";
const PUBLIC_ACCESS_BLOCK: &str = "public-access-block";
const OWNERSHIP: &str = "ownership-controls";
const TAGGING: &str = "tagging";
const WEBSITE: &str = "website";
const ACCELERATE: &str = "accelerate";
const REQUEST_PAYMENT: &str = "request-payment";

/// The document of that kind, or `None`; `NoSuchBucket` without the bucket.
pub(super) async fn load<T: DeserializeOwned + Send + 'static>(
    store: &Arc<Store>,
    bucket: String,
    kind: &'static str,
) -> S3Result<Option<T>> {
    let find = move |connection: &rusqlite::Connection| {
        let document = buckets::configuration(connection, &bucket, kind)?;
        Ok(document
            .map(|document| serde_json::from_str(&document))
            .transpose()?)
    };
    Ok(store.read(find).await?)
}

/// Keeps a document, or removes it.
pub(super) async fn save<T: Serialize>(
    store: &Arc<Store>,
    bucket: String,
    kind: &'static str,
    document: Option<&T>,
) -> S3Result<()> {
    let document = document
        .map(serde_json::to_string)
        .transpose()
        .map_err(Fault::from)?;
    Ok(store
        .write(move |change| buckets::configure(change, &bucket, kind, document.as_deref()))
        .await?)
}

async fn remove(store: &Arc<Store>, bucket: String, kind: &'static str) -> S3Result<()> {
    save::<()>(store, bucket, kind, None).await
}

fn absent(code: &'static str, message: &'static str) -> S3Error {
    custom(code, StatusCode::NOT_FOUND, message)
}

fn malformed() -> S3Error {
    fault::s3(
        S3ErrorCode::MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// What needs no check is kept as it is.
#[expect(
    clippy::unnecessary_wraps,
    reason = "stands where other documents are checked"
)]
fn keep<T>(document: T) -> S3Result<T> {
    Ok(document)
}

/// One `put`, `get` and `delete` of documents that need no more than to be kept: the modules below.
macro_rules! document {
    ($module:ident, $kind:expr,
     put($put_input:ident, $put_output:ident, |$given:ident| $document:expr),
     get($get_input:ident, $get_output:ident, |$kept:ident| $output:expr, $absent:expr)
     $(, delete($delete_input:ident, $delete_output:ident))?) => {
        pub(super) mod $module {
            use super::*;

            pub(in crate::s3) async fn put(
                store: &Arc<Store>,
                request: S3Request<dto::$put_input>,
            ) -> S3Result<S3Response<dto::$put_output>> {
                let bucket = request.input.bucket.clone();
                let $given = request.input;
                let document = $document?;
                save(store, bucket, $kind, Some(&document)).await?;
                Ok(S3Response::new(dto::$put_output::default()))
            }

            pub(in crate::s3) async fn get(
                store: &Arc<Store>,
                request: S3Request<dto::$get_input>,
            ) -> S3Result<S3Response<dto::$get_output>> {
                let $kept = match load(store, request.input.bucket, $kind).await? {
                    Some(document) => document,
                    None => $absent?,
                };
                Ok(S3Response::new($output))
            }

            $(pub(in crate::s3) async fn delete(
                store: &Arc<Store>,
                request: S3Request<dto::$delete_input>,
            ) -> S3Result<S3Response<dto::$delete_output>> {
                remove(store, request.input.bucket, $kind).await?;
                Ok(S3Response::new(dto::$delete_output::default()))
            })?
        }
    };
}

document!(
    cors,
    CORS,
    put(PutBucketCorsInput, PutBucketCorsOutput, |input| check_cors(
        input.cors_configuration
    )),
    get(
        GetBucketCorsInput,
        GetBucketCorsOutput,
        |document| {
            let document: dto::CORSConfiguration = document;
            dto::GetBucketCorsOutput {
                cors_rules: Some(document.cors_rules),
            }
        },
        Err(absent(
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist"
        ))
    ),
    delete(DeleteBucketCorsInput, DeleteBucketCorsOutput)
);

/// The rules of a CORS document: known methods, one star a pattern.
pub(super) fn check_cors(document: dto::CORSConfiguration) -> S3Result<dto::CORSConfiguration> {
    if document.cors_rules.is_empty() || document.cors_rules.len() > 100 {
        return Err(malformed());
    }
    for rule in &document.cors_rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(malformed());
        }
        for method in &rule.allowed_methods {
            if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method.as_str()) {
                return Err(fault::s3(
                    S3ErrorCode::InvalidRequest,
                    format!(
                        "Found unsupported HTTP method in CORS config. Unsupported method is {}",
                        method.as_str()
                    ),
                ));
            }
        }
        let patterns = rule
            .allowed_origins
            .iter()
            .chain(rule.allowed_headers.iter().flat_map(|headers| headers.iter()));
        for pattern in patterns {
            if pattern.matches('*').count() > 1 {
                return Err(fault::s3(
                    S3ErrorCode::InvalidRequest,
                    format!("AllowedOrigin \"{pattern}\" can not have more than one wildcard."),
                ));
            }
        }
    }
    Ok(document)
}

document!(
    lifecycle,
    LIFECYCLE,
    put(
        PutBucketLifecycleConfigurationInput,
        PutBucketLifecycleConfigurationOutput,
        |input| {
            let document = input.lifecycle_configuration.ok_or_else(malformed)?;
            if document.rules.is_empty() || document.rules.len() > 1000 {
                Err(malformed())
            } else {
                Ok(document)
            }
        }
    ),
    get(
        GetBucketLifecycleConfigurationInput,
        GetBucketLifecycleConfigurationOutput,
        |document| {
            let document: dto::BucketLifecycleConfiguration = document;
            dto::GetBucketLifecycleConfigurationOutput {
                rules: Some(document.rules),
                ..Default::default()
            }
        },
        Err(absent(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist"
        ))
    ),
    delete(DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput)
);

document!(
    notification,
    NOTIFICATION,
    put(
        PutBucketNotificationConfigurationInput,
        PutBucketNotificationConfigurationOutput,
        |input| keep(input.notification_configuration)
    ),
    get(
        GetBucketNotificationConfigurationInput,
        GetBucketNotificationConfigurationOutput,
        |document| {
            let document: dto::NotificationConfiguration = document;
            dto::GetBucketNotificationConfigurationOutput {
                event_bridge_configuration: document.event_bridge_configuration,
                lambda_function_configurations: document.lambda_function_configurations,
                queue_configurations: document.queue_configurations,
                topic_configurations: document.topic_configurations,
            }
        },
        // A bucket without one answers with an empty document.
        keep(dto::NotificationConfiguration::default())
    )
);

document!(
    policy,
    POLICY,
    put(PutBucketPolicyInput, PutBucketPolicyOutput, |input| {
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&input.policy);
        match is_object {
            Ok(policy) if policy.contains_key("Statement") => Ok(input.policy),
            Ok(_) => Err(fault::s3(
                S3ErrorCode::MalformedPolicy,
                "Missing required field Statement",
            )),
            Err(_) => Err(fault::s3(
                S3ErrorCode::MalformedPolicy,
                "Policies must be valid JSON and the first byte must be '{'",
            )),
        }
    }),
    get(
        GetBucketPolicyInput,
        GetBucketPolicyOutput,
        |document| dto::GetBucketPolicyOutput {
            policy: Some(document)
        },
        Err(absent("NoSuchBucketPolicy", "The bucket policy does not exist"))
    ),
    delete(DeleteBucketPolicyInput, DeleteBucketPolicyOutput)
);

document!(
    encryption,
    ENCRYPTION,
    put(PutBucketEncryptionInput, PutBucketEncryptionOutput, |input| keep(
        input.server_side_encryption_configuration
    )),
    get(
        GetBucketEncryptionInput,
        GetBucketEncryptionOutput,
        |document| dto::GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(document)
        },
        keep(default_encryption())
    ),
    delete(DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput)
);

/// Every bucket encrypts with S3's own keys unless told otherwise.
fn default_encryption() -> dto::ServerSideEncryptionConfiguration {
    dto::ServerSideEncryptionConfiguration {
        rules: vec![dto::ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(dto::ServerSideEncryptionByDefault {
                kms_master_key_id: None,
                sse_algorithm: "AES256".to_owned().into(),
            }),
            bucket_key_enabled: Some(false),
        }],
    }
}

document!(
    public_access_block,
    PUBLIC_ACCESS_BLOCK,
    put(PutPublicAccessBlockInput, PutPublicAccessBlockOutput, |input| {
        keep(input.public_access_block_configuration)
    }),
    get(
        GetPublicAccessBlockInput,
        GetPublicAccessBlockOutput,
        |document| dto::GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(document)
        },
        Err(absent(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found"
        ))
    ),
    delete(DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput)
);

document!(
    ownership_controls,
    OWNERSHIP,
    put(
        PutBucketOwnershipControlsInput,
        PutBucketOwnershipControlsOutput,
        |input| {
            let rule = input
                .ownership_controls
                .rules
                .into_iter()
                .next()
                .ok_or_else(malformed)?;
            keep(rule.object_ownership.as_str().to_owned())
        }
    ),
    get(
        GetBucketOwnershipControlsInput,
        GetBucketOwnershipControlsOutput,
        |document| {
            let document: String = document;
            let rule = dto::OwnershipControlsRule {
                object_ownership: document.into(),
            };
            dto::GetBucketOwnershipControlsOutput {
                ownership_controls: Some(dto::OwnershipControls { rules: vec![rule] }),
            }
        },
        Err(absent(
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found"
        ))
    ),
    delete(
        DeleteBucketOwnershipControlsInput,
        DeleteBucketOwnershipControlsOutput
    )
);

document!(
    tags,
    TAGGING,
    put(PutBucketTaggingInput, PutBucketTaggingOutput, |input| {
        tagging::from_set(input.tagging.tag_set, tagging::MAX_BUCKET_TAGS)
    }),
    get(
        GetBucketTaggingInput,
        GetBucketTaggingOutput,
        |document| {
            let document: Tags = document;
            dto::GetBucketTaggingOutput {
                tag_set: tagging::to_set(document),
            }
        },
        Err(absent("NoSuchTagSet", "The TagSet does not exist"))
    ),
    delete(DeleteBucketTaggingInput, DeleteBucketTaggingOutput)
);

document!(
    website,
    WEBSITE,
    put(PutBucketWebsiteInput, PutBucketWebsiteOutput, |input| keep(
        input.website_configuration
    )),
    get(
        GetBucketWebsiteInput,
        GetBucketWebsiteOutput,
        |document| {
            let document: dto::WebsiteConfiguration = document;
            dto::GetBucketWebsiteOutput {
                error_document: document.error_document,
                index_document: document.index_document,
                redirect_all_requests_to: document.redirect_all_requests_to,
                routing_rules: document.routing_rules,
            }
        },
        Err(absent(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration"
        ))
    ),
    delete(DeleteBucketWebsiteInput, DeleteBucketWebsiteOutput)
);

document!(
    accelerate,
    ACCELERATE,
    put(
        PutBucketAccelerateConfigurationInput,
        PutBucketAccelerateConfigurationOutput,
        |input| keep(input.accelerate_configuration)
    ),
    get(
        GetBucketAccelerateConfigurationInput,
        GetBucketAccelerateConfigurationOutput,
        |document| {
            let document: dto::AccelerateConfiguration = document;
            dto::GetBucketAccelerateConfigurationOutput {
                status: document.status,
                ..Default::default()
            }
        },
        keep(dto::AccelerateConfiguration::default())
    )
);

document!(
    request_payment,
    REQUEST_PAYMENT,
    put(
        PutBucketRequestPaymentInput,
        PutBucketRequestPaymentOutput,
        |input| keep(input.request_payment_configuration)
    ),
    get(
        GetBucketRequestPaymentInput,
        GetBucketRequestPaymentOutput,
        |document| {
            let document: dto::RequestPaymentConfiguration = document;
            dto::GetBucketRequestPaymentOutput {
                payer: Some(document.payer),
            }
        },
        keep(dto::RequestPaymentConfiguration {
            payer: "BucketOwner".to_owned().into()
        })
    )
);
