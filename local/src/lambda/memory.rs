//! How much memory a function's process holds.

use tokio::process::Command;

/// The most that the process ever had in memory, in KB; `None` when it is gone or cannot be asked.
///
/// Linux: `VmHWM` of `/proc/PID/status` (the peak resident set), so that a peak between two looks is seen by
/// the second. Elsewhere: the resident set of now, from `ps`.
pub(super) async fn peak_kb(pid: u32) -> Option<u64> {
    if cfg!(target_os = "linux") {
        // A few hundred bytes of memory file system: no reason for a blocking thread.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        from_status(&status)
    } else {
        from_ps(pid).await
    }
}

/// How often to look: `/proc` is cheap, a `ps` is a process.
pub(super) const fn interval_ms() -> u64 {
    if cfg!(target_os = "linux") { 20 } else { 250 }
}

fn from_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

async fn from_ps(pid: u32) -> Option<u64> {
    let output = Command::new("ps")
        .args(["-o", "rss=", "-p"])
        .arg(pid.to_string())
        .output()
        .await
        .ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_proc() {
        let status = "Name:\tx\nVmPeak:\t  9000 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1000 kB\n";
        assert_eq!(from_status(status), Some(1234));
        assert_eq!(from_status("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[tokio::test]
    async fn this_process_holds_something() {
        assert!(peak_kb(std::process::id()).await.is_some_and(|kb| kb > 500));
        assert_eq!(peak_kb(u32::MAX).await, None);
    }
}
