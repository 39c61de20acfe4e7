//! The demo: a throw-away organization to look around in.

use std::net::SocketAddr;

use clap::{ArgMatches, parser::ValueSource};

use crate::{
    config::{PublicUrl, RawSettings, Settings},
    domain::role::PrincipalName,
    web::identity::Persona,
};

mod fill;
mod organization;
mod stories;
#[cfg(test)]
mod tests;

pub use fill::fill;

use organization::{ADMINISTRATOR, AUDITOR, MEMBER, OWNER, PEOPLE, email};

/// The settings that belong to a real installation.
const REAL: [&str; 12] = [
    "database_url",
    "database_url_file",
    "trusted_proxies",
    "proxy_secret",
    "proxy_secret_file",
    "assertion_header",
    "assertion_jwks_url",
    "assertion_issuer",
    "assertion_audience",
    "public_url",
    "secret_key",
    "secret_key_file",
];

/// Refuses settings that belong to a real installation, and addresses that
/// anyone but this machine could reach.
///
/// # Errors
/// A sentence that says what to change.
pub fn refuse(raw: &RawSettings, matches: &ArgMatches) -> Result<(), String> {
    let given = REAL.into_iter().filter(|id| {
        let source = matches.value_source(id);
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    });
    let given: Vec<_> = given
        .map(|id| format!("UNTETHER_{}", id.to_uppercase()))
        .collect();
    if !given.is_empty() {
        return Err(format!(
            "the demo makes an organization of its own and throws it away, so it refuses \
             settings of a real one: {}",
            given.join(", ")
        ));
    }
    // What is no address at all is reported with the other settings.
    let listen = raw
        .listen
        .as_deref()
        .and_then(|text| text.parse::<SocketAddr>().ok());
    match listen {
        Some(listen) if !listen.ip().is_loopback() => Err(format!(
            "the demo lets anyone who can reach it act as anyone, so it only listens on a \
             loopback address, and {listen} is none: use --listen 127.0.0.1:8080"
        )),
        _ => Ok(()),
    }
}

/// The settings of the demo.
pub fn settings(settings: Settings) -> Settings {
    Settings {
        organization: "Acme".to_owned(),
        owners: vec![PrincipalName::Email(email(OWNER))],
        auditors: vec![PrincipalName::Email(email(AUDITOR))],
        // What the organization has is there to be looked at.
        unused_client_days: None,
        ..settings
    }
}

/// Who one can look as.
pub fn personas() -> Vec<Persona> {
    let persona = |key, label, person| Persona {
        key,
        label,
        identity: fill::identity(person),
    };
    vec![
        persona("owner", "Owner", OWNER),
        persona("administrator", "Project administrator", ADMINISTRATOR),
        persona("auditor", "Auditor", AUDITOR),
        persona("member", "Member", MEMBER),
    ]
}

/// What to do next.
pub fn welcome(public: &PublicUrl) -> String {
    let (url, mcp) = (public.as_str(), public.join("/mcp"));
    let owner = PEOPLE[OWNER].name;
    format!(
        "\
Untether demo: the organization Acme, with sample people and connections.

    {url}

You are {owner}, an owner. Switch roles at the top of the page.

Connect a real host to Untether's own MCP server, allow it in the browser,
and see it on the page. In Claude Code:

    claude mcp add --transport http untether {mcp}

In hosts that can only start programs, use this as the command:

    npx mcp-remote {mcp}

Everything is thrown away when this ends. Press Ctrl-C to end it."
    )
}
