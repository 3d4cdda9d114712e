//! What a delivery is signed with.
//!
//! Source: Standard Webhooks 1.0.0, "Signature scheme" (symmetric).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What a secret begins with where people see it.
const PREFIX: &str = "whsec_";
/// Bytes of the secrets that we make; the specification wants 24 to 64.
const SECRET_BYTES: usize = 32;
/// The block of SHA-256, and the longest secret that the specification allows.
const BLOCK_BYTES: usize = 64;

/// An endpoint's signing secret: 24 to 64 bytes. Prints as nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Secret(Vec<u8>);

/// A text that is no secret. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is whsec_ and 24 to 64 bytes in base 64")]
pub struct InvalidSecret;

/// The system gave no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes: {0}")]
pub struct NoRandomness(String);

impl Secret {
    /// A new secret of 32 bytes from the system's randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = vec![0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// The secret in the form that receivers configure: `whsec_` and base 64.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The value of `webhook-signature` for a delivery: `v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base 64.
    ///
    /// `id` is what `webhook-id` says and holds no full stop; `timestamp`, in seconds since 1970, what
    /// `webhook-timestamp` says.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        // HMAC fills a key up to the block with zeros (RFC 2104, section 2), so a filled key is the same key.
        let mut key = [0; BLOCK_BYTES];
        for (to, from) in key.iter_mut().zip(&self.0) {
            *to = *from;
        }
        let signature = Hmac::<Sha256>::new(&key.into())
            .chain_update(format!("{id}.{timestamp}."))
            .chain_update(body)
            .finalize();
        format!("v1,{}", STANDARD.encode(signature.into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        secret.reveal()
    }
}

impl TryFrom<String> for Secret {
    type Error = InvalidSecret;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidSecret)?;
        (24..=BLOCK_BYTES)
            .contains(&bytes.len())
            .then_some(Self(bytes))
            .ok_or(InvalidSecret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Result<Secret, InvalidSecret> {
        Secret::try_from(text.to_owned())
    }

    /// Signatures by the Python library `standardwebhooks` 1.1.0: `Webhook(secret).sign(id, time, body)`.
    #[test]
    fn signatures_are_those_of_an_independent_library() {
        let longest = format!("whsec_{}", STANDARD.encode([7; 64]));
        for (key, id, timestamp, body, signature) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "01ARZ3NDEKTSV4RRFFQ69G5FAV_1_done",
                1_795_237_200,
                r#"{"type":"file.done","name":"ü 🚢.csv"}"#,
                "v1,VB9dZPIxCY7hO8IKgXYdAzpv4ECq9QrmUcEF85kbveg=",
            ),
            (
                &longest,
                "x",
                0,
                "",
                "v1,+3SAcqC1u425LrqJ45DKwcBTN0t/c735kEvb7J4xxcA=",
            ),
        ] {
            let signed = secret(key).unwrap().sign(id, timestamp, body.as_bytes());
            assert_eq!(signed, signature, "{id}");
        }
    }

    #[test]
    fn each_part_of_a_delivery_is_signed() {
        let key = Secret::generate().unwrap();
        let signed = key.sign("a", 12, b"{}");
        assert_eq!(signed, key.sign("a", 12, b"{}"));
        for other in [
            key.sign("b", 12, b"{}"),
            key.sign("a", 13, b"{}"),
            key.sign("a", 12, b"{} "),
        ] {
            assert_ne!(signed, other);
        }
        assert_ne!(signed, Secret::generate().unwrap().sign("a", 12, b"{}"));
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for (bytes, ok) in [
            (0, false),
            (23, false),
            (24, true),
            (32, true),
            (64, true),
            (65, false),
        ] {
            let text = format!("{PREFIX}{}", STANDARD.encode(vec![9; bytes]));
            assert_eq!(
                secret(&text).map(|secret| secret.reveal()).ok(),
                ok.then_some(text),
                "{bytes}"
            );
        }
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
            assert_eq!(secret(text), Err(InvalidSecret), "{text}");
        }
        assert_eq!(Secret::generate().unwrap().0.len(), SECRET_BYTES);
    }
}
