//! New clients.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;

use crate::{
    clock::Timestamp,
    domain::{
        audit::Actor,
        client::{ClientType, Origin},
        ids::ClientId,
        project::{Project, Slug},
        role::Principal,
    },
    flow::register::{self, NewClient},
    store::{self, Tx},
    web::{
        form::Protected,
        html,
        params::{Params, encode},
        problem::Problem,
        session::{Flash, keep_flash},
        state::App,
    },
};

use crate::console::{
    frame,
    revoke::see_other,
    setup::{self, Preset},
    view::Frame,
};

use super::{
    changed_project,
    form::{Checked, FormView, Typed},
    path, secret,
};

/// Where hosts that run on people's own machines often listen.
const LOCAL_DEFAULTS: &str = "http://localhost/callback\nhttp://localhost/oauth/callback";

/// The page that asks for a new client.
#[derive(Debug, Template)]
#[template(path = "client_new.html")]
struct NewPage {
    frame: Frame,
    project: String,
    list_href: String,
    presets: Vec<PresetLink>,
    form: FormView,
}

/// A host for which the form is filled in, or not.
#[derive(Debug)]
struct PresetLink {
    name: &'static str,
    /// The same page with the host added, or left out.
    href: String,
    chosen: bool,
    /// What keeps a chosen one from working in some networks; may be empty.
    reach: &'static str,
}

/// `GET /projects/{slug}/clients/new`.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn ask(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let mut tx = app.db.snapshot().await?;
    let project = changed_project(&mut tx, &principal, &slug).await?;
    let params = Params::parse(req.query_string().as_bytes());
    let presets = Presets::parse(&params, &project);
    let sealed = Sealed::new(&app, &principal, &project.slug, now);
    let frame = frame::build(&app, &principal, &session, &req, now);
    let form = sealed.form(&project.slug, presets.typed());
    let page = NewPage::new(frame, &project, presets.links(&project.slug), form);
    Ok(html::page(&req, StatusCode::OK, frame::render(&page)?))
}

/// `POST /projects/{slug}/clients/new`: makes the client that the form is for, once.
///
/// # Errors
/// A page, when there is no such project for this person to change.
pub async fn act(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    slug: Path<String>,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let mut tx = app.db.write().await?;
    let project = changed_project(&mut tx, &principal, &slug).await?;
    let sealed = Sealed::open(&app, &principal, &project.slug, &params, now)?;
    if let Some(text) = made_before(&mut tx, &sealed.id).await? {
        keep_flash(&session, Flash::Done(text));
        return Ok(see_other(&path(&project.slug)));
    }
    let typed = Typed::of(&params);
    let frame = frame::build(&app, &principal, &session, &req, now);
    let checked = match typed.check(&app.settings.redirect_schemes) {
        Ok(checked) => checked,
        Err(faults) => {
            let mut form = sealed.form(&project.slug, typed);
            form.faults = faults;
            let body = frame::render(&NewPage::new(frame, &project, Vec::new(), form))?;
            return Ok(html::page(&req, StatusCode::BAD_REQUEST, body));
        }
    };
    let new = new_client(sealed.id, &project, checked, typed.confidential);
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let (client, made) = match register::client(&mut tx, &context, new).await {
        // The other click of a double one was faster.
        Err(error) if error.is_duplicate() => return Ok(see_other(&path(&project.slug))),
        made => made?,
    };
    tx.commit().await?;
    tracing::info!(client.id = %client.id, "a client was made");
    let title = format!("{} is registered", client.name);
    secret::page(&req, frame, title, (&client, &project), made.as_ref())
}

fn new_client(
    id: ClientId,
    project: &Project,
    checked: Checked,
    confidential: bool,
) -> NewClient<'_> {
    NewClient {
        id: Some(id),
        origin: Origin::Console,
        project: Some(project),
        name: checked.name,
        client_type: match confidential {
            true => ClientType::Confidential,
            false => ClientType::Public,
        },
        redirect_uris: checked.redirect_uris,
    }
}

/// The hosts that there are, and those for which the form is filled in.
struct Presets {
    known: Vec<Preset>,
    chosen: Vec<&'static str>,
}

impl Presets {
    /// Those that the address names; other words in it are none.
    fn parse(params: &Params, project: &Project) -> Self {
        let known = setup::presets(&project.resource);
        let asked = params.all("host");
        let keys = known.iter().map(|preset| preset.key);
        let chosen = keys.filter(|key| asked.contains(key)).collect();
        Self { known, chosen }
    }

    fn chosen(&self) -> impl Iterator<Item = &Preset> {
        let known = self.known.iter();
        known.filter(|preset| self.chosen.contains(&preset.key))
    }

    /// What the form holds at first.
    fn typed(&self) -> Typed {
        let name = match self.chosen().collect::<Vec<_>>().as_slice() {
            [only] => only.name.to_owned(),
            _ => String::new(),
        };
        let mut uris: Vec<&str> = Vec::new();
        for uri in self.chosen().flat_map(|preset| &preset.redirect_uris) {
            if !uris.contains(&uri.as_str()) {
                uris.push(uri);
            }
        }
        Typed {
            name,
            redirect_uris: match uris.is_empty() {
                true => LOCAL_DEFAULTS.to_owned(),
                false => uris.join("\n"),
            },
            confidential: false,
        }
    }

    fn links(&self, slug: &Slug) -> Vec<PresetLink> {
        let link = |preset: &Preset| {
            let chosen = self.chosen.contains(&preset.key);
            let others = self.chosen.iter().filter(|key| **key != preset.key);
            let added = (!chosen).then_some(&preset.key);
            let hosts = others.chain(added).map(|key| ("host", *key));
            PresetLink {
                name: preset.name,
                href: format!("{}?{}", new_path(slug), encode(hosts)),
                chosen,
                reach: if chosen { preset.reach } else { "" },
            }
        };
        self.known.iter().map(link).collect()
    }
}

/// What to say to a form that has made its client already.
async fn made_before(tx: &mut Tx, id: &ClientId) -> Result<Option<String>, Problem> {
    if let Some(client) = store::client::by_id(tx, id).await? {
        let name = &client.name;
        return Ok(Some(match client.client_type {
            ClientType::Public => format!("{name} was created before, and once only."),
            ClientType::Confidential => format!(
                "{name} was created before, and once only. Its secret was shown then: if nobody \
                 kept it, open the client and rotate the secret."
            ),
        }));
    }
    let gone = store::tombstone::find(tx, id.as_str()).await?;
    Ok(gone.map(|gone| format!("{} was created before, and has been deleted.", gone.name)))
}

/// Which client a form makes: its id is made with the form and sealed for this person and
/// project, so that the form makes one client however often it is sent, and no other.
struct Sealed {
    id: ClientId,
    seal: String,
}

impl Sealed {
    fn new(app: &App, principal: &Principal, slug: &Slug, now: Timestamp) -> Self {
        let id: ClientId = app.secrets.new_id(now);
        let seal = app.secrets.form_token(&Self::of(&id, principal, slug), now);
        Self { id, seal }
    }

    fn of(id: &ClientId, principal: &Principal, slug: &Slug) -> String {
        format!("{id} for {slug} by {}", principal.identity.subject)
    }

    fn open(
        app: &App,
        principal: &Principal,
        slug: &Slug,
        params: &Params,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let one = |name| params.one(name).ok().flatten();
        let id = one("id").and_then(ClientId::parse);
        let seal = one("seal").unwrap_or_default();
        let accepted = id.filter(|id| {
            let sealed = Self::of(id, principal, slug);
            app.secrets.accepts_form_token(seal, &sealed, now)
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

    fn form(&self, slug: &Slug, typed: Typed) -> FormView {
        let hidden = vec![("id", self.id.to_string()), ("seal", self.seal.clone())];
        FormView {
            asks_type: true,
            button: "Create client",
            ..FormView::new(new_path(slug), hidden, typed)
        }
    }
}

/// The address of the page that asks for a new client.
pub fn new_path(slug: &Slug) -> String {
    format!("{}/new", path(slug))
}

impl NewPage {
    fn new(frame: Frame, project: &Project, presets: Vec<PresetLink>, form: FormView) -> Self {
        Self {
            frame,
            project: project.name.clone(),
            list_href: path(&project.slug),
            presets,
            form,
        }
    }
}
