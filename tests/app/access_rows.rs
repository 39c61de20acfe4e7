//! The table of pages: what each role is answered, by whose the thing is that it asks for.

use untether::app::Verb;

use crate::access_role::Role;

/// What each role is answered about what is its own, in a project that it administers,
/// foreign to it, and not there.
#[derive(Clone, Copy)]
pub struct Statuses {
    pub owner: [u16; 4],
    pub auditor: [u16; 4],
    pub administrator: [u16; 4],
    pub member: [u16; 4],
    pub stranger: [u16; 4],
}

impl Statuses {
    pub fn of(&self, role: Role) -> [u16; 4] {
        match role {
            Role::Owner => self.owner,
            Role::Auditor => self.auditor,
            Role::Administrator => self.administrator,
            Role::Member => self.member,
            Role::Stranger => self.stranger,
            Role::Nobody => [401; 4],
        }
    }
}

/// Whoever is signed in, whatever it is about: what is not in sight is left out.
const fn everyone(status: u16) -> Statuses {
    Statuses {
        owner: [status; 4],
        auditor: [status; 4],
        administrator: [status; 4],
        member: [status; 4],
        stranger: [status; 4],
    }
}

/// Whoever sees the thing.
const SEEN: Statuses = seen(200);

const fn seen(status: u16) -> Statuses {
    Statuses {
        owner: [status, status, status, 404],
        auditor: [status, status, status, 404],
        administrator: [status, status, 404, 404],
        member: [status, 404, 404, 404],
        stranger: [404; 4],
    }
}

/// Whoever may change the thing: auditors what is their own alone.
const fn changed(status: u16) -> Statuses {
    Statuses {
        owner: [status, status, status, 404],
        auditor: [status, 404, 404, 404],
        administrator: [status, status, 404, 404],
        member: [status, 404, 404, 404],
        stranger: [404; 4],
    }
}

/// Acts are their actor's: administering a project does not show who did what in it.
const OWN_ACT: Statuses = Statuses {
    administrator: [200, 404, 404, 404],
    ..SEEN
};

/// Whoever looks after the project itself; a connection to it is not enough.
const fn managed(status: u16) -> Statuses {
    Statuses {
        owner: [status, status, status, 404],
        auditor: [404; 4],
        administrator: [404, status, 404, 404],
        member: [404; 4],
        stranger: [404; 4],
    }
}
const MANAGED: Statuses = managed(200);

/// The same, and whoever looks at everything.
const LOOKED_AT: Statuses = Statuses {
    auditor: [200, 200, 200, 404],
    ..MANAGED
};

/// Whoever has a project in sight.
const ANY_PROJECT: Statuses = Statuses {
    member: [404; 4],
    stranger: [404; 4],
    ..everyone(200)
};

/// Everyone who is signed in: the consent page shows every client to everyone.
const SHOWN: Statuses = Statuses {
    owner: [200, 200, 200, 404],
    auditor: [200, 200, 200, 404],
    administrator: [200, 200, 200, 404],
    member: [200, 200, 200, 404],
    stranger: [200, 200, 200, 404],
};

/// Owners, whatever it is about.
const OWNERS: Statuses = Statuses {
    owner: [200; 4],
    ..everyone(404)
};

/// Whoever sees everything, whatever it is about.
const ALL_SEEING: Statuses = Statuses {
    auditor: [200; 4],
    ..OWNERS
};

/// Owners alone: the clients of the table serve any project.
const fn owners(status: u16) -> Statuses {
    Statuses {
        owner: [status, status, status, 404],
        auditor: [404; 4],
        administrator: [404; 4],
        member: [404; 4],
        stranger: [404; 4],
    }
}

/// Whoever may revoke anything at all; nothing matches where nothing may be changed.
const fn matching(found: u16, nothing: u16) -> Statuses {
    Statuses {
        owner: [found, found, found, nothing],
        auditor: [found, nothing, nothing, nothing],
        administrator: [found, found, nothing, nothing],
        member: [found, nothing, nothing, nothing],
        stranger: [404; 4],
    }
}

/// An e-mail that is nobody's in sight, or the slug of no project in sight, is a mistake in
/// the filter.
const BY_NAME: Statuses = Statuses {
    owner: [200, 200, 200, 400],
    auditor: [200, 200, 200, 400],
    administrator: [200, 200, 400, 400],
    member: [200, 400, 400, 400],
    stranger: [400; 4],
};

/// Where a page leads to the address with ids.
const TO_IDS: Statuses = Statuses {
    owner: [303, 303, 303, 400],
    auditor: [303, 303, 303, 400],
    administrator: [303, 303, 400, 400],
    member: [303, 400, 400, 400],
    stranger: [400; 4],
};

/// Everyone may connect for themselves, to every project, auditors too: it gives access
/// to nothing but what is theirs. The client is told that a project is not there.
const CONSENT: Statuses = Statuses {
    owner: [200, 200, 200, 303],
    auditor: [200, 200, 200, 303],
    administrator: [200, 200, 200, 303],
    member: [200, 200, 200, 303],
    stranger: [200, 200, 200, 303],
};

pub struct Row {
    pub verb: Verb,
    /// As in the program's table.
    pub route: &'static str,
    /// A request for it.
    pub path: &'static str,
    pub form: &'static str,
    /// Whether it takes a connection, or a client, that has been revoked.
    pub ended: bool,
    /// Whether it is a form although nothing changes here.
    pub only_asks: bool,
    /// What is answered to scripts, and without them where `page` says nothing else.
    answers: Statuses,
    page: Option<Statuses>,
}

impl Row {
    /// By column.
    pub fn answers(&self, role: Role, fragment: bool) -> [u16; 4] {
        match self.page {
            Some(page) if !fragment => page.of(role),
            _ => self.answers.of(role),
        }
    }
}

const fn get(route: &'static str, path: &'static str, answers: Statuses) -> Row {
    Row {
        verb: Verb::Get,
        route,
        path,
        form: "",
        ended: false,
        only_asks: false,
        answers,
        page: None,
    }
}

const fn post(
    route: &'static str,
    path: &'static str,
    form: &'static str,
    answers: Statuses,
) -> Row {
    Row {
        verb: Verb::Post,
        form,
        ..get(route, path, answers)
    }
}

/// The rows of a group; without scripts the list that they stand in, which says no more
/// than any list.
const fn group(path: &'static str) -> Row {
    Row {
        page: Some(everyone(303)),
        ..get("/connections/rows", path, SEEN)
    }
}

#[rustfmt::skip] // One line for each row, whatever its length.
pub const ROWS: &[Row] = &[
    get("/", "/", everyone(303)),
    get("/me", "/me", everyone(200)),
    get("/connections", "/connections", everyone(200)),
    get("/connections", "/connections?view=list&status=active&status=revoked", everyone(200)),
    get("/connections", "/connections?view=client&client={client}&open={client}", everyone(200)),
    get("/connections", "/connections?view=list&person={person}", everyone(200)),
    Row { page: Some(TO_IDS), ..get("/connections", "/connections?view=list&person={email}", BY_NAME) },
    Row { page: Some(TO_IDS), ..get("/connections", "/connections?view=list&project={slug}", BY_NAME) },
    get("/connections", "/connections?view=person&project={project}", everyone(200)),
    get("/connections", "/connections?view=project", everyone(200)),
    get("/connections.csv", "/connections.csv?client={client}", everyone(200)),
    get("/connections.csv", "/connections.csv", everyone(200)),
    get("/connections.json", "/connections.json?person={person}", everyone(200)),
    get("/connections.json", "/connections.json", everyone(200)),
    group("/connections/rows?view=client&group={client}"),
    group("/connections/rows?view=person&group={person}"),
    group("/connections/rows?view=project&group={project}"),
    get("/connections/revoke", "/connections/revoke?id={connection}", changed(200)),
    // With scripts the list follows at once.
    Row { page: Some(changed(303)), ..post("/connections/revoke", "/connections/revoke", "id={connection}", changed(200)) },
    get("/connections/revoke-matching", "/connections/revoke-matching?client={client}", matching(200, 200)),
    get("/connections/revoke-matching", "/connections/revoke-matching?person={person}", matching(200, 200)),
    get("/connections/revoke-matching", "/connections/revoke-matching?project={project}", matching(200, 200)),
    post("/connections/revoke-matching", "/connections/revoke-matching?view=list&client={client}", "{matching}", matching(303, 409)),
    get("/acts/{id}", "/acts/{act}", OWN_ACT),
    get("/connections/{id}", "/connections/{connection}", SEEN),
    post("/connections/{id}/rename", "/connections/{connection}/rename", "name=Renamed&was={name}", changed(303)),
    Row { ended: true, ..post("/connections/{id}/delete", "/connections/{connection}/delete", "", changed(303)) },
    get("/clients", "/clients", everyone(200)),
    get("/clients", "/clients?q=App&per=100", everyone(200)),
    get("/clients/{id}", "/clients/{client}", SEEN),
    get("/logos/{name}", "/logos/{logo}.png", SHOWN),
    get("/projects/{slug}/clients", "/projects/{slug}/clients", LOOKED_AT),
    post("/projects/{slug}/clients/new", "/projects/{slug}/clients/new", "{new_client}&name=New&type=public&redirect_uris=http%3A%2F%2Flocalhost%2Fcb", MANAGED),
    get("/projects/{slug}/clients/new", "/projects/{slug}/clients/new", MANAGED),
    get("/projects/{slug}/clients/{id}", "/projects/{slug}/clients/{made}", LOOKED_AT),
    post("/projects/{slug}/clients/{id}", "/projects/{slug}/clients/{made}", "version=1&name=Renamed&redirect_uris=http%3A%2F%2Flocalhost%2Fcb", managed(303)),
    post("/projects/{slug}/clients/{id}/rotate", "/projects/{slug}/clients/{made}/rotate", "version=1", MANAGED),
    Row { only_asks: true, ..post("/projects/{slug}/clients/{id}/secret-file", "/projects/{slug}/clients/{made}/secret-file", "secret={made_secret}", MANAGED) },
    post("/projects/{slug}/clients/{id}/revoke", "/projects/{slug}/clients/{made}/revoke", "confirm=Made", managed(303)),
    Row { ended: true, ..post("/projects/{slug}/clients/{id}/delete", "/projects/{slug}/clients/{made}/delete", "", managed(303)) },
    get("/projects", "/projects", ANY_PROJECT),
    get("/projects", "/projects?q=acme.example", ANY_PROJECT),
    post("/projects", "/projects", "name=New+{turn}+{connection}&resource=https://new-{turn}-{connection}.example/mcp", OWNERS),
    get("/projects/new", "/projects/new", OWNERS),
    get("/projects/{slug}", "/projects/{slug}", LOOKED_AT),
    get("/projects/{slug}/edit", "/projects/{slug}/edit", MANAGED),
    post("/projects/{slug}/edit", "/projects/{slug}/edit", "name=Renamed+{turn}&version={turn}&administrators=Pablo@acme.example", managed(303)),
    get("/projects/{slug}/archive", "/projects/{slug}/archive", MANAGED),
    // Connections to all of these are active, and none is archived: tests/app/project_archive.rs.
    Row { only_asks: true, ..post("/projects/{slug}/archive", "/projects/{slug}/archive", "", managed(409)) },
    Row { only_asks: true, ..post("/projects/{slug}/restore", "/projects/{slug}/restore", "", managed(303)) },
    post("/projects/{slug}/credentials", "/projects/{slug}/credentials", "credential={connection}", MANAGED),
    Row { only_asks: true, ..post("/projects/{slug}/credentials/{id}/file", "/projects/{slug}/credentials/{credential}/file", "secret={credential_secret}", MANAGED) },
    get("/projects/{slug}/credentials/{id}/revoke", "/projects/{slug}/credentials/{credential}/revoke", MANAGED),
    post("/projects/{slug}/credentials/{id}/revoke", "/projects/{slug}/credentials/{credential}/revoke", "", managed(303)),
    get("/clients/{id}/block", "/clients/{client}/block", owners(200)),
    post("/clients/{id}/block", "/clients/{client}/block", "", owners(303)),
    post("/blocks/{id}/lift", "/blocks/{block}/lift", "", managed(303)),
    get("/projects/{slug}/check", "/projects/{slug}/check", MANAGED),
    post("/projects/{slug}/check", "/projects/{slug}/check", "", MANAGED),
    get("/audit", "/audit", ALL_SEEING),
    get("/audit", "/audit?q=acme&about=connections", ALL_SEEING),
    get("/audit.csv", "/audit.csv?about=clients", ALL_SEEING),
    get("/audit.json", "/audit.json", ALL_SEEING),
    get("/help", "/help", everyone(200)),
    get("/people", "/people", everyone(303)),
    get("/people/of/{id}", "/people/of/{connection}", seen(303)),
    get("/people/{id}", "/people/{person}", SEEN),
    get("/oauth/authorize", "/oauth/authorize?{consent}", CONSENT),
    post("/oauth/authorize", "/oauth/authorize", "{consent}&decision=allow&nonce={client}", everyone(303)),
    // There is one in the demo only.
    post("/demo/persona", "/demo/persona", "persona=owner", everyone(404)),
];
