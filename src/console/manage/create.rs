//! New clients.

use actix_web::{HttpResponse, http::StatusCode, web::Path};
use askama::Template;

use crate::{
    console::{logo, project_archive, view::Frame, visit::Visit},
    domain::{
        client::{ClientType, Origin},
        ids::ClientId,
        project::{Project, Slug},
        role::Principal,
    },
    flow::{
        client::Edit,
        register::{self, NewClient},
    },
    store::{self, Tx},
    web::{form::ProtectedUpload, params::Params, problem::Problem, session::Flash},
};

use super::{
    changed_project, client_path,
    form::{Faults, FormView, Typed},
    hosts::{CHOSEN, HostChoice},
    logo::TypedLogo,
    path, secret,
};

/// The page that asks for a new client.
#[derive(Debug, Template)]
#[template(path = "client_new.html")]
struct NewPage {
    frame: Frame,
    project: String,
    list_href: String,
    form: FormView,
}

/// `GET /projects/{slug}/clients/new`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn ask(visit: Visit, slug: Path<String>) -> Result<HttpResponse, Problem> {
    let mut tx = visit.app.db.snapshot().await?;
    let project = changed_project(&mut tx, &visit.principal, &slug).await?;
    if project.archived_at.is_some() {
        return Err(project_archive::refused(&project));
    }
    let params = Params::parse(visit.req.query_string().as_bytes());
    let hosts = HostChoice::new(&visit, &project, &params.all("host"));
    let typed = (hosts.filled_in(), Faults::default());
    let form = Sealed::new(&visit, &project.slug).form(&project.slug, typed, &hosts);
    visit.page(StatusCode::OK, &NewPage::new(visit.frame(), &project, form))
}

/// `POST /projects/{slug}/clients/new`: makes the client that the form is for, once, or
/// fills the form in for one more host.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn act(
    visit: Visit,
    slug: Path<String>,
    form: ProtectedUpload,
) -> Result<HttpResponse, Problem> {
    let (params, file) = visit.fields_and_file(form)?;
    let logo = TypedLogo::read(&visit, &slug, &params, file).await?;
    let mut tx = visit.app.db.write().await?;
    let project = changed_project(&mut tx, &visit.principal, &slug).await?;
    let sealed = Sealed::open(&visit, &project.slug, &params)?;
    if let Some(answer) = made_before(&mut tx, &visit, &project, &sealed.id).await? {
        return Ok(answer);
    }
    let typed = Typed::of(&params, logo);
    let hosts = HostChoice::new(&visit, &project, &params.all(CHOSEN));
    if let Some(host) = params.all("host").first() {
        let (hosts, typed) = hosts.turned(host, typed);
        // A file that cannot be used is not sent again.
        let faults = Faults {
            logo: typed.logo.choice().err(),
            ..Faults::default()
        };
        let form = sealed.form(&project.slug, (typed, faults), &hosts);
        return visit.page(StatusCode::OK, &NewPage::new(visit.frame(), &project, form));
    }
    let checked = match typed.check(&visit.app.settings.redirect_schemes) {
        Ok(checked) => checked,
        Err(faults) => {
            let form = sealed.form(&project.slug, (typed, faults), &hosts);
            let page = NewPage::new(visit.frame(), &project, form);
            return visit.page(StatusCode::BAD_REQUEST, &page);
        }
    };
    let id = sealed.id.clone();
    let new = new_client(sealed.id, &project, checked, typed.confidential);
    let made = match register::of_project(&mut tx, &visit.context(), new).await {
        // The other click of a double one was faster.
        Err(error) if error.is_duplicate() => {
            drop(tx);
            let mut tx = visit.app.db.snapshot().await?;
            let answer = made_before(&mut tx, &visit, &project, &id).await?;
            return answer.ok_or_else(Problem::not_found);
        }
        made => made?,
    };
    let Some((client, made)) = made else {
        return Err(project_archive::refused(&project));
    };
    tx.commit().await?;
    tracing::info!(client.id = %client.id, "a client was made");
    let title = format!("{} is registered", client.name);
    secret::page(&visit, title, (&client, &project), made.as_ref())
}

fn new_client(id: ClientId, project: &Project, checked: Edit, confidential: bool) -> NewClient<'_> {
    NewClient {
        id: Some(id),
        origin: Origin::Console,
        project: Some(project),
        name: checked.name,
        client_type: match confidential {
            true => ClientType::Confidential,
            false => ClientType::Public,
        },
        logo: checked.logo,
        redirect_uris: checked.redirect_uris,
    }
}

/// The answer to a form that has made its client already: the way to it, and what has
/// become of its secret.
async fn made_before(
    tx: &mut Tx,
    visit: &Visit,
    project: &Project,
    id: &ClientId,
) -> Result<Option<HttpResponse>, Problem> {
    if let Some(client) = store::client::by_id(tx, id).await? {
        let name = &client.name;
        let flash = match client.client_type {
            ClientType::Public => Flash::Done(format!("{name} was created, once only.")),
            ClientType::Confidential => Flash::Problem(format!(
                "{name} was created, once only, and its secret was shown in the first answer. \
                 If you did not get to keep it, rotate the secret below: nothing uses it yet."
            )),
        };
        let path = client_path(&project.slug, &client.id);
        return Ok(Some(visit.go_on(&path, flash)));
    }
    let gone = store::tombstone::find(tx, id.as_str()).await?;
    Ok(gone.map(|gone| {
        let said = format!("{} was created before, and has been deleted.", gone.name);
        visit.go_on(&path(&project.slug), Flash::Done(said))
    }))
}

/// Which client a form makes: its id is made with the form and sealed for this person and
/// project, so that the form makes one client however often it is sent, and no other.
struct Sealed {
    id: ClientId,
    seal: String,
}

impl Sealed {
    fn new(visit: &Visit, slug: &Slug) -> Self {
        let (secrets, now) = (&visit.app.secrets, visit.now);
        let id: ClientId = secrets.new_id(now);
        let seal = secrets.form_token(&Self::of(&id, &visit.principal, slug), now);
        Self { id, seal }
    }

    fn of(id: &ClientId, principal: &Principal, slug: &Slug) -> String {
        format!("{id} for {slug} by {}", principal.identity.subject)
    }

    fn open(visit: &Visit, slug: &Slug, params: &Params) -> Result<Self, Problem> {
        let one = |name| params.one(name).ok().flatten();
        let id = one("id").and_then(ClientId::parse);
        let seal = one("seal").unwrap_or_default();
        let accepted = id.filter(|id| {
            let sealed = Self::of(id, &visit.principal, slug);
            let secrets = &visit.app.secrets;
            secrets.accepts_form_token(seal, &sealed, visit.now)
        });
        let unusable = || {
            let text = "The form does not say which client it makes. Nothing was changed.";
            Problem::bad_request(text).with_link("New MCP client", new_path(slug))
        };
        Ok(Self {
            id: accepted.ok_or_else(unusable)?,
            seal: seal.to_owned(),
        })
    }

    fn form(&self, slug: &Slug, typed: (Typed, Faults), hosts: &HostChoice) -> FormView {
        let hidden = vec![("id", self.id.to_string()), ("seal", self.seal.clone())];
        let hidden = hidden.into_iter().chain(hosts.hidden()).collect();
        let name = match typed.0.name.trim() {
            "" => "A",
            name => name,
        };
        let logo = logo::view(name, None);
        FormView {
            hosts: hosts.buttons(),
            asks_type: true,
            button: "Create client",
            ..FormView::new(new_path(slug), hidden, typed, &logo)
        }
    }
}

/// The address of the page that asks for a new client.
pub fn new_path(slug: &Slug) -> String {
    format!("{}/new", path(slug))
}

impl NewPage {
    fn new(frame: Frame, project: &Project, form: FormView) -> Self {
        Self {
            frame,
            project: project.name.clone(),
            list_href: path(&project.slug),
            form,
        }
    }
}
