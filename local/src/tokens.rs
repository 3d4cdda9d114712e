//! Tokens for a stack: those that its API takes, and those that it must refuse.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::template::Template;
use crate::token::{AUDIENCE, Issuer};

/// What a token says. [`TokenTerms::for_owner`] is what the API takes; each field can be made wrong.
#[derive(Clone, Debug)]
pub struct TokenTerms {
    /// `sub`.
    pub owner: String,
    /// `scope`; empty for no such claim. When absent: every scope that a route of the template asks for.
    pub scopes: Option<Vec<String>>,
    /// `iss`; when absent the one that the template's authorizer trusts.
    pub issuer: Option<String>,
    /// `aud`; when absent the first one that the template's authorizer takes.
    pub audience: Option<String>,
    /// Seconds from now to `exp`; negative for a token that has expired.
    pub expires_in_seconds: i64,
    /// How it is signed.
    pub signing: Signing,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// With the key of the local issuer.
    Rs256,
    /// `alg: none`, and no signature.
    None,
    /// With the key of the local issuer, and one bit changed since.
    Broken,
}

impl TokenTerms {
    /// A token that the API takes for an hour, on every route.
    #[must_use]
    pub fn for_owner(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            scopes: None,
            issuer: None,
            audience: None,
            expires_in_seconds: 3600,
            signing: Signing::Rs256,
        }
    }

    /// `scopes` empty: every scope that a route asks for.
    pub(crate) fn good(owner: &str, scopes: &[String], ttl: Duration) -> Self {
        Self {
            scopes: (!scopes.is_empty()).then(|| scopes.to_vec()),
            expires_in_seconds: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX / 2),
            ..Self::for_owner(owner)
        }
    }
}

/// Every scope that a route asks for, or the authorizer for routes that ask for none.
fn all_scopes(template: &Template) -> Vec<String> {
    let apis = template.apis.iter();
    let scopes = apis.flat_map(|api| {
        let of_routes = api.routes.iter().filter_map(|route| route.scopes.as_ref());
        let of_authorizers = api.authorizers.values().map(|authorizer| &authorizer.scopes);
        of_routes.chain(of_authorizers).flatten().cloned()
    });
    scopes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Tokens name the issuer and audience that the template's authorizer trusts: the local ones, unless the
/// template or its user insists on others. The key is the local one either way.
pub(crate) fn mint(
    issuer: &Issuer,
    issuer_url: &str,
    template: &Template,
    terms: &TokenTerms,
) -> Result<String> {
    let authorizer = template.apis.iter().find_map(|api| {
        let default = api
            .default_authorizer
            .as_ref()
            .and_then(|name| api.authorizers.get(name));
        default.or_else(|| api.authorizers.values().next())
    });
    let trusted = authorizer.map_or(issuer_url, |authorizer| authorizer.issuer.as_str());
    let audience = authorizer.and_then(|authorizer| authorizer.audience.first());
    let now = Timestamp::now().as_second();
    // One that has expired was issued before it did.
    let made_at = now.min(now.saturating_add(terms.expires_in_seconds));
    let mut claims = json!({
        "iss": terms.issuer.as_deref().unwrap_or(trusted),
        "aud": terms.audience.as_deref().or(audience.map(String::as_str)).unwrap_or(AUDIENCE),
        "sub": terms.owner,
        "iat": made_at,
        "nbf": made_at,
        "exp": now.saturating_add(terms.expires_in_seconds),
        "jti": uuid::Uuid::new_v4().to_string(),
    });
    let scopes = terms.scopes.clone().unwrap_or_else(|| all_scopes(template));
    if let (false, Some(map)) = (scopes.is_empty(), claims.as_object_mut()) {
        map.insert("scope".to_owned(), Value::from(scopes.join(" ")));
    }
    match terms.signing {
        Signing::Rs256 => issuer.sign(&claims),
        Signing::None => Ok(unsigned(&claims)),
        Signing::Broken => {
            let token = issuer.sign(&claims)?;
            let (signed, signature) = token.rsplit_once('.').context("a token without a signature")?;
            let mut bytes = URL_SAFE_NO_PAD.decode(signature)?;
            if let Some(first) = bytes.first_mut() {
                *first ^= 1;
            }
            Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)))
        }
    }
}

fn unsigned(claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}
