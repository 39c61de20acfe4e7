//! What people do to the record of a connection: rename it, and delete it once it
//! has been revoked.

use crate::{
    domain::{audit::Action, ids::ConnectionId, role::Reach},
    store::{
        self, Tx,
        connection_list::{self, Listed},
    },
};

use super::{Context, Event, revoke};

/// What came of it.
#[derive(Clone, Debug)]
pub enum Change {
    /// It was done. The connection as it was before.
    Done(Listed),
    /// It was not done, because the connection is not as it was expected to be; this
    /// is how it is.
    Otherwise(Listed),
    /// There is no such connection within reach.
    NotThere,
}

/// Gives a connection the name `name`, if it still has the name `was` and has not been
/// revoked.
///
/// # Errors
/// When the database fails.
pub async fn rename(
    tx: &mut Tx,
    context: &Context<'_>,
    reach: &Reach,
    id: &ConnectionId,
    (was, name): (&str, &str),
) -> store::Result<Change> {
    let Some(row) = find(tx, reach, id).await? else {
        return Ok(Change::NotThere);
    };
    if !store::connection::rename(tx, id, was, name).await? {
        // Read again: on PostgreSQL it may have changed since.
        let row = find(tx, reach, id).await?;
        return Ok(row.map_or(Change::NotThere, Change::Otherwise));
    }
    let mut subject = revoke::subject(&row);
    subject.connection = Some((id.clone(), name.to_owned()));
    let event = Event {
        detail: Some(format!("was {was}")),
        ..context.event(Action::ConnectionRenamed, subject, None)
    };
    store::audit::append(tx, &[event]).await?;
    Ok(Change::Done(row))
}

/// What came of deleting a record.
#[derive(Clone, Debug)]
pub enum Deletion {
    /// It was deleted, by this act or before by the same person: this was its name.
    Done(String),
    /// It was not deleted, because the connection of this name has not been revoked.
    InUse(String),
    /// There is no such connection within reach.
    NotThere,
}

/// Deletes the record of a revoked connection. The audit trail keeps its names, and so
/// tells whoever submits twice what the first one did, and nobody else.
///
/// # Errors
/// When the database fails.
pub async fn delete(
    tx: &mut Tx,
    context: &Context<'_>,
    reach: &Reach,
    id: &ConnectionId,
) -> store::Result<Deletion> {
    let found = find(tx, reach, id).await?;
    if let Some(row) = &found
        && store::connection_end::delete_revoked(tx, id).await?
    {
        let event = context.event(Action::ConnectionDeleted, revoke::subject(row), None);
        store::audit::append(tx, &[event]).await?;
        return Ok(Deletion::Done(row.name.clone()));
    }
    // Read again: on PostgreSQL another submit may have deleted it since.
    if let Some(row) = find(tx, reach, id).await? {
        return Ok(Deletion::InUse(row.name));
    }
    let name = store::audit::deleted_by(tx, &context.actor.to_string(), id).await?;
    Ok(name.map_or(Deletion::NotThere, Deletion::Done))
}

async fn find(tx: &mut Tx, reach: &Reach, id: &ConnectionId) -> store::Result<Option<Listed>> {
    let rows = connection_list::by_ids(tx, reach, std::slice::from_ref(id)).await?;
    Ok(rows.into_iter().next())
}
