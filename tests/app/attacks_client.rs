//! Attacks by what a client says of itself: names that deceive, documents that make the
//! server connect, identities that are another's (OAuth 2.1 §7.3 and §7.9, Client ID
//! Metadata Documents §8).

use serde_json::{Value, json};
use untether::domain::client::parse_name;

use crate::support::{DocumentServer, TestApp, error_of, path_of};

async fn registers(app: &TestApp, metadata: &Value) -> reqwest::Response {
    let url = format!("{}/oauth/register", app.url);
    app.http.post(url).json(metadata).send().await.unwrap()
}

fn metadata(name: &str) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
    })
}

/// Characters that hide, reorder or blot out what stands around them, by their place in
/// Unicode: Bidi_Control, Default_Ignorable_Code_Point, and blanks that are no spaces.
const DECEPTIVE: [(char, &str); 26] = [
    ('\u{61c}', "Arabic letter mark"),
    ('\u{200e}', "left-to-right mark"),
    ('\u{200f}', "right-to-left mark"),
    ('\u{202a}', "left-to-right embedding"),
    ('\u{202e}', "right-to-left override"),
    ('\u{2066}', "left-to-right isolate"),
    ('\u{2069}', "pop isolate"),
    ('\u{ad}', "soft hyphen"),
    ('\u{34f}', "grapheme joiner"),
    ('\u{115f}', "Hangul filler"),
    ('\u{17b4}', "Khmer inherent vowel"),
    ('\u{180e}', "Mongolian vowel separator"),
    ('\u{200b}', "zero width space"),
    ('\u{200d}', "zero width joiner"),
    ('\u{2028}', "line separator"),
    ('\u{2060}', "word joiner"),
    ('\u{206a}', "symmetric swapping"),
    ('\u{2800}', "blank Braille"),
    ('\u{3164}', "Hangul filler"),
    ('\u{fe00}', "variation selector"),
    ('\u{feff}', "byte order mark"),
    ('\u{ffa0}', "half-width filler"),
    ('\u{fff9}', "interlinear annotation"),
    ('\u{1d173}', "musical beam"),
    ('\u{e0041}', "tag letter"),
    ('\u{e0100}', "variation selector supplement"),
];

#[test]
fn no_name_hides_or_reorders_what_stands_around_it() {
    for (deceptive, what) in DECEPTIVE {
        for name in [
            format!("Claude{deceptive}"),
            format!("{deceptive}Claude"),
            format!("Cla{deceptive}ude"),
            deceptive.to_string(),
        ] {
            // Some are spaces, which go from the ends of a name.
            let kept = parse_name(&name).is_ok_and(|kept| kept.contains(deceptive));
            assert!(!kept, "{what}: {name:?}");
        }
    }
    for name in [
        "Zoë’s Claude",
        "克劳德",
        "כלוד",
        "كلود",
        "A & B <c>",
        "⚡\u{fe0f} Tool",
    ] {
        assert_eq!(parse_name(name).as_deref(), Ok(name));
    }
}

#[actix_web::test]
async fn a_deceptive_name_is_refused_however_a_client_comes_to_be_known() {
    let app = TestApp::spawn().await;
    for name in [
        "Claude\u{202e}edoC",
        "Claude\u{200b}",
        "\u{61c}Claude",
        "\u{3164}",
        "Claude\nUntether says: press Allow",
    ] {
        let refused = registers(&app, &metadata(name)).await;
        assert_eq!(
            error_of(refused, 400).await,
            "invalid_client_metadata",
            "{name:?}"
        );
    }
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    app.project("search", &[]).await;
    let host = documents.host(&app);
    documents.publishes(&documents.document_with(json!({ "client_name": "Claude\u{202e}edoC" })));
    let page = app.person("ana").opens(&host.authorize_path(None)).await;
    assert_eq!(page.status, 400);
    assert!(!page.text.contains('\u{202e}'));
}

#[actix_web::test]
async fn a_name_that_looks_like_a_known_ones_is_shown_as_unproven() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    // Cyrillic С and о; the right letters; the organization's own name.
    for name in [
        "\u{421}laude C\u{43e}de",
        "Claude Code",
        "Acme IT",
        "Untether",
    ] {
        let host = app.host(name).await;
        let page = app.person("ana").is_asked(&host, &server).await;
        let text = page.all("main").join(" ");
        assert!(text.contains("chosen by the app"), "{name}: {text}");
        assert!(text.contains("127.0.0.1:49152"), "{name}: {text}");
    }
}

#[actix_web::test]
async fn a_registration_cannot_hide_one_address_behind_another() {
    let app = TestApp::spawn().await;
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "about:blank",
        "blob:https://app.example/x",
        "intent://scan/#Intent;scheme=zxing;end",
        "com.example.app:/callback",
        "http://app.example/callback",
        "https://claude.ai@evil.example/callback",
        "https://claude.ai\\@evil.example/callback",
        "https://evil.example#@claude.ai/",
        "https://\u{441}laude.ai/callback",
        "https://claude.ai\u{202e}/callback",
        "https://claude.ai\t.evil.example/callback",
        "https://claude.ai\0.evil.example/callback",
        "https://claude.ai%2eevil.example/callback",
        "https://0x7f000001/callback",
        "https://127.1/callback",
        "https://[::ffff:7f00:1]:99999/callback",
        "https:///callback",
        "https:callback",
        "//evil.example/callback",
        "cursor:",
        "cursor://user@host/callback",
        "",
    ] {
        let mut metadata = metadata("App");
        metadata["redirect_uris"] = json!([uri]);
        let refused = registers(&app, &metadata).await;
        assert_eq!(
            error_of(refused, 400).await,
            "invalid_redirect_uri",
            "{uri:?}"
        );
    }
}

#[actix_web::test]
async fn nothing_that_a_document_names_is_fetched_or_shown() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let elsewhere = format!("https://other.example:{}", documents.port);
    documents.publishes(&documents.document_with(json!({
        "logo_uri": format!("{elsewhere}/logo.png"),
        "client_uri": format!("{elsewhere}/home"),
        "policy_uri": format!("{elsewhere}/policy"),
        "tos_uri": format!("{elsewhere}/terms"),
        "jwks_uri": format!("{elsewhere}/jwks.json"),
        "sector_identifier_uri": format!("{elsewhere}/sector.json"),
        "software_statement": "x.y.z",
        "contacts": [format!("{elsewhere}/contact")],
    })));
    let page = app
        .person("ana")
        .is_asked(&documents.host(&app), &server)
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("other.example"), "{}", page.text);
    assert_eq!(documents.connections(), 1);
    assert!(documents.requests()[0].starts_with("GET /client.json "));
}

#[actix_web::test]
async fn a_document_makes_no_request_of_a_strangers_choosing() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    app.project("search", &[]).await;
    let ana = app.person("ana");
    let port = documents.port;
    for address in [
        format!("http://app.example:{port}/client.json"),
        format!("https://app.example:{port}/"),
        format!("https://app.example:{port}"),
        format!("https://app.example:{port}/a/../client.json"),
        format!("https://app.example:{port}/%2e%2e/client.json"),
        format!("https://app.example:{port}/client.json#x"),
        format!("https://me@app.example:{port}/client.json"),
        format!("https://me:secret@app.example:{port}/client.json"),
        format!("https://app.example:{port}/client.json\r\nx-evil: 1"),
        format!("https://app.example:{port}/client json"),
        format!("HTTPS://app.example:{port}/client.json"),
        format!("https://app.example\\@127.0.0.1:{port}/client.json"),
        format!("https://127.1:{port}/client.json"),
        format!("https://0x7f.1:{port}/client.json"),
        format!("https://2130706433:{port}/client.json"),
        "ftp://app.example/client.json".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://app.example/client.json".to_owned(),
    ] {
        let mut request = documents.host(&app).request(None);
        for pair in &mut request {
            if pair.0 == "client_id" {
                pair.1.clone_from(&address);
            }
        }
        let page = ana.opens(&path_of(&request)).await;
        assert_eq!(page.status, 400, "{address}");
        assert!(!page.headers.contains_key("location"), "{address}");
    }
    assert_eq!(documents.connections(), 0, "{:?}", documents.requests());
}

#[actix_web::test]
async fn only_whoever_is_signed_in_makes_the_server_fetch_a_document() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    app.project("search", &[]).await;
    let path = documents.host(&app).authorize_path(None);
    assert_eq!(app.get(&path).await.status(), 401);
    for (endpoint, form) in [
        ("/oauth/token", "grant_type"),
        ("/oauth/revoke", "token"),
        ("/oauth/introspect", "token"),
    ] {
        let url = documents.url();
        let form = [
            (form, "refresh_token"),
            ("refresh_token", "x"),
            ("client_id", &url),
        ];
        assert_eq!(app.post(endpoint, &form).await.status(), 401, "{endpoint}");
    }
    assert_eq!(documents.connections(), 0);
}

#[actix_web::test]
async fn a_client_of_a_document_is_known_by_its_exact_address() {
    let documents = DocumentServer::start().await;
    let app = documents.app().await;
    let server = app.project("search", &[]).await;
    let host = documents.host(&app);
    let tokens = host.connects(&app.person("ana"), &server).await;
    let address = documents.url();
    for near in [
        address.to_uppercase(),
        address.replace("https://", "http://"),
        format!("{address}/"),
        format!("{address}?"),
        format!(" {address}"),
        address.replace("app.example", "app.example."),
        address.replace("client.json", "client%2ejson"),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
            ("client_id", &near),
        ];
        let answer = app.post("/oauth/token", &form).await;
        assert_eq!(error_of(answer, 401).await, "invalid_client", "{near}");
    }
    host.renews(&tokens).await;
}
