//! The JWT authorizer.
//! Reference: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>

use http::Request;
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value, json};

use crate::serve::Body;
use crate::template::JwtAuthorizer;
use crate::token::Issuer;

/// What becomes of a request.
pub(super) enum Verdict {
    /// Goes on, with `requestContext.authorizer.jwt`.
    Allowed(Value),
    /// 401; why, for the `www-authenticate` header. Empty when there was no token at all.
    Unauthorized(String),
    /// 403: a good token without any of the scopes.
    Forbidden,
}

/// The steps of the documentation, in their order: identity source, signature, then `kid`, `iss`, `aud` or
/// `client_id`, `exp`, `nbf`, `iat`, and at last the scopes.
pub(super) fn judge(
    authorizer: &JwtAuthorizer,
    scopes: &[String],
    issuer: &Issuer,
    request: &Request<Body>,
) -> Verdict {
    let Some(token) = identity(&authorizer.identity_source, request) else {
        return Verdict::Unauthorized(String::new());
    };
    let claims = match claims(&token, authorizer, issuer) {
        Ok(claims) => claims,
        Err(reason) => return Verdict::Unauthorized(reason),
    };
    if !scopes.is_empty() {
        let granted = ["scope", "scp"]
            .iter()
            .find_map(|name| claims.get(*name))
            .map(words)
            .unwrap_or_default();
        if !scopes.iter().any(|scope| granted.contains(scope)) {
            return Verdict::Forbidden;
        }
    }
    let texts: Map<String, Value> = claims
        .into_iter()
        .map(|(name, value)| (name, Value::String(claim_text(&value))))
        .collect();
    let scopes = if scopes.is_empty() {
        Value::Null
    } else {
        json!(scopes)
    };
    Verdict::Allowed(json!({ "claims": texts, "scopes": scopes }))
}

fn identity(source: &str, request: &Request<Body>) -> Option<String> {
    let text = if let Some(name) = source.strip_prefix("$request.header.") {
        request.headers().get(name)?.to_str().ok()?.to_owned()
    } else {
        let name = source.strip_prefix("$request.querystring.")?;
        super::event::query_pairs(request.uri().query().unwrap_or_default())
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))?
    };
    let text = text.trim();
    // The scheme may be there or not.
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    (!token.is_empty()).then(|| token.to_owned())
}

fn claims(token: &str, authorizer: &JwtAuthorizer, issuer: &Issuer) -> Result<Map<String, Value>, String> {
    // Only what API Gateway takes, and only what the local issuer signs with: never `none`, never a MAC keyed
    // with the public key.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let header = jsonwebtoken::decode_header(token).map_err(|_| "the token is malformed".to_owned())?;
    if header.alg != Algorithm::RS256 {
        return Err(format!("signing method {:?} is invalid", header.alg));
    }
    if header.kid.as_deref().is_some_and(|kid| kid != issuer.key_id()) {
        return Err("unable to find a key for the kid of the token".to_owned());
    }
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, issuer.verifying(), &validation);
    let claims = decoded.map_err(|_| "the signature is invalid".to_owned())?.claims;
    if claims.get("iss").and_then(Value::as_str) != Some(authorizer.issuer.as_str()) {
        return Err("the token has an invalid issuer".to_owned());
    }
    let audience = match claims.get("aud") {
        Some(audience) => words_whole(audience),
        None => claims.get("client_id").map(words_whole).unwrap_or_default(),
    };
    if !audience
        .iter()
        .any(|audience| authorizer.audience.contains(audience))
    {
        return Err("the token does not have a valid audience".to_owned());
    }
    let now = jiff::Timestamp::now().as_second();
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, and fractions of a second do not count"
            )]
            Some(seconds) => Ok(Some(seconds as i64)),
            None => Err(format!("the token's {name} is not a number")),
        },
    };
    match time("exp")? {
        Some(expires) if now < expires => {}
        Some(_) => return Err("the token has expired".to_owned()),
        None => return Err("the token does not expire".to_owned()),
    }
    if time("nbf")?.is_some_and(|from| now < from) {
        return Err("the token is not valid yet".to_owned());
    }
    if time("iat")?.is_some_and(|issued| now < issued) {
        return Err("the token was issued in the future".to_owned());
    }
    Ok(claims)
}

/// A list of texts, or one text with spaces between its words.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => words_whole(value),
    }
}

/// A list of texts, or one text.
fn words_whole(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// API Gateway hands claims on as texts; lists as `[a b]`.
fn claim_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(claim_text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}
