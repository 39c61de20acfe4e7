//! Clients whose `client_id` is the address of a document that describes them (Client
//! ID Metadata Documents): which are accepted, and what a person reads when one is not.

use std::sync::Arc;

use actix_web::http::StatusCode;

use crate::{
    clock::Timestamp,
    config::ClientDocuments,
    domain::document::{ClientDocument, DocumentUrl, DocumentUrlError, Host},
    flow::authorize::{Proposal, Request},
    outbound::{documents::Error, fetch::FetchError},
    store,
    web::{problem::Problem, state::App},
};

/// The document of the client that asks, if its id is an address, for the person with this
/// subject. `shown` is the fingerprint of the document that they have read, when they have.
///
/// # Errors
/// A page, when the document is not accepted here or cannot be had.
pub async fn of_client(
    app: &App,
    request: &Request,
    person: &str,
    shown: Option<&str>,
    now: Timestamp,
) -> Result<Option<Arc<ClientDocument>>, Problem> {
    let client_id = request.client_id.as_deref().unwrap_or_default();
    if !DocumentUrl::is_meant(client_id) {
        return Ok(None);
    }
    let allowed = match &app.settings.client_documents {
        ClientDocuments::Off => return Err(not_accepted()),
        ClientDocuments::Any => None,
        ClientDocuments::List(hosts) => Some(hosts),
    };
    let url = DocumentUrl::parse(client_id).map_err(|error| unusable_address(&error))?;
    let host = url.host();
    if allowed.is_some_and(|hosts| !hosts.contains(&host)) {
        return Err(not_listed(&host));
    }
    let unavailable = |error| unavailable(&host, &error);
    let document = app.documents.get(&url, person, now, false).await;
    let document = document.map_err(unavailable)?;
    if !is_doubtful(app, &document, shown).await? {
        return Ok(Some(document));
    }
    let document = app.documents.get(&url, person, now, true).await;
    document.map(Some).map_err(unavailable)
}

/// Whether a kept document may be out of date: another replica recorded something
/// else, or the person was shown something else.
async fn is_doubtful(
    app: &App,
    document: &ClientDocument,
    shown: Option<&str>,
) -> Result<bool, store::Error> {
    if shown.is_some_and(|shown| shown != document.fingerprint()) {
        return Ok(true);
    }
    let mut tx = app.db.read().await?;
    let recorded = store::client::find(&mut tx, document.url.as_str()).await?;
    Ok(recorded.is_some_and(|client| !document.describes(&client)))
}

/// What to know about an app that nobody of the organization vouches for. A description
/// on the web proves nothing about a program on the person's own machine, which can name
/// any (MCP authorization, Localhost Redirect URI Risks).
pub fn unproven(proposal: &Proposal) -> Option<String> {
    let own_machine = proposal.redirect_uri.is_loopback();
    let sentence = match proposal.client.document_host() {
        Some(_) if own_machine => {
            "This name was chosen by the app itself, and any program on your computer can use \
             it. Allow it only if you started this just now."
        }
        Some(_) => {
            "This name was chosen by the app itself. Allow it only if you trust that site and \
             started this just now."
        }
        None => {
            "This name was chosen by the app itself. Allow it only if you started this just now."
        }
    };
    let unproven = proposal.client.names_itself();
    unproven.then(|| sentence.to_owned())
}

fn page(heading: &str, text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, heading, text)
}

fn not_accepted() -> Problem {
    page(
        "This app is not registered here",
        "It names itself by a web address, which this organization does not accept.",
    )
    .with_advice("Ask the administrators of Untether to register the app.")
}

fn unusable_address(error: &DocumentUrlError) -> Problem {
    page(
        "The app gave an address that cannot be used",
        format!("Its client_id should be the web address of its description, but {error}."),
    )
    .with_advice("Tell whoever makes the app.")
}

fn not_listed(host: &Host) -> Problem {
    page(
        "This app is not accepted here",
        format!("It is described at {host}, which is not on this organization's list."),
    )
    .with_advice(format!(
        "If you need it, ask the administrators of Untether to add {host} to \
         UNTETHER_CLIENT_DOCUMENT_HOSTS."
    ))
}

fn unavailable(host: &Host, error: &Error) -> Problem {
    let heading = "The app's description could not be read";
    match error {
        Error::Fetch(fetch) => {
            let page = page(
                heading,
                format!(
                    "The app is described by a file at {host}. Untether could not fetch it: {fetch}."
                ),
            );
            match fetch {
                FetchError::NotPublic => page.with_advice(format!(
                    "If {host} belongs to your organization, ask the administrators of Untether \
                     to add it to UNTETHER_CLIENT_DOCUMENT_PRIVATE_HOSTS."
                )),
                FetchError::Unreachable | FetchError::TooSlow => page
                    .with_advice("Try again from the app in a minute.")
                    .with_advice(
                        "If this goes on, ask the administrators of Untether whether it can \
                         reach the internet. If it cannot, UNTETHER_CLIENT_DOCUMENTS=off makes \
                         apps register themselves instead.",
                    ),
                _ => page.with_advice(format!("Tell whoever makes the app, or runs {host}.")),
            }
        }
        Error::Document(document) => page(
            heading,
            format!(
                "The app is described by a file at {host} that Untether cannot use: {document}."
            ),
        )
        .with_advice("Tell whoever makes the app."),
        Error::TooOften | Error::Busy => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many apps at once",
            format!("The app is described by a file at {host}, but {error}."),
        )
        .with_advice("Try again from the app in a minute."),
    }
}
