//! Questions to a server of the organization, as a client would ask them: how does it
//! answer who has no token, and what does it publish?
//!
//! Such a server may be on a private address, so the guard is not the one of strangers'
//! documents. Whoever may have it asked is limited instead: to the one origin that is
//! registered, which has a certificate for its name or is this machine by name; without
//! following anything; in little time, with little to read and few at a time.

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, Method, RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap},
    redirect::Policy,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::resource::WebAddress;

use super::{address::is_somewhere, fetch::SystemResolver, tls};

/// The most bytes of an answer that are read.
pub const SIZE_LIMIT: usize = 64 * 1024;

/// How long an answer may take, from looking up the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many checks may go on at the same time.
const TURNS: usize = 3;

/// Why there is no answer. Each message is a sentence about "it", the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The address is on another origin than the one that may be asked.
    #[error("it is on another server")]
    Elsewhere,
    /// The name leads to where no server is.
    #[error("its name leads to an address that is not asked (link-local, multicast or reserved)")]
    Nowhere,
    /// The name leads nowhere.
    #[error("its name cannot be looked up from here")]
    NoName,
    /// Nobody answers at that port.
    #[error("it cannot be connected to from here")]
    Unreachable,
    /// The certificate is not for that name, or nobody known vouches for it.
    #[error("its certificate is not accepted")]
    Certificate,
    /// It took too long.
    #[error("it did not answer within {} seconds", PATIENCE.as_secs())]
    TooSlow,
    /// It answered with more than [`SIZE_LIMIT`].
    #[error("its answer is larger than {} KB", SIZE_LIMIT / 1024)]
    TooLarge,
    /// It broke off, or does not speak HTTP.
    #[error("its answer did not arrive whole")]
    Broken,
}

/// Asks servers of the organization.
#[derive(Debug)]
pub struct Probe {
    certificates: Vec<CertificateDer<'static>>,
    patience: Duration,
    client: OnceLock<Client>,
    turns: Semaphore,
}

impl Probe {
    /// A probe that believes these certificate authorities besides the system's.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            certificates,
            patience: PATIENCE,
            client: OnceLock::new(),
            turns: Semaphore::new(TURNS),
        }
    }

    /// The same with another time limit.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The right to check something, while it is held; `None` when others have it.
    pub fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }

    /// The server at an address, and at no other.
    pub fn at(&self, address: &WebAddress<'_>) -> Site<'_> {
        let host = address.host.trim_matches(['[', ']']);
        Site {
            probe: self,
            origin: address.origin(),
            literal: host.parse().ok(),
        }
    }

    /// Made when first needed: reading the system's certificates takes a while.
    fn client(&self) -> reqwest::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = tls::client(&self.certificates)?
            .user_agent(concat!("Untether-Check/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Somewhere))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .timeout(self.patience)
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// One server that may be asked.
#[derive(Debug)]
pub struct Site<'a> {
    probe: &'a Probe,
    origin: String,
    /// The host, when it is no name: then no resolver would refuse it.
    literal: Option<IpAddr>,
}

impl Site<'_> {
    /// The origin, as browsers write it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an address is on this server.
    pub fn has(&self, url: &str) -> bool {
        WebAddress::parse(url).is_ok_and(|address| address.origin() == self.origin)
    }

    /// Gets what is at an address, with another header if need be.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &str, header: Option<(&str, &str)>) -> Result<Answer, Silence> {
        let request = self.request(Method::GET, url)?;
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        send(request.header(header::ACCEPT, "application/json")).await
    }

    /// Posts a body to an address.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, url: &str, kind: &str, body: String) -> Result<Answer, Silence> {
        let request = self.request(Method::POST, url)?;
        let request = request.header(header::CONTENT_TYPE, kind).body(body);
        let accepted = "application/json, text/event-stream";
        send(request.header(header::ACCEPT, accepted)).await
    }

    fn request(&self, method: Method, url: &str) -> Result<RequestBuilder, Silence> {
        if !self.has(url) {
            return Err(Silence::Elsewhere);
        }
        if self.literal.is_some_and(|address| !is_somewhere(address)) {
            return Err(Silence::Nowhere);
        }
        let client = self.probe.client().map_err(|error| silence(&error))?;
        Ok(client.request(method, url))
    }
}

async fn send(request: RequestBuilder) -> Result<Answer, Silence> {
    let response = request.send().await.map_err(|error| silence(&error))?;
    Ok(Answer { response })
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    response: Response,
}

impl Answer {
    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The only or first value of a header, as far as it is text.
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// What the body is said to be, without parameters and in lower case.
    pub fn kind(&self) -> String {
        let kind = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }

    /// Reads the body.
    ///
    /// # Errors
    /// When it is too large or breaks off.
    pub async fn body(mut self) -> Result<Vec<u8>, Silence> {
        let mut body = Vec::new();
        while let Some(chunk) = self.response.chunk().await.map_err(|e| silence(&e))? {
            body.extend_from_slice(&chunk);
            if body.len() > SIZE_LIMIT {
                return Err(Silence::TooLarge);
            }
        }
        Ok(body)
    }
}

fn silence(error: &reqwest::Error) -> Silence {
    if let Some(found) = chain(error).find_map(|error| error.downcast_ref::<Silence>()) {
        *found
    } else if error.is_timeout() {
        Silence::TooSlow
    } else if chain(error).any(is_about_certificate) {
        Silence::Certificate
    } else if error.is_connect() {
        Silence::Unreachable
    } else {
        Silence::Broken
    }
}

/// The error and what caused it.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // A reference to an error is an error too, one that lives shorter.
    std::iter::successors(Some(error), |error| StdError::source(*error))
}

/// An I/O error hides what it wraps from the chain of sources, and may wrap another one.
fn is_about_certificate(error: &(dyn StdError + 'static)) -> bool {
    match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
        Some(wrapped) => wrapped.is_some_and(|wrapped| is_about_certificate(wrapped)),
        None => matches!(
            error.downcast_ref::<rustls::Error>(),
            Some(rustls::Error::InvalidCertificate(_))
        ),
    }
}

/// The system's resolver, as far as its answers can be servers.
struct Somewhere;

impl Resolve for Somewhere {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving = SystemResolver.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> =
                resolving.await.map_err(|_| Silence::NoName)?.collect();
            match addresses.iter().all(|address| is_somewhere(address.ip())) {
                true => Ok(Box::new(addresses.into_iter()) as Addrs),
                false => Err(Silence::Nowhere.into()),
            }
        })
    }
}
