//! What to paste so that every request to an MCP server is asked about here: into the proxy
//! in front of it, or into the server itself. `tests/sdk/test_snippets.py` takes each from
//! the page and runs it.

use askama::Template;
use serde_json::json;

use crate::{
    config::PublicUrl,
    domain::{
        project::{OfferedScope, Project},
        resource::{Resource, WebAddress},
    },
    web::problem::Problem,
};

use super::frame;

/// Where an MCP server behind a proxy is taken to listen; its administrator knows better.
const UPSTREAM: &str = "http://127.0.0.1:8000";

/// Something to paste.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// What reads it.
    pub name: &'static str,
    /// Where it goes, and what else to do.
    pub place: &'static str,
    /// The text.
    pub text: String,
}

/// All there is for one project.
#[derive(Clone, Debug)]
pub struct Snippets {
    /// For the server itself.
    pub servers: Vec<Snippet>,
    /// For a proxy; empty where none can be filled in.
    pub proxies: Vec<Snippet>,
}

/// The snippets of a project, with its own addresses.
///
/// # Errors
/// When one cannot be made.
pub fn of(project: &Project, public: &PublicUrl) -> Result<Snippets, Problem> {
    Ok(Snippets {
        servers: servers(&Asking::of(project, public))?,
        proxies: match Proxied::of(project, public) {
            Some(at) => proxies(&at)?,
            None => Vec::new(),
        },
    })
}

/// What a server that asks by itself is told. All of it is written as Python and
/// JavaScript both write it: as JSON does.
struct Asking {
    name: String,
    resource: String,
    origin: String,
    issuer: String,
    endpoint: String,
    /// Where clients get codes and tokens.
    authorize: String,
    token: String,
    /// The scopes that nobody can untick.
    required: String,
    /// All scopes.
    offered: String,
}

impl Asking {
    fn of(project: &Project, public: &PublicUrl) -> Self {
        let text = |text: &str| json!(text).to_string();
        let address = WebAddress::parse(project.resource.as_str());
        let required = project.scopes.iter().filter(|scope| !scope.optional);
        Self {
            name: text(&project.name),
            resource: text(project.resource.as_str()),
            origin: text(&address.map(|at| at.origin()).unwrap_or_default()),
            issuer: text(&public.issuer()),
            endpoint: text(&public.join("/oauth/introspect")),
            authorize: text(&public.join("/oauth/authorize")),
            token: text(&public.join("/oauth/token")),
            required: list(required),
            offered: list(project.scopes.iter()),
        }
    }
}

fn list<'a>(scopes: impl Iterator<Item = &'a OfferedScope>) -> String {
    let names = scopes.map(|scope| json!(scope.name.as_str()).to_string());
    format!("[{}]", names.collect::<Vec<_>>().join(", "))
}

/// What a proxy is told.
struct Proxied {
    slug: String,
    https: bool,
    host: String,
    port: u16,
    origin: String,
    path: String,
    metadata_path: String,
    upstream: &'static str,
    untether: String,
    untether_https: bool,
}

impl Proxied {
    /// `None` when the address has characters that mean something to one of the proxies.
    fn of(project: &Project, public: &PublicUrl) -> Option<Self> {
        let address = WebAddress::parse(project.resource.as_str()).ok()?;
        let path = match address.path {
            "" => "/",
            path => path,
        };
        let plain = |text: &str, more: &str| {
            let mut characters = text.chars();
            characters.all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if address.query.is_some() || !plain(path, "/-._~") || !plain(address.host, "-.") {
            return None;
        }
        let origin = address.origin();
        Some(Self {
            slug: project.slug.to_string(),
            https: address.is_https(),
            host: address.host.to_ascii_lowercase(),
            port: address
                .port
                .unwrap_or(if address.is_https() { 443 } else { 80 }),
            path: path.to_owned(),
            metadata_path: metadata_path(&project.resource, address.authority),
            upstream: UPSTREAM,
            untether: public.as_str().to_owned(),
            untether_https: public.is_https(),
            origin,
        })
    }
}

fn metadata_path(resource: &Resource, authority: &str) -> String {
    let url = resource.metadata_url();
    let path = url.split_once(authority).map(|(_, path)| path);
    path.unwrap_or_default().to_owned()
}

#[derive(Template)]
#[template(path = "snippets/python_sdk.txt", whitespace = "preserve")]
struct PythonSdk<'a> {
    at: &'a Asking,
}

#[derive(Template)]
#[template(path = "snippets/fastmcp.txt", whitespace = "preserve")]
struct FastMcp<'a> {
    at: &'a Asking,
}

#[derive(Template)]
#[template(path = "snippets/typescript_sdk.txt", whitespace = "preserve")]
struct TypeScriptSdk<'a> {
    at: &'a Asking,
}

fn servers(at: &Asking) -> Result<Vec<Snippet>, Problem> {
    Ok(vec![
        Snippet {
            name: "Python SDK",
            place: "For version 2 of the package mcp: in place of mcp = MCPServer(…). If it then \
                    answers 421, its proxy passes the public name on as Host: start it with \
                    mcp.run(…, transport_security=TransportSecuritySettings(allowed_hosts=[…])), \
                    of mcp.server.transport_security, and that name.",
            text: frame::render(&PythonSdk { at })?,
        },
        Snippet {
            name: "fastmcp",
            place: "For version 4 of the package fastmcp: in place of mcp = FastMCP(…).",
            text: frame::render(&FastMcp { at })?,
        },
        Snippet {
            name: "TypeScript SDK",
            place: "For version 2 of @modelcontextprotocol/server: in a file of its own. Let \
                    your HTTP server answer with protect(request, handler) instead of \
                    handler.fetch(request).",
            text: frame::render(&TypeScriptSdk { at })?,
        },
    ])
}

#[derive(Template)]
#[template(path = "snippets/nginx.txt", whitespace = "preserve")]
struct Nginx<'a> {
    at: &'a Proxied,
}

#[derive(Template)]
#[template(path = "snippets/caddy.txt", whitespace = "preserve")]
struct Caddy<'a> {
    at: &'a Proxied,
}

#[derive(Template)]
#[template(path = "snippets/traefik.txt", whitespace = "preserve")]
struct Traefik<'a> {
    at: &'a Proxied,
}

fn proxies(at: &Proxied) -> Result<Vec<Snippet>, Problem> {
    Ok(vec![
        Snippet {
            name: "nginx",
            place: "In a file of its own in /etc/nginx/conf.d. For a second MCP server on the same \
                    host, put all of its locations but the last into the server that is there.",
            text: frame::render(&Nginx { at })?,
        },
        Snippet {
            name: "Caddy",
            place: "In the Caddyfile. For a second MCP server on the same host, put its first two \
                    handle blocks into the site that is there.",
            text: frame::render(&Caddy { at })?,
        },
        Snippet {
            name: "Traefik",
            place: "In a file that Traefik’s file provider reads; for version 3.7 and later.",
            text: frame::render(&Traefik { at })?,
        },
    ])
}

#[cfg(test)]
mod tests;
