//! Invariants 5 and 12 on what programs call: each answers whoever holds the right
//! credential, and is deaf to identity headers, which anybody can send there.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use untether::{
    app::{MACHINE_ROUTES, Verb},
    web::assets,
};

use crate::{
    access_answer::Answer,
    support::{Host, McpServer, TestApp, Tokens},
};

/// What a program comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    Nothing,
    /// Credentials, and a token that is theirs.
    Own,
    /// Credentials, and a token of someone else's.
    Foreign,
    /// Credentials, and a token that was never issued.
    Unknown,
}

const COLUMNS: [Holding; 4] = [
    Holding::Nothing,
    Holding::Own,
    Holding::Foreign,
    Holding::Unknown,
];

/// How a request carries what the program comes with.
#[derive(Clone, Copy)]
enum Carries {
    Nothing,
    /// Metadata of a client.
    Registration,
    /// An access token for "search", for "wiki", or none such.
    Bearer,
    /// An access token for Untether's own MCP server, for "wiki", or none such.
    BearerToOwn,
    /// A client's id and a refresh token.
    Refresh,
    /// The same, to be revoked.
    Revocation,
    /// A project's credentials and an access token.
    Introspection,
}

struct Row {
    verb: Verb,
    route: &'static str,
    path: &'static str,
    carries: Carries,
    answers: [u16; 4],
    /// Which columns change something.
    changes: [bool; 4],
}

const fn row(
    verb: Verb,
    route: &'static str,
    path: &'static str,
    carries: Carries,
    answers: [u16; 4],
) -> Row {
    Row {
        verb,
        route,
        path,
        carries,
        answers,
        changes: [false; 4],
    }
}

const fn changing(changes: [bool; 4], row: Row) -> Row {
    Row { changes, ..row }
}

const ONLY_OWN: [bool; 4] = [false, true, false, false];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(Verb::Get, "/healthz", "/healthz", Carries::Nothing, [200; 4]),
    row(Verb::Get, "/readyz", "/readyz", Carries::Nothing, [200; 4]),
    row(Verb::Get, "/static/{name}", assets::APP_CSS, Carries::Nothing, [200; 4]),
    row(Verb::Get, "/static/{name}", "/static/none.css", Carries::Nothing, [404; 4]),
    row(Verb::Get, "/.well-known/oauth-authorization-server/oauth", "/.well-known/oauth-authorization-server/oauth", Carries::Nothing, [200; 4]),
    row(Verb::Get, "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp", Carries::Nothing, [200; 4]),
    row(Verb::Any, "/.well-known/{other:.*}", "/.well-known/openid-configuration", Carries::Nothing, [404; 4]),
    row(Verb::Any, "/oauth/.well-known/{other:.*}", "/oauth/.well-known/openid-configuration", Carries::Nothing, [404; 4]),
    changing(ONLY_OWN, row(Verb::Post, "/oauth/token", "/oauth/token", Carries::Refresh, [400, 200, 400, 400])),
    // RFC 7009 §2.2: what is not theirs is answered like what is.
    changing(ONLY_OWN, row(Verb::Post, "/oauth/revoke", "/oauth/revoke", Carries::Revocation, [401, 200, 200, 200])),
    changing([true; 4], row(Verb::Post, "/oauth/register", "/oauth/register", Carries::Registration, [201; 4])),
    row(Verb::Post, "/oauth/introspect", "/oauth/introspect", Carries::Introspection, [401, 200, 200, 200]),
    row(Verb::Any, "/oauth/introspect", "/oauth/introspect", Carries::Introspection, [405; 4]),
    row(Verb::Get, "/forward-auth/{project}/oauth-protected-resource", "/forward-auth/search/oauth-protected-resource", Carries::Nothing, [200; 4]),
    row(Verb::Get, "/forward-auth/{project}/oauth-protected-resource", "/forward-auth/none/oauth-protected-resource", Carries::Nothing, [404; 4]),
    row(Verb::Get, "/forward-auth/{project}", "/forward-auth/search", Carries::Bearer, [401, 200, 401, 401]),
    row(Verb::Get, "/forward-auth/{project}", "/forward-auth/none", Carries::Bearer, [404; 4]),
    row(Verb::Any, "/forward-auth/{project}", "/forward-auth/search", Carries::Bearer, [405; 4]),
    row(Verb::Post, "/mcp", "/mcp", Carries::BearerToOwn, [401, 200, 401, 401]),
    row(Verb::Any, "/mcp", "/mcp", Carries::BearerToOwn, [405; 4]),
];

/// A program with two hosts, each connected to a server of its own.
struct World<'a> {
    app: &'a TestApp,
    search: McpServer<'a>,
    host: Host<'a>,
    /// Of the host, for "search".
    tokens: Tokens,
    /// Of another host, for "wiki".
    others: Tokens,
    /// For Untether's own server.
    to_own: Tokens,
}

impl<'a> World<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let (search, wiki) = (
            app.project("search", &[]).await,
            app.project("wiki", &[]).await,
        );
        let (host, other) = (app.host("Cursor").await, app.host("Claude").await);
        let ana = app.person("ana");
        let resource = format!("{}/mcp", app.url);
        let asked = ana.opens(&host.authorize_path(Some(&resource))).await;
        let location = ana.answers(&asked, "allow", &[]).await;
        let code = crate::support::query_of(&location)["code"].clone();
        let to_own = Tokens::of(&host.redeems(&code).await.json().await.unwrap());
        Self {
            app,
            tokens: host.connects(&ana, &search).await,
            others: other.connects(&app.person("bo"), &wiki).await,
            to_own,
            search,
            host,
        }
    }

    fn tokens(&self, row: &Row, holding: Holding) -> Tokens {
        match (holding, row.carries) {
            (Holding::Own, Carries::BearerToOwn) => self.to_own.clone(),
            (Holding::Own, _) => self.tokens.clone(),
            (Holding::Foreign, _) => self.others.clone(),
            (Holding::Unknown | Holding::Nothing, _) => Tokens {
                access: "unknown".into(),
                refresh: "unknown".into(),
            },
        }
    }

    fn request(&self, row: &Row, holding: Holding) -> RequestBuilder {
        let method = match row.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Any => Method::PUT,
        };
        let url = format!("{}{}", self.app.url, row.path);
        let request = self.app.http.request(method, url);
        let Tokens { access, refresh } = self.tokens(row, holding);
        let client = ("client_id", self.host.client_id.as_str());
        match row.carries {
            Carries::Registration => request.json(&json!({
                "client_name": "Another",
                "redirect_uris": ["http://127.0.0.1/callback"],
                "token_endpoint_auth_method": "none",
            })),
            Carries::BearerToOwn => {
                let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
                let request = request
                    .header("accept", "application/json, text/event-stream")
                    .header("mcp-protocol-version", "2025-11-25")
                    .json(&call);
                match holding {
                    Holding::Nothing => request,
                    _ => request.bearer_auth(access),
                }
            }
            _ if holding == Holding::Nothing => request,
            Carries::Nothing => request,
            Carries::Bearer => request.bearer_auth(access),
            Carries::Refresh => {
                let grant = ("grant_type", "refresh_token");
                request.form(&[grant, ("refresh_token", &refresh), client])
            }
            Carries::Revocation => request.form(&[("token", refresh.as_str()), client]),
            Carries::Introspection => request
                .basic_auth(&self.search.id, Some(&self.search.secret))
                .form(&[("token", access)]),
        }
    }

    async fn dump(&self) -> String {
        self.app.records_uses().await;
        self.app.database.dump().await
    }
}

#[actix_web::test]
async fn programs_get_what_their_credentials_are_for_and_identity_headers_add_nothing() {
    for row in ROWS {
        let app = TestApp::spawn().await;
        let world = World::new(&app).await;
        let mut answers = Vec::new();
        for (column, holding) in COLUMNS.into_iter().enumerate() {
            let what = format!("{:?} {} {holding:?}", row.verb, row.path);
            let tokens = world.tokens(row, holding);
            let sent = [&*tokens.access, &*tokens.refresh];
            let before = world.dump().await;
            let answer = Answer::to(world.request(row, holding), &sent).await;
            assert_eq!(answer.status, row.answers[column], "{what}\n{answer:?}");
            let changed = world.dump().await != before;
            assert_eq!(changed, row.changes[column], "{what} changes something");
            if !changed {
                let request = world.request(row, holding);
                let request = request.header("x-forwarded-email", "olivia@acme.example");
                let as_olivia = Answer::to(request, &sent).await;
                as_olivia.is_like(&answer, &format!("{what} as Olivia"));
            }
            answers.push(answer);
        }
        if !row.changes[2] {
            answers[2].is_like(&answers[3], row.path);
        }
    }
}

#[actix_web::test]
async fn an_endpoint_answers_to_no_other_method_and_says_to_which() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    for row in ROWS {
        let allowed = match row.verb {
            Verb::Get => "GET, HEAD",
            Verb::Post => "POST",
            Verb::Any => continue,
        };
        let url = format!("{}{}", app.url, row.path);
        let answer = app.http.delete(&url).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{url}");
        // RFC 9110 §15.5.6
        assert_eq!(answer.headers()["allow"], allowed, "{url}");
    }
}

#[test]
fn every_route_for_programs_is_in_this_table_and_every_row_is_one() {
    let program: Vec<_> = MACHINE_ROUTES
        .iter()
        .map(|entry| (entry.verb, entry.path))
        .collect();
    let table: Vec<_> = ROWS.iter().map(|row| (row.verb, row.route)).collect();
    for route in &program {
        assert!(
            table.contains(route),
            "who may call {route:?}? Say so in ROWS"
        );
    }
    for route in &table {
        assert!(program.contains(route), "no such route: {route:?}");
    }
}
