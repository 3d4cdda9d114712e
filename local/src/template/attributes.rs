//! What `Ref` and `Fn::GetAtt` give for each type of resource: names, ARNs and URLs of the local stack.

use serde_json::{Value, json};

use super::resolve::Resolver;
use super::{ACCOUNT_ID, REGION, STACK_NAME, TemplateError};

/// Where the local stack listens; names and ARNs follow from the template alone.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    /// `http://127.0.0.1:4566`: S3, DynamoDB, SQS, Lambda.
    pub(crate) aws_endpoint: String,
    /// `http://127.0.0.1:3000`: the HTTP API.
    pub(crate) api_url: String,
}

/// The id of the HTTP API that SAM makes for routes which name none.
pub(crate) const IMPLICIT_API: &str = "ServerlessHttpApi";

/// What follows the name of a function in the id of the address that SAM makes for it.
const URL_SUFFIX: &str = "Url";
const FUNCTION_URL: &str = "AWS::Lambda::Url";
/// What the paths of function addresses begin with.
pub(crate) const FUNCTION_URL_PATH: &str = "/lambda-url/";

impl Resolver<'_> {
    /// `Ref`: a pseudo parameter, a parameter or a resource.
    pub(super) fn reference(&self, name: &str, path: &str) -> Result<Option<Value>, TemplateError> {
        let value = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => json!(ACCOUNT_ID),
            "AWS::Region" => json!(REGION),
            "AWS::Partition" => json!("aws"),
            "AWS::URLSuffix" => json!("amazonaws.com"),
            "AWS::StackName" => json!(STACK_NAME),
            "AWS::StackId" => {
                json!(format!(
                    "arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{STACK_NAME}/local"
                ))
            }
            "AWS::NotificationARNs" => json!([]),
            _ => match self.parameters.get(name) {
                Some(value) => value.clone(),
                None => json!(self.resource_reference(name, path)?),
            },
        };
        Ok(Some(value))
    }

    fn resource_reference(&self, logical_id: &str, path: &str) -> Result<String, TemplateError> {
        let kind = self.kind(logical_id, path)?;
        match kind {
            "AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api" => Ok(api_id(logical_id)),
            "AWS::SQS::Queue" => Ok(self.queue_url(&self.name(logical_id)?)),
            "AWS::SecretsManager::Secret" => Ok(super::secrets::arn(&self.name(logical_id)?)),
            _ if name_property(kind).is_some() => self.name(logical_id),
            _ => Err(unsupported(logical_id, kind, "Ref", path)),
        }
    }

    /// `Fn::GetAtt`.
    pub(super) fn attribute(
        &self,
        logical_id: &str,
        attribute: &str,
        path: &str,
    ) -> Result<String, TemplateError> {
        let kind = self.kind(logical_id, path)?;
        let endpoint = &self.attributes.aws_endpoint;
        let name = || self.name(logical_id);
        Ok(match (kind, attribute) {
            ("AWS::Serverless::Function" | "AWS::Lambda::Function", "Arn") => function_arn(&name()?),
            (FUNCTION_URL, "FunctionUrl") => {
                let function = logical_id.strip_suffix(URL_SUFFIX).unwrap_or(logical_id);
                function_url(&self.attributes.api_url, &self.name(function)?)
            }
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{}", name()?),
            ("AWS::S3::Bucket", "DomainName" | "RegionalDomainName" | "DualStackDomainName") => {
                format!("{}.{}", name()?, endpoint.trim_start_matches("http://"))
            }
            ("AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable", "Arn") => {
                format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{}", name()?)
            }
            ("AWS::DynamoDB::Table", "StreamArn") => {
                let resource = self.resource(logical_id);
                if resource
                    .and_then(|table| table.pointer("/Properties/StreamSpecification"))
                    .is_none()
                {
                    let problem = format!("{logical_id} has no StreamSpecification");
                    return Err(TemplateError::new(path, problem));
                }
                stream_arn(&name()?)
            }
            ("AWS::SQS::Queue", "Arn") => queue_arn(&name()?),
            ("AWS::SQS::Queue", "QueueName") => name()?,
            ("AWS::SQS::Queue", "QueueUrl") => self.queue_url(&name()?),
            ("AWS::SecretsManager::Secret", "Id") => super::secrets::arn(&name()?),
            ("AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api", "ApiEndpoint") => {
                self.attributes.api_url.clone()
            }
            ("AWS::Serverless::HttpApi" | "AWS::ApiGatewayV2::Api", "ApiId") => api_id(logical_id),
            ("AWS::Logs::LogGroup", "Arn") => {
                format!("arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{}:*", name()?)
            }
            ("AWS::SNS::Topic", "TopicArn") => format!("arn:aws:sns:{REGION}:{ACCOUNT_ID}:{}", name()?),
            _ => {
                return Err(unsupported(
                    logical_id,
                    kind,
                    &format!("GetAtt {attribute}"),
                    path,
                ));
            }
        })
    }

    /// The type of a resource that the stack has.
    fn kind(&self, logical_id: &str, path: &str) -> Result<&str, TemplateError> {
        let Some(resource) = self.resource(logical_id) else {
            let function = logical_id
                .strip_suffix(URL_SUFFIX)
                .and_then(|id| self.resource(id));
            if function.is_some_and(|it| it.pointer("/Properties/FunctionUrlConfig").is_some()) {
                return Ok(FUNCTION_URL);
            }
            if logical_id == IMPLICIT_API {
                return Ok("AWS::Serverless::HttpApi");
            }
            return Err(TemplateError::new(
                path,
                format!("no parameter or resource is called {logical_id}"),
            ));
        };
        if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
            && !self.condition(condition, path)?
        {
            return Err(TemplateError::new(
                path,
                format!("{logical_id} is not made: its condition {condition} is false"),
            ));
        }
        resource
            .get("Type")
            .and_then(Value::as_str)
            .ok_or_else(|| TemplateError::new(&format!("Resources.{logical_id}"), "has no Type"))
    }

    /// The physical name: the one the template gives, or one made of the stack name and the logical id (AWS
    /// adds a random tail, which would make every start of the local stack a new stack).
    pub(super) fn name(&self, logical_id: &str) -> Result<String, TemplateError> {
        let path = format!("Resources.{logical_id}");
        let kind = self.kind(logical_id, &path)?;
        if let (Some(property), Some(resource)) = (name_property(kind), self.resource(logical_id))
            && let Some(given) = resource
                .get("Properties")
                .and_then(|properties| properties.get(property))
            && let Some(name) = self.resolve(given, &format!("{path}.Properties.{property}"))?
        {
            return super::resolve::scalar_text(&name, &path);
        }
        let name = format!("{STACK_NAME}-{logical_id}");
        Ok(if kind == "AWS::S3::Bucket" {
            name.to_ascii_lowercase()
        } else {
            name
        })
    }

    fn queue_url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT_ID}/{name}", self.attributes.aws_endpoint)
    }
}

/// The property that names a resource of that type; `None` for types the local stack cannot refer to.
fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::Serverless::Function" | "AWS::Lambda::Function" => "FunctionName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => "TableName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::SecretsManager::Secret" => "Name",
        _ => return None,
    })
}

fn unsupported(logical_id: &str, kind: &str, what: &str, path: &str) -> TemplateError {
    TemplateError::new(
        path,
        format!("{what} of {logical_id}: the local stack has none for {kind}"),
    )
}

/// API ids are ten lower-case letters and digits; the logical id is easier to recognise.
pub(super) fn api_id(logical_id: &str) -> String {
    logical_id.to_ascii_lowercase()
}

/// The address of a function: on AWS a host of its own, here a path beside the HTTP API.
pub(crate) fn function_url(api_url: &str, name: &str) -> String {
    format!("{api_url}{FUNCTION_URL_PATH}{name}/")
}

/// The ARN of a function of this stack, unqualified.
#[must_use]
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}")
}

/// The ARN of a table's stream. AWS ends it with the time when the stream was enabled.
#[must_use]
pub fn stream_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{table}/stream/2026-01-01T00:00:00.000")
}

/// The ARN of a queue of this stack.
#[must_use]
pub fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}")
}
