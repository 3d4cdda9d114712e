//! `DeleteObject` and `DeleteObjects`.

use std::sync::Arc;

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::fault::{self, Fault};
use super::index::buckets;
use super::index::objects::{self, WriteCondition};
use super::put::origin;
use super::store::Store;

/// The most keys of one `DeleteObjects`.
const MAX_KEYS: usize = 1000;

/// `DeleteObject`.
pub(super) async fn delete_object(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let origin = origin(&request);
    let input = request.input;
    let condition = WriteCondition {
        if_match: input.if_match,
        if_none_match: None,
    };
    let deletion = store
        .write(move |change| {
            buckets::bucket(&change.transaction, &input.bucket)?;
            condition.check(&change.transaction, &input.bucket, &input.key)?;
            objects::delete(
                change,
                &origin,
                &input.bucket,
                &input.key,
                input.version_id.as_deref(),
            )
        })
        .await?;
    let output = DeleteObjectOutput {
        delete_marker: deletion.delete_marker.then_some(true),
        version_id: deletion.version_id,
        ..DeleteObjectOutput::default()
    };
    Ok(S3Response::new(output))
}

/// `DeleteObjects`: each key stands or falls for itself.
pub(super) async fn delete_objects(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let origin = origin(&request);
    let input = request.input;
    if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_KEYS {
        return Err(fault::s3(
            S3ErrorCode::MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let store = Arc::clone(store);
    let task = move || -> Result<_, Fault> {
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        store.write_blocking(|change| buckets::bucket(&change.transaction, &input.bucket))?;
        for object in input.delete.objects {
            let version_id = object.version_id.filter(|id| !id.is_empty());
            let condition = WriteCondition {
                if_match: object.e_tag.map(s3s::dto::ETagCondition::ETag),
                if_none_match: None,
            };
            let outcome = store.write_blocking(|change| {
                condition.check(&change.transaction, &input.bucket, &object.key)?;
                objects::delete(change, &origin, &input.bucket, &object.key, version_id.as_deref())
            });
            match outcome {
                Ok(deletion) => deleted.push(DeletedObject {
                    delete_marker: deletion.delete_marker.then_some(true),
                    // The id of a marker made, or of the marker that was removed.
                    delete_marker_version_id: deletion.version_id.filter(|_| deletion.delete_marker),
                    key: Some(object.key),
                    version_id,
                }),
                Err(fault) => {
                    let error = s3s::S3Error::from(fault);
                    errors.push(s3s::dto::Error {
                        code: Some(error.code().as_str().to_owned()),
                        message: error.message().map(str::to_owned),
                        key: Some(object.key),
                        version_id,
                    });
                }
            }
        }
        Ok((deleted, errors))
    };
    let (deleted, errors) = tokio::task::spawn_blocking(task).await.map_err(Fault::from)??;
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: Some(errors),
        ..DeleteObjectsOutput::default()
    }))
}
