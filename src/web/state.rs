//! What every handler can reach.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use actix_web::HttpRequest;
use tokio::sync::Semaphore;

use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    domain::{audit::Actor, ids::ProjectId, secret::Secrets},
    flow::{Context, Rules, asked::Asked, introspect::Uses, revoke_matching::Worker},
    outbound::{documents::Documents, probe::Probe},
    store::Db,
    turns::Turns,
};

use super::{identity::IdentitySource, rate_limit::RateLimit};

/// The program's parts, put together by `app`.
#[derive(Clone, Debug)]
pub struct App {
    /// What the administrator decided.
    pub settings: Arc<Settings>,
    /// What follows from it for connections and tokens.
    pub rules: Rules,
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes and hashes secrets.
    pub secrets: Secrets,
    /// Uses of connections that are not in the database yet.
    pub uses: Arc<Uses>,
    /// When servers and proxies last asked about tokens.
    pub asked: Arc<Asked>,
    /// The documents of clients that are known by one.
    pub documents: Arc<Documents>,
    /// How often each address has had a client registered lately.
    pub registrations: Arc<RateLimit>,
    /// What asks the projects' servers when someone checks them.
    pub probe: Arc<Probe>,
    /// Who says who is there.
    pub identities: Arc<IdentitySource>,
    /// The right to make a long export, of which there are few at a time.
    pub exports: Arc<Turns>,
    /// The right to send a file, which is held until it is whole.
    pub uploads: Arc<Turns>,
    /// The right to draw a picture that someone sent, which takes time and memory.
    pub drawings: Arc<Semaphore>,
    /// The project that Untether's own MCP server is.
    pub own_project: ProjectId,
}

impl App {
    /// What a verb needs to know, for a request that acts as `actor`.
    pub fn context(&self, now: Timestamp, actor: Actor, req: &HttpRequest) -> Context<'_> {
        Context {
            now,
            rules: &self.rules,
            secrets: &self.secrets,
            actor,
            address: self.client_address(req).map(|address| address.to_string()),
        }
    }

    /// What goes on with acts on everything that matches, outside of requests.
    pub fn worker(&self) -> Worker<'_> {
        Worker {
            db: &self.db,
            clock: self.clock.as_ref(),
            rules: &self.rules,
            secrets: &self.secrets,
        }
    }

    /// The address a request came from: the peer, or what a trusted proxy says
    /// in the last entry of `X-Forwarded-For`, the one it wrote itself.
    pub fn client_address(&self, req: &HttpRequest) -> Option<IpAddr> {
        let peer = req.peer_addr()?.ip().to_canonical();
        if !self.identities.trusts(peer) {
            return Some(peer);
        }
        let forwarded = req.headers().get_all("x-forwarded-for").last();
        let forwarded = forwarded.and_then(|value| value.to_str().ok());
        let last = forwarded.and_then(|list| list.rsplit(',').next());
        Some(last.and_then(written_address).unwrap_or(peer))
    }
}

/// The address that a proxy wrote, with which some write a port.
fn written_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    text.parse().ok().or_else(with_port)
}
