//! S3 and DynamoDB as parts of the stack: opened with what the template says of buckets and tables.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    dynamodb,
    s3::{self, dto},
    serve::{self, BoxError, Handler},
    stack::StoreContext,
    template::{Bucket, REGION, Table},
};

/// The servers of S3 and DynamoDB.
pub(crate) struct Stores {
    pub(crate) s3: Handler,
    pub(crate) dynamodb: Handler,
    /// For those who read its streams.
    pub(crate) tables: dynamodb::Server,
}

/// Opens both in the stack's folder, with the template's buckets and tables there. What goes on in the
/// background goes on in `tasks`.
pub(crate) async fn open(context: &StoreContext<'_>, tasks: &mut JoinSet<()>) -> Result<Stores> {
    let options = s3::Options {
        data_dir: Some(context.folder.join("s3")),
        credentials: vec![context.credentials.clone()],
        region: REGION.to_owned(),
        domain: "localhost".to_owned(),
    };
    let on_object = Arc::clone(&context.on_object);
    let objects = tokio::task::spawn_blocking(move || s3::Server::open(options, on_object)).await??;
    for bucket in &context.template.buckets {
        objects
            .ensure_bucket(&bucket.name, settings(bucket))
            .await
            .with_context(|| bucket.name.clone())?;
    }

    let on_write = Arc::clone(&context.on_write);
    let file = context.folder.join("dynamodb.sqlite");
    let definitions: Vec<_> = context.template.tables.iter().map(definition).collect();
    let tables = tokio::task::spawn_blocking(move || -> Result<_> {
        let tables = dynamodb::Server::open(Some(file))?.tell_of_writes(move || on_write());
        for definition in definitions {
            tables.ensure_table(&definition)?;
        }
        Ok(tables)
    });
    let tables = tables.await??;
    let sweeper = tables.clone();
    tasks.spawn(async move { sweeper.sweep_expired().await });

    let s3 = serve::handler(move |request| {
        let objects = objects.clone();
        async move {
            let request = request.map(|body| body.map_err(BodyError).boxed_unsync());
            objects
                .handle(request)
                .await
                .map(|body| body.map_err(BoxError::from).boxed_unsync())
        }
    });
    let handler = tables.clone();
    let dynamodb = serve::handler(move |request| {
        let tables = handler.clone();
        async move {
            let request = request.map(|body| body.map_err(BodyError).boxed_unsync());
            tables
                .handle(request)
                .await
                .map(|body| body.map_err(BoxError::from).boxed_unsync())
        }
    });
    Ok(Stores { s3, dynamodb, tables })
}

/// A body that broke off, as an error with a type of its own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct BodyError(BoxError);

fn settings(bucket: &Bucket) -> s3::BucketSettings {
    let rules = bucket
        .cors
        .as_ref()
        .and_then(|cors| cors.get("CorsRules"))
        .and_then(Value::as_array);
    let cors = rules.map(|rules| dto::CORSConfiguration {
        cors_rules: rules.iter().map(cors_rule).collect(),
    });
    s3::BucketSettings {
        cors,
        versioning: bucket.versioned.then_some(true),
        ..s3::BucketSettings::default()
    }
}

/// A rule in CloudFormation's spelling (`AWS::S3::Bucket CorsRule`) as the API's.
fn cors_rule(rule: &Value) -> dto::CORSRule {
    let list = |name: &str| -> Option<Vec<String>> {
        let items = rule.get(name)?.as_array()?;
        Some(
            items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
        )
    };
    let seconds = rule
        .get("MaxAge")
        .and_then(|age| age.as_i64().or_else(|| age.as_str()?.parse().ok()));
    dto::CORSRule {
        allowed_headers: list("AllowedHeaders"),
        allowed_methods: list("AllowedMethods").unwrap_or_default(),
        allowed_origins: list("AllowedOrigins").unwrap_or_default(),
        expose_headers: list("ExposedHeaders"),
        id: rule.get("Id").and_then(Value::as_str).map(str::to_owned),
        max_age_seconds: seconds.and_then(|seconds| i32::try_from(seconds).ok()),
    }
}

fn definition(table: &Table) -> Value {
    let mut definition = table.create_table.clone();
    if let (Some(definition), Some(ttl)) = (definition.as_object_mut(), &table.time_to_live) {
        let specification = json!({"AttributeName": ttl.attribute, "Enabled": true});
        definition.insert("TimeToLiveSpecification".to_owned(), specification);
    }
    definition
}
