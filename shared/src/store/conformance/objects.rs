//! What every store of objects must do.

use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt;

use crate::store::{Location, Objects, StoreErrorKind};

async fn bytes<O: Objects>(store: &O, at: &Location, etag: &str, range: Option<Range<u64>>) -> Vec<u8> {
    let (_, stream) = store.get(at, etag, range).await.unwrap();
    let chunks: Vec<Bytes> = stream.try_collect().await.unwrap();
    chunks.concat()
}

/// Runs the suite for stores of objects, under the prefix `conformance/` of an existing bucket. `etag_of` tells an
/// object's entity tag without quotes, as in life an event does.
pub async fn objects<O: Objects>(store: &O, bucket: &str, etag_of: &impl AsyncFn(Location) -> String) {
    small_objects(store, bucket, etag_of).await;
    pinned_reads(store, bucket, etag_of).await;
    multipart_uploads(store, bucket, etag_of).await;
    listings(store, bucket).await;
}

async fn small_objects<O: Objects>(store: &O, bucket: &str, etag_of: &impl AsyncFn(Location) -> String) {
    for key in ["small", "ü 🚢+%2F~", "a//b/../c", &"k".repeat(900)] {
        let at = Location::new(bucket, format!("conformance/{key}"));
        for body in [&b""[..], b"x", b"0123456789"] {
            store
                .put(&at, "text/x-test", Bytes::from_static(body))
                .await
                .unwrap();
            let etag = etag_of(at.clone()).await;
            let (head, _) = store.get(&at, &etag, None).await.unwrap();
            assert_eq!(
                (head.size_bytes, head.etag.as_str()),
                (body.len() as u64, etag.as_str()),
                "{at}"
            );
            assert_eq!(head.content_type.as_deref(), Some("text/x-test"), "{at}");
            assert_eq!(bytes(store, &at, &etag, None).await, body, "{at}");
            let (head, stream) = store.find(&at).await.unwrap().unwrap();
            assert_eq!((head.size_bytes, head.etag), (body.len() as u64, etag), "{at}");
            let found: Vec<Bytes> = stream.try_collect().await.unwrap();
            assert_eq!(found.concat(), body, "{at}");
        }
        let etag = etag_of(at.clone()).await;
        let (head, _) = store.get(&at, &etag, Some(2..5)).await.unwrap();
        assert_eq!(head.size_bytes, 10, "the head speaks of the whole object");
        assert_eq!(bytes(store, &at, &etag, Some(2..5)).await, b"234");
        assert_eq!(
            bytes(store, &at, &etag, Some(8..99)).await,
            b"89",
            "a range ends with the object"
        );
        store.delete(&at).await.unwrap();
        store.delete(&at).await.unwrap();
        assert_eq!(
            store.get(&at, &etag, None).await.err().unwrap().kind,
            StoreErrorKind::NotFound
        );
        assert!(store.find(&at).await.unwrap().is_none(), "{at}");
    }
}

async fn pinned_reads<O: Objects>(store: &O, bucket: &str, etag_of: &impl AsyncFn(Location) -> String) {
    let at = Location::new(bucket, "conformance/pinned");
    store
        .put(&at, "text/plain", Bytes::from_static(b"old"))
        .await
        .unwrap();
    let old = etag_of(at.clone()).await;
    store
        .put(&at, "text/plain", Bytes::from_static(b"new"))
        .await
        .unwrap();
    let new = etag_of(at.clone()).await;
    for range in [None, Some(0..2)] {
        let error = store.get(&at, &old, range).await.err().unwrap();
        assert_eq!(error.kind, StoreErrorKind::Changed);
        assert!(
            error.to_string().contains("conformance/pinned"),
            "{error} names the object"
        );
    }
    assert_eq!(bytes(store, &at, &new, None).await, b"new");
    store.delete(&at).await.unwrap();
}

async fn multipart_uploads<O: Objects>(store: &O, bucket: &str, etag_of: &impl AsyncFn(Location) -> String) {
    let at = Location::new(bucket, "conformance/large");
    let (first, second) = (Bytes::from(vec![b'a'; 5 << 20]), Bytes::from_static(b"the end"));
    let upload = store.start_upload(&at, "application/x-large").await.unwrap();
    // Parts may arrive in any order.
    let tail = store.upload_part(&at, &upload, 2, second.clone()).await.unwrap();
    let head = store.upload_part(&at, &upload, 1, first.clone()).await.unwrap();
    assert!(
        store.list(bucket, &at.key).await.unwrap().is_empty(),
        "nothing is visible before completion"
    );
    store.complete_upload(&at, &upload, &[head, tail]).await.unwrap();
    let etag = etag_of(at.clone()).await;
    let whole = bytes(store, &at, &etag, None).await;
    assert!(
        whole == [first, second].concat(),
        "{} bytes came back",
        whole.len()
    );
    assert_eq!(
        bytes(store, &at, &etag, Some((5 << 20) - 1..(5 << 20) + 3)).await,
        b"athe"
    );
    store.delete(&at).await.unwrap();

    let upload = store.start_upload(&at, "application/x-large").await.unwrap();
    let part = store
        .upload_part(&at, &upload, 1, Bytes::from_static(b"x"))
        .await
        .unwrap();
    store.abort_upload(&at, &upload).await.unwrap();
    store.abort_upload(&at, &upload).await.unwrap();
    let error = store.complete_upload(&at, &upload, &[part]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound);
    assert!(store.list(bucket, &at.key).await.unwrap().is_empty());
}

async fn listings<O: Objects>(store: &O, bucket: &str) {
    let keys = [
        "conformance/l/1/a",
        "conformance/l/1/b",
        "conformance/l/10/a",
        "conformance/l/2/a",
    ];
    for key in keys {
        store
            .put(&Location::new(bucket, key), "text/plain", Bytes::new())
            .await
            .unwrap();
    }
    assert_eq!(store.list(bucket, "conformance/l/").await.unwrap(), keys);
    assert_eq!(store.list(bucket, "conformance/l/1/").await.unwrap(), keys[..2]);
    assert!(store.list(bucket, "conformance/none").await.unwrap().is_empty());
    for key in keys {
        store.delete(&Location::new(bucket, key)).await.unwrap();
    }
}
