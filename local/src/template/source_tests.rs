//! Secrets, queues and streams of templates.

use std::time::Duration;

use serde_json::json;

use super::tests::read;
use super::*;

#[test]
fn secrets_are_read_and_referred_to_but_not_put_in() {
    let text = r"
Resources:
  Key: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {PasswordLength: 64, ExcludePunctuation: true}}}
  Named: {Type: AWS::SecretsManager::Secret, Properties: {Name: db, SecretString: '{}'}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f
      Environment: {Variables: {K: !Sub '{{resolve:secretsmanager:${Key}}}', ID: !Ref Named}}
";
    let template = read(text).unwrap();
    let environment = &template.functions[0].environment;
    let arn = |name: &str| format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-000000");
    assert_eq!(environment["ID"], arn("db"));
    assert_eq!(
        environment["K"],
        format!("{{{{resolve:secretsmanager:{}}}}}", arn("longshore-Key"))
    );
    let SecretSource::Generated(generation) = &template.secrets[0].source else {
        panic!("{:?}", template.secrets)
    };
    assert_eq!((generation.length, generation.kinds.len()), (64, 3));
    for (from, to, expected) in [
        (
            "secretsmanager:${Key}",
            "ssm:${Key}",
            "Resources.F.Properties.Environment.Variables.K: {{resolve:ssm:…}} is not known to the local stack, \
             only secretsmanager is",
        ),
        (
            "${Key}}}",
            "other}}",
            "Resources.F.Properties.Environment.Variables.K: secret other is not in this template",
        ),
        (
            "CodeUri: f",
            "CodeUri: '{{resolve:secretsmanager:db}}'",
            "Resources.F.Properties.CodeUri: dynamic references are resolved in environments only",
        ),
        (
            "PasswordLength: 64",
            "PasswordLength: 2",
            "Resources.Key.Properties.GenerateSecretString.PasswordLength: has no room for each kind of characters",
        ),
        (
            ", SecretString: '{}'",
            "",
            "Resources.Named.Properties.GenerateSecretString: is missing, and SecretString too",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        assert_eq!(read(&text.replace(from, to)).unwrap_err().to_string(), expected);
    }
}

const STREAM: &str = r#"
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f
      Events:
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt T.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 7
            MaximumBatchingWindowInSeconds: 1
            MaximumRetryAttempts: 3
            MaximumRecordAgeInSeconds: -1
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: {Filters: [{Pattern: '{"eventName": ["REMOVE"]}'}]}
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Q.Arn}}
        Work:
          Type: SQS
          Properties: {Queue: !GetAtt Q.Arn, BatchSize: 4, FilterCriteria: {Filters: [{Pattern: '{"body": ["x"]}'}]}}
        Off: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn, Enabled: false}}
  T:
    Type: AWS::DynamoDB::Table
    Properties: {KeySchema: [{AttributeName: pk, KeyType: HASH}], StreamSpecification: {StreamViewType: NEW_IMAGE}}
  Q: {Type: AWS::SQS::Queue}
"#;

#[test]
fn event_source_mappings_are_read() {
    let template = read(STREAM).unwrap();
    let function = &template.functions[0];
    let trigger = &function.stream_triggers[0];
    assert_eq!(
        (trigger.id.as_str(), trigger.table.as_str()),
        ("Changes", "longshore-T")
    );
    assert_eq!(trigger.stream_arn, stream_arn("longshore-T"));
    assert_eq!(trigger.starting_position, StartingPosition::TrimHorizon);
    assert_eq!(
        (trigger.batch_size, trigger.batching_window),
        (7, Duration::from_secs(1))
    );
    assert_eq!(
        (trigger.maximum_retry_attempts, trigger.maximum_record_age),
        (Some(3), None)
    );
    assert!(trigger.bisects && trigger.reports_item_failures);
    assert_eq!(trigger.on_failure.as_deref(), Some("longshore-Q"));
    assert!(trigger.filters.pass(&json!({"eventName": "REMOVE"})));
    assert!(!trigger.filters.pass(&json!({"eventName": "INSERT"})));
    let [queue] = function.queue_triggers.as_slice() else {
        panic!("{:?}", function.queue_triggers)
    };
    assert_eq!((queue.batch_size, queue.concurrency), (4, 5));
    assert!(!queue.filters.pass_message(&json!({"body": "y"})));
    assert_eq!(template.ignored[0].name, "F.Off");
}

#[test]
fn mistakes_in_event_source_mappings_are_said_with_their_place() {
    let path = "Resources.F.Properties.Events.Changes";
    for (from, to, expected) in [
        (
            "REMOVE\"]",
            "REMOVE\", {\"wild\": 1}]",
            format!(
                "{path}.Properties.FilterCriteria.Filters[0].Pattern: eventName: the rule wild is not known"
            ),
        ),
        (
            "TRIM_HORIZON",
            "NOW",
            format!("{path}.Properties.StartingPosition: \"NOW\" is neither TRIM_HORIZON nor LATEST"),
        ),
        (
            "!GetAtt T.StreamArn",
            "arn:aws:sqs:::x",
            format!("{path}.Properties.Stream: \"arn:aws:sqs:::x\" is not the ARN of a table's stream"),
        ),
        (
            "!GetAtt T.StreamArn",
            "arn:aws:dynamodb:us-east-1:000000000000:table/other/stream/x",
            format!("{path}: table other with a stream is not in this template"),
        ),
        (
            ", StreamSpecification: {StreamViewType: NEW_IMAGE}",
            "",
            format!("{path}.Properties.Stream.Fn::GetAtt: T has no StreamSpecification"),
        ),
        (
            "MaximumRetryAttempts: 3",
            "MaximumRetryAttempts: 10001",
            format!("{path}.Properties.MaximumRetryAttempts: is neither -1 nor between 0 and 10000"),
        ),
        (
            "[ReportBatchItemFailures]",
            "[Report]",
            format!("{path}.Properties.FunctionResponseTypes: \"Report\" is not ReportBatchItemFailures"),
        ),
    ] {
        assert!(STREAM.contains(from), "{from}");
        assert_eq!(read(&STREAM.replace(from, to)).unwrap_err().to_string(), expected);
    }
}
