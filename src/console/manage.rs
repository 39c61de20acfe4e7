//! The clients that belong to a project: made, changed and ended by those who look after
//! it. Auditors look.

use crate::{
    domain::{
        client::Client,
        ids::ClientId,
        project::{Project, Slug},
        role::Principal,
    },
    store::{self, Tx},
    web::problem::Problem,
};

use super::{project, visit::Visit};

pub mod create;
pub mod edit;
pub mod end;
mod form;
mod hosts;
pub mod list;
mod logo;
pub mod secret;

/// The address of a project's clients.
pub fn path(slug: &Slug) -> String {
    format!("/projects/{slug}/clients")
}

/// The address of one of them.
pub fn client_path(slug: &Slug, id: &ClientId) -> String {
    format!("{}/{id}", path(slug))
}

/// The address of a page of one of a project's clients: the slug and the id.
type Address = actix_web::web::Path<(String, String)>;

/// A project and one of its clients, if this person may change them.
async fn changed(
    tx: &mut Tx,
    visit: &Visit,
    address: &Address,
) -> Result<(Client, Project), Problem> {
    let project = changed_project(tx, &visit.principal, &address.0).await?;
    let client = client(tx, &project, &address.1).await?;
    Ok((client, project))
}

/// The project under this slug, if this person sees the whole of it.
async fn seen_project(tx: &mut Tx, principal: &Principal, slug: &str) -> Result<Project, Problem> {
    project::find(tx, &principal.sees(), slug).await
}

/// The same, if this person may change what belongs to it.
async fn changed_project(
    tx: &mut Tx,
    principal: &Principal,
    slug: &str,
) -> Result<Project, Problem> {
    project::find(tx, &principal.changes(), slug).await
}

/// A project's client of this id.
async fn client(tx: &mut Tx, project: &Project, id: &str) -> Result<Client, Problem> {
    let id = ClientId::parse(id).ok_or_else(Problem::not_found)?;
    let client = store::client::by_id(tx, &id).await?;
    client
        .filter(|client| client.project.as_ref() == Some(&project.id))
        .ok_or_else(Problem::not_found)
}
