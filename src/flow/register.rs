//! New clients: made for a project, or registered by themselves (RFC 7591).

use crate::{
    domain::{
        audit::{Action, Subject},
        client::{Client, ClientType, Origin},
        ids::ClientId,
        project::Project,
        redirect::RedirectUri,
        secret::{Secret, SecretKind},
    },
    store::{self, Tx},
};

use super::Context;

/// The most redirect URIs a client may have.
pub const REDIRECT_LIMIT: usize = 20;

/// The private-use schemes (RFC 8252 §7.1) of well-known hosts that cannot
/// listen on a loopback port. Others are refused: any app can claim them.
pub const PRIVATE_SCHEMES: [&str; 6] = [
    "cursor",
    "claude",
    "vscode",
    "vscode-insiders",
    "windsurf",
    "zed",
];

/// What a new client is to be.
#[derive(Clone, Debug)]
pub struct NewClient<'a> {
    /// How it comes to be known.
    pub origin: Origin,
    /// The project it belongs to, for clients that people make.
    pub project: Option<&'a Project>,
    /// Its name, already parsed.
    pub name: String,
    /// Public or confidential.
    pub client_type: ClientType,
    /// Where it may ask to be sent back to; 1 to 20.
    pub redirect_uris: Vec<RedirectUri>,
}

/// Adds a client. Its secret, if it has one, is returned this once.
///
/// # Errors
/// When the database fails.
pub async fn client(
    tx: &mut Tx,
    context: &Context<'_>,
    new: NewClient<'_>,
) -> store::Result<(Client, Option<Secret>)> {
    let id: ClientId = context.secrets.new_id(context.now);
    let secret = match new.client_type {
        ClientType::Confidential => Some(context.secrets.generate(SecretKind::ClientSecret)),
        ClientType::Public => None,
    };
    let client = Client {
        identifier: id.to_string(),
        id,
        origin: new.origin,
        project: new.project.map(|project| project.id.clone()),
        name: new.name,
        client_type: new.client_type,
        secret_hash: secret
            .as_ref()
            .map(|secret| context.secrets.hash(secret.expose())),
        created_at: context.now,
        revoked_at: None,
        redirect_uris: new.redirect_uris,
    };
    store::client::insert(tx, &client).await?;
    for (position, uri) in client.redirect_uris.iter().enumerate() {
        store::client::insert_redirect_uri(tx, &client.id, position, uri).await?;
    }
    let action = match new.origin {
        Origin::Console | Origin::Api => Action::ClientCreated,
        Origin::Registered | Origin::Document => Action::ClientRegistered,
    };
    let about = Subject {
        client: Some((client.id.clone(), client.name.clone())),
        project: new
            .project
            .map(|project| (project.id.clone(), project.name.clone())),
        ..Subject::default()
    };
    store::audit::append(tx, &[context.event(action, about, None)]).await?;
    Ok((client, secret))
}
