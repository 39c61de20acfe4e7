//! What the rows of an export say.

use crate::{
    clock::Timestamp,
    domain::{
        connection::{Lifetimes, Status},
        role::Reach,
    },
    store::{
        self, Tx,
        audit::Entry,
        audit_list::{self, Wanted},
        connection_filter::Filter,
        connection_list::{self, Listed, Order, Place},
    },
    web::table::Row,
};

use super::super::{
    moment,
    query::{ListQuery, STATUS_WORDS, View},
};

/// How many rows are read at a time.
pub const BATCH: usize = 500;

/// Where rows come from, a batch at a time.
pub trait Source<const N: usize> {
    /// What the columns are called.
    const COLUMNS: &'static [&'static str; N];

    /// Up to [`BATCH`] rows, and whether they are the last.
    fn next(&mut self, tx: &mut Tx) -> impl Future<Output = store::Result<(Vec<Row<N>>, bool)>>;
}

/// The connections of a list, all pages of it, in its order.
#[derive(Clone, Debug)]
pub struct Connections {
    filter: Filter,
    order: Order,
    place: Place,
    lifetimes: Lifetimes,
    now: Timestamp,
}

impl Connections {
    /// What the query asks for, within `reach`. Connections under groups come
    /// the newest first.
    pub fn new(query: &ListQuery, reach: Reach, lifetimes: Lifetimes, now: Timestamp) -> Self {
        let order = match &query.view {
            View::List { order, .. } => *order,
            View::Groups { .. } => Order::NEWEST,
        };
        Self {
            filter: query.filter(reach, lifetimes.cutoffs(now), now),
            order,
            place: Place::Start,
            lifetimes,
            now,
        }
    }

    fn row(&self, row: Listed) -> Row<17> {
        let [active, expired, revoked] = STATUS_WORDS;
        let (status, expires_at, revocation) = match row.life.status(&self.lifetimes, self.now) {
            Status::Active { until } => (active, Some(until), None),
            Status::Expired { since } => (expired, Some(since), None),
            Status::Revoked(revocation) => (revoked, None, Some(revocation)),
        };
        let used = row.connected_at.map(|_| row.life.last_used_at);
        let revoked_at = revocation.as_ref().map(|revocation| revocation.at);
        let (by, reason) = match revocation {
            Some(revocation) => (Some(revocation.by), revocation.reason),
            None => (None, None),
        };
        [
            Some(row.id.to_string()),
            Some(row.name),
            Some(status.to_owned()),
            Some(row.client.to_string()),
            Some(row.client_name),
            Some(row.client_origin.as_str().to_owned()),
            Some(row.project.to_string()),
            Some(row.project_name),
            Some(row.person.to_string()),
            Some(row.person_name),
            Some(row.person_email),
            Some(moment::rfc_3339(row.life.authorized_at)),
            used.map(moment::rfc_3339),
            expires_at.map(moment::rfc_3339),
            revoked_at.map(moment::rfc_3339),
            by,
            reason,
        ]
    }
}

impl Source<17> for Connections {
    const COLUMNS: &'static [&'static str; 17] = &[
        "id",
        "name",
        "status",
        "client_id",
        "client_name",
        "client_origin",
        "project_id",
        "project_name",
        "person_id",
        "person_name",
        "person_email",
        "authorized_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "revoked_by",
        "revoked_reason",
    ];

    async fn next(&mut self, tx: &mut Tx) -> store::Result<(Vec<Row<17>>, bool)> {
        let (filter, place) = (&self.filter, &self.place);
        let rows = connection_list::page(tx, filter, self.order, place, BATCH as u32).await?;
        if let Some(last) = rows.last() {
            self.place = Place::After(last.key());
        }
        let last = rows.len() < BATCH;
        Ok((rows.into_iter().map(|row| self.row(row)).collect(), last))
    }
}

/// The audit trail, the newest event first.
#[derive(Clone, Debug, Default)]
pub struct AuditTrail {
    wanted: Wanted,
    place: audit_list::Place,
}

impl AuditTrail {
    /// Those of the events that are wanted.
    pub const fn of(wanted: Wanted) -> Self {
        Self {
            wanted,
            place: audit_list::Place::Start,
        }
    }
}

impl Source<15> for AuditTrail {
    const COLUMNS: &'static [&'static str; 15] = &[
        "id",
        "at",
        "action",
        "actor",
        "address",
        "reason",
        "detail",
        "connection_id",
        "connection_name",
        "client_id",
        "client_name",
        "project_id",
        "project_name",
        "person_id",
        "person_email",
    ];

    async fn next(&mut self, tx: &mut Tx) -> store::Result<(Vec<Row<15>>, bool)> {
        let part = audit_list::part(tx, &self.wanted, &self.place, BATCH).await?;
        let last = part.onward.is_none();
        if let Some(key) = part.onward {
            self.place = audit_list::Place::After(key);
        }
        Ok((part.entries.into_iter().map(event).collect(), last))
    }
}

fn event(entry: Entry) -> Row<15> {
    [
        Some(entry.id.to_string()),
        Some(moment::rfc_3339(entry.at)),
        Some(entry.action),
        Some(entry.actor),
        entry.address,
        entry.reason,
        entry.detail,
        entry.connection_id,
        entry.connection_name,
        entry.client_id,
        entry.client_name,
        entry.project_id,
        entry.project_name,
        entry.person_id,
        entry.person_email,
    ]
}
