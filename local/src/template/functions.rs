//! `AWS::Serverless::Function`.
//! Reference: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::attributes::{IMPLICIT_API, api_id, function_arn};
use super::properties::Properties;
use super::resolve::scalar_text;
use super::{
    Cors, Destination, EventInvoke, Function, FunctionUrl, Ignored, ObjectTrigger, Route, TemplateError,
    sources,
};

/// Lambda's own defaults.
const MEMORY_MB: u64 = 128;
const TIMEOUT_SECONDS: u64 = 3;
const RETRY_ATTEMPTS: u64 = 2;
const EVENT_AGE_SECONDS: u64 = 6 * 60 * 60;

/// What a function brings: itself, its routes, and what of it has no effect here.
pub(super) struct Read {
    pub(super) function: Function,
    pub(super) routes: Vec<Route>,
    pub(super) ignored: Vec<Ignored>,
}

pub(super) fn read(
    logical_id: &str,
    resource: &Value,
    properties: Properties<'_>,
) -> Result<Result<Read, Ignored>, TemplateError> {
    if let Some(reason) = not_run(properties)? {
        return Ok(Err(Ignored {
            name: logical_id.to_owned(),
            reason,
            expected: false,
        }));
    }
    let name = properties.resolver.name(logical_id)?;
    let memory_mb = properties.number("MemorySize")?.unwrap_or(MEMORY_MB);
    let timeout_seconds = properties.number("Timeout")?.unwrap_or(TIMEOUT_SECONDS);
    if !(1..=900).contains(&timeout_seconds) {
        return properties.fail("Timeout", "is not between 1 and 900 seconds");
    }
    if !(128..=10_240).contains(&memory_mb) {
        return properties.fail("MemorySize", "is not between 128 and 10240 MB");
    }
    let mut ignored = Vec::new();
    let event_invoke = event_invoke(logical_id, properties, &mut ignored)?;
    let logging = properties.object("LoggingConfig")?.unwrap_or_default();
    let log_group = logging.get("LogGroup").and_then(Value::as_str).map(str::to_owned);
    let mut function = Function {
        logical_id: logical_id.to_owned(),
        arn: function_arn(&name),
        binary: binary(logical_id, resource, properties)?,
        environment: environment(properties)?,
        memory_mb,
        timeout: Duration::from_secs(timeout_seconds),
        reserved_concurrency: properties.number("ReservedConcurrentExecutions")?,
        handler: properties
            .text("Handler")?
            .unwrap_or_else(|| "bootstrap".to_owned()),
        log_group: log_group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
        event_invoke,
        object_triggers: Vec::new(),
        queue_triggers: Vec::new(),
        stream_triggers: Vec::new(),
        url: function_url(properties)?,
        name,
    };
    let mut routes = Vec::new();
    events(properties, &mut function, &mut routes, &mut ignored)?;
    if properties.map.contains_key("DeadLetterQueue") {
        ignored.push(Ignored {
            name: format!("{logical_id}.DeadLetterQueue"),
            reason: "use EventInvokeConfig with an OnFailure destination".to_owned(),
            expected: false,
        });
    }
    Ok(Ok(Read {
        function,
        routes,
        ignored,
    }))
}

/// `FunctionUrlConfig`.
/// Reference: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-functionurlconfig.html>
fn function_url(properties: Properties<'_>) -> Result<Option<FunctionUrl>, TemplateError> {
    let Some(config) = properties.object("FunctionUrlConfig")? else {
        return Ok(None);
    };
    let path = properties.path_of("FunctionUrlConfig");
    let config = Properties {
        resolver: properties.resolver,
        map: &config,
        path: &path,
    };
    if config.required_text("AuthType")? != "NONE" {
        return config.fail("AuthType", "only NONE is served here");
    }
    let streams = match config.text("InvokeMode")?.as_deref() {
        None | Some("BUFFERED") => false,
        Some("RESPONSE_STREAM") => true,
        Some(_) => return config.fail("InvokeMode", "is neither BUFFERED nor RESPONSE_STREAM"),
    };
    let cors = config.object("Cors")?.map(|cors| {
        let texts = |name: &str| {
            let values = cors.get(name).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Cors {
            allow_origins: texts("AllowOrigins"),
            allow_methods: texts("AllowMethods"),
            allow_headers: texts("AllowHeaders"),
            expose_headers: texts("ExposeHeaders"),
            allow_credentials: cors
                .get("AllowCredentials")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            max_age_seconds: cors.get("MaxAge").and_then(Value::as_u64),
        }
    });
    Ok(Some(FunctionUrl { streams, cors }))
}

/// Why the local stack cannot run that function; `None` when it can.
fn not_run(properties: Properties<'_>) -> Result<Option<String>, TemplateError> {
    if properties.text("PackageType")?.as_deref() == Some("Image") {
        return Ok(Some("container images are not run here".to_owned()));
    }
    match properties.text("Runtime")? {
        Some(runtime) if !runtime.starts_with("provided") => Ok(Some(format!(
            "runtime {runtime} is not run here, only provided.al2023"
        ))),
        _ => Ok(None),
    }
}

/// The binary's name: `Metadata.BuildProperties.Binary` when given, else the last folder of `CodeUri`.
fn binary(logical_id: &str, resource: &Value, properties: Properties<'_>) -> Result<String, TemplateError> {
    if let Some(binary) = resource.pointer("/Metadata/BuildProperties/Binary") {
        return scalar_text(
            binary,
            &format!("Resources.{logical_id}.Metadata.BuildProperties.Binary"),
        );
    }
    let code_uri = properties.required_text("CodeUri")?;
    match code_uri.trim_end_matches('/').rsplit('/').next() {
        Some(folder) if !folder.is_empty() && folder != "." && folder != ".." => Ok(folder.to_owned()),
        _ => properties.fail(
            "CodeUri",
            "names no folder, and Metadata.BuildProperties.Binary is not given",
        ),
    }
}

fn environment(properties: Properties<'_>) -> Result<BTreeMap<String, String>, TemplateError> {
    let path = properties.path_of("Environment");
    let mut variables = BTreeMap::new();
    let Some(environment) = properties.object("Environment")? else {
        return Ok(variables);
    };
    let Some(values) = environment.get("Variables").and_then(Value::as_object) else {
        return Ok(variables);
    };
    for (name, value) in values {
        let path = format!("{path}.Variables.{name}");
        if name.starts_with("AWS_LAMBDA_") || name == "AWS_REGION" || name == "_HANDLER" {
            return Err(TemplateError::new(&path, "this name is reserved by Lambda"));
        }
        variables.insert(name.clone(), scalar_text(value, &path)?);
    }
    Ok(variables)
}

fn event_invoke(
    logical_id: &str,
    properties: Properties<'_>,
    ignored: &mut Vec<Ignored>,
) -> Result<EventInvoke, TemplateError> {
    let empty = Map::new();
    let config = match properties.map.get("EventInvokeConfig") {
        Some(Value::Object(map)) => map,
        _ => &empty,
    };
    let path = properties.path_of("EventInvokeConfig");
    let config = Properties {
        resolver: properties.resolver,
        map: config,
        path: &path,
    };
    let attempts = config.number("MaximumRetryAttempts")?.unwrap_or(RETRY_ATTEMPTS);
    if attempts > 2 {
        return config.fail("MaximumRetryAttempts", "is not between 0 and 2");
    }
    let age = config
        .number("MaximumEventAgeInSeconds")?
        .unwrap_or(EVENT_AGE_SECONDS);
    if !(60..=EVENT_AGE_SECONDS).contains(&age) {
        return config.fail("MaximumEventAgeInSeconds", "is not between 60 and 21600 seconds");
    }
    let destinations = config.object("DestinationConfig")?.unwrap_or_default();
    let mut destination = |side: &str| -> Result<Option<Destination>, TemplateError> {
        let Some(given) = destinations.get(side) else {
            return Ok(None);
        };
        let path = format!("{path}.DestinationConfig.{side}.Destination");
        let Some(arn) = given.get("Destination").and_then(Value::as_str) else {
            return Err(TemplateError::new(
                &path,
                "is missing: name the queue or function",
            ));
        };
        let found = Destination::from_arn(arn);
        if found.is_none() {
            let reason = format!("the local stack delivers to SQS and Lambda only, not to {arn}");
            ignored.push(Ignored {
                name: format!("{logical_id}.{side}"),
                reason,
                expected: false,
            });
        }
        Ok(found)
    };
    Ok(EventInvoke {
        on_failure: destination("OnFailure")?,
        on_success: destination("OnSuccess")?,
        maximum_retry_attempts: u32::try_from(attempts).unwrap_or(2),
        maximum_event_age: Duration::from_secs(age),
    })
}

fn events(
    properties: Properties<'_>,
    function: &mut Function,
    routes: &mut Vec<Route>,
    ignored: &mut Vec<Ignored>,
) -> Result<(), TemplateError> {
    let path = properties.path_of("Events");
    let empty = Map::new();
    for (id, event) in properties
        .map
        .get("Events")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let path = format!("{path}.{id}.Properties");
        let map = event
            .get("Properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let event_properties = Properties {
            resolver: properties.resolver,
            map,
            path: &path,
        };
        match event.get("Type").and_then(Value::as_str).unwrap_or_default() {
            "S3" => function
                .object_triggers
                .push(object_trigger(id, event_properties)?),
            "HttpApi" => routes.push(route(&function.name, event_properties)?),
            "SQS" => match sources::queue(event_properties)? {
                Some(trigger) => function.queue_triggers.push(trigger),
                None => disabled(id, function, ignored),
            },
            "DynamoDB" => match sources::stream(id, event_properties)? {
                Some(trigger) => function.stream_triggers.push(trigger),
                None => disabled(id, function, ignored),
            },
            other => ignored.push(Ignored {
                name: format!("{}.{id}", function.logical_id),
                reason: format!("events of type {other:?} are not delivered here"),
                expected: false,
            }),
        }
    }
    Ok(())
}

fn disabled(id: &str, function: &Function, ignored: &mut Vec<Ignored>) {
    ignored.push(Ignored {
        name: format!("{}.{id}", function.logical_id),
        reason: "the template says Enabled: false".to_owned(),
        expected: false,
    });
}

fn object_trigger(id: &str, properties: Properties<'_>) -> Result<ObjectTrigger, TemplateError> {
    let mut trigger = ObjectTrigger {
        id: id.to_owned(),
        bucket: properties.required_text("Bucket")?,
        events: properties.texts("Events")?,
        prefix: String::new(),
        suffix: String::new(),
    };
    if trigger.events.is_empty() {
        return properties.fail("Events", "is missing");
    }
    if let Some(unknown) = trigger.events.iter().find(|event| !event.starts_with("s3:")) {
        return properties.fail("Events", format!("{unknown:?} is not an event of S3"));
    }
    let filter = properties.value("Filter")?.unwrap_or_default();
    for rule in filter
        .pointer("/S3Key/Rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = |key: &str| {
            rule.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        match part("Name").to_ascii_lowercase().as_str() {
            "prefix" => trigger.prefix = part("Value"),
            "suffix" => trigger.suffix = part("Value"),
            other => return properties.fail("Filter", format!("{other:?} is neither prefix nor suffix")),
        }
    }
    Ok(trigger)
}

fn route(function: &str, properties: Properties<'_>) -> Result<Route, TemplateError> {
    let api = properties.text("ApiId")?.unwrap_or_else(|| api_id(IMPLICIT_API));
    if properties
        .text("PayloadFormatVersion")?
        .is_some_and(|version| version != "2.0")
    {
        return properties.fail("PayloadFormatVersion", "only 2.0 is served here");
    }
    let (method, path) = match (properties.text("Method")?, properties.text("Path")?) {
        (None, None) => ("ANY".to_owned(), "$default".to_owned()),
        (method, Some(path)) if path.starts_with('/') || path == "$default" => {
            let method = method.map_or_else(|| "ANY".to_owned(), |method| method.to_ascii_uppercase());
            (
                if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
                    "ANY".to_owned()
                } else {
                    method
                },
                path,
            )
        }
        (_, Some(path)) => return properties.fail("Path", format!("{path:?} does not start with /")),
        (Some(_), None) => return properties.fail("Path", "is missing"),
    };
    let auth = properties.object("Auth")?.unwrap_or_default();
    let scopes = match auth.get("AuthorizationScopes") {
        None => None,
        Some(Value::Array(scopes)) => {
            let path = properties.path_of("Auth.AuthorizationScopes");
            Some(
                scopes
                    .iter()
                    .map(|scope| scalar_text(scope, &path))
                    .collect::<Result<Vec<_>, _>>()?,
            )
        }
        Some(_) => return properties.fail("Auth.AuthorizationScopes", "is not a list"),
    };
    let integration_timeout = properties.number("TimeoutInMillis")?.unwrap_or(30_000);
    if !(50..=30_000).contains(&integration_timeout) {
        return properties.fail("TimeoutInMillis", "is not between 50 and 30000 ms");
    }
    Ok(Route {
        api,
        method,
        path,
        function: function.to_owned(),
        authorizer: auth.get("Authorizer").and_then(Value::as_str).map(str::to_owned),
        scopes,
        integration_timeout: Duration::from_millis(integration_timeout),
    })
}
