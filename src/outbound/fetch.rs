//! One small JSON file from a server that a stranger named, or not at all: the guard
//! against being sent to places that only Untether can reach (§6.5 of the draft on
//! Client ID Metadata Documents).
//!
//! The address is checked where the connection gets it from, in the resolver, so what
//! was checked is what is connected to, however the name resolves a moment later.

use std::{
    error::Error as StdError,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap},
    redirect::Policy,
};
use rustls::pki_types::CertificateDer;

use crate::domain::document::{DocumentUrl, Host};

use super::{address::is_public, tls};

/// The most bytes that are read (§6.6 of the draft).
pub const SIZE_LIMIT: usize = 5 * 1024;

/// How long a server may take, from looking up its name to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a file was not fetched. Each message is a sentence about "it", the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is special-use.
    #[error("it is not on the public internet, and is not among the private hosts allowed here")]
    NotPublic,
    /// No such name, no answer at that port, no acceptable certificate.
    #[error("it could not be reached by https")]
    Unreachable,
    /// It took too long.
    #[error("it did not answer in time")]
    TooSlow,
    /// It sent us elsewhere (§4 of the draft).
    #[error("it answered with a redirect, which is not followed")]
    Redirect,
    /// It did not answer 200.
    #[error("it answered with the status {0} instead of 200")]
    Status(u16),
    /// It answered with more than [`SIZE_LIMIT`].
    #[error("its answer is larger than {} KB", SIZE_LIMIT / 1024)]
    TooLarge,
    /// It answered with something else than JSON.
    #[error("its answer is not JSON by its Content-Type")]
    ContentType,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The body, at most [`SIZE_LIMIT`] bytes.
    pub body: Vec<u8>,
    /// The headers.
    pub headers: HeaderMap,
}

/// Fetches files from public addresses, and from the private hosts that it may.
pub struct Fetcher {
    guard: Arc<Guard>,
    certificates: Vec<CertificateDer<'static>>,
    patience: Duration,
    client: OnceLock<Client>,
}

impl Fetcher {
    /// A fetcher that resolves names with `resolver`, connects to `private_hosts`
    /// wherever they are, and believes these certificate authorities besides the
    /// system's.
    pub fn new(
        resolver: Arc<dyn Resolve>,
        private_hosts: Vec<Host>,
        certificates: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self {
            guard: Arc::new(Guard {
                resolver,
                private_hosts,
            }),
            certificates,
            patience: PATIENCE,
            client: OnceLock::new(),
        }
    }

    /// The same with another time limit.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Fetches a file. Nothing is followed, nothing is cached.
    ///
    /// # Errors
    /// Says what went wrong; see [`FetchError`].
    pub async fn fetch(&self, url: &DocumentUrl) -> Result<Fetched, FetchError> {
        let host = url.host();
        // A host that is an address is never resolved, so no resolver would refuse it.
        if host.address().is_some_and(|ip| !is_public(ip)) && !self.guard.exempts(host.as_str()) {
            return Err(FetchError::NotPublic);
        }
        let failed = |error: reqwest::Error| {
            let root = root_of(&error);
            tracing::info!(server = %host, error = %root, "could not fetch a document");
            match error {
                _ if root.is::<NotPublic>() => FetchError::NotPublic,
                error if error.is_timeout() => FetchError::TooSlow,
                _ => FetchError::Unreachable,
            }
        };
        let request = self.client().map_err(failed)?.get(url.as_str());
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(failed)?;
        check_head(&response)?;
        let headers = response.headers().clone();
        let body = read(response).await.map_err(failed)?;
        Ok(Fetched {
            body: body.ok_or(FetchError::TooLarge)?,
            headers,
        })
    }

    /// Made when first needed: reading the system's certificates takes a while.
    fn client(&self) -> reqwest::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = tls::client(&self.certificates)?
            .user_agent(concat!("Untether/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::clone(&self.guard))
            .https_only(true)
            .redirect(Policy::none())
            // A proxy would connect for us, to an address that we cannot check.
            .no_proxy()
            .referer(false)
            // A kept connection would skip the check of the next one.
            .pool_max_idle_per_host(0)
            .timeout(self.patience)
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn check_head(response: &Response) -> Result<(), FetchError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect);
    }
    if status != StatusCode::OK {
        return Err(FetchError::Status(status.as_u16()));
    }
    if !may_be_json(response.headers()) {
        return Err(FetchError::ContentType);
    }
    let announced = response.content_length().unwrap_or_default();
    if announced > SIZE_LIMIT as u64 {
        return Err(FetchError::TooLarge);
    }
    Ok(())
}

/// JSON by its type, or what servers call a file whose type they do not know: real
/// clients publish documents as `text/plain`.
fn may_be_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = value.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "application/json" | "text/plain" | "application/octet-stream"
    ) || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The body, or `None` when it is larger than allowed; then the rest is not read.
async fn read(mut response: Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > SIZE_LIMIT {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

fn root_of<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<_> = addresses.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A name leads to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to a special-use address")]
struct NotPublic;

/// A resolver that hands out a name's addresses only if all of them are public.
struct Guard {
    resolver: Arc<dyn Resolve>,
    private_hosts: Vec<Host>,
}

impl Guard {
    fn exempts(&self, host: &str) -> bool {
        self.private_hosts
            .iter()
            .any(|private| private.as_str() == host)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempts(name.as_str());
        let resolving = self.resolver.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = resolving.await?.collect();
            if exempt || addresses.iter().all(|address| is_public(address.ip())) {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            } else {
                Err(NotPublic.into())
            }
        })
    }
}
