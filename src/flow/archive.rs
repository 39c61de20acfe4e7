//! Archiving a project: nothing can connect to it any more, until it is brought back.
//!
//! It is refused while connections work, and says how many: whoever archives revokes them
//! first, where they are counted and a reason is asked for. So what a connection is shown
//! as stays what is enforced. A consent that was under way either made its connection
//! before, which is counted then, or finds the project archived, because both hold the
//! project's row; so do new clients. Tokens are refused there too, for a connection that
//! is used in the very moment in which it would expire.

use crate::{
    domain::{
        audit::Action,
        project::{Project, Slug},
        role::Reach,
    },
    store::{
        self, Tx,
        connection_filter::{Filter, Statuses},
        connection_list, project_change,
    },
};

use super::{Context, ErrorCode, Refusal, project::subject};

/// What came of it.
#[derive(Clone, Debug)]
pub enum Archived {
    /// No project has this slug, or it is Untether's own.
    NotThere,
    /// So many connections to it are active. Nothing was changed.
    InUse(i64),
    /// It was archived before.
    Before(Project),
    /// It is archived now.
    Now(Project),
}

/// Archives a project, unless connections to it are active.
///
/// # Errors
/// When the database fails.
pub async fn archive(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    reason: Option<&str>,
) -> store::Result<Archived> {
    // Nothing is swept while it counts.
    store::lock_several(tx).await?;
    let Some(project) = hold(tx, slug).await? else {
        return Ok(Archived::NotThere);
    };
    if project.archived_at.is_some() {
        return Ok(Archived::Before(project));
    }
    let active = active(tx, context, &project).await?;
    if active > 0 {
        return Ok(Archived::InUse(active));
    }
    project_change::set_archived(tx, &project.id, Some(context.now)).await?;
    let event = context.event(Action::ProjectArchived, subject(&project), reason);
    store::audit::append(tx, &[event]).await?;
    Ok(Archived::Now(Project {
        archived_at: Some(context.now),
        ..project
    }))
}

/// What came of bringing one back.
#[derive(Clone, Debug)]
pub enum Restored {
    /// No project has this slug.
    NotThere,
    /// It was not archived.
    Before(Project),
    /// It is in use again.
    Now(Project),
}

/// Brings a project back: people may connect to it, and clients be made for it.
///
/// # Errors
/// When the database fails.
pub async fn restore(tx: &mut Tx, context: &Context<'_>, slug: &Slug) -> store::Result<Restored> {
    let Some(project) = hold(tx, slug).await? else {
        return Ok(Restored::NotThere);
    };
    if project.archived_at.is_none() {
        return Ok(Restored::Before(project));
    }
    project_change::set_archived(tx, &project.id, None).await?;
    let event = context.event(Action::ProjectRestored, subject(&project), None);
    store::audit::append(tx, &[event]).await?;
    Ok(Restored::Now(Project {
        archived_at: None,
        ..project
    }))
}

async fn hold(tx: &mut Tx, slug: &Slug) -> store::Result<Option<Project>> {
    if *slug == Slug::own() {
        return Ok(None);
    }
    store::project::hold(tx, slug).await
}

/// How many connections to the project work, wherever the counts may be behind.
///
/// # Errors
/// When the database fails.
pub async fn active(tx: &mut Tx, context: &Context<'_>, project: &Project) -> store::Result<i64> {
    let filter = Filter {
        projects: vec![project.id.clone()],
        statuses: Statuses::ACTIVE,
        ..Filter::all(Reach::All, context.rules.lifetimes.cutoffs(context.now))
    };
    let counts = connection_list::counts(tx, &filter).await?;
    Ok(counts.active)
}

/// What a client is told that wants to connect to an archived project.
pub(super) fn refusal() -> Refusal {
    Refusal::new(
        ErrorCode::AccessDenied,
        "this MCP server is archived, and nothing can connect to it: ask those who administer it",
    )
}
