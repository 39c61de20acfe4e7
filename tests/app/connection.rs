//! The page of one connection: what it says, to whom, and what can be done there.

use futures_util::future::join_all;

use untether::web::params::encode;

use crate::support::{Page, TestApp, form_fields};

const MISSING: &str = "01890000-0000-7000-8000-000000000000";

fn said(page: &Page, term: &str) -> String {
    let terms = page.all(".connection dt");
    let place = terms.iter().position(|found| found == term).unwrap();
    page.all(".connection dl > dd")[place].clone()
}

/// Where the page's last link leads.
fn back_links(page: &Page) -> Vec<String> {
    page.attributes("main .connection > p:last-child a", "href")
}

async fn counts(app: &TestApp) -> Vec<String> {
    let query = "SELECT CAST(COALESCE(SUM(active), 0) AS TEXT) || ' '
                     || CAST(COALESCE(SUM(revoked), 0) AS TEXT)
                 FROM connection_count";
    app.database.texts(query).await
}

#[actix_web::test]
async fn the_page_says_what_the_connection_may_do_and_how_it_stands() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let page = ana.opens(&format!("/connections/{id}")).await;
    assert_eq!(page.status, 200);
    assert!(page.all("h1")[0].starts_with("Cursor#"));
    assert_eq!(said(&page, "Status"), "Active until 1 Jul 2026");
    assert_eq!(said(&page, "MCP client"), "Cursor");
    assert!(said(&page, "Project").starts_with("Project search"));
    assert_eq!(said(&page, "Connected by"), "ana@acme.example");
    assert_eq!(said(&page, "Can"), "Use readUse write");
    // When exactly is there for those who cannot point at it too.
    assert_eq!(said(&page, "Last used"), "just now2026-06-01 12:00 UTC");
    let owner = app.owner();
    owner.revokes(&[&id], "lost").await;
    let page = ana.opens(&format!("/connections/{id}")).await;
    assert_eq!(
        said(&page, "Status"),
        "Revoked just now by olivia@acme.example: lost"
    );
    assert_eq!(
        page.all("main form button"),
        ["Delete record"],
        "neither renamed nor revoked again"
    );
}

#[actix_web::test]
async fn a_connection_that_its_app_never_came_for_says_how_long_it_is_kept() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let code = ana.allows(&host, &server).await;
    let path = format!("/connections/{}", ana.newest_connection().await);
    let page = ana.opens(&path).await;
    let waits = "Active until 2 Jun 2026, unless its app connects by then";
    assert_eq!(said(&page, "Status"), waits);
    assert!(
        ana.opens("/me")
            .await
            .text
            .contains("unless its app connects")
    );
    assert_eq!(host.redeems(&code).await.status(), 200);
    assert_eq!(
        said(&ana.opens(&path).await, "Status"),
        "Active until 1 Jul 2026"
    );
}

#[actix_web::test]
async fn a_connection_is_renamed_and_found_by_its_new_name() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let path = format!("/connections/{}", ana.newest_connection().await);
    let page = ana.opens(&path).await;
    let was = page.all("h1").remove(0);
    let action = format!("{path}/rename");
    let fields = |name: &str| {
        let mut fields = form_fields(&page, &action);
        fields.push(("name".into(), name.into()));
        fields
    };
    let answer = ana.posts(&action, &fields(" Büro-Laptop ")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], path.as_str());
    let renamed = ana.opens(&path).await;
    assert_eq!(renamed.all("h1"), ["Büro-Laptop"]);
    assert_eq!(
        renamed.all("[role=status] .flash"),
        [format!("Renamed {was} to Büro-Laptop.")]
    );
    let folded = "SELECT folded FROM connection";
    assert_eq!(app.database.texts(folded).await, ["büro-laptop"]);
    // A double click.
    assert_eq!(ana.posts(&action, &fields("Büro-Laptop")).await.status, 303);
    let trail = "SELECT connection_name || ' ' || detail || ' by ' || actor FROM audit_event
                 WHERE action = 'connection.renamed'";
    assert_eq!(
        app.database.texts(trail).await,
        [format!("Büro-Laptop was {was} by ana@acme.example")]
    );
    // Someone who still sees the old name.
    let late = app.owner().opens(&path).await;
    assert_eq!(late.status, 200);
    let owner = app.owner();
    let mut stale = fields("Desktop");
    for field in stale.iter_mut().filter(|(name, _)| name == "csrf") {
        field.1 = owner.form_token().await;
    }
    let told = owner.posts(&action, &stale).await;
    assert_eq!(told.status, 409);
    assert!(told.all("[role=alert]")[0].contains("renamed to Büro-Laptop"));
    assert_eq!(told.attributes("#name", "value"), ["Desktop"]);
    assert_eq!(told.all("h1"), ["Büro-Laptop"]);
    let again = form_fields(&told, &action);
    assert!(again.contains(&("was".to_owned(), "Büro-Laptop".to_owned())));
}

#[actix_web::test]
async fn the_list_that_was_left_is_found_again_after_whatever_was_done() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let path = format!("/connections/{}", ana.newest_connection().await);
    let list = "/connections?q=curs&sort=name";
    let followed = app.http.get(format!("{}{path}", app.url));
    let page = ana
        .sends(followed.header("referer", format!("{}{list}", app.url)))
        .await;
    assert_eq!(back_links(&page), [list]);
    let rename = format!("{path}/rename");
    let refused = ana.fills(&page, &rename, &[("name", "")]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(back_links(&refused), [list]);
    let renamed = ana.fills(&refused, &rename, &[("name", "Laptop")]).await;
    let page = ana
        .opens(renamed.headers["location"].to_str().unwrap())
        .await;
    assert_eq!(page.all("h1"), ["Laptop"]);
    assert_eq!(back_links(&page), [list]);
    let question = page.attributes("main a.button.danger", "href").remove(0);
    let question = ana.opens(&question).await;
    let revoked = ana.fills(&question, "/connections/revoke", &[]).await;
    let page = ana
        .opens(revoked.headers["location"].to_str().unwrap())
        .await;
    assert!(said(&page, "Status").starts_with("Revoked just now"));
    assert_eq!(back_links(&page), [list]);
    let owner = app.owner();
    let seen = owner
        .opens(revoked.headers["location"].to_str().unwrap())
        .await;
    let block = seen.attributes("main p a:not(.button)", "href").remove(0);
    let asked = owner.opens(&block).await;
    let (action, _) = block.split_once('?').unwrap();
    let blocked = owner.fills(&asked, action, &[]).await;
    let page = ana
        .opens(blocked.headers["location"].to_str().unwrap())
        .await;
    assert_eq!(back_links(&page), [list]);
    assert_eq!(page.all(".blocks .status"), ["Blocked"]);
    let deleted = ana.fills(&page, &format!("{path}/delete"), &[]).await;
    assert_eq!(deleted.headers["location"], list);
    // So is another page that leads to it, and nothing else.
    let host = app.host("Codex").await;
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    for (before, link) in [
        ("//evil.example/connections?", "/connections"),
        ("https://evil.example", "/connections"),
        ("/connections/revoke?id=1", "/connections"),
        ("/me", "/me"),
    ] {
        let query = encode([("back", before)]);
        let page = ana.opens(&format!("/connections/{id}?{query}")).await;
        assert_eq!(back_links(&page), [link], "{before}");
    }
}

#[actix_web::test]
async fn a_name_that_cannot_be_kept_is_said_and_stays_in_the_field() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let path = format!("/connections/{}", ana.newest_connection().await);
    let action = format!("{path}/rename");
    let page = ana.opens(&path).await;
    let too_long = "x".repeat(129);
    for name in ["", "a\u{202e}b", &too_long] {
        let mut fields = form_fields(&page, &action);
        fields.push(("name".into(), name.into()));
        let answer = ana.posts(&action, &fields).await;
        assert_eq!(answer.status, 400);
        assert!(answer.all("[role=alert]")[0].starts_with("This name cannot be kept: a name"));
        assert_eq!(answer.attributes("#name", "value"), [name]);
        assert_eq!(answer.all("h1"), page.all("h1"));
    }
}

#[actix_web::test]
async fn a_record_deleted_twice_is_deleted_once_and_only_who_did_it_is_told() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let name = ana.opens(&format!("/connections/{id}")).await.all("h1")[0].clone();
    ana.revokes(&[&id], "").await;
    let delete = format!("/connections/{id}/delete");
    let csrf = vec![("csrf".to_owned(), ana.form_token().await)];
    let answers = join_all((0..4).map(|_| ana.posts(&delete, &csrf))).await;
    assert!(answers.iter().all(|answer| answer.status == 303));
    // And once more in another browser.
    let ana = app.person("ana");
    assert_eq!(ana.posts(&delete, &csrf).await.status, 303);
    let said = ana.opens("/connections").await;
    assert_eq!(
        said.all("[role=status] .flash"),
        [format!(
            "Deleted the record of {name}. The audit trail keeps it."
        )]
    );
    let trail = "SELECT actor FROM audit_event WHERE action = 'connection.deleted'";
    assert_eq!(app.database.texts(trail).await, ["ana@acme.example"]);
    app.database.check_counts().await;
    for other in [app.owner(), app.auditor(), app.person("bo")] {
        let csrf = [("csrf".to_owned(), other.form_token().await)];
        let answer = other.posts(&delete, &csrf).await;
        let never = format!("/connections/{MISSING}/delete");
        assert_eq!(answer.status, 404, "{}", other.email);
        assert_eq!(answer.bare(), other.posts(&never, &csrf).await.bare());
    }
}

#[actix_web::test]
async fn a_revoked_connection_keeps_its_name_until_its_record_is_deleted() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let path = format!("/connections/{id}");
    let open = ana.opens(&path).await;
    let (rename, delete) = (format!("{path}/rename"), format!("{path}/delete"));
    let csrf = vec![("csrf".to_owned(), ana.form_token().await)];
    let early = ana.posts(&delete, &csrf).await;
    assert_eq!(early.status, 409, "it is in use");
    assert_eq!(ana.opens(&path).await.status, 200);

    ana.revokes(&[&id], "").await;
    let mut fields = form_fields(&open, &rename);
    fields.push(("name".into(), "Desktop".into()));
    let told = ana.posts(&rename, &fields).await;
    assert_eq!(told.status, 409);
    assert!(told.all("[role=alert]")[0].contains("keeps its name"));
    assert_eq!(counts(&app).await, ["0 1"]);

    let page = ana.opens(&path).await;
    let answer = ana.posts(&delete, &form_fields(&page, &delete)).await;
    assert_eq!(answer.status, 303);
    assert_eq!(counts(&app).await, ["0 0"]);
    let said = ana.opens("/connections?view=list&status=revoked").await;
    assert_eq!(
        said.all("[role=status] .flash"),
        [format!(
            "Deleted the record of {}. The audit trail keeps it.",
            open.all("h1")[0]
        )]
    );
    assert!(said.connections().is_empty());
    assert_eq!(ana.opens(&path).await.status, 404);
    let trail = "SELECT connection_name || ', ' || client_name || ', ' || project_name || ', '
                     || person_email || ' by ' || actor
                 FROM audit_event WHERE action = 'connection.deleted'";
    assert_eq!(
        app.database.texts(trail).await,
        [format!(
            "{}, Cursor, Project search, ana@acme.example by ana@acme.example",
            open.all("h1")[0]
        )]
    );
}

#[actix_web::test]
async fn what_is_not_yours_to_see_or_change_reads_like_what_is_not_there() {
    let app = TestApp::spawn().await;
    let search = app.project("search", &["pablo@acme.example"]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &search).await;
    let id = ana.newest_connection().await;
    let missing = "01890000-0000-7000-8000-000000000000";
    let (owner, auditor) = (app.owner(), app.auditor());
    let (pablo, stranger) = (app.person("pablo"), app.person("stranger"));
    for (person, sees, changes) in [
        (&ana, true, true),
        (&owner, true, true),
        (&pablo, true, true),
        (&auditor, true, false),
        (&stranger, false, false),
    ] {
        let page = person.opens(&format!("/connections/{id}")).await;
        assert_eq!(
            page.status,
            if sees { 200 } else { 404 },
            "{}",
            person.email
        );
        let forms = page.attributes("main form", "action");
        let revoke = page.attributes("main a.danger", "href");
        assert_eq!(
            !forms.is_empty() && !revoke.is_empty(),
            changes,
            "{}",
            person.email
        );
        let csrf = person.form_token().await;
        let fields = |name: &str| {
            vec![
                ("csrf".to_owned(), csrf.clone()),
                ("was".to_owned(), "someone else's idea".to_owned()),
                ("name".to_owned(), name.to_owned()),
            ]
        };
        for (verb, status) in [("rename", 409), ("delete", 409)] {
            let status = if changes { status } else { 404 };
            for name in ["Desktop", ""] {
                let path = format!("/connections/{id}/{verb}");
                let answer = person.posts(&path, &fields(name)).await;
                let bad_name = changes && name.is_empty() && verb == "rename";
                let status = if bad_name { 400 } else { status };
                assert_eq!(answer.status, status, "{} {verb}", person.email);
            }
            let path = format!("/connections/{missing}/{verb}");
            assert_eq!(person.posts(&path, &fields("Desktop")).await.status, 404);
            let foreign = person
                .posts_from(&path, &fields("Desktop"), "https://evil.example")
                .await;
            assert_eq!(foreign.status, 403);
        }
    }
    assert_eq!(ana.opens("/connections/nonsense").await.status, 404);
    assert_eq!(
        ana.opens(&format!("/connections/{missing}")).await.status,
        404
    );
}
