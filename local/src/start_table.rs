//! What the local stack says of itself when it has started.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use local::template::{Destination, Function, Template};
use local::{Data, Stack};

/// What the stack itself does not know.
pub(crate) struct Facts {
    pub(crate) bin_dir: PathBuf,
    pub(crate) data: Data,
    pub(crate) retry_delay: Duration,
    pub(crate) token: String,
}

pub(crate) fn render(stack: &Stack, facts: &Facts) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, stack, facts);
    text
}

fn write(text: &mut String, stack: &Stack, facts: &Facts) -> std::fmt::Result {
    let template = stack.template();
    let reach = match stack.container_endpoint() {
        None => "loopback only",
        Some(_) => "loopback and this machine's containers",
    };
    writeln!(
        text,
        "The local stack runs. It is a development tool: {reach}, no access control inside.\n"
    )?;
    row(text, "API", &stack.api_url())?;
    row(text, "AWS endpoint", stack.aws_endpoint())?;
    if let Some(endpoint) = stack.container_endpoint() {
        row(text, "in containers", endpoint)?;
    }
    row(
        text,
        "data",
        &match &facts.data {
            Data::Folder(folder) => folder.display().to_string(),
            Data::Ephemeral => "gone with this process".to_owned(),
        },
    )?;
    for bucket in &template.buckets {
        row(text, "bucket", &bucket.name)?;
    }
    for table in &template.tables {
        row(text, "table", &table.name)?;
    }
    for queue in &template.queues {
        row(text, "queue", &queue.name)?;
    }
    for function in &template.functions {
        row(text, "function", &function_line(function, template, facts))?;
    }
    let seconds = facts.retry_delay.as_secs_f64();
    row(
        text,
        "retries",
        &format!(
            "after {seconds} s and {} s (on Lambda after 1 and 2 minutes)",
            seconds * 2.0
        ),
    )?;
    let (expected, other): (Vec<_>, Vec<_>) = template.ignored.iter().partition(|ignored| ignored.expected);
    if !expected.is_empty() {
        let names: Vec<&str> = expected.iter().map(|ignored| ignored.name.as_str()).collect();
        row(text, "not run here", &names.join(", "))?;
    }
    for ignored in other {
        row(text, "ignored", &format!("{}: {}", ignored.name, ignored.reason))?;
    }
    writeln!(text, "\nPoint the AWS CLI and SDKs at it:")?;
    writeln!(text, "{}", stack.credentials().export(stack.aws_endpoint()))?;
    writeln!(text, "\nA token for owner `you`:")?;
    writeln!(text, "export TOKEN={}", facts.token)?;
    write!(text, "\nOne line per invocation follows; Ctrl-C stops.")
}

fn row(text: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "  {name:<13} {value}")
}

fn function_line(function: &Function, template: &Template, facts: &Facts) -> String {
    let mut parts = vec![
        format!("{} MB", function.memory_mb),
        format!("{} s", function.timeout.as_secs()),
    ];
    for trigger in &function.object_triggers {
        parts.push(format!(
            "s3://{}/{}*{}",
            trigger.bucket, trigger.prefix, trigger.suffix
        ));
    }
    for trigger in &function.queue_triggers {
        parts.push(format!("queue {}", trigger.queue));
    }
    for trigger in &function.stream_triggers {
        parts.push(format!("stream of {}", trigger.table));
    }
    let routes = template
        .apis
        .iter()
        .flat_map(|api| &api.routes)
        .filter(|route| route.function == function.name);
    parts.extend(routes.map(local::template::Route::key));
    if let Some(Destination::Queue(name) | Destination::Function(name)) = &function.event_invoke.on_failure {
        parts.push(format!("failures to {name}"));
    }
    let binary = facts
        .bin_dir
        .join(format!("{}{}", function.binary, std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        parts.push(format!("NOT BUILT: {} is missing", binary.display()));
    }
    format!("{}: {}", function.name, parts.join(", "))
}
