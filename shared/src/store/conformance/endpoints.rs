//! What every store of webhook endpoints must do.

use crate::{
    keys::{FileId, Owner},
    store::{
        StoreErrorKind,
        endpoints::{Endpoints, Registered},
    },
    time::UnixMillis,
    webhook::{Endpoint, EndpointId, MAX_ENDPOINTS, Secret},
};

fn fresh_owner() -> Owner {
    Owner::new(format!("auth0|{}", FileId::generate(UnixMillis::now()))).unwrap()
}

fn endpoint(created_at: u64) -> Endpoint {
    let created_at = UnixMillis::new(created_at);
    Endpoint {
        id: EndpointId::generate(created_at),
        url: format!("https://example.com/{created_at}?ü"),
        secret: Secret::generate().unwrap(),
        created_at,
    }
}

/// Runs the suite for stores of endpoints.
pub async fn endpoints<E: Endpoints>(store: &E) {
    kept_and_deleted(store).await;
    kept_apart(store).await;
    limited(store).await;
    limited_at_the_same_time(store).await;
}

async fn kept_and_deleted<E: Endpoints>(store: &E) {
    let owner = fresh_owner();
    assert_eq!(store.endpoints(&owner).await.unwrap(), []);
    // The latest time that an id can hold sorts last; the earliest first.
    let all = [endpoint(0), endpoint(1_795_237_200_000), endpoint(u64::MAX)];
    for index in [1, 2, 0] {
        let new = all.get(index).unwrap();
        assert_eq!(store.register(&owner, new).await.unwrap(), Registered::Yes);
    }
    assert_eq!(store.endpoints(&owner).await.unwrap(), all, "the oldest first");
    let [first, second, third] = all;
    assert_eq!(
        store.endpoint(&owner, second.id).await.unwrap().as_ref(),
        Some(&second)
    );
    let error = store.register(&owner, &second).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Changed, "{error}");

    assert!(store.unregister(&owner, second.id).await.unwrap());
    assert!(!store.unregister(&owner, second.id).await.unwrap(), "it is gone");
    assert_eq!(store.endpoint(&owner, second.id).await.unwrap(), None);
    assert_eq!(store.endpoints(&owner).await.unwrap(), [first, third]);
}

async fn kept_apart<E: Endpoints>(store: &E) {
    let (alice, bob, new) = (fresh_owner(), fresh_owner(), endpoint(5));
    store.register(&alice, &new).await.unwrap();
    assert_eq!(store.endpoint(&bob, new.id).await.unwrap(), None);
    assert_eq!(store.endpoints(&bob).await.unwrap(), []);
    assert!(!store.unregister(&bob, new.id).await.unwrap());
    assert_eq!(store.endpoints(&alice).await.unwrap(), [new]);
}

async fn limited<E: Endpoints>(store: &E) {
    let owner = fresh_owner();
    let mut ids = Vec::new();
    for time in 1..=MAX_ENDPOINTS {
        let new = endpoint(time as u64);
        assert_eq!(store.register(&owner, &new).await.unwrap(), Registered::Yes);
        ids.push(new.id);
    }
    assert_eq!(
        store.register(&owner, &endpoint(9)).await.unwrap(),
        Registered::Full
    );
    assert_eq!(store.endpoints(&owner).await.unwrap().len(), MAX_ENDPOINTS);
    // What is deleted twice makes room once.
    let id = ids.pop().unwrap();
    assert!(store.unregister(&owner, id).await.unwrap());
    assert!(!store.unregister(&owner, id).await.unwrap());
    assert_eq!(
        store.register(&owner, &endpoint(10)).await.unwrap(),
        Registered::Yes
    );
    assert_eq!(
        store.register(&owner, &endpoint(11)).await.unwrap(),
        Registered::Full
    );
}

async fn limited_at_the_same_time<E: Endpoints>(store: &E) {
    let owner = fresh_owner();
    let register = async |time| store.register(&owner, &endpoint(time)).await;
    let results = futures::future::join_all((1..=2 * MAX_ENDPOINTS as u64).map(register)).await;
    let registered = |result: &&Result<Registered, _>| matches!(result, Ok(Registered::Yes));
    let kept = results.iter().filter(registered).count();
    assert!(kept <= MAX_ENDPOINTS, "{kept} endpoints of one owner");
    assert_eq!(store.endpoints(&owner).await.unwrap().len(), kept);
    for result in results {
        if let Err(error) = result {
            assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
        }
    }
}
