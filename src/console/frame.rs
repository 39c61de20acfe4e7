//! What surrounds every page.

use actix_session::Session;
use actix_web::{HttpRequest, http::Method};

use crate::{
    clock::Timestamp,
    domain::role::Principal,
    web::{identity::IdentitySource, params::Params, problem::Problem, session, state::App},
};

use super::{
    audit,
    view::{Frame, NavItem, PersonaOption, Who},
};

/// The frame of a page for this person. Takes the message kept for it.
pub fn build(
    app: &App,
    principal: &Principal,
    session: &Session,
    req: &HttpRequest,
    now: Timestamp,
) -> Frame {
    let identity = &principal.identity;
    Frame {
        person: Some(Who {
            name: identity.name.clone(),
            email: identity.email.clone(),
            role: principal.role_word(),
        }),
        nav: places(principal, req),
        personas: personas(app, session),
        csrf: app.secrets.form_token(&identity.subject, now),
        // Whoever asks for the head alone shows nothing.
        flash: (req.method() != Method::HEAD)
            .then(|| session::take_flash(session, &identity.subject))
            .flatten()
            .map(Into::into),
        sign_out_url: app.settings.sign_out_url.clone(),
        here: here(principal, req),
        help_href: Some("/help".to_owned()),
        ..bare(app)
    }
}

/// A frame that knows nobody, for pages that say no.
pub fn bare(app: &App) -> Frame {
    Frame {
        organization: app.settings.organization.clone(),
        person: None,
        nav: Vec::new(),
        personas: Vec::new(),
        csrf: String::new(),
        flash: None,
        sign_out_url: None,
        here: "/".to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        help_href: None,
        request_id: None,
    }
}

/// What the page of one's own connections is called.
pub const MINE: &str = "My connections";

/// Everyone who connected something.
pub const PEOPLE: &str = "/connections?view=person";

/// Where this person begins.
pub fn home(principal: &Principal) -> &'static str {
    if principal.looks_beyond_themselves() {
        "/connections"
    } else {
        "/me"
    }
}

/// The places this person may open. A member's list and their own page hold the same,
/// so that one link stands for both.
fn places(principal: &Principal, req: &HttpRequest) -> Vec<NavItem> {
    let path = req.path();
    let params = Params::parse(req.query_string().as_bytes());
    let by_person = path == "/connections" && params.all("view") == ["person"];
    let on_list = path.starts_with("/connections") && !by_person;
    let on_person = path.starts_with("/people");
    let beyond = principal.looks_beyond_themselves();
    let list = beyond.then_some(NavItem {
        label: "Connections",
        href: "/connections",
        current: on_list,
    });
    let mine = NavItem {
        label: MINE,
        href: "/me",
        current: path == "/me" || (!beyond && (on_list || by_person || on_person)),
    };
    let clients = beyond.then_some(NavItem {
        label: "Clients",
        href: "/clients",
        current: path.starts_with("/clients"),
    });
    let projects = beyond.then_some(NavItem {
        label: "Projects",
        href: "/projects",
        current: path.starts_with("/projects"),
    });
    let people = beyond.then_some(NavItem {
        label: "People",
        href: PEOPLE,
        current: by_person || on_person,
    });
    let trail = audit::is_open_to(principal).then_some(NavItem {
        label: "Audit",
        href: audit::PATH,
        current: path == audit::PATH,
    });
    let places = [list, clients, projects, people, trail, Some(mine)];
    places.into_iter().flatten().collect()
}

/// Path and query of the page that is being shown; where this person begins when it answers
/// a form, which must not be sent again and may have no page at its address.
fn here(principal: &Principal, req: &HttpRequest) -> String {
    let shown = req
        .uri()
        .path_and_query()
        .filter(|_| req.method().is_safe());
    shown
        .map_or(home(principal), |here| here.as_str())
        .to_owned()
}

fn personas(app: &App, session: &Session) -> Vec<PersonaOption> {
    let IdentitySource::Demo(personas) = app.identities.as_ref() else {
        return Vec::new();
    };
    let chosen = session::persona(session);
    let first = personas.first().map(|persona| persona.key);
    let current = chosen.as_deref().or(first);
    let options = personas.iter().map(|persona| PersonaOption {
        key: persona.key,
        label: persona.label,
        current: current == Some(persona.key),
    });
    options.collect()
}

/// The text of a template.
///
/// # Errors
/// A 500 when it cannot be rendered.
pub fn render(template: &impl askama::Template) -> Result<String, Problem> {
    template.render().map_err(|error| Problem {
        cause: Some(error.to_string()),
        ..Problem::new(
            actix_web::http::StatusCode::INTERNAL_SERVER_ERROR,
            "Something broke",
            "This page could not be shown. Tell the administrator the request number below.",
        )
    })
}
