//! Where owners' webhook endpoints are kept.

use super::StoreError;
use crate::{
    keys::Owner,
    webhook::{Endpoint, EndpointId},
};

/// What became of a new endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is kept.
    Yes,
    /// The owner has [`MAX_ENDPOINTS`](crate::webhook::MAX_ENDPOINTS) already.
    Full,
}

/// A store of endpoints. Each is looked up under its owner, never alone.
pub trait Endpoints: Clone + Send + Sync + 'static {
    /// Keeps a new endpoint, unless the owner has as many as there may be: of two that are registered at the same
    /// time, only one can be the last.
    ///
    /// # Errors
    /// [`StoreErrorKind::Changed`](super::StoreErrorKind::Changed) if the owner has one of that id already.
    fn register(
        &self,
        owner: &Owner,
        endpoint: &Endpoint,
    ) -> impl Future<Output = Result<Registered, StoreError>> + Send;

    /// All of an owner's endpoints, the oldest first, with all changes that were acknowledged before.
    fn endpoints(&self, owner: &Owner) -> impl Future<Output = Result<Vec<Endpoint>, StoreError>> + Send;

    /// One of an owner's endpoints.
    fn endpoint(
        &self,
        owner: &Owner,
        id: EndpointId,
    ) -> impl Future<Output = Result<Option<Endpoint>, StoreError>> + Send;

    /// Deletes one of an owner's endpoints; says whether there was one.
    fn unregister(
        &self,
        owner: &Owner,
        id: EndpointId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
