//! The page on which a project's server is checked, and who has it.

use crate::support::{Page, Site, TestApp, form_fields};

#[actix_web::test]
async fn who_looks_after_a_project_checks_its_server_with_a_form() {
    let app = TestApp::spawn().await;
    app.project("search", &["pablo@acme.example"]).await;
    let site = Site::start().await;
    let challenge = "www-authenticate: Bearer resource_metadata=\"<b>x</b>\"\r\n";
    site.answers("/mcp", 401, challenge, "");
    let moved = format!(
        "UPDATE project SET resource = '{}/mcp' WHERE slug = 'search'",
        site.origin
    );
    app.database.execute(&moved).await;
    let path = "/projects/search/check";
    for person in [app.owner(), app.person("pablo")] {
        let page = person.opens(path).await;
        assert_eq!(page.status, 200);
        assert!(site.requests().is_empty(), "opening the page asks nobody");
        let page = person.posts(path, &form_fields(&page, path)).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.all("[role=status]").last().unwrap(), "2 problems.");
        assert_eq!(page.all(".prose .flash b"), ["OK", "Problem", "Problem"]);
        assert!(!page.text.contains("<b>x</b>"));
        assert!(!site.requests().is_empty());
    }
    let owner = app.owner();
    let forged = [("csrf".to_owned(), "x".to_owned())];
    assert_eq!(owner.posts(path, &forged).await.status, 403);
    assert!(site.requests().is_empty());
}

#[actix_web::test]
async fn to_everybody_else_the_check_is_not_there() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    app.project("wiki", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    for (person, path) in [
        (ana, "/projects/search/check"),
        (app.auditor(), "/projects/search/check"),
        (app.person("pablo"), "/projects/wiki/check"),
        (app.owner(), "/projects/nope/check"),
        (app.owner(), "/projects/Search!/check"),
    ] {
        let missing = person.opens("/projects/not-there/check").await;
        let page = person.opens(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(page.bare(), missing.bare(), "{path}");
        let form = [("csrf".to_owned(), person.form_token().await)];
        assert_eq!(person.posts(path, &form).await.status, 404, "{path}");
    }
}

#[actix_web::test]
async fn the_page_of_a_connection_leads_those_who_may_to_the_check() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let path = format!("/connections/{}", ana.newest_connection().await);
    let links = |page: Page| page.attributes("dd a[href$='/check']", "href");
    let owners = links(app.owner().opens(&path).await);
    assert_eq!(owners, ["/projects/search/check"]);
    for person in [ana, app.auditor()] {
        assert!(links(person.opens(&path).await).is_empty());
    }
}

#[actix_web::test]
async fn only_so_many_checks_go_on_at_once() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    let owner = app.owner();
    let path = "/projects/search/check";
    let form = [("csrf".to_owned(), owner.form_token().await)];
    let turns: Vec<_> = std::iter::from_fn(|| app.app.probe.turn()).collect();
    assert_eq!(owner.posts(path, &form).await.status, 503);
    drop(turns);
    assert_eq!(owner.posts(path, &form).await.status, 200);
}
