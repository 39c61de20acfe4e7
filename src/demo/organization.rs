//! Who and what there is in the demo, as tables.

use crate::{
    check::Level,
    domain::{
        client::{
            ClientType::{self, Confidential, Public},
            Origin::{self, Api, Console, Document, Registered},
        },
        logo::Shape,
    },
};

/// Someone of the organization.
pub struct SamplePerson {
    /// Their name.
    pub name: &'static str,
    /// Their e-mail, before the `@`.
    pub user: &'static str,
    /// How many connections they have, besides those told one by one.
    pub connections: usize,
}

const fn person(name: &'static str, user: &'static str, connections: usize) -> SamplePerson {
    SamplePerson {
        name,
        user,
        connections,
    }
}

/// The people. The first four are the personas.
pub const PEOPLE: [SamplePerson; 40] = [
    person("Olivia Hart", "olivia.hart", 3),
    person("Pablo Ruiz", "pablo.ruiz", 6),
    person("Arthur Lindqvist", "arthur.lindqvist", 2),
    person("Mina Okafor", "mina.okafor", 0),
    person("Aisha Rahman", "aisha.rahman", 8),
    person("Anton Berg", "anton.berg", 11),
    person("Beatriz Nunes", "beatriz.nunes", 5),
    person("Bogdan Ionescu", "bogdan.ionescu", 9),
    person("Camille Laurent", "camille.laurent", 7),
    person("Chen Wei", "chen.wei", 10),
    person("Daniela Rossi", "daniela.rossi", 4),
    person("Dmitri Volkov", "dmitri.volkov", 7),
    person("Elif Yılmaz", "elif.yilmaz", 6),
    person("Emeka Nwosu", "emeka.nwosu", 5),
    person("Eva Horváth", "eva.horvath", 3),
    person("Fatima Zahra", "fatima.zahra", 8),
    person("Finn O'Brien", "finn.obrien", 6),
    person("Greta Schneider", "greta.schneider", 4),
    person("Hana Kobayashi", "hana.kobayashi", 9),
    person("Hugo Martins", "hugo.martins", 7),
    person("Ines Moreau", "ines.moreau", 5),
    person("Ivan Petrov", "ivan.petrov", 10),
    person("Jae-won Kim", "jaewon.kim", 11),
    person("Johanna Virtanen", "johanna.virtanen", 4),
    person("Kavya Iyer", "kavya.iyer", 9),
    person("Kofi Mensah", "kofi.mensah", 8),
    person("Lars Nielsen", "lars.nielsen", 3),
    person("Leila Haddad", "leila.haddad", 7),
    person("Lucía Fernández", "lucia.fernandez", 6),
    person("Marek Nowak", "marek.nowak", 8),
    person("Mei Tanaka", "mei.tanaka", 5),
    person("Nadia Benali", "nadia.benali", 6),
    person("Oskar Lund", "oskar.lund", 2),
    person("Priya Sharma", "priya.sharma", 11),
    person("Rafael Costa", "rafael.costa", 7),
    person("Sofia Papadopoulou", "sofia.papadopoulou", 5),
    person("Tomás Herrera", "tomas.herrera", 6),
    person("Uma Krishnan", "uma.krishnan", 9),
    person("Viktor Janssen", "viktor.janssen", 1),
    // The sign-in proxy sent no name for this one.
    person("contractor-0417@acme.example", "contractor-0417", 1),
];

/// Where in [`PEOPLE`] the personas are: sees and changes everything,
pub const OWNER: usize = 0;
/// administers two projects,
pub const ADMINISTRATOR: usize = 1;
/// sees everything and changes nothing,
pub const AUDITOR: usize = 2;
/// looks after her own connections.
pub const MEMBER: usize = 3;

/// Others in [`PEOPLE`] whom something is told about: administers Search,
pub const ANTON: usize = 5;
/// refused a client,
pub const BEATRIZ: usize = 6;
/// administers the wiki,
pub const CAMILLE: usize = 8;
/// left the company,
pub const DMITRI: usize = 11;
/// refused a client,
pub const KAVYA: usize = 24;
/// administers the payments sandbox,
pub const KOFI: usize = 25;
/// administers the data warehouse.
pub const PRIYA: usize = 33;

/// The e-mail of one of the [`PEOPLE`].
pub fn email(person: usize) -> String {
    format!("{}@acme.example", PEOPLE[person].user)
}

/// A project.
pub struct SampleProject {
    /// Its short name, also in its address.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its scopes and what they mean; the last is optional.
    pub scopes: &'static [(&'static str, &'static str)],
    /// Who of the [`PEOPLE`] administers it.
    pub administrator: usize,
    /// How many days ago it was added.
    pub added: u64,
    /// When its administrator last had its server checked, in days ago, how bad the worst
    /// was, and the sum.
    pub checked: Option<(u64, Level, &'static str)>,
}

const FINE: &str = "All is as clients need it.";

/// The projects.
pub const PROJECTS: [SampleProject; 6] = [
    SampleProject {
        slug: "search-prod",
        name: "Search",
        scopes: &[
            ("search:read", "Search the documents you can open"),
            ("search:export", "Download whole documents"),
        ],
        administrator: ANTON,
        added: 512,
        checked: Some((2, Level::Ok, FINE)),
    },
    SampleProject {
        slug: "issues",
        name: "Issue tracker",
        scopes: &[
            ("issues:read", "Read issues and their comments"),
            ("issues:write", "Create and change issues in your name"),
            ("issues:delete", "Delete issues that you created"),
        ],
        administrator: ADMINISTRATOR,
        added: 498,
        checked: Some((9, Level::Ok, FINE)),
    },
    SampleProject {
        slug: "warehouse",
        name: "Data warehouse",
        scopes: &[
            ("tables:list", "See the names and columns of tables"),
            ("queries:run", "Run read-only queries on tables you can see"),
            ("results:export", "Save results to files"),
        ],
        administrator: PRIYA,
        added: 470,
        checked: Some((1, Level::Problem, "1 problem.")),
    },
    SampleProject {
        slug: "wiki",
        name: "Wiki",
        scopes: &[
            ("pages:read", "Read the pages you can open"),
            ("pages:write", "Write pages in your name"),
        ],
        administrator: CAMILLE,
        added: 466,
        checked: Some((40, Level::Warning, "It works, with 1 warning.")),
    },
    SampleProject {
        slug: "payments-sandbox",
        name: "Payments sandbox",
        scopes: &[
            ("payments:read", "Read test payments"),
            ("payments:create", "Make test payments"),
            ("payments:refund", "Refund test payments"),
        ],
        administrator: KOFI,
        added: 381,
        checked: None,
    },
    SampleProject {
        slug: "runbooks",
        name: "Runbooks",
        scopes: &[
            ("runbooks:read", "Read runbooks and past incidents"),
            ("status:read", "See which services are healthy"),
            ("runbooks:start", "Start a runbook in your name"),
            ("pager:write", "Page whoever is on call"),
        ],
        administrator: ADMINISTRATOR,
        added: 377,
        checked: Some((5, Level::Ok, FINE)),
    },
];

/// Where in [`PROJECTS`] each is.
pub const SEARCH: usize = 0;
/// The issue tracker.
pub const ISSUES: usize = 1;
/// The data warehouse.
pub const WAREHOUSE: usize = 2;
/// The wiki.
pub const WIKI: usize = 3;
/// The payments sandbox.
pub const PAYMENTS: usize = 4;
/// The runbooks.
pub const RUNBOOKS: usize = 5;

/// A client.
pub struct SampleClient {
    /// Its name.
    pub name: &'static str,
    /// How it came to be known.
    pub origin: Origin,
    /// Public or confidential.
    pub client_type: ClientType,
    /// What people recognize it by.
    pub logo: Option<Shape>,
    /// Where it is sent back to.
    pub redirect_uris: &'static [&'static str],
    /// How many days ago it was registered.
    pub registered: u64,
    /// The [`PROJECTS`] that it is used with; one that belongs to a project has
    /// only that.
    pub projects: &'static [usize],
    /// How many connections it has, besides those told one by one.
    pub connections: usize,
}

/// The address of the metadata document of the one client that has one.
pub const DOCUMENT: &str = "https://vscode.dev/oauth/client-metadata.json";

const LOCAL: &[&str] = &[
    "http://localhost/callback",
    "http://localhost/oauth/callback",
];

const fn client(
    (name, origin, client_type): (&'static str, Origin, ClientType),
    redirect_uris: &'static [&'static str],
    registered: u64,
    projects: &'static [usize],
    connections: usize,
) -> SampleClient {
    SampleClient {
        name,
        origin,
        client_type,
        logo: None,
        redirect_uris,
        registered,
        projects,
        connections,
    }
}

impl SampleClient {
    const fn with(self, logo: Shape) -> Self {
        Self {
            logo: Some(logo),
            ..self
        }
    }
}

/// The clients: what it is, where it is sent back to, how many days ago it was
/// registered, what it is used with, and how many connections it has.
#[rustfmt::skip]
pub const CLIENTS: [SampleClient; 14] = [
    client(("Claude Code — Engineering", Console, Public),
        LOCAL, 430, &[SEARCH], 58).with(Shape::Terminal),
    client(("Claude", Registered, Public),
        &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        402, &[WIKI, ISSUES, SEARCH], 35),
    client(("Cursor", Registered, Public),
        &["cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback"],
        318, &[ISSUES, WAREHOUSE, PAYMENTS, WIKI], 30),
    client(("Visual Studio Code", Document, Public),
        &["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
        243, &[WAREHOUSE, SEARCH, RUNBOOKS, ISSUES, PAYMENTS], 29),
    client(("Support portal", Console, Confidential),
        &["https://support.acme.example/oauth/callback"], 391, &[ISSUES], 19).with(Shape::Chat),
    client(("Codex", Registered, Public),
        &["http://127.0.0.1:1455/callback"], 197, &[RUNBOOKS, ISSUES, SEARCH], 17),
    client(("Claude Desktop", Console, Public),
        LOCAL, 356, &[WIKI], 14).with(Shape::Desktop),
    client(("ChatGPT", Registered, Public),
        &["https://chatgpt.com/connector_platform_oauth_redirect"], 152, &[WIKI, WAREHOUSE], 13),
    client(("Claude Code (issues)", Registered, Public),
        &["http://localhost:3118/callback"], 266, &[ISSUES], 8),
    client(("MCP Inspector", Registered, Public),
        &["http://localhost:6274/oauth/callback", "http://localhost:6274/oauth/callback/debug"],
        111, &[PAYMENTS, RUNBOOKS], 7),
    // The same name again: every machine registers anew.
    client(("Claude Code (issues)", Registered, Public),
        &["http://localhost:51794/callback"], 74, &[ISSUES], 5),
    client(("Nightly report", Api, Confidential),
        &["https://reports.acme.example/oauth/callback"], 173, &[WAREHOUSE], 5),
    client(("Claude Code (runbooks)", Registered, Public),
        &["http://localhost:60112/callback"], 48, &[RUNBOOKS], 4),
    client(("Incident bot", Api, Confidential),
        &["https://bots.acme.example/incidents/callback"], 2, &[RUNBOOKS], 0),
];

/// Where in [`CLIENTS`] some of them are.
pub const ENGINEERING: usize = 0;
/// Claude.
pub const CLAUDE: usize = 1;
/// Cursor.
pub const CURSOR: usize = 2;
/// Visual Studio Code.
pub const VS_CODE: usize = 3;
/// Codex.
pub const CODEX: usize = 5;
/// ChatGPT, which the organization did not approve.
pub const CHATGPT: usize = 7;
/// MCP Inspector.
pub const INSPECTOR: usize = 9;
/// The second "Claude Code (issues)".
pub const LOOK_ALIKE: usize = 10;
