//! The end of a client, and of its record.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};

use crate::{
    console::{
        acts, frame, number,
        revoke::{reason, see_other, typed_reason},
    },
    domain::{audit::Actor, client::Client, ids::ClientId, project::Project, role::Principal},
    flow::client::{self as act, Deletion, Revoked},
    store::{self, Tx},
    web::{
        form::Protected,
        html,
        params::Params,
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use super::{changed_project, client, client_path, edit::ClientPage, path};

/// `POST /projects/{slug}/clients/{id}/revoke`: ends a client whose name was typed, and all
/// of its connections.
///
/// # Errors
/// A page, when there is no such client for this person to change.
pub async fn revoke(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    address: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let mut tx = app.db.write().await?;
    let project = changed_project(&mut tx, &principal, &address.0).await?;
    let client = client(&mut tx, &project, &address.1).await?;
    let here = client_path(&project.slug, &client.id);
    let reason = match confirmed(&client, &params) {
        Ok(reason) => reason,
        Err(note) => {
            let frame = frame::build(&app, &principal, &session, &req, now);
            let read = ClientPage::read(&mut tx, &app, &principal, frame, (client, project));
            let mut page = read.await?;
            page.note = Some(note);
            page.typed_name = params
                .one("confirm")
                .ok()
                .flatten()
                .unwrap_or_default()
                .to_owned();
            page.reason = typed_reason(&params)?;
            return Ok(html::page(
                &req,
                StatusCode::BAD_REQUEST,
                frame::render(&page)?,
            ));
        }
    };
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let of = (&client, Some(&project));
    let subject = &principal.identity.subject;
    let revoked = act::revoke(&mut tx, &context, of, subject, reason.as_deref()).await?;
    tx.commit().await?;
    let Some(revoked) = revoked else {
        let said = format!(
            "{} had been revoked before. Nothing else was changed.",
            client.name
        );
        keep_flash(&session, Flash::Done(said));
        return Ok(see_other(&here));
    };
    tracing::info!(client.id = %client.id, connections = revoked.connections, "revoked a client");
    keep_flash(&session, Flash::Done(said(&client, &revoked)));
    if let Some(id) = revoked.act {
        actix_web::rt::spawn(acts::run(app.clone(), id));
    }
    Ok(see_other(&here))
}

/// The reason, when the client's name was typed.
fn confirmed(client: &Client, params: &Params) -> Result<Option<String>, String> {
    let typed = params.one("confirm").ok().flatten().unwrap_or_default();
    if typed.trim() != client.name {
        return Err(format!(
            "What you typed is not the client’s name, {}. Nothing was revoked.",
            client.name
        ));
    }
    let typed = typed_reason(params).map_err(|problem| problem.explanation.text.clone())?;
    reason(&typed)
}

fn said(client: &Client, revoked: &Revoked) -> String {
    let name = &client.name;
    match revoked.connections {
        0 => format!("Revoked {name}. It had no connections."),
        count => format!(
            "Revoked {name}, and with it {}.",
            number::connections(count)
        ),
    }
}

/// `POST /projects/{slug}/clients/{id}/delete`: removes the record of a revoked client.
///
/// # Errors
/// A page, when there is no such client for this person to change, or it is in use.
pub async fn delete(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    address: Path<(String, String)>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    form.verify(&app, &principal, now)?;
    let actor = Actor::Person(principal.identity.email.clone());
    let context = app.context(now, actor, &req);
    loop {
        let mut tx = app.db.write().await?;
        let project = changed_project(&mut tx, &principal, &address.0).await?;
        let list = path(&project.slug);
        if let Some(name) = deleted_before(&mut tx, &address.1, &context.actor).await? {
            keep_flash(&session, Flash::Done(deleted(&name)));
            return Ok(see_other(&list));
        }
        let client = client(&mut tx, &project, &address.1).await?;
        match act::delete(&mut tx, &context, (&client, &project)).await? {
            Deletion::InUse => return Err(in_use(&client, &project)),
            Deletion::More => tx.commit().await?,
            // Says so in the next turn.
            Deletion::Gone => {}
            Deletion::Done => {
                tx.commit().await?;
                keep_flash(&session, Flash::Done(deleted(&client.name)));
                return Ok(see_other(&list));
            }
        }
    }
}

/// The name of the client, if this person deleted it before.
async fn deleted_before(tx: &mut Tx, id: &str, actor: &Actor) -> Result<Option<String>, Problem> {
    match ClientId::parse(id) {
        None => Ok(None),
        Some(id) => Ok(store::audit::client_deleted_by(tx, &actor.to_string(), &id).await?),
    }
}

fn deleted(name: &str) -> String {
    format!("Deleted the record of {name}. The audit trail keeps it.")
}

fn in_use(client: &Client, project: &Project) -> Problem {
    let text = match client.revoked_at {
        None => "Only the record of a revoked client can be deleted. Nothing was changed.",
        Some(_) => "Its connections are still being revoked. Try again in a moment.",
    };
    Problem::new(StatusCode::CONFLICT, "This client is in use", text)
        .with_link("Manage MCP client", client_path(&project.slug, &client.id))
}
