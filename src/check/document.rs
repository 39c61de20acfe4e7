//! The metadata of a project's server (RFC 9728).

use serde_json::Value;

use crate::{
    config::PublicUrl,
    domain::{
        project::Project,
        resource::{ResourceKey, WELL_KNOWN},
    },
    outbound::probe::{Answer, Site},
};

use super::{
    Finding,
    answer::{advice, wall},
    spelling::{difference, shown},
};

/// Reads the metadata at an address and adds what is to be said about it.
pub async fn check(
    site: &Site<'_>,
    project: &Project,
    public: &PublicUrl,
    url: &str,
    into: &mut Vec<Finding>,
) {
    let found = match read(site, url, project, public).await {
        Err((404, finding)) => match at_root(site, url, project, public).await {
            Some(found) => Ok(found),
            None => Err(finding),
        },
        other => other.map_err(|(_, finding)| finding),
    };
    match found {
        Err(finding) => into.push(finding),
        Ok((document, findings)) => {
            into.extend(findings);
            into.push(resource(&document, project));
            into.push(issuer(&document, public));
            into.extend(scopes(&document, project));
        }
    }
}

type Found = (Value, Vec<Finding>);

/// The document, or the status and what is wrong.
async fn read(
    site: &Site<'_>,
    url: &str,
    project: &Project,
    public: &PublicUrl,
) -> Result<Found, (u16, Finding)> {
    let silent = |silence| {
        let advice = advice(silence, project.resource.host());
        (
            0,
            Finding::problem(format!("There is no metadata at {url}: {silence}."), advice),
        )
    };
    let answer = site.get(url, None).await.map_err(silent)?;
    let status = answer.status();
    if let Some(finding) = wall(&answer, "The metadata", url) {
        return Err((status, finding));
    }
    if status != 200 {
        return Err((status, missing(&answer, url, project, public)));
    }
    let kind = answer.kind();
    let body = answer.body().await.map_err(silent)?;
    let Ok(document @ Value::Object(_)) = serde_json::from_slice(&body) else {
        let seen = format!("What is at {url} is not JSON, and clients cannot read it.");
        return Err((status, Finding::problem(seen, publish(project, public))));
    };
    let findings = match kind.as_str() {
        "application/json" => vec![Finding::ok(format!("The metadata is at {url}."))],
        _ => vec![Finding::warning(
            format!("The metadata at {url} is not sent as application/json."),
            "Send it with Content-Type: application/json; some clients refuse anything else.",
        )],
    };
    Ok((document, findings))
}

/// Where some clients look when it is not where it belongs.
async fn at_root(
    site: &Site<'_>,
    url: &str,
    project: &Project,
    public: &PublicUrl,
) -> Option<Found> {
    let root = format!("{}{WELL_KNOWN}", site.origin());
    let (document, _) = read(site, &root, project, public).await.ok()?;
    let seen = format!("The metadata is at {root} only, where not every client looks.");
    let advice = format!("Publish it at {url} too.");
    Some((document, vec![Finding::warning(seen, advice)]))
}

fn missing(answer: &Answer, url: &str, project: &Project, public: &PublicUrl) -> Finding {
    let status = answer.status();
    match status {
        401 | 403 => Finding::problem(
            format!("The metadata at {url} cannot be read without a token ({status})."),
            "Let everybody read it: clients need it to get a token.",
        ),
        500.. => Finding::problem(
            format!("The answer at {url} is {status}, at which clients give up."),
            publish(project, public),
        ),
        _ => Finding::problem(
            format!("There is no metadata at {url} ({status})."),
            publish(project, public),
        ),
    }
}

fn publish(project: &Project, public: &PublicUrl) -> String {
    let path = format!("/forward-auth/{}/oauth-protected-resource", project.slug);
    format!(
        "Publish the server's metadata (RFC 9728) there. If its proxy asks Untether about tokens, \
         let the proxy pass this address on to {}.",
        public.join(&path)
    )
}

fn resource(document: &Value, project: &Project) -> Finding {
    let registered = project.resource.as_str();
    let advice = format!("Let it be exactly {registered}.");
    let Some(seen) = document["resource"].as_str() else {
        return Finding::problem("The metadata has no resource.", advice);
    };
    if seen == registered {
        return Finding::ok(format!("Its resource is {registered}, as registered."));
    }
    let words = difference(registered, seen);
    let shown = shown(seen);
    if ResourceKey::of(seen) == Some(project.resource.key()) {
        return Finding::warning(
            format!(
                "Its resource is {shown}: {words}. Untether takes both for the same, but some \
                 clients compare exactly."
            ),
            advice,
        );
    }
    Finding::problem(
        format!(
            "Its resource is {shown}: {words}. Untether knows no such resource and refuses it."
        ),
        format!("{advice} If clients use the other address, register the project with that."),
    )
}

fn issuer(document: &Value, public: &PublicUrl) -> Finding {
    let issuer = public.issuer();
    let advice = format!("Let authorization_servers be exactly [\"{issuer}\"].");
    let named = document["authorization_servers"].as_array();
    let named: Vec<_> = named
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match named.iter().position(|named| *named == issuer) {
        Some(0) => Finding::ok(format!("It names {issuer} as its authorization server.")),
        Some(_) => Finding::warning(
            format!(
                "It names {} before {issuer}, and clients take the first.",
                shown(named[0])
            ),
            advice,
        ),
        None => match named.first() {
            None => Finding::problem("The metadata names no authorization server.", advice),
            Some(other) => Finding::problem(
                format!(
                    "It names {} as its authorization server and not {issuer}: {}. Clients \
                     compare exactly.",
                    shown(other),
                    difference(&issuer, other)
                ),
                advice,
            ),
        },
    }
}

/// Scopes that clients would ask for in vain.
fn scopes(document: &Value, project: &Project) -> Option<Finding> {
    let offered = project.scope_names();
    let named = document["scopes_supported"].as_array()?;
    let mut named = named.iter().filter_map(Value::as_str);
    let unknown = named.find(|scope| !offered.contains(*scope))?;
    Some(Finding::warning(
        format!(
            "It lists the scope {}, which the project does not offer, so that nobody is given it any more.",
            shown(unknown)
        ),
        "Let both list the same scopes.",
    ))
}
