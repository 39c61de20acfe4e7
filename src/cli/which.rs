//! What commands name connections by, found in the database.

use crate::{
    domain::{
        client::Client,
        ids::{PersonId, ProjectId},
        project::Slug,
        role::fold_email,
    },
    store::{self, Tx},
};

use super::Failure;

/// Everyone with this e-mail.
///
/// # Errors
/// When there is nobody, or the database failed.
pub async fn people(tx: &mut Tx, email: &str) -> Result<Vec<PersonId>, Failure> {
    let people = store::person::by_email(tx, &fold_email(email.trim())).await?;
    if people.is_empty() {
        return Err(Failure::new(format!(
            "nobody with the e-mail {email} has ever connected anything"
        )));
    }
    Ok(people)
}

/// The client with this OAuth `client_id`.
///
/// # Errors
/// When there is none, or the database failed.
pub async fn client(tx: &mut Tx, identifier: &str) -> Result<Client, Failure> {
    let client = store::client::find(tx, identifier.trim()).await?;
    client.ok_or_else(|| {
        Failure::new(format!(
            "no client has the client_id {identifier} (see: untether client list)"
        ))
    })
}

/// The project with this slug.
///
/// # Errors
/// When there is none, or the database failed.
pub async fn project(tx: &mut Tx, slug: &str) -> Result<ProjectId, Failure> {
    let unknown = || {
        Failure::new(format!(
            "no project has the slug {slug} (see: untether project list)"
        ))
    };
    let slug = Slug::parse(slug.trim()).map_err(|_| unknown())?;
    let project = store::project::by_slug(tx, &slug).await?;
    project.map(|project| project.id).ok_or_else(unknown)
}
