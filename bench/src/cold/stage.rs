//! What the processes meet: the local stack behind TLS, and what they are told of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use local::{Options, Stack};
use shared::{aws, config::Environment};

use super::{
    certificates::Certificates,
    front::Front,
    process::Launch,
    subjects::{Language, Subject, binary},
};

/// What the stack's own functions are called, and what stands for all of them.
const STAND_IN: &str = "hello-bare";

/// Where things are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// With `template.yaml` and `events/`.
    pub(crate) workspace: PathBuf,
    /// With the functions to be measured.
    pub(crate) bin_dir: PathBuf,
    /// With the peers as `build.py` makes them.
    pub(crate) peers: PathBuf,
    /// The Python with `awslambdaric`.
    pub(crate) python: PathBuf,
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) front: Front,
    stack: Stack,
    places: Places,
    folder: tempfile::TempDir,
    uploads: String,
    results: String,
    table: String,
}

impl Stage {
    pub(crate) async fn start(places: Places) -> Result<Self> {
        let path = places.workspace.join("template.yaml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let template = folder.path().join("template.yaml");
        std::fs::write(&template, without_events(&text)).context("cannot write the template")?;
        // What intake hands a table to must be invoked, and do nothing beside the process that is measured.
        let stand_ins = folder.path().join("bin");
        std::fs::create_dir(&stand_ins).context("cannot make a folder")?;
        let stand_in = binary(&places.bin_dir, STAND_IN);
        let stack = Stack::start(Options::new(template, &stand_ins)).await?;
        for function in &stack.template().functions {
            let to = stand_ins.join(format!("{}{}", function.binary, std::env::consts::EXE_SUFFIX));
            std::fs::copy(&stand_in, &to).with_context(|| format!("cannot copy {}", stand_in.display()))?;
        }
        let certificates = tokio::task::spawn_blocking(Certificates::make).await??;
        let backend = stack
            .aws_endpoint()
            .strip_prefix("http://")
            .context("the stack speaks no HTTP")?;
        let front = Front::open(&certificates, backend).await?;
        write_trust(folder.path(), &places.peers, &certificates.root_pem)?;
        let (s3, dynamodb) = clients(&stack)?;
        let variables = stack
            .variables("Tables", "", folder.path())
            .context("the template has no function Tables")?;
        let variable = |name: &str| {
            variables
                .get(name)
                .cloned()
                .with_context(|| format!("Tables is not told {name}"))
        };
        Ok(Self {
            uploads: variable("UPLOADS_BUCKET")?,
            results: variable("RESULTS_BUCKET")?,
            table: variable("TABLE_NAME")?,
            s3,
            dynamodb,
            front,
            stack,
            places,
            folder,
        })
    }

    pub(crate) fn uploads(&self) -> &str {
        &self.uploads
    }

    pub(crate) fn results(&self) -> &str {
        &self.results
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Where the processes write what they have to say.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// `MemorySize` of the function with that binary, if there is one.
    pub(crate) fn memory_mb(&self, binary: &str) -> Option<u64> {
        let functions = &self.stack.template().functions;
        functions
            .iter()
            .find(|function| function.binary == binary)
            .map(|function| function.memory_mb)
    }

    /// How a process of that subject is started.
    pub(crate) fn launch(&self, subject: Subject, runtime_api: &str, memory_mb: u64) -> Result<Launch> {
        let row = subject.row();
        let (program, arguments, folder) = match subject.language {
            Language::Rust => {
                let binary = binary(&self.places.bin_dir, row.binary);
                let folder = binary
                    .parent()
                    .context("the binary lies in no folder")?
                    .to_owned();
                (binary, Vec::new(), folder)
            }
            Language::Python => (
                self.places.python.clone(),
                ["-m", "awslambdaric", "handler.handler"]
                    .map(str::to_owned)
                    .to_vec(),
                self.places.peers.join(subject.job.name()).join("task"),
            ),
        };
        let mut variables = self
            .stack
            .variables(row.environment_of, runtime_api, &folder)
            .with_context(|| format!("the template has no function {}", row.environment_of))?;
        // Nothing goes around TLS.
        variables.remove("AWS_ENDPOINT_URL");
        variables.extend(self.front.variables());
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let (our_root, all_roots) = (
            self.folder.path().join("root.pem"),
            self.folder.path().join("roots.pem"),
        );
        let more = match subject.language {
            // Where a function has its roots compiled in, `AWS_CA_BUNDLE` adds one to read; where it loads the
            // system's, it finds as many as Lambda's image has.
            Language::Rust => vec![
                ("AWS_CA_BUNDLE", text(our_root)),
                ("SSL_CERT_FILE", text(all_roots)),
            ],
            // botocore would load its own list.
            Language::Python => vec![
                ("AWS_CA_BUNDLE", text(all_roots)),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_python".to_owned()),
                ("_HANDLER", "handler.handler".to_owned()),
            ],
        };
        variables.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        variables.insert(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(),
            memory_mb.to_string(),
        );
        Ok(Launch {
            program,
            arguments,
            folder,
            variables,
        })
    }

    pub(crate) async fn shutdown(self) {
        self.stack.shutdown().await;
    }
}

/// Two lists of roots: ours alone, and ours behind those that botocore ships, which are Mozilla's as in Lambda's image.
fn write_trust(folder: &Path, peers: &Path, root_pem: &str) -> Result<()> {
    let path = peers.join("api/task/botocore/cacert.pem");
    let mozilla = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: `make bench-cold` makes it", path.display()))?;
    ensure!(
        mozilla.contains("BEGIN CERTIFICATE"),
        "{} has no roots",
        path.display()
    );
    std::fs::write(folder.join("root.pem"), root_pem).context("cannot write the root")?;
    std::fs::write(folder.join("roots.pem"), format!("{mozilla}\n{root_pem}"))
        .context("cannot write the roots")
}

fn clients(stack: &Stack) -> Result<(aws_sdk_s3::Client, aws_sdk_dynamodb::Client)> {
    let environment = Environment::from([
        ("AWS_ENDPOINT_URL", stack.aws_endpoint()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", &stack.credentials().access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &stack.credentials().secret_access_key),
    ]);
    let sdk = aws::configure(&environment)?.sdk;
    Ok((aws_sdk_s3::Client::new(&sdk), aws_sdk_dynamodb::Client::new(&sdk)))
}

/// The template without what wakes its functions: those that are measured are given their events by us, and no
/// others are to run beside them.
fn without_events(template: &str) -> String {
    const EVENTS: &str = "      Events:";
    let mut text = String::with_capacity(template.len());
    let mut is_inside = false;
    for line in template.lines() {
        let is_deeper = line.trim().is_empty() || line.starts_with("       ");
        is_inside = line == EVENTS || (is_inside && is_deeper);
        if !is_inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_their_events_and_nothing_else() {
        let template = "Resources:\n  A:\n    Properties:\n      X: 1\n      Events:\n        Landed:\n          Type: S3\n\n          \
                        Properties:\n            Events: [a]\n      Policies:\n        - B\n  C:\n    D: 1\n";
        let expected =
            "Resources:\n  A:\n    Properties:\n      X: 1\n      Policies:\n        - B\n  C:\n    D: 1\n";
        assert_eq!(without_events(template), expected);
        let whole = include_str!("../../../template.yaml");
        assert!(!without_events(whole).contains("Type: HttpApi\n"));
        assert!(without_events(whole).contains("Type: AWS::Serverless::HttpApi"));
    }
}
