//! Single connections. Lists of them are in [`super::connection_list`].

use crate::{
    clock::Timestamp,
    domain::{
        connection::{Connection, Cutoffs, Life, Revocation},
        ids::{ClientId, ConnectionId, PersonId, ProjectId},
        project::Members,
        resource::ResourceKey,
        scope::ScopeSet,
    },
};

use super::{
    Error, Result, Tx,
    client_block::is_blocked,
    connection_bounds,
    connection_count::{self, Change},
    connection_drift,
    connection_filter::folded,
    connection_revocation, execute,
    project::stored_members,
    sql,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: ConnectionId,
    person_id: PersonId,
    client_id: ClientId,
    project_id: ProjectId,
    name: String,
    scopes: String,
    connected_at: Option<Timestamp>,
    #[sqlx(flatten)]
    life: LifeRow,
}

/// The columns of `connection` that its status depends on.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LifeRow {
    authorized_at: Timestamp,
    last_used_at: Timestamp,
    revoked_at: Option<Timestamp>,
    revoked_by: Option<String>,
    revoked_reason: Option<String>,
}

impl LifeRow {
    /// The same, as the domain knows it; `id` names the row if it is broken.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a revoked row does not say who revoked it.
    pub fn life(self, id: &ConnectionId) -> Result<Life> {
        let revoked = match (self.revoked_at, self.revoked_by) {
            (None, _) => None,
            (Some(at), Some(by)) => Some(Revocation {
                at,
                by,
                reason: self.revoked_reason,
            }),
            (Some(_), None) => {
                return Err(Error::Corrupt {
                    table: "connection",
                    column: "revoked_by",
                    id: id.to_string(),
                });
            }
        };
        Ok(Life {
            authorized_at: self.authorized_at,
            last_used_at: self.last_used_at,
            revoked,
        })
    }
}

impl TryFrom<Row> for Connection {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            life: row.life.life(&row.id)?,
            scopes: stored_scopes(&row.scopes, "connection", &row.id)?,
            id: row.id,
            person: row.person_id,
            client: row.client_id,
            project: row.project_id,
            name: row.name,
            connected_at: row.connected_at,
        })
    }
}

/// The scopes that a row of `table` that belongs to connection `id` holds.
///
/// # Errors
/// [`Error::Corrupt`] when they are no scopes.
pub(super) fn stored_scopes(
    text: &str,
    table: &'static str,
    id: &ConnectionId,
) -> Result<ScopeSet> {
    ScopeSet::parse(text).map_err(|_| Error::Corrupt {
        table,
        column: "scopes",
        id: id.to_string(),
    })
}

/// A connection's name as lists sort and search it.
struct SortedName {
    folded: String,
    /// What stands before the last `#`; everything when there is none.
    stem: String,
    /// What stands after it.
    label: String,
}

impl SortedName {
    fn of(name: &str) -> Self {
        let folded = folded(&[name]);
        let (stem, label) = folded.rsplit_once('#').unwrap_or((&folded, ""));
        Self {
            stem: stem.to_owned(),
            label: label.to_owned(),
            folded,
        }
    }

    /// Adds the label to those that searches look at.
    async fn remember(&self, tx: &mut Tx) -> Result<()> {
        const LABEL: &str =
            "INSERT INTO connection_label (text) VALUES ($1) ON CONFLICT DO NOTHING";
        execute!(tx, LABEL, &self.label)?;
        Ok(())
    }
}

/// Adds a connection.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, connection: &Connection) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO connection (id, person_id, client_id, project_id, name, scopes,
                                authorized_at, last_used_at, folded, stem, label,
                                person_folded, client_folded, project_folded)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                (SELECT folded FROM people WHERE id = $2),
                (SELECT folded FROM client WHERE id = $3),
                (SELECT folded FROM project WHERE id = $4))
        RETURNING client_id, project_id, person_id, lapsed, last_used_at";
    let name = SortedName::of(&connection.name);
    name.remember(tx).await?;
    let added = sql!(tx, |c| sqlx::query_as(INSERT)
        .bind(&connection.id)
        .bind(&connection.person)
        .bind(&connection.client)
        .bind(&connection.project)
        .bind(&connection.name)
        .bind(connection.scopes.to_string())
        .bind(connection.life.authorized_at)
        .bind(connection.life.last_used_at)
        .bind(&name.folded)
        .bind(&name.stem)
        .bind(&name.label)
        .fetch_one(c)
        .await)?;
    let life = &connection.life;
    connection_bounds::admit_active(tx, life.last_used_at, life.authorized_at).await?;
    connection_count::add(tx, [&added], |_| Change {
        active: 1,
        ..Change::default()
    })
    .await
}

/// The connection with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &ConnectionId) -> Result<Option<Connection>> {
    const FIND: &str = "
        SELECT id, person_id, client_id, project_id, name, scopes, connected_at,
               authorized_at, last_used_at, revoked_at, revoked_by, revoked_reason
        FROM connection
        WHERE id = $1";
    sql!(tx, |c| sqlx::query_as::<_, Row>(FIND)
        .bind(id)
        .fetch_optional(c)
        .await)?
    .map(Connection::try_from)
    .transpose()
}

/// Waits for, and then holds, a connection's row until the transaction ends,
/// so that what is read here is still true when it is acted upon.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, id: &ConnectionId) -> Result<Option<Connection>> {
    // No index has this column in it: SQLite writes the entries of those that do, even when
    // nothing changes.
    const HOLD: &str = "
        UPDATE connection
        SET revoked_reason = revoked_reason
        WHERE id = $1
        RETURNING id, person_id, client_id, project_id, name, scopes, connected_at,
                  authorized_at, last_used_at, revoked_at, revoked_by, revoked_reason";
    sql!(tx, |c| sqlx::query_as::<_, Row>(HOLD)
        .bind(id)
        .fetch_optional(c)
        .await)?
    .map(Connection::try_from)
    .transpose()
}

/// What else decides whether a connection may have tokens: how those it joins
/// stand.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Parties {
    /// Set once the person was cut off.
    pub person_deactivated_at: Option<Timestamp>,
    /// Set once the client was revoked.
    pub client_revoked_at: Option<Timestamp>,
    /// Whether the client may not connect, for everyone or for this person.
    pub blocked: bool,
    /// Set once the project was archived.
    pub archived_at: Option<Timestamp>,
    resource_key: String,
    project_id: ProjectId,
    members: Option<String>,
}

impl Parties {
    /// The spelling that the project's resource is matched by.
    pub fn resource_key(&self) -> ResourceKey {
        ResourceKey::from_stored(self.resource_key.clone())
    }

    /// Who may connect to the project.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the row is broken.
    pub fn members(&self) -> Result<Members> {
        stored_members(self.members.as_deref(), &self.project_id)
    }
}

/// How the person, client and project of a connection stand.
///
/// # Errors
/// When the database fails.
pub async fn parties(tx: &mut Tx, id: &ConnectionId) -> Result<Parties> {
    const PARTIES: &str = concat!(
        "
        SELECT people.deactivated_at AS person_deactivated_at,
               client.revoked_at AS client_revoked_at,
               ",
        is_blocked!(),
        " AS blocked,
               project.archived_at, project.resource_key, connection.project_id, project.members
        FROM connection
        JOIN people ON people.id = connection.person_id
        JOIN client ON client.id = connection.client_id
        JOIN project ON project.id = connection.project_id
        WHERE connection.id = $1"
    );
    Ok(sql!(tx, |c| sqlx::query_as(PARTIES)
        .bind(id)
        .fetch_one(c)
        .await)?)
}

/// The most recently used connection of a person to a project through a client that
/// works and has been connected.
///
/// # Errors
/// When the database fails.
pub async fn latest_active(
    tx: &mut Tx,
    (person, client, project): (&PersonId, &ClientId, &ProjectId),
    cutoffs: Cutoffs,
) -> Result<Option<Connection>> {
    // connection_by_person finds the few rows of one person.
    const LATEST: &str = "
        SELECT id, person_id, client_id, project_id, name, scopes, connected_at,
               authorized_at, last_used_at, revoked_at, revoked_by, revoked_reason
        FROM connection
        WHERE person_id = $1 AND client_id = $2 AND project_id = $3
          AND revoked_at IS NULL AND connected_at IS NOT NULL
          AND last_used_at > $4 AND authorized_at > $5
        ORDER BY last_used_at DESC, id DESC
        LIMIT 1";
    sql!(tx, |c| sqlx::query_as::<_, Row>(LATEST)
        .bind(person)
        .bind(client)
        .bind(project)
        .bind(cutoffs.used_before)
        .bind(cutoffs.authorized_before)
        .fetch_optional(c)
        .await)?
    .map(Connection::try_from)
    .transpose()
}

/// Gives a connection the scopes that its person consented to then.
///
/// # Errors
/// When the database fails.
pub async fn set_scopes(
    tx: &mut Tx,
    id: &ConnectionId,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Result<()> {
    const SET: &str = "
        UPDATE connection
        SET scopes = $2, authorized_at = $3
        WHERE id = $1
        RETURNING lapsed";
    let lapsed: Option<bool> = sql!(tx, |c| sqlx::query_scalar(SET)
        .bind(id)
        .bind(scopes.to_string())
        .bind(now)
        .fetch_optional(c)
        .await)?;
    connection_drift::revive_lapsed(tx, id, lapsed).await
}

/// Records that tokens were issued for a connection. Nothing is used before it is authorized,
/// not even by a clock that has gone back.
///
/// # Errors
/// When the database fails.
pub async fn touch(tx: &mut Tx, id: &ConnectionId, now: Timestamp) -> Result<()> {
    const TOUCH: &str = "
        UPDATE connection
        SET last_used_at = CASE WHEN authorized_at > $2 THEN authorized_at ELSE $2 END,
            connected_at = COALESCE(connected_at, $2)
        WHERE id = $1
        RETURNING lapsed";
    let lapsed: Option<bool> = sql!(tx, |c| sqlx::query_scalar(TOUCH)
        .bind(id)
        .bind(now)
        .fetch_optional(c)
        .await)?;
    connection_drift::revive_lapsed(tx, id, lapsed).await
}

/// Records the latest uses of many connections; an older use than the one
/// known changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn record_uses(tx: &mut Tx, uses: &[(ConnectionId, Timestamp)]) -> Result<()> {
    sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new("WITH used (id, at) AS (");
        query.push_values(uses, |mut row, (id, at)| {
            row.push_bind(id).push_bind(*at);
        });
        query.push(
            ") UPDATE connection
            SET last_used_at = used.at
            FROM used
            WHERE connection.id = used.id AND connection.last_used_at < used.at",
        );
        query.build().execute(c).await.map(drop)
    })?;
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.clone()).collect();
    connection_revocation::note_uses(tx, &ids).await?;
    connection_count::note_uses(tx, &ids).await
}

/// Gives a connection another name if it still has the name `was` and has not
/// been revoked. Returns whether it did.
///
/// # Errors
/// When the database fails.
pub async fn rename(tx: &mut Tx, id: &ConnectionId, was: &str, name: &str) -> Result<bool> {
    const RENAME: &str = "
        UPDATE connection
        SET name = $3, folded = $4, stem = $5, label = $6
        WHERE id = $1 AND name = $2 AND revoked_at IS NULL
        RETURNING id";
    let sorted = SortedName::of(name);
    sorted.remember(tx).await?;
    let renamed: Option<ConnectionId> = sql!(tx, |c| sqlx::query_scalar(RENAME)
        .bind(id)
        .bind(was)
        .bind(name)
        .bind(&sorted.folded)
        .bind(&sorted.stem)
        .bind(&sorted.label)
        .fetch_optional(c)
        .await)?;
    Ok(renamed.is_some())
}
