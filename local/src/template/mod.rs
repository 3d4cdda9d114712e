//! Reads `template.yaml`, the same file that is deployed, into what the local stack runs: functions with every
//! value of their environment evaluated, buckets, tables, queues, and the HTTP API with its routes.
//!
//! What it does not know is listed in [`Template::ignored`], never dropped in silence; an expression that it
//! cannot evaluate is an error that names the path.

mod apis;
mod attributes;
mod conditions;
mod functions;
mod globals;
mod model;
mod parameters;
mod properties;
mod resolve;
mod secrets;
#[cfg(test)]
mod source_tests;
mod sources;
mod stores;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub(crate) use attributes::{Attributes, FUNCTION_URL_PATH};
pub use attributes::{function_arn, queue_arn, stream_arn};
pub use model::{
    Bucket, Cors, Destination, EventInvoke, Function, FunctionUrl, HttpApi, Ignored, JwtAuthorizer,
    ObjectTrigger, Queue, QueueTrigger, Redrive, Route, StartingPosition, StreamTrigger, Table, Template,
    TimeToLive,
};
use properties::Properties;
use resolve::Resolver;
pub use secrets::{CharacterKind, Generation, Secret, SecretSource};
pub(crate) use secrets::{Piece, pieces};

/// The account that ARNs of the local stack name.
pub const ACCOUNT_ID: &str = "000000000000";
/// The region that the local stack says it is.
pub const REGION: &str = "us-east-1";
/// `AWS::StackName`.
pub const STACK_NAME: &str = "longshore";

/// Where the template is wrong, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    path: String,
    problem: String,
}

impl TemplateError {
    pub(crate) fn new(path: &str, problem: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => write!(formatter, "{}", self.problem),
            path => write!(formatter, "{path}: {}", self.problem),
        }
    }
}

impl std::error::Error for TemplateError {}

/// What of the local stack goes into the values of a template.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) attributes: Attributes,
    /// Given to the parameters that name the trusted issuer of tokens.
    pub(crate) issuer: String,
    /// Given to the parameters that name the audience of tokens.
    pub(crate) audience: String,
}

/// Types that deployments need and the local stack has no use for; listed together, not one by one.
const DEPLOYMENT_KINDS: [&str; 7] = [
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
];

impl Template {
    /// Reads the text of a template. `overrides` are the user's parameters.
    pub(crate) fn read(
        text: &str,
        overrides: &BTreeMap<String, String>,
        place: &Place,
    ) -> Result<Self, TemplateError> {
        let Value::Object(mut document) = yaml::parse(text)? else {
            return Err(TemplateError::new("", "the template is not a map"));
        };
        globals::merge(&mut document);
        let local = local_parameters(&document, place);
        let resolver = Resolver::new(&document, overrides, &local, place.attributes.clone())?;
        let mut template = Self::default();
        let mut routes = Vec::new();
        let empty = Map::new();
        for (logical_id, resource) in resolver.section("Resources") {
            let path = format!("Resources.{logical_id}");
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !resolver.condition(condition, &path)?
            {
                continue;
            }
            let Some(kind) = resource.get("Type").and_then(Value::as_str) else {
                return Err(TemplateError::new(&path, "has no Type"));
            };
            let map = resource
                .get("Properties")
                .and_then(Value::as_object)
                .unwrap_or(&empty);
            let path = format!("{path}.Properties");
            let properties = Properties {
                resolver: &resolver,
                map,
                path: &path,
            };
            match kind {
                "AWS::Serverless::Function" => match functions::read(logical_id, resource, properties)? {
                    Ok(read) => {
                        template.functions.push(read.function);
                        template.ignored.extend(read.ignored);
                        routes.extend(read.routes);
                    }
                    Err(ignored) => template.ignored.push(ignored),
                },
                "AWS::Serverless::HttpApi" => template.apis.push(apis::read(logical_id, properties)?),
                "AWS::S3::Bucket" => template.buckets.push(stores::bucket(logical_id, properties)?),
                "AWS::DynamoDB::Table" => template.tables.push(stores::table(logical_id, properties)?),
                "AWS::Serverless::SimpleTable" => {
                    template
                        .tables
                        .push(stores::simple_table(logical_id, properties)?);
                }
                "AWS::SQS::Queue" => template.queues.push(stores::queue(logical_id, properties)?),
                "AWS::SecretsManager::Secret" => {
                    template.secrets.push(secrets::read(logical_id, properties)?);
                }
                _ => {
                    let expected = DEPLOYMENT_KINDS.contains(&kind);
                    let reason = if expected {
                        "only a deployment needs it"
                    } else {
                        "not known to the local stack"
                    };
                    template.ignored.push(Ignored {
                        name: logical_id.clone(),
                        reason: format!("{kind}: {reason}"),
                        expected,
                    });
                }
            }
        }
        template.parameters = resolver.parameters.clone();
        template.place_routes(routes)?;
        template.check()?;
        Ok(template)
    }

    /// Hands each route to its API.
    fn place_routes(&mut self, routes: Vec<Route>) -> Result<(), TemplateError> {
        for route in routes {
            let Some(api) = self.apis.iter_mut().find(|api| api.id == route.api) else {
                let problem = format!(
                    "route {} {} names an API that is not there",
                    route.method, route.path
                );
                return Err(TemplateError::new("Resources", problem));
            };
            let authorizer = route.authorizer.as_deref().or(api.default_authorizer.as_deref());
            if let Some(name) = authorizer.filter(|name| *name != "NONE")
                && !api.authorizers.contains_key(name)
            {
                let problem = format!(
                    "route {} {} names no authorizer of it: {name}",
                    route.method, route.path
                );
                return Err(TemplateError::new(
                    &format!("Resources.{}", api.logical_id),
                    problem,
                ));
            }
            if api
                .routes
                .iter()
                .any(|other| other.method == route.method && other.path == route.path)
            {
                let problem = format!("route {} {} is there twice", route.method, route.path);
                return Err(TemplateError::new(
                    &format!("Resources.{}", api.logical_id),
                    problem,
                ));
            }
            api.routes.push(route);
        }
        Ok(())
    }

    /// What names another resource must find it.
    fn check(&self) -> Result<(), TemplateError> {
        for function in &self.functions {
            let path = format!("Resources.{}.Properties", function.logical_id);
            for trigger in &function.object_triggers {
                if !self.buckets.iter().any(|bucket| bucket.name == trigger.bucket) {
                    let problem = format!("bucket {} is not in this template", trigger.bucket);
                    return Err(TemplateError::new(
                        &format!("{path}.Events.{}", trigger.id),
                        problem,
                    ));
                }
            }
            for (name, value) in &function.environment {
                let path = format!("{path}.Environment.Variables.{name}");
                for piece in pieces(value, &path)? {
                    if let Piece::Secret(reference) = piece
                        && !self.secrets.iter().any(|secret| reference.names(secret))
                    {
                        let problem = format!("secret {} is not in this template", reference.id);
                        return Err(TemplateError::new(&path, problem));
                    }
                }
            }
            let config = &function.event_invoke;
            let queues = function
                .queue_triggers
                .iter()
                .map(|trigger| trigger.queue.as_str());
            for trigger in &function.stream_triggers {
                if !self
                    .tables
                    .iter()
                    .any(|table| table.name == trigger.table && table.has_stream())
                {
                    let problem = format!("table {} with a stream is not in this template", trigger.table);
                    return Err(TemplateError::new(
                        &format!("{path}.Events.{}", trigger.id),
                        problem,
                    ));
                }
            }
            let streams = function
                .stream_triggers
                .iter()
                .filter_map(|trigger| trigger.on_failure.as_deref());
            let destinations = [&config.on_failure, &config.on_success].into_iter().flatten();
            for queue in queues
                .chain(streams)
                .chain(destinations.filter_map(Destination::queue))
            {
                if !self.queues.iter().any(|known| known.name == queue) {
                    return Err(TemplateError::new(
                        &path,
                        format!("queue {queue} is not in this template"),
                    ));
                }
            }
        }
        Ok(())
    }
}

fn local_parameters(document: &Map<String, Value>, place: &Place) -> BTreeMap<String, String> {
    let [issuers, audiences] = apis::jwt_parameters(document);
    let issuers = issuers.into_iter().map(|name| (name, place.issuer.clone()));
    issuers
        .chain(audiences.into_iter().map(|name| (name, place.audience.clone())))
        .collect()
}
