//! Where the template and the code could part ways.

use std::collections::BTreeSet;

use tests::Stage;

#[tokio::test]
async fn the_templates_routes_are_the_routers() {
    let stage = Stage::new().await;
    let template: BTreeSet<_> = stage
        .stack
        .template()
        .apis
        .iter()
        .flat_map(|api| &api.routes)
        .map(local::template::Route::key)
        .collect();
    let router: BTreeSet<_> = api::OPERATIONS
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    assert_eq!(template, router);
    for route in stage.stack.template().apis.iter().flat_map(|api| &api.routes) {
        let operation = api::OPERATIONS
            .iter()
            .find(|operation| format!("{} {}", operation.method, operation.path) == route.key())
            .unwrap();
        let scopes = operation.scope.map(|scope| vec![scope.as_str().to_owned()]);
        assert_eq!(route.scopes, scopes, "{}", route.key());
    }
}

#[tokio::test]
async fn every_kind_that_can_be_announced_has_a_function_that_waits_for_it() {
    let stage = Stage::new().await;
    let template = stage.stack.template();
    let api = template
        .functions
        .iter()
        .find(|function| function.binary == "api")
        .unwrap();
    let kinds: BTreeSet<_> = api.environment["KINDS"]
        .split_whitespace()
        .map(|kind| kind.split_once('=').unwrap())
        .collect();
    let processors: BTreeSet<_> = template
        .functions
        .iter()
        .filter(|function| function.environment.contains_key("MAX_INPUT_BYTES"))
        .map(|function| {
            (
                function.binary.as_str(),
                function.environment["MAX_INPUT_BYTES"].as_str(),
            )
        })
        .collect();
    assert_eq!(kinds, processors, "kind and largest size");
    for function in &template.functions {
        for trigger in &function.object_triggers {
            let prefix = if function.binary == "intake" {
                "inbox"
            } else {
                &function.binary
            };
            assert_eq!(trigger.prefix, format!("{prefix}/"));
        }
    }
    // Whoever hands files over knows each kind's function.
    let name_of = |binary: &str| {
        let function = template
            .functions
            .iter()
            .find(|function| function.binary == binary);
        function.unwrap().name.clone()
    };
    let intake = template
        .functions
        .iter()
        .find(|function| function.binary == "intake")
        .unwrap();
    let processors = kinds.iter().map(|(kind, _)| format!("{kind}={}", name_of(kind)));
    let processors: Vec<_> = processors.collect();
    assert_eq!(intake.environment["FUNCTIONS"], processors.join(" "));
    assert_eq!(
        api.environment["FUNCTIONS"],
        format!("auto={} {}", name_of("intake"), processors.join(" "))
    );
    let notify = template
        .functions
        .iter()
        .find(|function| function.binary == "notify")
        .unwrap();
    for function in template
        .functions
        .iter()
        .filter(|function| !function.object_triggers.is_empty())
    {
        let tries = function.event_invoke.maximum_retry_attempts + 1;
        assert_eq!(
            notify.environment["ATTEMPTS"],
            tries.to_string(),
            "{}",
            function.name
        );
    }
}

#[tokio::test]
async fn a_function_that_lacks_a_variable_does_not_start_and_names_it() {
    for (function, variable) in [
        ("Tables", "TABLE_NAME: !Ref Catalogue"),
        (
            "Api",
            "KINDS: !Sub images=${ImagesMaxInputBytes} tables=${TablesMaxInputBytes}",
        ),
        ("Images", "MAX_INPUT_BYTES: !Ref ImagesMaxInputBytes"),
        (
            "ImagesOnRequest",
            "IMAGE_URL_KEY: !Sub \"{{resolve:secretsmanager:${ImageUrlKey}}}\"",
        ),
        ("Intake", "DROP_OWNER: !Ref DropOwner"),
        ("Notify", "DELIVERIES_QUEUE_URL: !Ref Deliveries"),
    ] {
        let name = variable.split(':').next().unwrap();
        let stage = Stage::with(&[(variable, "UNRELATED: x")]).await;
        stage.invoke(function, "{}").await.unwrap_err();
        let log = stage.log.lock().unwrap().join("\n");
        assert!(
            log.contains(&format!("the environment variable {name} is not set")),
            "{log}"
        );
    }
}
