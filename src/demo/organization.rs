//! Who and what there is in the demo, as tables.

use crate::domain::client::{
    ClientType::{self, Confidential, Public},
    Origin::{self, Api, Console, Document, Registered},
};

/// The people: name and user name. The first four are the personas.
pub const PEOPLE: [(&str, &str); 40] = [
    ("Olivia Hart", "olivia.hart"),
    ("Pablo Ruiz", "pablo.ruiz"),
    ("Arthur Lindqvist", "arthur.lindqvist"),
    ("Mina Okafor", "mina.okafor"),
    ("Aisha Rahman", "aisha.rahman"),
    ("Anton Berg", "anton.berg"),
    ("Beatriz Nunes", "beatriz.nunes"),
    ("Bogdan Ionescu", "bogdan.ionescu"),
    ("Camille Laurent", "camille.laurent"),
    ("Chen Wei", "chen.wei"),
    ("Daniela Rossi", "daniela.rossi"),
    ("Dmitri Volkov", "dmitri.volkov"),
    ("Elif Yılmaz", "elif.yilmaz"),
    ("Emeka Nwosu", "emeka.nwosu"),
    ("Eva Horváth", "eva.horvath"),
    ("Fatima Zahra", "fatima.zahra"),
    ("Finn O'Brien", "finn.obrien"),
    ("Greta Schneider", "greta.schneider"),
    ("Hana Kobayashi", "hana.kobayashi"),
    ("Hugo Martins", "hugo.martins"),
    ("Ines Moreau", "ines.moreau"),
    ("Ivan Petrov", "ivan.petrov"),
    ("Jae-won Kim", "jaewon.kim"),
    ("Johanna Virtanen", "johanna.virtanen"),
    ("Kavya Iyer", "kavya.iyer"),
    ("Kofi Mensah", "kofi.mensah"),
    ("Lars Nielsen", "lars.nielsen"),
    ("Leila Haddad", "leila.haddad"),
    ("Lucía Fernández", "lucia.fernandez"),
    ("Marek Nowak", "marek.nowak"),
    ("Mei Tanaka", "mei.tanaka"),
    ("Nadia Benali", "nadia.benali"),
    ("Oskar Lund", "oskar.lund"),
    ("Priya Sharma", "priya.sharma"),
    ("Rafael Costa", "rafael.costa"),
    ("Sofia Papadopoulou", "sofia.papadopoulou"),
    ("Tomás Herrera", "tomas.herrera"),
    ("Uma Krishnan", "uma.krishnan"),
    ("Viktor Janssen", "viktor.janssen"),
    // The directory has no name for this one.
    ("svc-reporting@acme.example", "svc-reporting"),
];

/// Where in [`PEOPLE`] the personas are.
pub const OWNER: usize = 0;
/// Administers two projects.
pub const ADMINISTRATOR: usize = 1;
/// Sees everything, changes nothing.
pub const AUDITOR: usize = 2;
/// Looks after her own connections.
pub const MEMBER: usize = 3;

/// The e-mail of one of the [`PEOPLE`].
pub fn email(person: usize) -> String {
    format!("{}@acme.example", PEOPLE[person].1)
}

/// A project: short name, name, and scopes with what they mean; the last scope
/// is optional.
pub struct SampleProject {
    /// Its short name, also in its address.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its scopes.
    pub scopes: &'static [(&'static str, &'static str)],
    /// Whether the administrator persona administers it.
    pub administered: bool,
}

/// The projects.
pub const PROJECTS: [SampleProject; 6] = [
    SampleProject {
        slug: "search-prod",
        name: "Search",
        scopes: &[
            ("search.read", "Search documents you can open"),
            ("search.export", "Download whole documents"),
        ],
        administered: false,
    },
    SampleProject {
        slug: "issues",
        name: "Issue tracker",
        scopes: &[
            ("issues.read", "Read issues and comments"),
            ("issues.write", "Create and change issues in your name"),
            ("issues.delete", "Delete issues"),
        ],
        administered: true,
    },
    SampleProject {
        slug: "warehouse",
        name: "Data warehouse",
        scopes: &[
            (
                "warehouse.query",
                "Run read-only queries on tables you can see",
            ),
            ("warehouse.export", "Save results to files"),
        ],
        administered: false,
    },
    SampleProject {
        slug: "wiki",
        name: "Wiki",
        scopes: &[
            ("wiki.read", "Read pages you can open"),
            ("wiki.write", "Write pages in your name"),
        ],
        administered: true,
    },
    SampleProject {
        slug: "payments-sandbox",
        name: "Payments sandbox",
        scopes: &[
            ("payments.read", "Read test payments"),
            ("payments.refund", "Refund test payments"),
        ],
        administered: false,
    },
    SampleProject {
        slug: "runbooks",
        name: "Runbooks",
        scopes: &[
            ("runbooks.read", "Read runbooks and past incidents"),
            ("runbooks.run", "Start a runbook"),
        ],
        administered: false,
    },
];

/// A client, and how many of the 250 connections are through it.
pub struct SampleClient {
    /// Its name.
    pub name: &'static str,
    /// How it came to be known.
    pub origin: Origin,
    /// Which of the [`PROJECTS`] it belongs to.
    pub project: Option<usize>,
    /// Public or confidential.
    pub client_type: ClientType,
    /// Where it is sent back to.
    pub redirect_uri: &'static str,
    /// How many connections it has.
    pub connections: usize,
}

const fn client(
    name: &'static str,
    origin: Origin,
    project: Option<usize>,
    client_type: ClientType,
    redirect_uri: &'static str,
    connections: usize,
) -> SampleClient {
    SampleClient {
        name,
        origin,
        project,
        client_type,
        redirect_uri,
        connections,
    }
}

const LOCAL: &str = "http://localhost/callback";

/// The address of the metadata document of the client whose origin is one.
pub const DOCUMENT: &str = "https://hosts.example/oauth/vscode-client.json";

/// The clients.
pub const CLIENTS: [SampleClient; 14] = [
    client(
        "Claude Code — Engineering",
        Console,
        Some(0),
        Public,
        LOCAL,
        62,
    ),
    client(
        "Cursor",
        Registered,
        None,
        Public,
        "http://localhost:8787/callback",
        41,
    ),
    client(
        "VS Code",
        Document,
        None,
        Public,
        "http://127.0.0.1:33418/",
        34,
    ),
    client(
        "Claude",
        Registered,
        None,
        Public,
        "https://claude.ai/api/mcp/auth_callback",
        29,
    ),
    client(
        "Codex",
        Registered,
        None,
        Public,
        "http://127.0.0.1:1455/auth/callback",
        22,
    ),
    client(
        "Claude Code (issues)",
        Registered,
        None,
        Public,
        "http://localhost:3118/callback",
        17,
    ),
    client(
        "Claude Code (wiki)",
        Registered,
        None,
        Public,
        "http://localhost:49281/callback",
        12,
    ),
    client(
        "MCP Inspector",
        Registered,
        None,
        Public,
        "http://127.0.0.1:6276/oauth/callback",
        9,
    ),
    client(
        "mcp-remote (Claude Desktop)",
        Registered,
        None,
        Public,
        "http://localhost:5598/oauth/callback",
        8,
    ),
    client(
        "Support portal",
        Console,
        Some(1),
        Confidential,
        "https://support.acme.example/oauth/callback",
        7,
    ),
    client(
        "Nightly report",
        Api,
        Some(2),
        Confidential,
        "https://reports.acme.example/callback",
        5,
    ),
    client(
        "Windsurf",
        Registered,
        None,
        Public,
        "windsurf://oauth/callback",
        3,
    ),
    client(
        "Claude Code",
        Registered,
        None,
        Public,
        "http://localhost:60112/callback",
        1,
    ),
    client(
        "Incident bot",
        Console,
        Some(5),
        Confidential,
        "https://bot.acme.example/callback",
        0,
    ),
];
