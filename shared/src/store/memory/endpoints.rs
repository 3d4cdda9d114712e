//! Endpoints in memory: what the DynamoDB store promises, without it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::lock;
use crate::{
    keys::Owner,
    store::{
        StoreError, StoreErrorKind,
        endpoints::{Endpoints, Registered},
    },
    webhook::{Endpoint, EndpointId, MAX_ENDPOINTS},
};

type Shelves = BTreeMap<Owner, BTreeMap<EndpointId, Endpoint>>;

/// Endpoints in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryEndpoints {
    shelves: Arc<Mutex<Shelves>>,
}

impl Endpoints for MemoryEndpoints {
    async fn register(&self, owner: &Owner, endpoint: &Endpoint) -> Result<Registered, StoreError> {
        let mut all = lock(&self.shelves);
        let of_owner = all.entry(owner.clone()).or_default();
        if of_owner.contains_key(&endpoint.id) {
            let message = "there is an endpoint of this id already";
            return Err(StoreError::new(
                StoreErrorKind::Changed,
                "register",
                endpoint.id,
                message,
            ));
        }
        if of_owner.len() >= MAX_ENDPOINTS {
            return Ok(Registered::Full);
        }
        of_owner.insert(endpoint.id, endpoint.clone());
        Ok(Registered::Yes)
    }

    async fn endpoints(&self, owner: &Owner) -> Result<Vec<Endpoint>, StoreError> {
        let all = lock(&self.shelves);
        Ok(all
            .get(owner)
            .map(|of_owner| of_owner.values().cloned().collect())
            .unwrap_or_default())
    }

    async fn endpoint(&self, owner: &Owner, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        Ok(lock(&self.shelves)
            .get(owner)
            .and_then(|of_owner| of_owner.get(&id))
            .cloned())
    }

    async fn unregister(&self, owner: &Owner, id: EndpointId) -> Result<bool, StoreError> {
        let mut all = lock(&self.shelves);
        Ok(all
            .get_mut(owner)
            .is_some_and(|of_owner| of_owner.remove(&id).is_some()))
    }
}
