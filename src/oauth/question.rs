//! What a person is asked on the way to a connection: whether to allow it, and before
//! that, where the client does not say it, which project it is for.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use askama::Template;

use crate::{
    clock::Timestamp,
    console::{
        frame, logo, moment,
        view::{
            ChoicePage, ConsentPage, ConsentView, Frame, ProjectChoice, ScopeChoice, ScopeGroup,
            Who, WidenChoice,
        },
    },
    domain::{client::Client, document::ClientDocument, role::Principal, scope::ScopeSet},
    flow::{
        Context,
        authorize::{Proposal, Request},
        step_up,
    },
    store::project::Endpoint,
    web::{
        headers::CONSENT_CONTENT_SECURITY_POLICY,
        html,
        params::{encode, shortened},
        problem::Problem,
        state::App,
    },
};

use super::document;

/// A person, before us with an authorization request.
pub struct Visit<'a> {
    /// The program.
    pub app: &'a App,
    /// The person.
    principal: &'a Principal,
    session: &'a Session,
    /// What the browser sent.
    pub req: &'a HttpRequest,
    now: Timestamp,
}

impl<'a> Visit<'a> {
    /// The visit of this person, now.
    pub fn new(
        app: &'a App,
        principal: &'a Principal,
        session: &'a Session,
        req: &'a HttpRequest,
        now: Timestamp,
    ) -> Self {
        Self {
            app,
            principal,
            session,
            req,
            now,
        }
    }

    /// The page that asks whether to allow it.
    pub fn consent(
        &self,
        context: &Context<'_>,
        request: &Request,
        proposal: &Proposal,
        document: Option<&ClientDocument>,
    ) -> ConsentPage {
        let (app, client) = (self.app, &proposal.client);
        let identity = &self.principal.identity;
        let consent = ConsentView {
            // A name that nobody vouches for gets no mark of its own.
            logo: (!client.names_itself()).then(|| logo::view(&client.name, client.logo.as_ref())),
            client: client.name.clone(),
            client_unproven: document::unproven(proposal),
            client_host: client.document_host().map(str::to_owned),
            project: proposal.project.name.clone(),
            resource: proposal.project.resource.as_str().to_owned(),
            person: Who {
                name: identity.name.clone(),
                email: identity.email.clone(),
                role: self.principal.role_word(),
            },
            not_you: app.settings.sign_out_url.clone(),
            scopes: scopes(proposal),
            in_vain: Some(shortened(&proposal.in_vain.join(" "))).filter(|names| !names.is_empty()),
            widens: self.widens(context, proposal),
            sent_back_to: proposal.redirect_uri.host_and_port().to_owned(),
            lifetime: lifetime(app),
            manage_href: "/me".to_owned(),
            hidden: hidden(request, (proposal, document), app.secrets.nonce()),
            csrf: app.secrets.form_token(&identity.subject, self.now),
        };
        let frame = self.frame();
        ConsentPage { frame, consent }
    }

    /// The page that asks which project the client is to use.
    pub fn choice(
        &self,
        request: &Request,
        client: &Client,
        projects: Vec<Endpoint>,
    ) -> ChoicePage {
        let choice = |project: Endpoint| {
            let named = [("project", project.slug.as_str())];
            let pairs = parameters(request);
            let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
            ProjectChoice {
                href: format!("/oauth/authorize?{}", encode(pairs.chain(named))),
                name: project.name,
                resource: project.resource.as_str().to_owned(),
            }
        };
        ChoicePage {
            frame: self.frame(),
            client: client.name.clone(),
            email: self.principal.identity.email.clone(),
            projects: projects.into_iter().map(choice).collect(),
        }
    }

    fn frame(&self) -> Frame {
        frame::build(self.app, self.principal, self.session, self.req, self.now)
    }

    fn widens(&self, context: &Context<'_>, proposal: &Proposal) -> Option<WidenChoice> {
        let connection = proposal.widens.as_ref()?;
        Some(WidenChoice {
            id: connection.id.as_str().to_owned(),
            name: connection.name.clone(),
            last_used: moment::when(connection.life.last_used_at, self.now),
            likely: step_up::is_likely(proposal, connection, context),
        })
    }
}

/// The answer that asks.
///
/// # Errors
/// When the page cannot be made.
pub fn ask(req: &HttpRequest, page: &impl Template) -> Result<HttpResponse, Problem> {
    let mut response = html::page_no_store(req, StatusCode::OK, frame::render(page)?);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(CONSENT_CONTENT_SECURITY_POLICY),
    );
    Ok(response)
}

/// What is asked for; where a connection may be meant that is there, what it does not
/// have yet stands first.
fn scopes(proposal: &Proposal) -> Vec<ScopeGroup> {
    let group = |legend, has: &dyn Fn(&ScopeChoice) -> bool| {
        let scopes = proposal.scopes.iter().map(|scope| ScopeChoice {
            name: scope.name.to_string(),
            description: scope.description.clone(),
            optional: scope.optional,
        });
        let scopes = scopes.filter(has).collect();
        ScopeGroup { legend, scopes }
    };
    let groups = match &proposal.widens {
        None => vec![group("It will be able to", &|_| true)],
        Some(connection) => {
            let has: &ScopeSet = &connection.scopes;
            vec![
                group("New: it will be able to", &|scope| {
                    !has.contains(scope.name.as_str())
                }),
                group("It can already", &|scope| has.contains(scope.name.as_str())),
            ]
        }
    };
    let asks = |group: &ScopeGroup| !group.scopes.is_empty();
    groups.into_iter().filter(asks).collect()
}

fn lifetime(app: &App) -> String {
    let idle = app.settings.idle_days;
    match app.settings.max_age_days {
        None => format!("until {idle} days unused"),
        Some(age) => format!("until {idle} days unused, {age} days at most"),
    }
}

/// The request again, for the form to send back, and what was shown: which proposal, of
/// which document.
fn hidden(
    request: &Request,
    (proposal, document): (&Proposal, Option<&ClientDocument>),
    nonce: String,
) -> Vec<(String, String)> {
    let chosen = request.chosen.clone().map(|slug| ("project", slug));
    let shown = document.map(|document| ("document", document.fingerprint()));
    let all = parameters(request)
        .into_iter()
        .chain(chosen)
        .chain(shown)
        .chain([("shown", proposal.fingerprint())])
        .chain([("nonce", nonce)]);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the client sent.
fn parameters(request: &Request) -> Vec<(&'static str, String)> {
    let single = [
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("response_type", &request.response_type),
        ("state", &request.state),
        ("scope", &request.scope),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let single = single
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)));
    let resources = request.resources.iter();
    single
        .chain(resources.map(|resource| ("resource", resource.clone())))
        .collect()
}
