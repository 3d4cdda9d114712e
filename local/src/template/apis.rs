//! `AWS::Serverless::HttpApi`: the stage, CORS, and the JWT authorizers.
//! Reference: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::attributes::api_id;
use super::properties::Properties;
use super::resolve::scalar_text;
use super::{Cors, HttpApi, JwtAuthorizer, TemplateError};

pub(super) fn read(logical_id: &str, properties: Properties<'_>) -> Result<HttpApi, TemplateError> {
    if properties.map.contains_key("DefinitionBody") || properties.map.contains_key("DefinitionUri") {
        return properties.fail(
            "DefinitionBody",
            "OpenAPI definitions are not read; use HttpApi events",
        );
    }
    let auth = properties.object("Auth")?.unwrap_or_default();
    let path = properties.path_of("Auth");
    let mut authorizers = BTreeMap::new();
    for (name, authorizer) in auth
        .get("Authorizers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let path = format!("{path}.Authorizers.{name}");
        authorizers.insert(name.clone(), jwt_authorizer(authorizer, &path)?);
    }
    let default_authorizer = auth
        .get("DefaultAuthorizer")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Ok(HttpApi {
        logical_id: logical_id.to_owned(),
        id: api_id(logical_id),
        stage: properties
            .text("StageName")?
            .unwrap_or_else(|| "$default".to_owned()),
        cors: cors(properties)?,
        authorizers,
        default_authorizer,
        routes: Vec::new(),
    })
}

fn jwt_authorizer(authorizer: &Value, path: &str) -> Result<JwtAuthorizer, TemplateError> {
    let Some(jwt) = authorizer.get("JwtConfiguration").and_then(Value::as_object) else {
        return Err(TemplateError::new(
            path,
            "only JWT authorizers are served (JwtConfiguration is missing)",
        ));
    };
    let texts = |value: Option<&Value>, what: &str| match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| scalar_text(item, &format!("{path}.{what}")))
            .collect(),
        Some(one) => scalar_text(one, &format!("{path}.{what}")).map(|text| vec![text]),
    };
    let either = |small: &str, capital: &str| jwt.get(small).or_else(|| jwt.get(capital));
    let issuer = either("issuer", "Issuer")
        .and_then(Value::as_str)
        .ok_or_else(|| TemplateError::new(path, "JwtConfiguration.issuer is missing"))?;
    let audience = texts(either("audience", "Audience"), "JwtConfiguration.audience")?;
    if audience.is_empty() {
        return Err(TemplateError::new(path, "JwtConfiguration.audience is missing"));
    }
    let identity_source = authorizer
        .get("IdentitySource")
        .and_then(Value::as_str)
        .unwrap_or("$request.header.Authorization")
        .to_owned();
    if !["$request.header.", "$request.querystring."]
        .iter()
        .any(|start| identity_source.starts_with(start))
    {
        return Err(TemplateError::new(
            path,
            format!("IdentitySource {identity_source:?} is not one of HTTP APIs"),
        ));
    }
    Ok(JwtAuthorizer {
        issuer: issuer.to_owned(),
        audience,
        identity_source,
        scopes: texts(authorizer.get("AuthorizationScopes"), "AuthorizationScopes")?,
    })
}

fn cors(properties: Properties<'_>) -> Result<Option<Cors>, TemplateError> {
    let key = "CorsConfiguration";
    let configuration = match properties.value(key)? {
        None | Some(Value::Bool(false)) => return Ok(None),
        Some(Value::Bool(true)) => {
            return Ok(Some(Cors {
                allow_origins: vec!["*".to_owned()],
                ..Cors::default()
            }));
        }
        Some(Value::Object(map)) => map,
        Some(_) => return properties.fail(key, "is neither a map nor true"),
    };
    let path = properties.path_of(key);
    // Already evaluated: reading it again through `Properties` only checks the types.
    let map = Properties {
        resolver: properties.resolver,
        map: &configuration,
        path: &path,
    };
    Ok(Some(Cors {
        allow_origins: map.texts("AllowOrigins")?,
        allow_methods: map.texts("AllowMethods")?,
        allow_headers: map.texts("AllowHeaders")?,
        expose_headers: map.texts("ExposeHeaders")?,
        allow_credentials: map.truth("AllowCredentials")?.unwrap_or(false),
        max_age_seconds: map.number("MaxAge")?,
    }))
}

/// The parameters that say which issuer and which audience JWT authorizers trust: those the local stack sets
/// to its own issuer. The first set holds the issuers', the second the audiences'.
pub(super) fn jwt_parameters(document: &Map<String, Value>) -> [BTreeSet<String>; 2] {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    let [issuers, audiences] = &mut found;
    for (_, resource) in document
        .get("Resources")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let authorizers = resource
            .pointer("/Properties/Auth/Authorizers")
            .and_then(Value::as_object);
        for (_, authorizer) in authorizers.into_iter().flatten() {
            let jwt = authorizer.get("JwtConfiguration").and_then(Value::as_object);
            for (key, value) in jwt.into_iter().flatten() {
                match key.as_str() {
                    "issuer" | "Issuer" => references(value, issuers),
                    "audience" | "Audience" => references(value, audiences),
                    _ => {}
                }
            }
        }
    }
    found
}

fn references(node: &Value, names: &mut BTreeSet<String>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("Ref", Value::String(name)) => {
                        names.insert(name.clone());
                    }
                    _ => references(value, names),
                }
            }
        }
        _ => {}
    }
}
