//! Where a list goes on: opaque to clients, and signed, so that it means what we wrote or nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use shared::keys::Owner;

/// Bytes of the signature that are kept.
const TAG_BYTES: usize = 16;

/// The key that cursors are signed with.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// A key of any length, the longer the better.
    #[must_use]
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(key.into())
    }

    /// Signs a place in an owner's list, under filters.
    fn sign(&self, owner: &Owner, filters: &str, place: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in ["cursor", owner.as_str(), filters, place] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }

    /// Writes a cursor.
    pub(crate) fn write(&self, owner: &Owner, filters: &str, place: &str) -> String {
        let tag = self
            .sign(owner, filters, place)
            .map(|mac| mac.finalize().into_bytes());
        let mut bytes: Vec<u8> = tag.iter().flatten().copied().take(TAG_BYTES).collect();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor back; nothing if it is none, or was handed out to another owner or for other filters.
    pub(crate) fn read(&self, owner: &Owner, filters: &str, cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES)?;
        let place = std::str::from_utf8(place).ok()?;
        self.sign(owner, filters, place)?
            .verify_truncated_left(tag)
            .ok()?;
        Some(place.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_one_list_only() {
        let key = SigningKey::new("k");
        let [alice, bob] = ["alice", "bob"].map(|name| Owner::new(name).unwrap());
        let cursor = key.write(&alice, "kind=tables", "2026#X");
        assert_eq!(
            key.read(&alice, "kind=tables", &cursor).as_deref(),
            Some("2026#X")
        );
        assert_eq!(key.read(&bob, "kind=tables", &cursor), None);
        assert_eq!(key.read(&alice, "", &cursor), None);
        assert_eq!(
            SigningKey::new("other").read(&alice, "kind=tables", &cursor),
            None
        );
        for broken in ["", "AAAA", "!", &cursor[1..], &format!("{cursor}AAAA")] {
            assert_eq!(key.read(&alice, "kind=tables", broken), None, "{broken}");
        }
    }
}
