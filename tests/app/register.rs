//! Dynamic client registration (RFC 7591) and client authentication.

use serde_json::{Value, json};
use untether::{
    config::Registration,
    domain::{
        client::{ClientType, Origin},
        ids::ClientId,
        logo::LogoChoice,
        scheme::PrivateSchemes,
    },
    flow::{self, register::NewClient},
};

use crate::support::{Host, TestApp, VERIFIER, error_of};

async fn register(app: &TestApp, metadata: &Value) -> reqwest::Response {
    app.http
        .post(format!("{}/oauth/register", app.url))
        .json(metadata)
        .send()
        .await
        .unwrap()
}

#[actix_web::test]
async fn a_client_registers_and_reads_back_what_it_is() {
    let app = TestApp::spawn().await;
    let response = register(
        &app,
        &json!({
            "client_name": "Claude Code (search)",
            "redirect_uris": ["http://localhost:3118/callback", "cursor://anysphere.cursor-mcp/oauth/callback"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "scope": "anything at all",
            "software_id": "x",
        }),
    )
    .await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["client_name"], "Claude Code (search)");
    assert_eq!(body["token_endpoint_auth_method"], "none");
    assert_eq!(
        body["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(body["redirect_uris"].as_array().unwrap().len(), 2);
    assert!(body.get("client_secret").is_none());
    let id = body["client_id"].as_str().unwrap();
    assert!(
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
        "{id}"
    );
}

#[actix_web::test]
async fn a_client_that_names_no_method_gets_a_secret_that_does_not_expire() {
    let app = TestApp::spawn().await;
    let body: Value = register(&app, &json!({ "redirect_uris": ["http://127.0.0.1/"] }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(body["client_secret_expires_at"], 0);
    assert!(body["client_secret"].as_str().unwrap().starts_with("uts_"));
    assert_eq!(body["client_name"], "Unnamed client");
}

#[actix_web::test]
async fn unacceptable_metadata_is_refused_by_the_right_code() {
    let app = TestApp::spawn().await;
    let uri = "http://127.0.0.1/cb";
    let many: Vec<_> = (0..21).map(|n| format!("http://127.0.0.1/{n}")).collect();
    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": ["http://evil.example/cb"] }),
            "invalid_redirect_uri",
        ),
        (
            json!({ "redirect_uris": ["javascript:alert(1)"] }),
            "invalid_redirect_uri",
        ),
        (
            json!({ "redirect_uris": ["https://a.example/cb#x"] }),
            "invalid_redirect_uri",
        ),
        (json!({ "redirect_uris": many }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": "x" }), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
        (json!([[uri], "Cursor", "none"]), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": [uri], "client_name": "x".repeat(129) }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [uri], "client_name": "a\u{202e}b" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "private_key_jwt" }),
            "invalid_client_metadata",
        ),
    ] {
        assert_eq!(
            error_of(register(&app, &metadata).await, 400).await,
            error,
            "{metadata}"
        );
    }
    assert!(app.database.texts("SELECT id FROM client").await.is_empty());
}

#[actix_web::test]
async fn one_unacceptable_redirect_does_not_fail_the_others() {
    let app = TestApp::spawn().await;
    let uris = json!({ "redirect_uris": ["http://evil.example/cb", "http://127.0.0.1/cb"] });
    let body: Value = register(&app, &uris).await.json().await.unwrap();
    assert_eq!(body["redirect_uris"], json!(["http://127.0.0.1/cb"]));
    let dropped = &body["dropped_redirect_uris"];
    assert_eq!(dropped[0]["redirect_uri"], "http://evil.example/cb");
    let reason = dropped[0]["reason"].as_str().unwrap();
    assert!(reason.contains("use https"), "{reason}");
    assert_eq!(dropped.as_array().unwrap().len(), 1);
    let all = json!({ "redirect_uris": ["http://127.0.0.1/cb"] });
    let body: Value = register(&app, &all).await.json().await.unwrap();
    assert!(body.get("dropped_redirect_uris").is_none());
}

#[actix_web::test]
async fn private_schemes_are_those_of_the_setting() {
    let uris = json!({ "redirect_uris": ["cursor://a/cb", "com.acme.app:/cb", "zed://a/cb"] });
    for (adjust, accepted) in [
        (
            PrivateSchemes::default(),
            json!(["cursor://a/cb", "zed://a/cb"]),
        ),
        (
            PrivateSchemes::of(vec!["com.acme.app".to_owned()]),
            json!(["com.acme.app:/cb"]),
        ),
    ] {
        let app = TestApp::spawn_with(|settings| settings.redirect_schemes = adjust).await;
        let body: Value = register(&app, &uris).await.json().await.unwrap();
        assert_eq!(body["redirect_uris"], accepted);
    }
    let none = PrivateSchemes::none();
    let app = TestApp::spawn_with(|settings| settings.redirect_schemes = none).await;
    let error = error_of(register(&app, &uris).await, 400).await;
    assert_eq!(error, "invalid_redirect_uri");
}

#[actix_web::test]
async fn registration_can_be_switched_off() {
    let app = TestApp::spawn_with(|settings| settings.registration = Registration::Off).await;
    let uris = json!({ "redirect_uris": ["http://127.0.0.1/"] });
    assert_eq!(
        error_of(register(&app, &uris).await, 403).await,
        "access_denied"
    );
    let document: Value = app
        .get("/.well-known/oauth-authorization-server/oauth")
        .await
        .json()
        .await
        .unwrap();
    assert!(document.get("registration_endpoint").is_none());
}

#[actix_web::test]
async fn a_body_beyond_all_measure_is_refused() {
    let app = TestApp::spawn().await;
    let huge = json!({ "redirect_uris": ["http://127.0.0.1/"], "x": "x".repeat(70_000) });
    let answer = register(&app, &huge).await;
    assert_eq!(answer.status(), 413);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told["error"], "invalid_request", "{told}");
}

#[actix_web::test]
async fn a_confidential_client_must_prove_itself_in_any_form_clients_use() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let uris = json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
    let body: Value = register(&app, &uris).await.json().await.unwrap();
    let (id, secret) = (
        body["client_id"].as_str().unwrap(),
        body["client_secret"].as_str().unwrap(),
    );
    let host = Host {
        app: &app,
        client_id: id.to_owned(),
        client_secret: None,
        redirect_uri: "http://127.0.0.1:5/callback".into(),
    };
    let ana = app.person("ana");
    let url = format!("{}/oauth/token", app.url);
    let encoded = secret.replace('_', "%5F");
    for (basic, posted) in [
        (Some((id, secret)), vec![]),
        (Some((id, secret)), vec![("client_id", id)]),
        (Some((id, &*encoded)), vec![("client_id", id)]),
        (None, vec![("client_id", id), ("client_secret", secret)]),
        (
            Some((id, secret)),
            vec![("client_id", id), ("client_secret", secret)],
        ),
    ] {
        let code = ana.allows(&host, &server).await;
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
        ];
        let mut request = app
            .http
            .post(&url)
            .form(&[grant.as_slice(), &posted].concat());
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        assert_eq!(
            request.send().await.unwrap().status(),
            200,
            "{basic:?} {posted:?}"
        );
    }
    let code = ana.allows(&host, &server).await;
    assert_eq!(
        error_of(host.redeems(&code).await, 401).await,
        "invalid_client",
        "no secret"
    );
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("code_verifier", VERIFIER),
    ];
    let wrong = app
        .http
        .post(&url)
        .basic_auth(id, Some("wrong"))
        .form(&grant)
        .send()
        .await
        .unwrap();
    assert!(
        wrong.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
    assert_eq!(error_of(wrong, 401).await, "invalid_client");
    let differing = [grant.as_slice(), &[("client_id", "another")]].concat();
    let differing = app
        .http
        .post(&url)
        .basic_auth(id, Some(secret))
        .form(&differing);
    assert_eq!(
        error_of(differing.send().await.unwrap(), 400).await,
        "invalid_request"
    );
    assert_eq!(
        app.post(
            "/oauth/token",
            &[&grant[..], &[("client_id", "unknown")]].concat()
        )
        .await
        .status(),
        401
    );
}

#[actix_web::test]
async fn a_client_is_made_once_under_an_id() {
    let app = TestApp::spawn().await;
    let context = app.context();
    let id: ClientId = context.secrets.new_id(context.now);
    let made = async |name: &str| {
        let new = NewClient {
            id: Some(id.clone()),
            origin: Origin::Api,
            project: None,
            name: name.to_owned(),
            client_type: ClientType::Public,
            logo: LogoChoice::Letter,
            redirect_uris: Vec::new(),
        };
        let mut tx = app.app.db.write().await.unwrap();
        let made = flow::register::client(&mut tx, &context, new).await;
        tx.commit().await.unwrap();
        made
    };
    made("Cursor").await.unwrap();
    assert!(made("Zed").await.unwrap_err().is_duplicate());
    let names = "SELECT name FROM client";
    assert_eq!(app.database.texts(names).await, ["Cursor"]);
    let events = "SELECT client_name FROM audit_event WHERE action = 'client.created'";
    assert_eq!(app.database.texts(events).await, ["Cursor"]);
}
