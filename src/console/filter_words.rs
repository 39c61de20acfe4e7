//! A filter in words, as a confirmation and the audit trail say it.

use crate::{domain::client::ClientType, store::connection_groups::Group};

use super::{moment, number, origin, query::ListQuery};

/// The names that the ids of a filter stand for, as far as the person who asks sees a
/// connection of theirs.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The projects.
    pub projects: Vec<Group>,
    /// The people.
    pub people: Vec<Group>,
    /// The clients.
    pub clients: Vec<Group>,
}

/// What must be true of a connection that can be revoked: the conditions, with
/// semicolons between.
pub fn words(query: &ListQuery, names: &Names) -> String {
    let status = match (query.statuses.active, query.statuses.expired) {
        (true, true) => "active or expired",
        (true, false) => "active",
        (false, true) => "expired",
        (false, false) => "revoked",
    };
    let projects = query.projects.iter().map(|id| id.as_str()).collect();
    let people = query.people.iter().map(|id| id.as_str()).collect();
    let clients = query.clients.iter().map(|id| id.as_str()).collect();
    let text = query.text.as_ref();
    let parts: Vec<_> = std::iter::once(status.to_owned())
        .chain(named("project", projects, &names.projects))
        .chain(named("person", people, &names.people))
        .chain(named("client", clients, &names.clients))
        .chain(kinds(query))
        .chain(times(query))
        .chain(
            text.map(|text| format!("with \u{201c}{text}\u{201d} in a name, client ID or e-mail")),
        )
        .collect();
    parts.join("; ")
}

/// The names of these groups; `None` when there are none.
fn named(noun: &str, ids: Vec<&str>, groups: &[Group]) -> Option<String> {
    let name = |id: &str| {
        let group = groups.iter().find(|group| group.id == id);
        group.map_or("unknown".to_owned(), |group| group.name.clone())
    };
    let names: Vec<_> = ids.into_iter().map(name).collect();
    (!names.is_empty()).then(|| format!("{noun} {}", either(&names)))
}

/// What is asked of the clients' kinds.
fn kinds(query: &ListQuery) -> impl Iterator<Item = String> {
    let origins = (!query.origins.is_empty()).then(|| {
        let origins = query.origins.iter();
        let words: Vec<_> = origins.map(|origin| origin::words(*origin, None)).collect();
        format!("client origin {}", either(&words))
    });
    let types = (!query.types.is_empty()).then(|| {
        let types = query.types.iter().map(|kind| match kind {
            ClientType::Public => "public",
            ClientType::Confidential => "confidential",
        });
        format!("{} clients", either(&owned(types)))
    });
    let blocked = query.blocked.then(|| "blocked clients".to_owned());
    origins.into_iter().chain(types).chain(blocked)
}

/// What is asked of when it was used and authorized.
fn times(query: &ListQuery) -> impl Iterator<Item = String> {
    let idle = query.idle_days.map(|days| match days {
        1 => "not used for more than 1 day".to_owned(),
        days => format!("not used for more than {} days", number::grouped(days)),
    });
    let from = query.from.map(moment::day);
    let from = from.map(|day| format!("authorized on {day} or later"));
    let to = query.to.map(moment::day);
    let to = to.map(|day| format!("authorized on {day} or earlier"));
    idle.into_iter().chain(from).chain(to)
}

fn owned<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words.map(str::to_owned).collect()
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_read_as_people_list_them() {
        let words = owned(["a", "b", "c"].into_iter());
        assert_eq!(either(&words[..1]), "a");
        assert_eq!(either(&words[..2]), "a or b");
        assert_eq!(either(&words), "a, b or c");
    }
}
