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
    let router: BTreeSet<_> = api::ROUTES
        .iter()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert_eq!(template, router);
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
    let functions: BTreeSet<_> = template
        .functions
        .iter()
        .filter(|function| !function.object_triggers.is_empty())
        .map(|function| {
            (
                function.binary.as_str(),
                function.environment["MAX_INPUT_BYTES"].as_str(),
            )
        })
        .collect();
    assert_eq!(kinds, functions, "kind and largest size");
    for function in &template.functions {
        for trigger in &function.object_triggers {
            assert_eq!(trigger.prefix, format!("{}/", function.binary));
        }
    }
}

#[tokio::test]
async fn a_function_that_lacks_a_variable_does_not_start_and_names_it() {
    for (function, variable) in [
        ("Tables", "TABLE_NAME: !Ref Catalogue"),
        ("Api", "KINDS: !Sub tables=${TablesMaxInputBytes}"),
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
