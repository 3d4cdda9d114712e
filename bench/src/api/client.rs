//! A client of the API: one owner, one connection that is kept.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde_json::{Map, Value, json};

/// A table, small: what is measured is the API.
const CSV: &str = "id,name,price\n1,anchor,3.50\n2,rope,1.25\n3,lamp,7.00\n";

/// How long the table may take to be processed.
const PATIENCE: Duration = Duration::from_mins(1);

const BOUNDARY: &str = "longshore-bench-5b1f";

/// One owner's client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    api_url: String,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Value>,
    /// What must be answered.
    expected: StatusCode,
}

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// From before the request was written until the last byte of the answer.
    pub(crate) took: Duration,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    /// A `GET` that is answered with 200.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            headers: HeaderMap::new(),
            body: None,
            expected: StatusCode::OK,
        }
    }

    /// A `GET` by someone who knows the state already: 304.
    pub(crate) fn get_known(path: impl Into<String>, etag: HeaderValue) -> Self {
        let mut ask = Self::get(path);
        ask.headers.insert("if-none-match", etag);
        ask.expected = StatusCode::NOT_MODIFIED;
        ask
    }

    /// Announces a file: 201. `key` is its `Idempotency-Key`.
    pub(crate) fn announce(name: &str, size_bytes: usize, key: &str) -> Result<Self> {
        let mut ask = Self::get("/v1/uploads");
        ask.method = Method::POST;
        ask.headers
            .insert("idempotency-key", key.parse().context("cannot name a request")?);
        ask.body = Some(
            json!({"name": name, "kind": "tables", "size_bytes": size_bytes, "content_type": "text/csv"}),
        );
        ask.expected = StatusCode::CREATED;
        Ok(ask)
    }
}

impl Client {
    pub(crate) fn new(api_url: String, token: &str) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).context("the token is no header")?;
        headers.insert(AUTHORIZATION, bearer);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self { http, api_url })
    }

    /// Asks, and reads the whole answer. Any status but the expected one is an error.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Answer> {
        let url = format!("{}{}", self.api_url, ask.path);
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .headers(ask.headers.clone());
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let begin = Instant::now();
        let answer = request.send().await?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let body = answer.bytes().await?.to_vec();
        let took = begin.elapsed();
        if status != ask.expected {
            let text = String::from_utf8_lossy(&body);
            bail!("{} {}: {status}: {text}", ask.method, ask.path);
        }
        Ok(Answer { took, headers, body })
    }

    /// Uploads a small table and waits until it is done; gives its id.
    pub(crate) async fn upload(&self) -> Result<String> {
        let ask = Ask::announce("first.csv", CSV.len(), "first")?;
        let announced: Value = serde_json::from_slice(&self.ask(&ask).await?.body)?;
        let id = text(&announced, "/file/id")?.to_owned();
        let url = text(&announced, "/upload/url")?;
        let fields = announced
            .pointer("/upload/fields")
            .and_then(Value::as_object)
            .context("the upload has no fields")?;
        let form = form(fields)?;
        // The form is its own permission: S3 would take the API's token for a signature.
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .post(url)
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(form)
            .send()
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "upload: {status}: {}", answer.text().await?);
        let begin = Instant::now();
        loop {
            let file = self.ask(&Ask::get(format!("/v1/files/{id}"))).await?;
            let file: Value = serde_json::from_slice(&file.body)?;
            match text(&file, "/status")? {
                "done" => return Ok(id),
                "pending" | "processing" => {
                    ensure!(begin.elapsed() < PATIENCE, "the table is still not done: {file}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                _ => bail!("the table was not done: {file}"),
            }
        }
    }
}

/// A browser's form (RFC 7578): the fields of an announced upload, then the table.
fn form(fields: &Map<String, Value>) -> Result<String> {
    let mut form = String::new();
    for (name, value) in fields {
        let value = value.as_str().context("a field of the upload is no text")?;
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"");
        write!(form, "--{BOUNDARY}\r\n{disposition}\r\n\r\n{value}\r\n")?;
    }
    let disposition = "Content-Disposition: form-data; name=\"file\"; filename=\"first.csv\"";
    write!(
        form,
        "--{BOUNDARY}\r\n{disposition}\r\n\r\n{CSV}\r\n--{BOUNDARY}--\r\n"
    )?;
    Ok(form)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("the answer has no {pointer}"))
}
