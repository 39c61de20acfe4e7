//! What groups of connections are sorted by, and the places between them.

use sqlx::{Encode, QueryBuilder, Type};

use super::connection_filter::Engine;

/// What groups are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// The group's name.
    Name,
    /// The first name of the projects that its wanted connections lead to.
    Project,
    /// How many of its connections are wanted.
    Connections,
    /// When the latest of them was used; those never used come last when
    /// descending.
    LastUsed,
}

/// The order of groups: total and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// What to sort by.
    pub column: GroupColumn,
    /// The greatest, or latest, first.
    pub descending: bool,
}

impl GroupColumn {
    /// Whether it is usually sorted with the greatest first.
    pub const fn usually_descends(self) -> bool {
        matches!(self, Self::Connections | Self::LastUsed)
    }
}

impl GroupOrder {
    /// The most recently used first.
    pub const RECENT: Self = Self {
        column: GroupColumn::LastUsed,
        descending: true,
    };
}

/// Where a group stands in an order. As text, `<value>_<id>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub(super) value: GroupValue,
    pub(super) id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GroupValue {
    Text(String),
    Number(i64),
}

impl GroupKey {
    /// The key that a link carries, among groups sorted by `column`; `None`
    /// when it is none.
    pub fn parse(text: &str, column: GroupColumn) -> Option<Self> {
        let (value, id) = text.rsplit_once('_')?;
        let id = uuid::Uuid::try_parse(id).ok()?.hyphenated().to_string();
        let value = match column {
            GroupColumn::Name | GroupColumn::Project => GroupValue::Text(value.to_owned()),
            GroupColumn::Connections | GroupColumn::LastUsed => {
                GroupValue::Number(value.parse().ok()?)
            }
        };
        Some(Self { value, id })
    }
}

impl std::fmt::Display for GroupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            GroupValue::Text(text) => write!(f, "{text}_{}", self.id),
            GroupValue::Number(number) => write!(f, "{number}_{}", self.id),
        }
    }
}

/// A place between two groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupPlace {
    /// The beginning.
    Start,
    /// Right after this group.
    After(GroupKey),
    /// Right before this group.
    Before(GroupKey),
}

/// Sorts before every moment.
pub(super) const NEVER: i64 = -1;

impl GroupColumn {
    /// The column that the groups are sorted by.
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Name => "folded",
            Self::Project => "first_project",
            Self::Connections => "wanted",
            Self::LastUsed => "last_used_at",
        }
    }
}

impl GroupKey {
    /// Whether a group without a wanted connection stands there, in an order by anything
    /// but names.
    pub(super) fn is_of_empty(&self) -> bool {
        match &self.value {
            GroupValue::Number(number) => matches!(*number, 0 | NEVER),
            GroupValue::Text(text) => text.is_empty(),
        }
    }
}

/// Which of the groups, where clients of which nothing is wanted are groups too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// Those with a wanted connection.
    Wanted,
    /// The others.
    Empty,
}

/// Which groups of all are wanted, and in what order.
#[derive(Clone, Copy)]
pub(super) struct Near<'a> {
    pub order: GroupOrder,
    pub place: &'a GroupPlace,
    pub limit: u32,
    pub backwards: bool,
}

/// Pushes what is wanted of groups: those beyond the place, in the order, up to the limit.
pub(super) fn push_near<D: Engine>(query: &mut QueryBuilder<D>, part: Part, near: Near<'_>)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let column = near.order.column.sql();
    let (after, direction) = match near.order.descending == near.backwards {
        true => (">", "ASC"),
        false => ("<", "DESC"),
    };
    match near.place {
        GroupPlace::Start => {}
        GroupPlace::After(key) | GroupPlace::Before(key) if part == Part::Empty => {
            query.push(format_args!(" AND id {after} "));
            query.push_bind(key.id.clone());
        }
        GroupPlace::After(key) | GroupPlace::Before(key) => push_beside(query, column, after, key),
    }
    query.push(" ORDER BY ");
    if part != Part::Empty {
        query.push(format_args!("{column} {direction}, "));
    }
    query.push(format_args!("id {direction} LIMIT "));
    query.push_bind(i64::from(near.limit));
}

/// Pushes that something stands beyond a place in the order of groups by this column, and the
/// order.
pub(super) fn push_beyond<D: Engine>(
    query: &mut QueryBuilder<D>,
    column: &str,
    order: GroupOrder,
    place: Option<&GroupKey>,
) where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let (after, direction) = match order.descending {
        true => ("<", "DESC"),
        false => (">", "ASC"),
    };
    if let Some(key) = place {
        push_beside(query, column, after, key);
    }
    query.push(format_args!(
        " ORDER BY {column} {direction}, id {direction}"
    ));
}

fn push_beside<D: Engine>(query: &mut QueryBuilder<D>, column: &str, after: &str, key: &GroupKey)
where
    for<'q> i64: Encode<'q, D> + Type<D>,
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(format_args!(" AND ({column}, id) {after} ("));
    match &key.value {
        GroupValue::Text(text) => query.push_bind(text.clone()),
        GroupValue::Number(number) => query.push_bind(*number),
    };
    query.push(", ").push_bind(key.id.clone()).push(")");
}
