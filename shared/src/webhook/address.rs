//! Which addresses are on the public internet.
//!
//! Sources: IANA IPv4 Special-Purpose Address Registry, IANA IPv6 Special-Purpose Address Registry, IANA IPv6 Global
//! Unicast Address Space (all under <https://www.iana.org/assignments/>), as of 2025-10. Everything that
//! is special there is refused, the few entries that are routed globally too: nobody's endpoint lies in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The special-purpose blocks of IPv4: network, length of the prefix, name.
const SPECIAL_V4: [([u8; 4], u8, &str); 19] = [
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "private use"),
    ([100, 64, 0, 0], 10, "shared address space of carriers"),
    ([127, 0, 0, 0], 8, "loopback"),
    // Among them 169.254.169.254, 169.254.170.2 and 169.254.170.23: metadata and credentials of AWS.
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private use"),
    ([192, 0, 0, 0], 24, "IETF protocol assignments"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 31, 196, 0], 24, "AS112"),
    ([192, 52, 193, 0], 24, "multicast tunneling"),
    ([192, 88, 99, 0], 24, "6to4 relay anycast"),
    ([192, 168, 0, 0], 16, "private use"),
    ([192, 175, 48, 0], 24, "AS112"),
    ([198, 18, 0, 0], 15, "benchmarking"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([255, 255, 255, 255], 32, "limited broadcast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// What is special within `2000::/3`, the only space of which global unicast addresses are given out.
const SPECIAL_V6: [(Ipv6Addr, u8, &str); 6] = [
    // Among them 2001::/32, Teredo, which carries an IPv4 address.
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "IETF protocol assignments",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "documentation",
    ),
    // It carries an IPv4 address, to which a relay would forward.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, "AS112"),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, "6bone, returned"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
];

/// Names for what lies outside `2000::/3`, for the message only: all of it is refused.
const OUTSIDE_V6: [(Ipv6Addr, u8, &str); 8] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    (Ipv6Addr::LOCALHOST, 128, "loopback"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped"),
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        "local-use NAT64",
    ),
    // Among them fd00:ec2::254, metadata of AWS.
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique-local"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// NAT64's well-known prefix (RFC 6052): what a resolver of a network without IPv4 makes of an IPv4 address.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
/// The space that global unicast addresses are given out of.
const GLOBAL_UNICAST: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);

/// What an address is instead of public; nothing if it is on the public internet.
#[must_use]
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4
        .iter()
        .find(|(network, prefix, _)| {
            let differing = address.to_bits() ^ Ipv4Addr::from(*network).to_bits();
            differing.leading_zeros() >= u32::from(*prefix)
        })
        .map(|(_, _, name)| *name)
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let within = |(network, prefix, _): &&(Ipv6Addr, u8, &'static str)| is_within(address, *network, *prefix);
    if is_within(address, NAT64, 96) {
        let [.., a, b, c, d] = address.octets();
        return not_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    if is_within(address, GLOBAL_UNICAST, 3) {
        return SPECIAL_V6.iter().find(within).map(|(_, _, name)| *name);
    }
    let named = OUTSIDE_V6.iter().find(within);
    Some(named.map_or("reserved", |(_, _, name)| *name))
}

fn is_within(address: Ipv6Addr, network: Ipv6Addr, prefix: u8) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_address_of_each_special_block_are_refused() {
        for (address, name) in [
            ("0.0.0.0", "this network"),
            ("0.255.255.255", "this network"),
            ("10.0.0.0", "private use"),
            ("10.255.255.255", "private use"),
            ("100.64.0.0", "shared address space of carriers"),
            ("100.127.255.255", "shared address space of carriers"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("169.254.0.0", "link-local"),
            ("169.254.169.254", "link-local"),
            ("169.254.170.2", "link-local"),
            ("169.254.255.255", "link-local"),
            ("172.16.0.0", "private use"),
            ("172.31.255.255", "private use"),
            ("192.0.0.0", "IETF protocol assignments"),
            ("192.0.0.192", "IETF protocol assignments"),
            ("192.0.0.255", "IETF protocol assignments"),
            ("192.0.2.255", "documentation"),
            ("192.31.196.1", "AS112"),
            ("192.52.193.1", "multicast tunneling"),
            ("192.88.99.1", "6to4 relay anycast"),
            ("192.168.0.0", "private use"),
            ("192.168.255.255", "private use"),
            ("192.175.48.1", "AS112"),
            ("198.18.0.0", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.255", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.0", "reserved"),
            ("255.255.255.254", "reserved"),
            ("255.255.255.255", "limited broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::2", "reserved"),
            ("::127.0.0.1", "reserved"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("64:ff9b::7f00:1", "loopback"),
            ("64:ff9b::a9fe:a9fe", "link-local"),
            ("64:ff9b::10.0.0.1", "private use"),
            ("64:ff9b:1::1", "local-use NAT64"),
            ("64:ff9b:1:ffff::8.8.8.8", "local-use NAT64"),
            ("100::1", "reserved"),
            ("1fff:ffff::1", "reserved"),
            ("2001::1", "IETF protocol assignments"),
            (
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                "IETF protocol assignments",
            ),
            ("2001:2::1", "IETF protocol assignments"),
            ("2001:1ff:ffff::1", "IETF protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("2002:808:808::1", "6to4"),
            ("2620:4f:8000::1", "AS112"),
            ("3ffe::1", "6bone, returned"),
            ("3fff::1", "documentation"),
            ("3fff:fff:ffff::1", "documentation"),
            ("4000::1", "reserved"),
            ("5f00::1", "reserved"),
            ("fc00::1", "unique-local"),
            ("fd00:ec2::254", "unique-local"),
            ("fdff:ffff::1", "unique-local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(not_public(address.parse().unwrap()), Some(name), "{address}");
        }
    }

    #[test]
    fn the_neighbours_of_special_blocks_are_public() {
        for address in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2003::1",
            "2600:1f18::1",
            "2a00:1450::1",
            "3fff:1000::1",
            "64:ff9b::808:808",
        ] {
            assert_eq!(not_public(address.parse().unwrap()), None, "{address}");
        }
    }
}
