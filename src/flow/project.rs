//! New projects, and Untether's own.

use crate::{
    domain::{
        audit::{Action, Event, Subject},
        ids::CredentialId,
        project::{Members, OfferedScope, Project, Slug},
        resource::Resource,
        role::PrincipalName,
        scope::ScopeToken,
        secret::{Secret, SecretKind},
    },
    store::{self, Tx},
};

use super::Context;

/// What a new project is to be.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its short name.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// Its MCP server URL.
    pub resource: Resource,
    /// What clients may ask for.
    pub scopes: Vec<OfferedScope>,
    /// Who administers it.
    pub administrators: Vec<PrincipalName>,
    /// Who may connect to it.
    pub members: Members,
}

/// Adds a project with one introspection credential, whose secret is returned
/// this once.
///
/// # Errors
/// When the database fails; a duplicate error when the slug or the resource is taken.
pub async fn add(
    tx: &mut Tx,
    context: &Context<'_>,
    new: NewProject,
) -> store::Result<(Project, CredentialId, Secret)> {
    let project = insert(tx, context, new).await?;
    let id: CredentialId = context.secrets.new_id(context.now);
    let secret = context.secrets.generate(SecretKind::IntrospectionSecret);
    let hash = context.secrets.hash(secret.expose());
    store::project::insert_credential(tx, &id, &project.id, &hash, context.now).await?;
    Ok((project, id, secret))
}

/// Makes sure that Untether's own MCP server is a project, at this address.
///
/// # Errors
/// When the database fails.
pub async fn ensure_own(
    tx: &mut Tx,
    context: &Context<'_>,
    resource: Resource,
) -> store::Result<Project> {
    match store::project::by_slug(tx, &Slug::own()).await? {
        Some(project) if project.resource == resource => Ok(project),
        Some(project) => {
            store::project::set_resource(tx, &project.id, &resource).await?;
            Ok(Project {
                resource,
                ..project
            })
        }
        None => {
            let own = NewProject {
                slug: Slug::own(),
                name: "Untether".to_owned(),
                resource,
                scopes: Vec::new(),
                administrators: Vec::new(),
                members: Members::Anyone,
            };
            insert(tx, context, own).await
        }
    }
}

async fn insert(tx: &mut Tx, context: &Context<'_>, new: NewProject) -> store::Result<Project> {
    let project = Project {
        id: context.secrets.new_id(context.now),
        slug: new.slug,
        name: new.name,
        resource: new.resource,
        scopes: new.scopes,
        members: new.members,
    };
    store::project::insert(tx, &project, context.now).await?;
    for (position, scope) in project.scopes.iter().enumerate() {
        store::project::insert_scope(tx, &project.id, position, scope).await?;
    }
    store::project::set_members(tx, &project.id, &project.members).await?;
    for administrator in &new.administrators {
        store::project::insert_administrator(tx, &project.id, administrator).await?;
    }
    let event = context.event(Action::ProjectAdded, subject(&project), None);
    store::audit::append(tx, &[event]).await?;
    Ok(project)
}

fn subject(project: &Project) -> Subject {
    Subject {
        project: Some((project.id.clone(), project.name.clone())),
        ..Subject::default()
    }
}

/// What is to change about a project; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Scopes to offer from now on, or in other words than before.
    pub scopes: Vec<OfferedScope>,
    /// Scopes to offer no longer. Connections that have them keep them.
    pub dropped: Vec<ScopeToken>,
    /// Who may connect from now on. Connections of others end when they are next refreshed.
    pub members: Option<Members>,
}

/// What came of an edit.
#[derive(Clone, Debug)]
pub enum Edited {
    /// No project has this slug.
    NotThere,
    /// A scope that should be dropped and is not offered.
    NotOffered(ScopeToken),
    /// The project as it is now.
    Done(Project),
}

/// Changes a project.
///
/// # Errors
/// When the database fails.
pub async fn edit(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    edit: &Edit,
) -> store::Result<Edited> {
    let Some(before) = store::project::hold(tx, slug).await? else {
        return Ok(Edited::NotThere);
    };
    let offered = before.scope_names();
    if let Some(name) = edit.dropped.iter().find(|name| !offered.contains(*name)) {
        return Ok(Edited::NotOffered(name.clone()));
    }
    let mut after = before.clone();
    after
        .scopes
        .retain(|scope| !edit.dropped.contains(&scope.name));
    for scope in &edit.scopes {
        match after
            .scopes
            .iter_mut()
            .find(|known| known.name == scope.name)
        {
            Some(known) => *known = scope.clone(),
            None => after.scopes.push(scope.clone()),
        }
    }
    after.members = edit.members.clone().unwrap_or(after.members);
    if after.scopes != before.scopes {
        store::project::remove_scopes(tx, &after.id).await?;
        for (position, scope) in after.scopes.iter().enumerate() {
            store::project::insert_scope(tx, &after.id, position, scope).await?;
        }
    }
    if after.members != before.members {
        store::project::set_members(tx, &after.id, &after.members).await?;
    }
    if let Some(detail) = changes(&before, &after) {
        let event = Event {
            detail: Some(detail),
            ..context.event(Action::ProjectChanged, subject(&after), None)
        };
        store::audit::append(tx, &[event]).await?;
    }
    Ok(Edited::Done(after))
}

/// What differs, in words; `None` when nothing does.
fn changes(before: &Project, after: &Project) -> Option<String> {
    let mut said = Vec::new();
    if after.scopes != before.scopes {
        let scopes = after.scopes.iter().map(|scope| {
            let optional = if scope.optional { ", optional" } else { "" };
            format!("{} ({}{optional})", scope.name, scope.description)
        });
        let scopes: Vec<_> = scopes.collect();
        said.push(match scopes.is_empty() {
            true => "Offers no scopes.".to_owned(),
            false => format!("Offers {}.", scopes.join("; ")),
        });
    }
    if after.members != before.members {
        let (now, was) = (&after.members, &before.members);
        said.push(format!("May connect: {now}; before: {was}."));
    }
    (!said.is_empty()).then(|| said.join(" "))
}
