//! Invariants 1, 2 and 9: a revoke is true at once, touches what it names and
//! nothing else, and may be submitted any number of times.

use futures_util::future::join_all;

use crate::support::{Host, TestApp, Tokens, form_fields};

#[actix_web::test]
async fn a_revoke_is_true_on_the_very_next_call() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let tokens = host.connects(&ana, &server).await;
    let waiting = ana.allows(&host, &server).await;
    let id = ana.newest_connection().await;
    assert!(server.admits(&tokens.access).await);

    let ids = app.database.texts("SELECT id FROM connection").await;
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert!(ids.contains(&id.as_str()) && ids.len() == 2);
    assert_eq!(ana.revokes(&ids, "").await.status, 303);

    assert_eq!(
        server.introspects(&tokens.access).await,
        serde_json::json!({ "active": false })
    );
    assert_eq!(host.is_refused(&tokens.refresh).await, "invalid_grant");
    let redeemed = host.redeems(&waiting).await;
    assert_eq!(
        crate::support::error_of(redeemed, 400).await,
        "invalid_grant"
    );
}

#[actix_web::test]
async fn revoking_one_connection_leaves_the_others_and_the_client() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let laptop = host.connects(&ana, &server).await;
    app.advance(std::time::Duration::from_secs(1));
    let desktop = host.connects(&ana, &server).await;
    let bo = host.connects(&app.person("bo"), &server).await;

    ana.revokes(&[&ana.newest_connection().await], "lost").await;

    assert!(!server.admits(&desktop.access).await);
    assert!(server.admits(&laptop.access).await);
    assert!(server.admits(&bo.access).await);
    let again = host.connects(&ana, &server).await;
    assert!(server.admits(&again.access).await);
    let all = "/connections?view=list&status=active&status=revoked";
    assert_eq!(
        ana.opens(all).await.connections().len(),
        3,
        "a new row, not the old one revived"
    );
}

#[actix_web::test]
async fn a_refresh_in_flight_does_not_bring_a_revoked_connection_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for _ in 0..10 {
        let tokens = host.connects(&ana, &server).await;
        let id = ana.newest_connection().await;
        let asked = ana.opens(&format!("/connections/revoke?id={id}")).await;
        let fields = form_fields(&asked, "/connections/revoke");
        let refreshes = join_all((0..6).map(|_| host.refreshes(&tokens.refresh)));
        let (answers, revoked) = tokio::join!(refreshes, ana.posts("/connections/revoke", &fields));
        assert_eq!(revoked.status, 303);
        for answer in answers {
            match answer.status().as_u16() {
                200 => {
                    let issued = Tokens::of(&answer.json().await.unwrap());
                    assert!(!server.admits(&issued.access).await);
                    assert_eq!(host.is_refused(&issued.refresh).await, "invalid_grant");
                }
                status => assert_eq!(status, 400),
            }
        }
        assert!(!server.admits(&tokens.access).await);
        app.advance(std::time::Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn the_reason_and_the_revoker_are_shown_on_the_row() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&app.person("ana"), &server).await;
    let owner = app.owner();
    let id = owner.newest_connection().await;
    let answer = owner.revokes(&[&id], " laptop <lost> ").await;
    assert_eq!(answer.headers["location"], "/connections");
    let said = owner.opens("/connections?view=list").await;
    let flash = said.all("[role=status] .flash").join("");
    assert!(
        flash.starts_with("Revoked Cursor#") && flash.ends_with("Cursor stays registered."),
        "{flash}"
    );
    assert!(
        owner
            .opens("/connections?view=list")
            .await
            .all("[role=status] .flash")
            .is_empty(),
        "said once"
    );
    let page = owner.opens("/connections?view=list&status=revoked").await;
    assert_eq!(page.all("td.status span"), ["Revoked"]);
    assert_eq!(
        page.all("td.status small"),
        ["just now by olivia@acme.example: laptop <lost>"]
    );
    assert!(page.all("td.act a").is_empty(), "nothing to revoke again");
}

#[actix_web::test]
async fn all_targets_are_revoked_or_none() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let (ana, bo) = (app.person("ana"), app.person("bo"));
    let mine = host.connects(&ana, &server).await;
    let own = ana.newest_connection().await;
    host.connects(&bo, &server).await;
    let foreign = bo.newest_connection().await;
    let form = |ids: &[&str], reason: &str, token: String| {
        let mut fields: Vec<_> = ids
            .iter()
            .map(|id| ("id".to_owned(), (*id).to_owned()))
            .collect();
        fields.push(("reason".into(), reason.to_owned()));
        fields.push(("csrf".into(), token));
        fields
    };
    let missing = "01890000-0000-7000-8000-000000000000";
    let too_long = "x".repeat(501);
    let many: Vec<_> = (0..101)
        .map(|n| format!("01890000-0000-7000-8000-{n:012}"))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (ids, reason, status) in [
        (vec![own.as_str(), &foreign], "", 409),
        (vec![&own, missing], "", 409),
        (vec![missing, &foreign], "", 404),
        (vec![&own, "nonsense"], "", 404),
        (vec![], "", 400),
        (many, "", 400),
        (vec![&own], too_long.as_str(), 400),
    ] {
        let fields = form(&ids, reason, ana.form_token().await);
        let answer = ana.posts("/connections/revoke", &fields).await;
        assert_eq!(answer.status, status, "{ids:?}");
        assert!(server.admits(&mine.access).await, "{ids:?}");
    }
}

#[actix_web::test]
async fn a_new_consent_leaves_the_record_of_a_revoked_connection() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    ana.revokes(&[&ana.newest_connection().await], "lost").await;
    app.advance(std::time::Duration::from_secs(31 * 86_400));
    host.connects(&ana, &server).await;
    let page = ana
        .opens("/connections?view=list&status=active&status=revoked")
        .await;
    assert_eq!(page.all("td.status span"), ["Active", "Revoked"]);
}

#[actix_web::test]
async fn two_people_revoking_overlapping_sets_neither_fail_nor_act_twice() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for _ in 0..20 {
        ana.allows(&host, &server).await;
    }
    let ids = app
        .database
        .texts("SELECT id FROM connection ORDER BY id")
        .await;
    let upwards: Vec<_> = ids[..15].iter().map(String::as_str).collect();
    let downwards: Vec<_> = ids[5..].iter().rev().map(String::as_str).collect();
    let owner = app.owner();
    let (first, second) = tokio::join!(ana.revokes(&upwards, ""), owner.revokes(&downwards, ""));
    assert_eq!((first.status, second.status), (303, 303));
    let revoked = app
        .trail()
        .await
        .into_iter()
        .filter(|entry| entry.contains("revoked"));
    assert_eq!(revoked.count(), 20);
}

#[actix_web::test]
async fn text_that_no_database_takes_is_no_failure_of_ours() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    host.connects(&ana, &server).await;
    let answer = ana
        .revokes(
            &[&ana.newest_connection().await],
            "nul\t\0 nul \u{1b}]0;\u{202e}",
        )
        .await;
    assert_eq!(answer.status, 303);
    let reason = "SELECT revoked_reason FROM connection";
    assert_eq!(app.database.texts(reason).await, ["nul \u{fffd} nul ]0;"]);
    assert_eq!(
        ana.opens("/oauth/authorize?client_id=%00").await.status,
        400
    );
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "\0"),
        ("client_id", "\0"),
    ];
    assert_eq!(app.post("/oauth/token", &form).await.status(), 401);
}

#[actix_web::test]
async fn a_client_can_hand_back_its_own_tokens_and_no_others() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (cursor, other) = (app.host("Cursor").await, app.host("Other").await);
    let ana = app.person("ana");
    let tokens = cursor.connects(&ana, &server).await;
    let hands_back = |client: &str, token: &str| {
        let form = [
            ("client_id", client.to_owned()),
            ("token", token.to_owned()),
        ];
        let request = app
            .http
            .post(format!("{}/oauth/revoke", app.url))
            .form(&form);
        async { request.send().await.unwrap().status().as_u16() }
    };

    assert_eq!(hands_back(&other.client_id, &tokens.refresh).await, 200);
    assert_eq!(hands_back(&cursor.client_id, "unknown").await, 200);
    assert_eq!(hands_back("nobody", &tokens.refresh).await, 401);
    assert!(server.admits(&tokens.access).await);

    assert_eq!(hands_back(&cursor.client_id, &tokens.access).await, 200);
    assert!(!server.admits(&tokens.access).await);
    let renewed = cursor.renews(&tokens).await;

    assert_eq!(hands_back(&cursor.client_id, &renewed.refresh).await, 200);
    assert!(!server.admits(&renewed.access).await);
    assert_eq!(cursor.is_refused(&renewed.refresh).await, "invalid_grant");
    assert_eq!(
        app.trail().await.last().unwrap(),
        "connection.revoked by the client itself"
    );
}

#[actix_web::test]
async fn a_client_with_a_secret_proves_itself_before_it_hands_tokens_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let metadata = serde_json::json!({
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let host = Host::registered(&app, &metadata).await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    let secret = host.client_secret.as_deref().unwrap();
    let hands_back = async |secret: Option<&str>| {
        let mut form = vec![("client_id", &*host.client_id), ("token", &*tokens.refresh)];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        app.post("/oauth/revoke", &form).await.status().as_u16()
    };
    for wrong in [None, Some(""), Some("wrong"), Some(&secret[1..])] {
        assert_eq!(hands_back(wrong).await, 401, "{wrong:?}");
        assert!(server.admits(&tokens.access).await, "{wrong:?}");
    }
    assert_eq!(hands_back(Some(secret)).await, 200);
    assert!(!server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn the_time_of_a_status_is_a_time_with_its_exact_moment() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    app.host("Cursor").await.connects(&ana, &server).await;
    let id = ana.newest_connection().await;
    let path = format!("/connections/{id}");
    let moment = ".status time[datetime][title]";
    assert_eq!(ana.opens(&path).await.all(moment), ["1 Jul 2026"]);
    ana.revokes(&[&id], "laptop lost").await;
    let all = "status=active&status=expired&status=revoked";
    for page in [&*path, &format!("/connections?view=list&{all}"), "/me"] {
        assert_eq!(ana.opens(page).await.all(moment), ["just now"], "{page}");
    }
    let asked = ana.opens(&format!("/connections/revoke?id={id}")).await;
    assert_eq!(asked.all(".changed time[title]"), ["just now"]);
    assert_eq!(
        asked.all(".changed"),
        ["already revoked just now by ana@acme.example"]
    );
}
