//! The list of connections, as a page and as the part that htmx fetches.

use std::time::Duration;

use crate::support::{Host, McpServer, Person, TestApp};

async fn connect_many(host: &Host<'_>, person: &Person<'_>, server: &McpServer<'_>, count: usize) {
    for _ in 0..count {
        person.allows(host, server).await;
    }
}

#[actix_web::test]
async fn a_row_says_what_is_connected_for_whom_since_when_and_how_it_stands() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    ana.allows(&host, &server).await;
    let row = app
        .owner()
        .opens("/connections?view=list")
        .await
        .all("table tbody tr")
        .join("");
    for said in [
        "Cursor#",
        "Project search",
        "1 Jun 2026",
        "ana@acme.example",
        "Active",
        "Never",
        "Revoke",
    ] {
        assert!(row.contains(said), "{said:?} in {row}");
    }
    host.connects(&ana, &server).await;
    let rows = app
        .owner()
        .opens("/connections?view=list")
        .await
        .all("table tbody tr");
    assert!(rows.iter().any(|row| row.contains("just now")), "{rows:?}");
    let head = app
        .owner()
        .opens("/connections?view=list")
        .await
        .all("table thead th")
        .join(" · ");
    assert_eq!(
        head,
        "Select · Connection name · MCP client · Project · Authorization date · Connected by · Status · Last used · Actions"
    );
}

#[actix_web::test]
async fn the_counts_equal_the_rows_behind_them() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    connect_many(&host, &app.person("old"), &server, 2).await;
    app.advance(Duration::from_secs(31 * 86_400));
    connect_many(&host, &app.person("ana"), &server, 3).await;
    let owner = app.owner();
    owner.revokes(&[&owner.newest_connection().await], "").await;
    let page = owner.opens("/connections?view=list").await;
    assert_eq!(page.all(".chips a"), ["Active 2", "Expired 2", "Revoked 1"]);
    assert_eq!(
        page.all(".summary"),
        ["4 connections · 1 client"],
        "revoked ones are shown when asked for"
    );
    for (status, count) in [("active", 2), ("expired", 2), ("revoked", 1)] {
        let page = owner
            .opens(&format!("/connections?view=list&status={status}"))
            .await;
        assert_eq!(page.connections().len(), count, "{status}");
        let plural = if count == 1 { "" } else { "s" };
        assert_eq!(
            page.all(".summary"),
            [format!("{count} connection{plural} · 1 client")]
        );
    }
}

#[actix_web::test]
async fn paging_neither_skips_nor_repeats_while_rows_come_and_go() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    connect_many(&host, &ana, &server, 60).await;
    let link = |page: &crate::support::Page, rel: &str| {
        page.attributes(&format!("a[rel={rel}]"), "href")
            .into_iter()
            .next()
    };
    let ids = |page: &crate::support::Page| page.attributes("table tbody tr", "id");

    let first = ana.opens("/connections?view=list&per=25").await;
    assert!(link(&first, "prev").is_none());
    app.advance(Duration::from_secs(1));
    ana.allows(&host, &server).await;
    ana.revokes(&[&ids(&first)[3]], "").await;
    let second = ana.opens(&link(&first, "next").unwrap()).await;
    let third = ana.opens(&link(&second, "next").unwrap()).await;
    assert!(link(&third, "next").is_none());
    let mut seen = [ids(&first), ids(&second), ids(&third)].concat();
    assert_eq!(
        (ids(&first).len(), ids(&second).len(), ids(&third).len()),
        (25, 25, 10)
    );
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 60);

    let back = ana.opens(&link(&third, "prev").unwrap()).await;
    assert_eq!(ids(&back), ids(&second));
    let start = ana.opens(&link(&back, "prev").unwrap()).await;
    assert_eq!(
        ids(&start).len(),
        25,
        "the new row took the place of the revoked one"
    );
    assert!(link(&start, "prev").is_none());
    assert!(!ids(&first).contains(&ids(&start)[0]));
}

#[actix_web::test]
async fn a_query_that_makes_no_sense_names_the_field_and_what_is_allowed() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    for (query, said) in [
        ("status=sleeping", "must be active, expired or revoked"),
        ("per=7", "must be 25, 50 or 100"),
        ("per=25&per=50", "per is given more than once"),
        ("after=nonsense", "cannot be found"),
        ("after=1_x", "cannot be found"),
        (
            "after=99999999999999999999_01890000-0000-7000-8000-000000000000",
            "cannot be found",
        ),
        (
            "after=1_01890000-0000-7000-8000-000000000000&before=1_01890000-0000-7000-8000-000000000000",
            "not both",
        ),
    ] {
        let page = owner.opens(&format!("/connections?{query}")).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(
            page.all("main").join("").contains(said),
            "{query}: {}",
            page.all("main").join("")
        );
        assert_eq!(
            page.attributes("main a", "href"),
            ["/connections"],
            "{query}"
        );
    }
    assert_eq!(
        owner
            .opens("/connections?unknown=1&status=&q=%FF")
            .await
            .status,
        200
    );
}

#[actix_web::test]
async fn htmx_gets_the_part_and_everyone_else_the_page() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let page = owner.opens("/connections").await;
    let part = owner.fetches("/connections").await;
    assert!(page.text.starts_with("<!doctype html>"));
    assert!(!part.text.contains("<html") && part.text.contains("class=\"chips\""));
    let vary = page.headers["vary"].to_str().unwrap();
    assert!(vary.contains("HX-Request"));
    assert_eq!(page.headers["cache-control"], "private, no-cache");
    assert_eq!(part.headers["cache-control"], "no-store");
    assert!(!part.headers.contains_key("etag"));
    let url = format!("{}/connections", app.url);
    let restored = app
        .http
        .get(&url)
        .header("x-forwarded-email", &owner.email)
        .header("hx-request", "true")
        .header("hx-history-restore-request", "true");
    assert!(
        restored
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .starts_with("<!doctype")
    );
    let unchanged = app
        .http
        .get(&url)
        .header("x-forwarded-email", &owner.email)
        .header("if-none-match", &page.headers["etag"]);
    assert_eq!(unchanged.send().await.unwrap().status(), 304);
}

#[actix_web::test]
async fn pages_forbid_what_they_do_not_need() {
    let app = TestApp::spawn().await;
    for path in ["/connections", "/nothing", "/static/nothing"] {
        let page = app.owner().opens(path).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert_eq!(page.headers["x-frame-options"], "DENY");
        assert_eq!(page.headers["referrer-policy"], "same-origin");
        assert!(page.headers.contains_key("x-request-id"));
    }
}

#[actix_web::test]
async fn a_page_that_says_no_carries_the_number_of_its_request() {
    let app = TestApp::spawn().await;
    let page = app.owner().opens("/nothing").await;
    assert_eq!(page.status, 404);
    assert_eq!(
        page.all("footer code"),
        [page.headers["x-request-id"].to_str().unwrap()]
    );
}

#[actix_web::test]
async fn there_is_no_persona_switcher_outside_the_demo() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    assert!(
        !owner
            .opens("/connections?view=list")
            .await
            .text
            .contains("/demo/persona")
    );
    let form = [
        ("csrf".to_owned(), owner.form_token().await),
        ("persona".into(), "owner".into()),
    ];
    assert_eq!(owner.posts("/demo/persona", &form).await.status, 404);
}
