//! Introspection credentials: a project has several while one replaces another.

use std::time::Duration;

use crate::{
    domain::{
        audit::{Action, Event},
        ids::{CredentialId, ProjectId},
        project::Slug,
        secret::{Secret, SecretKind},
    },
    store::{self, Tx},
};

use super::{Context, project::subject};

/// How many credentials of one project work at the same time at most.
pub const LIMIT: usize = 10;

/// What came of making one.
#[derive(Debug)]
pub enum Made {
    /// No project has this slug.
    NotThere,
    /// The project has too many already.
    TooMany,
    /// A credential of this id was made before; its secret has been shown.
    Before,
    /// Its secret, which nobody else will ever read.
    Done(Secret),
}

/// Makes a credential under an id that the page or command chose, so that it is made
/// once. With an `overlap` those that there are stop working when that has passed, or
/// sooner where that was decided before.
///
/// # Errors
/// When the database fails.
pub async fn make(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    id: &CredentialId,
    overlap: Option<Duration>,
) -> store::Result<Made> {
    let Some(project) = store::project::hold(tx, slug).await? else {
        return Ok(Made::NotThere);
    };
    let known = store::credential::of_project(tx, &project.id).await?;
    if known.iter().any(|known| known.id == *id) {
        return Ok(Made::Before);
    }
    let working = known.iter().filter(|known| known.works(context.now));
    let working: Vec<_> = working.map(|known| &known.id).collect();
    if working.len() >= LIMIT {
        return Ok(Made::TooMany);
    }
    let (secret, new) = insert(tx, context, &project.id, id).await?;
    if !new {
        return Ok(Made::Before);
    }
    let mut detail = format!("Introspection credential {id}.");
    if let Some(overlap) = overlap {
        let until = context.now.plus(overlap);
        for other in working {
            if !store::credential::end(tx, &project.id, other, until).await? {
                // It ends sooner, as was decided before.
                continue;
            }
            detail.push_str(&match overlap.as_secs() / 3600 {
                1 => format!(" {other} works for 1 hour more."),
                hours => format!(" {other} works for {hours} hours more."),
            });
        }
    }
    let event = Event {
        detail: Some(detail),
        ..context.event(Action::CredentialMade, subject(&project), None)
    };
    store::audit::append(tx, &[event]).await?;
    Ok(Made::Done(secret))
}

/// Stores a new secret under this id. Returns it, and whether the id was new.
pub(super) async fn insert(
    tx: &mut Tx,
    context: &Context<'_>,
    project: &ProjectId,
    id: &CredentialId,
) -> store::Result<(Secret, bool)> {
    let secret = context.secrets.generate(SecretKind::IntrospectionSecret);
    let hash = context.secrets.hash(secret.expose());
    let new = store::credential::insert(tx, id, project, &hash, context.now).await?;
    Ok((secret, new))
}

/// What came of revoking one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The project has no such credential.
    NotThere,
    /// It had ended before.
    Before,
    /// It no longer works.
    Done,
}

/// Ends a credential at once.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    id: &CredentialId,
) -> store::Result<Revoked> {
    let Some(project) = store::project::hold(tx, slug).await? else {
        return Ok(Revoked::NotThere);
    };
    let known = store::credential::of_project(tx, &project.id).await?;
    if known.iter().all(|known| known.id != *id) {
        return Ok(Revoked::NotThere);
    }
    if !store::credential::end(tx, &project.id, id, context.now).await? {
        return Ok(Revoked::Before);
    }
    let event = Event {
        detail: Some(format!("Introspection credential {id}.")),
        ..context.event(Action::CredentialRevoked, subject(&project), None)
    };
    store::audit::append(tx, &[event]).await?;
    Ok(Revoked::Done)
}
