//! Access control lists: kept and told. There is one account, so nothing is decided by them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>

use std::sync::Arc;

use s3s::dto::{
    AccessControlPolicy, GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput, GetObjectAclOutput, Grant,
    Grantee, PutBucketAclInput, PutBucketAclOutput, PutObjectAclInput, PutObjectAclOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::config;
use super::fault::{self, invalid_argument};
use super::get;
use super::index::objects;
use super::list::owner;
use super::model::GrantRow;
use super::store::Store;

const KIND: &str = "acl";
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// The grants a canned list adds to the owner's.
pub(super) fn canned(name: Option<&str>) -> S3Result<Vec<GrantRow>> {
    let group = |uri: &str, permission: &str| GrantRow {
        grantee_type: "Group".to_owned(),
        grantee: uri.to_owned(),
        permission: permission.to_owned(),
    };
    Ok(match name {
        None | Some("private" | "bucket-owner-read" | "bucket-owner-full-control" | "aws-exec-read") => {
            Vec::new()
        }
        Some("public-read") => vec![group(ALL_USERS, "READ")],
        Some("public-read-write") => vec![group(ALL_USERS, "READ"), group(ALL_USERS, "WRITE")],
        Some("authenticated-read") => vec![group(AUTHENTICATED_USERS, "READ")],
        Some("log-delivery-write") => vec![group(LOG_DELIVERY, "WRITE"), group(LOG_DELIVERY, "READ_ACP")],
        Some(_) => return Err(invalid_argument("The canned ACL you provided is not valid")),
    })
}

/// The grants of a request: a canned list, or one in the body.
fn requested(canned_name: Option<&str>, policy: Option<AccessControlPolicy>) -> S3Result<Vec<GrantRow>> {
    let Some(policy) = policy else {
        return canned(canned_name);
    };
    if canned_name.is_some() {
        return Err(fault::s3(
            S3ErrorCode::UnexpectedContent,
            "This request does not support content",
        ));
    }
    let malformed = || {
        fault::s3(
            S3ErrorCode::MalformedACLError,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let own = owner().id;
    let mut grants = Vec::new();
    for grant in policy.grants.unwrap_or_default() {
        let grantee = grant.grantee.ok_or_else(malformed)?;
        let permission = grant.permission.ok_or_else(malformed)?.as_str().to_owned();
        if grantee.id == own && permission == "FULL_CONTROL" {
            continue;
        }
        let name = grantee
            .id
            .or(grantee.uri)
            .or(grantee.email_address)
            .ok_or_else(malformed)?;
        let grantee_type = grantee.type_.as_str().to_owned();
        grants.push(GrantRow {
            grantee_type,
            grantee: name,
            permission,
        });
    }
    Ok(grants)
}

/// The grants as they are told: the owner's first.
fn told(grants: Vec<GrantRow>) -> Vec<Grant> {
    let owner = owner();
    let empty = |type_: &str| Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: type_.to_owned().into(),
        uri: None,
    };
    let own = Grant {
        grantee: Some(Grantee {
            display_name: owner.display_name,
            id: owner.id,
            ..empty("CanonicalUser")
        }),
        permission: Some("FULL_CONTROL".to_owned().into()),
    };
    let rest = grants.into_iter().map(|row| {
        let mut grantee = empty(&row.grantee_type);
        match row.grantee_type.as_str() {
            "Group" => grantee.uri = Some(row.grantee),
            "AmazonCustomerByEmail" => grantee.email_address = Some(row.grantee),
            _ => grantee.id = Some(row.grantee),
        }
        Grant {
            grantee: Some(grantee),
            permission: Some(row.permission.into()),
        }
    });
    std::iter::once(own).chain(rest).collect()
}

/// `GetBucketAcl`.
pub(super) async fn get_bucket(
    store: &Arc<Store>,
    request: S3Request<GetBucketAclInput>,
) -> S3Result<S3Response<GetBucketAclOutput>> {
    let grants: Vec<GrantRow> = config::load(store, request.input.bucket, KIND)
        .await?
        .unwrap_or_default();
    Ok(S3Response::new(GetBucketAclOutput {
        grants: Some(told(grants)),
        owner: Some(owner()),
    }))
}

/// `PutBucketAcl`.
pub(super) async fn put_bucket(
    store: &Arc<Store>,
    request: S3Request<PutBucketAclInput>,
) -> S3Result<S3Response<PutBucketAclOutput>> {
    let input = request.input;
    let canned = input.acl.as_ref().map(s3s::dto::BucketCannedACL::as_str);
    let grants = requested(canned, input.access_control_policy)?;
    config::save(store, input.bucket, KIND, Some(&grants)).await?;
    Ok(S3Response::new(PutBucketAclOutput::default()))
}

/// `GetObjectAcl`.
pub(super) async fn get_object(
    store: &Arc<Store>,
    request: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    let input = request.input;
    let (object, ..) = get::find(store, input.bucket, input.key, input.version_id).await?;
    Ok(S3Response::new(GetObjectAclOutput {
        grants: Some(told(object.attributes.grants)),
        owner: Some(owner()),
        ..GetObjectAclOutput::default()
    }))
}

/// `PutObjectAcl`.
pub(super) async fn put_object(
    store: &Arc<Store>,
    request: S3Request<PutObjectAclInput>,
) -> S3Result<S3Response<PutObjectAclOutput>> {
    let input = request.input;
    let canned = input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str);
    let grants = requested(canned, input.access_control_policy)?;
    store
        .write(move |change| {
            objects::set_grants(
                change,
                &input.bucket,
                &input.key,
                input.version_id.as_deref(),
                grants,
            )
        })
        .await?;
    Ok(S3Response::new(PutObjectAclOutput::default()))
}
