//! Projects are added and changed on pages.

use std::time::Duration;

use crate::support::{Page, Person, TestApp, form_fields};

pub type Fields = Vec<(String, String)>;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The form at `path` with these fields filled in.
pub async fn fill(person: &Person<'_>, path: &str, filled: &[(&str, &str)]) -> Fields {
    let page = person.opens(path).await;
    let action = if path == "/projects/new" {
        "/projects"
    } else {
        path
    };
    let mut form = form_fields(&page, action);
    form.extend(fields(filled));
    form
}

pub async fn adds(person: &Person<'_>, filled: &[(&str, &str)]) -> Page {
    let form = fill(person, "/projects/new", filled).await;
    person.posts("/projects", &form).await
}

const SEARCH: [(&str, &str); 12] = [
    ("name", "Search & find"),
    ("resource", "https://search.acme.example/mcp"),
    ("slug", ""),
    (
        "administrators",
        "Pablo@acme.example\ngroup:ops, pablo@acme.example\n",
    ),
    ("who", "named"),
    ("members", "group:staff"),
    ("scope0", "read"),
    ("meaning0", "Read it"),
    ("scope2", "write"),
    ("meaning2", "Change it"),
    ("optional2", "yes"),
    ("manage_url", "https://console.acme.example/#/mcp"),
];

pub async fn stored(app: &TestApp) -> Vec<String> {
    let facts = "SELECT slug || '|' || name || '|' || resource || '|' || COALESCE(members, '-')
        || '|' || COALESCE(manage_url, '-') || '|' || version
        FROM project WHERE slug <> 'untether' ORDER BY slug";
    app.database.texts(facts).await
}

#[actix_web::test]
async fn an_owner_adds_a_project_and_its_server_can_ask_at_once() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let page = adds(&owner, &SEARCH).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let codes = page.all(".copied code");
    let url = format!("{}/oauth/introspect", app.url);
    let ask = app.http.post(&url).basic_auth(&codes[0], Some(&codes[1]));
    let answer = ask.form(&[("token", "x")]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(codes[2], url);
    assert_eq!(
        stored(&app).await,
        [
            "search-find|Search & find|https://search.acme.example/mcp|[\"group:staff\"]|\
          https://console.acme.example/#/mcp|1"
        ]
    );
    let page = owner.opens("/projects/search-find").await;
    let facts = page.all("dl.facts > dd");
    assert_eq!(
        facts[1..3],
        ["group:ops, pablo@acme.example", "group:staff"]
    );
    assert_eq!(
        page.all("dl.facts li"),
        ["Read it read", "Change it write, optional"]
    );
    // A double click, or the page loaded again: there is one project, and no second secret.
    let again = adds(&owner, &SEARCH).await;
    assert_eq!(again.status, 303);
    let page = owner.opens("/projects/search-find").await;
    assert!(page.text.contains("and only once"), "{}", page.text);
    assert!(!page.text.contains(&codes[1]));
    assert_eq!(stored(&app).await.len(), 1);
}

#[actix_web::test]
async fn what_is_taken_is_said_and_what_was_typed_is_kept() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    app.project("search", &[]).await;
    for (slug, resource, at, said) in [
        (
            "search",
            "https://other.example/mcp",
            "slug",
            "has the slug search already",
        ),
        (
            "other",
            "HTTPS://search.acme.example/mcp/",
            "resource",
            "is at this address already",
        ),
    ] {
        let typed = [
            ("name", "My <i>name</i>"),
            ("slug", slug),
            ("resource", resource),
        ];
        let page = adds(&owner, &typed).await;
        assert_eq!(page.status, 409);
        let fault = page.all(&format!("#{at}-fault")).remove(0);
        assert!(fault.contains(said), "{fault}");
        for (name, value) in typed {
            let kept = page.attributes(&format!("[name={name}]"), "value");
            assert_eq!(kept, [value]);
        }
    }
    assert_eq!(stored(&app).await.len(), 1);
}

#[actix_web::test]
async fn the_second_of_two_editors_is_told_what_changed_and_nothing_is_lost() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let (owner, pablo) = (app.owner(), app.person("pablo"));
    let path = "/projects/search/edit";
    let common = [
        ("administrators", "pablo@acme.example"),
        ("scope0", "read"),
        ("meaning0", "Read"),
    ];
    let first = [&common[..], &[("name", "First")]].concat();
    let second = [
        &common[..],
        &[("name", "Second"), ("manage_url", "https://a.example")],
    ]
    .concat();
    let mut owners = fill(&owner, path, &first).await;
    let pablos = fill(&pablo, path, &second).await;
    assert_eq!(owner.posts(path, &owners).await.status, 303);
    let page = pablo.posts(path, &pablos).await;
    assert_eq!(page.status, 409);
    let told = page.all(".prose > ul li").join("");
    assert!(
        told.contains("olivia@acme.example, just now: Name: First; before: Project search."),
        "{told}"
    );
    assert!(told.contains("Offers read (Read)."), "{told}");
    assert_eq!(page.attributes("#name", "value"), ["Second"]);
    assert_eq!(
        page.attributes("#manage_url", "value"),
        ["https://a.example"]
    );
    assert!(stored(&app).await[0].contains("|First|"));
    // The same form again does no more, and the first one again is done already.
    assert_eq!(pablo.posts(path, &pablos).await.status, 409);
    assert_eq!(owner.posts(path, &owners).await.status, 303);
    assert!(stored(&app).await[0].ends_with("|2"));
    // Knowing it, one may go on.
    let mut knowing = form_fields(&page, path);
    knowing.extend(fields(&second));
    assert_eq!(pablo.posts(path, &knowing).await.status, 303);
    assert!(stored(&app).await[0].contains("|Second|"));
    assert!(stored(&app).await[0].ends_with("|3"));
    // A version that nobody saw is a broken form.
    for wrong in ["", "x", "1.5"] {
        owners.retain(|(name, _)| name != "version");
        owners.push(("version".into(), wrong.into()));
        assert_eq!(owner.posts(path, &owners).await.status, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn two_saves_at_the_same_moment_lose_nothing() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let path = "/projects/search/edit";
    let one = fill(&owner, path, &[("name", "One")]).await;
    let two = fill(&owner, path, &[("name", "Two")]).await;
    let (one, two) = tokio::join!(owner.posts(path, &one), owner.posts(path, &two));
    let mut answers = [one.status, two.status];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409]);
    let told = "SELECT id FROM audit_event WHERE action = 'project.changed'";
    assert_eq!(app.database.texts(told).await.len(), 1);
}

#[actix_web::test]
async fn an_administrator_gets_nowhere_else_and_cannot_lock_themselves_out() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &["camille@acme.example"]).await;
    let pablo = app.person("pablo");
    let csrf = ("csrf".to_owned(), pablo.form_token().await);
    // Neither another project, nor the organization, nor by another name in the form.
    let grab = fields(&[
        ("name", "Wiki"),
        ("version", "1"),
        ("administrators", "pablo@acme.example"),
    ]);
    let grab = [&grab[..], std::slice::from_ref(&csrf)].concat();
    let before = app.database.dump().await;
    for path in [
        "/projects/wiki/edit",
        "/projects/untether/edit",
        "/projects",
        "/projects/none/edit",
    ] {
        assert_eq!(pablo.posts(path, &grab).await.status, 404, "{path}");
    }
    assert_eq!(app.database.dump().await, before);
    let path = "/projects/search/edit";
    let moved = [
        ("name", "Search"),
        ("administrators", "pablo@acme.example"),
        ("slug", "wiki"),
        ("resource", "https://wiki.acme.example/mcp"),
        ("id", "x"),
    ];
    let form = fill(&pablo, path, &moved).await;
    assert_eq!(pablo.posts(path, &form).await.status, 303);
    assert!(stored(&app).await[0].starts_with("search|Search|https://search.acme.example/mcp|"));
    for without in ["", "camille@acme.example", "group:staff"] {
        let form = fill(
            &pablo,
            path,
            &[("name", "Search"), ("administrators", without)],
        )
        .await;
        let page = pablo.posts(path, &form).await;
        assert_eq!(page.status, 400);
        assert!(page.all("#administrators-fault")[0].contains("You would lose this project"));
    }
    // By a group of theirs they keep it; owners may name whom they like.
    let gina = app.person("pablo").in_groups("staff");
    let form = fill(
        &gina,
        path,
        &[("name", "Search"), ("administrators", "group:staff")],
    )
    .await;
    assert_eq!(gina.posts(path, &form).await.status, 303);
    assert_eq!(pablo.opens(path).await.status, 404);
    let owner = app.owner();
    let form = fill(&owner, path, &[("name", "Search")]).await;
    assert_eq!(owner.posts(path, &form).await.status, 303);
    assert_eq!(gina.opens("/projects/search").await.status, 404);
    assert_eq!(owner.opens("/projects/search").await.status, 200);
}

#[actix_web::test]
async fn a_new_name_is_where_the_connections_are_sorted_by() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.host("Cursor")
        .await
        .connects(&app.person("ana"), &server)
        .await;
    let owner = app.owner();
    let form = fill(&owner, "/projects/search/edit", &[("name", "Zebra")]).await;
    owner.posts("/projects/search/edit", &form).await;
    let sorted = "SELECT project_folded FROM connection";
    assert_eq!(app.database.texts(sorted).await, ["zebra"]);
    assert!(
        owner
            .opens("/connections?view=list")
            .await
            .text
            .contains("Zebra")
    );
}

#[actix_web::test]
async fn a_form_that_lay_open_too_long_is_sent_again_and_nothing_typed_is_lost() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let olivia = app.owner();
    let path = "/projects/search/edit";
    let typed = [("name", "Find\n \"it\" <b>"), ("who", "anyone")];
    let fields = fill(&olivia, path, &typed).await;
    app.advance(Duration::from_secs(25 * 3600));
    let late = olivia.posts(path, &fields).await;
    assert_eq!(late.status, 403);
    assert_eq!(late.headers["cache-control"], "no-store");
    let again = form_fields(&late, path);
    let without_token = |fields: &[(String, String)]| {
        let mut fields = fields.to_vec();
        fields.retain(|(name, _)| name != "csrf");
        fields
    };
    assert_eq!(without_token(&again), without_token(&fields));
    // What another site sends is not shown as if it had been entered here.
    let foreign = olivia
        .posts_from(path, &fields, "https://evil.example")
        .await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.raw("#again").is_empty());
    let unknown = format!("{}{path}", app.url);
    let unknown = olivia.sends(app.http.post(unknown).form(&fields)).await;
    assert_eq!(unknown.status, 403);
    assert!(
        unknown.raw("#again").is_empty(),
        "nobody says where it comes from"
    );
    let mut again = again;
    again.retain(|(name, _)| name != "name");
    again.push(("name".to_owned(), "Find it".to_owned()));
    assert_eq!(olivia.posts(path, &again).await.status, 303);
    let names = app
        .database
        .texts("SELECT name FROM project WHERE slug = 'search'");
    assert_eq!(names.await, ["Find it"]);
}

#[actix_web::test]
async fn a_form_keeps_each_of_more_scopes_than_it_offers_lines_for() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    // As commands could once make them.
    let many = "
        WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 59)
        INSERT INTO project_scope (project_id, position, name, description, optional)
        SELECT project.id, n, 'scope' || n, 'Use it', FALSE
        FROM n CROSS JOIN project
        WHERE slug = 'search'";
    app.database.execute(many).await;
    let (owner, path) = (app.owner(), "/projects/search/edit");
    let page = owner.opens(path).await;
    let mut fields = fill(&owner, path, &[("name", "Found"), ("who", "anyone")]).await;
    for part in ["scope", "meaning"] {
        let inputs = format!("input[name^={part}]");
        let names = page.attributes(&inputs, "name");
        fields.extend(names.into_iter().zip(page.attributes(&inputs, "value")));
    }
    let answer = owner.posts(path, &fields).await;
    assert!([303, 422].contains(&answer.status), "{}", answer.status);
    let kept = "SELECT name FROM project_scope
        WHERE project_id = (SELECT id FROM project WHERE slug = 'search')";
    assert_eq!(app.database.texts(kept).await.len(), 60);
}
