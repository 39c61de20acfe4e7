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
    let mut parts = vec![match (query.statuses.active, query.statuses.expired) {
        (true, true) => "active or expired".to_owned(),
        (true, false) => "active".to_owned(),
        (false, true) => "expired".to_owned(),
        (false, false) => "revoked".to_owned(),
    }];
    let named = |noun, ids: Vec<&str>, groups: &[Group]| {
        let name = |id: &str| {
            let group = groups.iter().find(|group| group.id == id);
            group.map_or("unknown".to_owned(), |group| group.name.clone())
        };
        let names: Vec<_> = ids.into_iter().map(name).collect();
        (!names.is_empty()).then(|| format!("{noun} {}", either(&names)))
    };
    let projects = query.projects.iter().map(|id| id.as_str()).collect();
    parts.extend(named("project", projects, &names.projects));
    let people = query.people.iter().map(|id| id.as_str()).collect();
    parts.extend(named("person", people, &names.people));
    let clients = query.clients.iter().map(|id| id.as_str()).collect();
    parts.extend(named("client", clients, &names.clients));
    if !query.origins.is_empty() {
        let origins = query.origins.iter();
        let words: Vec<_> = origins.map(|origin| origin::words(*origin, None)).collect();
        parts.push(format!("client origin {}", either(&words)));
    }
    if !query.types.is_empty() {
        let types = query.types.iter().map(|kind| match kind {
            ClientType::Public => "public",
            ClientType::Confidential => "confidential",
        });
        parts.push(format!("{} clients", either(&owned(types))));
    }
    if query.blocked {
        parts.push("blocked clients".to_owned());
    }
    if let Some(days) = query.idle_days {
        parts.push(match days {
            1 => "not used for more than 1 day".to_owned(),
            days => format!("not used for more than {} days", number::grouped(days)),
        });
    }
    parts.extend(
        query
            .from
            .map(|day| format!("authorized on {} or later", moment::day(day))),
    );
    parts.extend(
        query
            .to
            .map(|day| format!("authorized on {} or earlier", moment::day(day))),
    );
    if let Some(text) = &query.text {
        parts.push(format!(
            "with \u{201c}{text}\u{201d} in a name, client ID or e-mail"
        ));
    }
    parts.join("; ")
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
