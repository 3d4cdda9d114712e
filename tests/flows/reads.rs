//! Reads that break off: taken up at the byte where they broke.

use serde_json::json;
use shared::store::Location;
use tests::{Proxy, Seen, Stage, csv};

#[tokio::test]
async fn a_read_that_breaks_off_goes_on_where_it_broke() {
    let proxy = Proxy::start().await;
    let drop_owner = "          DROP_OWNER: !Ref DropOwner\n";
    let through = format!("{drop_owner}          AWS_ENDPOINT_URL: {}\n", proxy.url);
    let stage = Stage::with(&[(drop_owner, &through)]).await;
    proxy.forward_to(stage.stack.aws_endpoint());

    let small = csv(20_000);
    proxy.cut(2, 100_000);
    stage
        .put(
            &Location::new(stage.uploads(), "tables/alice/whole.csv"),
            small.clone(),
        )
        .await;
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(1)),
        "{file}"
    );
    assert_eq!(file["report"]["rows_written"], 20_000);
    assert_eq!(proxy.cuts_made(), 2);
    let reads: Vec<_> = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "GET")
        .collect();
    assert_eq!((reads.len(), reads[0].range.as_deref()), (3, None), "{reads:?}");
    assert!(
        reads.iter().all(|read| read.if_match.is_some()),
        "each read is pinned: {reads:?}"
    );
    // What has arrived is not asked for again; bytes in flight when the connection broke are.
    let start_of = |read: &Seen| -> usize {
        let (start, end) = read
            .range
            .as_deref()
            .unwrap()
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        assert_eq!(end, (small.len() - 1).to_string());
        start.parse().unwrap()
    };
    let (second, third) = (start_of(&reads[1]), start_of(&reads[2]));
    assert!((1..=100_000).contains(&second), "{reads:?}");
    assert!((second + 1..=second + 100_000).contains(&third), "{reads:?}");

    proxy.cut(2, 1_000_000);
    stage
        .put(
            &Location::new(stage.uploads(), "tables/alice/ranges.csv"),
            csv(500_000),
        )
        .await;
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files?limit=1").await["files"][0];
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(1)),
        "{file}"
    );
    assert_eq!(file["report"]["rows_written"], 500_000);
    assert_eq!(proxy.cuts_made(), 4);
}
