//! Signed identity: a JWT in one header says who is there, and nothing else does.

use std::time::Duration;

use serde_json::{Value, json};
use untether::config::Settings;

use crate::{
    secrecy,
    support::{
        Page, Person, TestApp,
        issuer::{AUDIENCE, HEADER, ISSUER, Issuer, SigningKey, claims, message},
    },
};

/// Believes the issuer, and no plain header.
pub async fn believing(issuer: &Issuer) -> TestApp {
    TestApp::spawn_with(|settings| only(settings, issuer)).await
}

pub fn only(settings: &mut Settings, issuer: &Issuer) {
    settings.proxy = None;
    settings.assertion = Some(issuer.settings());
}

/// Believes the issuer, and only through the proxy.
async fn believing_both(issuer: &Issuer) -> TestApp {
    TestApp::spawn_with(|settings| settings.assertion = Some(issuer.settings())).await
}

/// The page that a token opens, whatever the plain headers say.
async fn opens(app: &TestApp, token: &str) -> Page {
    let nobody = app.person("mallory").with_assertion(token.to_owned());
    nobody.opens("/connections").await
}

pub async fn status(app: &TestApp, token: &str) -> u16 {
    opens(app, token).await.status
}

/// Someone for whom the issuer vouches.
pub fn known<'a>(app: &'a TestApp, key: &SigningKey, name: &str) -> Person<'a> {
    let token = key.signs(&claims(name, app.now()));
    app.person(name).with_assertion(token)
}

/// Ana's claims with one of them changed.
fn with(app: &TestApp, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims("ana", app.now());
    claims[name] = value.into();
    claims
}

#[actix_web::test]
async fn every_accepted_algorithm_signs_someone_in() {
    let keys = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ]
    .map(|algorithm| SigningKey::new(algorithm, algorithm));
    let issuer = Issuer::with(&keys.each_ref());
    let app = believing(&issuer).await;
    for key in &keys {
        let page = known(&app, key, "ana").opens("/connections").await;
        assert_eq!(page.status, 200, "{}", key.algorithm);
        let tampered = format!("{}x", key.signs(&claims("ana", app.now())));
        assert_eq!(status(&app, &tampered).await, 401, "{}", key.algorithm);
    }
    assert_eq!(issuer.was_asked(), 1);
}

#[actix_web::test]
async fn only_a_token_that_a_published_key_signed_is_believed() {
    let (rsa, ec) = (SigningKey::new("r", "RS256"), SigningKey::new("e", "ES256"));
    let issuer = Issuer::with(&[&rsa, &ec]);
    let app = believing(&issuer).await;
    let claims = claims("olivia", app.now());
    let unsigned = message(&json!({ "alg": "none", "kid": "r" }), &claims);
    let under = |header: Value| rsa.signs_under(&header, &claims);
    let other = SigningKey::new("e", "ES256");
    let pss = SigningKey::new("r", "PS256");
    for (case, token) in [
        ("another key of the same name", other.signs(&claims)),
        ("not signed", format!("{unsigned}.")),
        (
            "the public key as a secret",
            rsa.forged_from_public(&claims),
        ),
        ("a key for RS256 only", pss.signs(&claims)),
        (
            "a key of another kind",
            under(json!({ "alg": "RS256", "kid": "e" })),
        ),
        ("which of two keys?", under(json!({ "alg": "RS256" }))),
        (
            "an extension that must be understood",
            under(json!({ "alg": "RS256", "kid": "r", "crit": ["exp"] })),
        ),
        ("a key that the token brings", {
            let header = json!({ "alg": "ES256", "kid": "x", "jwk": other.public() });
            other.signs_under(&header, &claims)
        }),
        ("two parts", unsigned.clone()),
        ("four parts", format!("{}.x", rsa.signs(&claims))),
        ("no token", "olivia@acme.example".to_owned()),
    ] {
        let page = opens(&app, &token).await;
        assert_eq!(page.status, 401, "{case}");
        assert_eq!(page.all("h1"), ["You are not signed in"], "{case}");
        assert!(!page.text.contains("olivia"), "{case}");
    }
    assert_eq!(status(&app, &rsa.signs(&claims)).await, 200);
    let logs = secrecy::logs();
    assert!(logs.contains("the signature of the assertion is wrong"));
    assert!(!logs.contains(&other.signs(&claims)[..40]), "no token");
    let bearer = format!("Bearer {}", ec.signs(&claims));
    assert_eq!(status(&app, &bearer).await, 200);
}

#[actix_web::test]
async fn issuer_audience_expiry_and_e_mail_must_be_there_and_right() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    for (name, value) in [
        ("iss", json!("https://sso.acme.example/")),
        ("iss", json!([ISSUER])),
        ("iss", Value::Null),
        ("aud", json!("untether")),
        ("aud", json!(["other", "untether"])),
        ("aud", json!([])),
        ("aud", json!({ "is": AUDIENCE })),
        ("aud", Value::Null),
        ("exp", json!("1999999999")),
        ("exp", Value::Null),
        ("email", json!("ana")),
        ("email", json!("ana@acme.example\n")),
        ("email", json!("")),
        ("email", json!("ana@acme.example\u{a0}")),
        ("email", json!(["ana@acme.example"])),
        ("email", Value::Null),
        ("email_verified", json!(false)),
        ("email_verified", json!("false")),
        ("name", json!("a\u{0}b")),
        ("groups", json!({ "platform": true })),
        ("groups", json!([1])),
    ] {
        let token = key.signs(&with(&app, name, value.clone()));
        assert_eq!(status(&app, &token).await, 401, "{name}: {value}");
    }
    for (name, value) in [
        ("aud", json!(["other", AUDIENCE])),
        ("exp", json!(app.now().seconds() as f64 + 0.5)),
        ("email_verified", json!(true)),
        ("email_verified", json!("true")),
        ("name", Value::Null),
    ] {
        let token = key.signs(&with(&app, name, value.clone()));
        assert_eq!(status(&app, &token).await, 200, "{name}: {value}");
    }
}

#[actix_web::test]
async fn a_token_counts_in_its_time_give_or_take_thirty_seconds() {
    let key = SigningKey::new("1", "RS256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    let now = app.now().seconds();
    for (name, seconds, expected) in [
        ("exp", -29, 200),
        ("exp", -30, 401),
        ("exp", -3600, 401),
        ("nbf", 30, 200),
        ("nbf", 31, 401),
    ] {
        let token = key.signs(&with(&app, name, now + seconds));
        assert_eq!(status(&app, &token).await, expected, "{name} {seconds}");
    }
    let token = key.signs(&claims("ana", app.now()));
    assert_eq!(status(&app, &token).await, 200);
    app.advance(Duration::from_secs(329));
    assert_eq!(status(&app, &token).await, 200);
    app.advance(Duration::from_secs(1));
    assert_eq!(status(&app, &token).await, 401, "remembered, but expired");
}

#[actix_web::test]
async fn plain_headers_alone_are_nobody() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    for app in [believing(&issuer).await, believing_both(&issuer).await] {
        let page = app
            .owner()
            .in_groups("platform")
            .opens("/connections")
            .await;
        assert_eq!(page.status, 401);
    }
    let app = believing(&issuer).await;
    let token = key.signs(&claims("ana", app.now()));
    let page = app
        .owner()
        .with_assertion(token)
        .opens("/connections")
        .await;
    assert!(page.text.contains("ana@acme.example"), "{}", page.text);
    assert!(!page.text.contains("olivia"), "the plain header says so");
}

#[actix_web::test]
async fn a_doubled_or_look_alike_header_is_nobody() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    let token = key.signs(&claims("ana", app.now()));
    for name in [HEADER, "x_sso_assertion", "x-sso.assertion"] {
        for value in [token.as_str(), "x"] {
            let request = app.http.get(format!("{}/connections", app.url));
            let request = request.header(HEADER, &token).header(name, value);
            assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
        }
    }
    assert_eq!(status(&app, &token).await, 200);
}

#[actix_web::test]
async fn with_a_trusted_proxy_both_must_say_the_same() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing_both(&issuer).await;
    let token = key.signs(&with(&app, "email", "Ana@Acme.example"));
    assert_eq!(status(&app, &token).await, 401, "the header says mallory");
    let ana = app.person("ana").with_assertion(token.clone());
    assert_eq!(ana.opens("/connections").await.status, 200);
    let get = || {
        app.http
            .get(format!("{}/connections", app.url))
            .header(HEADER, &token)
    };
    assert_eq!(get().send().await.unwrap().status(), 200, "no plain header");
    let doubled = get()
        .header("x-forwarded-email", "ana@acme.example")
        .header("x-forwarded-email", "ana@acme.example");
    assert_eq!(doubled.send().await.unwrap().status(), 401);
    let mimicked = get().header("x_forwarded_groups", "platform");
    assert_eq!(mimicked.send().await.unwrap().status(), 401);
}

#[actix_web::test]
async fn with_a_trusted_proxy_a_token_from_elsewhere_is_nobody() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = TestApp::spawn_with(|settings| {
        let proxy = settings.proxy.as_mut().unwrap();
        proxy.trusted = vec!["192.0.2.0/24".parse().unwrap()];
        settings.assertion = Some(issuer.settings());
    })
    .await;
    let ana = known(&app, &key, "ana");
    assert_eq!(ana.opens("/connections").await.status, 401);
}

#[actix_web::test]
async fn roles_follow_from_the_token() {
    let key = SigningKey::new("1", "RS256");
    let issuer = Issuer::with(&[&key]);
    let app = TestApp::spawn_with(|settings| {
        only(settings, &issuer);
        settings.auditors = vec!["group:audit".parse().unwrap()];
    })
    .await;
    let server = app.project("search", &["group:search-team"]).await;
    let host = app.host("Cursor").await;
    host.connects(&known(&app, &key, "ben"), &server).await;
    let sees = async |groups: Value| {
        let token = key.signs(&with(&app, "groups", groups));
        opens(&app, &token).await.connections().len()
    };
    assert_eq!(sees(json!([])).await, 0);
    assert_eq!(sees(json!(["search-team"])).await, 1);
    assert_eq!(sees(json!("ops, search-team")).await, 1);
    assert_eq!(sees(json!(["audit", "ops"])).await, 1);
    assert_eq!(sees(json!("search-team|audit")).await, 0);
    assert_eq!(sees(json!(["\u{a0}audit"])).await, 0);
    assert_eq!(sees(json!("ops,\u{2003}audit")).await, 0);
    let owner = known(&app, &key, "olivia").opens("/connections").await;
    assert_eq!(owner.connections().len(), 1);
}

#[actix_web::test]
async fn someone_signed_in_by_a_token_connects_and_revokes() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = believing(&issuer).await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let mut claims = claims("ana", app.now());
    claims["name"] = "Ana Ruíz".into();
    claims["preferred_username"] = "ana".into();
    let ana = app.person("ana").with_assertion(key.signs(&claims));
    let asked = ana.is_asked(&host, &server).await;
    assert!(asked.text.contains("ana@acme.example"), "{}", asked.text);
    let tokens = host.connects(&ana, &server).await;
    assert!(server.admits(&tokens.access).await);
    assert_eq!(ana.opens("/connections").await.connections().len(), 1);
    let people = "SELECT subject || ' ' || email || ' ' || name FROM people";
    assert_eq!(
        app.database.texts(people).await,
        ["ana@acme.example ana@acme.example Ana Ruíz"]
    );
    ana.revokes(&[&ana.newest_connection().await], "").await;
    assert!(!server.admits(&tokens.access).await);
}

#[actix_web::test]
async fn a_subject_identifies_for_good_when_it_is_asked_for() {
    let key = SigningKey::new("1", "ES256");
    let issuer = Issuer::with(&[&key]);
    let app = TestApp::spawn_with(|settings| {
        only(settings, &issuer);
        settings.assertion.as_mut().unwrap().identify_by_subject = true;
    })
    .await;
    let token = key.signs(&with(&app, "sub", Value::Null));
    assert_eq!(status(&app, &token).await, 401);
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    host.connects(&known(&app, &key, "ana"), &server).await;
    let renamed = with(&app, "email", "ana.ruiz@acme.example");
    let page = opens(&app, &key.signs(&renamed)).await;
    assert_eq!(page.connections().len(), 1, "the same person");
}
