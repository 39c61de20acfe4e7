//! What to paste into a host so that it uses a client. Each host reads a format of its
//! own; only options that the host documents are used.

use std::collections::BTreeMap;

use crate::{
    config::PublicUrl,
    domain::{
        client::{Client, ClientType, Origin},
        logo::Shape,
        resource::Resource,
    },
    store::project::Endpoint,
};

mod hosts;
mod reach;
mod write;

use hosts::{Callbacks, HOSTS, Host};
use reach::is_internal;
use write::{Entry, url};

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

/// What each known host is to be given so that it reaches these MCP servers as this client, or
/// as one that it makes known by itself.
pub fn of(client: Option<&Client>, endpoints: &[Endpoint], public: &PublicUrl) -> Vec<Setup> {
    let mut addresses = endpoints.iter().map(|endpoint| endpoint.resource.as_str());
    let inside = (addresses.any(is_internal), is_internal(public.as_str()));
    let access = Access {
        client: client.filter(|client| is_given(client)),
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
        let reach = host.needs.warning(inside).map(str::to_owned);
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
    /// What keeps it from working with this MCP server.
    pub reach: Option<&'static str>,
    /// The drawing that says what kind of app it is.
    pub logo: Shape,
}

/// The hosts of which it is known where they ask to be sent back to.
pub fn presets(resource: &Resource, public: &PublicUrl) -> Vec<Preset> {
    let inside = (is_internal(resource.as_str()), is_internal(public.as_str()));
    let preset = |host: &Host| Preset {
        key: host.key,
        name: host.name,
        redirect_uris: host.callbacks.of(resource),
        reach: host.needs.warning(inside),
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

#[cfg(test)]
mod tests;
