//! What is said of connections before and after they are revoked.

use crate::{
    clock::Timestamp,
    console::{moment, number},
    domain::role::Principal,
    flow::{block::RevokedAndBlocked, revoke::Revoked},
    store::connection_list::Listed,
};

/// That connections are missing which were chosen.
pub(super) fn gone(missing: usize) -> String {
    match missing {
        1 => "1 of the connections you chose is not there any more.".to_owned(),
        count => format!("{count} of the connections you chose are not there any more."),
    }
}

/// That only a block is left to be made.
pub(super) const REVOKED: &str =
    "All of this has been revoked. What is left is to block reconnecting.";

/// What revoking these will and will not do, to whoever revokes them; `or_blocks` where they
/// may block as well.
pub(super) fn consequence(listed: &[&Listed], reader: &Principal, or_blocks: bool) -> String {
    let only_these = match (or_blocks, listed.len()) {
        (false, 1) => "Only this connection is removed, at once.",
        (true, 1) => "Without a block, only this connection is removed, at once.",
        (false, _) => "Only these connections are removed, at once.",
        (true, _) => "Without a block, only these connections are removed, at once.",
    };
    let who = match listed {
        [first, rest @ ..] if rest.iter().all(|row| row.person == first.person) => {
            match reader.person.as_ref() == Some(&first.person) {
                true => "you",
                false => &first.person_name,
            }
        }
        _ => "people",
    };
    match listed {
        [first, ..] if is_one_client(listed.iter().copied()) => format!(
            "{only_these} {} stays registered, and {who} can connect it again.",
            first.client_name
        ),
        _ => {
            format!("{only_these} Their clients stay registered, and {who} can connect them again.")
        }
    }
}

/// What may be ticked besides revoking these, or alone.
pub(super) fn block_label(listed: &[&Listed], alone: bool) -> String {
    let one_person = listed.iter().all(|row| row.person == listed[0].person);
    let whom = if one_person {
        "this person"
    } else {
        "these people"
    };
    let what = match is_one_client(listed.iter().copied()) {
        true => "this client",
        false => "these clients",
    };
    let block = if alone { "Block" } else { "Also block" };
    format!("{block} {whom} from reconnecting {what}")
}

/// How many connections a block ends besides those that were chosen.
pub(super) fn besides(more: usize, chosen: usize) -> String {
    let these = if chosen == 1 { "this one" } else { "these" };
    match more {
        0 => String::new(),
        more => format!(", {} more than {these}", number::grouped(more as u64)),
    }
}

/// One of these, with where it leads and whose it is.
pub(super) fn besides_name(row: &Listed) -> String {
    format!("{}, {}, {}", row.name, row.project_name, row.person_name)
}

/// What came of revoking.
pub(super) fn revoked(done: &Revoked, now: Timestamp) -> String {
    match done.now.is_empty() {
        true => format!("{} {UNCHANGED}", all_before(&done.before, now)),
        false => ended(done, ""),
    }
}

/// What came of revoking, and of blocking the clients for these people.
pub(super) fn revoked_and_blocked(done: &RevokedAndBlocked, now: Timestamp) -> String {
    let rows = &done.revoked;
    let (one, several) = match is_one_client(rows.now.iter().chain(&rows.before)) {
        true => ("it", "client"),
        false => ("them", "clients"),
    };
    let blocked = match done.blocks {
        0 => "Blocked before.".to_owned(),
        1 => format!("Blocked until someone unblocks {one}, on the person\u{2019}s page."),
        _ => format!("Blocked until someone unblocks {one}, on the people\u{2019}s pages."),
    };
    let also = match done.ended {
        0 => String::new(),
        more => format!(
            " and {} more with the same {several}",
            number::grouped(more as u64)
        ),
    };
    if !rows.now.is_empty() {
        return format!("{} {blocked}", ended(rows, &also));
    }
    let before = all_before(&rows.before, now);
    match (done.blocks, done.ended) {
        (0, _) => format!("{before} {blocked} {UNCHANGED}"),
        (_, 0) => format!("{before} {blocked}"),
        (_, more) => format!(
            "{before} Revoked {} with the same {several}. {blocked}",
            number::connections(more as u64)
        ),
    }
}

/// The page where a block is lifted that is about one person: what it is called, and where.
pub(super) fn page_of_one(done: &Revoked) -> Option<(String, String)> {
    let mut rows = done.now.iter().chain(&done.before);
    let first = rows.next()?;
    let is_one = rows.all(|row| row.person == first.person);
    let label = format!("{}\u{2019}s page", first.person_name);
    is_one.then(|| (label, format!("/people/{}", first.person)))
}

const UNCHANGED: &str = "Nothing else was changed.";

/// Which connections have ended now, and what `also` did.
fn ended(done: &Revoked, also: &str) -> String {
    let what = match done.now.as_slice() {
        [only] => only.name.clone(),
        rows => number::connections(rows.len() as u64),
    };
    let stays = match done.now.first() {
        Some(row) if is_one_client(done.now.iter()) => {
            format!("{} stays registered.", row.client_name)
        }
        _ => "Their clients stay registered.".to_owned(),
    };
    let before = match done.before.len() {
        0 => String::new(),
        count => format!(" {count} had been revoked before."),
    };
    format!("Revoked {what}{also}. {stays}{before}")
}

fn is_one_client<'a>(mut rows: impl Iterator<Item = &'a Listed>) -> bool {
    let first = rows.next();
    first.is_some_and(|first| rows.all(|row| row.client == first.client))
}

/// What the first submit did, for the second.
fn all_before(rows: &[Listed], now: Timestamp) -> String {
    let what = match rows {
        [only] => format!("{} had been revoked before", only.name),
        rows => format!("These {} connections had been revoked before", rows.len()),
    };
    let mut acts: Vec<_> = rows
        .iter()
        .filter_map(|row| row.life.revoked.as_ref())
        .map(|revoked| format!("{} by {}", moment::text(revoked.at, now), revoked.by))
        .collect();
    acts.dedup();
    match acts.as_slice() {
        [only] => format!("{what}: {only}."),
        _ => format!("{what}."),
    }
}
