//! From an authorization request to a connection (OAuth 2.1 §4.1.1): what a
//! client proposes, and what a person decides.

use crate::{
    clock::Timestamp,
    domain::{
        block::Scope,
        client::{Client, Origin},
        connection::Connection,
        document::ClientDocument,
        fingerprint,
        pkce::CodeChallenge,
        project::{OfferedScope, Project},
        redirect::RedirectUri,
        role::Identity,
        scope::ScopeSet,
        tombstone::{Cause, Tombstone},
    },
    store::{self, Tx, project::Endpoint},
};

use super::{
    Context, ErrorCode, Refusal, block, register, step_up,
    target::{self, Target},
};

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
    /// The slug of the project that the person chose, because the client named none.
    pub chosen: Option<String>,
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
    /// What it asked for instead, none of which the project offers.
    pub in_vain: Vec<String>,
    /// The proof it must bring to redeem the code.
    pub code_challenge: CodeChallenge,
    /// What it wants back unchanged.
    pub state: Option<String>,
    /// Whether the client named the project itself.
    pub named_project: bool,
    /// The connection that may be meant to get more scopes, rather than another one made.
    pub widens: Option<Connection>,
}

impl Proposal {
    /// A short name for what a person is asked to allow, to tell whether it still is what
    /// they were shown: which client and project, what they are called, where the answer goes,
    /// and what each scope says.
    pub fn fingerprint(&self) -> String {
        let said = self.scopes.iter().flat_map(|scope| {
            let optional = if scope.optional { "optional" } else { "" };
            [scope.name.as_str(), optional, &scope.description]
        });
        let parties = [
            self.client.identifier.as_str(),
            &self.client.name,
            self.redirect_uri.as_str(),
            self.project.id.as_str(),
            &self.project.name,
        ];
        fingerprint::of_lines(parties.into_iter().chain(said))
    }
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
    /// The client does not say which project it means: the person does.
    Choose {
        /// Who asks.
        client: Box<Client>,
        /// What there is to choose from.
        projects: Vec<Endpoint>,
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
        /// How it came to be known.
        origin: Origin,
        /// When.
        at: Timestamp,
    },
    /// No `redirect_uri`, and several to choose from.
    NoRedirect,
    /// A `redirect_uri` that is not registered.
    UnknownRedirect,
}

/// Reads a request of this person's without any effect. A client whose id is an address is what its
/// `document` says, recorded already or not.
///
/// # Errors
/// When the database fails.
pub async fn propose(
    tx: &mut Tx,
    context: &Context<'_>,
    request: &Request,
    identity: &Identity,
    document: Option<&ClientDocument>,
) -> store::Result<Result<Proposal, Unproposed>> {
    let trusted = trusted_client(tx, context, request, document).await?;
    let (client, redirect_uri) = match trusted {
        Ok(trusted) => trusted,
        Err(untrusted) => return Ok(Err(Unproposed::Untrusted(untrusted))),
    };
    let told = |refusal| {
        Err(Unproposed::Told {
            unproven: client.names_itself() && redirect_uri.is_remote(),
            redirect_uri: redirect_uri.clone(),
            state: request.state.clone(),
            refusal,
        })
    };
    let (asked, code_challenge) = match read(request) {
        Ok(read) => read,
        Err(refusal) => return Ok(told(refusal)),
    };
    let target = target::find(tx, request, &client, identity).await?;
    if let Some(blocked) = blocked(tx, &client, &target, identity).await? {
        return Ok(told(blocked));
    }
    let project = match target {
        Target::Project(project) => project,
        Target::Refused(refusal) => return Ok(told(refusal)),
        Target::OneOf(projects) => {
            let client = Box::new(client);
            return Ok(Err(Unproposed::Choose { client, projects }));
        }
    };
    let widens = step_up::find(tx, context, (identity, &client, &project), &asked).await?;
    Ok(Ok(Proposal {
        scopes: project.scopes_for(&asked),
        in_vain: project.asked_in_vain(&asked),
        client,
        project,
        redirect_uri,
        code_challenge,
        state: request.state.clone(),
        named_project: !request.resources.is_empty(),
        widens,
    }))
}

/// What the client is told if it is blocked for this person at the project that it asks for.
async fn blocked(
    tx: &mut Tx,
    client: &Client,
    target: &Target,
    identity: &Identity,
) -> store::Result<Option<Refusal>> {
    let person = store::person::find(tx, &identity.subject).await?;
    let scope = Scope {
        person: person.map(|person| person.id),
        project: match target {
            Target::Project(project) => Some(project.id.clone()),
            Target::OneOf(_) | Target::Refused(_) => None,
        },
    };
    block::refusal(tx, (&client.identity(), &client.name), &scope).await
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
    // What was revoked stays so when its row is gone, whatever its document says, and
    // though the answer to a consent may have recorded it anew in this transaction.
    if document.is_some()
        && let Some(gone) = store::tombstone::find(tx, client_id).await?
        && gone.cause == Cause::Revoked
    {
        return Ok(Err(Untrusted::GoneClient(gone)));
    }
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
            origin: client.origin,
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

/// What a request asks for, and the proof that the code will need.
fn read(request: &Request) -> Result<(ScopeSet, CodeChallenge), Refusal> {
    if request.response_type.as_deref() != Some("code") {
        return Err(Refusal::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        ));
    }
    // Neither the form that a person answers nor the database would keep them as they are.
    let kept = |c: char| !c.is_control() && c != char::REPLACEMENT_CHARACTER;
    if !request.state.iter().all(|state| state.chars().all(kept)) {
        return Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "state has control characters, or is not UTF-8",
        ));
    }
    let challenge = CodeChallenge::parse(
        request.code_challenge.as_deref(),
        request.code_challenge_method.as_deref(),
    )
    .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let asked = ScopeSet::parse(request.scope.as_deref().unwrap_or_default())
        .map_err(|error| Refusal::new(ErrorCode::InvalidScope, error.to_string()))?;
    Ok((asked, challenge))
}
