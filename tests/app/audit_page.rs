//! The page of the audit trail: what it says, of what, to whom, and its files.

use std::time::Duration;

use untether::web::params::encode;

use crate::support::{Page, Person, TestApp};

/// What the rows say that happened, in their order.
fn happened(page: &Page) -> Vec<String> {
    page.all("tbody th[scope=row]")
}

/// The page at this address, which must be there.
async fn reads(person: &Person<'_>, query: &str) -> Page {
    let page = person.opens(&format!("/audit{query}")).await;
    assert_eq!(page.status, 200, "{query}: {}", page.text);
    page
}

/// Ana connects Cursor to search and revokes that, and Ben is refused.
async fn furnish(app: &TestApp) -> String {
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    app.advance(Duration::from_secs(60));
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    app.advance(Duration::from_secs(60));
    ana.revokes(&[&id], "My laptop was stolen").await;
    app.advance(Duration::from_secs(60));
    let asked = ben.is_asked(&host, &server).await;
    ben.answers(&asked, "deny", &[]).await;
    id
}

#[actix_web::test]
async fn the_page_says_who_did_what_to_what_from_where_and_why() {
    let app = TestApp::spawn().await;
    let id = furnish(&app).await;
    let page = reads(&app.owner(), "").await;
    let rows = happened(&page);
    assert_eq!(
        rows[..3],
        [
            "Connection denied",
            "Connection revoked",
            "Connection authorized"
        ]
    );
    let revoked = &page.all("tbody tr")[1];
    for said in [
        "Connection Cursor#",
        "Client Cursor",
        "Project search",
        "Person ana@acme.example",
        "ana@acme.example",
        "from 127.0.0.1",
        "My laptop was stolen",
    ] {
        assert!(revoked.contains(said), "{said}: {revoked}");
    }
    for href in [
        format!("/connections/{id}"),
        "/projects/search".to_owned(),
        "/clients/".to_owned(),
        "/people/".to_owned(),
    ] {
        let links = page.attributes("tbody tr:nth-child(2) a", "href");
        let link = links.iter().find(|link| link.starts_with(&href));
        let link = link.unwrap_or_else(|| panic!("{href} in {links:?}"));
        assert_eq!(app.owner().opens(link).await.status, 200, "{link}");
    }
}

#[actix_web::test]
async fn filters_leave_what_they_say_alone_and_together_and_in_the_files() {
    let app = TestApp::spawn().await;
    furnish(&app).await;
    let auditor = app.auditor();
    let today = app.now().to_utc().date();
    let yesterday = today.previous_day().unwrap();
    let revoked = "Connection revoked";
    let denied = "Connection denied";
    let authorized = "Connection authorized";
    for (query, expected) in [
        (
            "?about=connections".to_owned(),
            vec![denied, revoked, authorized],
        ),
        ("?about=clients".to_owned(), vec!["Client registered"]),
        ("?q=STOLEN".to_owned(), vec![revoked]),
        ("?q=revoked".to_owned(), vec![revoked]),
        ("?q=ben%40acme".to_owned(), vec![denied]),
        (
            "?q=127.0.0.1&about=clients".to_owned(),
            vec!["Client registered"],
        ),
        ("?q=ana%40&about=clients".to_owned(), vec![]),
        ("?q=%25".to_owned(), vec![]),
        ("?q=%00".to_owned(), vec![]),
        (format!("?q=ana%40&from={today}"), vec![revoked, authorized]),
        (format!("?q=ana%40&to={today}"), vec![revoked, authorized]),
        (format!("?to={yesterday}"), vec![]),
        (
            "?to=9999-12-31&from=0000-01-01&q=ben%40".to_owned(),
            vec![denied],
        ),
    ] {
        let page = reads(&auditor, &query).await;
        assert_eq!(happened(&page), expected, "{query}");
        assert_eq!(
            page.all(".empty").is_empty(),
            !expected.is_empty(),
            "{query}"
        );
        let files = page.attributes(".export a", "href");
        let csv = auditor.opens(&files[0]).await;
        assert_eq!(csv.status, 200, "{}", files[0]);
        assert_eq!(
            csv.text.matches("\r\n").count(),
            expected.len() + 1,
            "{}",
            csv.text
        );
        let json = auditor.opens(&files[1]).await;
        let events: Vec<serde_json::Value> = serde_json::from_str(&json.text).unwrap();
        assert_eq!(events.len(), expected.len(), "{}", json.text);
    }
}

#[actix_web::test]
async fn a_filter_that_makes_no_sense_is_named_with_what_it_may_be() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    let long = format!("?q={}", "a".repeat(201));
    for (query, said) in [
        ("?about=people", "connections, clients or projects"),
        ("?from=yesterday", "must be a day such as"),
        ("?to=2026-02-30", "to is"),
        ("?from=2026-02-02&to=2026-02-01", "later day"),
        ("?after=1", "cannot be found"),
        (
            "?before=x_01890000-0000-7000-8000-000000000000",
            "cannot be found",
        ),
        (
            "?after=1_01890000-0000-7000-8000-000000000000&before=1_01890000-0000-7000-8000-000000000000",
            "not both",
        ),
        ("?q=a&q=b", "q is given more than once"),
        (&long, "200 characters"),
    ] {
        for path in ["/audit", "/audit.csv", "/audit.json"] {
            let page = owner.opens(&format!("{path}{query}")).await;
            assert_eq!(page.status, 400, "{path}{query}");
            let told = page.all("main").join("");
            assert!(told.contains(said), "{path}{query}: {told}");
            assert_eq!(
                page.attributes("main a", "href"),
                ["/audit"],
                "{path}{query}"
            );
        }
    }
}

#[actix_web::test]
async fn a_misspelt_filter_is_left_out_of_the_page_aloud_and_of_no_file() {
    let app = TestApp::spawn().await;
    furnish(&app).await;
    let owner = app.owner();
    let (whole, page) = (
        reads(&owner, "").await,
        reads(&owner, "?abuot=clients").await,
    );
    assert_eq!(happened(&page), happened(&whole));
    assert_eq!(whole.all("#flash .flash").len(), 0);
    let said = page.all("#flash").join("");
    assert!(said.contains("\"abuot\""), "{said}");
    for path in ["/audit.csv", "/audit.json"] {
        let page = owner.opens(&format!("{path}?abuot=clients")).await;
        let text = page.all("main").join("");
        assert_eq!(page.status, 400, "{path}");
        assert!(
            text.contains("\"abuot\"") && text.contains("q, about"),
            "{text}"
        );
    }
}

#[actix_web::test]
async fn pages_neither_skip_nor_repeat_while_events_are_added() {
    let app = TestApp::spawn().await;
    // Several at the same moment: the id tells them apart.
    for n in 0..60 {
        let (id, at) = (format!("01890000-0000-7000-8000-{n:012}"), n / 7);
        app.database
            .execute(&format!(
                "INSERT INTO audit_event (id, at, action, actor, reason)
                VALUES ('{id}', {at}, 'project.changed', 'somebody', 'event {n}')"
            ))
            .await;
    }
    let owner = app.owner();
    let reasons = |page: &Page| page.all("td[data-label=Why]");
    let beside = |page: &Page, rel: &str| page.attributes(&format!("a[rel={rel}]"), "href").pop();
    let expected: Vec<_> = (0..60).rev().map(|n| format!("event {n}")).collect();
    let mut page = reads(&owner, "?q=somebody").await;
    assert_eq!(beside(&page, "prev"), None);
    let mut read = reasons(&page);
    while let Some(next) = beside(&page, "next") {
        app.database
            .execute(&format!(
                "INSERT INTO audit_event (id, at, action, actor, reason)
                VALUES ('01890000-0000-7000-9000-{:012}', 99, 'project.changed', 'somebody', 'new')",
                read.len()
            ))
            .await;
        page = owner.opens(&next).await;
        read.extend(reasons(&page));
    }
    assert_eq!(read, expected);
    // And back again, to what has been added at the top.
    let mut back = reasons(&page);
    while let Some(previous) = beside(&page, "prev") {
        page = owner.opens(&previous).await;
        back.splice(0..0, reasons(&page));
    }
    assert_eq!(back[2..], expected);
    assert_eq!(back[..2], ["new", "new"]);
}

#[actix_web::test]
async fn a_search_looks_at_so_many_events_and_says_where_it_stopped() {
    let app = TestApp::spawn().await;
    app.database
        .execute(
            "INSERT INTO audit_event (id, at, action, actor, reason)
            WITH RECURSIVE event (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM event WHERE n < 100050)
            SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + n AS TEXT), n,
                   'project.changed', 'somebody', CASE WHEN n = 1 THEN 'needle' END
            FROM event",
        )
        .await;
    let owner = app.owner();
    let beside = |page: &Page, rel: &str| page.attributes(&format!("a[rel={rel}]"), "href").pop();
    let page = reads(&owner, "?q=needle").await;
    assert_eq!(happened(&page), [""; 0]);
    assert_eq!(page.all("h2"), ["No event matches so far"]);
    assert!(page.text.contains("100,000 events were looked at here"));
    assert_eq!(beside(&page, "prev"), None);
    let page = owner.opens(&beside(&page, "next").unwrap()).await;
    assert_eq!(page.all("td[data-label=Why]"), ["needle"]);
    assert!(!page.text.contains("were looked at"));
    assert_eq!(beside(&page, "next"), None);
    let page = owner.opens(&beside(&page, "prev").unwrap()).await;
    assert_eq!(page.all("h2"), ["No event matches so far"]);
    assert!(beside(&page, "prev").is_some());
    let file = owner.opens("/audit.csv?q=needle").await;
    assert_eq!(file.text.lines().count(), 2, "{}", file.text);
    // Among days the search is as short as they are.
    let page = reads(&owner, "?q=needle&from=2026-01-01").await;
    assert_eq!(page.all("h2"), ["No event matches"]);
}

#[actix_web::test]
async fn what_is_gone_is_named_without_a_link() {
    let app = TestApp::spawn().await;
    let id = furnish(&app).await;
    let ana = app.person("ana");
    ana.posts(
        &format!("/connections/{id}/delete"),
        &[("csrf".to_owned(), ana.form_token().await)],
    )
    .await;
    let page = reads(&app.owner(), "?about=connections&q=stolen").await;
    let row = page.all("tbody tr").join("");
    assert!(row.contains("Connection Cursor#"), "{row}");
    let links = page.attributes("tbody a", "href");
    assert!(
        links.iter().all(|link| !link.starts_with("/connections/")),
        "{links:?}"
    );
    assert!(
        links.iter().any(|link| link.starts_with("/clients/")),
        "{links:?}"
    );
}

#[actix_web::test]
async fn an_act_on_everything_is_about_connections_and_a_credential_about_its_project() {
    let app = TestApp::spawn().await;
    for (n, action) in ["matching.revoked", "credential.made", "client.blocked"]
        .into_iter()
        .enumerate()
    {
        app.database
            .execute(&format!(
                "INSERT INTO audit_event (id, at, action, actor, detail)
                VALUES ('01890000-0000-7000-8000-00000000000{n}', 9, '{action}', 'somebody', 'of note')"
            ))
            .await;
    }
    let owner = app.owner();
    for (about, expected) in [
        ("connections", "Everything that matched was revoked"),
        ("projects", "Credential made"),
        ("clients", "Client blocked"),
    ] {
        let page = reads(&owner, &format!("?about={about}&q=OF+NOTE")).await;
        assert_eq!(happened(&page), [format!("{expected}of note")]);
        assert!(
            page.raw("td.about ul").is_empty(),
            "nothing is a list of nothing"
        );
    }
}

#[actix_web::test]
async fn names_in_any_alphabet_are_found_in_small_and_in_large_letters() {
    let app = TestApp::spawn().await;
    for (n, detail) in ["Чья она: Анна-Мария ÉTÉ", "élève", "İstanbul %"]
        .into_iter()
        .enumerate()
    {
        app.database
            .execute(&format!(
                "INSERT INTO audit_event (id, at, action, actor, detail)
                VALUES ('01890000-0000-7000-8000-00000000000{n}', {n}, 'client.blocked', 'somebody', '{detail}')"
            ))
            .await;
    }
    let owner = app.owner();
    for (term, found) in [
        ("анна-мария", 1),
        ("АННА-МАРИЯ", 1),
        ("Анна", 1),
        ("нна", 1),
        ("ЧЬЯ ОНА", 0), // neither all small nor all large, nor large where words begin
        ("Чья она", 1),
        ("été", 1),
        ("ÉLÈVE", 1),
        ("İstanbul %", 1),
        ("ÉTÉ_", 0),
    ] {
        let page = reads(&owner, &format!("?{}", encode([("q", term)]))).await;
        assert_eq!(happened(&page).len(), found, "{term}");
    }
}

#[actix_web::test]
async fn a_page_from_which_all_has_gone_leads_to_the_newest_events() {
    let app = TestApp::spawn().await;
    furnish(&app).await;
    let gone = "after=1_01890000-0000-7000-8000-000000000000";
    let page = reads(&app.owner(), &format!("?about=connections&{gone}")).await;
    assert_eq!(page.all(".empty h2"), ["No events here"]);
    assert_eq!(
        page.attributes(".empty a", "href"),
        ["/audit?about=connections"]
    );
}
