//! Where deliveries may go.

use std::{net::IpAddr, str::FromStr};

use url::{Host, Url};

use super::address;

/// Longest URL of an endpoint, in bytes, as it is kept.
pub const MAX_URL_BYTES: usize = 2048;

/// The port that HTTPS has by itself. Below 1,024 no other is taken: mail servers and the like listen there.
const HTTPS: u16 = 443;

/// Names that lead to no public host: RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's `.internal`, and `.lan` and
/// the like, which home routers make up.
const LOCAL_DOMAINS: [&str; 14] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "localdomain",
    "test",
    "invalid",
    "example",
    "onion",
];

/// Which targets deliveries may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// HTTPS to public hosts, port 443 or 1,024 and above.
    Public,
    /// HTTP too, and any host: for the local stack and for tests.
    Any,
}

/// A text that names no set of targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("targets are \"public\" or \"any\"")]
pub struct UnknownTargets;

impl FromStr for Targets {
    type Err = UnknownTargets;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Self::Public),
            "any" => Ok(Self::Any),
            _ => Err(UnknownTargets),
        }
    }
}

/// Why a URL cannot be an endpoint's. For its owner to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedTarget {
    /// It is too long.
    #[error("must have at most {MAX_URL_BYTES} bytes")]
    TooLong,
    /// It is no URL with a host.
    #[error("must be an absolute URL: {0}")]
    Unreadable(String),
    /// It holds a space or a control character, which readers of URLs drop or not as they please.
    #[error("must not contain spaces or control characters")]
    Spaces,
    /// Another scheme.
    #[error("must begin with {0}")]
    Scheme(&'static str),
    /// It carries a name or a password.
    #[error("must not carry a user name or a password: deliveries are signed")]
    UserInfo,
    /// It carries a fragment, which no server is told.
    #[error("must not have a fragment (#…)")]
    Fragment,
    /// Another port.
    #[error("must have port {HTTPS} or a port from 1024 on, not {0}")]
    Port(u16),
    /// Its host is a name of this machine's or a private network's.
    #[error("must have a public host: {0:?} is not")]
    LocalName(String),
    /// Its host has, or is, an address that is not public.
    #[error("must have a public host: {address} is not ({what})")]
    Address {
        /// The address.
        address: IpAddr,
        /// What it is instead.
        what: &'static str,
    },
}

impl Targets {
    /// Checks the URL of an endpoint; gives it back as the URL standard writes it
    /// (<https://url.spec.whatwg.org>), in which an address has one spelling only.
    pub fn check(self, text: &str) -> Result<Url, RefusedTarget> {
        if text.len() > MAX_URL_BYTES {
            return Err(RefusedTarget::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(RefusedTarget::Spaces);
        }
        let url = Url::parse(text).map_err(|error| RefusedTarget::Unreadable(error.to_string()))?;
        match (self, url.scheme()) {
            (_, "https") | (Self::Any, "http") => {}
            (Self::Public, _) => return Err(RefusedTarget::Scheme("https://")),
            (Self::Any, _) => return Err(RefusedTarget::Scheme("https:// or http://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RefusedTarget::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(RefusedTarget::Fragment);
        }
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(RefusedTarget::TooLong);
        }
        match url.port() {
            Some(0) => return Err(RefusedTarget::Port(0)),
            Some(port @ 1..1024) if self == Self::Public && port != HTTPS => {
                return Err(RefusedTarget::Port(port));
            }
            _ => {}
        }
        match url.host() {
            None => return Err(RefusedTarget::Unreadable("empty host".to_owned())),
            Some(Host::Ipv4(address)) => self.check_address(address.into())?,
            Some(Host::Ipv6(address)) => self.check_address(address.into())?,
            Some(Host::Domain(name)) if self == Self::Public && is_local(name) => {
                return Err(RefusedTarget::LocalName(name.to_owned()));
            }
            Some(Host::Domain(_)) => {}
        }
        Ok(url)
    }

    /// Checks an address that a delivery is about to go to: to be asked of what the host's name was resolved to.
    pub fn check_address(self, address: IpAddr) -> Result<(), RefusedTarget> {
        match address::not_public(address) {
            Some(what) if self == Self::Public => Err(RefusedTarget::Address { address, what }),
            _ => Ok(()),
        }
    }
}

/// Whether a name leads to no public host: a local domain, or one label, which a resolver completes as it likes.
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let under = |domain: &&str| {
        name.strip_suffix(*domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || LOCAL_DOMAINS.iter().any(under)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_targets_are_taken_and_have_one_spelling() {
        for (given, kept) in [
            ("https://example.com", "https://example.com/"),
            ("HTTPS://EXAMPLE.com:443/a/../b", "https://example.com/b"),
            (
                "https://hooks.example.com:8443/x?token=1&a=b",
                "https://hooks.example.com:8443/x?token=1&a=b",
            ),
            ("https://example.com:1024/", "https://example.com:1024/"),
            ("https://example.com:65535/", "https://example.com:65535/"),
            (
                "https://müller.example.net/ü",
                "https://xn--mller-kva.example.net/%C3%BC",
            ),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://134744072/", "https://8.8.8.8/"),
            (
                "https://[2001:4860:4860:0::8888]/",
                "https://[2001:4860:4860::8888]/",
            ),
            ("https://example.com./", "https://example.com./"),
            ("https://localhost.example.com/", "https://localhost.example.com/"),
            ("https://mylocal.dev/", "https://mylocal.dev/"),
            ("https://notlocalhost.com/", "https://notlocalhost.com/"),
            ("https:example.com", "https://example.com/"),
            ("https://@example.com/", "https://example.com/"),
        ] {
            let url = Targets::Public.check(given).map(String::from);
            assert_eq!(url.as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn what_is_no_public_https_target_is_refused() {
        let address = |address: &str, what| RefusedTarget::Address {
            address: address.parse().unwrap(),
            what,
        };
        let loopback = || address("127.0.0.1", "loopback");
        let local = |name: &str| RefusedTarget::LocalName(name.to_owned());
        let https = RefusedTarget::Scheme("https://");
        for (url, refusal) in [
            ("http://example.com/", https.clone()),
            ("ftp://example.com/", https.clone()),
            ("file:///etc/passwd", https.clone()),
            ("gopher://127.0.0.1:6379/_FLUSHALL", https.clone()),
            ("javascript:alert(1)", https),
            ("https://user@example.com/", RefusedTarget::UserInfo),
            ("https://user:pw@example.com/", RefusedTarget::UserInfo),
            ("https://:pw@example.com/", RefusedTarget::UserInfo),
            ("https://example.com@127.0.0.1/", RefusedTarget::UserInfo),
            ("https://example.com/#x", RefusedTarget::Fragment),
            ("https://example.com/#", RefusedTarget::Fragment),
            ("https://example.com:25/", RefusedTarget::Port(25)),
            ("https://example.com:80/", RefusedTarget::Port(80)),
            ("https://example.com:1023/", RefusedTarget::Port(1023)),
            ("https://example.com:0/", RefusedTarget::Port(0)),
            ("https://exa\tmple.com/", RefusedTarget::Spaces),
            ("https://example.com/\r\nx: y", RefusedTarget::Spaces),
            (" https://example.com/", RefusedTarget::Spaces),
            // Every spelling of 127.0.0.1 and of the metadata service that readers of URLs know.
            ("https://127.0.0.1/", loopback()),
            ("https://127.1/", loopback()),
            ("https://127.0.1/", loopback()),
            ("https://2130706433/", loopback()),
            ("https://0x7f000001/", loopback()),
            ("https://0x7f.0.0.1/", loopback()),
            ("https://0177.0.0.1/", loopback()),
            ("https://017700000001/", loopback()),
            ("https://127.0.0.1./", loopback()),
            ("https://①②⑦.⓪.⓪.①/", loopback()),
            ("https://%31%32%37.0.0.1/", loopback()),
            ("https:\\\\127.0.0.1\\", loopback()),
            (
                "https://169.254.169.254/latest/meta-data/",
                address("169.254.169.254", "link-local"),
            ),
            ("https://2852039166/", address("169.254.169.254", "link-local")),
            ("https://0xa9fea9fe/", address("169.254.169.254", "link-local")),
            (
                "https://0251.0376.0251.0376/",
                address("169.254.169.254", "link-local"),
            ),
            (
                "https://[::ffff:a9fe:a9fe]/",
                address("::ffff:169.254.169.254", "IPv4-mapped"),
            ),
            (
                "https://[fd00:ec2::254]/",
                address("fd00:ec2::254", "unique-local"),
            ),
            ("https://[::1]/", address("::1", "loopback")),
            ("https://[0:0:0:0:0:0:0:1]/", address("::1", "loopback")),
            ("https://[::]/", address("::", "unspecified")),
            ("https://0/", address("0.0.0.0", "this network")),
            ("https://192.168.0.1/", address("192.168.0.1", "private use")),
            ("https://localhost/", local("localhost")),
            ("https://LOCALHOST:8443/", local("localhost")),
            ("https://localhost./", local("localhost.")),
            ("https://ⓛocalhost/", local("localhost")),
            ("https://a.localhost/", local("a.localhost")),
            (
                "https://metadata.google.internal/",
                local("metadata.google.internal"),
            ),
            (
                "https://instance-data.ec2.internal/",
                local("instance-data.ec2.internal"),
            ),
            ("https://printer.local/", local("printer.local")),
            ("https://nas.lan/", local("nas.lan")),
            ("https://router.home.arpa./", local("router.home.arpa.")),
            ("https://intranet/", local("intranet")),
            ("https://redis:6379/", local("redis")),
        ] {
            assert_eq!(Targets::Public.check(url), Err(refusal), "{url}");
        }
        for url in [
            "",
            "x",
            "/hooks",
            "https://",
            "https://[::1",
            "https://[fe80::1%25eth0]/",
            "https://256.1.1.1/",
            "https://a b/",
        ] {
            let refusal = Targets::Public.check(url).unwrap_err();
            assert!(
                matches!(refusal, RefusedTarget::Unreadable(_) | RefusedTarget::Spaces),
                "{url}: {refusal}"
            );
        }
    }

    #[test]
    fn a_url_has_a_longest_length_before_and_after_it_is_read() {
        let of = |filler: &str, count| format!("https://example.com/{}", filler.repeat(count));
        let room = MAX_URL_BYTES - of("", 0).len();
        assert!(Targets::Public.check(&of("a", room)).is_ok());
        assert_eq!(
            Targets::Public.check(&of("a", room + 1)),
            Err(RefusedTarget::TooLong)
        );
        // Two bytes become six.
        assert_eq!(
            Targets::Public.check(&of("ü", room / 2)),
            Err(RefusedTarget::TooLong)
        );
    }

    #[test]
    fn any_targets_are_private_too_but_still_targets() {
        for url in [
            "http://127.0.0.1:9000/x",
            "https://[::1]/",
            "http://localhost:25/",
            "http://redis/",
        ] {
            assert!(Targets::Any.check(url).is_ok(), "{url}");
        }
        for url in [
            "ftp://127.0.0.1/",
            "http://user@localhost/",
            "http://localhost/#x",
            "http://localhost:0/",
            "x",
        ] {
            assert!(Targets::Any.check(url).is_err(), "{url}");
        }
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert!(Targets::Any.check_address(loopback).is_ok());
        assert!(Targets::Public.check_address(loopback).is_err());
        assert_eq!(
            ("any".parse(), "public".parse()),
            (Ok(Targets::Any), Ok(Targets::Public))
        );
        assert_eq!("private".parse::<Targets>(), Err(UnknownTargets));
    }
}
