//! `/oauth/authorize` (OAuth 2.1 §4.1.1): the page on which a person decides.
//! GET shows it and has no effect; POST acts on the decision.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};

use crate::{
    console::view::Flash,
    domain::{
        audit::Actor,
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
        params::{Params, Repeated},
        problem::Problem,
        state::App,
    },
};

use super::{
    document,
    question::{self, Visit},
    refused,
};

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
    let identity = &principal.identity;
    let document = document::of_client(&app, &request, &identity.subject, None, now).await?;
    let document = document.as_deref();
    let context = app.context(now, Actor::Person(identity.email.clone()), &req);
    let visit = Visit::new(&app, &principal, &session, &req, now);
    let mut tx = app.db.snapshot().await?;
    let proposal = authorize::propose(&mut tx, &context, &request, identity, document).await?;
    let proposal = match proposal {
        Ok(proposal) => proposal,
        Err(unproposed) => return refused::unasked(&visit, &request, unproposed),
    };
    question::ask(
        &req,
        &visit.consent(&context, &request, &proposal, document),
    )
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
    let params = form.verify(&app, &principal, now);
    // From a page of errors no browser would go on to the app.
    let params = params.map_err(|problem| problem.but_not_again("Start again from the app."))?;
    let request = request_of(&params)?;
    let decision = Decision::parse(&params)?;
    let identity = &principal.identity;
    let context = app.context(now, Actor::Person(identity.email.clone()), &req);
    let shown = params.one("document").map_err(repeated)?;
    let document = document::of_client(&app, &request, &identity.subject, shown, now).await?;
    let document = document.as_deref();
    let mut tx = app.db.write().await?;
    if let Some(document) = document {
        register::document(&mut tx, &context, document).await?;
    }
    let visit = Visit::new(&app, &principal, &session, &req, now);
    let proposal = authorize::propose(&mut tx, &context, &request, identity, document).await?;
    let proposal = match proposal {
        Ok(proposal) => proposal,
        Err(unproposed) => return refused::answered(&visit, &request, unproposed),
    };
    let described = document.is_none_or(|document| shown == Some(&document.fingerprint()));
    let proposed = params.one("shown").map_err(repeated)? == Some(&proposal.fingerprint());
    if !described || (decision.allows() && !proposed) {
        let mut page = visit.consent(&context, &request, &proposal, document);
        page.frame.flash = Some(changed_meanwhile(described));
        return question::ask(&req, &page);
    }
    let outcome = decision
        .carry_out(&mut tx, &context, &proposal, identity)
        .await?;
    tx.commit().await?;
    let (redirect_uri, state) = (proposal.redirect_uri.as_str(), proposal.state.as_deref());
    Ok(match outcome {
        Ok(Some(code)) => refused::send_back(&app, redirect_uri, state, &[("code", code.expose())]),
        Ok(None) => return Err(answered_before(&proposal)),
        Err(refusal) => refused::tell(&app, redirect_uri, state, &refusal),
    })
}

enum Decision {
    Allow {
        ticked: ScopeSet,
        nonce: String,
        widens: Option<String>,
    },
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
                    widens: one("widens")?.map(str::to_owned),
                })
            }
            Some("deny") => Ok(Self::Deny),
            _ => Err(Problem::bad_request("Choose Allow or Deny.")),
        }
    }

    /// Whether something would be granted: to say no needs no second look.
    const fn allows(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        context: &Context<'_>,
        proposal: &Proposal,
        identity: &Identity,
    ) -> Outcome<Option<Secret>> {
        match self {
            Self::Allow {
                ticked,
                nonce,
                widens,
            } => {
                let consent = Consent {
                    identity,
                    ticked,
                    nonce,
                    widens: widens.as_deref(),
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

/// What a person reads who allows again what an app has taken, or might have, already.
fn answered_before(proposal: &Proposal) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "You have answered this before",
        format!(
            "{} was sent the answer, and nothing more was allowed now.",
            proposal.client.name
        ),
    )
    .with_advice("Go back to the app. If it is not connected, start again from there.")
    .with_link("Your connections", "/me")
}

/// Why a person is asked again who has just answered: something else would be granted
/// than what they read, or to an app that is described otherwise.
fn changed_meanwhile(described: bool) -> Flash {
    let text = if described {
        "What the app would be able to do, or where, was changed while you read. Nothing was \
         allowed. Read it again before you decide."
    } else {
        "The app has just changed its description. Read it again before you decide."
    };
    Flash {
        kind: "problem",
        text: text.to_owned(),
        link: None,
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
        chosen: one("project")?,
    })
}

fn repeated(repeated: Repeated) -> Problem {
    Problem::bad_request(format!(
        "{repeated}. The app that sent you here made a mistake."
    ))
}
