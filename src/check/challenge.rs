//! How a project's server answers a request without a token (RFC 6750 §3, RFC 9728 §5.1).

use reqwest::header::{self, HeaderMap};
use serde_json::json;

use crate::{
    domain::project::Project,
    outbound::probe::{Answer, Site},
};

use super::{
    Finding,
    answer::{advice, wall},
    spelling::{difference, shown},
};

/// Sends what every client sends first, and adds what is to be said about the answer.
/// Returns where the answer says that the metadata is, if that is on the same server, and
/// `None` when there is no point in going on.
pub async fn check(site: &Site<'_>, project: &Project, into: &mut Vec<Finding>) -> Option<String> {
    let url = project.resource.as_str();
    let answer = match site.post(url, "application/json", first_message()).await {
        Ok(answer) => answer,
        Err(silence) => {
            let seen = format!("There is no answer from {url}: {silence}.");
            into.push(Finding::problem(
                seen,
                advice(silence, project.resource.host()),
            ));
            return None;
        }
    };
    let metadata = project.resource.metadata_url();
    if answer.status() != 401 {
        into.push(unprotected(&answer, url, project));
        return Some(metadata);
    }
    into.push(Finding::ok("Requests without a token are refused (401)."));
    let (finding, named) = judge(answer.headers(), &metadata, site);
    into.push(finding);
    Some(named.unwrap_or(metadata))
}

fn first_message() -> String {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "Untether check", "version": env!("CARGO_PKG_VERSION") },
        },
    })
    .to_string()
}

fn unprotected(answer: &Answer, url: &str, project: &Project) -> Finding {
    if let Some(finding) = wall(answer, "The answer to a request without a token", url) {
        return finding;
    }
    let status = answer.status();
    let (seen, advice) = match status {
        200..300 => (
            "Requests without a token are answered: whoever can reach this server can use it."
                .to_owned(),
            format!(
                "Let the server ask Untether about tokens (introspection), or let the proxy in \
                 front of it ask /forward-auth/{}.",
                project.slug
            ),
        ),
        403 => (
            "Requests without a token are refused with 403. Clients begin to authorize only when \
             they are answered 401."
                .to_owned(),
            "Let the server, or what stands in front of it, answer 401 with WWW-Authenticate."
                .to_owned(),
        ),
        404 | 405 => (
            format!("There is no MCP server at {url}: the answer to a POST is {status}."),
            "Check the path that the project is registered with.".to_owned(),
        ),
        500.. => (
            format!("The server answers {status} to a request without a token."),
            format!(
                "Look into the log of the server and of the proxy in front of it. nginx answers \
                 500 when it cannot ask Untether at /forward-auth/{}.",
                project.slug
            ),
        ),
        _ => (
            format!("The server answers {status} to a request without a token, and not 401."),
            "Let it check the token before anything else.".to_owned(),
        ),
    };
    Finding::problem(seen, advice)
}

/// What is to be said of a 401, and the address of the metadata in it, if it may be asked.
fn judge(headers: &HeaderMap, metadata: &str, site: &Site<'_>) -> (Finding, Option<String>) {
    let send = format!("Send WWW-Authenticate: Bearer resource_metadata=\"{metadata}\".");
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let challenges: Vec<_> = challenges.filter_map(|value| value.to_str().ok()).collect();
    if challenges.is_empty() {
        let seen = "The 401 has no WWW-Authenticate, so clients must guess where the metadata is.";
        return (Finding::warning(seen, send), None);
    }
    let is_bearer = |challenge: &str| challenge.to_ascii_lowercase().contains("bearer");
    let Some(bearer) = challenges.iter().find(|challenge| is_bearer(challenge)) else {
        let scheme = challenges[0].split(' ').next().unwrap_or_default();
        let seen = format!(
            "The 401 asks for {}, and not for a bearer token: something in front of the server \
             wants a sign-in.",
            shown(scheme)
        );
        let advice = "Let requests to this address past it: programs call it.";
        return (Finding::problem(seen, advice), None);
    };
    let Some(named) = parameter(bearer, "resource_metadata") else {
        let seen = "The 401 does not say where the metadata is, so clients must guess.";
        return (Finding::warning(seen, send), None);
    };
    if named == metadata {
        let seen = format!("The 401 leads clients to the metadata at {metadata}.");
        return (Finding::ok(seen), None);
    }
    let seen = format!(
        "The 401 leads clients to {}: {}.",
        shown(named),
        difference(metadata, named)
    );
    match site.has(named) {
        true => {
            let advice = format!("{send} Clients that do not read it look there anyway.");
            (Finding::warning(seen, advice), Some(named.to_owned()))
        }
        false => {
            let advice = format!(
                "{send} A server behind a proxy often has to be told its public address first."
            );
            (Finding::problem(seen, advice), None)
        }
    }
}

/// A parameter of a challenge (RFC 9110 §11.2), without its quotes; `name` is in lower case.
pub fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let lower = challenge.to_ascii_lowercase();
    // A quoted value may hold anything, also what looks like another parameter.
    let quoted = |at: usize| lower[..at].replace("\\\"", "").matches('"').count() % 2 == 1;
    let begins = |at: usize| {
        let before = lower[..at].chars().next_back();
        before.is_none_or(|before| matches!(before, ' ' | ',' | '\t')) && !quoted(at)
    };
    let mut places = lower.match_indices(name).map(|(at, _)| at);
    let at = places.find(|at| begins(*at))?;
    let rest = challenge[at + name.len()..].trim_start();
    let value = rest.strip_prefix('=')?.trim_start();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([',', ' ', '\t', '"']).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_wherever_it_stands() {
        let name = "resource_metadata";
        for (challenge, expected) in [
            ("Bearer resource_metadata=\"a\", scope=\"b\"", Some("a")),
            ("Bearer error=\"x\",resource_metadata = \"a\"", Some("a")),
            ("Bearer Resource_Metadata=a, scope=b", Some("a")),
            ("Bearer resource_metadata=a\", scope=b", Some("a")),
            ("Bearer my_resource_metadata=\"a\"", None),
            ("Bearer realm=\"x, resource_metadata=b\"", None),
            (
                "Bearer realm=\"\\\" resource_metadata=b\", resource_metadata=a",
                Some("a"),
            ),
            ("Bearer resource_metadata", None),
            ("Bearer", None),
        ] {
            assert_eq!(parameter(challenge, name), expected, "{challenge}");
        }
    }
}
