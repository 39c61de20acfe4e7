//! The audit trail as a list: filtered, the newest event first, a page at a time.

use std::collections::HashSet;

use sqlx::{Encode, QueryBuilder, Type};

use crate::{clock::Timestamp, domain::ids::EventId};

use super::{
    Result, Tx,
    audit::{Entry, entries_where},
    engine::{Engine, push_in},
    sql,
};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connections, and everything that matched a filter.
    Connections,
    /// Clients themselves.
    Clients,
    /// Projects themselves, and their credentials.
    Projects,
}

impl Kind {
    /// What the words of its actions begin with.
    const fn beginnings(self) -> &'static [&'static str] {
        match self {
            Self::Connections => &["connection.", "matching."],
            Self::Clients => &["client."],
            Self::Projects => &["project.", "credential."],
        }
    }
}

/// Which events are wanted: those that meet every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those about this.
    pub kind: Option<Kind>,
    /// Those where this stands in the word for what happened, in who did it, from where,
    /// why, in what there is to say besides, or in the name or e-mail of what they are
    /// about. Letters from A to Z in whatever case.
    pub text: Option<String>,
    /// Those from then or later.
    pub from: Option<Timestamp>,
    /// Those from before then.
    pub until: Option<Timestamp>,
}

/// Where an event stands in the list. As text, `<milliseconds>_<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    at: Timestamp,
    id: EventId,
}

impl Key {
    /// Where this event stands.
    pub fn of(entry: &Entry) -> Self {
        Self {
            at: entry.at,
            id: entry.id.clone(),
        }
    }

    /// The key that a link carries; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, id) = text.split_once('_')?;
        Some(Self {
            at: Timestamp::from_millis(millis.parse().ok()?),
            id: EventId::parse(id)?,
        })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.at.millis(), self.id)
    }
}

/// A place between two events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Before the newest.
    #[default]
    Start,
    /// Right after this one: what is older.
    After(Key),
    /// Right before this one: what is newer.
    Before(Key),
}

/// Up to `limit` events next to `place`, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn page(tx: &mut Tx, wanted: &Wanted, place: &Place, limit: usize) -> Result<Vec<Entry>> {
    let (direction, key) = match place {
        Place::Start => ("DESC", None),
        Place::After(key) => ("DESC", Some(("<", key))),
        Place::Before(key) => ("ASC", Some((">", key))),
    };
    let mut entries: Vec<Entry> = sql!(tx, |c| {
        // audit_event_by_age
        let mut query = QueryBuilder::new(entries_where!("1 = 1"));
        push_wanted(&mut query, wanted);
        if let Some((is, key)) = key {
            query.push(format_args!(" AND (at, id) {is} ("));
            query
                .push_bind(key.at)
                .push(", ")
                .push_bind(key.id.to_string());
            query.push(")");
        }
        query.push(format_args!(
            " ORDER BY at {direction}, id {direction} LIMIT "
        ));
        query.push_bind(limit as i64);
        query.build_query_as().fetch_all(c).await
    })?;
    if matches!(place, Place::Before(_)) {
        entries.reverse();
    }
    Ok(entries)
}

fn push_wanted<D: Engine>(query: &mut QueryBuilder<D>, wanted: &Wanted)
where
    for<'q> Timestamp: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if let Some(from) = wanted.from {
        query.push(" AND at >= ").push_bind(from);
    }
    if let Some(until) = wanted.until {
        query.push(" AND at < ").push_bind(until);
    }
    if let Some(kind) = wanted.kind {
        push_any_of(query, kind.beginnings(), |query, beginning| {
            query.push(format_args!("{}(action, '{beginning}') = 1", D::POSITION));
        });
    }
    if let Some(text) = &wanted.text {
        let columns = [
            "action",
            "actor",
            "address",
            "reason",
            "detail",
            "connection_name",
            "client_name",
            "project_name",
            "person_email",
        ];
        let text = text.to_ascii_lowercase();
        push_any_of(query, &columns, |query, column| {
            let (position, bytes) = (D::POSITION, D::BY_BYTES);
            query.push(format_args!(
                "{position}(LOWER(COALESCE({column}, ''){bytes}), "
            ));
            query.push_bind(text.clone()).push(") > 0");
        });
    }
}

/// That one of the alternatives holds.
fn push_any_of<D: Engine>(
    query: &mut QueryBuilder<D>,
    alternatives: &[&str],
    push: impl Fn(&mut QueryBuilder<D>, &str),
) {
    for (n, alternative) in alternatives.iter().enumerate() {
        query.push(if n == 0 { " AND (" } else { " OR " });
        push(query, alternative);
    }
    query.push(")");
}

/// What events name and may be gone by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Connections.
    Connection,
    /// Clients.
    Client,
    /// People.
    Person,
}

/// Those of these ids that are still there.
///
/// # Errors
/// When the database fails.
pub async fn present(tx: &mut Tx, named: Named, ids: &[String]) -> Result<HashSet<String>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<String> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id FROM ");
        query.push(match named {
            Named::Connection => "connection WHERE ",
            Named::Client => "client WHERE ",
            Named::Person => "people WHERE ",
        });
        push_in(&mut query, "id", ids);
        query.build_query_scalar().fetch_all(c).await
    })?;
    Ok(found.into_iter().collect())
}
