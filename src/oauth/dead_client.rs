//! What a person reads whose app has sent a `client_id` that does not work any more. Hosts
//! remember it for ever, and only some of them forget it when they are told that it is
//! unknown, so the page says in each how to make it register anew.

use actix_web::http::StatusCode;

use crate::{
    clock::Timestamp,
    console::moment,
    domain::{
        client::Origin,
        document::DocumentUrl,
        tombstone::{Cause, Tombstone},
    },
    web::problem::Problem,
};

/// A host: words in the names under which it registers, and how it forgets a client.
struct Host {
    names: &'static [&'static str],
    advice: &'static str,
}

const HOSTS: [Host; 6] = [
    Host {
        names: &["claude"],
        advice: "Claude Code: run /mcp, choose the server, then Clear authentication. If that \
                 is not offered, remove the server and add it again.",
    },
    Host {
        names: &["cursor"],
        advice: "Cursor: in its settings remove the MCP server, add it again and sign in.",
    },
    Host {
        names: &["visual studio code", "vs code", "vscode"],
        advice: "VS Code: run the command Authentication: Remove Dynamic Authentication \
                 Providers, choose Untether, then start the server again.",
    },
    Host {
        names: &["codex"],
        advice: "Codex: run codex mcp logout NAME, then codex mcp login NAME.",
    },
    Host {
        names: &["mcp-remote", "mcp cli proxy"],
        advice: "mcp-remote: delete the folder ~/.mcp-auth and start again.",
    },
    Host {
        names: &["inspector"],
        advice: "MCP Inspector: clear its OAuth state and connect again.",
    },
];

const ANY_OTHER: &str = "Any other app: sign out of the server there, or remove the server and \
                         add it again, so that the app registers anew.";

/// Nobody has ever heard of it, or that was long ago.
pub fn unknown() -> Problem {
    let page = page(
        "This app is not registered here",
        "Untether does not know the client_id that the app sent. It may have been removed \
         long ago, or the app may remember another installation. Make the app forget it, \
         and it registers anew:",
    );
    with_advice(page, "")
}

/// It was removed.
pub fn gone(tombstone: &Tombstone) -> Problem {
    let (name, date) = (&tombstone.name, moment::date(tombstone.ended_at));
    match tombstone.cause {
        Cause::Revoked if DocumentUrl::is_meant(&tombstone.identifier) => ended(name, &date),
        Cause::Revoked => with_advice(
            page(
                REVOKED,
                format!(
                    "{} If someone had made it for you, ask the administrators of Untether. If \
                     the app had registered itself and you may use it again, make it forget the \
                     old registration, and it registers anew:",
                    end_of(name, &date)
                ),
            ),
            name,
        ),
        Cause::Unused => with_advice(
            page(
                "This app’s registration was removed",
                format!(
                    "The app registered itself as {name}, and Untether removed that on {date} \
                     because nobody had used it for a long time. Nothing is lost: make the \
                     app forget the old registration, and it registers anew:"
                ),
            ),
            name,
        ),
    }
}

const REVOKED: &str = "This app was revoked";

/// An administrator ended it. Only an app that registered itself can do so anew.
pub fn revoked(name: &str, origin: Origin, at: Timestamp) -> Problem {
    let date = moment::date(at);
    match origin {
        Origin::Registered => with_advice(
            page(
                REVOKED,
                format!(
                    "{} If you may use the app again, make it forget the old registration, and \
                     it registers anew:",
                    end_of(name, &date)
                ),
            ),
            name,
        ),
        Origin::Console | Origin::Api | Origin::Document => ended(name, &date),
    }
}

fn end_of(name: &str, date: &str) -> String {
    format!(
        "An administrator ended the registration of {name} on {date}, and everything connected \
         through it."
    )
}

/// It comes back only if those who ended it want that.
fn ended(name: &str, date: &str) -> Problem {
    page(REVOKED, end_of(name, date)).with_advice(
        "If you need the app, ask the administrators of Untether. To sign in again, or to add \
         the server to the app again, does not help.",
    )
}

fn page(heading: &str, text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, heading, text)
}

/// What to do in each host, first in the one that the name is of.
fn with_advice(page: Problem, name: &str) -> Problem {
    let name = name.to_lowercase();
    let is_meant = |host: &&Host| host.names.iter().any(|known| name.contains(known));
    let (meant, others): (Vec<_>, Vec<_>) = HOSTS.iter().partition(is_meant);
    let hosts = meant.into_iter().chain(others);
    let page = hosts.fold(page, |page, host| page.with_advice(host.advice));
    page.with_advice(ANY_OTHER)
}
