//! The two grants of the token endpoint (OAuth 2.1 §4.1.3 and §4.3): a code or
//! a refresh token for a new pair of tokens.

use std::time::Duration;

use crate::{
    domain::{
        audit::Actor,
        block::Scope,
        client::Client,
        connection::Connection,
        ids::ConnectionId,
        pkce::CodeChallenge,
        project::Members,
        resource::ResourceKey,
        scope::ScopeSet,
        secret::{Secret, SecretHash, SecretKind},
    },
    store::{
        self, Tx,
        code::Code,
        token::{Token, TokenKind},
    },
};

use super::{
    Context, ErrorCode, Outcome, Refusal, block, consent, revoke, seen::NO_MEMBER, step_up,
};

/// What a client receives.
#[derive(Debug)]
pub struct Issued {
    /// What they are for.
    pub connection: ConnectionId,
    /// The access token.
    pub access_token: Secret,
    /// How long it works.
    pub expires_in: Duration,
    /// The refresh token.
    pub refresh_token: Secret,
    /// The scopes of the access token.
    pub scopes: ScopeSet,
}

/// The parameters of an `authorization_code` request.
#[derive(Clone, Debug)]
pub struct CodeRequest<'a> {
    /// `code`.
    pub code: &'a str,
    /// `code_verifier` (RFC 7636 §4.5).
    pub code_verifier: &'a str,
    /// `redirect_uri`; compared when it is sent (OAuth 2.1 §10.2).
    pub redirect_uri: Option<&'a str>,
    /// Every `resource` (RFC 8707).
    pub resources: Vec<&'a str>,
}

/// Redeems an authorization code.
///
/// # Errors
/// When the database fails.
pub async fn exchange(
    tx: &mut Tx,
    context: &Context<'_>,
    client: &Client,
    request: &CodeRequest<'_>,
) -> Outcome<Issued> {
    let hash = context.secrets.hash(request.code);
    let Some(code) = store::code::find(tx, &hash).await? else {
        return Ok(Err(invalid_grant("this code is not known")));
    };
    let connection = store::connection::hold(tx, &code.connection_id).await?;
    let Some(connection) = connection.filter(|held| held.client == client.id) else {
        return Ok(Err(invalid_grant("this code is not known")));
    };
    // Who cannot prove that the code is theirs ends nothing with it either.
    if let Err(refusal) = check_proof(&code, request) {
        return Ok(Err(refusal));
    }
    if code.redeemed_at.is_some() {
        return used_twice(tx, context, &connection.id, CODE_TWICE).await;
    }
    if consent::code_expired(code.issued_at, context.now) {
        return Ok(Err(invalid_grant("this code is too old: start again")));
    }
    if let Err(refusal) =
        check_connection(tx, context, (client, &connection), &request.resources).await?
    {
        return Ok(Err(refusal));
    }
    if !store::code::redeem(tx, &hash, context.now).await? {
        return used_twice(tx, context, &connection.id, CODE_TWICE).await;
    }
    let connection = match code.widens_to()? {
        Some(scopes) => {
            // What another step-up gave it since the person was asked, nobody took away.
            let since = connection.life.authorized_at > code.issued_at;
            let scopes = match since {
                true => scopes.union(&connection.scopes),
                false => scopes,
            };
            step_up::widen(tx, context, connection, scopes).await?
        }
        None => connection,
    };
    let granted = &connection.scopes;
    issue(tx, context, &connection, granted, granted)
        .await
        .map(Ok)
}

fn check_proof(code: &Code, request: &CodeRequest<'_>) -> Result<(), Refusal> {
    if request
        .redirect_uri
        .is_some_and(|uri| uri != code.redirect_uri)
    {
        return Err(invalid_grant(
            "redirect_uri is not the one that the code was sent to",
        ));
    }
    if !CodeChallenge::from_stored(code.code_challenge.clone()).verify(request.code_verifier) {
        return Err(invalid_grant(
            "code_verifier does not match the code_challenge",
        ));
    }
    Ok(())
}

/// The parameters of a `refresh_token` request.
#[derive(Clone, Debug)]
pub struct RefreshRequest<'a> {
    /// `refresh_token`.
    pub refresh_token: &'a str,
    /// `scope`, to ask for less than was granted.
    pub scope: Option<&'a str>,
    /// Every `resource` (RFC 8707).
    pub resources: Vec<&'a str>,
}

/// Exchanges a refresh token, which is replaced by a new one (OAuth 2.1 §4.3.1).
///
/// A token that was replaced a moment ago still answers with a pair of its own,
/// because processes that share it race each other; one replaced before that
/// has been copied, and ends the connection.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    tx: &mut Tx,
    context: &Context<'_>,
    client: &Client,
    request: &RefreshRequest<'_>,
) -> Outcome<Issued> {
    let hash = context.secrets.hash(request.refresh_token);
    let unknown = || {
        Ok(Err(invalid_grant(
            "this refresh token does not work: connect again",
        )))
    };
    let found = store::token::find(tx, &hash).await?;
    let Some(token) = found.filter(|token| token.kind == TokenKind::Refresh) else {
        return unknown();
    };
    let connection = store::connection::hold(tx, &token.connection_id).await?;
    let Some(connection) = connection.filter(|held| held.client == client.id) else {
        return unknown();
    };
    if token.expires_at <= context.now {
        return unknown();
    }
    const REUSED: &str = "The client used an old refresh token again.";
    let (lifetimes, grace) = (&context.rules.lifetimes, context.rules.refresh_grace);
    let is_old = |at| context.now.apart(at) > grace;
    // Whatever else is wrong with the request.
    if token.rotated_at.is_some_and(is_old) && connection.life.is_active(lifetimes, context.now) {
        return used_twice(tx, context, &connection.id, REUSED).await;
    }
    if let Err(refusal) =
        check_connection(tx, context, (client, &connection), &request.resources).await?
    {
        return Ok(Err(refusal));
    }
    // A step-up may have left out since what this token carries.
    let granted = token.granted()?.intersection(&connection.scopes);
    let scopes = match narrowed(tx, &connection, &granted, request.scope).await? {
        Ok(scopes) => scopes,
        Err(refusal) => return Ok(Err(refusal)),
    };
    store::token::remove_expired(tx, &connection.id, context.now).await?;
    let first = store::token::rotate(tx, &hash, context.now).await?;
    if !first && !is_in_grace(tx, context, &hash).await? {
        return used_twice(tx, context, &connection.id, REUSED).await;
    }
    issue(tx, context, &connection, &granted, &scopes)
        .await
        .map(Ok)
}

/// Whether a token was replaced so short a time ago that it still answers. It is read again:
/// it may have been replaced while this request waited.
async fn is_in_grace(tx: &mut Tx, context: &Context<'_>, hash: &SecretHash) -> store::Result<bool> {
    let token = store::token::find(tx, hash).await?;
    let rotated_at = token.and_then(|token| token.rotated_at);
    Ok(rotated_at.is_some_and(|at| context.now.apart(at) <= context.rules.refresh_grace))
}

/// The scopes of the new access token. What the project does not offer is left out, as it
/// is when a person is asked: clients ask for `offline_access` or `openid` again at each
/// refresh. What it does offer and nobody granted is refused.
async fn narrowed(
    tx: &mut Tx,
    connection: &Connection,
    granted: &ScopeSet,
    asked: Option<&str>,
) -> Outcome<ScopeSet> {
    let asked = match ScopeSet::parse(asked.unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => {
            return Ok(Err(Refusal::new(
                ErrorCode::InvalidScope,
                error.to_string(),
            )));
        }
    };
    if !asked.is_subset(granted) {
        let project = store::project::by_id(tx, &connection.project).await?;
        let offered = project
            .map(|project| project.scope_names())
            .unwrap_or_default();
        if asked
            .iter()
            .any(|scope| offered.contains(scope) && !granted.contains(scope))
        {
            return Ok(Err(Refusal::new(
                ErrorCode::InvalidScope,
                "a refresh cannot add scopes: connect again to ask for more",
            )));
        }
    }
    let kept = asked.intersection(granted);
    Ok(Ok(if kept.is_empty() {
        granted.clone()
    } else {
        kept
    }))
}

/// Whether tokens may be issued for a connection, whose row is held.
async fn check_connection(
    tx: &mut Tx,
    context: &Context<'_>,
    (client, connection): (&Client, &Connection),
    resources: &[&str],
) -> Outcome<()> {
    let parties = store::connection::parties(tx, &connection.id).await?;
    // Before anything that says "connect again", which would be refused.
    if parties.blocked {
        let scope = Scope {
            person: Some(connection.person.clone()),
            project: Some(connection.project.clone()),
        };
        let refusal = block::refusal(tx, (&client.identity(), &client.name), &scope).await?;
        let ended = || invalid_grant("this client was blocked");
        return Ok(Err(refusal.unwrap_or_else(ended)));
    }
    if parties.archived_at.is_some() {
        return Ok(Err(invalid_grant("this MCP server is archived")));
    }
    if parties.client_revoked_at.is_some() {
        return Ok(Err(invalid_grant("this client was revoked")));
    }
    if parties.person_deactivated_at.is_some() {
        return Ok(Err(invalid_grant("this person no longer has access")));
    }
    if !connection
        .life
        .is_active(&context.rules.lifetimes, context.now)
    {
        return Ok(Err(invalid_grant(
            "this connection has ended: connect again",
        )));
    }
    let members = parties.members()?;
    if members != Members::Anyone
        && let Some(person) = store::person::by_id(tx, &connection.person).await?
        && members.exclude(&person.identity)
    {
        return no_member(tx, context, &connection.id).await;
    }
    let key = Some(parties.resource_key());
    if resources
        .iter()
        .any(|resource| ResourceKey::of(resource) != key)
    {
        return Ok(Err(Refusal::new(
            ErrorCode::InvalidTarget,
            "resource is not the one that this connection is for",
        )));
    }
    Ok(Ok(()))
}

/// Makes a refresh token for what was `granted` and an access token for `scopes`, which
/// may be less.
async fn issue(
    tx: &mut Tx,
    context: &Context<'_>,
    connection: &Connection,
    granted: &ScopeSet,
    scopes: &ScopeSet,
) -> store::Result<Issued> {
    let now = context.now;
    let access_token = context.secrets.generate(SecretKind::AccessToken);
    let refresh_token = context.secrets.generate(SecretKind::RefreshToken);
    let token = |secret: &Secret, kind, scopes: &ScopeSet, life| Token {
        hash: context.secrets.hash(secret.expose()),
        kind,
        connection_id: connection.id.clone(),
        scopes: scopes.to_string(),
        issued_at: now,
        expires_at: now.plus(life),
        rotated_at: None,
    };
    let expires_in = context.rules.access_token;
    // A refresh token outlives the idle window that its access token can stretch.
    let refresh_life = context.rules.lifetimes.idle + expires_in;
    store::token::insert_pair(
        tx,
        [
            &token(&access_token, TokenKind::Access, scopes, expires_in),
            &token(&refresh_token, TokenKind::Refresh, granted, refresh_life),
        ],
    )
    .await?;
    store::connection::touch(tx, &connection.id, now).await?;
    Ok(Issued {
        connection: connection.id.clone(),
        access_token,
        expires_in,
        refresh_token,
        scopes: scopes.clone(),
    })
}

/// Why a connection ended whose code came twice.
const CODE_TWICE: &str = "An authorization code was used twice.";

/// A code or token that works once came twice: one of the two senders is not
/// the client, and nobody can tell which (RFC 9700 §4.14.2).
async fn used_twice(
    tx: &mut Tx,
    context: &Context<'_>,
    connection: &ConnectionId,
    reason: &str,
) -> Outcome<Issued> {
    end(tx, context, connection, reason).await.map(Err)
}

/// Whoever no longer belongs to those who may connect has lost the connection. It ends,
/// so that nobody takes it for one that works.
async fn no_member(tx: &mut Tx, context: &Context<'_>, connection: &ConnectionId) -> Outcome<()> {
    end(tx, context, connection, NO_MEMBER).await.map(Err)
}

/// Ends a connection by a rule, and says so to the client.
async fn end(
    tx: &mut Tx,
    context: &Context<'_>,
    connection: &ConnectionId,
    reason: &str,
) -> store::Result<Refusal> {
    let context = Context {
        actor: Actor::Untether,
        ..context.clone()
    };
    revoke::one(tx, &context, connection, Some(reason)).await?;
    Ok(invalid_grant(reason))
}

fn invalid_grant(description: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidGrant, description)
}
