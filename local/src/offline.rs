//! What a stack would say of itself, without starting one: tokens that its API takes, and what its functions are told.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::secrets;
use crate::stack::read_template;
use crate::template::{Attributes, Place, Template};
use crate::token::{AUDIENCE, ISSUER_PATH, Issuer};
use crate::tokens::{TokenTerms, mint};

/// The SDKs' variable for the endpoint of every service.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";

/// Which stack: the options that it is, or was, or will be started with.
pub struct Offline<'a> {
    /// `template.yaml`.
    pub template: &'a Path,
    /// Template parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// Where its data is kept.
    pub folder: &'a Path,
    /// The port of its HTTP API.
    pub api_port: u16,
}

impl Offline<'_> {
    /// A token that its API takes.
    ///
    /// # Errors
    /// A template that cannot be read, or a data folder whose key cannot.
    pub fn token(&self, terms: &TokenTerms) -> Result<String> {
        self.make_folder()?;
        // No token depends on where the AWS endpoint is.
        let template = self.read(String::new())?;
        mint(&Issuer::open(self.folder)?, &self.issuer_url(), &template, terms)
    }

    /// What the functions are told, for `sam local --env-vars`: by logical id, each variable of the template with the
    /// value that it has on this stack, whose services are reached at `aws_endpoint`.
    ///
    /// # Errors
    /// A template that cannot be read, or a data folder whose secrets cannot.
    pub async fn environment(&self, aws_endpoint: &str) -> Result<Value> {
        self.make_folder()?;
        let template = self.read(aws_endpoint.to_owned())?;
        let functions = secrets::put_in(self.folder, &template).await?;
        let told = functions.into_iter().map(|function| {
            let mut variables = function.environment;
            variables
                .entry(ENDPOINT_VARIABLE.to_owned())
                .or_insert_with(|| aws_endpoint.to_owned());
            let variables: Map<String, Value> = variables
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect();
            (function.logical_id, Value::Object(variables))
        });
        Ok(Value::Object(told.collect()))
    }

    fn make_folder(&self) -> Result<()> {
        std::fs::create_dir_all(self.folder).with_context(|| format!("cannot make {}", self.folder.display()))
    }

    fn api_url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.api_port)
    }

    fn issuer_url(&self) -> String {
        format!("{}{ISSUER_PATH}", self.api_url())
    }

    fn read(&self, aws_endpoint: String) -> Result<Template> {
        let place = Place {
            attributes: Attributes {
                aws_endpoint,
                api_url: self.api_url(),
            },
            issuer: self.issuer_url(),
            audience: AUDIENCE.to_owned(),
        };
        read_template(self.template, self.parameters, &place)
    }
}
