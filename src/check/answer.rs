//! Answers that are not the server's own.

use reqwest::header;
use url::Url;

use crate::outbound::probe::{Answer, Silence};

use super::Finding;

/// What to do when there is no answer.
pub fn advice(silence: Silence, host: &str) -> String {
    match silence {
        Silence::NoName => format!("Check the name {host}, and that this machine can look it up."),
        Silence::Certificate => format!(
            "Give {host} a certificate for that name. If your own authority issued it, name its \
             certificate in UNTETHER_CA_FILE; clients need it too."
        ),
        Silence::Elsewhere | Silence::Nowhere => {
            "Register the project with the address that clients use.".to_owned()
        }
        Silence::Unreachable | Silence::TooSlow => format!(
            "See that the server runs, and that this machine may connect to {host}. If only \
             people's machines can reach it, check it from one of them."
        ),
        Silence::TooLarge | Silence::Broken => {
            format!("Look into the log of the server at {host}, and of the proxy in front of it.")
        }
    }
}

/// The finding about an answer that something in front of the server gave: a redirect, or
/// a page for people. `what` was asked at `url`.
pub fn wall(answer: &Answer, what: &str, url: &str) -> Option<Finding> {
    if (300..400).contains(&answer.status()) {
        let location = answer.header(header::LOCATION).unwrap_or_default();
        return Some(redirect(what, url, location));
    }
    (answer.status() == 200 && answer.kind() == "text/html").then(|| {
        Finding::problem(
            format!("{what} is a page for people, such as a sign-in page, at {url}."),
            "Let requests to this address past the sign-in proxy and past pages that answer \
             every address: programs call it.",
        )
    })
}

fn redirect(what: &str, url: &str, location: &str) -> Finding {
    let from = Url::parse(url).ok();
    let to = from.as_ref().and_then(|from| from.join(location).ok());
    let same_host = from.as_ref().map(Url::host_str) == to.as_ref().map(Url::host_str);
    let trimmed = |url: &Option<Url>| {
        url.as_ref()
            .map(|url| url.path().trim_end_matches('/').to_owned())
    };
    if same_host && trimmed(&from) == trimmed(&to) {
        return Finding::problem(
            format!(
                "{what} is a redirect to another spelling of {url}, and clients do not follow it."
            ),
            "Let the server answer at exactly this address, without or with a slash at its end as \
             it is written here, and by the scheme (https) that is.",
        );
    }
    let host = to.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
    Finding::problem(
        format!("{what} is a redirect to {host}, at {url}. It looks like a sign-in."),
        "Let requests to this address past the sign-in proxy: programs call it, and they do not \
         follow redirects here.",
    )
}
