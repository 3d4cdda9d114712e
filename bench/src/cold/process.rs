//! One process of a function, from its start to its end, and what each step took.

use std::{
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::timeout,
};

use super::{
    runtime::{Event, Line, Said},
    share::Share,
};

/// For init and for an event: more than Lambda has for init, since a machine that does something else besides is slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// After the last thing a process says it is still on its way to sleep, and its time not yet on its account.
const SETTLE: Duration = Duration::from_micros(300);

/// What is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
    pub(crate) variables: BTreeMap<String, String>,
}

/// How long a step took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// User and system.
    pub(crate) cpu: Duration,
}

/// A process that asked for its first event.
pub(crate) struct Process<'a> {
    child: Child,
    pid: u32,
    line: Line,
    share: &'a Share,
    log: PathBuf,
}

impl<'a> Process<'a> {
    /// Starts it with a whole core, and takes its share down to `memory_mb` of it once it asks for an event.
    ///
    /// A shell waits in the cgroup until it is told to become the program: its own start is not counted.
    pub(crate) async fn start(
        launch: &Launch,
        line: Line,
        share: &'a Share,
        memory_mb: u64,
        log: PathBuf,
    ) -> Result<(Self, Took)> {
        share.give_a_core()?;
        let output = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", "read -r _; exec \"$@\"", "sh"])
            .arg(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .env_clear()
            .envs(&launch.variables)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("cannot share the log")?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start /bin/sh")?;
        let pid = child.id().context("/bin/sh ended at once")?;
        share.adopt(pid)?;
        let mut stdin = child.stdin.take().context("/bin/sh has no input")?;
        // The shell has come to its `read` by then.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut process = Self {
            child,
            pid,
            line,
            share,
            log,
        };
        let cpu = share.cpu_time(pid)?;
        let begin = Instant::now();
        stdin
            .write_all(b"\n")
            .await
            .context("cannot tell /bin/sh to go")?;
        let at = process.wait_for_next().await.context("init")?;
        share.give(memory_mb)?;
        tokio::time::sleep(SETTLE).await;
        let took = Took {
            wall: at.duration_since(begin),
            cpu: share.cpu_time(pid)?.saturating_sub(cpu),
        };
        Ok((process, took))
    }

    /// Gives it an event, and waits until it asks for the next.
    pub(crate) async fn invoke(&mut self, payload: Bytes) -> Result<(Bytes, Took)> {
        let cpu = self.share.cpu_time(self.pid)?;
        let event = Event {
            payload,
            timeout: PATIENCE,
        };
        let begin = Instant::now();
        ensure!(self.line.events.send(event).is_ok(), "nobody takes the event");
        let (at, answer) = match self.hear().await? {
            (at, Said::Answer(answer)) => (at, answer),
            (_, Said::Error(error)) => {
                bail!("it failed: {}{}", String::from_utf8_lossy(&error), self.log())
            }
            (_, Said::Next) => bail!("it asks for the next event before it has answered the last"),
        };
        self.wait_for_next().await?;
        tokio::time::sleep(SETTLE).await;
        let took = Took {
            wall: at.duration_since(begin),
            cpu: self.share.cpu_time(self.pid)?.saturating_sub(cpu),
        };
        Ok((answer, took))
    }

    /// Resident memory now, files mapped into it among them, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.kilobytes("smaps_rollup", "Rss:")
    }

    /// The most that was resident so far, in bytes.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        self.kilobytes("status", "VmHWM:")
    }

    fn kilobytes(&self, file: &str, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/{file}", self.pid);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: u64 = number
            .and_then(|number| number.parse().ok())
            .with_context(|| format!("{path} has no {name}"))?;
        Ok(kilobytes * 1024)
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.child.kill().await.context("cannot end a process")
    }

    async fn wait_for_next(&mut self) -> Result<Instant> {
        match self.hear().await? {
            (at, Said::Next) => Ok(at),
            (_, Said::Answer(_)) => bail!("it answered though it was asked nothing"),
            (_, Said::Error(error)) => {
                bail!("it failed: {}{}", String::from_utf8_lossy(&error), self.log())
            }
        }
    }

    async fn hear(&mut self) -> Result<(Instant, Said)> {
        let heard = timeout(PATIENCE, async {
            tokio::select! {
                said = self.line.said.recv() => said.context("the line is closed"),
                status = self.child.wait() => match status {
                    Ok(status) => bail!("the process ended: {status}"),
                    Err(error) => Err(error).context("cannot watch the process"),
                },
            }
        });
        let problem = match heard.await {
            Ok(Ok(said)) => return Ok(said),
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("nothing was heard for {} s", PATIENCE.as_secs()),
        };
        bail!("{problem:#}; it wrote:{}", self.log())
    }

    /// The end of what it wrote.
    fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let tail = bytes.get(bytes.len().saturating_sub(2_000)..).unwrap_or_default();
        format!("\n{}", String::from_utf8_lossy(tail))
    }
}
