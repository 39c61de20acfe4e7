//! One client of a project: how it stands, and what can be changed about it.

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    clock::Timestamp,
    console::{
        counts::{self, CountLinks},
        logo,
        meanwhile::{ChangeView, version},
        moment, project,
        query::{Layout, ListQuery},
        revoke::see_other,
        view::{Frame, LogoView, When},
        visit::Visit,
    },
    domain::{
        audit::Action,
        client::{Client, ClientType},
        project::Project,
    },
    flow,
    store::{self, Tx, audit::Entry, connection_filter::Statuses, connection_list},
    web::{form::ProtectedUpload, params::Params, problem::Problem, session::Flash},
};

use super::{
    Address, changed, client, client_path,
    form::{Faults, FormView, Typed},
    logo::TypedLogo,
    path, seen_project,
};

/// The page of a client.
#[derive(Debug, Template)]
#[template(path = "manage_client.html")]
pub(super) struct ClientPage {
    frame: Frame,
    /// What the person must know before trying again, and what happened meanwhile.
    pub(super) note: Option<String>,
    changes: Vec<ChangeView>,
    project: String,
    project_href: String,
    list_href: String,
    details_href: String,
    logo: LogoView,
    name: String,
    identifier: String,
    resource: String,
    kind: &'static str,
    created: When,
    created_by: Option<String>,
    counts: CountLinks,
    redirect_uris: Vec<String>,
    revoked: Option<RevokedView>,
    /// What this person may do.
    acts: Acts,
    /// What is typed in the form that ends the client.
    pub(super) typed_name: String,
    /// Why the client was not revoked.
    pub(super) unconfirmed: Option<String>,
    pub(super) reason: String,
}

/// The forms of the page, as far as they are of use.
#[derive(Debug, Default)]
struct Acts {
    edit: Option<FormView>,
    rotate: Option<String>,
    revoke: Option<String>,
    delete: Option<String>,
    version: i64,
}

#[derive(Debug)]
struct RevokedView {
    when: When,
    by: Option<String>,
    reason: Option<String>,
}

/// `GET /projects/{slug}/clients/{id}`.
///
/// # Errors
/// A page, when there is no such client in this person's sight.
pub async fn show(visit: Visit, address: Address) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let project = seen_project(&mut tx, &visit.principal, &address.0).await?;
    let client = client(&mut tx, &project, &address.1).await?;
    let page = ClientPage::read(&mut tx, &visit, (client, project)).await?;
    visit.page(StatusCode::OK, &page)
}

/// `POST /projects/{slug}/clients/{id}`: another name, logo and other redirect URIs.
///
/// # Errors
/// A page, when there is no such client for this person to change.
pub async fn act(
    visit: Visit,
    address: Address,
    form: ProtectedUpload,
) -> Result<HttpResponse, Problem> {
    let (params, file) = visit.fields_and_file(form)?;
    let logo = TypedLogo::read(&visit, &address.0, &params, file).await?;
    let typed = Typed::of(&params, logo);
    let mut tx = visit.app.db.write().await?;
    let (client, project) = changed(&mut tx, &visit, &address).await?;
    let edit = match typed.check(&visit.app.settings.redirect_schemes) {
        Ok(edit) => edit,
        Err(faults) => {
            // Still about the state that the person saw: a change of others is not theirs.
            let seen = seen(client, &params)?;
            let page = ClientPage::read(&mut tx, &visit, (seen, project)).await?;
            let page = page.with_typed(typed, faults);
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
    };
    let here = client_path(&project.slug, &client.id);
    // Also what a second click finds.
    if edit.changes(&client).is_empty() && client.revoked_at.is_none() {
        return Ok(see_other(&here));
    }
    let seen = seen(client, &params)?;
    if !flow::client::edit(&mut tx, &visit.context(), (&seen, &project), &edit).await? {
        drop(tx);
        return changed_meanwhile(&visit, &address, &params, Some(typed)).await;
    }
    tx.commit().await?;
    Ok(visit.go_on(&here, Flash::Done(format!("Saved {}.", edit.name))))
}

/// The client as it was when a form was made.
///
/// # Errors
/// A page, when the form does not say which state that was.
pub(super) fn seen(client: Client, params: &Params) -> Result<Client, Problem> {
    let version = version(params)?;
    Ok(Client { version, ..client })
}

/// The page for someone whose change came too late: what others did meanwhile, and what
/// was typed, if it was to be edited.
pub(super) async fn changed_meanwhile(
    visit: &Visit,
    address: &Address,
    params: &Params,
    typed: Option<Typed>,
) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let (client, project) = changed(&mut tx, visit, address).await?;
    let missed = client.version.saturating_sub(version(params)?).clamp(0, 10) as u32;
    let entries = store::audit::client_changes(&mut tx, &client.id, missed).await?;
    let mut page = ClientPage::read(&mut tx, visit, (client, project)).await?;
    let changes = entries.iter().map(|entry| change(entry, visit.now));
    page.changes = changes.collect();
    let own = visit.context().actor.to_string();
    let rotated = entries.first().is_some_and(|entry| {
        entry.action == Action::ClientSecretRotated.as_str() && entry.actor == own
    });
    page.note = Some(match (&page.revoked, &typed) {
        (Some(_), _) => "This client was revoked while you looked. Nothing was changed.".to_owned(),
        (None, Some(_)) => "This client was changed while you edited it, so nothing of yours \
             was saved. What you typed is below: save it again to have it as you typed it."
            .to_owned(),
        // Of two clicks, browsers show the answer to the second.
        (None, None) if rotated => "You have rotated the secret already, and the new one was \
             shown in the answer to that. If you did not get to keep it, rotate it once more."
            .to_owned(),
        (None, None) => "This client was changed while you looked, so nothing was done. Look \
             again, and repeat it if you still want it."
            .to_owned(),
    });
    if let Some(typed) = typed {
        page = page.with_typed(typed, Faults::default());
    }
    visit.page(StatusCode::CONFLICT, &page)
}

fn change(entry: &Entry, now: Timestamp) -> ChangeView {
    let is = |action: Action| entry.action == action.as_str();
    let what = match &entry.detail {
        Some(detail) if is(Action::ClientChanged) => detail.clone(),
        _ if is(Action::ClientSecretRotated) => "The secret was rotated.".to_owned(),
        _ if is(Action::ClientRevoked) => "The client was revoked.".to_owned(),
        _ => "The client was changed.".to_owned(),
    };
    ChangeView::of(entry, what, now)
}

impl ClientPage {
    /// The page as it is when nothing has been typed.
    pub(super) async fn read(
        tx: &mut Tx,
        visit: &Visit,
        (client, project): (Client, Project),
    ) -> Result<Self, Problem> {
        let (app, principal, now) = (&visit.app, &visit.principal, visit.now);
        let query = ListQuery {
            clients: vec![client.id.clone()],
            statuses: Statuses::ALL,
            ..ListQuery::of(principal).in_layout(Layout::List)
        };
        let cutoffs = app.rules.lifetimes.cutoffs(now);
        let filter = query.filter(principal.sees(), cutoffs, now);
        let counts = connection_list::counts(tx, &filter).await?;
        let ended = match client.revoked_at {
            None => None,
            Some(at) => Some(revoked(tx, &client, moment::when(at, now)).await?),
        };
        let logo = logo::view(&client.name, client.logo.as_ref());
        let may_change = principal.changes().covers_project(&project.id);
        Ok(Self {
            frame: visit.frame(),
            note: None,
            changes: Vec::new(),
            project_href: project::path(&project.slug),
            list_href: path(&project.slug),
            details_href: format!("/clients/{}", client.id),
            kind: match client.client_type {
                ClientType::Public => "Public client",
                ClientType::Confidential => "Confidential client",
            },
            created: moment::dated(client.created_at),
            created_by: store::audit::creator(tx, &client.id).await?,
            counts: counts::links(counts, &query),
            redirect_uris: client
                .redirect_uris
                .iter()
                .map(ToString::to_string)
                .collect(),
            acts: if may_change {
                Acts::of(&client, &project, &logo)
            } else {
                Acts::default()
            },
            revoked: ended,
            typed_name: String::new(),
            unconfirmed: None,
            reason: String::new(),
            logo,
            name: client.name,
            identifier: client.identifier,
            resource: project.resource.as_str().to_owned(),
            project: project.name,
        })
    }

    /// The same with what was typed to change it, and what is wrong with that.
    fn with_typed(mut self, typed: Typed, faults: Faults) -> Self {
        if let Some(form) = self.acts.edit.take() {
            let typed = (typed, faults);
            self.acts.edit = Some(FormView::new(form.action, form.hidden, typed, &self.logo));
        }
        self
    }
}

impl Acts {
    fn of(client: &Client, project: &Project, logo: &LogoView) -> Self {
        let here = client_path(&project.slug, &client.id);
        let version = client.version;
        if client.revoked_at.is_some() {
            return Self {
                delete: Some(format!("{here}/delete")),
                version,
                ..Self::default()
            };
        }
        let hidden = vec![("version", version.to_string())];
        let typed = (Typed::from_client(client), Faults::default());
        Self {
            edit: Some(FormView::new(here.clone(), hidden, typed, logo)),
            rotate: client
                .secret_hash
                .is_some()
                .then(|| format!("{here}/rotate")),
            revoke: Some(format!("{here}/revoke")),
            delete: None,
            version,
        }
    }
}

/// When and by whom it was revoked, as far as the trail tells.
async fn revoked(tx: &mut Tx, client: &Client, when: When) -> Result<RevokedView, Problem> {
    let entries = store::audit::client_changes(tx, &client.id, 5).await?;
    let act = Action::ClientRevoked.as_str();
    let entry = entries.into_iter().find(|entry| entry.action == act);
    let (by, reason) = entry.map_or((None, None), |entry| (Some(entry.actor), entry.reason));
    Ok(RevokedView { when, by, reason })
}
