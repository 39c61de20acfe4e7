//! Connections as rows.

use crate::{
    clock::Timestamp,
    domain::{client::Origin, connection::Status, ids::ConnectionId, retention},
    store::{
        Tx, client_block,
        connection_filter::Filter,
        connection_list::{self, Listed, Order, Place},
    },
    web::problem::Problem,
};

use super::{
    Desk,
    paging::{Page, at},
};
use crate::console::{
    moment,
    query::View,
    view::{
        StatusView, below_name,
        list::{Columns, ConnectionRow},
    },
};

/// A page of the list view.
pub(super) async fn page(
    tx: &mut Tx,
    desk: &Desk<'_>,
    filter: &Filter,
    order: Order,
    place: &Place,
) -> Result<Page, Problem> {
    let per = desk.query.per;
    let mut rows = connection_list::page(tx, filter, order, place, per + 1).await?;
    let blocked = client_block::covered_among(tx, &rows).await?;
    let sides = at(
        &mut rows,
        per,
        matches!(place, Place::Before(_)),
        *place == Place::Start,
    );
    let link = |place| desk.query.with_view(View::List { order, place });
    Ok(Page {
        columns: columns(desk),
        previous: rows
            .first()
            .filter(|_| sides.previous)
            .map(|row| link(Place::Before(row.key()))),
        next: rows
            .last()
            .filter(|_| sides.next)
            .map(|row| link(Place::After(row.key()))),
        rows: rows
            .into_iter()
            .map(|listed| row(listed, desk, &blocked))
            .collect(),
        groups: Vec::new(),
    })
}

/// The columns of the list view.
pub(super) fn columns(desk: &Desk<'_>) -> Columns {
    Columns {
        tick: desk.may_tick(),
        client: true,
        project: true,
        person: true,
    }
}

/// A connection, not ticked, with whether it is one of those that are `blocked`.
pub(super) fn row(listed: Listed, desk: &Desk<'_>, blocked: &[ConnectionId]) -> ConnectionRow {
    let status = listed.life.status(desk.lifetimes, desk.now);
    let revocable = !matches!(status, Status::Revoked(_))
        && desk.changes.covers(&listed.person, &listed.project);
    ConnectionRow {
        revocable,
        blocked: blocked.contains(&listed.id),
        id: listed.id.to_string(),
        name: listed.name,
        client_id: listed.client.to_string(),
        client: listed.client_name,
        client_note: origin_note(listed.client_origin),
        project: listed.project_name,
        authorized: desk.moment(moment::dated(listed.life.authorized_at)),
        person_note: below_name(&listed.person_name, &listed.person_email),
        person_name: listed.person_name,
        status: brief(&status, desk),
        last_used: listed
            .connected_at
            .map(|_| desk.moment(moment::when(listed.life.last_used_at, desk.now))),
        ticked: false,
    }
}

/// A status, without what follows from the last use.
fn brief(status: &Status, desk: &Desk<'_>) -> StatusView {
    let view = status_view(status, desk.now);
    let is_brief = matches!(status, Status::Active { .. });
    StatusView {
        when: view
            .when
            .filter(|_| !is_brief)
            .map(|when| desk.moment(when)),
        ..view
    }
}

/// What must be known of a client that nobody owns.
pub(super) fn origin_note(origin: Origin) -> Option<&'static str> {
    (origin == Origin::Api).then_some("created by API")
}

/// The status of a connection in words. One that its client has not come for yet is not kept as
/// long as others.
pub(in crate::console) fn standing(status: &Status, row: &Listed, now: Timestamp) -> StatusView {
    let view = status_view(status, now);
    match (status, row.connected_at) {
        (Status::Active { .. }, None) => {
            let until = row.life.authorized_at.plus(retention::NEVER_CONNECTED);
            StatusView {
                when: Some(moment::dated(until)),
                after: ", unless its app connects by then".to_owned(),
                ..view
            }
        }
        _ => view,
    }
}

/// A status in words.
fn status_view(status: &Status, now: Timestamp) -> StatusView {
    let (word, class, before, when, after) = match status {
        Status::Active { until } => {
            let when = moment::dated(*until);
            ("Active", "active", "until ", when, String::new())
        }
        Status::Expired { since } => {
            let when = moment::when(*since, now);
            ("Expired", "expired", "", when, String::new())
        }
        Status::Revoked(revocation) => {
            let when = moment::when(revocation.at, now);
            let after = match &revocation.reason {
                None => format!(" by {}", revocation.by),
                Some(reason) => format!(" by {}: {reason}", revocation.by),
            };
            ("Revoked", "revoked", "", when, after)
        }
    };
    StatusView {
        word,
        class,
        before,
        when: Some(when),
        after,
    }
}
