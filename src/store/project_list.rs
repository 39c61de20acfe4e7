//! The list of projects, and what is known of each from the outside.

use sqlx::{Encode, QueryBuilder, Type};

use crate::{
    clock::Timestamp,
    domain::{
        ids::ProjectId,
        project::Slug,
        role::{PrincipalName, Reach},
    },
};

use super::{
    Result, Tx,
    connection_filter::{Engine, push_in},
    connection_search::push_has,
    sql,
};

/// A row of the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The project's id.
    pub id: ProjectId,
    /// Its short name.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its MCP server URL.
    pub resource: String,
    /// What is known of its server.
    #[sqlx(flatten)]
    pub server: Server,
}

/// How a project's server was last seen.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Server {
    /// When it, or the proxy in front of it, last asked about a token.
    pub asked_at: Option<Timestamp>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// How bad the worst was that was found: `ok`, `warning` or `problem`.
    pub check_level: Option<String>,
    /// What was found, in words.
    pub check_outcome: Option<String>,
}

/// Which projects are wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Only those within it.
    pub reach: &'a Reach,
    /// Only those in whose name, short name or address this stands.
    pub text: Option<&'a str>,
    /// Only those that were archived, or only the others.
    pub archived: bool,
}

/// Where a page of the list begins.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// With the first.
    Start,
    /// After this one.
    After(&'a ProjectId),
    /// It ends before this one.
    Before(&'a ProjectId),
}

/// What [`Server`] is read from, beside the table of projects.
const SERVER: &str = "
    CASE WHEN project.asked_at > COALESCE(credential.used_at, 0) THEN project.asked_at
         ELSE credential.used_at END AS asked_at,
    project.checked_at, project.check_level, project.check_outcome
    FROM project
    LEFT JOIN (
        SELECT project_id, MAX(last_used_at) AS used_at
        FROM project_credential
        GROUP BY project_id
    ) AS credential ON credential.project_id = project.id
    WHERE ";

/// Up to `limit` projects next to `place`, by name.
///
/// # Errors
/// When the database fails.
pub async fn page(
    tx: &mut Tx,
    wanted: &Wanted<'_>,
    place: Place<'_>,
    limit: u32,
) -> Result<Vec<Listed>> {
    let backwards = matches!(place, Place::Before(_));
    let (sign, order) = if backwards {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    let mut rows: Vec<Listed> = sql!(tx, |c| {
        // project_by_name
        let mut query =
            QueryBuilder::new("SELECT project.id, project.slug, project.name, project.resource, ");
        query.push(SERVER);
        push_wanted(&mut query, wanted);
        if let Place::After(id) | Place::Before(id) = place {
            query.push(format_args!(
                " AND (project.folded, project.id) {sign} (SELECT folded, id FROM project WHERE "
            ));
            // A place beside one that is out of reach would tell where that is.
            push_reach(&mut query, wanted.reach);
            query.push(" AND project.id = ").push_bind(id.to_string());
            query.push(")");
        }
        query.push(format_args!(
            " ORDER BY project.folded {order}, project.id {order} LIMIT "
        ));
        query.push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    if backwards {
        rows.reverse();
    }
    Ok(rows)
}

/// How many projects are wanted.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx, wanted: &Wanted<'_>) -> Result<i64> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM project WHERE ");
        push_wanted(&mut query, wanted);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// How a project's server was last seen.
///
/// # Errors
/// When the database fails.
pub async fn server(tx: &mut Tx, id: &ProjectId) -> Result<Option<Server>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(SERVER).push("project.id = ");
        query.push_bind(id.to_string());
        query.build_query_as().fetch_optional(c).await
    })?)
}

/// Pushes that a project is within reach.
fn push_reach<D: Engine>(query: &mut QueryBuilder<D>, reach: &Reach)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    match reach {
        Reach::All => query.push("1 = 1"),
        Reach::Some { projects, .. } if projects.is_empty() => query.push("1 = 0"),
        Reach::Some { projects, .. } => {
            push_in(query, "project.id", projects);
            query
        }
    };
}

fn push_wanted<D: Engine>(query: &mut QueryBuilder<D>, wanted: &Wanted<'_>)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    query.push(match wanted.archived {
        true => "project.archived_at IS NOT NULL",
        false => "project.archived_at IS NULL",
    });
    query.push(" AND ");
    push_reach(query, wanted.reach);
    if let Some(text) = wanted.text {
        for (before, column) in [
            (" AND (", "project.folded"),
            (" OR ", "project.slug"),
            (" OR ", "LOWER(project.resource)"),
        ] {
            query.push(before);
            push_has(query, column, text);
        }
        query.push(")");
    }
}

/// Who administers each of these projects, in alphabetical order.
///
/// # Errors
/// When the database fails.
pub async fn administrators(
    tx: &mut Tx,
    ids: &[ProjectId],
) -> Result<Vec<(ProjectId, PrincipalName)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(ProjectId, String)> = sql!(tx, |c| {
        // project_administrator_by_project
        let mut query =
            QueryBuilder::new("SELECT project_id, principal FROM project_administrator WHERE ");
        push_in(&mut query, "project_id", ids);
        query.push(" ORDER BY project_id, principal");
        query.build_query_as().fetch_all(c).await
    })?;
    let named = |(id, name)| (id, PrincipalName::from_stored(name));
    Ok(rows.into_iter().map(named).collect())
}

/// How many clients each of these projects has: those that have, or had lately, a
/// connection to it, and those that belong to it and have not been revoked.
///
/// # Errors
/// When the database fails.
pub async fn clients(tx: &mut Tx, ids: &[ProjectId]) -> Result<Vec<(ProjectId, i64)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql!(tx, |c| {
        // connection_count_by_project, which has no pair without a connection; client_of_project
        let mut query = QueryBuilder::new(
            "SELECT project_id, CAST(SUM(clients) AS BIGINT) FROM (
                SELECT project_id, COUNT(*) AS clients
                FROM connection_count
                WHERE ",
        );
        push_in(&mut query, "project_id", ids);
        query.push(
            " GROUP BY project_id
                UNION ALL
                SELECT project_id, COUNT(*)
                FROM client
                WHERE revoked_at IS NULL
                  AND NOT EXISTS (
                    SELECT 1
                    FROM connection_count AS kept
                    WHERE kept.client_id = client.id AND kept.project_id = client.project_id
                  )
                  AND ",
        );
        push_in(&mut query, "project_id", ids);
        query.push(" GROUP BY project_id) AS known GROUP BY project_id");
        query.build_query_as().fetch_all(c).await
    })?)
}
