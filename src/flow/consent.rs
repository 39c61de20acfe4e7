//! From a person's decision to a connection and its code (OAuth 2.1 §4.1.2).

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        audit::{Action, Event, Subject},
        block::Scope,
        connection::{Connection, Life},
        ids::{ConnectionId, PersonId},
        project::OfferedScope,
        role::{Identity, Reach},
        scope::ScopeSet,
        secret::Secret,
        words,
    },
    store::{self, Tx, code::Code, connection_list},
};

use super::{Context, ErrorCode, Refusal, archive, authorize::Proposal, block, revoke};

/// What a person decided, and where they were asked.
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// Who decided.
    pub identity: &'a Identity,
    /// The optional scopes that were left ticked.
    pub ticked: &'a ScopeSet,
    /// Which showing of the page was answered.
    pub nonce: &'a str,
    /// The connection that is to get more scopes; `None` to make another.
    pub widens: Option<&'a str>,
}

/// Makes the connection and its code, or a code that widens the connection that is there.
/// The same showing of the page answered twice gives the same code and one connection, and
/// `None` once that code has been redeemed or is too old: who brought it again would be taken
/// for a thief.
///
/// # Errors
/// When the database fails.
pub async fn allow(
    tx: &mut Tx,
    context: &Context<'_>,
    proposal: &Proposal,
    consent: &Consent<'_>,
) -> super::Outcome<Option<Secret>> {
    let code = code_for(context, proposal, consent);
    let hash = context.secrets.hash(code.expose());
    let person = see(tx, context, consent.identity).await?;
    if let Some(refusal) = hold(tx, proposal, &person).await? {
        return Ok(Err(refusal));
    }
    // The person's row is held since `see`, so a second click waits until the
    // first has committed, and then finds its code.
    if let Some(before) = store::code::find(tx, &hash).await? {
        let works = before.redeemed_at.is_none() && !code_expired(before.issued_at, context.now);
        return Ok(Ok(works.then_some(code)));
    }
    let granted = granted(proposal, consent);
    let (connection_id, scopes) = match consent.widens {
        None => {
            let made = make_connection(tx, context, proposal, consent, (person, granted));
            (made.await?, None)
        }
        Some(id) => match widen(tx, context, proposal, (id, &granted)).await? {
            Some(connection) => (connection, Some(granted.to_string())),
            None => {
                return Ok(Err(Refusal::new(
                    ErrorCode::AccessDenied,
                    "the connection that was to get more access has changed: try again",
                )));
            }
        },
    };
    store::code::insert(
        tx,
        &Code {
            hash,
            connection_id,
            scopes,
            redirect_uri: proposal.redirect_uri.as_str().to_owned(),
            code_challenge: proposal.code_challenge.as_str().to_owned(),
            issued_at: context.now,
            redeemed_at: None,
        },
    )
    .await?;
    Ok(Ok(Some(code)))
}

/// Holds the client and the project until the transaction ends, so that neither is ended
/// meanwhile; a refusal when one has been, or the client is blocked for this person.
async fn hold(
    tx: &mut Tx,
    proposal: &Proposal,
    person: &PersonId,
) -> store::Result<Option<Refusal>> {
    let (client, project) = (&proposal.client, &proposal.project);
    if !store::client::hold(tx, &client.id).await? {
        return Ok(Some(Refusal::new(
            ErrorCode::AccessDenied,
            "this client was revoked in the meantime",
        )));
    }
    if !store::project::hold_open(tx, &project.id).await? {
        return Ok(Some(archive::refusal()));
    }
    let scope = Scope {
        person: Some(person.clone()),
        project: Some(project.id.clone()),
    };
    block::refusal(tx, (&client.identity(), &client.name), &scope).await
}

/// Records that a person said no.
///
/// # Errors
/// When the database fails.
pub async fn deny(
    tx: &mut Tx,
    context: &Context<'_>,
    proposal: &Proposal,
    identity: &Identity,
) -> store::Result<()> {
    let person = see(tx, context, identity).await?;
    let subject = subject(proposal, person, identity);
    let event = context.event(Action::ConnectionDenied, subject, None);
    store::audit::append(tx, &[event]).await
}

async fn see(tx: &mut Tx, context: &Context<'_>, identity: &Identity) -> store::Result<PersonId> {
    let known = store::person::find(tx, &identity.subject).await?;
    let identity = &match known {
        Some(known) => identity.called_as(&known.identity),
        None => identity.clone(),
    };
    // Another name than before puts several connections elsewhere in lists. The right to
    // change several comes before the person's row, as for everyone else who takes it.
    let moved = store::person::is_sorted_otherwise(tx, identity).await?;
    if moved {
        store::lock_several(tx).await?;
    }
    let new_id = context.secrets.new_id(context.now);
    let person = store::person::see(tx, &new_id, identity, context.now).await?;
    if moved {
        store::person::sort(tx, &person, identity).await?;
    }
    Ok(person)
}

fn code_for(context: &Context<'_>, proposal: &Proposal, consent: &Consent<'_>) -> Secret {
    context.secrets.code_for(&[
        consent.nonce,
        &consent.identity.subject,
        &proposal.client.identifier,
        proposal.project.id.as_str(),
        proposal.redirect_uri.as_str(),
        proposal.code_challenge.as_str(),
        &consent.ticked.to_string(),
        consent.widens.unwrap_or_default(),
    ])
}

/// Notes that the person allowed more to a connection, and returns it; `None` when it is
/// not the one that they were shown. It gets the scopes when the code is redeemed.
async fn widen(
    tx: &mut Tx,
    context: &Context<'_>,
    proposal: &Proposal,
    (id, granted): (&str, &ScopeSet),
) -> store::Result<Option<ConnectionId>> {
    let shown = proposal.widens.as_ref();
    let Some(connection) = shown.filter(|shown| shown.id.as_str() == id) else {
        return Ok(None);
    };
    let rows = connection_list::by_ids(tx, &Reach::All, std::slice::from_ref(&connection.id));
    let detail = format!(
        "More for a connection that was there. Scopes: {granted}; before: {}.",
        connection.scopes
    );
    let rows = rows.await?;
    let events = rows.iter().map(|row| Event {
        detail: Some(detail.clone()),
        ..context.event(Action::ConnectionAuthorized, revoke::subject(row), None)
    });
    store::audit::append(tx, &events.collect::<Vec<_>>()).await?;
    Ok(Some(connection.id.clone()))
}

/// Adds the connection; an expired one of the same person, client and project
/// makes way for it and leaves it its name.
async fn make_connection(
    tx: &mut Tx,
    context: &Context<'_>,
    proposal: &Proposal,
    consent: &Consent<'_>,
    (person, granted): (PersonId, ScopeSet),
) -> store::Result<ConnectionId> {
    let (client, project) = (&proposal.client, &proposal.project);
    let cutoffs = context.rules.lifetimes.cutoffs(context.now);
    let replaced =
        store::connection_end::remove_expired(tx, &person, &client.id, &project.id, cutoffs)
            .await?;
    let about = subject(proposal, person.clone(), consent.identity);
    let mut events = Vec::new();
    let name = match replaced {
        None => words::connection_name(&client.name, context.secrets.dice()),
        Some((old, name)) => {
            let connection = Some((old, name.clone()));
            let about = Subject {
                connection,
                ..about.clone()
            };
            events.push(context.event(Action::ConnectionReplaced, about, None));
            name
        }
    };
    let connection = new_connection(context, proposal, (person, granted), name.clone());
    store::connection::insert(tx, &connection).await?;
    let about = Subject {
        connection: Some((connection.id.clone(), name)),
        ..about
    };
    let by_choice = "The app did not say which MCP server it means.";
    events.push(Event {
        detail: (!proposal.named_project).then(|| by_choice.to_owned()),
        ..context.event(Action::ConnectionAuthorized, about, None)
    });
    store::audit::append(tx, &events).await?;
    Ok(connection.id)
}

/// What was asked for, without what was unticked.
fn granted(proposal: &Proposal, consent: &Consent<'_>) -> ScopeSet {
    let kept = |scope: &&OfferedScope| !scope.optional || consent.ticked.contains(&scope.name);
    let kept = proposal.scopes.iter().filter(kept);
    kept.map(|scope| scope.name.clone()).collect()
}

fn new_connection(
    context: &Context<'_>,
    proposal: &Proposal,
    (person, scopes): (PersonId, ScopeSet),
    name: String,
) -> Connection {
    Connection {
        id: context.secrets.new_id(context.now),
        person,
        client: proposal.client.id.clone(),
        project: proposal.project.id.clone(),
        name,
        scopes,
        connected_at: None,
        life: Life {
            authorized_at: context.now,
            last_used_at: context.now,
            revoked: None,
        },
    }
}

fn subject(proposal: &Proposal, person: PersonId, identity: &Identity) -> Subject {
    Subject {
        connection: None,
        client: Some((proposal.client.id.clone(), proposal.client.name.clone())),
        project: Some((proposal.project.id.clone(), proposal.project.name.clone())),
        person: Some((person, identity.email.clone())),
    }
}

/// How long a code may wait to be redeemed.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// Whether a code issued then has run out.
pub fn code_expired(issued_at: Timestamp, now: Timestamp) -> bool {
    now.apart(issued_at) > CODE_LIFE
}
