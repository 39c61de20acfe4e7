//! Attacks on where the answer goes: RFC 9700 §4.1 to §4.3, §4.11, §4.12 and §4.17.

use crate::{
    redirector::host,
    support::{Host, Page, Person, TestApp, form_fields, path_of, query_of},
};

const REGISTERED: &str = "https://app.example/callback";

/// Addresses that somebody could hope to pass for the registered one.
const NEAR: [&str; 28] = [
    "https://app.example/callback/",
    "https://app.example/callback/../evil",
    "https://app.example/callback/%2e%2e/evil",
    "https://app.example/callback%2f..%2fevil",
    "https://app.example/callback?next=https://evil.example",
    "https://app.example/callback#",
    "https://app.example/callback#@evil.example",
    "https://app.example/Callback",
    "https://app.example/call%62ack",
    "https://app.example//callback",
    "https://app.example/./callback",
    "https://app.example/callbackevil",
    "https://app.example",
    "https://app.example/",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example./callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "http://app.example/callback",
    "https://evil.app.example/callback",
    "https://app.example.evil.example/callback",
    "https://app.example@evil.example/callback",
    "https://evil.example/?https://app.example/callback",
    "https://evil.example\\@app.example/callback",
    "https://app.example/callback\r\nLocation: https://evil.example",
    "https://app.example/callback\0",
    "//app.example/callback",
];

/// The request of a host with one parameter changed.
fn with(host: &Host<'_>, resource: &str, name: &'static str, value: &str) -> String {
    let mut pairs = host.request(Some(resource));
    pairs.retain(|(known, _)| *known != name);
    pairs.push((name, value.to_owned()));
    path_of(&pairs)
}

fn leads_nowhere(page: &Page, what: &str) {
    assert_eq!(page.status, 400, "{what}: {}", page.text);
    assert!(!page.headers.contains_key("location"), "{what}");
    assert!(page.all("main form").is_empty(), "{what}");
    assert!(
        page.attributes("main a", "href")
            .iter()
            .all(|href| href.starts_with('/')),
        "{what}"
    );
}

#[actix_web::test]
async fn no_address_near_the_registered_one_is_sent_an_answer() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let ana = app.person("ana");
    for near in NEAR {
        let page = ana
            .opens(&with(&host, &server.resource, "redirect_uri", near))
            .await;
        leads_nowhere(&page, near);
    }
    assert_eq!(ana.is_asked(&host, &server).await.status, 200);
}

#[actix_web::test]
async fn the_loopback_exception_opens_a_port_and_nothing_else() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for near in [
        "http://127.0.0.1.evil.example:49152/callback",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.2:49152/callback",
        "http://127.1:49152/callback",
        "http://2130706433:49152/callback",
        "http://0x7f.0.0.1:49152/callback",
        "http://[::ffff:127.0.0.1]:49152/callback",
        "http://0.0.0.0:49152/callback",
        "https://127.0.0.1:49152/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:+80/callback",
        "http://127.0.0.1:49152/callback/../evil",
        "http://127.0.0.1:49152//callback",
        "http://127.0.0.1:49152/callback?to=evil",
    ] {
        let page = ana
            .opens(&with(&host, &server.resource, "redirect_uri", near))
            .await;
        leads_nowhere(&page, near);
    }
}

/// Opens the consent page, exchanges a hidden field and allows.
async fn allows_with(
    person: &Person<'_>,
    host: &Host<'_>,
    resource: &str,
    (name, value): (&str, Option<&str>),
) -> Page {
    let page = person.opens(&host.authorize_path(Some(resource))).await;
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.retain(|(known, _)| known != name);
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    fields.push(("decision".into(), "allow".into()));
    person.posts("/oauth/authorize", &fields).await
}

#[actix_web::test]
async fn the_form_of_consent_is_checked_like_the_request_before_it() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let ana = app.person("ana");
    for changed in [
        ("redirect_uri", Some("https://evil.example/callback")),
        ("client_id", Some("unknown")),
        ("client_id", None),
    ] {
        let page = allows_with(&ana, &host, &server.resource, changed).await;
        leads_nowhere(&page, changed.0);
    }
    for (changed, error) in [
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("code_challenge_method", None), "invalid_request"),
        (
            ("response_type", Some("token")),
            "unsupported_response_type",
        ),
        (
            ("resource", Some("https://other.example/")),
            "invalid_target",
        ),
    ] {
        let page = allows_with(&ana, &host, &server.resource, changed).await;
        let location = page.headers["location"].to_str().unwrap();
        assert_eq!(query_of(location)["error"], error, "{changed:?}");
        assert!(!query_of(location).contains_key("code"), "{changed:?}");
    }
    let made = app.database.texts("SELECT id FROM connection").await;
    assert!(made.is_empty(), "{made:?}");
}

#[actix_web::test]
async fn a_parameter_given_twice_is_nobodys_to_choose_from() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let ana = app.person("ana");
    let path = host.authorize_path(Some(&server.resource));
    for name in [
        "client_id",
        "redirect_uri",
        "response_type",
        "state",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "project",
    ] {
        for more in [
            format!("{path}&{name}=x&{name}=y"),
            format!("{path}&{name}=&{name}="),
        ] {
            leads_nowhere(&ana.opens(&more).await, name);
        }
    }
}

#[actix_web::test]
async fn an_answer_is_never_anything_but_a_code_in_a_query() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for kind in [
        "token",
        "id_token",
        "code token",
        "code id_token",
        "none",
        "CODE",
    ] {
        let page = ana
            .opens(&with(&host, &server.resource, "response_type", kind))
            .await;
        let location = page.headers["location"].to_str().unwrap();
        assert!(!location.contains('#'), "{location}");
        assert_eq!(query_of(location)["error"], "unsupported_response_type");
    }
    // RFC 9700 §4.17: no answer by a script, a form or a fragment.
    for mode in ["web_message", "form_post", "fragment"] {
        let path = host.authorize_path(Some(&server.resource));
        let page = ana.opens(&format!("{path}&response_mode={mode}")).await;
        let location = ana.answers(&page, "allow", &[]).await;
        assert!(location.contains("?code="), "{mode}: {location}");
    }
}

#[actix_web::test]
async fn a_code_travels_in_one_redirect_that_nobody_keeps() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let ana = app.person("ana");
    let page = ana.is_asked(&host, &server).await;
    let mut fields = form_fields(&page, "/oauth/authorize");
    fields.push(("decision".into(), "allow".into()));
    let answer = ana.posts("/oauth/authorize", &fields).await;
    // Never 307 or 308, which would send the form on (RFC 9700 §4.12).
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["cache-control"], "no-store");
    // Neither address is passed on to another origin (§4.2.4).
    assert_eq!(answer.headers["referrer-policy"], "same-origin");
    assert_eq!(page.headers["referrer-policy"], "same-origin");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(answer.text.is_empty(), "{}", answer.text);
    let code = &query_of(answer.headers["location"].to_str().unwrap())["code"];
    assert!(!page.text.contains(code.as_str()));
}

#[actix_web::test]
async fn the_consent_page_loads_nothing_from_elsewhere() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let page = app.person("ana").is_asked(&host, &server).await;
    for (element, attribute) in [
        ("img", "src"),
        ("script", "src"),
        ("link", "href"),
        ("iframe", "src"),
        ("form", "action"),
        ("a", "href"),
    ] {
        for address in page.attributes(element, attribute) {
            assert!(
                address.starts_with('/') && !address.starts_with("//") || address.starts_with('#'),
                "{element} {address}"
            );
        }
    }
}

#[actix_web::test]
async fn a_state_cannot_add_a_header_or_a_parameter() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = host(&app, REGISTERED).await;
    let ana = app.person("ana");
    for state in [
        "a&code=stolen&iss=https://evil.example",
        "a#code=stolen",
        "\u{2028}\u{202e}\u{feff}",
        " a+b%0d%0a ",
        "\"'><script>\\",
    ] {
        let page = ana
            .opens(&with(&host, &server.resource, "state", state))
            .await;
        let location = ana.answers(&page, "deny", &[]).await;
        assert!(location.is_ascii() && !location.contains('#'), "{location}");
        assert!(!location.contains(['\r', '\n', ' ']), "{location}");
        let query = query_of(&location);
        assert_eq!(query["state"], state, "exactly");
        assert_eq!(query["iss"], format!("{}/oauth", app.url));
        assert!(!query.contains_key("code"), "{location}");
    }
}

#[actix_web::test]
async fn a_state_that_no_page_could_send_back_as_it_is_is_refused() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let ana = app.person("ana");
    for (state, told) in [
        (
            "a\r\nSet-Cookie: untether=evil",
            "a\r\nSet-Cookie: untether=evil",
        ),
        ("a\nb", "a\nb"),
        ("\r", "\r"),
        ("\u{1}\t\u{7f}", "\u{1}\t\u{7f}"),
        ("\u{85}", "\u{85}"),
        ("a\0b", "a\u{fffd}b"),
    ] {
        let answer = ana
            .opens(&with(&host, &server.resource, "state", state))
            .await;
        assert_eq!(answer.status, 303, "{state:?}");
        let location = answer.headers["location"].to_str().unwrap();
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
        let query = query_of(location);
        assert_eq!(query["error"], "invalid_request", "{state:?}");
        assert!(query["error_description"].starts_with("state has control characters"));
        assert_eq!(query["state"], told);
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[actix_web::test]
async fn a_page_goes_back_only_to_a_path_of_its_own() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for back in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aLocation: https://evil.example",
        "/\r\nLocation: https://evil.example",
        "\t//evil.example",
    ] {
        app.host("Cursor").await.connects(&ana, &server).await;
        let id = ana.newest_active().await;
        let fields = [
            ("csrf".to_owned(), ana.form_token().await),
            ("id".to_owned(), id),
            ("back".to_owned(), back.to_owned()),
        ];
        let page = ana.posts("/connections/revoke", &fields).await;
        assert_eq!(page.status, 303, "{back:?}");
        assert_eq!(page.headers["location"], "/connections", "{back:?}");
    }
}

#[actix_web::test]
async fn an_address_with_two_slashes_leads_to_no_other_host() {
    let app = TestApp::spawn().await;
    let ana = "x-forwarded-email: ana@acme.example\r\n";
    for path in [
        "//evil.example/",
        "//evil.example/..",
        "/\\evil.example",
        "/https://evil.example",
        "/oauth/authorize//evil.example",
        "//evil.example/%2e%2e",
        "/%0d%0aLocation:%20https://evil.example",
    ] {
        let (status, answer) = app.asks_as_is(path, ana).await;
        assert_eq!(status, 404, "{path}");
        assert!(!answer.to_lowercase().contains("location:"), "{path}");
    }
}
