//! Untether's own public address, from outside: what must be past the sign-in proxy and
//! what behind it.

use serde_json::Value;

use crate::{
    config::{PublicUrl, Settings},
    domain::resource::WebAddress,
    outbound::probe::{Probe, Site},
};

use super::{
    Finding,
    answer::{advice, wall},
    spelling::{difference, shown},
};

/// Nobody's e-mail: `.invalid` is nobody's (RFC 2606 §2).
const NOBODY: &str = "check@untether.invalid";

/// Asks Untether at its public address.
pub async fn check(probe: &Probe, settings: &Settings) -> Vec<Finding> {
    let public = &settings.public_url;
    let Ok(address) = WebAddress::parse(public.as_str()) else {
        return Vec::new();
    };
    let site = probe.at(&address);
    let metadata = metadata(&site, public, address.host).await;
    let reached = metadata.level == super::Level::Ok;
    let mut findings = vec![metadata];
    if reached {
        findings.extend(called(&site, public).await);
        findings.push(sign_in(&site, public).await);
        // On this machine the check itself comes from an address that may be trusted.
        if !public.is_loopback() {
            findings.extend(identity(&site, settings).await);
        }
    }
    findings
}

async fn metadata(site: &Site<'_>, public: &PublicUrl, host: &str) -> Finding {
    let url = public.join("/.well-known/oauth-authorization-server/oauth");
    let lead = format!("Start untether serve, and let the proxy at {public} lead to it.");
    let answer = match site.get(&url, None).await {
        Ok(answer) => answer,
        Err(silence) => {
            return Finding::problem(
                format!("There is no answer from {public}: {silence}."),
                format!("{lead} {}", advice(silence, host)),
            );
        }
    };
    if let Some(finding) = wall(&answer, "Untether's metadata", &url) {
        return finding;
    }
    let status = answer.status();
    let body = answer.body().await.unwrap_or_default();
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    let issuer = public.issuer();
    match document["issuer"].as_str() {
        Some(named) if status == 200 && named == issuer => Finding::ok(format!(
            "{public} leads to Untether, whose issuer is {issuer}."
        )),
        Some(named) if status == 200 => Finding::problem(
            format!(
                "At {public} answers an authorization server whose issuer is {} and not {issuer}: \
                 {}.",
                shown(named),
                difference(&issuer, named)
            ),
            "Let every server and command have the same UNTETHER_PUBLIC_URL.",
        ),
        _ => Finding::problem(
            format!("Untether's metadata is not at {url} (the answer is {status})."),
            lead,
        ),
    }
}

/// What programs call, with its name: each answers nonsense with an OAuth error.
const CALLED: [(&str, &str); 5] = [
    ("The token endpoint", "/oauth/token"),
    ("The revocation endpoint", "/oauth/revoke"),
    ("The introspection endpoint", "/oauth/introspect"),
    ("The registration endpoint", "/oauth/register"),
    ("Untether's MCP server", "/mcp"),
];

/// What stands in the way of programs, or that nothing does.
async fn called(site: &Site<'_>, public: &PublicUrl) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, path) in CALLED {
        findings.extend(barrier(site, what, &public.join(path)).await);
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "Programs reach what they call without a sign-in.",
        ));
    }
    findings
}

/// What stands between programs and an endpoint.
async fn barrier(site: &Site<'_>, what: &str, url: &str) -> Option<Finding> {
    let past = "Let /.well-known/, /oauth/token, /oauth/revoke, /oauth/introspect, \
                /oauth/register, /forward-auth/ and /mcp past the sign-in proxy: programs call \
                them.";
    let form = "application/x-www-form-urlencoded";
    // A proxy may pass an empty body on without saying that it is empty.
    let body = "grant_type=check".to_owned();
    let answer = match site.post(url, form, body).await {
        Ok(answer) => answer,
        Err(silence) => {
            let seen = format!("There is no answer from {url}: {silence}.");
            return Some(Finding::problem(seen, past));
        }
    };
    let walled = wall(&answer, what, url);
    if walled.is_some() {
        return walled;
    }
    let status = answer.status();
    let body = answer.body().await.unwrap_or_default();
    let answered: Value = serde_json::from_slice(&body).unwrap_or_default();
    (!answered["error"].is_string()).then(|| {
        let seen = format!("{what} at {url} is not Untether's (the answer is {status}).");
        Finding::problem(seen, past)
    })
}

async fn sign_in(site: &Site<'_>, public: &PublicUrl) -> Finding {
    let url = public.join("/oauth/authorize");
    let behind = "Let the sign-in proxy guard /oauth/authorize and the pages, and answer who is \
                  not signed in with a redirect (302).";
    let answer = match site.get(&url, None).await {
        Ok(answer) => answer,
        Err(silence) => {
            return Finding::problem(format!("There is no answer from {url}: {silence}."), behind);
        }
    };
    match answer.status() {
        300..=399 => Finding::ok("Who is not signed in is sent to sign in."),
        401 | 403 => Finding::warning(
            format!(
                "Who is not signed in is refused at {url} ({}), at which some clients give up.",
                answer.status()
            ),
            behind,
        ),
        status => Finding::problem(
            format!("{url} is answered ({status}) as if somebody were signed in."),
            behind,
        ),
    }
}

/// Whether an identity header that anybody could send is believed; nothing where plain
/// headers are not.
pub async fn identity(site: &Site<'_>, settings: &Settings) -> Option<Finding> {
    let proxy = settings.proxy.as_ref()?;
    if settings.assertion.is_some() {
        return None;
    }
    let name = proxy.email_header.as_str();
    let url = settings.public_url.join("/me");
    let answer = site.get(&url, Some((name, NOBODY))).await.ok()?;
    Some(match answer.status() {
        200..=299 => Finding::problem(
            format!(
                "A header {name} that this check sent was believed: whoever sends it can be \
                 anyone here."
            ),
            "Let the sign-in proxy set or remove every identity header on every request, and let \
             nothing else reach Untether from an address in UNTETHER_TRUSTED_PROXIES.",
        ),
        _ => Finding::ok("An identity header from outside is not believed."),
    })
}
