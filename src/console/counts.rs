//! How many connections there are of each status, each number with its list.

use crate::{
    clock::Timestamp,
    domain::role::Principal,
    store::{
        self, Tx,
        connection_filter::Statuses,
        connection_list::{self, Counts, Order, Place},
    },
    web::state::App,
};

use super::{
    number,
    query::{ListQuery, STATUSES_DEFAULT, address},
    revoke_matching,
};

/// The numbers, and where the rows behind them are.
#[derive(Clone, Debug)]
pub struct CountLinks {
    /// Of every status.
    pub total: i64,
    /// Of those, the ones that nobody has revoked.
    pub live: i64,
    /// The list of all of them.
    pub href: String,
    /// Active, expired, revoked; those without any too.
    pub by_status: Vec<CountLink>,
}

/// One status.
#[derive(Clone, Debug)]
pub struct CountLink {
    /// `active`, `expired` or `revoked`.
    pub class: &'static str,
    /// "Active", "Expired" or "Revoked".
    pub word: &'static str,
    /// How many, as it is read.
    pub count: String,
    /// The list of these.
    pub href: String,
}

impl CountLinks {
    /// "1 connection", "3 connections".
    pub fn phrase(&self) -> String {
        number::connections(self.total)
    }
}

/// Class and words of each status that there is.
pub fn parts(counts: Counts) -> Vec<(&'static str, String)> {
    let all = [
        ("active", counts.active),
        ("expired", counts.expired),
        ("revoked", counts.revoked),
    ];
    let there = all.into_iter().filter(|(_, count)| *count > 0);
    there
        .map(|(class, count)| (class, format!("{} {class}", number::grouped(count))))
        .collect()
}

/// The numbers that `query` counts, whatever statuses it asks for.
pub fn links(counts: Counts, query: &ListQuery) -> CountLinks {
    let only = |statuses| {
        ListQuery {
            statuses,
            ..query.clone()
        }
        .href()
    };
    let link = |class, word, count: i64, statuses| CountLink {
        class,
        word,
        count: number::grouped(count),
        href: only(statuses),
    };
    CountLinks {
        total: counts.active + counts.expired + counts.revoked,
        live: counts.active + counts.expired,
        href: only(Statuses::ALL),
        by_status: vec![
            link("active", "Active", counts.active, Statuses::ACTIVE),
            link("expired", "Expired", counts.expired, Statuses::EXPIRED),
            link("revoked", "Revoked", counts.revoked, Statuses::REVOKED),
        ],
    }
}

/// Where all that `query` counts and this person may revoke is revoked: that is everything
/// whose `named` parameter this is. From there one comes back to `page`. `None` when nothing is
/// left of it.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all(
    app: &App,
    tx: &mut Tx,
    principal: &Principal,
    query: &ListQuery,
    (named, page): ((&'static str, &str), &str),
    now: Timestamp,
) -> store::Result<Option<String>> {
    let unrevoked = ListQuery {
        statuses: STATUSES_DEFAULT,
        ..query.clone()
    };
    let cutoffs = app.rules.lifetimes.cutoffs(now);
    let filter = unrevoked.filter(principal.changes(), cutoffs, now);
    let any = connection_list::page(tx, &filter, Order::NEWEST, &Place::Start, 1).await?;
    let pairs = [
        named,
        ("status", "active"),
        ("status", "expired"),
        ("back", page),
    ];
    let pairs = pairs.map(|(name, value)| (name, value.to_owned()));
    Ok((!any.is_empty()).then(|| address(revoke_matching::PATH, &pairs)))
}
