//! The stack that is measured: the template as it is, and a function beside the API that does nothing.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use local::{Options, Stack};

use super::client::Client;

/// The peer, with the same authorizer and the same scope as `GET /v1/files/{id}`.
const HELLO: &str = r#"
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties: {Binary: hello}
    Properties:
      FunctionName: !Sub ${AWS::StackName}-hello
      CodeUri: bench
      MemorySize: 256
      Timeout: 30
      Events:
        Hello:
          Type: HttpApi
          Properties: {ApiId: !Ref HttpApi, Method: GET, Path: "/hello", Auth: {AuthorizationScopes: ["files:read"]}}
"#;

/// Where the resources of a template begin.
const RESOURCES: &str = "\nResources:\n";

/// How long a token lasts: longer than any run.
const TOKEN_LIFE: Duration = Duration::from_hours(2);

/// A running stack with `GET /hello`.
pub(crate) struct Stage {
    stack: Stack,
    /// The changed template.
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Starts it, with the binaries beside this one.
    pub(crate) async fn start(workspace: &Path, most_processes: Option<usize>) -> Result<Self> {
        let path = workspace.join("template.yaml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = with_hello(&text).with_context(|| path.display().to_string())?;
        let folder = tempfile::tempdir().context("cannot make a folder for the template")?;
        let template = folder.path().join("template.yaml");
        std::fs::write(&template, text).context("cannot write the template")?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let bin_dir = program.parent().context("this program lies in no folder")?;
        for function in ["api", "hello", "images", "intake", "notify", "tables"] {
            let binary = bin_dir.join(format!("{function}{}", std::env::consts::EXE_SUFFIX));
            ensure!(
                binary.is_file(),
                "{} is missing: `make bench-api` builds it",
                binary.display()
            );
        }
        let mut options = Options::new(template, bin_dir);
        // What is measured is not the quota.
        for (name, value) in [("DailyFiles", "1000000000"), ("DailyBytes", "1000000000000000")] {
            options.parameters.insert(name.to_owned(), value.to_owned());
        }
        if let Some(most) = most_processes {
            options.concurrency = options.concurrency.min(most);
            options.http_concurrency = most;
        }
        // As `make dev` writes them, and nobody reads: the log is part of the work.
        options.log_sink = Arc::new(|_, _| {});
        let stack = Stack::start(options).await?;
        Ok(Self {
            stack,
            _folder: folder,
        })
    }

    /// A client of its own, with a connection of its own.
    pub(crate) fn client(&self, owner: &str) -> Result<Client> {
        let token = self.stack.token(owner, &[], TOKEN_LIFE)?;
        Client::new(self.stack.api_url(), &token)
    }

    /// How many processes of the API's function there are.
    pub(crate) fn processes(&self) -> usize {
        self.stack.pids("Api").len()
    }

    /// Ends the stack.
    pub(crate) async fn shutdown(self) {
        self.stack.shutdown().await;
    }
}

/// The template with the peer in it.
fn with_hello(template: &str) -> Result<String> {
    let found = template.matches(RESOURCES).count();
    ensure!(found == 1, "the template has {found} lines `Resources:`, not one");
    Ok(template.replace(RESOURCES, HELLO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_stands_among_the_resources() {
        let text = with_hello("Parameters:\n  A: {}\n\nResources:\n  B: {}\n").unwrap();
        assert!(text.starts_with("Parameters:\n  A: {}\n\nResources:\n  Hello:\n"));
        assert!(text.ends_with("files:read\"]}}\n  B: {}\n"));
        assert!(with_hello("Parameters: {}\n").is_err());
    }
}
