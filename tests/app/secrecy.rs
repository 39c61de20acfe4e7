//! Invariant 7: no secret is stored or logged in clear.

use std::{
    io,
    sync::{Mutex, Once},
};

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::support::{Host, Recording, TestApp};

static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGS.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps every log line of every test, down to TRACE for Untether itself.
pub fn capture_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::new("untether=trace,actix=info,sqlx=info,tracing_actix_web=trace");
        let lines = fmt::layer().with_writer(|| Writer).with_ansi(false);
        tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .with(Recording::layer())
            .init();
        // Of the older `log` no more is kept, and the parser of pages would spell out each letter.
        log::set_max_level(log::LevelFilter::Info);
    });
}

/// Every log line so far.
pub fn logs() -> String {
    String::from_utf8_lossy(&LOGS.lock().unwrap()).into_owned()
}

#[actix_web::test]
async fn no_secret_is_stored_or_logged_in_clear() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let metadata = serde_json::json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
    let confidential = Host::registered(&app, &metadata).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    let first = host.connects(&ana, &server).await;
    let second = host.renews(&first).await;
    let code = ana.allows(&confidential, &server).await;
    confidential.redeems(&code).await;
    server.introspects(&second.access).await;
    let form_token = ana.form_token().await;
    ana.revokes(&[&ana.newest_connection().await], "gone").await;

    let secrets = [
        &first.access,
        &first.refresh,
        &second.access,
        &second.refresh,
        &code,
        &server.secret,
        &form_token,
        confidential.client_secret.as_ref().unwrap(),
    ];
    let dump = app.database.dump().await;
    assert!(
        dump.contains("gone") && dump.contains("ana@acme.example"),
        "the dump is a dump"
    );
    let logs = logs();
    assert!(logs.contains("revoked connections"), "the logs are logs");
    for secret in secrets {
        assert!(
            !dump.contains(secret.as_str()),
            "stored in clear: {}",
            &secret[..4]
        );
        assert!(
            !logs.contains(secret.as_str()),
            "logged in clear: {}",
            &secret[..4]
        );
    }
    assert!(!logs.contains("ana@acme.example"), "logs name people by id");
    assert!(
        !logs.contains("code_challenge="),
        "logs leave query strings out"
    );
}

/// The functions that compare what was sent with a secret, and the files they are in.
const COMPARISONS: [(&str, &str); 4] = [
    (
        include_str!("../../src/domain/secret.rs"),
        "pub fn matches(",
    ),
    (
        include_str!("../../src/domain/secret.rs"),
        "pub fn accepts_form_token(",
    ),
    (include_str!("../../src/domain/pkce.rs"), "pub fn verify("),
    (
        include_str!("../../src/config/types.rs"),
        "pub fn matches(&self, sent",
    ),
];

#[test]
fn secrets_are_compared_in_the_same_time_wherever_they_differ() {
    for (text, function) in COMPARISONS {
        let (_, body) = text.split_once(function).expect(function);
        let (body, _) = body.split_once("\n    }\n").expect(function);
        assert!(body.contains(".ct_eq("), "{function}");
        assert!(!body.contains(" == "), "{function}");
    }
}
