//! How far an act on everything that matched is.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    domain::{
        ids::ActId,
        role::{OrganizationRole, Principal},
    },
    store::bulk_act::{self, BulkAct},
    web::{problem::Problem, state::App},
};

use super::{
    moment, number,
    view::{Frame, When},
    visit::Visit,
};

/// The address of an act.
pub fn path(id: &ActId) -> String {
    format!("/acts/{id}")
}

/// What a finished act did, in words.
pub fn outcome(act: &BulkAct) -> String {
    let ended = number::connections(act.ended);
    let skipped = match act.skipped {
        0 => String::new(),
        count => format!(" {} had been revoked before.", number::grouped(count)),
    };
    match &act.client_name {
        None if act.ended == 1 => {
            format!("Revoked {ended}. Its client stays registered.{skipped}")
        }
        // They may all be of one.
        None => format!("Revoked {ended}. Clients stay registered.{skipped}"),
        Some(client) => format!("Revoked {client}, and with it {ended}.{skipped}"),
    }
}

/// Goes on with an act until it is finished, whether or not anyone waits.
pub async fn run(app: Data<App>, id: ActId) {
    if let Err(error) = app.worker().run(&id).await {
        tracing::error!(%error, act.id = %id, "an act was interrupted; it goes on soon");
    }
}

/// `GET /acts/{id}`: for whoever began it, and for those who see everything.
///
/// # Errors
/// A page, when it is not there for this person.
pub async fn show(visit: Visit, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = ActId::parse(&id).ok_or_else(Problem::not_found)?;
    let mut tx = visit.app.db.read().await?;
    let act = bulk_act::find(&mut tx, &id).await?;
    let act = act
        .filter(|act| is_visible(act, &visit.principal))
        .ok_or_else(Problem::not_found)?;
    let page = ActPage {
        frame: visit.frame(),
        title: title(&act),
        path: path(&id),
        progress: progress(&act),
        total: act.total,
        done: act.ended + act.skipped,
        finished: act.finished_at.is_some(),
        filter: act.filter,
        reason: act.reason,
        actor: act.actor,
        started: moment::when(act.started_at, visit.now),
    };
    visit.page_or_part(&page, page.as_act())
}

fn is_visible(act: &BulkAct, principal: &Principal) -> bool {
    let sees_all = principal.role != OrganizationRole::Member;
    sees_all || act.subject == principal.identity.subject
}

fn title(act: &BulkAct) -> String {
    let total = number::connections(act.total);
    match act.finished_at {
        None => format!("Revoking {total}"),
        Some(_) => format!("Revoked {}", number::connections(act.ended)),
    }
}

fn progress(act: &BulkAct) -> String {
    if act.finished_at.is_some() {
        return outcome(act);
    }
    let [done, total] = [act.ended + act.skipped, act.total].map(number::grouped);
    format!("{done} of {total} revoked so far.")
}

/// The page; `as_act()` is the part that asks for itself again.
#[derive(Debug, Template)]
#[template(path = "act.html", blocks = ["act"])]
struct ActPage {
    frame: Frame,
    title: String,
    path: String,
    progress: String,
    total: i64,
    done: i64,
    finished: bool,
    filter: String,
    reason: Option<String>,
    actor: String,
    started: When,
}
