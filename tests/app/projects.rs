//! The list of projects, and the page of each.

use std::time::Duration;

use untether::{config::Registration, domain::resource::Resource, flow::project::ensure_own};

use crate::{
    races::is_waited_for,
    support::{Page, TestApp},
};

fn cells(page: &Page, project: usize) -> Vec<String> {
    page.all(&format!("tbody tr:nth-child({}) > *", project + 1))
}

#[actix_web::test]
async fn the_list_says_of_each_project_who_looks_after_it_and_how_it_is_used() {
    let app = TestApp::spawn().await;
    let server = app
        .project("search", &["pablo@acme.example", "group:ops"])
        .await;
    app.project("wiki", &[]).await;
    let (cursor, codex) = (app.host("Cursor").await, app.host("Codex").await);
    let ana = app.person("ana");
    let tokens = cursor.connects(&ana, &server).await;
    codex.connects(&ana, &server).await;
    codex.connects(&app.person("bo"), &server).await;
    ana.revokes(&[&ana.newest_connection().await], "").await;
    server.introspects(&tokens.access).await;
    app.app.asked.record(&app.app.db).await.unwrap();
    app.advance(Duration::from_secs(120));
    let owner = app.owner();
    let page = owner.opens("/projects").await;
    assert_eq!(
        cells(&page, 0),
        [
            "Project searchsearch",
            "https://search.acme.example/mcp",
            "group:ops, pablo@acme.example",
            "2",
            "2",
            "2 minutes ago",
            "Not checked"
        ]
    );
    assert_eq!(
        cells(&page, 1)[2..],
        ["Owners only", "0", "0", "Never", "Not checked"]
    );
    // Invariant 4: the numbers are those of the rows behind them.
    for (link, rows) in [("Clients", ".group"), ("Active connections", "tbody tr")] {
        let selector = format!("tbody tr:first-child [data-label='{link}'] a");
        let list = owner.opens(&page.attributes(&selector, "href")[0]).await;
        assert_eq!(list.all(rows).len(), 2, "{link}");
    }
    let page = owner.opens("/projects/search").await;
    let counts = page.all(".counts a");
    assert_eq!(
        counts,
        [
            "3 connections",
            "Active 2",
            "Expired 0",
            "Revoked 1",
            "Clients 2"
        ]
    );
}

#[actix_web::test]
async fn who_looks_after_a_project_sees_it_in_the_list_and_others_see_none() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &["group:ops"]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let names = |page: &Page| page.all("tbody th a");
    let all = ["Project search", "Project wiki", "Untether"];
    assert_eq!(names(&app.owner().opens("/projects").await), all);
    assert_eq!(names(&app.auditor().opens("/projects").await), all);
    let pablo = app.person("pablo");
    let page = pablo.opens("/projects").await;
    assert_eq!(names(&page), ["Project search"]);
    assert_eq!(page.all(".summary"), ["1 project"]);
    assert!(!page.text.contains("Add a project"));
    let by_group = app.person("gina").in_groups("ops");
    assert_eq!(names(&by_group.opens("/projects").await), ["Project wiki"]);
    let nav = |page: Page| page.all("nav[aria-label=Main] a");
    assert!(nav(pablo.opens("/projects").await).contains(&"Projects".to_owned()));
    assert!(!nav(ana.opens("/me").await).contains(&"Projects".to_owned()));
    assert_eq!(ana.opens("/projects").await.status, 404);
}

#[actix_web::test]
async fn two_hundred_projects_are_searched_and_paged_without_a_gap() {
    let app = TestApp::spawn().await;
    let copies = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
        INSERT INTO project (id, slug, name, resource, resource_key, created_at, folded)
        SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT), 'p' || n, 'Same name',
            'https://p' || n || '.example/mcp', 'https://p' || n || '.example/mcp', 0, 'same name'
        FROM n";
    app.database.execute(copies).await;
    let owner = app.owner();
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    let mut next = Some("/projects".to_owned());
    while let Some(path) = next {
        let page = owner.opens(&path).await;
        assert_eq!(page.all(".summary"), ["201 projects"]);
        seen.extend(page.attributes("tbody th a", "href"));
        next = page.attributes("a[rel=next]", "href").pop();
        pages.push(page);
    }
    assert_eq!((pages.len(), seen.len()), (5, 201));
    let back = pages[4].attributes("a[rel=prev]", "href").remove(0);
    let back = owner.opens(&back).await;
    assert_eq!(back.all("tbody th"), pages[3].all("tbody th"));
    let mut all = seen.clone();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 201);
    for (search, found) in [("P17.EX", 1), ("p1%", 0), ("untether", 1), ("same", 200)] {
        let page = owner
            .opens(&format!("/projects?q={}", search.replace('%', "%25")))
            .await;
        let said = if found == 1 {
            "1 project matches".to_owned()
        } else {
            format!("{found} projects match")
        };
        assert_eq!(page.all(".summary"), [said], "{search}");
    }
    for wrong in ["q=a&q=b", "after=x", "before=%00"] {
        let page = owner.opens(&format!("/projects?{wrong}")).await;
        assert_eq!(page.status, 400, "{wrong}");
    }
    let long = format!("/projects?q={}", "x".repeat(201));
    assert_eq!(owner.opens(&long).await.status, 400);
}

#[actix_web::test]
async fn the_health_of_a_server_is_what_the_last_check_found() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let form = [("csrf".to_owned(), owner.form_token().await)];
    let checked = owner.posts("/projects/search/check", &form).await;
    assert_eq!(checked.status, 200);
    app.advance(Duration::from_secs(3 * 86_400));
    let list = owner.opens("/projects").await;
    assert_eq!(cells(&list, 0)[6], "1 problem3 days ago");
    let page = owner.opens("/projects/search").await;
    assert_eq!(page.all("dd.status"), ["1 problem, checked 3 days ago"]);
    let told = "SELECT action || ' by ' || actor || ': ' || detail FROM audit_event
                WHERE action = 'project.checked'";
    assert_eq!(
        app.database.texts(told).await,
        ["project.checked by olivia@acme.example: 1 problem."]
    );
}

#[actix_web::test]
async fn a_proxy_that_asks_is_seen_like_a_server_once_a_minute() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let tokens = app
        .host("Cursor")
        .await
        .connects(&app.person("ana"), &server)
        .await;
    let ask = |token: String| {
        let url = format!("{}/forward-auth/search", app.url);
        app.http.get(url).bearer_auth(token).send()
    };
    let asked = "SELECT CAST(COALESCE(asked_at, 0) AS TEXT) FROM project WHERE slug = 'search'";
    let record = async || {
        app.app.asked.record(&app.app.db).await.unwrap();
        app.database.texts(asked).await.remove(0)
    };
    ask("wrong".to_owned()).await.unwrap();
    assert_eq!(record().await, "0", "whoever guesses is nobody's server");
    ask(tokens.access.clone()).await.unwrap();
    let first = record().await;
    assert_eq!(first, app.now().millis().to_string());
    app.advance(Duration::from_secs(59));
    ask(tokens.access.clone()).await.unwrap();
    assert_eq!(record().await, first);
    app.advance(Duration::from_secs(1));
    ask(tokens.access).await.unwrap();
    assert_eq!(record().await, app.now().millis().to_string());
}

#[actix_web::test]
async fn untethers_own_project_moves_with_its_address_and_the_trail_says_so() {
    let app = TestApp::spawn().await;
    let old = format!("{}/mcp", app.url);
    let moved = app.replica(|_| {}).await;
    let new = format!("{}/mcp", moved.url);
    let own = "SELECT resource FROM project WHERE slug = 'untether'";
    assert_eq!(app.database.texts(own).await, [&*new]);
    let events = "SELECT actor || ' ' || project_name || ' ' || detail FROM audit_event
                  WHERE action = 'project.changed'";
    let expected = format!("Untether Untether MCP server URL: {new}; before: {old}.");
    assert_eq!(app.database.texts(events).await, [expected]);
}

#[actix_web::test]
async fn two_servers_that_start_at_once_on_an_empty_database_both_start() {
    let app = TestApp::spawn().await;
    app.database
        .execute("DELETE FROM project WHERE slug = 'untether'")
        .await;
    let resource = Resource::parse("https://untether.acme.example/mcp").unwrap();
    let mut tx = app.app.db.write().await.unwrap();
    let context = app.context();
    ensure_own(&mut tx, &context, resource).await.unwrap();
    let (_other, ()) = tokio::join!(app.replica(|_| {}), async {
        is_waited_for(&app, &mut tx).await;
        tx.commit().await.unwrap();
    });
    let own = "SELECT id FROM project WHERE slug = 'untether'";
    assert_eq!(app.database.texts(own).await.len(), 1);
}

#[actix_web::test]
async fn a_project_says_how_a_host_connects_unless_none_can_make_itself_known() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    for who in [app.owner(), app.auditor()] {
        let page = who.opens("/projects/search").await;
        let hosts = page.all("details[name=host] summary");
        assert_eq!((hosts.len(), &*hosts[0]), (8, "Claude Code"));
        let texts = page.raw("details[name=host] pre code");
        let command = format!("claude mcp add --transport http search {}", server.resource);
        assert_eq!(texts[0], command);
        assert!(texts.iter().all(|text| text.contains(&server.resource)));
    }

    let app = TestApp::spawn_with(|settings| settings.registration = Registration::Off).await;
    app.project("search", &[]).await;
    for (who, told) in [
        (
            app.owner(),
            "Hosts cannot make themselves known here: make a client.",
        ),
        (
            app.auditor(),
            "Hosts cannot make themselves known here: its administrators make clients for them.",
        ),
    ] {
        let page = who.opens("/projects/search").await;
        assert!(page.all("details[name=host]").is_empty());
        assert_eq!(page.all("#connect + p"), [told]);
    }
}
