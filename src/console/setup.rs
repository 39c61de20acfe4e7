//! What to paste into a host so that it uses a client. Each host reads a format of its
//! own; only options that the host documents are used.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::{
    domain::client::{Client, ClientType, Origin},
    store::project::Endpoint,
};

/// Stands where a person puts the client secret, which is not known any more.
pub const SECRET_PLACEHOLDER: &str = "PASTE-THE-CLIENT-SECRET";

/// The configuration of one host.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The host.
    pub host: &'static str,
    /// Where the text goes.
    pub place: &'static str,
    /// What to paste.
    pub text: String,
    /// What else to do, or why it cannot work.
    pub notes: Vec<String>,
    /// Whether the client can work with this host as far as can be told.
    pub fits: bool,
}

/// A host, and what it reads.
struct Host {
    name: &'static str,
    place: &'static str,
    /// Where it asks to be sent back to: one of these must be registered. Loopback ones
    /// match on any port. Empty where that is not known.
    callbacks: &'static [&'static str],
    write: fn(&Access<'_>) -> String,
    /// What to do about the secret of a confidential client.
    secret: &'static str,
}

const REPLACE: &str = "Replace PASTE-THE-CLIENT-SECRET with the client secret.";

const HOSTS: [Host; 5] = [
    Host {
        name: "Claude Code",
        place: "Run in a terminal",
        callbacks: &["http://localhost/callback"],
        write: claude_code,
        secret: "Claude Code asks for the client secret.",
    },
    Host {
        name: "Claude Desktop",
        place: "Through mcp-remote, in claude_desktop_config.json",
        callbacks: &["http://localhost/oauth/callback"],
        write: |access| access.servers("mcpServers", bridged),
        secret: REPLACE,
    },
    Host {
        name: "Cursor",
        place: "In .cursor/mcp.json",
        callbacks: &["cursor://anysphere.cursor-mcp/oauth/callback"],
        write: |access| access.servers("mcpServers", cursor),
        secret: REPLACE,
    },
    Host {
        name: "VS Code",
        place: "In .vscode/mcp.json",
        callbacks: &["http://127.0.0.1/", "https://vscode.dev/redirect"],
        write: |access| access.servers("servers", remote),
        secret: "This file has no place for the client secret.",
    },
    Host {
        name: "Plain JSON",
        place: "For hosts that read an .mcp.json",
        callbacks: &[],
        write: |access| access.servers("mcpServers", remote),
        secret: "Give the client secret to the host where it asks for it.",
    },
];

/// What each known host is to be given so that it reaches these MCP servers as this client.
pub fn of(client: &Client, endpoints: &[Endpoint]) -> Vec<Setup> {
    let access = Access {
        client: is_given(client).then_some(client),
        endpoints,
    };
    let setup = |host: &Host| {
        let fits = access.client.is_none_or(|client| {
            let accepts = |callback: &&str| client.accepts_redirect(callback);
            host.callbacks.is_empty() || host.callbacks.iter().any(accepts)
        });
        let refused = (!fits).then(|| {
            format!(
                "{} asks to be sent back to {}, which is not among this client's redirect URIs.",
                host.name,
                host.callbacks.join(" or ")
            )
        });
        let secret = access.confidential().then(|| host.secret.to_owned());
        Setup {
            host: host.name,
            place: host.place,
            text: (host.write)(&access),
            notes: refused.into_iter().chain(secret).collect(),
            fits,
        }
    };
    HOSTS.iter().map(setup).collect()
}

/// Whether a host must be told which client it is. Those that register themselves, or
/// have a document, know it.
pub fn is_given(client: &Client) -> bool {
    matches!(client.origin, Origin::Console | Origin::Api)
}

/// What a configuration is about.
struct Access<'a> {
    /// The client, where the host must be told.
    client: Option<&'a Client>,
    endpoints: &'a [Endpoint],
}

/// An MCP server in a host's file; only the members that the host reads are there.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Vec<String>>,
}

impl Access<'_> {
    fn confidential(&self) -> bool {
        self.client
            .is_some_and(|client| client.client_type == ClientType::Confidential)
    }

    /// A file with one entry for each MCP server, by the project's short name.
    fn servers(&self, member: &str, entry: fn(&Self, &Endpoint) -> Entry) -> String {
        let entries: BTreeMap<_, _> = self
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.slug.as_str(), entry(self, endpoint)))
            .collect();
        let file = BTreeMap::from([(member, entries)]);
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }
}

fn url(endpoint: &Endpoint) -> String {
    endpoint.resource.as_str().to_owned()
}

/// `claude mcp add`, once for each MCP server. Its port is its own choice: loopback
/// redirect URIs match on any.
fn claude_code(access: &Access<'_>) -> String {
    let line = |endpoint: &Endpoint| {
        let mut line = format!(
            "claude mcp add --transport http {} {}",
            endpoint.slug,
            shell_word(endpoint.resource.as_str())
        );
        if let Some(client) = access.client {
            line.push_str(" --client-id ");
            line.push_str(&shell_word(&client.identifier));
        }
        if access.confidential() {
            line.push_str(" --client-secret");
        }
        line
    };
    let lines: Vec<_> = access.endpoints.iter().map(line).collect();
    lines.join("\n")
}

fn bridged(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
    let mut args = vec!["-y".to_owned(), "mcp-remote".to_owned(), url(endpoint)];
    if let Some(client) = access.client {
        let mut info = json!({ "client_id": client.identifier });
        if access.confidential() {
            info["client_secret"] = SECRET_PLACEHOLDER.into();
        }
        args.extend(["--static-oauth-client-info".to_owned(), info.to_string()]);
    }
    Entry {
        command: Some("npx"),
        args: Some(args),
        ..Entry::default()
    }
}

fn cursor(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
    let auth = access.client.map(|client| {
        let mut auth = json!({ "CLIENT_ID": client.identifier });
        if access.confidential() {
            auth["CLIENT_SECRET"] = SECRET_PLACEHOLDER.into();
        }
        auth
    });
    Entry {
        url: Some(url(endpoint)),
        auth,
        ..Entry::default()
    }
}

fn remote(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
    Entry {
        r#type: Some("http"),
        url: Some(url(endpoint)),
        oauth: access
            .client
            .map(|client| json!({ "clientId": client.identifier })),
        ..Entry::default()
    }
}

/// One word of a POSIX shell's command line.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
