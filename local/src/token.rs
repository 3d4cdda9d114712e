//! The local issuer of tokens: a key of its own, the documents that describe it, and tokens for development.
//!
//! API Gateway's JWT authorizers take RSA signatures only, so the key is an RSA key. It is made once and kept
//! in the data folder; nothing outside this machine trusts it.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

use crate::private_file;

const KEY_FILE: &str = "issuer-key.der";
const KEY_BITS: usize = 2048;

/// The path of the issuer on the API port.
pub(crate) const ISSUER_PATH: &str = "/.local/issuer";
/// What local tokens name as their audience.
pub(crate) const AUDIENCE: &str = "longshore-local";

/// The key of the local issuer.
pub struct Issuer {
    signing: EncodingKey,
    verifying: DecodingKey,
    key_id: String,
    modulus: String,
    exponent: String,
}

impl Issuer {
    /// Reads the key of that data folder, or makes it. Takes a second the first time: call it where blocking
    /// is allowed.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(KEY_FILE);
        let key = match std::fs::read(&path) {
            Ok(der) => RsaPrivateKey::from_pkcs1_der(&der)
                .with_context(|| format!("{} is no RSA key: delete it to get a new one", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(&path)?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let der = key.to_pkcs1_der().context("cannot encode the issuer's key")?;
        let (modulus, exponent) = (key.n().to_bytes_be(), key.e().to_bytes_be());
        let key_id: String = URL_SAFE_NO_PAD.encode(&modulus).chars().take(16).collect();
        Ok(Self {
            signing: EncodingKey::from_rsa_der(der.as_bytes()),
            verifying: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
            key_id,
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
        })
    }

    /// The public key that tokens are verified with.
    pub(crate) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs any claims: the tests' way to tokens that must be refused.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).context("cannot sign the token")
    }

    /// `/.well-known/jwks.json`.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id, "n": self.modulus, "e": self.exponent,
        }] })
    }
}

/// `/.well-known/openid-configuration` of an issuer.
pub(crate) fn openid_configuration(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    })
}

fn make_key(path: &Path) -> Result<RsaPrivateKey> {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS).context("cannot make an RSA key")?;
    let der = key.to_pkcs1_der().context("cannot encode the issuer's key")?;
    private_file::write(path, der.as_bytes())?;
    Ok(key)
}
