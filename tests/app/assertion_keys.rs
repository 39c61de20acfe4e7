//! The keys with which identities are signed: where they are read, and when again.

use std::{net::TcpListener, time::Duration};

use untether::config::KeyLocation;

use crate::{
    assertion::{believing, known, only, status},
    support::{
        DocumentServer, Serving, TestApp,
        issuer::{Issuer, SigningKey, claims, key_set},
    },
};

const MINUTE: Duration = Duration::from_secs(60);

#[actix_web::test]
async fn a_key_that_is_not_known_is_asked_for_at_most_once_a_minute() {
    let (old, new) = (SigningKey::new("1", "ES256"), SigningKey::new("2", "RS256"));
    let issuer = Issuer::with(&[&old]);
    let app = believing(&issuer).await;
    app.app.identities.refresh(app.now()).await;
    assert_eq!(issuer.was_asked(), 1, "at the start");
    issuer.publishes(&[&old, &new]);
    let token = |key: &SigningKey| key.signs(&claims("ana", app.now()));
    assert_eq!(status(&app, &token(&new)).await, 401, "too soon to ask");
    assert_eq!(issuer.was_asked(), 1);
    app.advance(MINUTE);
    assert_eq!(status(&app, &token(&new)).await, 200);
    assert_eq!(issuer.was_asked(), 2);
    let unknown = SigningKey::new("3", "ES256");
    for _ in 0..3 {
        assert_eq!(status(&app, &token(&unknown)).await, 401);
    }
    app.advance(MINUTE);
    for _ in 0..3 {
        assert_eq!(status(&app, &token(&unknown)).await, 401);
    }
    assert_eq!(issuer.was_asked(), 3);
    assert_eq!(status(&app, &token(&old)).await, 200);
}

#[actix_web::test]
async fn keys_are_read_from_a_server_that_an_authority_of_ours_vouches_for() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[]);
    let server = DocumentServer::start().await;
    server.publishes(&serde_json::from_str(&key_set(&[&key])).unwrap());
    let location = format!("https://localhost:{}/keys", server.port);
    for (authorities, expected) in [(vec![server.certificate.clone()], 200), (vec![], 401)] {
        let app = TestApp::spawn_with(|settings| {
            only(settings, &issuer);
            let keys = KeyLocation::parse(&location).unwrap();
            settings.assertion.as_mut().unwrap().keys = keys;
            settings.certificates = authorities;
        })
        .await;
        let token = key.signs(&claims("ana", app.now()));
        assert_eq!(status(&app, &token).await, expected);
    }
}

#[actix_web::test]
async fn many_at_once_ask_for_a_key_once() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    let token = key.signs(&claims("ana", app.now()));
    let requests = (0..20).map(|_| status(&app, &token));
    let answers = futures_util::future::join_all(requests).await;
    assert_eq!(answers, [200; 20]);
    assert_eq!(issuer.was_asked(), 1);
}

#[actix_web::test]
async fn a_key_that_is_gone_ends_what_it_signed() {
    let (old, new) = (SigningKey::new("1", "ES256"), SigningKey::new("2", "ES256"));
    let issuer = Issuer::with(&[&old]);
    let app = believing(&issuer).await;
    let mut lasting = claims("ana", app.now());
    lasting["exp"] = (app.now().seconds() + 7200).into();
    let token = old.signs(&lasting);
    assert_eq!(status(&app, &token).await, 200);
    issuer.publishes(&[&new]);
    app.advance(59 * MINUTE);
    app.app.identities.refresh(app.now()).await;
    assert_eq!((issuer.was_asked(), status(&app, &token).await), (1, 200));
    app.advance(MINUTE);
    app.app.identities.refresh(app.now()).await;
    assert_eq!((issuer.was_asked(), status(&app, &token).await), (2, 401));
    assert_eq!(status(&app, &new.signs(&lasting)).await, 200);
}

#[actix_web::test]
async fn without_keys_nobody_is_there_until_they_come() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    issuer.answers(503, "");
    let app = believing(&issuer).await;
    app.app.identities.refresh(app.now()).await;
    let token = key.signs(&claims("ana", app.now()));
    assert_eq!(status(&app, &token).await, 401);
    issuer.publishes(&[&key]);
    app.advance(MINUTE);
    assert_eq!(status(&app, &token).await, 200);
}

#[actix_web::test]
async fn keys_stay_when_they_cannot_be_read_again() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    app.app.identities.refresh(app.now()).await;
    let large = format!("{}{}", key_set(&[&key]), " ".repeat(256 * 1024));
    let other = key_set(&[&SigningKey::new("2", "ES256")]);
    for (asked, status, body) in [
        (2, 500, &other),
        (3, 200, &"<html>".into()),
        (4, 200, &large),
    ] {
        issuer.answers(status, body);
        app.advance(60 * MINUTE);
        app.app.identities.refresh(app.now()).await;
        assert_eq!(issuer.was_asked(), asked);
        let ana = known(&app, &key, "ana");
        assert_eq!(ana.opens("/connections").await.status, 200, "{asked}");
    }
    issuer.publishes(&[]);
    app.advance(MINUTE);
    app.app.identities.refresh(app.now()).await;
    let ana = known(&app, &key, "ana");
    assert_eq!(ana.opens("/connections").await.status, 401, "all withdrawn");
}

#[actix_web::test]
async fn keys_are_not_read_where_a_redirect_leads() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = TestApp::spawn_with(|settings| {
        only(settings, &issuer);
        let moved = KeyLocation::parse(&format!("{}/moved", issuer.url)).unwrap();
        settings.assertion.as_mut().unwrap().keys = moved;
    })
    .await;
    let ana = known(&app, &key, "ana");
    assert_eq!(ana.opens("/connections").await.status, 401);
    assert_eq!(issuer.was_asked(), 0);
}

#[actix_web::test]
async fn keys_may_be_in_a_file() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let app = TestApp::spawn_with(|settings| {
        only(settings, &issuer);
        settings.assertion.as_mut().unwrap().keys = KeyLocation::File(path.clone());
    })
    .await;
    let ana = known(&app, &key, "ana");
    assert_eq!(ana.opens("/connections").await.status, 401, "no file yet");
    std::fs::write(&path, key_set(&[&key])).unwrap();
    app.advance(MINUTE);
    assert_eq!(ana.opens("/connections").await.status, 200);
}

#[actix_web::test]
async fn serve_starts_without_the_keys_and_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let keys = format!("http://{}/keys", free.local_addr().unwrap());
    drop(free);
    let server = Serving::with(&[
        ("UNTETHER_ASSERTION_HEADER", "X-Assertion"),
        ("UNTETHER_ASSERTION_JWKS_URL", &keys),
        ("UNTETHER_ASSERTION_ISSUER", "issuer"),
        ("UNTETHER_ASSERTION_AUDIENCE", "audience"),
    ]);
    let (mut address, mut complained) = (None, false);
    while address.is_none() || !complained {
        let line = server.says();
        let message = line["message"].as_str().unwrap();
        if message == "listening" {
            address = line["address"].as_str().map(str::to_owned);
        }
        if message.contains("UNTETHER_ASSERTION_JWKS_URL, so nobody can sign in") {
            assert_eq!(line["level"], "ERROR");
            complained = true;
        }
    }
    let app = TestApp::spawn().await;
    let answer = async |path| {
        let request = app
            .http
            .get(format!("http://{}{path}", address.as_ref().unwrap()));
        let request = request.header("x-assertion", "a.b.c");
        request.send().await.unwrap().status().as_u16()
    };
    let answers = (answer("/readyz").await, answer("/connections").await);
    assert_eq!(answers, (200, 401));
}
