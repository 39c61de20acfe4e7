//! The audit trail as a list: filtered, the newest event first, a page at a time.

use std::collections::HashSet;

use sqlx::{Encode, QueryBuilder, Type};

use crate::{clock::Timestamp, domain::ids::EventId};

use super::{
    Result, Tx,
    audit::{Entry, entries_where},
    engine::{At, Engine, push_in},
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
    /// about. Letters from A to Z in whatever case, others as they are given, all small,
    /// all large, or large where a word begins.
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

impl Place {
    /// Whether the list is read from here against its order.
    const fn is_back(&self) -> bool {
        matches!(self, Self::Before(_))
    }

    /// The order that it is read in, and how a key compares that is not past another one.
    const fn direction(&self) -> (&'static str, &'static str) {
        match self {
            Self::Start | Self::After(_) => ("DESC", ">="),
            Self::Before(_) => ("ASC", "<="),
        }
    }
}

/// How many events are looked at for one part of the list, where not all are wanted: a
/// search for what is nowhere ends, too.
pub const LOOKED_AT: u32 = 100_000;

/// A part of the list.
#[derive(Debug)]
pub struct Part {
    /// The events, the newest first.
    pub entries: Vec<Entry>,
    /// Where the list goes on in the direction that was asked for; `None` at its end.
    pub onward: Option<Key>,
    /// The last of [`LOOKED_AT`] events, if there are fewer than asked for because of them.
    pub looked_to: Option<Timestamp>,
}

/// Up to `limit` events next to `place`.
///
/// # Errors
/// When the database fails.
pub async fn part(tx: &mut Tx, wanted: &Wanted, place: &Place, limit: usize) -> Result<Part> {
    let bound = match wanted.text.is_some() || wanted.kind.is_some() {
        true => bound(tx, wanted, place).await?,
        false => None,
    };
    let mut entries: Vec<Entry> = sql!(tx, |c| {
        // audit_event_by_age
        let mut query = QueryBuilder::new(entries_where!("1 = 1"));
        push_days(&mut query, wanted);
        push_place(&mut query, place);
        if let Some(bound) = &bound {
            push_than(&mut query, place.direction().1, bound);
        }
        push_kind_and_text(&mut query, wanted);
        push_order(&mut query, place);
        query.push_bind(limit as i64 + 1);
        query.build_query_as().fetch_all(c).await
    })?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let onward = match more {
        true => entries.last().map(Key::of),
        false => bound,
    };
    let looked_to = onward.as_ref().filter(|_| !more).map(|key| key.at);
    if place.is_back() {
        entries.reverse();
    }
    Ok(Part {
        entries,
        onward,
        looked_to,
    })
}

/// The last of the [`LOOKED_AT`] events next to `place`, if there are more.
async fn bound(tx: &mut Tx, wanted: &Wanted, place: &Place) -> Result<Option<Key>> {
    let keys: Vec<(Timestamp, EventId)> = sql!(tx, |c| {
        // audit_event_by_age, and nothing else
        let mut query = QueryBuilder::new("SELECT at, id FROM audit_event WHERE 1 = 1");
        push_days(&mut query, wanted);
        push_place(&mut query, place);
        push_order(&mut query, place);
        query.push(format_args!("2 OFFSET {}", LOOKED_AT - 1));
        query.build_query_as().fetch_all(c).await
    })?;
    let more = keys.len() > 1;
    let last = keys.into_iter().next().filter(|_| more);
    Ok(last.map(|(at, id)| Key { at, id }))
}

fn push_days<D: Engine>(query: &mut QueryBuilder<D>, wanted: &Wanted)
where
    for<'q> Timestamp: Encode<'q, D> + Type<D>,
{
    if let Some(from) = wanted.from {
        query.push(" AND at >= ").push_bind(from);
    }
    if let Some(until) = wanted.until {
        query.push(" AND at < ").push_bind(until);
    }
}

fn push_place<D: Engine>(query: &mut QueryBuilder<D>, place: &Place)
where
    for<'q> Timestamp: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    match place {
        Place::Start => {}
        Place::After(key) => push_than(query, "<", key),
        Place::Before(key) => push_than(query, ">", key),
    }
}

fn push_than<D: Engine>(query: &mut QueryBuilder<D>, is: &str, key: &Key)
where
    for<'q> Timestamp: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(format_args!(" AND (at, id) {is} ("));
    query.push_bind(key.at).push(", ");
    query.push_bind(key.id.to_string()).push(")");
}

fn push_order<D: Engine>(query: &mut QueryBuilder<D>, place: &Place) {
    let (direction, _) = place.direction();
    query.push(format_args!(
        " ORDER BY at {direction}, id {direction} LIMIT "
    ));
}

fn push_kind_and_text<D: Engine>(query: &mut QueryBuilder<D>, wanted: &Wanted)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    if let Some(kind) = wanted.kind {
        push_any_of(query, kind.beginnings(), |query, beginning| {
            D::push_stands(query, "action", beginning, At::Beginning);
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
        let spellings = spellings(text);
        push_any_of(query, &columns, |query, column| {
            let lower = format!("LOWER(COALESCE({column}, ''){})", D::BY_BYTES);
            for (n, spelling) in spellings.iter().enumerate() {
                query.push(if n == 0 { "" } else { " OR " });
                D::push_stands(query, &lower, spelling, At::Anywhere);
            }
        });
    }
}

/// How a text may stand in the trail, where letters from A to Z are compared small.
fn spellings(text: &str) -> Vec<String> {
    let small = text.to_lowercase();
    let mut spellings = vec![
        text.to_ascii_lowercase(),
        text.to_uppercase().to_ascii_lowercase(),
        capitalized(&small).to_ascii_lowercase(),
        small,
    ];
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// The text with a large letter where a word begins.
fn capitalized(text: &str) -> String {
    let mut large = String::with_capacity(text.len());
    let mut within = false;
    for letter in text.chars() {
        if letter.is_alphabetic() && !within {
            large.extend(letter.to_uppercase());
        } else {
            large.push(letter);
        }
        within = letter.is_alphabetic();
    }
    large
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
