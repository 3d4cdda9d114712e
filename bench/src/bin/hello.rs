//! The least that a function behind the HTTP API can do: what `bench-api` compares the API with.

use std::convert::Infallible;

use lambda_http::{Error, Request, Response, service_fn};

// On one thread, like the functions of Longshore.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(async |_: Request| {
        let mut response = Response::new(r#"{"message":"hello"}"#.to_owned());
        let json = lambda_http::http::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        Ok::<_, Infallible>(response)
    }))
    .await
}
