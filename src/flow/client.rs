//! What people do to the clients of a project: change them, give them another secret, end
//! them, and delete the record of one that has ended. How they are made is in
//! [`register`].

use std::collections::HashSet;

use crate::{
    domain::{
        audit::{Action, Subject},
        client::{Client, ClientType},
        ids::{ActId, ConnectionId},
        logo::LogoChoice,
        project::Project,
        redirect::RedirectUri,
        role::Reach,
        secret::{Secret, SecretKind},
        tombstone::{Cause, Tombstone},
    },
    store::{
        self, Tx, client_manage,
        client_sweep::{self, Outdated},
        connection_filter::{Filter, Statuses},
        connection_list,
        connection_sweep::{self, Outdated as OutdatedConnection},
        tombstone,
    },
};

use super::{
    Context, Event, register, revoke,
    revoke_matching::{self, BATCH, Confirmed},
};

/// What a client is to be from now on.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its name, already parsed.
    pub name: String,
    /// Its logo.
    pub logo: LogoChoice,
    /// Where it may ask to be sent back to; 1 to 20.
    pub redirect_uris: Vec<RedirectUri>,
}

impl Edit {
    /// What is different from now, in words; empty when nothing is.
    pub fn changes(&self, client: &Client) -> String {
        let logo = self.logo.instead_of(client.logo.as_ref());
        client.changes_to(&self.name, logo.as_ref(), &self.redirect_uris)
    }
}

/// Gives a client this name, this logo and these redirect URIs, if it still is as `client`
/// says and has not been revoked. Returns whether it did.
///
/// # Errors
/// When the database fails.
pub async fn edit(
    tx: &mut Tx,
    context: &Context<'_>,
    (client, project): (&Client, &Project),
    edit: &Edit,
) -> store::Result<bool> {
    // Another name puts several connections elsewhere in lists.
    store::lock_several(tx).await?;
    if !client_manage::claim(tx, client).await? {
        return Ok(false);
    }
    if client.name != edit.name {
        store::client::rename(tx, client, &edit.name).await?;
    }
    let logo = edit.logo.instead_of(client.logo.as_ref());
    if logo != client.logo {
        store::logo::set(tx, &client.id, logo.as_ref()).await?;
        store::logo::remove_picture(tx, &client.id).await?;
        register::insert_picture(tx, &client.id, &edit.logo).await?;
    }
    store::client::remove_redirect_uris(tx, &client.id).await?;
    register::insert_redirect_uris(tx, &client.id, &edit.redirect_uris).await?;
    let about = subject(client, &edit.name, project);
    let changed = Event {
        detail: Some(edit.changes(client)),
        ..context.event(Action::ClientChanged, about, None)
    };
    store::audit::append(tx, &[changed]).await?;
    Ok(true)
}

/// Gives a confidential client another secret, which is returned this once, if the client
/// still is as `client` says and has not been revoked. The old one stops working at once.
///
/// # Errors
/// When the database fails.
pub async fn rotate_secret(
    tx: &mut Tx,
    context: &Context<'_>,
    (client, project): (&Client, &Project),
) -> store::Result<Option<Secret>> {
    if client.client_type != ClientType::Confidential || !client_manage::claim(tx, client).await? {
        return Ok(None);
    }
    let secret = context.secrets.generate(SecretKind::ClientSecret);
    client_manage::set_secret(tx, &client.id, &context.secrets.hash(secret.expose())).await?;
    let about = subject(client, &client.name, project);
    let rotated = context.event(Action::ClientSecretRotated, about, None);
    store::audit::append(tx, &[rotated]).await?;
    Ok(Some(secret))
}

/// What came of revoking a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// How many connections end with it.
    pub connections: u64,
    /// What ends the rest of them, when there are more than one transaction should hold.
    pub act: Option<ActId>,
}

/// Ends a client with all of its connections; `None` when it had been ended before.
///
/// Nothing of it works from the commit on, because every use of a connection looks at its
/// client too. The first [`BATCH`] connections are recorded as revoked at the same moment;
/// for the others see [`revoke_matching`].
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    tx: &mut Tx,
    context: &Context<'_>,
    (client, project): (&Client, Option<&Project>),
    subject: &str,
    reason: Option<&str>,
) -> store::Result<Option<Revoked>> {
    store::lock_several(tx).await?;
    if !client_manage::revoke(tx, &client.id, context.now).await? {
        return Ok(None);
    }
    let matching = revoke_matching::matching(tx, &unrevoked(context, client)).await?;
    let connections = matching.fingerprint.count();
    let about = Subject {
        client: Some((client.id.clone(), client.name.clone())),
        project: project.map(|project| (project.id.clone(), project.name.clone())),
        ..Subject::default()
    };
    let revoked = Event {
        detail: Some(format!("Connections that end with it: {connections}.")),
        ..context.event(Action::ClientRevoked, about, reason)
    };
    store::audit::append(tx, &[revoked]).await?;
    let confirmed = Confirmed {
        act: context.secrets.new_id(context.now),
        subject: subject.to_owned(),
        filter: format!("client {}", client.name),
        reason: Some(reason.unwrap_or("Its client was revoked.").to_owned()),
    };
    let mut act = None;
    if connections > 0
        && let Some(stored) =
            revoke_matching::store_act(tx, context, confirmed, Some(&client.name), &matching)
                .await?
    {
        revoke_matching::advance(tx, context, &stored).await?;
        act = (connections > BATCH as u64).then_some(stored.id);
    }
    Ok(Some(Revoked { connections, act }))
}

/// The connections of a client that have not been revoked.
fn unrevoked(context: &Context<'_>, client: &Client) -> Filter {
    Filter {
        clients: vec![client.id.clone()],
        statuses: Statuses::UNREVOKED,
        ..Filter::all(Reach::All, context.rules.lifetimes.cutoffs(context.now))
    }
}

/// What came of a step of deleting a client's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone, and a tombstone stands in its place.
    Done,
    /// Records of connections went; there are more.
    More,
    /// Another act was faster.
    Gone,
    /// It stays: it, or one of its connections, has not been revoked.
    InUse,
}

/// Deletes the record of a revoked client with those of its connections, up to [`BATCH`] of
/// these at a time, and leaves a tombstone.
///
/// # Errors
/// When the database fails.
pub async fn delete(
    tx: &mut Tx,
    context: &Context<'_>,
    (client, project): (&Client, &Project),
) -> store::Result<Deletion> {
    if client.revoked_at.is_none() {
        return Ok(Deletion::InUse);
    }
    store::lock_several(tx).await?;
    let id = std::slice::from_ref(&client.id);
    client_sweep::hold(tx, id).await?;
    if store::client::by_id(tx, &client.id).await?.is_none() {
        return Ok(Deletion::Gone);
    }
    let ids = client_manage::connections(tx, &client.id, BATCH).await?;
    if delete_connections(tx, context, &ids).await? < ids.len() {
        return Ok(Deletion::InUse);
    }
    if ids.len() == BATCH {
        return Ok(Deletion::More);
    }
    let removed = client_sweep::remove(tx, Outdated::Revoked(context.now), id).await?;
    let Some(removed) = removed.into_iter().next() else {
        return Ok(Deletion::InUse);
    };
    let about = subject(client, &removed.name, project);
    let deleted = context.event(Action::ClientDeleted, about, None);
    store::audit::append(tx, &[deleted]).await?;
    let tombstone = Tombstone {
        identifier: removed.identifier,
        name: removed.name,
        cause: Cause::Revoked,
        ended_at: removed.revoked_at.unwrap_or(context.now),
        removed_at: context.now,
    };
    tombstone::add(tx, &[tombstone]).await?;
    Ok(Deletion::Done)
}

/// Deletes the records of those of the connections that have been revoked, and returns how
/// many there were.
async fn delete_connections(
    tx: &mut Tx,
    context: &Context<'_>,
    ids: &[ConnectionId],
) -> store::Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let listed = connection_list::by_ids(tx, &Reach::All, ids).await?;
    let outdated = OutdatedConnection::Revoked(context.now);
    let deleted = connection_sweep::remove(tx, outdated, ids).await?;
    let deleted: HashSet<_> = deleted.into_iter().collect();
    let events: Vec<_> = listed
        .iter()
        .filter(|row| deleted.contains(&row.id))
        .map(|row| context.event(Action::ConnectionDeleted, revoke::subject(row), None))
        .collect();
    store::audit::append(tx, &events).await?;
    Ok(deleted.len())
}

fn subject(client: &Client, name: &str, project: &Project) -> Subject {
    Subject {
        client: Some((client.id.clone(), name.to_owned())),
        project: Some((project.id.clone(), project.name.clone())),
        ..Subject::default()
    }
}
