//! The conformance suite over S3 and DynamoDB.

use shared::store::{Location, conformance, dynamodb::DynamoCatalogue, s3::S3Objects};
use tests::Stage;

#[tokio::test]
async fn s3_conforms() {
    let stage = Stage::new().await;
    let etag_of = async |at: Location| {
        let head = stage
            .s3
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .unwrap();
        head.e_tag().unwrap().trim_matches('"').to_owned()
    };
    conformance::objects(&S3Objects::new(stage.s3.clone()), stage.results(), &etag_of).await;
}

#[tokio::test]
async fn dynamodb_conforms() {
    let stage = Stage::new().await;
    let store = DynamoCatalogue::new(stage.dynamodb.clone(), stage.table());
    conformance::catalogue(&store).await;
    conformance::lifecycle(&store).await;
    Box::pin(conformance::histories(&store)).await;
    conformance::ledger(&store).await;
    conformance::endpoints(&store).await;
}
