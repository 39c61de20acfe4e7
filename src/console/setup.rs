//! What to paste into a host so that it uses a client. Each host reads a format of its
//! own; only options that the host documents are used.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    domain::{
        client::{Client, ClientType, Origin},
        logo::Shape,
        resource::Resource,
    },
    store::project::Endpoint,
};

mod hosts;

use hosts::{Callbacks, HOSTS, Host};

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

/// What each known host is to be given so that it reaches these MCP servers as this client.
pub fn of(client: &Client, endpoints: &[Endpoint]) -> Vec<Setup> {
    let access = Access {
        client: is_given(client).then_some(client),
        endpoints,
    };
    let setup = |host: &Host| {
        let missing = access.missing(host.callbacks);
        let fits = missing.is_empty();
        let refused = (!fits).then(|| {
            format!(
                "{} asks to be sent back to {}, which is not among this client's redirect URIs.",
                host.name,
                missing.join(" or ")
            )
        });
        let secret = access.confidential().then(|| host.secret.to_owned());
        let reach = (!host.reach.is_empty()).then(|| host.reach.to_owned());
        Setup {
            host: host.name,
            place: host.place,
            text: (host.write)(&access),
            notes: refused.into_iter().chain(secret).chain(reach).collect(),
            fits,
        }
    };
    HOSTS.iter().map(setup).collect()
}

/// A host for which the form of a new client can be filled in.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The word for it in addresses.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where it asks to be sent back to.
    pub redirect_uris: Vec<String>,
    /// What keeps it from working in some networks; may be empty.
    pub reach: &'static str,
    /// The drawing that says what kind of app it is.
    pub logo: Shape,
}

/// The hosts of which it is known where they ask to be sent back to.
pub fn presets(resource: &Resource) -> Vec<Preset> {
    let preset = |host: &Host| Preset {
        key: host.key,
        name: host.name,
        redirect_uris: host.callbacks.of(resource),
        reach: host.reach,
        logo: host.logo,
    };
    let presets = HOSTS.iter().map(preset);
    presets
        .filter(|preset| !preset.redirect_uris.is_empty())
        .collect()
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

    /// The addresses one of which the client should have for a host, and has not.
    fn missing(&self, callbacks: Callbacks) -> Vec<String> {
        let Some(client) = self.client else {
            return Vec::new();
        };
        let mut missing = Vec::new();
        for endpoint in self.endpoints {
            let uris = callbacks.of(&endpoint.resource);
            if !uris.iter().any(|uri| client.accepts_redirect(uri)) {
                let new = uris.into_iter().filter(|uri| !missing.contains(uri));
                missing.extend(new.collect::<Vec<_>>());
            }
        }
        missing
    }

    /// What a person types into the fields of a host, a server in a paragraph.
    fn fields(&self, url_label: &str, id_label: &str) -> String {
        let fields = |endpoint: &Endpoint| {
            let id = self.client.map(|client| &client.identifier);
            let id = id.map(|id| format!("\n{id_label}: {id}"));
            format!("{url_label}: {}{}", url(endpoint), id.unwrap_or_default())
        };
        let servers: Vec<_> = self.endpoints.iter().map(fields).collect();
        servers.join("\n\n")
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

fn claude_ai(access: &Access<'_>) -> String {
    access.fields(
        "Remote MCP server URL",
        "OAuth Client ID (Advanced settings)",
    )
}

fn inspector(access: &Access<'_>) -> String {
    access.fields("URL", "Client ID (Authentication)")
}

/// Tables of Codex's configuration. A JSON string is a TOML string too.
fn codex(access: &Access<'_>) -> String {
    let table = |endpoint: &Endpoint| {
        let slug = &endpoint.slug;
        let mut table = format!("[mcp_servers.{slug}]\nurl = {}\n", json!(url(endpoint)));
        if let Some(client) = access.client {
            let id = json!(client.identifier);
            table.push_str(&format!("\n[mcp_servers.{slug}.oauth]\nclient_id = {id}\n"));
        }
        table
    };
    let tables: Vec<_> = access.endpoints.iter().map(table).collect();
    tables.join("\n")
}

/// Codex ends the path of its callback with a hash of the MCP server URL, so that answers
/// for one server are not taken for those of another.
fn codex_callback(resource: &Resource) -> String {
    let url = Url::parse(resource.as_str()).map(String::from);
    let url = url.unwrap_or_else(|_| resource.as_str().to_owned());
    let hash = &Sha256::digest(url)[..9];
    format!("http://127.0.0.1/callback/{}", URL_SAFE_NO_PAD.encode(hash))
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
