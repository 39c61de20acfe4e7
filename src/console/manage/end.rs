//! The end of a client, and of its record.

use actix_web::{HttpResponse, http::StatusCode};

use crate::{
    console::{
        acts, number,
        revoke::{reason, typed_reason},
        visit::Visit,
    },
    domain::{audit::Actor, client::Client, ids::ClientId, project::Project},
    flow::client::{self as act, Deletion, Revoked},
    store::{self, Tx},
    web::{form::Protected, params::Params, problem::Problem, session::Flash},
};

use super::{Address, changed, changed_project, client, client_path, edit::ClientPage, path};

/// `POST /projects/{slug}/clients/{id}/revoke`: ends a client whose name was typed, and all
/// of its connections.
///
/// # Errors
/// A page, when there is no such client for this person to change.
pub async fn revoke(
    visit: Visit,
    address: Address,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let params = visit.fields(form)?;
    let mut tx = visit.app.db.write().await?;
    let (client, project) = changed(&mut tx, &visit, &address).await?;
    let here = client_path(&project.slug, &client.id);
    let reason = match confirmed(&client, &params) {
        Ok(reason) => reason,
        Err(note) => {
            let mut page = ClientPage::read(&mut tx, &visit, (client, project)).await?;
            page.unconfirmed = Some(note);
            page.typed_name = typed_name(&params).to_owned();
            page.reason = typed_reason(&params)?;
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
    };
    let of = (&client, Some(&project));
    let subject = &visit.principal.identity.subject;
    let revoked = act::revoke(&mut tx, &visit.context(), of, subject, reason.as_deref()).await?;
    tx.commit().await?;
    let Some(revoked) = revoked else {
        let name = &client.name;
        let said = format!("{name} had been revoked before. Nothing else was changed.");
        return Ok(visit.go_on(&here, Flash::Done(said)));
    };
    tracing::info!(client.id = %client.id, connections = revoked.connections, "revoked a client");
    let said = said(&client, &revoked);
    if let Some(id) = revoked.act {
        actix_web::rt::spawn(acts::run(visit.app.clone(), id));
    }
    Ok(visit.go_on(&here, Flash::Done(said)))
}

fn typed_name(params: &Params) -> &str {
    params.one("confirm").ok().flatten().unwrap_or_default()
}

/// A name as a keyboard has it: with single spaces, and plain hyphens and quotation marks.
fn as_typed(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    let plain = |letter| match letter {
        '\u{2010}'..='\u{2015}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        letter => letter,
    };
    words.join(" ").chars().map(plain).collect()
}

/// The reason, when the client's name was typed.
fn confirmed(client: &Client, params: &Params) -> Result<Option<String>, String> {
    if as_typed(typed_name(params)) != as_typed(&client.name) {
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
        0 => format!("Revoked {name}. It had no connections to end."),
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
    visit: Visit,
    address: Address,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    visit.fields(form)?;
    let context = visit.context();
    loop {
        let mut tx = visit.app.db.write().await?;
        let project = changed_project(&mut tx, &visit.principal, &address.0).await?;
        let list = path(&project.slug);
        if let Some(name) = deleted_before(&mut tx, &address.1, &context.actor).await? {
            return Ok(visit.go_on(&list, Flash::Done(deleted(&name))));
        }
        let client = client(&mut tx, &project, &address.1).await?;
        match act::delete(&mut tx, &context, (&client, &project)).await? {
            Deletion::InUse => return Err(in_use(&client, &project)),
            Deletion::More => {
                tx.commit().await?;
                visit.app.db.make_way().await;
            }
            // Says so in the next turn.
            Deletion::Gone => {}
            Deletion::Done => {
                tx.commit().await?;
                return Ok(visit.go_on(&list, Flash::Done(deleted(&client.name))));
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
