//! Projects with what they offer and who administers them.

use crate::{
    clock::Timestamp,
    domain::{
        ids::{ConnectionId, PersonId, ProjectId},
        project::{ManageUrl, Members, OfferedScope, Project, Slug},
        resource::{Resource, ResourceKey},
        role::PrincipalName,
    },
};

use super::{Error, Result, Tx, connection_filter::push_in, sql};

#[derive(sqlx::FromRow)]
struct Row {
    id: ProjectId,
    slug: Slug,
    name: String,
    resource: String,
    members: Option<String>,
    manage_url: Option<ManageUrl>,
    version: i64,
    created_at: Timestamp,
    archived_at: Option<Timestamp>,
}

/// Who may connect to a project, from what its row `id` holds.
///
/// # Errors
/// [`Error::Corrupt`] when that is no list of names.
pub(super) fn stored_members(json: Option<&str>, id: &ProjectId) -> Result<Members> {
    let Some(json) = json else {
        return Ok(Members::Anyone);
    };
    let names: Vec<String> = serde_json::from_str(json).map_err(|_| Error::Corrupt {
        table: "project",
        column: "members",
        id: id.to_string(),
    })?;
    let names = names.into_iter().map(PrincipalName::from_stored);
    Ok(Members::Only(names.collect()))
}

/// The project under this slug.
///
/// # Errors
/// When the database fails.
pub async fn by_slug(tx: &mut Tx, slug: &Slug) -> Result<Option<Project>> {
    const BY_SLUG: &str = "
        SELECT id, slug, name, resource, members, manage_url, version, created_at,
               archived_at
        FROM project
        WHERE slug = $1";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(BY_SLUG)
        .bind(slug)
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// The project with this id.
///
/// # Errors
/// When the database fails.
pub async fn by_id(tx: &mut Tx, id: &ProjectId) -> Result<Option<Project>> {
    const BY_ID: &str = "
        SELECT id, slug, name, resource, members, manage_url, version, created_at,
               archived_at
        FROM project
        WHERE id = $1";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(BY_ID)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// The project that a requested resource names.
///
/// # Errors
/// When the database fails.
pub async fn by_resource(tx: &mut Tx, key: &ResourceKey) -> Result<Option<Project>> {
    const BY_RESOURCE: &str = "
        SELECT id, slug, name, resource, members, manage_url, version, created_at,
               archived_at
        FROM project
        WHERE resource_key = $1";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(BY_RESOURCE)
        .bind(key.as_str())
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// Every project, by slug.
///
/// # Errors
/// When the database fails.
pub async fn all(tx: &mut Tx) -> Result<Vec<Project>> {
    const ALL: &str = "
        SELECT id, slug, name, resource, members, manage_url, version, created_at,
               archived_at
        FROM project
        ORDER BY slug";
    let rows = sql!(tx, |c| sqlx::query_as::<_, Row>(ALL).fetch_all(c).await)?;
    let mut projects = Vec::with_capacity(rows.len());
    for row in rows {
        projects.extend(with_scopes(tx, Some(row)).await?);
    }
    Ok(projects)
}

/// Where a project is, and what it is called.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The project's id.
    pub id: ProjectId,
    /// Its short name.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its MCP server URL.
    pub resource: Resource,
    /// Who may connect.
    pub members: Members,
    /// Whether nothing may connect, because it was archived.
    pub archived: bool,
}

#[derive(sqlx::FromRow)]
struct EndpointRow {
    id: ProjectId,
    slug: Slug,
    name: String,
    resource: String,
    members: Option<String>,
    archived_at: Option<Timestamp>,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = Error;

    fn try_from(row: EndpointRow) -> Result<Self> {
        Ok(Self {
            members: stored_members(row.members.as_deref(), &row.id)?,
            id: row.id,
            slug: row.slug,
            name: row.name,
            resource: Resource::from_stored(row.resource),
            archived: row.archived_at.is_some(),
        })
    }
}

/// Up to `limit` of the projects, by name: those with these ids, or any when `ids` is `None`.
///
/// # Errors
/// When the database fails.
pub async fn endpoints(
    tx: &mut Tx,
    ids: Option<&[ProjectId]>,
    limit: u32,
) -> Result<Vec<Endpoint>> {
    if ids.is_some_and(<[ProjectId]>::is_empty) {
        return Ok(Vec::new());
    }
    let rows: Vec<EndpointRow> = sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(
            "SELECT id, slug, name, resource, members, archived_at FROM project",
        );
        if let Some(ids) = ids {
            query.push(" WHERE ");
            push_in(&mut query, "id", ids);
        }
        query.push(" ORDER BY folded, id LIMIT ");
        query.push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// Up to `limit` of the projects, by name, and those that are archived after all others.
///
/// # Errors
/// When the database fails.
pub async fn open_first(tx: &mut Tx, limit: u32) -> Result<Vec<Endpoint>> {
    const OPEN_FIRST: &str = "
        SELECT id, slug, name, resource, members, archived_at
        FROM project
        ORDER BY archived_at IS NOT NULL, folded, id
        LIMIT $1";
    let rows: Vec<EndpointRow> = sql!(tx, |c| sqlx::query_as(OPEN_FIRST)
        .bind(i64::from(limit))
        .fetch_all(c)
        .await)?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// The id and name of every project, by name.
///
/// # Errors
/// When the database fails.
pub async fn names(tx: &mut Tx) -> Result<Vec<(ProjectId, String)>> {
    const NAMES: &str = "SELECT id, name FROM project ORDER BY folded, id";
    Ok(sql!(tx, |c| sqlx::query_as(NAMES).fetch_all(c).await)?)
}

async fn with_scopes(tx: &mut Tx, row: Option<Row>) -> Result<Option<Project>> {
    const SCOPES: &str = "
        SELECT name, description, optional
        FROM project_scope
        WHERE project_id = $1
        ORDER BY position";
    let Some(row) = row else { return Ok(None) };
    let members = stored_members(row.members.as_deref(), &row.id)?;
    let scopes = sql!(tx, |c| sqlx::query_as::<_, OfferedScope>(SCOPES)
        .bind(&row.id)
        .fetch_all(c)
        .await)?;
    let administrators = administrators(tx, &row.id).await?;
    Ok(Some(Project {
        id: row.id,
        slug: row.slug,
        name: row.name,
        resource: Resource::from_stored(row.resource),
        scopes,
        members,
        administrators,
        manage_url: row.manage_url,
        version: row.version,
        created_at: row.created_at,
        archived_at: row.archived_at,
    }))
}

/// Who administers a project, in the order of their letters' codes, which is not every
/// database's.
async fn administrators(tx: &mut Tx, id: &ProjectId) -> Result<Vec<PrincipalName>> {
    // Index: project_administrator_by_project.
    const ADMINISTRATORS: &str = "
        SELECT principal
        FROM project_administrator
        WHERE project_id = $1";
    let mut names: Vec<String> = sql!(tx, |c| sqlx::query_scalar(ADMINISTRATORS)
        .bind(id)
        .fetch_all(c)
        .await)?;
    names.sort_unstable();
    Ok(names.into_iter().map(PrincipalName::from_stored).collect())
}

/// The project under this slug, whose row is held until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, slug: &Slug) -> Result<Option<Project>> {
    const HOLD: &str = "
        UPDATE project
        SET slug = slug
        WHERE slug = $1
        RETURNING id, slug, name, resource, members, manage_url, version, created_at,
                  archived_at";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(HOLD)
        .bind(slug)
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// Holds a project's row until the transaction ends. Returns whether there is one of this
/// id that is not archived.
///
/// # Errors
/// When the database fails.
pub async fn hold_open(tx: &mut Tx, id: &ProjectId) -> Result<bool> {
    const HOLD: &str = "
        UPDATE project
        SET archived_at = archived_at
        WHERE id = $1 AND archived_at IS NULL
        RETURNING id";
    let held: Option<ProjectId> = sql!(tx, |c| sqlx::query_scalar(HOLD)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    Ok(held.is_some())
}

/// The projects that someone known by any of `principals` administers.
///
/// # Errors
/// When the database fails.
pub async fn administered_by(tx: &mut Tx, principals: &[String]) -> Result<Vec<ProjectId>> {
    // The primary key begins with the principal.
    const ADMINISTERED: &str =
        "SELECT DISTINCT project_id FROM project_administrator WHERE principal IN (";
    Ok(sql!(tx, |c| {
        let mut query = sqlx::QueryBuilder::new(ADMINISTERED);
        let mut list = query.separated(", ");
        for principal in principals {
            list.push_bind(principal);
        }
        query
            .push(") ORDER BY project_id")
            .build_query_scalar()
            .fetch_all(c)
            .await
    })?)
}

/// The connections of a person that are not revoked, to projects that not everyone may
/// connect to, with who may.
///
/// # Errors
/// When the database fails, or a row is broken.
pub async fn limited(tx: &mut Tx, person: &PersonId) -> Result<Vec<(ConnectionId, Members)>> {
    // connection_by_person
    const LIMITED: &str = "
        SELECT connection.id, connection.project_id, project.members
        FROM connection
        JOIN project ON project.id = connection.project_id
        WHERE connection.person_id = $1
          AND connection.revoked_at IS NULL AND project.members IS NOT NULL
        ORDER BY connection.id";
    let rows: Vec<(ConnectionId, ProjectId, String)> = sql!(tx, |c| sqlx::query_as(LIMITED)
        .bind(person)
        .fetch_all(c)
        .await)?;
    rows.into_iter()
        .map(|(id, project, members)| Ok((id, stored_members(Some(&members), &project)?)))
        .collect()
}
