//! A browser's form, as S3 takes uploads (RFC 7578).

use bytes::Bytes;
use serde_json::Value;

const BOUNDARY: &str = "longshore-boundary-7d9f2c";

/// A form: its fields in order, then the file.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is sent.
    pub url: String,
    /// Its fields, but for the file.
    pub fields: Vec<(String, String)>,
    /// The file.
    pub file: Bytes,
}

impl Form {
    /// The form of an announced upload.
    #[must_use]
    pub fn of(upload: &Value, file: impl Into<Bytes>) -> Self {
        let fields = upload["fields"].as_object().unwrap();
        Self {
            url: upload["url"].as_str().unwrap().to_owned(),
            fields: fields
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            file: file.into(),
        }
    }

    /// The same form with another value in a field, added if it is not there.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same form without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap().1
    }

    /// Sends it.
    pub async fn send(&self, http: &reqwest::Client) -> reqwest::Response {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            let part =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let disposition = "Content-Disposition: form-data; name=\"file\"; filename=\"file\"";
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{disposition}\r\n\r\n").as_bytes());
        body.extend_from_slice(&self.file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        http.post(&self.url)
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(body)
            .send()
            .await
            .unwrap()
    }
}
