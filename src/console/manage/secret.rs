//! The one screen that shows the secret of a client, once: after the client was made, and
//! after its secret was rotated. It is an answer to a form and has no address, and no
//! cache keeps it.

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    console::{view::Frame, visit::Visit},
    domain::{client::Client, project::Project, secret::Secret},
    flow,
    web::{attachment, form::Protected, problem::Problem},
};

use super::{Address, changed, client_path, edit, path};

/// The screen.
#[derive(Debug, Template)]
#[template(path = "client_made.html")]
struct MadePage {
    frame: Frame,
    title: String,
    name: String,
    identifier: String,
    project: String,
    resource: String,
    secret: Option<SecretView>,
    /// Where it is looked after.
    manage_href: String,
    /// Where it is said how hosts are set up with it.
    setup_href: String,
    list_href: String,
}

/// A secret that is shown once.
#[derive(Debug)]
struct SecretView {
    /// What it is called.
    label: &'static str,
    value: String,
    /// What answers with it as a file.
    file_action: String,
}

/// The screen for a client, and its secret if it has one.
///
/// # Errors
/// A 500 when it cannot be rendered.
pub fn page(
    visit: &Visit,
    title: String,
    (client, project): (&Client, &Project),
    secret: Option<&Secret>,
) -> Result<HttpResponse, Problem> {
    let manage_href = client_path(&project.slug, &client.id);
    let page = MadePage {
        frame: visit.frame(),
        title,
        name: client.name.clone(),
        identifier: client.identifier.clone(),
        project: project.name.clone(),
        resource: project.resource.as_str().to_owned(),
        secret: secret.map(|secret| SecretView {
            label: "Client secret",
            value: secret.expose().to_owned(),
            file_action: format!("{manage_href}/secret-file"),
        }),
        manage_href,
        setup_href: format!("/clients/{}", client.id),
        list_href: path(&project.slug),
    };
    visit.page_no_store(&page)
}

/// `POST /projects/{slug}/clients/{id}/rotate`: another secret.
///
/// # Errors
/// A page, when there is no such client for this person to change.
pub async fn rotate(
    visit: Visit,
    address: Address,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let mut tx = visit.app.db.write().await?;
    let (client, project) = changed(&mut tx, &visit, &address).await?;
    let seen = edit::seen(client, &params)?;
    let rotated = flow::client::rotate_secret(&mut tx, &visit.context(), (&seen, &project)).await?;
    let Some(secret) = rotated else {
        drop(tx);
        return edit::changed_meanwhile(&visit, &address, &params, None).await;
    };
    tx.commit().await?;
    tracing::info!(client.id = %seen.id, "rotated the secret of a client");
    let title = format!("{} has a new secret", seen.name);
    page(&visit, title, (&seen, &project), Some(&secret))
}

/// `POST /projects/{slug}/clients/{id}/secret-file`: what someone holds who holds the
/// secret, as a file. The secret comes with the form, because nobody else knows it.
///
/// # Errors
/// A page, when there is no such client for this person to change, or this is not its
/// secret.
pub async fn file(
    visit: Visit,
    address: Address,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let mut tx = visit.app.db.snapshot().await?;
    let (client, project) = changed(&mut tx, &visit, &address).await?;
    let secret = params.one("secret").ok().flatten().unwrap_or_default();
    let presented = visit.app.secrets.hash(secret);
    let is_it = client
        .secret_hash
        .as_ref()
        .is_some_and(|hash| hash.matches(&presented));
    if !is_it || client.revoked_at.is_some() {
        let text = "It was rotated, or the client was revoked, since the page was made.";
        let heading = "This is not the client’s secret any more";
        return Err(Problem::new(StatusCode::CONFLICT, heading, text)
            .with_link("Manage MCP client", client_path(&project.slug, &client.id)));
    }
    let text = format!(
        "MCP_SERVER_URL={}\nCLIENT_ID={}\nCLIENT_SECRET={secret}\n",
        project.resource.as_str(),
        client.identifier
    );
    Ok(attachment::text(
        &format!("{}-{}", project.slug, client.id),
        text,
    ))
}
