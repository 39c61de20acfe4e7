//! New projects, and Untether's own.

use crate::{
    domain::{
        audit::{Action, Subject},
        ids::CredentialId,
        project::{OfferedScope, Project, Slug},
        resource::Resource,
        role::PrincipalName,
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
    };
    store::project::insert(tx, &project, context.now).await?;
    for (position, scope) in project.scopes.iter().enumerate() {
        store::project::insert_scope(tx, &project.id, position, scope).await?;
    }
    for administrator in &new.administrators {
        store::project::insert_administrator(tx, &project.id, administrator).await?;
    }
    let about = Subject {
        project: Some((project.id.clone(), project.name.clone())),
        ..Subject::default()
    };
    store::audit::append(tx, &[context.event(Action::ProjectAdded, about, None)]).await?;
    Ok(project)
}
