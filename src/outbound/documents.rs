//! Client documents as this server knows them: fetched when they are needed, kept as
//! long as their servers allow, within bounds. Only sound documents are kept, never an
//! error (§4.4 of the draft); that a broken server is not asked without end is left to
//! the limit for each host. What people decided is in the database, not here.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use reqwest::header::{self, HeaderMap};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    clock::Timestamp,
    domain::{
        document::{ClientDocument, DocumentError, DocumentUrl, Host},
        scheme::PrivateSchemes,
    },
    turns::{Turn, Turns},
};

use super::fetch::{FetchError, Fetcher};

/// A document is kept at least for this long, whatever its server says.
pub const LEAST_FRESH: Duration = Duration::from_secs(60);

/// A document is kept at most for this long.
pub const MOST_FRESH: Duration = Duration::from_secs(24 * 3600);

/// For how long, when its server says nothing.
const USUALLY_FRESH: Duration = Duration::from_secs(5 * 60);

/// The most documents that are kept, and hosts that are counted.
const KEPT_LIMIT: usize = 1000;

/// The most fetches from one host in [`WINDOW`].
pub const FETCH_LIMIT: u32 = 20;

/// The time in which fetches are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The most fetches at the same time, and the most for one person: slow servers do not keep
/// everybody waiting.
const PLACES: [usize; 2] = [64, 4];

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its server did not hand it out.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is not acceptable.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Its server was asked too often in the last minute.
    #[error("it was asked too often in the last minute")]
    TooOften,
    /// Too many are being fetched, for this person or in all.
    #[error("too many such files are being fetched at the moment")]
    Busy,
}

/// The documents.
pub struct Documents {
    fetcher: Fetcher,
    private: PrivateSchemes,
    places: Arc<Turns>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<DocumentUrl, Kept>,
    /// Fetches that someone waits for; others who want the same wait with them.
    flights: HashMap<DocumentUrl, WeakShared<Flight>>,
    hosts: HashMap<Host, Window>,
}

type Answer = Result<Arc<ClientDocument>, Error>;
type Flight = BoxFuture<'static, Answer>;

struct Kept {
    document: Arc<ClientDocument>,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

struct Window {
    since: Timestamp,
    fetches: u32,
}

impl Documents {
    /// No documents yet; those to come may have redirect URIs with `private` schemes.
    pub fn new(fetcher: Fetcher, private: PrivateSchemes) -> Self {
        let [all, each] = PLACES;
        Self {
            fetcher,
            private,
            places: Turns::new(all, each),
            state: Mutex::default(),
        }
    }

    /// The document at an address. When there is a reason to `doubt` that it is still
    /// the same, one that is older than [`LEAST_FRESH`] is fetched again. Where its host was
    /// asked too often, for whatever documents, or too many are being fetched, the last one goes
    /// on for up to a day. `person` is the subject of whoever it is fetched for.
    ///
    /// # Errors
    /// Says why there is none; see [`Error`].
    pub async fn get(
        self: &Arc<Self>,
        url: &DocumentUrl,
        person: &str,
        now: Timestamp,
        doubt: bool,
    ) -> Answer {
        let flight = {
            let mut state = self.state();
            if let Some(document) = state.usable(url, now, doubt) {
                return Ok(document);
            }
            match state.flights.get(url).and_then(WeakShared::upgrade) {
                Some(flight) => flight,
                None => match self.depart(&mut state, url, person, now) {
                    Ok(flight) => flight,
                    Err(error) => return state.last(url, now).ok_or(error),
                },
            }
        };
        flight.await
    }

    /// Starts a fetch. It goes on while somebody waits for it.
    fn depart(
        self: &Arc<Self>,
        state: &mut State,
        url: &DocumentUrl,
        person: &str,
        now: Timestamp,
    ) -> Result<Shared<Flight>, Error> {
        let place = self.places.take(person).map_err(|_| Error::Busy)?;
        state.count_fetch(url.host(), now)?;
        let (documents, address) = (Arc::clone(self), url.clone());
        let flight = async move { documents.fetch(&address, place, now).await };
        let flight = flight.boxed().shared();
        state.flights.retain(|_, flight| flight.upgrade().is_some());
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(url.clone(), weak);
        }
        Ok(flight)
    }

    async fn fetch(&self, url: &DocumentUrl, _place: Turn, now: Timestamp) -> Answer {
        let fetched = self.fetcher.fetch(url).await?;
        let document = Arc::new(ClientDocument::parse(url, &fetched.body, &self.private)?);
        let kept = Kept {
            document: Arc::clone(&document),
            fetched_at: now,
            fresh_until: now.plus(freshness(&fetched.headers, now)),
        };
        self.state().keep(url, kept, now);
        Ok(document)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").finish_non_exhaustive()
    }
}

impl State {
    fn usable(
        &self,
        url: &DocumentUrl,
        now: Timestamp,
        doubt: bool,
    ) -> Option<Arc<ClientDocument>> {
        let kept = self.kept.get(url)?;
        let fresh = now < kept.fresh_until;
        let believed = !doubt || now.since(kept.fetched_at) < LEAST_FRESH;
        (fresh && believed).then(|| Arc::clone(&kept.document))
    }

    /// The last document that was fetched from an address, if that is not too long ago.
    fn last(&self, url: &DocumentUrl, now: Timestamp) -> Option<Arc<ClientDocument>> {
        let kept = self.kept.get(url)?;
        (now.apart(kept.fetched_at) < MOST_FRESH).then(|| Arc::clone(&kept.document))
    }

    fn keep(&mut self, url: &DocumentUrl, kept: Kept, now: Timestamp) {
        let is_over = |kept: &Kept| kept.fresh_until <= now;
        make_room(&mut self.kept, is_over, |kept| kept.fresh_until);
        self.kept.insert(url.clone(), kept);
    }

    fn count_fetch(&mut self, host: Host, now: Timestamp) -> Result<(), Error> {
        let is_over = |window: &Window| now.apart(window.since) >= WINDOW;
        make_room(&mut self.hosts, is_over, |window| window.since);
        let new = || Window {
            since: now,
            fetches: 0,
        };
        let window = self.hosts.entry(host).or_insert_with(new);
        if is_over(window) {
            *window = new();
        }
        if window.fetches >= FETCH_LIMIT {
            return Err(Error::TooOften);
        }
        window.fetches += 1;
        Ok(())
    }
}

/// Leaves room for one more: drops what is over, and if need be what is oldest.
fn make_room<K: Clone + Eq + Hash, V>(
    map: &mut HashMap<K, V>,
    is_over: impl Fn(&V) -> bool,
    age: impl Fn(&V) -> Timestamp,
) {
    if map.len() < KEPT_LIMIT {
        return;
    }
    map.retain(|_, value| !is_over(value));
    let oldest = map.iter().min_by_key(|(_, value)| age(value));
    let oldest = oldest.map(|(key, _)| key.clone());
    if let Some(oldest) = oldest.filter(|_| map.len() >= KEPT_LIMIT) {
        map.remove(&oldest);
    }
}

/// For how long a document may be used without asking again, by its headers
/// (RFC 9111 §4.2.1) and our bounds.
pub fn freshness(headers: &HeaderMap, now: Timestamp) -> Duration {
    let said = said_freshness(headers, now);
    said.unwrap_or(USUALLY_FRESH).clamp(LEAST_FRESH, MOST_FRESH)
}

fn said_freshness(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let directives: Vec<String> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives
        .iter()
        .any(|name| name == "no-store" || name.starts_with("no-cache"))
    {
        return Some(Duration::ZERO);
    }
    let seconds = |name: &str| {
        let value = directives
            .iter()
            .find_map(|directive| directive.strip_prefix(name))?;
        value
            .trim_matches('"')
            .parse()
            .ok()
            .map(Duration::from_secs)
    };
    // The copy serves everybody here, so it is a shared one (RFC 9111 §5.2.2.10).
    if let Some(age) = seconds("s-maxage=").or_else(|| seconds("max-age=")) {
        let passed = text_of(headers, header::AGE).and_then(|age| age.trim().parse().ok());
        return Some(age.saturating_sub(Duration::from_secs(passed.unwrap_or(0))));
    }
    let expires = text_of(headers, header::EXPIRES)?;
    let sent_at = text_of(headers, header::DATE)
        .and_then(date)
        .unwrap_or_else(|| now.to_utc());
    // What is no date means the past (RFC 9111 §5.3).
    let left = date(expires).map(|expires| expires - sent_at);
    Some(
        left.and_then(|left| left.try_into().ok())
            .unwrap_or_default(),
    )
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

#[cfg(test)]
mod tests;
