//! Lambda's share of a core, by a CPU cgroup: version 1, as `cpu` and `cpuacct`, or version 2.
//!
//! "At 1,769 MB, a function has the equivalent of one vCPU", and below it a part of one in proportion
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>); during init it has a whole one
//! whatever its memory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

/// How often the share is granted anew.
pub(crate) const PERIOD_US: u64 = 20_000;

/// The memory that comes with a whole core.
pub(crate) const MB_OF_A_CORE: u64 = 1_769;

/// What processes run in.
#[derive(Debug)]
pub(crate) enum Share {
    V1 {
        /// Where the quota is.
        cpu: PathBuf,
        /// Where time is counted.
        account: PathBuf,
    },
    V2 {
        folder: PathBuf,
    },
    /// There is none that we may write to: processes have all the cores, and their threads' own accounts are read.
    None {
        reason: String,
    },
}

impl Share {
    /// Makes one beside or below ours, whichever is allowed.
    pub(crate) fn open() -> Self {
        Self::make().unwrap_or_else(|error| Self::None {
            reason: format!("{error:#}"),
        })
    }

    fn make() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read /proc/self/mounts")?;
        let ours = fs::read_to_string("/proc/self/cgroup").context("cannot read /proc/self/cgroup")?;
        if let (Some(cpu), Some(account)) = (v1_mount(&mounts, "cpu"), v1_mount(&mounts, "cpuacct")) {
            let cpu = make_one(&[inside(&cpu, v1_path(&ours, "cpu")), cpu])?;
            let account = make_one(&[inside(&account, v1_path(&ours, "cpuacct")), account])?;
            let share = Self::V1 { cpu, account };
            share.give_cores(1.0)?;
            return Ok(share);
        }
        let Some(mount) = v2_mount(&mounts) else {
            bail!("neither a cgroup of version 1 with cpu and cpuacct nor one of version 2 is mounted");
        };
        // Ours has processes, so that it can have no children with controllers: beside it, or at the top.
        let beside = inside(&mount, v2_path(&ours)).parent().map(Path::to_path_buf);
        let folder = make_one(&[beside.unwrap_or_else(|| mount.clone()), mount])?;
        let share = Self::V2 { folder };
        share.give_cores(1.0)?;
        Ok(share)
    }

    /// For the report.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::V1 { .. } => "cgroup v1".to_owned(),
            Self::V2 { .. } => "cgroup v2".to_owned(),
            Self::None { reason } => format!("none: {reason}"),
        }
    }

    /// Puts a process in.
    pub(crate) fn adopt(&self, pid: u32) -> Result<()> {
        let pid = pid.to_string();
        match self {
            Self::V1 { cpu, account } => {
                write(&cpu.join("cgroup.procs"), &pid)?;
                write(&account.join("cgroup.procs"), &pid)
            }
            Self::V2 { folder } => write(&folder.join("cgroup.procs"), &pid),
            Self::None { .. } => Ok(()),
        }
    }

    /// Gives a whole core, as during init.
    pub(crate) fn give_a_core(&self) -> Result<()> {
        self.give_cores(1.0)
    }

    /// Gives what comes with so much memory.
    pub(crate) fn give(&self, memory_mb: u64) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "megabytes are few")]
        self.give_cores(memory_mb as f64 / MB_OF_A_CORE as f64)
    }

    fn give_cores(&self, cores: f64) -> Result<()> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "microseconds of a period, times a few cores"
        )]
        let quota_us = (PERIOD_US as f64 * cores).round() as u64;
        match self {
            Self::V1 { cpu, .. } => {
                write(&cpu.join("cpu.cfs_period_us"), &PERIOD_US.to_string())?;
                write(&cpu.join("cpu.cfs_quota_us"), &quota_us.to_string())
            }
            Self::V2 { folder } => write(&folder.join("cpu.max"), &format!("{quota_us} {PERIOD_US}")),
            Self::None { .. } => Ok(()),
        }
    }

    /// Processor time of all that ran in it, user and system. Without a cgroup: of that process's live threads.
    pub(crate) fn cpu_time(&self, pid: u32) -> Result<Duration> {
        match self {
            Self::V1 { account, .. } => {
                let path = account.join("cpuacct.usage");
                Ok(Duration::from_nanos(number(read(&path)?.trim(), &path)?))
            }
            Self::V2 { folder } => {
                let path = folder.join("cpu.stat");
                let text = read(&path)?;
                let usage = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
                let usage = usage.with_context(|| format!("{} has no usage_usec", path.display()))?;
                Ok(Duration::from_micros(number(usage, &path)?))
            }
            Self::None { .. } => of_threads(pid),
        }
    }
}

impl Drop for Share {
    /// Best effort: it is empty once the last process is gone, and costs nothing if it stays.
    fn drop(&mut self) {
        match self {
            Self::V1 { cpu, account } => {
                let _ = fs::remove_dir(cpu);
                let _ = fs::remove_dir(account);
            }
            Self::V2 { folder } => drop(fs::remove_dir(folder)),
            Self::None { .. } => {}
        }
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {text:?} to {}", path.display()))
}

fn number(text: &str, path: &Path) -> Result<u64> {
    text.parse()
        .with_context(|| format!("{} has no number", path.display()))
}

fn of_threads(pid: u32) -> Result<Duration> {
    let mut time = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
        let path = thread?.path().join("schedstat");
        let text = read(&path)?;
        let nanoseconds = text.split(' ').next().unwrap_or_default();
        time += Duration::from_nanos(number(nanoseconds, &path)?);
    }
    Ok(time)
}

/// A folder of ours in the first of these that allows it.
fn make_one(candidates: &[PathBuf]) -> Result<PathBuf> {
    let mut last = None;
    for candidate in candidates {
        let folder = candidate.join(format!("longshore-bench-{}", std::process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = Some((error, folder)),
        }
    }
    match last {
        Some((error, folder)) => Err(error).with_context(|| format!("cannot make {}", folder.display())),
        None => bail!("there is no place for a cgroup"),
    }
}

fn inside(mount: &Path, path: Option<&str>) -> PathBuf {
    mount.join(path.unwrap_or_default().trim_start_matches('/'))
}

/// Where a controller of version 1 is mounted.
fn v1_mount(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup" && options.split(',').any(|option| option == controller)).then(|| at.into())
    })
}

fn v2_mount(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| at.into())
    })
}

/// Our path below a controller's mount (`4:cpu,cpuacct:/some/where`).
fn v1_path<'a>(ours: &'a str, controller: &str) -> Option<&'a str> {
    ours.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers
            .split(',')
            .any(|name| name == controller)
            .then_some(path)
    })
}

fn v2_path(ours: &str) -> Option<&str> {
    ours.lines().find_map(|line| line.strip_prefix("0::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_and_paths_are_found() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                      cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(v1_mount(mounts, "cpu"), Some("/sys/fs/cgroup/cpu,cpuacct".into()));
        assert_eq!(v1_mount(mounts, "cpuset"), None);
        assert_eq!(v2_mount(mounts), Some("/sys/fs/cgroup/unified".into()));
        let ours = "3:cpu,cpuacct:/a/b\n0::/c\n";
        assert_eq!(v1_path(ours, "cpuacct"), Some("/a/b"));
        assert_eq!(v2_path(ours), Some("/c"));
        assert_eq!(inside(Path::new("/m"), Some("/a/b")), Path::new("/m/a/b"));
    }
}
