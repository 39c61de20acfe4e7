//! New clients: made for a project, registered by themselves (RFC 7591), or described
//! by a document (Client ID Metadata Documents).

use crate::{
    domain::{
        audit::{Action, Event, Subject},
        block::Scope,
        client::{Client, ClientType, Origin},
        document::ClientDocument,
        ids::ClientId,
        logo::LogoChoice,
        look_alike::LookAlike,
        project::Project,
        redirect::RedirectUri,
        secret::{Secret, SecretKind},
    },
    store::{self, Tx},
};

use super::{Context, Outcome, block};

pub use crate::domain::redirect::REDIRECT_LIMIT;

/// What a new client is to be.
#[derive(Clone, Debug)]
pub struct NewClient<'a> {
    /// Its id, when it was made with the form that asks for the client, so that the form
    /// makes it once; any when `None`.
    pub id: Option<ClientId>,
    /// How it comes to be known.
    pub origin: Origin,
    /// The project it belongs to, for clients that people make.
    pub project: Option<&'a Project>,
    /// Its name, already parsed.
    pub name: String,
    /// Public or confidential.
    pub client_type: ClientType,
    /// What people recognize it by; none for clients that introduce themselves.
    pub logo: LogoChoice,
    /// Where it may ask to be sent back to; 1 to 20.
    pub redirect_uris: Vec<RedirectUri>,
}

/// Adds a client that introduces itself, unless what it looks like is blocked.
///
/// # Errors
/// When the database fails.
pub async fn itself(
    tx: &mut Tx,
    context: &Context<'_>,
    new: NewClient<'_>,
) -> Outcome<(Client, Option<Secret>)> {
    // A block that is decided meanwhile either finds the new client, or is found.
    store::lock_several(tx).await?;
    let look = LookAlike::of(&new.name, &new.redirect_uris);
    match block::refusal(tx, (&look.into(), &new.name), &Scope::default()).await? {
        Some(blocked) => Ok(Err(blocked)),
        None => client(tx, context, new).await.map(Ok),
    }
}

/// Adds a client to the project that it names; `None` when that was archived.
///
/// # Errors
/// Like [`client`].
pub async fn of_project(
    tx: &mut Tx,
    context: &Context<'_>,
    new: NewClient<'_>,
) -> store::Result<Option<(Client, Option<Secret>)>> {
    if let Some(project) = new.project
        && !store::project::hold_open(tx, &project.id).await?
    {
        return Ok(None);
    }
    client(tx, context, new).await.map(Some)
}

/// Adds a client. Its secret, if it has one, is returned this once.
///
/// # Errors
/// When the database fails; a duplicate error when there is a client of this id.
pub async fn client(
    tx: &mut Tx,
    context: &Context<'_>,
    new: NewClient<'_>,
) -> store::Result<(Client, Option<Secret>)> {
    let id = new
        .id
        .unwrap_or_else(|| context.secrets.new_id(context.now));
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
        version: 1,
        logo: new.logo.instead_of(None),
        redirect_uris: new.redirect_uris,
    };
    if !store::client::insert(tx, &client).await? {
        return Err(store::Error::Duplicate);
    }
    insert_redirect_uris(tx, &client.id, &client.redirect_uris).await?;
    insert_picture(tx, &client.id, &new.logo).await?;
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

/// Keeps the picture of a client that has none yet, if one is chosen.
pub(super) async fn insert_picture(
    tx: &mut Tx,
    client: &ClientId,
    logo: &LogoChoice,
) -> store::Result<()> {
    match logo {
        LogoChoice::Picture(picture) => store::logo::insert_picture(tx, client, picture).await,
        LogoChoice::Same | LogoChoice::Letter | LogoChoice::Shape(_) => Ok(()),
    }
}

pub(super) async fn insert_redirect_uris(
    tx: &mut Tx,
    client: &ClientId,
    uris: &[RedirectUri],
) -> store::Result<()> {
    for (position, uri) in uris.iter().enumerate() {
        store::client::insert_redirect_uri(tx, client, position, uri).await?;
    }
    Ok(())
}

/// The client that a document describes: the one recorded for it, or else a new one.
/// Nothing is recorded by this.
pub fn described(
    context: &Context<'_>,
    document: &ClientDocument,
    recorded: Option<Client>,
) -> Client {
    let recorded = recorded.unwrap_or_else(|| Client {
        id: context.secrets.new_id(context.now),
        identifier: document.url.as_str().to_owned(),
        origin: Origin::Document,
        project: None,
        name: String::new(),
        client_type: ClientType::Public,
        secret_hash: None,
        created_at: context.now,
        revoked_at: None,
        version: 1,
        logo: None,
        redirect_uris: Vec::new(),
    });
    Client {
        name: document.name.clone(),
        redirect_uris: document.redirect_uris.clone(),
        ..recorded
    }
}

/// Records the client that a document describes, or what has changed in it since.
/// A revoked client stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn document(
    tx: &mut Tx,
    context: &Context<'_>,
    document: &ClientDocument,
) -> store::Result<()> {
    let recorded = store::client::find(tx, document.url.as_str()).await?;
    if recorded.is_some_and(|recorded| document.describes(&recorded)) {
        return Ok(());
    }
    // Another name puts several connections elsewhere in lists. The right to change
    // several comes before the client's row, as for everyone else who takes it.
    store::lock_several(tx).await?;
    let new = described(context, document, None);
    if store::client::insert(tx, &new).await? {
        insert_redirect_uris(tx, &new.id, &new.redirect_uris).await?;
        return append(tx, context, Action::ClientRegistered, &new, None).await;
    }
    let Some(id) = store::client::hold_by_identifier(tx, document.url.as_str()).await? else {
        return Ok(());
    };
    let recorded = store::client::find(tx, document.url.as_str()).await?;
    let Some(recorded) = recorded.filter(|recorded| !document.describes(recorded)) else {
        return Ok(());
    };
    if recorded.name != document.name {
        store::client::rename(tx, &recorded, &document.name).await?;
    }
    store::client::remove_redirect_uris(tx, &id).await?;
    insert_redirect_uris(tx, &id, &document.redirect_uris).await?;
    let changes = document.changes(&recorded);
    let client = described(context, document, Some(recorded));
    append(tx, context, Action::ClientChanged, &client, Some(changes)).await
}

async fn append(
    tx: &mut Tx,
    context: &Context<'_>,
    action: Action,
    client: &Client,
    detail: Option<String>,
) -> store::Result<()> {
    let about = Subject {
        client: Some((client.id.clone(), client.name.clone())),
        ..Subject::default()
    };
    let event = Event {
        detail,
        ..context.event(action, about, None)
    };
    store::audit::append(tx, &[event]).await
}
