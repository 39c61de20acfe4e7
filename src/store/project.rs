//! Projects, their scopes, administrators and introspection credentials.

use crate::{
    clock::Timestamp,
    domain::{
        ids::{CredentialId, ProjectId},
        project::{Members, OfferedScope, Project, Slug},
        resource::{Resource, ResourceKey},
        role::PrincipalName,
        secret::SecretHash,
    },
};

use super::{
    Error, Result, Tx,
    connection_filter::{folded, push_in},
    sql,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: ProjectId,
    slug: Slug,
    name: String,
    resource: String,
    members: Option<String>,
}

/// Who may connect to a project, from what its row `id` holds.
///
/// # Errors
/// [`Error::Corrupt`] when that is no list of names.
pub(super) fn stored_members(json: Option<&str>, id: &ProjectId) -> Result<Members> {
    let Some(json) = json else {
        return Ok(Members::Anyone);
    };
    let corrupt = || Error::Corrupt {
        table: "project",
        column: "members",
        id: id.to_string(),
    };
    let names: Vec<String> = serde_json::from_str(json).map_err(|_| corrupt())?;
    let names = names.iter().map(|name| name.parse::<PrincipalName>());
    let names = names.collect::<std::result::Result<_, _>>();
    names.map(Members::Only).map_err(|_| corrupt())
}

/// The project under this slug, without regard to archived ones.
///
/// # Errors
/// When the database fails.
pub async fn by_slug(tx: &mut Tx, slug: &Slug) -> Result<Option<Project>> {
    const BY_SLUG: &str = "SELECT id, slug, name, resource, members FROM project WHERE slug = $1";
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
    const BY_ID: &str = "SELECT id, slug, name, resource, members FROM project WHERE id = $1";
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
    const BY_RESOURCE: &str =
        "SELECT id, slug, name, resource, members FROM project WHERE resource_key = $1";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(BY_RESOURCE)
        .bind(key.as_str())
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// Every project, by name.
///
/// # Errors
/// When the database fails.
pub async fn all(tx: &mut Tx) -> Result<Vec<Project>> {
    const ALL: &str = "SELECT id, slug, name, resource, members FROM project ORDER BY slug";
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
    let rows: Vec<Row> = sql!(tx, |c| {
        let mut query =
            sqlx::QueryBuilder::new("SELECT id, slug, name, resource, members FROM project");
        if let Some(ids) = ids {
            query.push(" WHERE ");
            push_in(&mut query, "id", ids);
        }
        query.push(" ORDER BY folded, id LIMIT ");
        query.push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    let endpoint = |row: Row| {
        Ok(Endpoint {
            members: stored_members(row.members.as_deref(), &row.id)?,
            id: row.id,
            slug: row.slug,
            name: row.name,
            resource: Resource::from_stored(row.resource),
        })
    };
    rows.into_iter().map(endpoint).collect()
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
    Ok(Some(Project {
        id: row.id,
        slug: row.slug,
        name: row.name,
        resource: Resource::from_stored(row.resource),
        scopes,
        members,
    }))
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
        RETURNING id, slug, name, resource, members";
    let row = sql!(tx, |c| sqlx::query_as::<_, Row>(HOLD)
        .bind(slug)
        .fetch_optional(c)
        .await)?;
    with_scopes(tx, row).await
}

/// Says who may connect to a project.
///
/// # Errors
/// When the database fails.
pub async fn set_members(tx: &mut Tx, id: &ProjectId, members: &Members) -> Result<()> {
    const SET: &str = "UPDATE project SET members = $2 WHERE id = $1";
    let json = match members {
        Members::Anyone => None,
        Members::Only(names) => {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            Some(serde_json::Value::from(names).to_string())
        }
    };
    sql!(tx, |c| sqlx::query(SET)
        .bind(id)
        .bind(json)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes what a project offers.
///
/// # Errors
/// When the database fails.
pub async fn remove_scopes(tx: &mut Tx, id: &ProjectId) -> Result<()> {
    const REMOVE: &str = "DELETE FROM project_scope WHERE project_id = $1";
    sql!(tx, |c| sqlx::query(REMOVE)
        .bind(id)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Adds a project without its scopes. A slug or resource that is taken is a
/// duplicate error.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, project: &Project, now: Timestamp) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO project (id, slug, name, resource, resource_key, created_at, folded)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sql!(tx, |c| sqlx::query(INSERT)
        .bind(&project.id)
        .bind(&project.slug)
        .bind(&project.name)
        .bind(project.resource.as_str())
        .bind(project.resource.key().as_str())
        .bind(now)
        .bind(folded(&[&project.name]))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Moves a project to another address.
///
/// # Errors
/// When the database fails.
pub async fn set_resource(tx: &mut Tx, id: &ProjectId, resource: &Resource) -> Result<()> {
    const SET: &str = "UPDATE project SET resource = $2, resource_key = $3 WHERE id = $1";
    sql!(tx, |c| sqlx::query(SET)
        .bind(id)
        .bind(resource.as_str())
        .bind(resource.key().as_str())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Adds a scope at a position.
///
/// # Errors
/// When the database fails.
pub async fn insert_scope(
    tx: &mut Tx,
    project: &ProjectId,
    position: usize,
    scope: &OfferedScope,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO project_scope (project_id, position, name, description, optional)
        VALUES ($1, $2, $3, $4, $5)";
    sql!(tx, |c| sqlx::query(INSERT)
        .bind(project)
        .bind(position as i64)
        .bind(&scope.name)
        .bind(&scope.description)
        .bind(scope.optional)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Makes someone an administrator; nothing happens when they are one already.
///
/// # Errors
/// When the database fails.
pub async fn insert_administrator(
    tx: &mut Tx,
    project: &ProjectId,
    administrator: &PrincipalName,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO project_administrator (principal, project_id)
        VALUES ($1, $2)
        ON CONFLICT DO NOTHING";
    sql!(tx, |c| sqlx::query(INSERT)
        .bind(administrator.to_string())
        .bind(project)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
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

/// Adds an introspection credential.
///
/// # Errors
/// When the database fails.
pub async fn insert_credential(
    tx: &mut Tx,
    id: &CredentialId,
    project: &ProjectId,
    secret: &SecretHash,
    now: Timestamp,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO project_credential (id, project_id, secret_hash, created_at)
        VALUES ($1, $2, $3, $4)";
    sql!(tx, |c| sqlx::query(INSERT)
        .bind(id)
        .bind(project)
        .bind(secret)
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
