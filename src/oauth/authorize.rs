//! `/oauth/authorize` (OAuth 2.1 §4.1.1): the page on which a person decides.
//! GET shows it and has no effect; POST acts on the decision.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    clock::Timestamp,
    console::{
        frame,
        view::{ConsentPage, ConsentView, Flash, ScopeChoice, Who},
    },
    domain::{
        audit::Actor,
        document::ClientDocument,
        role::{Identity, Principal},
        scope::ScopeSet,
        secret::Secret,
    },
    flow::{
        Context, ErrorCode, Outcome, Refusal,
        authorize::{self, Proposal, Request},
        consent::{self, Consent},
        register,
    },
    store::Tx,
    web::{
        form::Protected,
        headers::CONSENT_CONTENT_SECURITY_POLICY,
        html,
        params::{Params, Repeated},
        problem::Problem,
        state::App,
    },
};

use super::{document, refused};

/// Shows the consent page.
///
/// # Errors
/// A page, when the request cannot be answered by a redirect.
pub async fn show(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let request = request_of(&Params::parse(req.query_string().as_bytes()))?;
    let document = document::of_client(&app, &request, None, now).await?;
    let document = document.as_deref();
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let mut tx = app.db.snapshot().await?;
    let proposal = match authorize::propose(&mut tx, &context, &request, document).await? {
        Ok(proposal) => proposal,
        Err(unproposed) => return refused::unasked(&app, unproposed),
    };
    let frame = frame::build(&app, &principal, &session, &req, now);
    let consent = view(&app, &principal, &request, &proposal, document, now);
    ask(&req, ConsentPage { frame, consent })
}

/// The answer that asks.
fn ask(req: &HttpRequest, page: ConsentPage) -> Result<HttpResponse, Problem> {
    let mut response = html::page_no_store(req, StatusCode::OK, frame::render(&page)?);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(CONSENT_CONTENT_SECURITY_POLICY),
    );
    Ok(response)
}

/// Acts on the decision and sends the person back to the client.
///
/// # Errors
/// A page, when the form or the request is not acceptable.
pub async fn decide(
    app: Data<App>,
    principal: Principal,
    session: Session,
    req: HttpRequest,
    form: Protected,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = form.verify(&app, &principal, now)?;
    let request = request_of(&params)?;
    let decision = Decision::parse(&params)?;
    let context = app.context(now, Actor::Person(principal.identity.email.clone()), &req);
    let shown = params.one("document").map_err(repeated)?;
    let document = document::of_client(&app, &request, shown, now).await?;
    let document = document.as_deref();
    let mut tx = app.db.write().await?;
    if let Some(document) = document {
        register::document(&mut tx, &context, document).await?;
    }
    let proposal = match authorize::propose(&mut tx, &context, &request, document).await? {
        Ok(proposal) => proposal,
        Err(unproposed) => return refused::answered(&app, unproposed),
    };
    if document.is_some_and(|document| shown != Some(&document.fingerprint())) {
        let mut frame = frame::build(&app, &principal, &session, &req, now);
        frame.flash = Some(changed_meanwhile());
        let consent = view(&app, &principal, &request, &proposal, document, now);
        return ask(&req, ConsentPage { frame, consent });
    }
    let outcome = decision
        .carry_out(&mut tx, &context, &proposal, &principal.identity)
        .await?;
    tx.commit().await?;
    let (redirect_uri, state) = (proposal.redirect_uri.as_str(), proposal.state.as_deref());
    Ok(match outcome {
        Ok(code) => refused::send_back(&app, redirect_uri, state, &[("code", code.expose())]),
        Err(refusal) => refused::tell(&app, redirect_uri, state, &refusal),
    })
}

enum Decision {
    Allow { ticked: ScopeSet, nonce: String },
    Deny,
}

impl Decision {
    fn parse(params: &Params) -> Result<Self, Problem> {
        let one = |name| params.one(name).map_err(repeated);
        match one("decision")? {
            Some("allow") => {
                let ticked = ScopeSet::parse(&params.all("ticked").join(" "));
                Ok(Self::Allow {
                    ticked: ticked.map_err(|error| Problem::bad_request(error.to_string()))?,
                    nonce: one("nonce")?.unwrap_or_default().to_owned(),
                })
            }
            Some("deny") => Ok(Self::Deny),
            _ => Err(Problem::bad_request("Choose Allow or Deny.")),
        }
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        context: &Context<'_>,
        proposal: &Proposal,
        identity: &Identity,
    ) -> Outcome<Secret> {
        match self {
            Self::Allow { ticked, nonce } => {
                let consent = Consent {
                    identity,
                    ticked,
                    nonce,
                };
                consent::allow(tx, context, proposal, &consent).await
            }
            Self::Deny => {
                consent::deny(tx, context, proposal, identity).await?;
                let description = "the person said no";
                Ok(Err(Refusal::new(ErrorCode::AccessDenied, description)))
            }
        }
    }
}

/// Why a person is asked again who has just answered.
fn changed_meanwhile() -> Flash {
    let text = "The app has just changed its description. Read it again before you decide.";
    Flash {
        kind: "problem",
        text: text.to_owned(),
    }
}

fn request_of(params: &Params) -> Result<Request, Problem> {
    let one = |name| {
        params
            .one(name)
            .map(|value| value.map(str::to_owned))
            .map_err(repeated)
    };
    Ok(Request {
        client_id: one("client_id")?,
        redirect_uri: one("redirect_uri")?,
        response_type: one("response_type")?,
        state: one("state")?,
        scope: one("scope")?,
        code_challenge: one("code_challenge")?,
        code_challenge_method: one("code_challenge_method")?,
        resources: params
            .all("resource")
            .into_iter()
            .map(str::to_owned)
            .collect(),
    })
}

fn repeated(repeated: Repeated) -> Problem {
    Problem::bad_request(format!(
        "{repeated}. The app that sent you here made a mistake."
    ))
}

fn view(
    app: &App,
    principal: &Principal,
    request: &Request,
    proposal: &Proposal,
    document: Option<&ClientDocument>,
    now: Timestamp,
) -> ConsentView {
    let client = &proposal.client;
    let scopes = proposal.scopes.iter().map(|scope| ScopeChoice {
        name: scope.name.to_string(),
        description: scope.description.clone(),
        optional: scope.optional,
    });
    ConsentView {
        client: client.name.clone(),
        client_unproven: document::unproven(proposal),
        client_host: client.document_host().map(str::to_owned),
        project: proposal.project.name.clone(),
        resource: proposal.project.resource.as_str().to_owned(),
        person: Who {
            name: principal.identity.name.clone(),
            email: principal.identity.email.clone(),
            role: principal.role_word(),
        },
        not_you: app.settings.sign_out_url.clone(),
        scopes: scopes.collect(),
        sent_back_to: proposal.redirect_uri.host_and_port().to_owned(),
        lifetime: lifetime(app),
        manage_href: "/connections".to_owned(),
        hidden: hidden(request, document, app.secrets.nonce()),
        csrf: app.secrets.form_token(&principal.identity.subject, now),
    }
}

fn lifetime(app: &App) -> String {
    let idle = app.settings.idle_days;
    match app.settings.max_age_days {
        None => format!("until {idle} days unused"),
        Some(age) => format!("until {idle} days unused, {age} days at most"),
    }
}

/// The request again, for the form to send back, and which document was shown.
fn hidden(
    request: &Request,
    document: Option<&ClientDocument>,
    nonce: String,
) -> Vec<(String, String)> {
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
    let resources = request
        .resources
        .iter()
        .map(|resource| ("resource", resource.clone()));
    let shown = document.map(|document| ("document", document.fingerprint()));
    let all = single
        .chain(resources)
        .chain(shown)
        .chain([("nonce", nonce)]);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}
