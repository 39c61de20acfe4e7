//! Registrations that a person cannot tell apart: hosts make a new one for each computer,
//! and each time that they have forgotten the last. They stay what they are, clients of
//! their own. They are counted among all clients, so only who sees all is told.

use crate::{
    clock::Timestamp,
    domain::{client::Client, ids::ClientId, role::Reach},
    store::{
        self, Tx,
        client_look::{self, Alike},
    },
};

use super::{moment, number, view::When};

/// How many are shown beside a client.
const SHOWN: usize = 10;

/// The others that look like a client.
#[derive(Clone, Debug)]
pub(super) struct Alikes {
    /// How many, in words.
    pub sentence: String,
    /// The newest.
    pub shown: Vec<Other>,
    /// How many are not shown, in words.
    pub more: Option<String>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub href: String,
    pub registered: When,
    pub connections: String,
    pub last_used: Option<When>,
    pub revoked: bool,
}

/// Those that look like the client; `None` when there are none to be told of.
pub(super) async fn of(
    tx: &mut Tx,
    client: &Client,
    reach: &Reach,
    now: Timestamp,
) -> store::Result<Option<Alikes>> {
    let Some(look) = client.look_alike().filter(|_| *reach == Reach::All) else {
        return Ok(None);
    };
    let others = client_look::others(tx, &client.id, &look, SHOWN).await?;
    let shown = others.len();
    let count = match shown < SHOWN {
        true => shown as i64,
        false => client_look::count_others(tx, &client.id, &look).await?,
    };
    let older = count - shown as i64;
    Ok((count > 0).then(|| Alikes {
        sentence: match count {
            1 => "1 other registration looks like this one".to_owned(),
            count => format!(
                "{} other registrations look like this one",
                number::grouped(count)
            ),
        },
        shown: others.into_iter().map(|alike| other(alike, now)).collect(),
        more: (older > 0).then(|| format!("and {} more that are older", number::grouped(older))),
    }))
}

fn other(alike: Alike, now: Timestamp) -> Other {
    Other {
        href: format!("/clients/{}", alike.id),
        registered: moment::dated(alike.created_at),
        connections: match alike.connections {
            0 => "no connections".to_owned(),
            count => number::connections(count),
        },
        last_used: alike.last_used_at.map(|at| moment::when(at, now)),
        revoked: alike.revoked_at.is_some(),
    }
}

/// What to note beside clients in a list: `1 of 12 that look alike`.
pub(super) async fn notes(
    tx: &mut Tx,
    reach: &Reach,
    ids: &[ClientId],
) -> store::Result<Vec<(ClientId, String)>> {
    if *reach != Reach::All {
        return Ok(Vec::new());
    }
    let counts = client_look::counts(tx, ids).await?;
    let note = |(id, count)| {
        (
            id,
            format!("1 of {} that look alike", number::grouped(count)),
        )
    };
    Ok(counts.into_iter().map(note).collect())
}
