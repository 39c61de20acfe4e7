//! Settings that are valid and yet not what most installations want.

use ipnet::IpNet;

use crate::config::Settings;

use super::Finding;

/// What the settings mean for who is believed and who may do what.
pub fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = identity(settings);
    if settings.owners.is_empty() {
        findings.push(Finding::warning(
            "Nobody is an owner, so nobody can see and revoke everything in the pages.",
            "Name people or groups in UNTETHER_OWNERS.",
        ));
    }
    if settings.public_url.is_loopback() {
        findings.push(Finding::warning(
            format!(
                "The public URL {} leads nowhere from other machines.",
                settings.public_url
            ),
            "Set UNTETHER_PUBLIC_URL to the address that people and clients use.",
        ));
    }
    findings
}

fn identity(settings: &Settings) -> Vec<Finding> {
    if let Err(error) = settings.require_identity() {
        return error.lines().iter().map(|line| unset(line)).collect();
    }
    let mut findings = Vec::new();
    if let Some(assertion) = &settings.assertion {
        findings.push(Finding::ok(format!(
            "People are known by the signed header {}.",
            assertion.header
        )));
    }
    let Some(proxy) = &settings.proxy else {
        return findings;
    };
    let list = |networks: &[IpNet]| {
        let networks = networks.iter().map(ToString::to_string);
        networks.collect::<Vec<_>>().join(", ")
    };
    if settings.assertion.is_none() {
        findings.push(Finding::ok(format!(
            "People are known by the header {}, believed from {}.",
            proxy.email_header,
            list(&proxy.trusted)
        )));
    }
    let wide: Vec<_> = proxy.trusted.iter().copied().filter(is_wide).collect();
    if !wide.is_empty() && proxy.secret.is_none() && settings.assertion.is_none() {
        findings.push(Finding::warning(
            format!("Every machine in {} can name itself anyone.", list(&wide)),
            "Name only the proxy's own addresses in UNTETHER_TRUSTED_PROXIES, or set \
             UNTETHER_PROXY_SECRET.",
        ));
    }
    findings
}

fn unset(line: &str) -> Finding {
    Finding::problem(
        "There is no way to know who is signed in, so untether serve does not start.",
        format!("{line}."),
    )
}

/// More than a small network: 256 addresses, or one link of IPv6.
fn is_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => v4.prefix_len() < 24,
        IpNet::V6(v6) => v6.prefix_len() < 64,
    }
}
