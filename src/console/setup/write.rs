//! How each host wants it written.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{domain::resource::Resource, store::project::Endpoint};

use super::{Access, SECRET_PLACEHOLDER};

/// An MCP server in a host's file; only the members that the host reads are there.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
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

pub(super) fn url(endpoint: &Endpoint) -> String {
    endpoint.resource.as_str().to_owned()
}

/// `claude mcp add`, once for each MCP server. Its port is its own choice: loopback
/// redirect URIs match on any.
pub(super) fn claude_code(access: &Access<'_>) -> String {
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

pub(super) fn claude_ai(access: &Access<'_>) -> String {
    access.fields(
        "Remote MCP server URL",
        "OAuth Client ID (Advanced settings)",
    )
}

pub(super) fn inspector(access: &Access<'_>) -> String {
    access.fields("URL", "Client ID (Authentication)")
}

/// Tables of Codex's configuration. A JSON string is a TOML string too.
pub(super) fn codex(access: &Access<'_>) -> String {
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
pub(super) fn codex_callback(resource: &Resource) -> String {
    let url = Url::parse(resource.as_str()).map(String::from);
    let url = url.unwrap_or_else(|_| resource.as_str().to_owned());
    let hash = &Sha256::digest(url)[..9];
    format!("http://127.0.0.1/callback/{}", URL_SAFE_NO_PAD.encode(hash))
}

pub(super) fn bridged(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
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

pub(super) fn cursor(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
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

pub(super) fn remote(access: &Access<'_>, endpoint: &Endpoint) -> Entry {
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
