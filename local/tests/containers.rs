//! What containers of `sam local` need of the stack: an endpoint that they reach, and what functions are told.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod support;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use local::{Data, Offline, Options, Stack};
use serde_json::{Value, json};
use support::{options, send, signed};

#[tokio::test]
async fn the_environment_made_beside_the_stack_is_that_of_its_functions() {
    let folder = tempfile::tempdir().unwrap();
    let options = options("functions.yaml");
    let template = options.template.clone();
    let data = Data::Folder(folder.path().to_owned());
    let stack = Stack::start(Options { data, ..options }).await.unwrap();
    let parameters = BTreeMap::new();
    let beside = Offline {
        template: &template,
        parameters: &parameters,
        folder: folder.path(),
        api_port: 0,
    };
    let told = beside.environment(stack.aws_endpoint()).await.unwrap();
    assert_eq!(
        told.as_object().unwrap().len(),
        stack.template().functions.len(),
        "{told}"
    );
    let answer = stack.invoke("plain", r#"{"do":"env"}"#).await.unwrap();
    let has: Value = serde_json::from_slice(answer.outcome.as_ref().unwrap()).unwrap();
    let told = told["Plain"].as_object().unwrap();
    for (name, value) in told {
        assert_eq!(&has[name], value, "{name}");
    }
    // A secret, a resource, and the endpoint.
    for name in ["PASSWORD", "QUEUE_URL", "AWS_ENDPOINT_URL"] {
        assert!(told.contains_key(name), "{name}");
    }
    let other = beside.environment("http://172.17.0.1:4566").await.unwrap();
    assert_eq!(
        other["Plain"]["QUEUE_URL"],
        "http://172.17.0.1:4566/000000000000/failures"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn the_aws_endpoint_listens_for_containers_when_it_is_asked_to() {
    let stack = support::start("functions.yaml").await;
    assert_eq!(stack.container_endpoint(), None);
    stack.shutdown().await;

    // Not every system has a second loopback address; where there is none, that is what the start says.
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let with = |address| Options {
        container_access: Some(address),
        ..options("functions.yaml")
    };
    let stack = match Stack::start(with(address)).await {
        Ok(stack) => stack,
        Err(error) => {
            assert!(format!("{error:#}").contains("this machine has no address 127.0.0.2"));
            return;
        }
    };
    let endpoint = stack.container_endpoint().unwrap().to_owned();
    assert_eq!(endpoint, stack.aws_endpoint().replace("127.0.0.1", "127.0.0.2"));
    let request = signed("POST", format!("{endpoint}/"), "sqs")
        .header("x-amz-target", "AmazonSQS.ListQueues")
        .header("content-type", "application/x-amz-json-1.0");
    let answer = send(request, json!({}).to_string()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    stack.shutdown().await;

    let everywhere = Stack::start(with(Ipv4Addr::UNSPECIFIED.into())).await.err();
    assert!(
        format!("{:#}", everywhere.unwrap()).contains("would open the local stack to the network"),
        "every address"
    );
}
