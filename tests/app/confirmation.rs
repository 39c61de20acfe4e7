//! Invariant 9: a confirmation does what it listed, once, and says what is wrong with it.

use futures_util::future::join_all;

use crate::support::{Person, TestApp, form_fields};

#[actix_web::test]
async fn a_confirmation_submitted_many_times_acts_once() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    host.connects(&ana, &server).await;
    let ids = app.database.texts("SELECT id FROM connection").await;
    let asked = ana
        .opens(&format!("/connections/revoke?id={}&id={}", ids[0], ids[1]))
        .await;
    assert_eq!(asked.all("h1"), ["Revoke 2 connections?"]);
    let mut fields = form_fields(&asked, "/connections/revoke");
    fields.push(("reason".into(), "laptop lost".into()));

    let answers = join_all((0..5).map(|_| ana.posts("/connections/revoke", &fields))).await;

    assert!(answers.iter().all(|answer| answer.status == 303));
    let revoked = app
        .trail()
        .await
        .into_iter()
        .filter(|entry| entry.contains("revoked"));
    assert_eq!(
        revoked.collect::<Vec<_>>(),
        ["connection.revoked by ana@acme.example"; 2]
    );
    ana.posts("/connections/revoke", &fields).await;
    let said = ana
        .opens("/connections?view=list")
        .await
        .all("[role=status] .flash");
    assert_eq!(
        said,
        [
            "These 2 connections had been revoked before: just now by ana@acme.example. Nothing \
             else was changed."
        ]
    );
}

#[actix_web::test]
async fn a_question_about_one_connection_says_who_can_connect_it_again() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let path = format!("/connections/revoke?id={}", ana.newest_connection().await);
    for (who, whom) in [(&ana, "you"), (&app.owner(), "ana@acme.example")] {
        let asked = who.opens(&path).await;
        let said = format!("Cursor stays registered, and {whom} can connect it again.");
        assert!(asked.text.contains(&said), "{}", asked.text);
    }
}

#[actix_web::test]
async fn a_block_names_everyone_whom_it_is_for_though_some_have_been_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, ben, owner) = (app.person("ana"), app.person("ben"), app.owner());
    host.connects(&ana, &server).await;
    let revoked = ana.newest_connection().await;
    host.connects(&ben, &server).await;
    let left = ben.newest_connection().await;
    owner.revokes(&[&revoked], "").await;
    let asked = owner
        .opens(&format!("/connections/revoke?id={revoked}&id={left}"))
        .await;
    assert_eq!(asked.all("h1"), ["Revoke 1 connection?"]);
    assert!(asked.text.contains("ben@acme.example can connect it again"));
    assert_eq!(
        asked.all(".also label"),
        ["Also block these people from reconnecting this client"]
    );
}

#[actix_web::test]
async fn what_is_wrong_with_a_confirmation_is_said_where_it_was_typed() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let reason = "x".repeat(501);
    let fields = [
        ("id".to_owned(), id.clone()),
        ("reason".to_owned(), reason.clone()),
        (
            "back".to_owned(),
            "/connections?view=list&per=25".to_owned(),
        ),
        ("csrf".to_owned(), ana.form_token().await),
    ];
    let again = ana.posts("/connections/revoke", &fields).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.all("h1"), ["Revoke 1 connection?"]);
    assert!(again.all("[role=alert]")[0].contains("501 characters, and at most 500"));
    assert_eq!(again.all("textarea"), [reason]);
    let kept = form_fields(&again, "/connections/revoke");
    assert!(kept.contains(&("id".to_owned(), id)));
    assert!(kept.contains(&(
        "back".to_owned(),
        "/connections?view=list&per=25".to_owned()
    )));

    let dialog = ana.submits("/connections/revoke", &fields).await;
    assert_eq!(dialog.status, 400);
    assert_eq!(dialog.headers["hx-retarget"], "#dialog");
    assert!(
        dialog.text.trim_start().starts_with("<dialog"),
        "{}",
        dialog.text
    );
}

#[actix_web::test]
async fn what_is_gone_is_said_and_the_others_can_still_be_revoked() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    host.connects(&ana, &server).await;
    let own = ana.newest_connection().await;
    host.connects(&bo, &server).await;
    let foreign = bo.newest_connection().await;
    let missing = "01890000-0000-7000-8000-000000000000";
    let mut said = Vec::new();
    for gone in [missing, &foreign] {
        let page = ana
            .opens(&format!("/connections/revoke?id={own}&id={gone}"))
            .await;
        assert_eq!(page.all("h1"), ["Revoke 1 connection?"]);
        said.extend(page.all("[role=alert]"));
        let fields = [
            ("id".to_owned(), own.clone()),
            ("id".to_owned(), gone.to_owned()),
            ("reason".to_owned(), "lost".to_owned()),
            ("csrf".to_owned(), ana.form_token().await),
        ];
        let again = ana.posts("/connections/revoke", &fields).await;
        assert_eq!(again.status, 409);
        assert_eq!(again.all("textarea"), ["lost"]);
        said.extend(again.all("[role=alert]"));
    }
    assert_eq!(said[..2], said[2..], "not yours reads like not there");
    assert!(said[1].contains("Nothing was revoked."));
    assert_eq!(ana.revokes(&[&own], "").await.status, 303);
}

#[actix_web::test]
async fn a_hundred_connections_fit_into_one_question() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    app.copies_the_connection(100).await;
    let ids = app
        .database
        .texts("SELECT id FROM connection ORDER BY id")
        .await;
    let query = |ids: &[String]| {
        let pairs: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
        format!("/connections/revoke?{}&back=/connections", pairs.join("&"))
    };
    let path = query(&ids[..100]);
    assert!(
        path.len() < 8_000,
        "longer than proxies take: {}",
        path.len()
    );
    let asked = ana.opens(&path).await;
    assert_eq!(asked.all("h1"), ["Revoke 100 connections?"]);
    assert_eq!(asked.all("tbody tr").len(), 100);
    let too_many = ana.opens(&query(&ids)).await;
    assert_eq!(too_many.status, 400);
    assert!(
        too_many
            .attributes("main a", "href")
            .contains(&"/connections/revoke-matching".to_owned())
    );
    let fields = form_fields(&asked, "/connections/revoke");
    assert_eq!(ana.posts("/connections/revoke", &fields).await.status, 303);
    let left = "SELECT id FROM connection WHERE revoked_at IS NULL";
    assert_eq!(app.database.texts(left).await.len(), 1);
}

/// On a slow link a redirect would take as long again.
#[actix_web::test]
async fn scripts_are_answered_with_the_list_at_once_and_a_second_submit_says_what_the_first_did() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    host.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let fields = |back: &str, csrf: String| {
        [
            ("id".to_owned(), id.clone()),
            ("back".to_owned(), back.to_owned()),
            ("csrf".to_owned(), csrf),
        ]
    };
    let back = "/connections?q=curs";
    for said in ["Revoked Cursor#", "had been revoked before: just now"] {
        let form = fields(back, ana.form_token().await);
        let list = ana.submits("/connections/revoke", &form).await;
        assert_eq!((list.status, list.connections().len()), (200, 1));
        assert_eq!(list.headers["hx-push-url"], back);
        let flash = list.all("[role=status] .flash");
        assert!(flash.len() == 1 && flash[0].contains(said), "{flash:?}");
        let reloaded = ana.opens(back).await;
        assert!(reloaded.all(".flash").is_empty(), "said once");
    }
    // Anywhere else, and where the address is no list's, the redirect leads to what is there.
    for back in ["/me", "/connections?status=odd", "/connections/revoke"] {
        let form = fields(back, ana.form_token().await);
        let answer = ana.submits("/connections/revoke", &form).await;
        assert_eq!(answer.status, 303, "{back}");
        assert_eq!(answer.headers["location"], back);
    }
}

#[actix_web::test]
async fn the_question_says_what_a_block_ends_besides() {
    let app = TestApp::spawn().await;
    let (server, wiki) = (
        app.project("search", &["ada@acme.example"]).await,
        app.project("wiki", &[]).await,
    );
    let ana = app.person("ana");
    for name in ["Cursor", "Cursor", "Codex"] {
        let host = app.host(name).await;
        host.connects(&ana, &server).await;
        host.connects(&ana, &wiki).await;
    }
    let first = "SELECT connection.id FROM connection
        JOIN project ON project.id = connection.project_id JOIN client ON client.id = client_id
        WHERE slug = 'search' AND client.name = 'Cursor' ORDER BY connection.id";
    let ids = app.database.texts(first).await;
    let said = async |person: &Person<'_>, ids: &[String]| {
        let ids: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
        let page = person
            .opens(&format!("/connections/revoke?{}", ids.join("&")))
            .await;
        page.all("#block-use").remove(0) + &page.all(".also li").join("; ")
    };
    let owner = app.owner();
    let all = said(&owner, &ids[..1]).await;
    assert!(all.contains("client, 3 more than this one, and"), "{all}");
    let named = |project: &str| all.matches(&format!(", Project {project}, ana@")).count();
    assert_eq!((named("search"), named("wiki")), (1, 2), "{all}");
    assert!(
        said(&owner, &ids)
            .await
            .contains("client, 2 more than these, and")
    );
    let ada = app.person("ada");
    let theirs = said(&ada, &ids[..1]).await;
    assert!(
        theirs.contains("client, 1 more than this one, and"),
        "{theirs}"
    );
    assert!(said(&ada, &ids).await.contains("with the same client, and"));
}
