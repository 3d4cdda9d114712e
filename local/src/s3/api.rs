//! The operations that are offered: each one's name at `s3s`, and the function that does it.

use std::sync::Arc;

use s3s::dto;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::store::Store;
use super::{acl, buckets, config, copy, delete, get, list, multipart, put, tagging};

/// `s3s` parses requests, calls this and writes the answers.
pub(super) struct Api(pub(super) Arc<Store>);

macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $function:path;)*) => {
        #[async_trait::async_trait]
        impl S3 for Api {
            $(async fn $name(
                &self,
                request: S3Request<dto::$input>,
            ) -> S3Result<S3Response<dto::$output>> {
                $function(&self.0, request).await
            })*
        }
    };
}

operations! {
    put_object(PutObjectInput) -> PutObjectOutput = put::put_object;
    get_object(GetObjectInput) -> GetObjectOutput = get::get_object;
    head_object(HeadObjectInput) -> HeadObjectOutput = get::head_object;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = get::get_object_attributes;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy::copy_object;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete::delete_object;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete::delete_objects;

    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = tagging::get;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = tagging::put;
    delete_object_tagging(DeleteObjectTaggingInput) -> DeleteObjectTaggingOutput = tagging::delete;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput = acl::get_object;
    put_object_acl(PutObjectAclInput) -> PutObjectAclOutput = acl::put_object;

    list_objects(ListObjectsInput) -> ListObjectsOutput = list::list_objects;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list::list_objects_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list::list_object_versions;

    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::upload_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = copy::upload_part_copy;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput
        = multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput
        = list::list_multipart_uploads;
    list_parts(ListPartsInput) -> ListPartsOutput = list::list_parts;

    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = buckets::versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = buckets::put_versioning;
    get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput
        = buckets::policy_status;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput
        = buckets::object_lock;
    get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput = buckets::logging;
    get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput = buckets::replication;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput = acl::get_bucket;
    put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput = acl::put_bucket;

    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput = config::cors::get;
    put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput = config::cors::put;
    delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput = config::cors::delete;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput = config::lifecycle::get;
    put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput)
        -> PutBucketLifecycleConfigurationOutput = config::lifecycle::put;
    delete_bucket_lifecycle(DeleteBucketLifecycleInput) -> DeleteBucketLifecycleOutput
        = config::lifecycle::delete;
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput = config::notification::get;
    put_bucket_notification_configuration(PutBucketNotificationConfigurationInput)
        -> PutBucketNotificationConfigurationOutput = config::notification::put;
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = config::policy::get;
    put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput = config::policy::put;
    delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput = config::policy::delete;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = config::encryption::get;
    put_bucket_encryption(PutBucketEncryptionInput) -> PutBucketEncryptionOutput = config::encryption::put;
    delete_bucket_encryption(DeleteBucketEncryptionInput) -> DeleteBucketEncryptionOutput
        = config::encryption::delete;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput
        = config::public_access_block::get;
    put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput
        = config::public_access_block::put;
    delete_public_access_block(DeletePublicAccessBlockInput) -> DeletePublicAccessBlockOutput
        = config::public_access_block::delete;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput
        = config::ownership_controls::get;
    put_bucket_ownership_controls(PutBucketOwnershipControlsInput) -> PutBucketOwnershipControlsOutput
        = config::ownership_controls::put;
    delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput = config::ownership_controls::delete;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = config::tags::get;
    put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput = config::tags::put;
    delete_bucket_tagging(DeleteBucketTaggingInput) -> DeleteBucketTaggingOutput = config::tags::delete;
    get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput = config::website::get;
    put_bucket_website(PutBucketWebsiteInput) -> PutBucketWebsiteOutput = config::website::put;
    delete_bucket_website(DeleteBucketWebsiteInput) -> DeleteBucketWebsiteOutput = config::website::delete;
    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput)
        -> GetBucketAccelerateConfigurationOutput = config::accelerate::get;
    put_bucket_accelerate_configuration(PutBucketAccelerateConfigurationInput)
        -> PutBucketAccelerateConfigurationOutput = config::accelerate::put;
    get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput
        = config::request_payment::get;
    put_bucket_request_payment(PutBucketRequestPaymentInput) -> PutBucketRequestPaymentOutput
        = config::request_payment::put;
}
