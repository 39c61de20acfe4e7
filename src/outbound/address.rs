//! Which addresses are on the public internet. Everything else is special-use
//! (RFC 6890 and the IANA registries that follow it), and a stranger must not be able
//! to make Untether connect there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// The special-use networks of IPv4.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4(0, 0, 0, 0, 8),       // this network, and "unspecified"
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local, and the metadata services of clouds
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 31, 196, 0, 24), // AS112
    v4(192, 52, 193, 0, 24), // automatic multicast tunnelling
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(192, 175, 48, 0, 24), // AS112
    v4(198, 18, 0, 0, 15),   // benchmarking
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// The part of IPv6 that is given out. What lies outside is special: loopback,
/// v4-mapped, NAT64 (64:ff9b::/96), unique local, link-local, multicast and more.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The special-use networks inside of it.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),         // protocol assignments, Teredo, ORCHID
    v6(0x2001, 0xdb8, 0, 32),     // documentation
    v6(0x2002, 0, 0, 16),         // 6to4, which leads to any IPv4 address
    v6(0x2620, 0x4f, 0x8000, 48), // AS112
    v6(0x3fff, 0, 0, 20),         // documentation
];

/// Whether an address is an ordinary one on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => {
            GLOBAL_V6.contains(&v6) && !SPECIAL_V6.iter().any(|net| net.contains(&v6))
        }
    }
}

/// The networks in which no server is: this network, link-local, where clouds have their
/// metadata services, multicast, reserved.
const NOWHERE_V4: [Ipv4Net; 4] = [
    v4(0, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The same of IPv6: unspecified, link-local and multicast.
const NOWHERE_V6: [Ipv6Net; 3] = [v6(0, 0, 0, 128), v6(0xfe80, 0, 0, 10), v6(0xff00, 0, 0, 8)];

/// Whether a server of the organization can be at an address, private or not.
pub fn is_somewhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !NOWHERE_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => !NOWHERE_V6.iter().any(|net| net.contains(&v6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(is_public(parse(text)), "{text}");
        }
    }

    #[test]
    fn a_server_of_the_organization_may_be_private_but_not_link_local() {
        for text in [
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "1.1.1.1",
            "::1",
            "fd12::1",
        ] {
            assert!(is_somewhere(parse(text)), "{text}");
        }
        for text in [
            "0.0.0.0",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_somewhere(parse(text)), "{text}");
        }
    }

    #[test]
    fn special_use_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",         // v4-compatible
            "::ffff:127.0.0.1", // v4-mapped
            "::ffff:1.1.1.1",
            "::ffff:0:10.0.0.1", // v4-translated
            "64:ff9b::10.0.0.1", // NAT64
            "64:ff9b::1.1.1.1",
            "64:ff9b:1::10.0.0.1",
            "100::1",     // discard
            "2001::1",    // Teredo
            "2001:2::1",  // benchmarking
            "2001:20::1", // ORCHID
            "2001:db8::1",
            "2002:7f00:1::1", // 6to4 of 127.0.0.1
            "2002:101:101::1",
            "3fff::1",
            "5f00::1", // segment routing
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(parse(text)), "{text}");
        }
    }
}
