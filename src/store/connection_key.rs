//! What lists of connections are sorted by, and the places between their rows.

use crate::domain::ids::ConnectionId;

use super::connection_filter::Statuses;

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The connection's name.
    Name,
    /// The client's name.
    Client,
    /// The project's name.
    Project,
    /// When it was authorized.
    Authorized,
    /// The name, then the e-mail, of the person.
    Person,
    /// Active, expired, revoked; the newest authorization first within each.
    Status,
    /// When it was last used.
    LastUsed,
}

/// The order of a list: total and stable, because rows that are equal in the
/// column are ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What to sort by.
    pub column: Column,
    /// The greatest, or latest, first.
    pub descending: bool,
}

impl Order {
    /// The newest authorization first.
    pub const NEWEST: Self = Self {
        column: Column::Authorized,
        descending: true,
    };

    /// In which direction its column is walked from a place.
    pub(super) const fn direction(self, place: &Place) -> &'static str {
        match self.descending == place.looks_back() {
            true => "ASC",
            false => "DESC",
        }
    }
}

impl Column {
    /// Whether it is usually sorted with the latest first.
    pub const fn usually_descends(self) -> bool {
        matches!(self, Self::Authorized | Self::LastUsed)
    }
}

/// Where a row stands in a list of some order: its value there, and its id.
/// As text, `<value>_<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) value: KeyValue,
    pub(super) id: ConnectionId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyValue {
    Text(String),
    Millis(i64),
    /// The status, and when it was authorized.
    Standing(Standing, i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Active,
    Expired,
    Revoked,
}

impl Standing {
    pub(super) const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    const fn digit(self) -> char {
        match self {
            Self::Active => 'a',
            Self::Expired => 'e',
            Self::Revoked => 'r',
        }
    }

    pub(super) const fn among(self, wanted: Statuses) -> Statuses {
        match self {
            Self::Active => Statuses {
                active: wanted.active,
                ..Statuses::NONE
            },
            Self::Expired => Statuses {
                expired: wanted.expired,
                ..Statuses::NONE
            },
            Self::Revoked => Statuses {
                revoked: wanted.revoked,
                ..Statuses::NONE
            },
        }
    }
}

impl Key {
    /// The connection that the row is about.
    pub const fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// The key that a link carries, in a list sorted by `column`; `None` when
    /// it is none.
    pub fn parse(text: &str, column: Column) -> Option<Self> {
        let (value, id) = text.rsplit_once('_')?;
        let id = ConnectionId::parse(id)?;
        let value = match column {
            Column::Authorized | Column::LastUsed => KeyValue::Millis(value.parse().ok()?),
            Column::Status => {
                let standing = Standing::ALL
                    .into_iter()
                    .find(|standing| value.starts_with(standing.digit()))?;
                KeyValue::Standing(standing, value.get(1..)?.parse().ok()?)
            }
            Column::Name | Column::Client | Column::Project | Column::Person => {
                KeyValue::Text(value.to_owned())
            }
        };
        Some(Self { value, id })
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.id;
        match &self.value {
            KeyValue::Text(text) => write!(f, "{text}_{id}"),
            KeyValue::Millis(millis) => write!(f, "{millis}_{id}"),
            KeyValue::Standing(standing, millis) => write!(f, "{}{millis}_{id}", standing.digit()),
        }
    }
}

/// A place between two rows of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The beginning.
    Start,
    /// Right after this row.
    After(Key),
    /// Right before this row.
    Before(Key),
    /// The end.
    End,
}

impl Place {
    pub(super) const fn looks_back(&self) -> bool {
        matches!(self, Self::Before(_) | Self::End)
    }
}
