//! Archiving a project, and bringing it back.

use futures_util::future::join_all;

use crate::support::{Host, Person, TestApp, error_of, form_fields, query_of};

const ARCHIVE: &str = "/projects/search/archive";
const RESTORE: &str = "/projects/search/restore";

async fn archives(person: &Person<'_>) -> u16 {
    let page = person.opens(ARCHIVE).await;
    person.fills(&page, ARCHIVE, &[]).await.status
}

#[actix_web::test]
async fn a_project_in_use_is_not_archived_and_the_exact_number_is_said() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (ana, pablo) = (app.person("ana"), app.person("pablo"));
    let host = app.host("Cursor").await;
    // The form as it is before anyone connects.
    let form = form_fields(&pablo.opens(ARCHIVE).await, ARCHIVE);
    let tokens = host.connects(&ana, &server).await;
    host.connects(&ana, &server).await;
    let page = pablo.opens(ARCHIVE).await;
    assert!(
        page.text.contains("2 connections to it are active"),
        "{}",
        page.text
    );
    let refused = pablo.posts(ARCHIVE, &form).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("2 connections to it are active"));
    // Also when something else is wrong with the form.
    let long = [("reason".to_owned(), "x".repeat(501))];
    let refused = pablo.posts(ARCHIVE, &[&*form, &long].concat()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("2 connections to it are active"));
    assert!(server.admits(&tokens.access).await);
    // The way to revoke them leads to these two and no others.
    let way = page.attributes(".actions a[href*=revoke]", "href");
    let listed = pablo.opens(&way[0]).await;
    assert!(listed.bare().contains("2 connections"), "{}", listed.bare());
    let archived = "SELECT id FROM audit_event WHERE action = 'project.archived'";
    assert!(app.database.texts(archived).await.is_empty());
}

#[actix_web::test]
async fn nothing_connects_to_an_archived_project_until_it_is_brought_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &["pablo@acme.example"]).await;
    let (ana, pablo) = (app.person("ana"), app.person("pablo"));
    let host = app.host("Cursor").await;
    let made = app
        .person("pablo")
        .opens("/projects/search/clients/new")
        .await;
    let asked = ana.is_asked(&host, &server).await;
    let offers = async |who: &Person<'_>| {
        let page = who.opens("/projects/search").await;
        page.text.contains("make a client")
    };
    assert!(offers(&pablo).await && !offers(&app.auditor()).await);
    let page = pablo.opens(ARCHIVE).await;
    let form = form_fields(&page, ARCHIVE);
    let long = "x".repeat(501);
    let told = pablo.fills(&page, ARCHIVE, &[("reason", &long)]).await;
    assert!(told.all("[role=alert]")[0].contains("Nothing was changed."));
    let done = pablo
        .fills(&page, ARCHIVE, &[("reason", "Shut down")])
        .await;
    assert_eq!(done.status, 303);
    let archived = pablo.opens("/projects/search").await;
    assert!(
        !archived.text.contains("make a client"),
        "{}",
        archived.text
    );
    // Twice is once.
    assert_eq!(pablo.posts(ARCHIVE, &form).await.status, 303);
    assert!(
        pablo
            .opens("/projects/search")
            .await
            .text
            .contains("had been archived before")
    );

    // Whoever was asked before, and whoever asks now.
    let sent = query_of(&ana.answers(&asked, "allow", &[]).await);
    assert_eq!(sent["error"], "access_denied");
    assert!(sent["error_description"].contains("archived"));
    let page = ana
        .opens(&host.authorize_path(Some(&server.resource)))
        .await;
    assert!(page.text.contains("archived") || page.status == 303);
    // Clients: the form that was open, the page, and the list that offers none.
    let new = "/projects/search/clients/new";
    let fields = [
        ("name", "Portal"),
        ("type", "public"),
        ("redirect_uris", "http://localhost/cb"),
    ];
    let refused = pablo.fills(&made, new, &fields).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("is archived"));
    assert_eq!(pablo.opens(new).await.status, 409);
    let list = pablo.opens("/projects/search/clients").await;
    assert!(list.text.contains("is archived") && !list.text.contains("New MCP client"));
    assert_eq!(pablo.opens("/projects").await.all("tbody tr").len(), 0);
    let archived = pablo.opens("/projects?archived=yes").await;
    assert_eq!(archived.all("tbody th a"), ["Project search"]);
    assert_eq!(pablo.opens("/projects?archived=no").await.status, 400);

    let page = pablo.opens("/projects/search").await;
    assert_eq!(pablo.fills(&page, RESTORE, &[]).await.status, 303);
    assert!(
        server
            .admits(&host.connects(&ana, &server).await.access)
            .await
    );
    let trail = "SELECT action || ' by ' || actor || ': ' || COALESCE(reason, '') FROM audit_event
                 WHERE action IN ('project.archived', 'project.restored') ORDER BY at, action";
    assert_eq!(
        app.database.texts(trail).await,
        [
            "project.archived by pablo@acme.example: Shut down",
            "project.restored by pablo@acme.example: "
        ]
    );
}

#[actix_web::test]
async fn an_archived_project_is_no_choice_for_who_is_asked_which_one() {
    let app = TestApp::spawn().await;
    app.project("search", &[]).await;
    app.project("wiki", &[]).await;
    app.project("vault", &[]).await;
    assert_eq!(archives(&app.owner()).await, 303);
    let host = app.host("Cursor").await;
    let page = app.person("ana").opens(&host.authorize_path(None)).await;
    assert_eq!(
        page.all(".choices a"),
        ["Project vault", "Project wiki", "Untether"]
    );
}

#[actix_web::test]
async fn untethers_own_server_and_what_is_not_there_are_not_archived() {
    let app = TestApp::spawn().await;
    let owner = app.owner();
    for slug in ["untether", "unknown"] {
        assert_eq!(
            owner
                .opens(&format!("/projects/{slug}/archive"))
                .await
                .status,
            404
        );
    }
    app.project("search", &[]).await;
    let form = form_fields(&owner.opens(ARCHIVE).await, ARCHIVE);
    for slug in ["untether", "unknown"] {
        let answer = owner
            .posts(&format!("/projects/{slug}/archive"), &form)
            .await;
        assert_eq!(answer.status, 404);
    }
    let long = "x".repeat(501);
    let page = owner.opens(ARCHIVE).await;
    let refused = owner.fills(&page, ARCHIVE, &[("reason", &long)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains(&long) && refused.text.contains("501 characters"));
}

/// Whichever comes first: never is there an archived project that something works at.
#[actix_web::test]
async fn a_consent_and_a_refresh_that_race_with_archiving_end_one_way_or_the_other() {
    let first = TestApp::spawn().await;
    let other = first.replica(|_| {}).await;
    let server = first.project("search", &[]).await;
    let host = first.host("Cursor").await;
    let (ana, owner) = (first.person("ana"), Person::new(&other, "olivia"));
    let connected = host.connects(&ana, &server).await;
    let ids = first.database.texts("SELECT id FROM connection").await;
    first.owner().revokes(&[&ids[0]], "").await;
    for _ in 0..6 {
        let asked = ana.is_asked(&host, &server).await;
        let page = owner.opens(ARCHIVE).await;
        let (sent, archived, refreshed) = tokio::join!(
            ana.answers(&asked, "allow", &[]),
            owner.fills(&page, ARCHIVE, &[]),
            host.refreshes(&connected.refresh),
        );
        assert_eq!(error_of(refreshed, 400).await, "invalid_grant");
        let sent = query_of(&sent);
        match archived.status {
            303 => assert_eq!(sent["error"], "access_denied"),
            409 => {
                let answer = host.redeems(&sent["code"]).await;
                assert_eq!(answer.status().as_u16(), 200);
            }
            status => panic!("archiving answered {status}"),
        }
        settle(&first, &owner).await;
    }
}

/// Brings everything back to where a round begins.
async fn settle(app: &TestApp, owner: &Person<'_>) {
    let live = "SELECT id FROM connection WHERE revoked_at IS NULL";
    let live = app.database.texts(live).await;
    let archived = "SELECT slug FROM project WHERE archived_at IS NOT NULL";
    let archived = app.database.texts(archived).await;
    assert!(
        live.is_empty() || archived.is_empty(),
        "alive in an archived project"
    );
    let ids: Vec<_> = live.iter().map(String::as_str).collect();
    if !ids.is_empty() {
        owner.revokes(&ids, "").await;
    }
    if !archived.is_empty() {
        let page = owner.opens("/projects/search").await;
        assert_eq!(owner.fills(&page, RESTORE, &[]).await.status, 303);
    }
}

#[actix_web::test]
async fn clients_made_while_a_project_is_archived_are_made_before_or_not_at_all() {
    let first = TestApp::spawn().await;
    let other = first.replica(|_| {}).await;
    first.project("search", &[]).await;
    let (owner, olivia) = (first.owner(), Person::new(&other, "olivia"));
    let new = "/projects/search/clients/new";
    let form = owner.opens(new).await;
    let fields = [
        ("name", "Portal"),
        ("type", "public"),
        ("redirect_uris", "http://localhost/cb"),
    ];
    let page = olivia.opens(ARCHIVE).await;
    let (made, archived) = tokio::join!(
        owner.fills(&form, new, &fields),
        olivia.fills(&page, ARCHIVE, &[])
    );
    assert_eq!(archived.status, 303);
    assert!([200, 409].contains(&made.status));
    let known = first
        .database
        .texts("SELECT id FROM client WHERE project_id IS NOT NULL")
        .await;
    assert_eq!(known.len(), usize::from(made.status == 200));
    let more = join_all((0..3).map(|_| owner.opens(new))).await;
    assert!(more.iter().all(|page| page.status == 409));
}

/// The clock of a server that is behind says that a connection works which has run out.
#[actix_web::test]
async fn a_token_is_worth_nothing_at_an_archived_project_whatever_its_connection_says() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host: Host<'_> = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    app.database
        .execute("UPDATE project SET archived_at = 1 WHERE slug = 'search'")
        .await;
    assert!(!server.admits(&tokens.access).await);
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
}
