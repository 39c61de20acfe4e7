//! The audit trail.

use crate::domain::audit::Event;

use super::{Result, Tx, sql};

/// Adds events to the trail, in the transaction of the change they tell of.
///
/// # Errors
/// When the database fails.
pub async fn append(tx: &mut Tx, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(
            "INSERT INTO audit_event (id, at, action, actor, address, reason, detail,
                connection_id, connection_name, client_id, client_name,
                project_id, project_name, person_id, person_email) ",
        );
        query.push_values(events, |mut row, event| {
            let subject = &event.subject;
            row.push_bind(&event.id)
                .push_bind(event.at)
                .push_bind(event.action.as_str())
                .push_bind(event.actor.to_string())
                .push_bind(&event.address)
                .push_bind(&event.reason)
                .push_bind(&event.detail)
                .push_bind(subject.connection.as_ref().map(|(id, _)| id))
                .push_bind(subject.connection.as_ref().map(|(_, name)| name))
                .push_bind(subject.client.as_ref().map(|(id, _)| id))
                .push_bind(subject.client.as_ref().map(|(_, name)| name))
                .push_bind(subject.project.as_ref().map(|(id, _)| id))
                .push_bind(subject.project.as_ref().map(|(_, name)| name))
                .push_bind(subject.person.as_ref().map(|(id, _)| id))
                .push_bind(subject.person.as_ref().map(|(_, email)| email));
        });
        query.build().execute(c).await.map(drop)
    })?;
    Ok(())
}
