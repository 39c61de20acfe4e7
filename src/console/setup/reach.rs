//! Whether a host can reach an address, as far as its spelling tells.

use std::net::IpAddr;

use crate::{domain::resource::WebAddress, outbound::address::is_public};

/// What names end in that the internet does not know (RFC 6761, RFC 6762 Appendix G, RFC
/// 8375, and the one that ICANN keeps free for private use).
const PRIVATE_ENDINGS: [&str; 11] = [
    ".internal",
    ".local",
    ".localhost",
    ".localdomain",
    ".lan",
    ".home",
    ".home.arpa",
    ".corp",
    ".intranet",
    ".private",
    ".test",
];

/// Whether an address is inside a network: a private IP address, a name without a dot, or
/// one that ends as only private names do. Another name may lead inside all the same.
pub(super) fn is_internal(url: &str) -> bool {
    let Ok(address) = WebAddress::parse(url) else {
        return false;
    };
    let host = address.host.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => !is_public(ip),
        Err(_) => !host.contains('.') || PRIVATE_ENDINGS.iter().any(|end| host.ends_with(end)),
    }
}

/// What a host must reach that does not run inside the network.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// It runs where its person is.
    Nothing,
    /// It is choosy about the authorization server.
    Untether,
    /// It runs in somebody's cloud.
    Everything,
}

impl Needs {
    /// What to tell people when the MCP server is inside, and whether Untether is.
    pub(super) fn warning(self, (server, untether): (bool, bool)) -> Option<&'static str> {
        match self {
            Self::Everything if server || untether => Some(
                "Connectors, those of Claude Desktop too, call from Anthropic’s cloud. By its \
                 address, the MCP server or Untether is inside your network, where they cannot \
                 reach it.",
            ),
            Self::Untether if untether => {
                Some("Codex may refuse to sign in, because Untether is at a private address.")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_inside_when_its_spelling_says_so() {
        for inside in [
            "https://10.1.2.3/mcp",
            "https://192.168.1.10:8443/mcp",
            "https://[fd00::1]/mcp",
            "http://localhost:8000/mcp",
            "http://127.0.0.1/mcp",
            "https://search/mcp",
            "https://search.acme.internal/mcp",
            "https://Search.Acme.LAN/mcp",
            "https://printer.local./mcp",
        ] {
            assert!(is_internal(inside), "{inside}");
        }
        for outside in [
            "https://search.acme.example/mcp",
            "https://9.9.9.9/mcp",
            "https://[2620:fe::fe]/mcp",
            "https://local.example.com/mcp",
            "https://internal.example.com/mcp",
        ] {
            assert!(!is_internal(outside), "{outside}");
        }
    }

    #[test]
    fn a_host_is_warned_of_only_where_it_cannot_reach_something() {
        let said = |needs: Needs| {
            [(false, false), (true, false), (false, true)].map(|at| needs.warning(at).is_some())
        };
        assert_eq!(said(Needs::Nothing), [false, false, false]);
        assert_eq!(said(Needs::Untether), [false, false, true]);
        assert_eq!(said(Needs::Everything), [false, true, true]);
    }
}
