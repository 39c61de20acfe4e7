//! What every screen weighs on the wire, with its headers: a page may be the first that
//! someone opens on a slow link, and a later one must not make them wait.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use untether::domain::client::ClientType;

use crate::support::{Host, McpServer, Person, TestApp};

const KB: usize = 1024;
/// One initial congestion window (RFC 6928), for a page and its style sheet.
const FIRST_VISIT: usize = 14 * KB;
const SCRIPTS: usize = 20 * KB;
const LATER: usize = 8 * KB;
const CONSENT: usize = 6 * KB;
const ROWS_OF_A_GROUP: usize = 3 * KB;

const FIRST_NAMES: [&str; 9] = [
    "sofia",
    "rafael",
    "anton",
    "mei",
    "hugo",
    "priya",
    "oluwaseun",
    "zoe",
    "bjorn",
];
const LAST_NAMES: [&str; 8] = [
    "papadopoulou",
    "costa",
    "berg",
    "lindqvist",
    "martins",
    "raghunathan",
    "adeyemi",
    "kim",
];
const HOSTS: [&str; 5] = ["Claude Code", "Cursor", "VS Code", "ChatGPT", "Goose"];
/// How many clients of one project someone made.
const MADE: usize = 60;
/// How many projects there are in a large organization.
const PROJECTS_OF_MANY: usize = 200;
const PROJECTS: [&str; 20] = [
    "search",
    "issue-tracker",
    "warehouse",
    "wiki",
    "payments",
    "runbooks",
    "calendar",
    "mail",
    "invoices",
    "travel",
    "hiring",
    "metrics",
    "alerts",
    "deploys",
    "secrets",
    "designs",
    "contracts",
    "support",
    "translations",
    "facilities",
];

/// A screen, and how many bytes it may have.
struct Screen {
    path: &'static str,
    /// Whether it is asked for as a part of the page that is there.
    part: bool,
    limit: usize,
}

const fn screen(path: &'static str, limit: usize) -> Screen {
    Screen {
        path,
        part: false,
        limit,
    }
}

const fn part(path: &'static str, limit: usize) -> Screen {
    Screen {
        part: true,
        ..screen(path, limit)
    }
}

#[rustfmt::skip] // One line for each screen, whatever its length.
const SCREENS: &[Screen] = &[
    screen("/connections?view=list", LATER),
    screen("/connections?view=list&sort=person&status=active&status=expired&status=revoked", LATER),
    screen("/connections", LATER),
    screen("/connections?view=person&per=50", LATER),
    screen("/connections?view=project", LATER),
    screen("/connections?view=list&q=nothing-like-it", LATER),
    part("/connections?view=list", LATER),
    part("/connections?view=list&q=claude", LATER),
    part("/connections/rows?open={client}&group={client}", ROWS_OF_A_GROUP),
    part("/connections/rows?q=cl&open={client}&group={client}", ROWS_OF_A_GROUP),
    screen("/connections/revoke?{ids}", LATER),
    part("/connections/revoke?{ids}", LATER),
    screen("/connections/revoke-matching?q=e", LATER),
    screen("/connections/{connection}", LATER),
    screen("/clients", LATER),
    screen("/clients?per=50&sort=name", LATER),
    screen("/clients/{client}", LATER),
    part("/clients/{client}", LATER),
    screen("/people/{person}", LATER),
    screen("/me", LATER),
    screen("/audit", LATER),
    screen("/help", LATER),
    screen("/projects", LATER),
    screen("/projects?q=acme", LATER),
    screen("/projects/new", LATER),
    screen("/projects/search", LATER),
    screen("/projects/search/edit", LATER),
    screen("/projects/search/check", LATER),
    screen("/projects/search/credentials/{credential}/revoke", LATER),
    screen("/projects/search/clients", LATER),
    screen("/projects/search/clients/new", LATER),
    screen("/projects/search/clients/new?host=codex&host=vscode&host=claude-ai", LATER),
    screen("/projects/search/clients/{made}", LATER),
    screen("/clients/{made}", LATER),
    screen("/clients/{client}/block", LATER),
    screen("{consent}", CONSENT),
];

/// Bytes on the wire: of the head, and of the body.
async fn weights(who: &Person<'_>, path: &str, part: bool) -> (usize, usize) {
    let url = format!("{}{path}", who.app.url);
    let mut request = who.app.http.get(url).header("accept-encoding", "br");
    if part {
        request = request.header("hx-request", "true");
    }
    let answer = who.answers_to(request).await;
    assert_eq!(answer.status(), 200, "{path}");
    let line = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    let head: usize = answer.headers().iter().map(line).sum();
    let head = head + "HTTP/1.1 200 OK\r\n\r\n".len();
    (head, answer.bytes().await.unwrap().len())
}

async fn weight(who: &Person<'_>, path: &str) -> usize {
    let (head, body) = weights(who, path, false).await;
    head + body
}

/// The names that a sign-in proxy would have sent.
async fn name_people(app: &TestApp) {
    let capital = |name: &str| name[..1].to_uppercase() + &name[1..];
    let mut names = String::new();
    for first in FIRST_NAMES {
        for last in LAST_NAMES {
            names += &format!(
                "UPDATE people SET name = '{} {}' WHERE email = '{first}.{last}@acme.example';",
                capital(first),
                capital(last)
            );
        }
    }
    app.database.execute(&names).await;
}

/// Seventy people who connected five hosts to four projects in the last weeks.
async fn fill(app: &TestApp) -> (Host<'_>, McpServer<'_>) {
    let mut servers = Vec::new();
    for slug in PROJECTS {
        servers.push(app.project(slug, &[]).await);
    }
    let mut hosts = Vec::new();
    for name in HOSTS {
        hosts.push(app.host(name).await);
    }
    for number in 0..72 {
        let [first, last] = [FIRST_NAMES[number % 9], LAST_NAMES[number % 8]];
        let person = app.person(&format!("{first}.{last}"));
        // Half of them use the first.
        let host = &hosts[if number % 2 == 0 { 0 } else { number % 5 }];
        host.connects(&person, &servers[number * number % 4]).await;
        app.advance(Duration::from_secs(40_000 + 7919 * (number as u64 % 13)));
        if number % 9 == 0 {
            let revoked = person.newest_connection().await;
            person.revokes(&[&revoked], "").await;
        }
    }
    name_people(app).await;
    (hosts.swap_remove(0), servers.swap_remove(0))
}

/// Every screen, with these words in the addresses.
async fn weigh(owner: &Person<'_>, facts: &[(&str, String)]) {
    let mut said = Vec::new();
    for screen in SCREENS {
        let mut path = screen.path.to_owned();
        for (name, fact) in facts {
            path = path.replace(name, fact);
        }
        let (head, body) = weights(owner, &path, screen.part).await;
        let bytes = head + body;
        println!("{bytes:>6} {}", screen.path);
        if bytes > screen.limit {
            said.push(format!("{}: {bytes}, not {}", screen.path, screen.limit));
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// Clients that someone made for a project, each with a picture of its own.
async fn make_clients(app: &TestApp) -> String {
    let mut logos = String::new();
    let mut made = String::new();
    for number in 0..MADE {
        let name = format!("{} for {}", HOSTS[number % 5], LAST_NAMES[number % 8]);
        let uris = &[
            "http://localhost/callback",
            "http://localhost/oauth/callback",
        ];
        let kind = match number % 2 {
            0 => ClientType::Confidential,
            _ => ClientType::Public,
        };
        let (client, _) = app.makes_client("search", &name, kind, uris).await;
        let hash = Sha256::digest(&client.identifier);
        let logo = URL_SAFE_NO_PAD.encode(&hash[..16]);
        let id = client.identifier;
        logos += &format!("UPDATE client SET logo = '{logo}' WHERE id = '{id}';");
        made = id;
    }
    app.database.execute(&logos).await;
    made
}

#[actix_web::test]
async fn screens_stay_within_their_weight() {
    let app = TestApp::spawn().await;
    let (host, server) = fill(&app).await;
    let owner = app.owner();
    let list = owner.opens("/connections?view=list").await;
    let ids = list.attributes("tr[id]", "id");
    let chosen: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
    let person = owner.opens(&format!("/people/of/{}", ids[0])).await;
    let person = person.headers["location"].to_str().unwrap().to_owned();
    let facts = [
        ("/people/{person}", person),
        ("{client}", host.client_id.clone()),
        ("{connection}", ids[0].clone()),
        ("{ids}", chosen.join("&")),
        ("{credential}", server.id.clone()),
        ("{made}", make_clients(&app).await),
        ("{consent}", host.authorize_path(Some(&server.resource))),
    ];
    weigh(&owner, &facts).await;
    for number in PROJECTS.len()..PROJECTS_OF_MANY {
        app.project(&format!("server-{number}"), &[]).await;
    }
    weigh(&owner, &facts).await;

    let file = |selector, name| list.attributes(selector, name).remove(0);
    let css = file("link[rel=stylesheet]", "href");
    let first = weight(&owner, "/connections?view=list").await + weight(&owner, &css).await;
    assert!(first <= FIRST_VISIT, "first visit: {first}");
    let mut scripts = 0;
    for script in list.attributes("script", "src") {
        scripts += weight(&owner, &script).await;
    }
    assert!(scripts <= SCRIPTS, "scripts: {scripts}");
}
