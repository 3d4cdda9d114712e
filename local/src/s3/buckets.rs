//! Buckets: create, head, list, delete, location, versioning.

use std::sync::Arc;

use s3s::dto::{
    Bucket, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, GetBucketReplicationInput,
    GetBucketReplicationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsInput, ListBucketsOutput, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::conditions::shown;
use super::fault::{self, custom};
use super::index::buckets;
use super::list::owner;
use super::model::Versioning;
use super::store::Store;

/// The region that a location constraint never names.
const FIRST_REGION: &str = "us-east-1";

/// `CreateBucket`.
pub(super) async fn create(
    store: &Arc<Store>,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let input = request.input;
    let constraint = input
        .create_bucket_configuration
        .and_then(|configuration| configuration.location_constraint)
        .map(|constraint| constraint.as_str().to_owned())
        .filter(|constraint| !constraint.is_empty());
    let region = constraint.unwrap_or_else(|| store.region.clone());
    let name = input.bucket;
    // In us-east-1, where this server is by default, S3 answers 200 to who owns the bucket already ("CreateBucket"
    // in the Amazon S3 API reference); anywhere else 409.
    let forgiving = region == "us-east-1";
    let created = {
        let name = name.clone();
        store
            .write(move |change| buckets::create(change, &name, &region))
            .await?
    };
    if !created && !forgiving {
        return Err(fault::s3(
            S3ErrorCode::BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it.",
        ));
    }
    Ok(S3Response::new(CreateBucketOutput {
        location: Some(format!("/{name}")),
    }))
}

/// `HeadBucket`.
pub(super) async fn head(
    store: &Arc<Store>,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    let bucket = store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region: Some(bucket.region),
        ..HeadBucketOutput::default()
    }))
}

/// `ListBuckets`, with its prefix, page size and token (a bucket's name).
pub(super) async fn list(
    store: &Arc<Store>,
    request: S3Request<ListBucketsInput>,
) -> S3Result<S3Response<ListBucketsOutput>> {
    let input = request.input;
    let limit = match input.max_buckets {
        None => usize::MAX,
        Some(max) if (1..=10_000).contains(&max) => usize::try_from(max).unwrap_or(usize::MAX),
        Some(_) => {
            return Err(fault::invalid_argument("max-buckets must be between 1 and 10000"));
        }
    };
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let wanted_region = input.bucket_region.map(|region| region.as_str().to_owned());
    let mut rows = store.read(buckets::all).await?;
    rows.retain(|row| {
        row.name.starts_with(&prefix)
            && row.name > after
            && wanted_region.as_ref().is_none_or(|region| *region == row.region)
    });
    let next = (rows.len() > limit)
        .then(|| rows.get(limit.saturating_sub(1)).map(|row| row.name.clone()))
        .flatten();
    rows.truncate(limit);
    let buckets = rows.into_iter().map(|row| Bucket {
        name: Some(row.name),
        creation_date: Some(shown(row.created)),
        bucket_region: Some(row.region),
    });
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token: next,
        owner: Some(owner()),
        prefix: input.prefix,
    }))
}

/// `DeleteBucket`.
pub(super) async fn delete(
    store: &Arc<Store>,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<S3Response<DeleteBucketOutput>> {
    store
        .write(move |change| buckets::delete(change, &request.input.bucket))
        .await?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}

/// `GetBucketLocation`: of the first region it is nothing.
pub(super) async fn location(
    store: &Arc<Store>,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    let bucket = store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: (bucket.region != FIRST_REGION).then(|| bucket.region.into()),
    }))
}

/// `GetBucketVersioning`.
pub(super) async fn versioning(
    store: &Arc<Store>,
    request: S3Request<GetBucketVersioningInput>,
) -> S3Result<S3Response<GetBucketVersioningOutput>> {
    let bucket = store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Ok(S3Response::new(GetBucketVersioningOutput {
        status: (bucket.versioning != Versioning::Unversioned)
            .then(|| bucket.versioning.as_str().to_owned().into()),
        ..GetBucketVersioningOutput::default()
    }))
}

/// `PutBucketVersioning`.
pub(super) async fn put_versioning(
    store: &Arc<Store>,
    request: S3Request<PutBucketVersioningInput>,
) -> S3Result<S3Response<PutBucketVersioningOutput>> {
    let input = request.input;
    let status = input
        .versioning_configuration
        .status
        .map(|status| status.as_str().to_owned());
    let versioning = match status.as_deref() {
        Some(status @ ("Enabled" | "Suspended")) => Versioning::parse(status),
        _ => {
            return Err(fault::s3(
                S3ErrorCode::IllegalVersioningConfigurationException,
                "The Versioning element must be specified",
            ));
        }
    };
    store
        .write(move |change| buckets::set_versioning(change, &input.bucket, versioning))
        .await?;
    Ok(S3Response::new(PutBucketVersioningOutput::default()))
}

/// `GetBucketPolicyStatus`: nothing here is ever public.
pub(super) async fn policy_status(
    store: &Arc<Store>,
    request: S3Request<GetBucketPolicyStatusInput>,
) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
    store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Ok(S3Response::new(GetBucketPolicyStatusOutput {
        policy_status: Some(s3s::dto::PolicyStatus {
            is_public: Some(false),
        }),
    }))
}

/// `GetObjectLockConfiguration`: object lock is not offered.
pub(super) async fn object_lock(
    store: &Arc<Store>,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> S3Result<S3Response<GetObjectLockConfigurationOutput>> {
    store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Err(custom(
        "ObjectLockConfigurationNotFoundError",
        http::StatusCode::NOT_FOUND,
        "Object Lock configuration does not exist for this bucket",
    ))
}

/// `GetBucketLogging`: there is none.
pub(super) async fn logging(
    store: &Arc<Store>,
    request: S3Request<GetBucketLoggingInput>,
) -> S3Result<S3Response<GetBucketLoggingOutput>> {
    store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Ok(S3Response::new(GetBucketLoggingOutput::default()))
}

/// `GetBucketReplication`: there is none.
pub(super) async fn replication(
    store: &Arc<Store>,
    request: S3Request<GetBucketReplicationInput>,
) -> S3Result<S3Response<GetBucketReplicationOutput>> {
    store
        .read(move |connection| buckets::bucket(connection, &request.input.bucket))
        .await?;
    Err(custom(
        "ReplicationConfigurationNotFoundError",
        http::StatusCode::NOT_FOUND,
        "The replication configuration was not found",
    ))
}
