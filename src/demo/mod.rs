//! The demo: a throw-away organization to look around in.

use clap::{ArgMatches, parser::ValueSource};

use crate::{
    config::{PublicUrl, Settings},
    domain::role::{Identity, PrincipalName},
    store,
    web::{identity::Persona, state::App},
};

/// Refuses settings that belong to a real installation.
///
/// # Errors
/// A sentence that names them.
pub fn refuse_real_settings(matches: &ArgMatches) -> Result<(), String> {
    let real = [
        "database_url",
        "database_url_file",
        "trusted_proxies",
        "public_url",
        "secret_key",
        "secret_key_file",
    ];
    let given = real.into_iter().filter(|id| {
        matches
            .value_source(id)
            .is_some_and(|source| source != ValueSource::DefaultValue)
    });
    let given: Vec<_> = given
        .map(|id| format!("UNTETHER_{}", id.to_uppercase()))
        .collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the demo makes an organization of its own and throws it away, so it refuses settings of \
         a real one: {}",
        given.join(", ")
    ))
}

/// The settings of the demo.
pub fn settings(settings: Settings) -> Settings {
    Settings {
        organization: "Acme".to_owned(),
        owners: vec![PrincipalName::Email("olivia.owner@acme.example".to_owned())],
        auditors: vec![PrincipalName::Email(
            "arthur.auditor@acme.example".to_owned(),
        )],
        ..settings
    }
}

/// Who one can look as.
pub fn personas() -> Vec<Persona> {
    let persona = |key, label, name: &str, email: &str| Persona {
        key,
        label,
        identity: Identity {
            subject: email.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            groups: None,
        },
    };
    vec![
        persona(
            "owner",
            "Owner",
            "Olivia Owner",
            "olivia.owner@acme.example",
        ),
        persona(
            "administrator",
            "Project administrator",
            "Pablo Ruiz",
            "pablo.ruiz@acme.example",
        ),
        persona(
            "auditor",
            "Auditor",
            "Arthur Auditor",
            "arthur.auditor@acme.example",
        ),
        persona(
            "member",
            "Member",
            "Mina Member",
            "mina.member@acme.example",
        ),
    ]
}

/// Makes the sample people, projects, clients and connections.
///
/// # Errors
/// When the database failed.
pub async fn fill(_app: &App) -> store::Result<()> {
    Ok(())
}

/// What to do next.
pub fn welcome(public: &PublicUrl) -> String {
    format!(
        "{}\nclaude mcp add --transport http untether {}",
        public.as_str(),
        public.join("/mcp")
    )
}
