//! What people type, and what clients call themselves.

use untether::{
    console::query::ListQuery,
    domain::{
        client::{NAME_LIMIT, parse_name},
        role::{Identity, OrganizationRole, Principal},
        words::connection_name,
    },
    store::connection_filter::folded,
    web::params::Params,
};

use crate::text as as_text;

fn owner() -> Principal {
    Principal {
        identity: Identity {
            subject: "olivia@acme.example".into(),
            email: "olivia@acme.example".into(),
            name: "Olivia".into(),
            groups: None,
        },
        person: None,
        role: OrganizationRole::Owner,
        administers: Vec::new(),
    }
}

/// The address of a list.
pub fn list(data: &[u8]) {
    let owner = owner();
    let Ok(query) = ListQuery::parse(&Params::parse(data), &owner) else {
        return;
    };
    let href = query.href();
    assert!(href.starts_with("/connections") && href.bytes().all(|byte| byte.is_ascii_graphic()));
    let (_, printed) = href.split_once('?').unwrap_or((&href, ""));
    let again = ListQuery::parse(&Params::parse(printed.as_bytes()), &owner);
    assert_eq!(again.as_ref().ok(), Some(&query), "{href}");
}

/// A name, or a term that is searched for.
pub fn text(data: &[u8]) {
    let Some(text) = as_text(data) else {
        return;
    };
    if let Ok(name) = parse_name(text) {
        assert_eq!(parse_name(&name).as_deref(), Ok(name.as_str()));
        assert!((1..=NAME_LIMIT).contains(&name.chars().count()));
        assert!(!name.contains(char::is_control) && name.trim() == name);
        // So a connection is named after its client, and may keep the name.
        let connection = connection_name(&name, [1, 2, 3, 4]);
        assert_eq!(parse_name(&connection).as_deref(), Ok(connection.as_str()));
    }
    // What is searched for and what is searched are folded by themselves, and compared.
    let once = folded(&[text]);
    assert_eq!(folded(&[&once]), once);
}
