//! Answers of `/oauth/authorize` that say no: to the client where it can be told, else
//! to the person.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};

use crate::{
    domain::redirect::RedirectUri,
    flow::{
        ErrorCode, Refusal,
        authorize::{Request, Unproposed, Untrusted},
    },
    web::{params::encode, problem::Problem, state::App},
};

use super::{
    dead_client,
    question::{self, Visit},
};

/// The answer to a request that the person has not seen yet.
///
/// # Errors
/// A page, unless the client can be told without asking the person.
pub fn unasked(
    visit: &Visit<'_>,
    request: &Request,
    unproposed: Unproposed,
) -> Result<HttpResponse, Problem> {
    match unproposed {
        Unproposed::Told {
            redirect_uri,
            state,
            refusal,
            unproven: true,
        } => Err(ask_before_telling(
            visit.app,
            &redirect_uri,
            state.as_deref(),
            &refusal,
        )),
        other => answered(visit, request, other),
    }
}

/// The answer to a request that the person has decided about.
///
/// # Errors
/// A page, when the client cannot be told.
pub fn answered(
    visit: &Visit<'_>,
    request: &Request,
    unproposed: Unproposed,
) -> Result<HttpResponse, Problem> {
    match unproposed {
        Unproposed::Untrusted(untrusted) => Err(page_for(untrusted)),
        Unproposed::Told {
            redirect_uri,
            state,
            refusal,
            ..
        } => {
            let redirect_uri = redirect_uri.as_str();
            Ok(tell(visit.app, redirect_uri, state.as_deref(), &refusal))
        }
        Unproposed::Choose { client, projects } => {
            question::ask(visit.req, &visit.choice(request, &client, projects))
        }
    }
}

/// Anybody can register an address anywhere, and then make a link to here that is refused:
/// nobody is sent on without a click (RFC 9700 §4.11.2).
fn ask_before_telling(
    app: &App,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    refusal: &Refusal,
) -> Problem {
    let address = address_back(app, redirect_uri.as_str(), state, &error(refusal));
    let host = redirect_uri.host_and_port();
    let (heading, what) = match refusal.code {
        ErrorCode::AccessDenied => ("You cannot connect this app", "Untether refused it"),
        _ => (
            "The app made a mistake",
            "It asked for something that Untether cannot give",
        ),
    };
    Problem::new(
        StatusCode::BAD_REQUEST,
        heading,
        format!(
            "{what}: {}. It can be told so at {host}, an address that the app chose itself.",
            refusal.description
        ),
    )
    .with_advice(format!(
        "If you did not start this yourself, or do not know {host}, close this page."
    ))
    .with_link(format!("Go to {host}"), address)
}

/// Sends the person back with an error (RFC 6749 §4.1.2.1).
pub fn tell(app: &App, redirect_uri: &str, state: Option<&str>, refusal: &Refusal) -> HttpResponse {
    tracing::info!(
        error = refusal.code.as_str(),
        description = refusal.description,
        "refused an authorization"
    );
    send_back(app, redirect_uri, state, &error(refusal))
}

fn error(refusal: &Refusal) -> [(&str, &str); 2] {
    [
        ("error", refusal.code.as_str()),
        ("error_description", refusal.description.as_str()),
    ]
}

/// Sends the person back to the client, by 303, which never repeats the form
/// (OAuth 2.1 §7.5.3).
pub fn send_back(
    app: &App,
    redirect_uri: &str,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> HttpResponse {
    let address = address_back(app, redirect_uri, state, answer);
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// Where the client gets the answer: always with `iss` (RFC 9207).
fn address_back(
    app: &App,
    redirect_uri: &str,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> String {
    let issuer = app.settings.public_url.issuer();
    let pairs = answer
        .iter()
        .copied()
        .chain(state.map(|state| ("state", state)))
        .chain([("iss", issuer.as_str())]);
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{separator}{}", encode(pairs))
}

/// What a person reads when their app cannot be told, and what to do in it.
fn page_for(untrusted: Untrusted) -> Problem {
    let page = |heading: &str, text: &str| Problem::new(StatusCode::BAD_REQUEST, heading, text);
    match untrusted {
        Untrusted::NoClient => page(
            "The app did not say who it is",
            "The link that brought you here has no client_id. Start again from the app.",
        ),
        Untrusted::UnknownClient => dead_client::unknown(),
        Untrusted::GoneClient(tombstone) => dead_client::gone(&tombstone),
        Untrusted::RevokedClient { name, origin, at } => dead_client::revoked(&name, origin, at),
        Untrusted::NoRedirect => page(
            "The app did not say where to send you back",
            "It has registered several addresses, so it must send a redirect_uri.",
        ),
        Untrusted::UnknownRedirect => page(
            "You were not sent back",
            "The app asked to send you to an address (redirect_uri) that it has not \
             registered here, so Untether stopped.",
        )
        .with_advice("If you did not start this yourself, close this page."),
    }
}
