//! The hosts that are known, and what each of them reads.

use crate::domain::{logo::Shape, resource::Resource};

use super::{
    Access,
    reach::Needs,
    write::{bridged, claude_ai, claude_code, codex, codex_callback, cursor, inspector, remote},
};

/// A host, and what it reads.
pub(super) struct Host {
    pub(super) name: &'static str,
    /// The word for it in addresses.
    pub(super) key: &'static str,
    pub(super) place: &'static str,
    pub(super) callbacks: Callbacks,
    pub(super) write: fn(&Access<'_>) -> String,
    /// What to do about the secret of a confidential client.
    pub(super) secret: &'static str,
    /// What it must reach from outside.
    pub(super) needs: Needs,
    /// The drawing that says what kind of app it is.
    pub(super) logo: Shape,
}

/// Where a host asks to be sent back to. Loopback addresses match on any port.
#[derive(Clone, Copy)]
pub(super) enum Callbacks {
    /// Nobody knows.
    Unknown,
    /// One of these: which, is the host's choice.
    Any(&'static [&'static str]),
    /// Another one for each MCP server.
    OfServer(fn(&Resource) -> String),
}

impl Callbacks {
    pub(super) fn of(self, resource: &Resource) -> Vec<String> {
        match self {
            Self::Unknown => Vec::new(),
            Self::Any(uris) => uris.iter().map(|uri| (*uri).to_owned()).collect(),
            Self::OfServer(uri) => vec![uri(resource)],
        }
    }
}

const REPLACE: &str = "Replace PASTE-THE-CLIENT-SECRET with the client secret.";

const NO_PLACE: &str = "This file has no place for the client secret.";

pub(super) const HOSTS: [Host; 8] = [
    Host {
        name: "Claude Code",
        key: "claude-code",
        place: "Run in a terminal; then /mcp in Claude Code",
        callbacks: Callbacks::Any(&["http://localhost/callback"]),
        write: claude_code,
        secret: "Claude Code asks for the client secret.",
        needs: Needs::Nothing,
        logo: Shape::Terminal,
    },
    Host {
        name: "Claude Desktop",
        key: "claude-desktop",
        place: "Through mcp-remote, in claude_desktop_config.json",
        callbacks: Callbacks::Any(&["http://localhost/oauth/callback"]),
        write: |access| access.servers("mcpServers", bridged),
        secret: REPLACE,
        needs: Needs::Nothing,
        logo: Shape::Desktop,
    },
    Host {
        name: "claude.ai",
        key: "claude-ai",
        place: "Under Settings, Connectors, Add custom connector",
        callbacks: Callbacks::Any(&[
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback",
        ]),
        write: claude_ai,
        secret: "Put the client secret beside the client ID.",
        needs: Needs::Everything,
        logo: Shape::Chat,
    },
    Host {
        name: "Cursor",
        key: "cursor",
        place: "In .cursor/mcp.json",
        callbacks: Callbacks::Any(&[
            "http://localhost/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ]),
        write: |access| access.servers("mcpServers", cursor),
        secret: REPLACE,
        needs: Needs::Nothing,
        logo: Shape::Editor,
    },
    Host {
        name: "VS Code",
        key: "vscode",
        place: "In .vscode/mcp.json",
        callbacks: Callbacks::Any(&["http://127.0.0.1/", "https://vscode.dev/redirect"]),
        write: |access| access.servers("servers", remote),
        secret: NO_PLACE,
        needs: Needs::Nothing,
        logo: Shape::Editor,
    },
    Host {
        name: "Codex",
        key: "codex",
        place: "In ~/.codex/config.toml; then run codex mcp login and the server’s name",
        callbacks: Callbacks::OfServer(codex_callback),
        write: codex,
        secret: NO_PLACE,
        needs: Needs::Untether,
        logo: Shape::Terminal,
    },
    Host {
        name: "MCP Inspector",
        key: "inspector",
        place: "Open the MCP server URL with the transport Streamable HTTP",
        callbacks: Callbacks::Any(&[
            "http://localhost/oauth/callback",
            "http://127.0.0.1/oauth/callback",
        ]),
        write: inspector,
        secret: "Put the client secret beside the client ID.",
        needs: Needs::Nothing,
        logo: Shape::Web,
    },
    Host {
        name: "Plain JSON",
        key: "other",
        place: "For hosts that read an .mcp.json",
        callbacks: Callbacks::Unknown,
        write: |access| access.servers("mcpServers", remote),
        secret: "Give the client secret to the host where it asks for it.",
        needs: Needs::Nothing,
        logo: Shape::Service,
    },
];
