//! People.

use crate::{
    clock::Timestamp,
    domain::{ids::PersonId, role::Identity},
};

use super::{Error, Result, Tx, connection_filter::folded, sql};

/// A person's record.
#[derive(Clone, Debug)]
pub struct Person {
    /// Our id.
    pub id: PersonId,
    /// Who they are, as last seen.
    pub identity: Identity,
    /// When they first allowed or refused a client.
    pub first_seen_at: Timestamp,
    /// When they last did.
    pub last_seen_at: Timestamp,
    /// Set once they were cut off.
    pub deactivated_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: PersonId,
    subject: String,
    email: String,
    name: String,
    groups: Option<String>,
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    deactivated_at: Option<Timestamp>,
}

impl TryFrom<Row> for Person {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let groups = match row.groups {
            None => None,
            Some(json) => Some(serde_json::from_str(&json).map_err(|_| Error::Corrupt {
                table: "people",
                column: "groups",
                id: row.id.to_string(),
            })?),
        };
        Ok(Self {
            id: row.id,
            identity: Identity {
                subject: row.subject,
                email: row.email,
                name: row.name,
                groups,
            },
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            deactivated_at: row.deactivated_at,
        })
    }
}

/// The person with this subject; `None` when they never connected anything.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, subject: &str) -> Result<Option<Person>> {
    const FIND: &str = "
        SELECT id, subject, email, name, groups, first_seen_at, last_seen_at, deactivated_at
        FROM people
        WHERE subject = $1";
    sql!(tx, |c| sqlx::query_as::<_, Row>(FIND)
        .bind(subject)
        .fetch_optional(c)
        .await)?
    .map(Person::try_from)
    .transpose()
}

/// The person with this id.
///
/// # Errors
/// When the database fails.
pub async fn by_id(tx: &mut Tx, id: &PersonId) -> Result<Option<Person>> {
    const BY_ID: &str = "
        SELECT id, subject, email, name, groups, first_seen_at, last_seen_at, deactivated_at
        FROM people
        WHERE id = $1";
    sql!(tx, |c| sqlx::query_as::<_, Row>(BY_ID)
        .bind(id)
        .fetch_optional(c)
        .await)?
    .map(Person::try_from)
    .transpose()
}

/// Everyone with this e-mail, in lower case: several where a lasting id tells
/// people apart.
///
/// # Errors
/// When the database fails.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Vec<PersonId>> {
    // people_by_email
    const BY_EMAIL: &str = "SELECT id FROM people WHERE email = $1 ORDER BY id";
    Ok(sql!(tx, |c| sqlx::query_scalar(BY_EMAIL)
        .bind(email)
        .fetch_all(c)
        .await)?)
}

/// Whether a connection of this person's is sorted by another name or e-mail.
///
/// # Errors
/// When the database fails.
pub async fn is_sorted_otherwise(tx: &mut Tx, identity: &Identity) -> Result<bool> {
    // people (subject), connection_by_person
    const OTHERWISE: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM people
            JOIN connection ON connection.person_id = people.id
            WHERE people.subject = $1 AND connection.person_folded <> $2
        )";
    Ok(sql!(tx, |c| sqlx::query_scalar(OTHERWISE)
        .bind(&identity.subject)
        .bind(sorted_by(identity))
        .fetch_one(c)
        .await)?)
}

/// Gives a person's connections their place in lists sorted by person. It changes several
/// connections, so the caller holds [`super::lock_several`].
///
/// # Errors
/// When the database fails.
pub async fn sort(tx: &mut Tx, id: &PersonId, identity: &Identity) -> Result<()> {
    const SORT: &str = "
        UPDATE connection
        SET person_folded = $2
        WHERE person_id = $1 AND person_folded <> $2";
    sql!(tx, |c| sqlx::query(SORT)
        .bind(id)
        .bind(sorted_by(identity))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

fn sorted_by(identity: &Identity) -> String {
    folded(&[&identity.name, &identity.email])
}

/// Records who was seen, under `id` when they are new, and returns their id. Groups that
/// were known stay so when nothing is said about groups. Waits for, and then holds, the
/// person's row.
///
/// # Errors
/// When the database fails.
pub async fn see(
    tx: &mut Tx,
    id: &PersonId,
    identity: &Identity,
    now: Timestamp,
) -> Result<PersonId> {
    const SEE: &str = "
        INSERT INTO people (id, subject, email, name, groups, first_seen_at, last_seen_at, folded)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
        ON CONFLICT (subject) DO UPDATE
        SET email = excluded.email,
            name = excluded.name,
            groups = COALESCE(excluded.groups, people.groups),
            last_seen_at = excluded.last_seen_at,
            folded = excluded.folded
        RETURNING id";
    let groups = identity.groups.as_deref().map(stored_groups);
    Ok(sql!(tx, |c| sqlx::query_scalar(SEE)
        .bind(id)
        .bind(&identity.subject)
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(groups)
        .bind(now)
        .bind(sorted_by(identity))
        .fetch_one(c)
        .await)?)
}

fn stored_groups(groups: &[String]) -> String {
    serde_json::Value::from(groups).to_string()
}

/// Records what a person is called now, and which groups they are in, if that is said. Returns
/// whether anything else was known before.
///
/// # Errors
/// When the database fails.
pub async fn renew(tx: &mut Tx, id: &PersonId, identity: &Identity) -> Result<bool> {
    const RENEW: &str = "
        UPDATE people
        SET email = $2, name = $3, folded = $4, groups = COALESCE($5, groups)
        WHERE id = $1
          AND (email <> $2 OR name <> $3 OR groups IS DISTINCT FROM COALESCE($5, groups))
        RETURNING id";
    let renewed: Option<PersonId> = sql!(tx, |c| sqlx::query_scalar(RENEW)
        .bind(id)
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(sorted_by(identity))
        .bind(identity.groups.as_deref().map(stored_groups))
        .fetch_optional(c)
        .await)?;
    Ok(renewed.is_some())
}
