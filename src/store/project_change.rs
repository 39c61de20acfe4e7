//! Changes of projects. Each is a part of what a verb does while it holds the project's row.

use crate::{
    clock::Timestamp,
    domain::{
        ids::ProjectId,
        project::{Members, OfferedScope, Project},
        resource::Resource,
        role::PrincipalName,
    },
};

use super::{Result, Tx, connection_filter::folded, execute};

/// Adds a project without its scopes and administrators. A slug or resource that is taken
/// is a duplicate error.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, project: &Project) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO project (id, slug, name, resource, resource_key, created_at, folded, version,
                             members, manage_url)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    execute!(
        tx,
        INSERT,
        &project.id,
        &project.slug,
        &project.name,
        project.resource.as_str(),
        project.resource.key().as_str(),
        project.created_at,
        folded(&[&project.name]),
        project.version,
        members_json(&project.members),
        &project.manage_url
    )?;
    Ok(())
}

/// Gives a project the name, members, external address and version that it has in
/// `project`. The name gives its connections another place in lists, so the caller holds
/// [`super::lock_several`].
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, project: &Project) -> Result<()> {
    const UPDATE: &str = "
        UPDATE project
        SET name = $2, folded = $3, members = $4, manage_url = $5, version = $6
        WHERE id = $1";
    const SORT: &str = "
        UPDATE connection
        SET project_folded = $2
        WHERE project_id = $1 AND project_folded <> $2";
    let folded = folded(&[&project.name]);
    execute!(
        tx,
        UPDATE,
        &project.id,
        &project.name,
        &folded,
        members_json(&project.members),
        &project.manage_url,
        project.version
    )?;
    execute!(tx, SORT, &project.id, &folded)?;
    Ok(())
}

fn members_json(members: &Members) -> Option<String> {
    match members {
        Members::Anyone => None,
        Members::Only(names) => {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            Some(serde_json::Value::from(names).to_string())
        }
    }
}

/// Removes what a project offers.
///
/// # Errors
/// When the database fails.
pub async fn remove_scopes(tx: &mut Tx, id: &ProjectId) -> Result<()> {
    const REMOVE: &str = "DELETE FROM project_scope WHERE project_id = $1";
    execute!(tx, REMOVE, id)?;
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
    execute!(
        tx,
        INSERT,
        project,
        position as i64,
        &scope.name,
        &scope.description,
        scope.optional
    )?;
    Ok(())
}

/// Moves a project to another address. Returns whether it was elsewhere before.
///
/// # Errors
/// When the database fails; a duplicate error when another project is at that address.
pub async fn set_resource(tx: &mut Tx, id: &ProjectId, resource: &Resource) -> Result<bool> {
    const SET: &str = "
        UPDATE project
        SET resource = $2, resource_key = $3
        WHERE id = $1 AND resource <> $2";
    let moved = execute!(tx, SET, id, resource.as_str(), resource.key().as_str())?;
    Ok(moved == 1)
}

/// Archives a project, or brings it back with `None`.
///
/// # Errors
/// When the database fails.
pub async fn set_archived(tx: &mut Tx, id: &ProjectId, at: Option<Timestamp>) -> Result<()> {
    const SET: &str = "UPDATE project SET archived_at = $2 WHERE id = $1";
    execute!(tx, SET, id, at)?;
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
    execute!(tx, INSERT, administrator.to_string(), project)?;
    Ok(())
}

/// Leaves a project without administrators.
///
/// # Errors
/// When the database fails.
pub async fn remove_administrators(tx: &mut Tx, id: &ProjectId) -> Result<()> {
    const REMOVE: &str = "DELETE FROM project_administrator WHERE project_id = $1";
    execute!(tx, REMOVE, id)?;
    Ok(())
}

/// Notes that a proxy asked about a token of the project then.
///
/// # Errors
/// When the database fails.
pub async fn record_asked(tx: &mut Tx, id: &ProjectId, at: Timestamp) -> Result<()> {
    const RECORD: &str = "
        UPDATE project
        SET asked_at = $2
        WHERE id = $1 AND (asked_at IS NULL OR asked_at < $2)";
    execute!(tx, RECORD, id, at)?;
    Ok(())
}

/// Keeps what a check of a project's server came to: how bad the worst was, and the sum
/// in words.
///
/// # Errors
/// When the database fails.
pub async fn record_check(
    tx: &mut Tx,
    id: &ProjectId,
    (level, outcome): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    const RECORD: &str = "
        UPDATE project
        SET checked_at = $2, check_level = $3, check_outcome = $4
        WHERE id = $1 AND (checked_at IS NULL OR checked_at <= $2)";
    execute!(tx, RECORD, id, at, level, outcome)?;
    Ok(())
}
