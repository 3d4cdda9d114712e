//! Objects in memory.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::stream;
use sha2::{Digest, Sha256};

use super::{
    super::{ByteStream, Location, ObjectHead, Objects, StoreError, StoreErrorKind, UploadedPart},
    lock,
};

fn tag(body: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(body)
        .iter()
        .take(16)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[derive(Debug, Clone)]
struct Object {
    body: Bytes,
    content_type: String,
}

#[derive(Debug)]
struct Upload {
    at: Location,
    content_type: String,
    parts: BTreeMap<u16, Bytes>,
}

#[derive(Debug, Default)]
struct Shelves {
    objects: BTreeMap<Location, Object>,
    uploads: HashMap<String, Upload>,
    started: u64,
}

/// Objects in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects {
    shelves: Arc<Mutex<Shelves>>,
}

impl MemoryObjects {
    /// How many multipart uploads have neither been completed nor aborted.
    #[must_use]
    pub fn unfinished_uploads(&self) -> usize {
        lock(&self.shelves).uploads.len()
    }

    /// The entity tag of an object, as an event about it would say.
    #[must_use]
    pub fn etag(&self, at: &Location) -> Option<String> {
        lock(&self.shelves)
            .objects
            .get(at)
            .map(|object| tag(&object.body))
    }
}

impl Objects for MemoryObjects {
    async fn get(
        &self,
        at: &Location,
        etag: &str,
        range: Option<Range<u64>>,
    ) -> Result<(ObjectHead, ByteStream), StoreError> {
        let error = |kind, message: &str| StoreError::new(kind, "get", at, message);
        let Object { body, content_type } = lock(&self.shelves)
            .objects
            .get(at)
            .cloned()
            .ok_or_else(|| error(StoreErrorKind::NotFound, "no such object"))?;
        if tag(&body) != etag {
            return Err(error(StoreErrorKind::Changed, "the entity tag differs"));
        }
        let size_bytes = body.len() as u64;
        let head = ObjectHead {
            size_bytes,
            etag: etag.to_owned(),
            content_type: Some(content_type),
            metadata: BTreeMap::default(),
        };
        let body = match range {
            None => body,
            Some(range) if range.start < size_bytes && range.start < range.end => {
                let at = |offset: u64| usize::try_from(offset.min(size_bytes)).unwrap_or(usize::MAX);
                body.slice(at(range.start)..at(range.end))
            }
            Some(_) => return Err(error(StoreErrorKind::Refused, "the range holds no byte")),
        };
        Ok((head, Box::pin(stream::iter([Ok(body)]))))
    }

    async fn find(&self, at: &Location) -> Result<Option<(ObjectHead, ByteStream)>, StoreError> {
        match self.etag(at) {
            Some(etag) => self.get(at, &etag, None).await.map(Some),
            None => Ok(None),
        }
    }

    async fn put(&self, at: &Location, content_type: &str, body: Bytes) -> Result<(), StoreError> {
        let object = Object {
            body,
            content_type: content_type.to_owned(),
        };
        lock(&self.shelves).objects.insert(at.clone(), object);
        Ok(())
    }

    async fn start_upload(&self, at: &Location, content_type: &str) -> Result<String, StoreError> {
        let mut shelves = lock(&self.shelves);
        shelves.started += 1;
        let id = shelves.started.to_string();
        let content_type = content_type.to_owned();
        shelves.uploads.insert(
            id.clone(),
            Upload {
                at: at.clone(),
                content_type,
                parts: BTreeMap::new(),
            },
        );
        Ok(id)
    }

    async fn upload_part(
        &self,
        at: &Location,
        upload: &str,
        number: u16,
        body: Bytes,
    ) -> Result<UploadedPart, StoreError> {
        let mut shelves = lock(&self.shelves);
        let upload = shelves
            .uploads
            .get_mut(upload)
            .filter(|upload| upload.at == *at)
            .ok_or_else(|| StoreError::new(StoreErrorKind::NotFound, "upload_part", at, "no such upload"))?;
        let etag = tag(&body);
        upload.parts.insert(number, body);
        Ok(UploadedPart {
            number,
            checksum: etag.clone(),
            etag,
        })
    }

    async fn complete_upload(
        &self,
        at: &Location,
        upload: &str,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError> {
        let error = |kind, message: &str| StoreError::new(kind, "complete_upload", at, message);
        let mut shelves = lock(&self.shelves);
        let taken = shelves
            .uploads
            .get(upload)
            .filter(|upload| upload.at == *at)
            .ok_or_else(|| error(StoreErrorKind::NotFound, "no such upload"))?;
        let mut body = Vec::new();
        for part in parts {
            let bytes = taken
                .parts
                .get(&part.number)
                .filter(|bytes| tag(bytes) == part.etag)
                .ok_or_else(|| error(StoreErrorKind::Refused, "a part is missing or differs"))?;
            body.extend_from_slice(bytes);
        }
        let object = Object {
            body: body.into(),
            content_type: taken.content_type.clone(),
        };
        shelves.objects.insert(at.clone(), object);
        shelves.uploads.remove(upload);
        Ok(())
    }

    async fn abort_upload(&self, _: &Location, upload: &str) -> Result<(), StoreError> {
        lock(&self.shelves).uploads.remove(upload);
        Ok(())
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        lock(&self.shelves).objects.remove(at);
        Ok(())
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let shelves = lock(&self.shelves);
        let under = |at: &&Location| at.bucket == bucket && at.key.starts_with(prefix);
        Ok(shelves
            .objects
            .keys()
            .filter(under)
            .map(|at| at.key.clone())
            .collect())
    }
}
