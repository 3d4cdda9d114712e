//! The whole stack, started and stopped as one: what `make dev` runs, and what tests run in their own process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use crate::endpoint::Endpoint;
use crate::gateway::{self, Gateway};
use crate::lambda::journal::Journal;
use crate::lambda::queue::AsyncQueue;
use crate::lambda::sources::Mappings;
use crate::lambda::{Credentials, InvokeError, Invoked, Lambda, LogSink, Report, Settings, Wait, invoke_api};
use crate::notes::Notes;
use crate::notifications::Notifications;
use crate::s3::EventSink;
use crate::secrets;
use crate::serve;
use crate::sqs::{Sqs, api as sqs_api};
use crate::stop::Stop;
use crate::stores;
use crate::template::{Attributes, Place, Template};
use crate::token::{AUDIENCE, ISSUER_PATH, Issuer};
use crate::tokens::{self, TokenTerms};

/// Where the stack keeps what it is given.
#[derive(Clone, Debug)]
pub enum Data {
    /// In that folder: the next start finds it again.
    Folder(PathBuf),
    /// Nowhere: gone with the stack.
    Ephemeral,
}

/// What S3 and DynamoDB need to know of the rest of the stack.
pub(crate) struct StoreContext<'a> {
    /// Where to keep data.
    pub folder: &'a Path,
    /// The buckets and tables to be there.
    pub template: &'a Template,
    /// The keys that signatures are checked with.
    pub credentials: &'a Credentials,
    /// To be told of every change of an object, before its request is answered.
    pub on_object: EventSink,
    /// To be told of every write to a table, before its request is answered.
    pub on_write: Arc<dyn Fn() + Send + Sync>,
}

/// How to start a stack. `Options::new` has the defaults of `make dev`, with any free ports.
pub struct Options {
    /// `template.yaml`.
    pub template: PathBuf,
    /// Where data is kept.
    pub data: Data,
    /// Of the AWS endpoint; 0 for any free one.
    pub aws_port: u16,
    /// Of the HTTP API; 0 for any free one.
    pub api_port: u16,
    /// Another address of this machine on which the AWS endpoint listens, for containers: they cannot reach loopback.
    pub container_access: Option<IpAddr>,
    /// Where the function binaries are.
    pub bin_dir: PathBuf,
    /// Template parameters.
    pub parameters: BTreeMap<String, String>,
    /// The pause before the first retry of an asynchronous invocation; twice that before the second.
    pub retry_delay: Duration,
    /// Processes per function at most; for one behind the HTTP API those that are started without hesitation.
    pub concurrency: usize,
    /// Processes at most of a function behind the HTTP API, where many clients may wait for long answers at the
    /// same time.
    pub http_concurrency: usize,
    /// Takes what functions write: the function's name and a line.
    pub log_sink: LogSink,
    /// Takes what the stack has to say.
    pub notes: Notes,
}

impl Options {
    /// An ephemeral stack on free ports.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, bin_dir: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            data: Data::Ephemeral,
            aws_port: 0,
            api_port: 0,
            container_access: None,
            bin_dir: bin_dir.into(),
            parameters: BTreeMap::new(),
            retry_delay: Duration::from_secs(1),
            concurrency: 4,
            http_concurrency: 64,
            log_sink: Arc::new(|_, _| {}),
            notes: Notes::default(),
        }
    }
}

/// A running stack.
pub struct Stack {
    template: Template,
    aws_endpoint: String,
    container_endpoint: Option<String>,
    api_url: String,
    credentials: Credentials,
    issuer: Arc<Issuer>,
    issuer_url: String,
    lambda: Arc<Lambda>,
    queue: Arc<AsyncQueue>,
    sqs: Arc<Sqs>,
    stop: watch::Sender<bool>,
    /// Those that end by themselves once they are told to stop.
    tasks: JoinSet<()>,
    /// Those that never end: upkeep of the stores.
    background: JoinSet<()>,
    /// Held as long as the stack lives.
    _lock: File,
    /// Removed when the stack is dropped.
    _ephemeral: Option<tempfile::TempDir>,
}

impl Stack {
    /// Reads the template, opens the data, listens. When this returns, everything answers.
    pub async fn start(options: Options) -> Result<Self> {
        let (folder, ephemeral) = open_folder(&options.data)?;
        let lock = lock(&folder)?;
        let aws_listener = serve::listen(options.aws_port, "--aws-port").await?;
        let api_listener = serve::listen(options.api_port, "--api-port").await?;
        let aws_endpoint = format!("http://{}", host(&aws_listener)?);
        let container_listener = listen_for_containers(&options, &aws_listener).await?;
        let container_host = container_listener.as_ref().map(host).transpose()?;
        let api_url = format!("http://{}", host(&api_listener)?);
        let issuer_url = format!("{api_url}{ISSUER_PATH}");
        let attributes = Attributes {
            aws_endpoint: aws_endpoint.clone(),
            api_url: api_url.clone(),
        };
        let place = Place {
            attributes,
            issuer: issuer_url.clone(),
            audience: AUDIENCE.to_owned(),
        };
        let template = read_template(&options.template, &options.parameters, &place)?;
        let issuer = {
            let folder = folder.clone();
            Arc::new(tokio::task::spawn_blocking(move || Issuer::open(&folder)).await??)
        };
        let credentials = Credentials::local();
        let (stop, stopped) = Stop::new();
        let settings = Settings {
            aws_endpoint: aws_endpoint.clone(),
            credentials: credentials.clone(),
            bin_dir: std::path::absolute(&options.bin_dir)?,
            concurrency: options.concurrency,
            http_concurrency: options.http_concurrency,
            behind_http: behind_http(&template),
            log_sink: options.log_sink,
            stop: stopped.clone(),
        };
        let functions = secrets::put_in(&folder, &template).await?;
        let lambda = Lambda::new(&functions, settings);
        let sqs = Arc::new(Sqs::open(&folder.join("sqs.sqlite"), &template.queues)?);
        let journal = Journal::open(&folder.join("lambda.sqlite"))?;
        let notes = options.notes;
        let queue = AsyncQueue::new(
            lambda.clone(),
            journal,
            sqs.clone(),
            options.retry_delay,
            notes.clone(),
        );
        let notifications = Notifications::new(&template.functions, queue.clone(), notes.clone());
        let mappings = Mappings::new(&template.functions, &lambda, &sqs, &notes);
        let mut tasks = JoinSet::new();
        let context = StoreContext {
            folder: &folder,
            template: &template,
            credentials: &credentials,
            on_object: Arc::new(move |change| notifications.publish(&change)),
            on_write: mappings.on_write(),
        };
        let mut background = JoinSet::new();
        let stores = stores::open(&context, &mut background).await?;
        let endpoint = Endpoint {
            s3: stores.s3,
            dynamodb: stores.dynamodb,
            sqs: sqs_api::handler(sqs.clone(), aws_endpoint.clone()),
            lambda: invoke_api::handler(lambda.clone(), queue.clone()),
        };
        let gateway = open_gateway(&template, &issuer, &issuer_url, &lambda, &notes);
        let endpoint = endpoint.handler();
        if let Some(listener) = container_listener {
            tasks.spawn(serve::run(listener, endpoint.clone(), stopped.clone()));
        }
        tasks.spawn(serve::run(aws_listener, endpoint, stopped.clone()));
        tasks.spawn(serve::run(api_listener, gateway.handler(), stopped.clone()));
        mappings
            .start(stores.tables, &folder, options.retry_delay, &stopped, &mut tasks)
            .await?;
        let resumed = queue.resume()?;
        if resumed > 0 {
            notes.say(&format!("{resumed} events of an earlier run go on"));
        }
        Ok(Self {
            template,
            aws_endpoint,
            container_endpoint: container_host.map(|host| format!("http://{host}")),
            api_url,
            credentials,
            issuer,
            issuer_url,
            lambda,
            queue,
            sqs,
            stop,
            tasks,
            background,
            _lock: lock,
            _ephemeral: ephemeral,
        })
    }

    /// The template, evaluated.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// `http://127.0.0.1:port`: S3, DynamoDB, SQS, Lambda.
    #[must_use]
    pub fn aws_endpoint(&self) -> &str {
        &self.aws_endpoint
    }

    /// The same, as containers reach it.
    #[must_use]
    pub fn container_endpoint(&self) -> Option<&str> {
        self.container_endpoint.as_deref()
    }

    /// The HTTP API, with its stage.
    #[must_use]
    pub fn api_url(&self) -> String {
        match self.template.apis.first() {
            Some(api) if api.stage != "$default" => format!("{}/{}", self.api_url, api.stage),
            _ => self.api_url.clone(),
        }
    }

    /// The keys that clients sign with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A token that the API takes, good for `ttl`. Without `scopes` it has every scope that a route asks for;
    /// [`Stack::token_with`] makes one that has none.
    pub fn token(&self, owner: &str, scopes: &[String], ttl: Duration) -> Result<String> {
        self.token_with(&TokenTerms::good(owner, scopes, ttl))
    }

    /// A token on these terms: the tests' way to tokens that must be refused.
    pub fn token_with(&self, terms: &TokenTerms) -> Result<String> {
        tokens::mint(&self.issuer, &self.issuer_url, &self.template, terms)
    }

    /// The local issuer, for tests that need tokens of other shapes.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Invokes a function by name, ARN or logical id, and waits for its answer. Throttles as Lambda does.
    pub async fn invoke(&self, function: &str, payload: impl Into<Bytes>) -> Result<Invoked, InvokeError> {
        self.lambda
            .invoke(self.name_of(function), payload.into(), Wait::Never)
            .await
    }

    /// Accepts an asynchronous invocation; gives its request id.
    pub fn invoke_event(&self, function: &str, payload: impl Into<Bytes>) -> Result<String, InvokeError> {
        self.queue.accept(self.name_of(function), payload.into())
    }

    fn name_of<'a>(&'a self, function: &'a str) -> &'a str {
        let known = self
            .template
            .functions
            .iter()
            .find(|known| known.logical_id == function);
        known.map_or(function, |known| known.name.as_str())
    }

    /// Messages that wait in a queue, visible or not; none in a queue that there is not.
    pub fn queue_length(&self, queue: &str) -> Result<u64> {
        let Some(queue) = self.sqs.queue(queue) else {
            return Ok(0);
        };
        let counts = self.sqs.counts(queue)?;
        Ok(u64::try_from(counts.visible + counts.hidden + counts.delayed).unwrap_or(0))
    }

    /// Waits until nothing runs and nothing waits for a retry.
    pub async fn idle(&self) {
        self.lambda.idle().await;
    }

    /// Every attempt of every invocation from now on.
    #[must_use]
    pub fn reports(&self) -> broadcast::Receiver<Report> {
        self.lambda.reports()
    }

    /// The running processes of a function.
    #[must_use]
    pub fn pids(&self, function: &str) -> Vec<u32> {
        self.lambda.pids(self.name_of(function))
    }

    /// The variables that a process of a function gets, secrets in them, for one that someone else starts; none if
    /// there is no such function. `runtime_api` is the host and port it is fed from.
    #[must_use]
    pub fn variables(
        &self,
        function: &str,
        runtime_api: &str,
        task_root: &Path,
    ) -> Option<BTreeMap<String, String>> {
        self.lambda
            .variables(self.name_of(function), runtime_api, task_root)
    }

    /// Stops: running functions are killed, events that are not over stay on disk.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        self.lambda.close();
        while self.tasks.join_next().await.is_some() {}
        // After the servers: no request is left that could use the stores.
        self.background.shutdown().await;
        // The attempts that were under way are killed by the same signal; this waits for that.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.lambda.idle()).await;
    }
}

/// Listens on the port of the AWS endpoint, on the address that containers reach.
async fn listen_for_containers(options: &Options, loopback: &TcpListener) -> Result<Option<TcpListener>> {
    const FLAG: &str = "--container-access";
    let Some(address) = options.container_access else {
        return Ok(None);
    };
    if address.is_unspecified() {
        // The credentials are no secret: whoever reaches the endpoint may invoke functions and read files.
        bail!(
            "{FLAG} {address} would open the local stack to the network: name the address of the containers' bridge"
        );
    }
    let port = loopback.local_addr().context("cannot tell the port")?.port();
    let listener = serve::listen_on(address, port, "--aws-port").await;
    Ok(Some(listener.context(FLAG)?))
}

/// The names of the functions that routes lead to.
fn behind_http(template: &Template) -> BTreeSet<String> {
    let routes = template.apis.iter().flat_map(|api| &api.routes);
    routes.map(|route| route.function.clone()).collect()
}

fn open_folder(data: &Data) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    match data {
        Data::Folder(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            Ok((folder.clone(), None))
        }
        Data::Ephemeral => {
            let folder = tempfile::tempdir().context("cannot make a folder for ephemeral data")?;
            Ok((folder.path().to_owned(), Some(folder)))
        }
    }
}

/// Two stacks on one folder would run each other's events. The lock ends with the process, however that ends.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another local stack runs on {}: stop it, or choose another folder with --data-dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn host(listener: &TcpListener) -> Result<String> {
    Ok(listener.local_addr().context("cannot tell the port")?.to_string())
}

pub(crate) fn read_template(
    path: &Path,
    parameters: &BTreeMap<String, String>,
    place: &Place,
) -> Result<Template> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Template::read(&text, parameters, place).with_context(|| path.display().to_string())
}

fn open_gateway(
    template: &Template,
    issuer: &Arc<Issuer>,
    issuer_url: &str,
    lambda: &Arc<Lambda>,
    notes: &Notes,
) -> Arc<Gateway> {
    let mut apis = template.apis.iter().filter(|api| !api.routes.is_empty());
    let first = apis.next();
    for other in apis {
        notes.say(&format!(
            "{} is not served: there is one port, and an API on it already",
            other.logical_id
        ));
    }
    let (issuer, url, lambda) = (issuer.clone(), issuer_url.to_owned(), lambda.clone());
    match first {
        Some(api) => Gateway::new(api.clone(), issuer, url, lambda),
        None => gateway::without_api(issuer, url, lambda),
    }
}
