//! One client of a project: how it stands, and what can be changed about it.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    clock::Timestamp,
    console::{
        counts::{self, CountLinks},
        frame, moment,
        query::{Layout, ListQuery},
        revoke::see_other,
        view::{Frame, When},
    },
    domain::{
        audit::{Action, Actor},
        client::{Client, ClientType},
        project::Project,
        role::Principal,
    },
    flow,
    store::{self, Tx, audit::Entry, connection_filter::Statuses, connection_list},
    web::{
        form::Protected,
        html,
        params::Params,
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use super::{
    changed_project, client, client_path,
    form::{Faults, FormView, Typed},
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
    list_href: String,
    details_href: String,
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

/// What someone did to the client.
#[derive(Debug)]
struct ChangeView {
    who: String,
    what: String,
    when: When,
}

/// `GET /projects/{slug}/clients/{id}`.
///
/// # Errors
/// A page, when there is no such client in this person's sight.
pub async fn show(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    address: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let mut tx = app.db.snapshot().await?;
    let project = seen_project(&mut tx, &principal, &address.0).await?;
    let client = client(&mut tx, &project, &address.1).await?;
    let frame = frame::build(&app, &principal, &session, &req, now);
    let page = ClientPage::read(&mut tx, &app, &principal, frame, (client, project)).await?;
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

/// `POST /projects/{slug}/clients/{id}`: another name and other redirect URIs.
///
/// # Errors
/// A page, when there is no such client for this person to change.
pub async fn act(
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
    let checked = match Typed::of(&params).check(&app.settings.redirect_schemes) {
        Ok(checked) => checked,
        Err(faults) => {
            let frame = frame::build(&app, &principal, &session, &req, now);
            let read = ClientPage::read(&mut tx, &app, &principal, frame, (client, project));
            let page = read.await?.with_typed(&params, faults);
            return Ok(html::page(
                &req,
                StatusCode::BAD_REQUEST,
                frame::render(&page)?,
            ));
        }
    };
    let (name, uris) = (checked.name, checked.redirect_uris);
    let here = client_path(&project.slug, &client.id);
    // Also what a second click finds.
    if client.name == name && client.redirect_uris == uris && client.revoked_at.is_none() {
        return Ok(see_other(&here));
    }
    let seen = Client {
        version: version(&params)?,
        ..client
    };
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    if !flow::client::edit(&mut tx, &context, (&seen, &project), &name, &uris).await? {
        drop(tx);
        return changed_meanwhile(&app, &principal, &session, &req, &address, &params).await;
    }
    tx.commit().await?;
    keep_flash(&session, Flash::Done(format!("Saved {name}.")));
    Ok(see_other(&here))
}

/// Which state of the client a form was made from.
///
/// # Errors
/// A page, when the form does not say.
pub(super) fn version(params: &Params) -> Result<i64, Problem> {
    let version = params.one("version").ok().flatten();
    let version = version.and_then(|text| text.parse().ok());
    version.ok_or_else(|| {
        Problem::bad_request("The form does not say what it changes. Nothing was changed.")
    })
}

/// The page for someone whose change came too late: what others did meanwhile, and what
/// was typed.
pub(super) async fn changed_meanwhile(
    app: &App,
    principal: &Principal,
    session: &Session,
    req: &HttpRequest,
    address: &(String, String),
    params: &Params,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let mut tx = app.db.snapshot().await?;
    let project = changed_project(&mut tx, principal, &address.0).await?;
    let client = client(&mut tx, &project, &address.1).await?;
    let missed = client.version.saturating_sub(version(params)?).clamp(0, 10) as u32;
    let entries = store::audit::client_changes(&mut tx, &client.id, missed).await?;
    let frame = frame::build(app, principal, session, req, now);
    let mut page = ClientPage::read(&mut tx, app, principal, frame, (client, project)).await?;
    page.changes = entries.iter().map(|entry| change(entry, now)).collect();
    page.note = Some(match (&page.revoked, params.one("name")) {
        (Some(_), _) => "This client was revoked while you looked. Nothing was changed.".to_owned(),
        (None, Ok(Some(_))) => "This client was changed while you edited it, so nothing of yours \
             was saved. What you typed is below: save it again to have it as you typed it."
            .to_owned(),
        (None, _) => "This client was changed while you looked, so nothing was done. Look again, \
             and repeat it if you still want it."
            .to_owned(),
    });
    if page.revoked.is_none() && matches!(params.one("name"), Ok(Some(_))) {
        page = page.with_typed(params, Faults::default());
    }
    Ok(html::page(req, StatusCode::CONFLICT, frame::render(&page)?))
}

fn change(entry: &Entry, now: Timestamp) -> ChangeView {
    let is = |action: Action| entry.action == action.as_str();
    let what = match &entry.detail {
        Some(detail) if is(Action::ClientChanged) => detail.clone(),
        _ if is(Action::ClientSecretRotated) => "The secret was rotated.".to_owned(),
        _ if is(Action::ClientRevoked) => "The client was revoked.".to_owned(),
        _ => "The client was changed.".to_owned(),
    };
    ChangeView {
        who: entry.actor.clone(),
        what,
        when: moment::when(entry.at, now),
    }
}

impl ClientPage {
    /// The page as it is when nothing has been typed.
    pub(super) async fn read(
        tx: &mut Tx,
        app: &App,
        principal: &Principal,
        frame: Frame,
        (client, project): (Client, Project),
    ) -> Result<Self, Problem> {
        let now = app.clock.now();
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
        let may_change = principal.changes().covers_project(&project.id);
        Ok(Self {
            frame,
            note: None,
            changes: Vec::new(),
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
                Acts::of(&client, &project)
            } else {
                Acts::default()
            },
            revoked: ended,
            typed_name: String::new(),
            reason: String::new(),
            name: client.name,
            identifier: client.identifier,
            resource: project.resource.as_str().to_owned(),
            project: project.name,
        })
    }

    /// The same with what was typed to change it, and what is wrong with that.
    fn with_typed(mut self, params: &Params, faults: Faults) -> Self {
        if let Some(form) = &mut self.acts.edit {
            form.typed = Typed::of(params);
            form.faults = faults;
        }
        self
    }
}

impl Acts {
    fn of(client: &Client, project: &Project) -> Self {
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
        let typed = Typed::from_client(client);
        Self {
            edit: Some(FormView::new(here.clone(), hidden, typed)),
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
