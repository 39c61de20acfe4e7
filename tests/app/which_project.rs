//! Which project a request is for, and who may connect to it.

use untether::{
    domain::project::{Members, Slug},
    flow::project::{self, Edit, Edited},
};

use crate::support::{Host, McpServer, Page, Person, TestApp, error_of, path_of, query_of};

/// Says who may connect to a project.
async fn allow(app: &TestApp, slug: &str, names: &[&str]) {
    let names = names.iter().map(|name| name.parse().unwrap()).collect();
    let edit = Edit {
        members: Some(Members::Only(names)),
        ..Edit::default()
    };
    let mut tx = app.app.db.write().await.unwrap();
    let slug = Slug::parse(slug).unwrap();
    let edited = project::edit(&mut tx, &app.context(), &slug, edit).await;
    assert!(matches!(edited.unwrap(), Edited::Done(_)));
    tx.commit().await.unwrap();
}

/// The error that a host is told about a request of this person's.
async fn refusal(person: &Person<'_>, host: &Host<'_>, server: &McpServer<'_>) -> Option<String> {
    let page = person.is_asked(host, server).await;
    let location = page.headers.get("location")?;
    let query = query_of(location.to_str().unwrap());
    assert!(query["error_description"].contains("ask those who administer it"));
    Some(query["error"].clone())
}

#[actix_web::test]
async fn whoever_knows_no_project_is_asked_which_one_and_then_whether() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let page = ana.opens(&host.authorize_path(None)).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.all("h1"), ["What should Cursor use?"]);
    let projects = ["Project search", "Project wiki", "Untether"];
    assert_eq!(page.all(".choices a"), projects);
    assert!(page.all("form").is_empty());
    assert!(app.database.texts("SELECT id FROM people").await.is_empty());

    let href = page.attributes(".choices a", "href")[0].clone();
    let consent = ana.opens(&href).await;
    assert!(consent.all("main").join("").contains(&server.resource));
    let location = ana.answers(&consent, "allow", &[]).await;
    assert_eq!(query_of(&location)["state"], "a state & more");
    let code = &query_of(&location)["code"];
    let tokens = crate::support::Tokens::of(&host.redeems(code).await.json().await.unwrap());
    assert!(server.admits(&tokens.access).await);
    let detail = "SELECT detail FROM audit_event WHERE action = 'connection.authorized'";
    assert_eq!(
        app.database.texts(detail).await,
        ["The app did not say which MCP server it means."]
    );
    let nonsense = format!("{}&project=nonsense", host.authorize_path(None));
    assert_eq!(ana.opens(&nonsense).await.all(".choices a"), projects);
}

#[actix_web::test]
async fn only_projects_that_the_person_may_connect_to_are_offered() {
    let app = TestApp::spawn().await;
    for slug in ["search", "wiki", "vault"] {
        app.project(slug, &[]).await;
    }
    allow(&app, "vault", &["bo@acme.example"]).await;
    let host = app.host("Cursor").await;
    let choices = |page: Page| page.all(".choices a");
    let path = host.authorize_path(None);
    let ana = app.person("ana");
    let two = ["Project search", "Project wiki", "Untether"];
    assert_eq!(choices(ana.opens(&path).await), two);
    let vault = ana.opens(&format!("{path}&project=vault")).await;
    assert_eq!(choices(vault), two);
    assert_eq!(choices(app.person("bo").opens(&path).await).len(), 4);

    allow(&app, "wiki", &["bo@acme.example"]).await;
    let page = ana.opens(&path).await;
    assert!(page.all("h1").join("").contains("to use Project search"));
    allow(&app, "search", &["bo@acme.example"]).await;
    let page = ana.opens(&path).await;
    let query = query_of(page.headers["location"].to_str().unwrap());
    assert_eq!(query["error"], "access_denied");
}

#[actix_web::test]
async fn with_no_project_but_its_own_untether_is_meant() {
    let app = TestApp::spawn().await;
    let host = app.host("Cursor").await;
    let page = app.person("ana").opens(&host.authorize_path(None)).await;
    assert!(page.all("h1").join("").contains("to use Untether"));
}

#[actix_web::test]
async fn only_members_may_connect() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    allow(&app, "search", &["ana@acme.example", "group:staff"]).await;
    let denied = Some("access_denied".to_owned());
    let person = |name| app.person(name);
    assert_eq!(refusal(&person("ana"), &host, &server).await, None);
    assert_eq!(refusal(&person("bo"), &host, &server).await, denied);
    let in_group = |groups| person("bo").in_groups(groups);
    assert_eq!(refusal(&in_group("staff,ops"), &host, &server).await, None);
    assert_eq!(refusal(&in_group("staffers"), &host, &server).await, denied);
    assert_eq!(refusal(&app.owner(), &host, &server).await, denied);

    // Who is asked already is checked again when they answer.
    let bo = in_group("staff");
    let page = bo.is_asked(&host, &server).await;
    allow(&app, "search", &["ana@acme.example"]).await;
    let answer = query_of(&bo.answers(&page, "allow", &[]).await);
    assert_eq!(answer["error"], "access_denied");
    let made = app.database.texts("SELECT id FROM connection").await;
    assert!(made.is_empty());
}

#[actix_web::test]
async fn a_connection_ends_when_its_person_is_no_member_any_more() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana").in_groups("staff");
    let tokens = host.connects(&ana, &server).await;
    allow(&app, "search", &["group:staff"]).await;
    let tokens = host.renews(&tokens).await;
    let code = ana.allows(&host, &server).await;

    allow(&app, "search", &["group:ops"]).await;
    let refused = host.redeems(&code).await;
    assert_eq!(error_of(refused, 400).await, "invalid_grant");
    let refused = host.refreshes(&tokens.refresh).await;
    let body: serde_json::Value = refused.json().await.unwrap();
    let said = "This person may no longer connect to this MCP server.";
    assert_eq!(
        (&body["error"], &body["error_description"]),
        (&"invalid_grant".into(), &said.into())
    );
    assert!(
        !server.admits(&tokens.access).await,
        "and it is over at once"
    );
    let reasons = "SELECT revoked_by || ': ' || revoked_reason FROM connection";
    let expected = format!("Untether: {said}");
    assert_eq!(app.database.texts(reasons).await, [&*expected, &expected]);
}

#[actix_web::test]
async fn whoever_opens_a_page_and_has_left_a_group_loses_what_only_its_members_have() {
    let app = TestApp::spawn().await;
    let (server, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    allow(&app, "search", &["group:staff"]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let staff = app.person("ana").in_groups("staff");
    let tokens = host.connects(&staff, &server).await;
    // A proxy that says nothing about groups proves nothing.
    host.connects(&ana, &wiki).await;
    let tokens = host.renews(&tokens).await;
    app.person("ana").opens("/me").await;
    assert!(server.admits(&tokens.access).await);

    app.person("ana").in_groups("ops").opens("/me").await;
    assert!(!server.admits(&tokens.access).await, "at once");
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    let left = "SELECT slug FROM connection JOIN project ON project.id = project_id
                WHERE revoked_at IS NULL";
    assert_eq!(app.database.texts(left).await, ["wiki"], "is for everyone");
    let ended =
        "SELECT actor || ' ' || reason FROM audit_event WHERE action = 'connection.revoked'";
    assert_eq!(
        app.database.texts(ended).await,
        ["Untether This person may no longer connect to this MCP server."]
    );
    app.database.check_counts().await;
}

#[actix_web::test]
async fn whoever_opens_a_page_is_called_what_the_proxy_calls_them_from_then_on() {
    let app = TestApp::spawn().await;
    let (server, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("old"), &server).await;
    host.connects(&app.person("old"), &wiki).await;
    allow(&app, "search", &["old@acme.example"]).await;
    // As where the proxy has an id for people that lasts.
    let same = "UPDATE people SET subject = 'new@acme.example', name = 'Ana Old'";
    app.database.execute(same).await;
    assert!(server.admits(&tokens.access).await);
    let new = app.person("new");
    new.opens("/me").await;
    let known = "SELECT email || ' ' || name FROM people";
    let said = app.database.texts(known).await;
    assert_eq!(said, ["new@acme.example Ana Old"], "no name is said");
    assert!(!server.admits(&tokens.access).await, "it is for the other");

    let url = format!("{}/me", app.url);
    let named = app
        .http
        .get(url)
        .header("x-forwarded-preferred-username", "Zoe New");
    assert_eq!(new.sends(named).await.status, 200);
    let said = app.database.texts(known).await;
    assert_eq!(said, ["new@acme.example Zoe New"]);
    let owner = app.owner();
    for (words, found) in [("zoe", 1), ("ana", 0)] {
        let list = owner
            .opens(&format!("/connections?view=list&q={words}"))
            .await;
        assert_eq!(list.connections().len(), found, "{words}");
    }
    app.database.check_counts().await;
}

#[actix_web::test]
async fn silence_about_groups_keeps_what_was_known_and_an_empty_list_is_none() {
    let app = TestApp::spawn().await;
    let (server, wiki) = (
        app.project("search", &[]).await,
        app.project("wiki", &[]).await,
    );
    allow(&app, "search", &["group:staff"]).await;
    let host = app.host("Cursor").await;
    let tokens = host
        .connects(&app.person("ana").in_groups("staff"), &server)
        .await;
    host.connects(&app.person("ana"), &wiki).await;
    let known = "SELECT COALESCE(groups, 'unknown') FROM people";
    assert_eq!(app.database.texts(known).await, ["[\"staff\"]"]);
    app.person("ana").opens("/me").await;
    assert_eq!(app.database.texts(known).await, ["[\"staff\"]"]);
    assert!(server.admits(&tokens.access).await);
    app.person("ana").in_groups("").opens("/me").await;
    assert_eq!(app.database.texts(known).await, ["[]"]);
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
}

/// Adds copies of the project `search` that stand before it in lists.
async fn adds_many(app: &TestApp, count: usize, archived_at: &str) {
    let copies = format!(
        "WITH RECURSIVE copy (n) AS (
             SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {count}
         )
         INSERT INTO project (id, slug, name, resource, resource_key, folded, created_at,
                              version, archived_at)
         SELECT id || n, 'copy-' || n, 'Copy ' || n, resource || n, resource_key || n, 'a' || n,
                created_at, version, {archived_at}
         FROM copy CROSS JOIN project
         WHERE slug = 'search'"
    );
    app.database.execute(&copies).await;
}

#[actix_web::test]
async fn however_many_projects_are_archived_the_others_are_offered() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    adds_many(&app, 500, "1").await;
    let host = app.host("Cursor").await;
    let page = app.person("ana").opens(&host.authorize_path(None)).await;
    let open = ["Project search", "Project wiki", "Untether"];
    assert_eq!(page.all(".choices a"), open);
    app.database
        .execute("UPDATE project SET archived_at = 1 WHERE slug IN ('search', 'wiki')")
        .await;
    let page = app.person("ana").opens(&host.authorize_path(None)).await;
    let query = query_of(page.headers["location"].to_str().unwrap());
    assert_eq!(query["error"], "access_denied", "nor is Untether meant");
}

#[actix_web::test]
async fn a_project_that_is_chosen_need_not_be_among_those_offered() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    adds_many(&app, 500, "NULL").await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let path = host.authorize_path(None);
    let offered = ana.opens(&path).await.all(".choices a");
    assert!(!offered.contains(&"Project search".to_owned()));
    for (slug, name) in [("search", "Project search"), ("untether", "Untether")] {
        let page = ana.opens(&format!("{path}&project={slug}")).await;
        let asked = format!("to use {name}");
        assert!(page.all("h1").join("").contains(&asked), "{slug}");
    }
}

#[actix_web::test]
async fn where_all_others_are_archived_that_is_what_is_said() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let archived = "UPDATE project SET archived_at = 1 WHERE slug = 'search'";
    app.database.execute(archived).await;
    let host = app.host("Cursor").await;
    let answer = app.person("ana").opens(&path_of(&host.request(None))).await;
    let query = query_of(answer.headers["location"].to_str().unwrap());
    assert!(query["error_description"].contains("archived"), "{query:?}");
}
