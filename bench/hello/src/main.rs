//! The least that a function in Rust can be: what `bench-cold` compares starts with.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

// On one thread, like the functions of Longshore.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let hello = async |_: LambdaEvent<Value>| Ok::<_, Error>(json!({"message": "hello"}));
    lambda_runtime::run(service_fn(hello)).await
}
