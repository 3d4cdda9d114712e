//! Which bucket a request is for: by its path, or by its host.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// The names this server is reached by; a label before one of them is a bucket.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    /// Longest first.
    domains: Vec<String>,
}

impl Hosts {
    /// `domain`, and `s3.` before it.
    pub(super) fn new(domain: &str) -> Self {
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        Self {
            domains: vec![format!("s3.{domain}"), domain],
        }
    }

    /// The bucket that the `Host` header names, and the domain behind it.
    fn split<'h>(&'h self, host: &'h str) -> (&'h str, Option<&'h str>) {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        for domain in &self.domains {
            if name.eq_ignore_ascii_case(domain) {
                return (domain, None);
            }
            let Some(at) = name.len().checked_sub(domain.len()) else {
                continue;
            };
            let bucket = name.get(..at).and_then(|label| label.strip_suffix('.'));
            if let Some(bucket) = bucket
                && name
                    .get(at..)
                    .is_some_and(|rest| rest.eq_ignore_ascii_case(domain))
            {
                return (domain, Some(bucket));
            }
        }
        // Unknown names (a proxy's, an address) are no buckets.
        (name, None)
    }

    /// The bucket of a request; `None` for requests about no bucket.
    pub(super) fn bucket(&self, host: Option<&str>, path: &str) -> Option<String> {
        if let Some(bucket) = host.and_then(|host| self.split(host).1) {
            return Some(bucket.to_owned());
        }
        let bucket = path.strip_prefix('/')?.split('/').next()?;
        (!bucket.is_empty()).then(|| bucket.to_owned())
    }

    /// Whether the path, given the host, names the bucket itself and no key in it.
    pub(super) fn is_bucket_root(&self, host: Option<&str>, path: &str) -> bool {
        if host.is_some_and(|host| self.split(host).1.is_some()) {
            return path == "/" || path.is_empty();
        }
        let rest = path.strip_prefix('/').unwrap_or(path);
        !rest.is_empty() && rest.split_once('/').is_none_or(|(_, key)| key.is_empty())
    }
}

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let (domain, bucket) = self.split(host);
        let virtual_host = VirtualHost::new(domain);
        Ok(match bucket {
            Some(bucket) => virtual_host.with_bucket(bucket),
            None => virtual_host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_come_from_hosts_and_paths() {
        let hosts = Hosts::new("localhost");
        let bucket = |host: &str, path: &str| hosts.bucket(Some(host), path);
        assert_eq!(bucket("localhost:4566", "/b/k").as_deref(), Some("b"));
        assert_eq!(bucket("b.localhost:4566", "/k").as_deref(), Some("b"));
        assert_eq!(bucket("a.b.localhost", "/k").as_deref(), Some("a.b"));
        assert_eq!(bucket("b.s3.localhost", "/k").as_deref(), Some("b"));
        assert_eq!(bucket("s3.localhost", "/k").as_deref(), Some("k"));
        assert_eq!(bucket("127.0.0.1:4566", "/b/k").as_deref(), Some("b"));
        assert_eq!(bucket("notlocalhost", "/b/k").as_deref(), Some("b"));
        assert_eq!(bucket("localhost", "/"), None);
        assert!(hosts.is_bucket_root(Some("localhost"), "/b"));
        assert!(hosts.is_bucket_root(Some("localhost"), "/b/"));
        assert!(hosts.is_bucket_root(Some("b.localhost"), "/"));
        assert!(!hosts.is_bucket_root(Some("b.localhost"), "/k"));
        assert!(!hosts.is_bucket_root(Some("localhost"), "/"));
    }
}
