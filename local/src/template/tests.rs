//! Whole templates, read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;

fn place() -> Place {
    Place {
        attributes: Attributes {
            aws_endpoint: "http://127.0.0.1:4566".to_owned(),
            api_url: "http://127.0.0.1:3000".to_owned(),
        },
        issuer: "http://127.0.0.1:3000/issuer".to_owned(),
        audience: "local".to_owned(),
    }
}

fn read_with(text: &str, overrides: &[(&str, &str)]) -> Result<Template, TemplateError> {
    let overrides: BTreeMap<String, String> = overrides
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Template::read(text, &overrides, &place())
}

pub(super) fn read(text: &str) -> Result<Template, TemplateError> {
    read_with(text, &[])
}

/// A function whose environment holds one expression, evaluated.
fn evaluate(expression: &str) -> Result<String, TemplateError> {
    let text = format!(
        r#"
Parameters:
  Name: {{Type: String, Default: file}}
  Names: {{Type: CommaDelimitedList, Default: "a, b,c"}}
  Count: {{Type: Number, Default: 3}}
  On: {{Type: String, Default: "true"}}
Mappings:
  Sizes: {{small: {{mb: 128}}, large: {{mb: 1024}}}}
Conditions:
  IsFile: !Equals [!Ref Name, file]
  IsOn: !Equals [!Ref On, true]
  Both: !And [!Condition IsFile, Condition: IsOn]
  Neither: !Not [!Or [!Condition IsFile, !Condition IsOn]]
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: functions/f
      Policies: [!ImportValue never-read]
      Environment: {{Variables: {{X: {expression}}}}}
  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !Sub "${{Name}}-bucket"}}}}
  Unnamed: {{Type: AWS::S3::Bucket}}
  Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: q}}}}
  T:
    Type: AWS::DynamoDB::Table
    Properties: {{KeySchema: [{{AttributeName: pk, KeyType: HASH}}]}}
  Api: {{Type: AWS::Serverless::HttpApi}}
  Off: {{Type: AWS::SQS::Queue, Condition: Neither}}
  Key: {{Type: AWS::KMS::Key}}
  Loop: {{Type: AWS::S3::Bucket, Properties: {{BucketName: "x"}}}}
"#
    );
    let template = read(&text)?;
    Ok(template.functions[0].environment["X"].clone())
}

#[test]
fn expressions_are_evaluated() {
    for (expression, expected) in [
        ("plain", "plain"),
        ("12", "12"),
        ("true", "true"),
        ("!Ref Name", "file"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref B", "file-bucket"),
        ("!Ref Unnamed", "longshore-unnamed"),
        ("!Ref F", "longshore-F"),
        ("!Ref T", "longshore-T"),
        ("!Ref Q", "http://127.0.0.1:4566/000000000000/q"),
        ("!Ref Api", "api"),
        (
            "!GetAtt F.Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:longshore-F",
        ),
        ("!GetAtt B.Arn", "arn:aws:s3:::file-bucket"),
        ("!GetAtt Q.Arn", "arn:aws:sqs:us-east-1:000000000000:q"),
        (
            "{\"Fn::GetAtt\": [T, Arn]}",
            "arn:aws:dynamodb:us-east-1:000000000000:table/longshore-T",
        ),
        ("!GetAtt Api.ApiEndpoint", "http://127.0.0.1:3000"),
        (
            "!Sub \"${Name}-${AWS::AccountId}-${B.Arn}-${!Literal}-$x\"",
            "file-000000000000-arn:aws:s3:::file-bucket-${Literal}-$x",
        ),
        (
            "!Sub [\"${V}/${Name}\", {V: !Join [\"+\", [a, !Ref Count]]}]",
            "a+3/file",
        ),
        ("!Join [\"-\", !Ref Names]", "a-b-c"),
        ("!Select [1, !Ref Names]", "b"),
        ("!Select [\"2\", !Split [\"/\", \"x/y/z\"]]", "z"),
        ("!FindInMap [Sizes, large, mb]", "1024"),
        ("!If [IsFile, yes, no]", "yes"),
        ("!If [Both, both, !ImportValue not-taken]", "both"),
        ("!If [Neither, a, !Ref Name]", "file"),
        ("!Base64 hello", "aGVsbG8="),
    ] {
        assert_eq!(evaluate(expression).as_deref(), Ok(expected), "{expression}");
    }
    // A variable without a value is no variable.
    let template = read(
        "Conditions: {No: !Equals [a, b]}\nResources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, \
         Environment: {Variables: {X: !If [No, 1, !Ref AWS::NoValue], Y: 1}}}}}",
    )
    .unwrap();
    assert_eq!(
        template.functions[0].environment.keys().collect::<Vec<_>>(),
        ["Y"]
    );
}

#[test]
fn what_cannot_be_evaluated_is_named_with_its_path() {
    let path = "Resources.F.Properties.Environment.Variables.X";
    for (expression, expected) in [
        ("!Ref Nobody", "Ref: no parameter or resource is called Nobody"),
        (
            "!Ref Key",
            "Ref: Ref of Key: the local stack has none for AWS::KMS::Key",
        ),
        ("!Ref Off", "Ref: Off is not made: its condition Neither is false"),
        (
            "!GetAtt B.Nothing",
            "Fn::GetAtt: GetAtt Nothing of B: the local stack has none for AWS::S3::Bucket",
        ),
        (
            "!Sub \"${Nobody}\"",
            "Fn::Sub: no parameter or resource is called Nobody",
        ),
        ("!Sub \"${open\"", "Fn::Sub: a ${ without its }"),
        (
            "!ImportValue x",
            "Fn::ImportValue: values of other stacks are not there on the local stack",
        ),
        (
            "{\"Fn::Transform\": {Name: x}}",
            "Fn::Transform: macros are not run on the local stack",
        ),
        (
            "{\"Fn::Whatever\": x}",
            "Fn::Whatever: this function is not known to the local stack",
        ),
        ("!Select [5, [a]]", "Fn::Select: index 5 in a list of 1"),
        (
            "!FindInMap [Sizes, none, mb]",
            "Fn::FindInMap: no Mappings.Sizes.none.mb",
        ),
        ("!If [Nope, 1, 2]", "Fn::If: no condition Nope in Conditions"),
        ("!Ref Names", " a list or a map where a text is needed"),
        ("[1, 2]", " a list or a map where a text is needed"),
    ] {
        let separator = if expected.starts_with(' ') { ":" } else { "." };
        let expected = format!("{path}{separator}{expected}");
        assert_eq!(
            evaluate(expression).unwrap_err().to_string(),
            expected,
            "{expression}"
        );
    }
    let circle = "Resources: {A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}}";
    assert!(read(circle).unwrap_err().to_string().contains("circle"));
    let conditions = "Conditions: {A: !Condition B, B: !Condition A}\nResources: {Q: {Type: AWS::SQS::Queue, Condition: A}}";
    assert!(read(conditions).unwrap_err().to_string().contains("circle"));
}

#[test]
fn parameters_are_checked() {
    let text = "Parameters:\n  Arch: {Type: String, Default: arm64, AllowedValues: [arm64, x86_64]}\n  \
                N: {Type: Number, Default: 5, MinValue: 1, MaxValue: 9}\n  S: {Type: String, Default: ab, MinLength: 1}\n\
                Resources: {}";
    let template = read_with(text, &[("Arch", "x86_64"), ("N", "7")]).unwrap();
    assert_eq!(
        (&template.parameters["Arch"], &template.parameters["N"]),
        (&json!("x86_64"), &json!("7"))
    );
    for (name, value, expected) in [
        (
            "Arch",
            "mips",
            "Parameters.Arch: \"mips\" is not one of arm64, x86_64",
        ),
        ("N", "many", "Parameters.N: \"many\" is not a number"),
        ("N", "10", "Parameters.N: 10 is out of its range"),
        ("S", "", "Parameters.S: \"\" is too short or too long"),
        ("Z", "1", "Parameters: there is no parameter Z"),
    ] {
        assert_eq!(
            read_with(text, &[(name, value)]).unwrap_err().to_string(),
            expected
        );
    }
    let needed = "Parameters: {P: {Type: String}}\nResources: {}";
    assert_eq!(
        read(needed).unwrap_err().to_string(),
        "Parameters.P: has no default: give it with --parameter"
    );
}

#[test]
fn functions_are_read_with_globals_and_events() {
    let text = r"
Globals:
  Function: {Runtime: provided.al2023, CodeUri: functions/a, MemorySize: 256, Environment: {Variables: {A: 1, B: 1}}}
Resources:
  One:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: special}}
    Properties:
      Timeout: 60
      ReservedConcurrentExecutions: 2
      Environment: {Variables: {B: 2}}
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        MaximumEventAgeInSeconds: 120
        DestinationConfig:
          OnFailure: {Type: SQS, Destination: !GetAtt Q.Arn}
          OnSuccess: {Type: SNS, Destination: 'arn:aws:sns:us-east-1:000000000000:topic'}
      Events:
        Up:
          Type: S3
          Properties:
            Bucket: !Ref B
            Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}, {Name: suffix, Value: .csv}]}}
        Get: {Type: HttpApi, Properties: {Path: '/x/{id}', Method: get}}
        Any: {Type: HttpApi}
        Night: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
  Two: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./functions/two/}}
  Old: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13}}
  B: {Type: AWS::S3::Bucket}
  Q: {Type: AWS::SQS::Queue}
  Alarm: {Type: AWS::CloudWatch::Alarm}
  Odd: {Type: Custom::Thing}
";
    let template = read(text).unwrap();
    let [one, two] = template.functions.as_slice() else {
        panic!("{:?}", template.functions)
    };
    assert_eq!((one.binary.as_str(), two.binary.as_str()), ("special", "two"));
    assert_eq!(
        (one.memory_mb, one.timeout, one.reserved_concurrency),
        (256, Duration::from_mins(1), Some(2))
    );
    assert_eq!(
        (two.timeout, two.event_invoke.maximum_retry_attempts),
        (Duration::from_secs(3), 2)
    );
    let environment: Vec<_> = one
        .environment
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(environment, [("A", "1"), ("B", "2")]);
    let invoke = &one.event_invoke;
    assert_eq!(
        (invoke.maximum_retry_attempts, invoke.maximum_event_age),
        (1, Duration::from_mins(2))
    );
    assert_eq!(
        invoke.on_failure,
        Some(Destination::Queue("longshore-Q".to_owned()))
    );
    let trigger = &one.object_triggers[0];
    assert_eq!(
        (
            trigger.bucket.as_str(),
            trigger.prefix.as_str(),
            trigger.suffix.as_str()
        ),
        ("longshore-b", "in/", ".csv")
    );
    let keys: Vec<_> = template.apis[0].routes.iter().map(Route::key).collect();
    assert_eq!(
        (template.apis[0].id.as_str(), keys),
        (
            "serverlesshttpapi",
            vec!["$default".to_owned(), "GET /x/{id}".to_owned()]
        )
    );
    let ignored: Vec<_> = template
        .ignored
        .iter()
        .map(|ignored| ignored.name.as_str())
        .collect();
    assert_eq!(ignored, ["Alarm", "Odd", "Old", "One.OnSuccess", "One.Night"]);
}

#[test]
fn the_local_issuer_takes_the_place_of_the_templates() {
    let text = r"
Parameters: {Issuer: {Type: String}, Audience: {Type: String, Default: theirs}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: v1
      CorsConfiguration: {AllowOrigins: ['*'], MaxAge: 60}
      Auth:
        DefaultAuthorizer: Jwt
        Authorizers: {Jwt: {JwtConfiguration: {issuer: !Ref Issuer, audience: [!Ref Audience]}}}
";
    let template = read(text).unwrap();
    let jwt = &template.apis[0].authorizers["Jwt"];
    assert_eq!(
        (jwt.issuer.as_str(), jwt.audience.as_slice()),
        ("http://127.0.0.1:3000/issuer", ["local".to_owned()].as_slice())
    );
    assert_eq!(template.apis[0].cors.as_ref().unwrap().max_age_seconds, Some(60));
    let insisted = read_with(text, &[("Issuer", "https://theirs")]).unwrap();
    assert_eq!(insisted.apis[0].authorizers["Jwt"].issuer, "https://theirs");
    let unknown = text.replace("DefaultAuthorizer: Jwt", "DefaultAuthorizer: Other")
        + "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: f, Events: {E: {Type: HttpApi, Properties: \
           {ApiId: !Ref Api, Path: /, Method: GET}}}}}\n";
    assert_eq!(
        read(&unknown).unwrap_err().to_string(),
        "Resources.Api: route GET / names no authorizer of it: Other"
    );
}

#[test]
fn stores_are_read() {
    let text = r"
Resources:
  T:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: t
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      ProvisionedThroughput: {ReadCapacityUnits: '5', WriteCapacityUnits: 1}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      StreamSpecification: {StreamViewType: KEYS_ONLY}
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
  S: {Type: AWS::Serverless::SimpleTable}
  B:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [PUT]}]}
  Q:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 7, RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 3}}
  D: {Type: AWS::SQS::Queue}
";
    let template = read(text).unwrap();
    let table = template
        .tables
        .iter()
        .find(|table| table.logical_id == "T")
        .unwrap();
    assert_eq!(
        table.create_table,
        json!({
            "TableName": "t", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1},
            "StreamSpecification": {"StreamViewType": "KEYS_ONLY", "StreamEnabled": true},
        })
    );
    assert_eq!(table.time_to_live.as_ref().unwrap().attribute, "expires");
    let bucket = &template.buckets[0];
    assert!(bucket.versioned && bucket.lifecycle.is_none());
    assert_eq!(
        bucket.cors,
        Some(json!({"CorsRules": [{"AllowedMethods": ["PUT"]}]}))
    );
    let queue = template
        .queues
        .iter()
        .find(|queue| queue.logical_id == "Q")
        .unwrap();
    assert_eq!(
        (queue.visibility_timeout_seconds, queue.retention_seconds),
        (7, 345_600)
    );
    assert_eq!(
        queue.redrive.as_ref().map(|redrive| redrive.queue.as_str()),
        Some("longshore-D")
    );
}

#[test]
fn mistakes_are_said_with_their_place() {
    let function = |properties: &str| {
        read(&format!(
            "Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {{{properties}}}}}}}"
        ))
    };
    for (properties, expected) in [
        ("Timeout: 3", "CodeUri: is missing"),
        (
            "CodeUri: .",
            "CodeUri: names no folder, and Metadata.BuildProperties.Binary is not given",
        ),
        (
            "CodeUri: f, Timeout: 901",
            "Timeout: is not between 1 and 900 seconds",
        ),
        (
            "CodeUri: f, Timeout: soon",
            "Timeout: \"soon\" is not a whole number",
        ),
        (
            "CodeUri: f, MemorySize: 64",
            "MemorySize: is not between 128 and 10240 MB",
        ),
        (
            "CodeUri: f, EventInvokeConfig: {MaximumRetryAttempts: 9}",
            "EventInvokeConfig.MaximumRetryAttempts: is not between 0 and 2",
        ),
        (
            "CodeUri: f, Events: {E: {Type: HttpApi, Properties: {Path: x, Method: GET}}}",
            "Events.E.Properties.Path: \"x\" does not start with /",
        ),
        (
            "CodeUri: f, Events: {E: {Type: S3, Properties: {Bucket: b, Events: s3:ObjectCreated:*}}}",
            "Events.E: bucket b is not in this template",
        ),
    ] {
        assert_eq!(
            function(properties).unwrap_err().to_string(),
            format!("Resources.F.Properties.{expected}"),
            "{properties}"
        );
    }
    assert_eq!(read("[1]").unwrap_err().to_string(), "the template is not a map");
    assert_eq!(
        read("Resources: {X: {}}").unwrap_err().to_string(),
        "Resources.X: has no Type"
    );
}
