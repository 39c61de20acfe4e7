//! Projects: added, changed, and Untether's own.

use crate::{
    domain::{
        audit::{Action, Event, Subject},
        ids::CredentialId,
        project::{ManageUrl, Members, OfferedScope, Project, Slug},
        resource::Resource,
        role::PrincipalName,
        scope::ScopeToken,
        secret::Secret,
    },
    store::{self, Tx},
};

use super::{Context, credential};

/// What a new project is to be.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its short name.
    pub slug: Slug,
    /// Its MCP server URL.
    pub resource: Resource,
    /// The rest, which can be changed later.
    pub facts: Facts,
}

/// Everything about a project that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its name for people.
    pub name: String,
    /// What clients may ask for.
    pub scopes: Vec<OfferedScope>,
    /// Who administers it.
    pub administrators: Vec<PrincipalName>,
    /// Who may connect to it.
    pub members: Members,
    /// Where else its server is looked after.
    pub manage_url: Option<ManageUrl>,
}

impl Facts {
    /// Those of a project.
    pub fn of(project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            scopes: project.scopes.clone(),
            administrators: project.administrators.clone(),
            members: project.members.clone(),
            manage_url: project.manage_url.clone(),
        }
    }

    /// The same with administrators as they are kept: in alphabetical order, each once.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.administrators.sort_by_key(ToString::to_string);
        self.administrators.dedup();
        self
    }
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
    let secret = credential::insert(tx, context, &project.id, &id).await?;
    Ok((project, id, secret.0))
}

/// Makes sure that Untether's own MCP server is a project, at this address.
///
/// # Errors
/// When the database fails; a duplicate error when another server has just made it, which
/// another transaction then finds.
pub async fn ensure_own(
    tx: &mut Tx,
    context: &Context<'_>,
    resource: Resource,
) -> store::Result<Project> {
    match store::project::by_slug(tx, &Slug::own()).await? {
        Some(project) if project.resource == resource => Ok(project),
        Some(project) => {
            if store::project_change::set_resource(tx, &project.id, &resource).await? {
                let (now, was) = (resource.as_str(), project.resource.as_str());
                let event = Event {
                    detail: Some(format!("MCP server URL: {now}; before: {was}.")),
                    ..context.event(Action::ProjectChanged, subject(&project), None)
                };
                store::audit::append(tx, &[event]).await?;
            }
            Ok(Project {
                resource,
                ..project
            })
        }
        None => {
            let own = NewProject {
                slug: Slug::own(),
                resource,
                facts: Facts {
                    name: "Untether".to_owned(),
                    scopes: Vec::new(),
                    administrators: Vec::new(),
                    members: Members::Anyone,
                    manage_url: None,
                },
            };
            insert(tx, context, own).await
        }
    }
}

async fn insert(tx: &mut Tx, context: &Context<'_>, new: NewProject) -> store::Result<Project> {
    let facts = new.facts.in_order();
    let project = Project {
        id: context.secrets.new_id(context.now),
        slug: new.slug,
        name: facts.name,
        resource: new.resource,
        scopes: facts.scopes,
        members: facts.members,
        administrators: facts.administrators,
        manage_url: facts.manage_url,
        version: 1,
        created_at: context.now,
        archived_at: None,
    };
    store::project_change::insert(tx, &project).await?;
    insert_scopes(tx, &project).await?;
    insert_administrators(tx, &project).await?;
    let event = context.event(Action::ProjectAdded, subject(&project), None);
    store::audit::append(tx, &[event]).await?;
    Ok(project)
}

async fn insert_scopes(tx: &mut Tx, project: &Project) -> store::Result<()> {
    for (position, scope) in project.scopes.iter().enumerate() {
        store::project_change::insert_scope(tx, &project.id, position, scope).await?;
    }
    Ok(())
}

async fn insert_administrators(tx: &mut Tx, project: &Project) -> store::Result<()> {
    for administrator in &project.administrators {
        store::project_change::insert_administrator(tx, &project.id, administrator).await?;
    }
    Ok(())
}

pub(super) fn subject(project: &Project) -> Subject {
    Subject {
        project: Some((project.id.clone(), project.name.clone())),
        ..Subject::default()
    }
}

/// What is to change about a project; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Another name.
    pub name: Option<String>,
    /// Scopes to offer from now on, or in other words than before.
    pub scopes: Vec<OfferedScope>,
    /// Scopes to offer no longer. Connections that have them keep them.
    pub dropped: Vec<ScopeToken>,
    /// Who administers it from now on.
    pub administrators: Option<Vec<PrincipalName>>,
    /// Who may connect from now on. Connections of others end when they are next refreshed.
    pub members: Option<Members>,
    /// Where else its server is looked after, or that it is not.
    pub manage_url: Option<Option<ManageUrl>>,
}

/// What came of an edit.
#[derive(Clone, Debug)]
pub enum Edited {
    /// No project has this slug.
    NotThere,
    /// A scope that should be dropped and is not offered.
    NotOffered(ScopeToken),
    /// Someone else changed it meanwhile: this is the project as it is now.
    Otherwise(Project),
    /// The project as it is now.
    Done(Project),
}

/// Changes a project, whatever version of it there is.
///
/// # Errors
/// When the database fails.
pub async fn edit(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    edit: Edit,
) -> store::Result<Edited> {
    let Some(before) = hold(tx, slug).await? else {
        return Ok(Edited::NotThere);
    };
    let offered = before.scope_names();
    if let Some(name) = edit.dropped.iter().find(|name| !offered.contains(*name)) {
        return Ok(Edited::NotOffered(name.clone()));
    }
    let mut facts = Facts::of(&before);
    facts
        .scopes
        .retain(|scope| !edit.dropped.contains(&scope.name));
    for scope in edit.scopes {
        let mut known = facts.scopes.iter_mut();
        match known.find(|known| known.name == scope.name) {
            Some(known) => *known = scope,
            None => facts.scopes.push(scope),
        }
    }
    facts.name = edit.name.unwrap_or(facts.name);
    facts.administrators = edit.administrators.unwrap_or(facts.administrators);
    facts.members = edit.members.unwrap_or(facts.members);
    facts.manage_url = edit.manage_url.unwrap_or(facts.manage_url);
    apply(tx, context, before, facts).await.map(Edited::Done)
}

/// Makes a project what someone wants who saw its `version`, unless it has another now.
/// The same twice is done once.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut Tx,
    context: &Context<'_>,
    slug: &Slug,
    version: i64,
    facts: Facts,
) -> store::Result<Edited> {
    let Some(before) = hold(tx, slug).await? else {
        return Ok(Edited::NotThere);
    };
    let facts = facts.in_order();
    if before.version != version && facts != Facts::of(&before) {
        return Ok(Edited::Otherwise(before));
    }
    apply(tx, context, before, facts).await.map(Edited::Done)
}

/// The project, for this transaction alone, with the right to move its connections in
/// lists.
async fn hold(tx: &mut Tx, slug: &Slug) -> store::Result<Option<Project>> {
    store::lock_several(tx).await?;
    store::project::hold(tx, slug).await
}

async fn apply(
    tx: &mut Tx,
    context: &Context<'_>,
    before: Project,
    facts: Facts,
) -> store::Result<Project> {
    let facts = facts.in_order();
    let after = Project {
        name: facts.name,
        scopes: facts.scopes,
        administrators: facts.administrators,
        members: facts.members,
        manage_url: facts.manage_url,
        version: before.version + 1,
        ..before.clone()
    };
    let Some(detail) = changes(&before, &after) else {
        return Ok(before);
    };
    if after.scopes != before.scopes {
        store::project_change::remove_scopes(tx, &after.id).await?;
        insert_scopes(tx, &after).await?;
    }
    if after.administrators != before.administrators {
        store::project_change::remove_administrators(tx, &after.id).await?;
        insert_administrators(tx, &after).await?;
    }
    store::project_change::update(tx, &after).await?;
    let event = Event {
        detail: Some(detail),
        ..context.event(Action::ProjectChanged, subject(&after), None)
    };
    store::audit::append(tx, &[event]).await?;
    Ok(after)
}

/// What differs, in words; `None` when nothing does.
fn changes(before: &Project, after: &Project) -> Option<String> {
    let mut said = Vec::new();
    if after.name != before.name {
        said.push(format!("Name: {}; before: {}.", after.name, before.name));
    }
    if after.scopes != before.scopes {
        said.push(offered(&after.scopes));
    }
    if after.administrators != before.administrators {
        let [now, was] = [after, before].map(|project| names(&project.administrators));
        said.push(format!("Administrators: {now}; before: {was}."));
    }
    if after.members != before.members {
        let (now, was) = (&after.members, &before.members);
        said.push(format!("May connect: {now}; before: {was}."));
    }
    if after.manage_url != before.manage_url {
        let [now, was] = [after, before].map(|project| {
            let url = project.manage_url.as_ref();
            url.map_or("nowhere", ManageUrl::as_str)
        });
        said.push(format!("Managed at {now}; before: {was}."));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn offered(scopes: &[OfferedScope]) -> String {
    if scopes.is_empty() {
        return "Offers no scopes.".to_owned();
    }
    let scopes = scopes.iter().map(|scope| {
        let optional = if scope.optional { ", optional" } else { "" };
        format!("{} ({}{optional})", scope.name, scope.description)
    });
    format!("Offers {}.", scopes.collect::<Vec<_>>().join("; "))
}

fn names(names: &[PrincipalName]) -> String {
    if names.is_empty() {
        return "nobody".to_owned();
    }
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Keeps what a check of a project's server came to, for those who look after it.
///
/// # Errors
/// When the database fails.
pub async fn record_check(
    tx: &mut Tx,
    context: &Context<'_>,
    project: &Project,
    (level, outcome): (&str, &str),
) -> store::Result<()> {
    store::project_change::record_check(tx, &project.id, (level, outcome), context.now).await?;
    let event = Event {
        detail: Some(outcome.to_owned()),
        ..context.event(Action::ProjectChecked, subject(project), None)
    };
    store::audit::append(tx, &[event]).await
}
