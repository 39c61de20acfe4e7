//! From an authorization request to a connection (OAuth 2.1 §4.1.1): what a
//! client proposes, and what a person decides.

use crate::{
    clock::Timestamp,
    domain::{
        client::Client,
        document::ClientDocument,
        ids::ProjectId,
        pkce::CodeChallenge,
        project::{OfferedScope, Project, Slug},
        redirect::RedirectUri,
        resource::ResourceKey,
        scope::ScopeSet,
        tombstone::Tombstone,
    },
    store::{self, Tx},
};

use super::{Context, ErrorCode, Refusal, register};

/// The parameters of an authorization request, as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `response_type`.
    pub response_type: Option<String>,
    /// `state`, handed back unchanged.
    pub state: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `code_challenge` (RFC 7636).
    pub code_challenge: Option<String>,
    /// `code_challenge_method`.
    pub code_challenge_method: Option<String>,
    /// Every `resource` (RFC 8707).
    pub resources: Vec<String>,
}

/// A request that a person can decide about.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Who asks.
    pub client: Client,
    /// For which project.
    pub project: Project,
    /// Where the answer goes, as the client spelled it.
    pub redirect_uri: RedirectUri,
    /// What it asks for.
    pub scopes: Vec<OfferedScope>,
    /// The proof it must bring to redeem the code.
    pub code_challenge: CodeChallenge,
    /// What it wants back unchanged.
    pub state: Option<String>,
}

/// Why there is nothing to decide.
#[derive(Clone, Debug)]
pub enum Unproposed {
    /// The client or the redirect URI cannot be trusted, so the answer must not
    /// be sent there (OAuth 2.1 §4.1.2.1): a page says it instead.
    Untrusted(Untrusted),
    /// The client is told.
    Told {
        /// Where to.
        redirect_uri: RedirectUri,
        /// Its `state`.
        state: Option<String>,
        /// What is wrong.
        refusal: Refusal,
        /// Whether the address belongs to nobody that the organization knows.
        unproven: bool,
    },
}

/// Why a request cannot be answered by a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// No `client_id`.
    NoClient,
    /// A `client_id` nobody registered.
    UnknownClient,
    /// The client was removed.
    GoneClient(Tombstone),
    /// The client was revoked.
    RevokedClient {
        /// Its name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// No `redirect_uri`, and several to choose from.
    NoRedirect,
    /// A `redirect_uri` that is not registered.
    UnknownRedirect,
}

/// Reads a request without any effect. A client whose id is an address is what its
/// `document` says, recorded already or not.
///
/// # Errors
/// When the database fails.
pub async fn propose(
    tx: &mut Tx,
    context: &Context<'_>,
    request: &Request,
    document: Option<&ClientDocument>,
) -> store::Result<Result<Proposal, Unproposed>> {
    let trusted = trusted_client(tx, context, request, document).await?;
    let (client, redirect_uri) = match trusted {
        Ok(trusted) => trusted,
        Err(untrusted) => return Ok(Err(Unproposed::Untrusted(untrusted))),
    };
    match read(tx, request, &client).await? {
        Ok((project, scopes, code_challenge)) => Ok(Ok(Proposal {
            client,
            project,
            redirect_uri,
            scopes,
            code_challenge,
            state: request.state.clone(),
        })),
        Err(refusal) => Ok(Err(Unproposed::Told {
            unproven: client.names_itself() && redirect_uri.is_remote(),
            redirect_uri,
            state: request.state.clone(),
            refusal,
        })),
    }
}

async fn trusted_client(
    tx: &mut Tx,
    context: &Context<'_>,
    request: &Request,
    document: Option<&ClientDocument>,
) -> store::Result<Result<(Client, RedirectUri), Untrusted>> {
    let Some(client_id) = &request.client_id else {
        return Ok(Err(Untrusted::NoClient));
    };
    let recorded = store::client::find(tx, client_id).await?;
    let client = match document {
        Some(document) => Some(register::described(context, document, recorded)),
        None => recorded,
    };
    let Some(client) = client else {
        let gone = store::tombstone::find(tx, client_id).await?;
        return Ok(Err(
            gone.map_or(Untrusted::UnknownClient, Untrusted::GoneClient)
        ));
    };
    if let Some(at) = client.revoked_at {
        return Ok(Err(Untrusted::RevokedClient {
            name: client.name,
            at,
        }));
    }
    let redirect_uri = match (&request.redirect_uri, client.redirect_uris.as_slice()) {
        (Some(uri), _) if client.accepts_redirect(uri) => RedirectUri::from_stored(uri.clone()),
        (Some(_), _) => return Ok(Err(Untrusted::UnknownRedirect)),
        (None, [only]) => only.clone(),
        (None, _) => return Ok(Err(Untrusted::NoRedirect)),
    };
    Ok(Ok((client, redirect_uri)))
}

async fn read(
    tx: &mut Tx,
    request: &Request,
    client: &Client,
) -> store::Result<Result<(Project, Vec<OfferedScope>, CodeChallenge), Refusal>> {
    if request.response_type.as_deref() != Some("code") {
        return Ok(Err(Refusal::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        )));
    }
    let challenge = CodeChallenge::parse(
        request.code_challenge.as_deref(),
        request.code_challenge_method.as_deref(),
    );
    let challenge = match challenge {
        Ok(challenge) => challenge,
        Err(error) => return Ok(Err(invalid_request(error))),
    };
    let asked = match ScopeSet::parse(request.scope.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => {
            return Ok(Err(Refusal::new(
                ErrorCode::InvalidScope,
                error.to_string(),
            )));
        }
    };
    Ok(project_for(tx, &request.resources, client)
        .await?
        .map(|project| {
            let scopes = project.scopes_for(&asked);
            (project, scopes, challenge)
        }))
}

fn invalid_request(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, error.to_string())
}

/// The project a request is for: the one that `resource` names, else the one
/// the client belongs to, else the only one there is.
async fn project_for(
    tx: &mut Tx,
    resources: &[String],
    client: &Client,
) -> store::Result<Result<Project, Refusal>> {
    let unknown = |description: &str| Ok(Err(Refusal::new(ErrorCode::InvalidTarget, description)));
    let project = match resources {
        [resource] => match ResourceKey::of(resource) {
            Some(key) => store::project::by_resource(tx, &key).await?,
            None => None,
        },
        [] => match only_project(tx, client).await? {
            Some(id) => store::project::by_id(tx, &id).await?,
            None => {
                return unknown("resource is missing, and more than one project could be meant");
            }
        },
        [..] => return unknown("one resource at a time"),
    };
    let Some(project) = project else {
        return unknown("no project with this resource is known here");
    };
    if client
        .project
        .as_ref()
        .is_some_and(|own| *own != project.id)
    {
        return unknown("this client belongs to another project");
    }
    Ok(Ok(project))
}

async fn only_project(tx: &mut Tx, client: &Client) -> store::Result<Option<ProjectId>> {
    if client.project.is_some() {
        return Ok(client.project.clone());
    }
    let mut projects = store::project::two_besides(tx, &Slug::own()).await?;
    let first = projects.pop();
    Ok(first.filter(|_| projects.is_empty()))
}
