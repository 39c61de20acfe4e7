//! Tests of what is accepted, and of what matches.

use super::super::resource::MAX_ADDRESS_CHARACTERS;
use super::*;

fn private() -> PrivateSchemes {
    PrivateSchemes::of(["cursor", "claude", "vscode"].map(str::to_owned).to_vec())
}

#[test]
fn acceptable_redirect_uris_are_kept_exactly_as_received() {
    for text in [
        "https://claude.ai/api/mcp/auth_callback",
        "https://App.Example.com:443",
        "HTTPS://app.example.com/cb?a=%2F&b[]=1",
        "https://my_host.corp/a/../b",
        "https://app.example.com/cb?codes=1&x=code&State=a",
        "http://localhost/callback",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:33418",
        "http://[::1]:9/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode:/callback",
    ] {
        let parsed = RedirectUri::parse(text, &private());
        assert_eq!(parsed.as_ref().map(RedirectUri::as_str), Ok(text));
    }
}

#[test]
fn an_unacceptable_redirect_uri_is_refused_with_its_reason() {
    use AddressError::*;
    let long = format!("https://a.example/{}", "x".repeat(MAX_ADDRESS_CHARACTERS));
    for (text, reason) in [
        ("", Empty),
        (long.as_str(), TooLong),
        ("/callback", NotAbsolute),
        ("//app.example.com/cb", NotAbsolute),
        ("https:app.example.com/cb", NotAbsolute),
        ("https:///cb", Host),
        ("cursor://", NotAbsolute),
        ("1http://localhost/cb", NotAbsolute),
        ("https://app.example.com/cb#", Fragment),
        ("https://app.example.com/cb#x", Fragment),
        ("https://app.example.com/c b", Character(' ')),
        ("https://app.example.com/\r\nX: y", Character('\r')),
        ("https://app.example.com/\u{202e}", Character('\u{202e}')),
        ("https://app.example.com\\@evil.example/", Character('\\')),
        ("https://me@app.example.com/cb", UserInfo),
        ("http://localhost:1@evil.example/cb", UserInfo),
        ("http://localhost@evil.example/cb", UserInfo),
        ("cursor://me@host/cb", UserInfo),
        ("http://evil.example/cb", NotHttps),
        ("http://localhost.evil.example/cb", NotHttps),
        ("http://127.0.0.1.evil.example/cb", NotHttps),
        ("http://127.0.0.2/cb", NotHttps),
        ("http://2130706433/cb", Host),
        ("http://0x7f.1/cb", Host),
        ("http://[0:0:0:0:0:0:0:1]/cb", Host),
        ("http://[::1]evil.example/cb", Host),
        ("https://ex%61mple.com/cb", Host),
        ("https://*.example.com/cb", Wildcard),
        ("https://app.example.com/*", Wildcard),
        ("cursor://*/cb", Wildcard),
        ("https://app.example.com:/cb", Port),
        ("https://app.example.com:0/cb", Port),
        ("https://app.example.com:+80/cb", Port),
        ("https://app.example.com:65536/cb", Port),
    ] {
        let refused = RedirectUri::parse(text, &private());
        assert_eq!(refused, Err(RedirectUriError::Address(reason)), "{text}");
    }
}

#[test]
fn a_redirect_uri_has_no_parameter_of_the_answer() {
    for (text, name) in [
        ("https://a.example/cb?iss=https%3A%2F%2Fb.example", "iss"),
        ("https://a.example/cb?a=1&code=x", "code"),
        ("http://127.0.0.1/cb?%73tate", "state"),
        ("cursor://host/cb?error=x", "error"),
    ] {
        let refused = RedirectUri::parse(text, &private());
        assert_eq!(
            refused,
            Err(RedirectUriError::Answer(name.into())),
            "{text}"
        );
    }
}

#[test]
fn a_private_scheme_is_accepted_only_when_listed() {
    for text in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "zed://cb",
    ] {
        let refused = RedirectUri::parse(text, &private());
        assert!(
            matches!(refused, Err(RedirectUriError::Scheme(_))),
            "{text}"
        );
    }
    assert!(RedirectUri::parse("cursor://host/cb", &PrivateSchemes::none()).is_err());
}

/// registered, requested, whether they match
const PAIRS: &[(&str, &str, bool)] = &[
    ("https://a.example/cb", "https://a.example/cb", true),
    ("https://a.example/cb", "https://a.example/cb/", false),
    ("https://a.example/cb", "https://a.example/cb?x=1", false),
    ("https://a.example/cb", "https://a.example/CB", false),
    ("https://a.example/cb", "https://A.example/cb", false),
    ("https://a.example/cb", "https://a.example:443/cb", false),
    ("https://a.example/cb", "https://a.example/x/../cb", false),
    ("https://a.example/cb", "https://a.example/%63b", false),
    ("https://a.example", "https://a.example/", false),
    ("https://localhost:1/cb", "https://localhost:2/cb", false),
    ("cursor://host/cb", "cursor://host/cb", true),
    ("cursor://host/cb", "cursor://host/cb/", false),
    ("cursor://host:1/cb", "cursor://host:2/cb", false),
    (
        "http://localhost/callback",
        "http://localhost:49152/callback",
        true,
    ),
    (
        "http://localhost:8787/callback",
        "http://localhost/callback",
        true,
    ),
    ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
    ("http://[::1]/cb", "http://[::1]:2/cb", true),
    ("http://127.0.0.1:33418", "http://127.0.0.1:50000/", true),
    ("http://127.0.0.1/?a=1", "http://127.0.0.1:50000?a=1", true),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb2", false),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb/", false),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb?", false),
    (
        "http://127.0.0.1/cb?a=1",
        "http://127.0.0.1:49152/cb?a=2",
        false,
    ),
    (
        "http://127.0.0.1/cb",
        "http://127.0.0.1:49152/x/../cb",
        false,
    ),
    ("http://127.0.0.1/cb", "http://127.0.0.1:49152/%63b", false),
    ("http://127.0.0.1/cb", "http://localhost:49152/cb", false),
    ("http://localhost/cb", "http://[::1]:49152/cb", false),
    ("http://localhost/cb", "http://LOCALHOST:1/cb", false),
    ("http://localhost/cb", "https://localhost:1/cb", false),
    ("http://localhost/cb", "http://localhost:1/cb#x", false),
    (
        "http://localhost/cb",
        "http://localhost:1@evil.example/cb",
        false,
    ),
    ("http://localhost/cb", "http://localhost:0/cb", false),
    (
        "http://localhost/cb",
        "http://localhost.evil.example:1/cb",
        false,
    ),
    ("http://localhost/cb", "", false),
];

#[test]
fn a_requested_redirect_uri_must_equal_a_registered_one_but_for_a_loopback_port() {
    for (registered, requested, expected) in PAIRS {
        let uri = RedirectUri::parse(registered, &private()).expect(registered);
        assert_eq!(
            uri.matches(requested),
            *expected,
            "{registered} against {requested}"
        );
    }
}

#[test]
fn a_person_is_shown_where_the_response_goes() {
    for (text, shown, loopback) in [
        ("http://localhost:49152/callback", "localhost:49152", true),
        ("http://[::1]:9?x", "[::1]:9", true),
        (
            "https://claude.ai/api/mcp/auth_callback",
            "claude.ai",
            false,
        ),
        (
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "cursor://anysphere.cursor-mcp",
            false,
        ),
        ("cursor://localhost/cb", "cursor://localhost", false),
        ("vscode:/callback", "vscode:", false),
    ] {
        let uri = RedirectUri::from_stored(text.to_owned());
        assert_eq!((uri.host_and_port(), uri.is_loopback()), (shown, loopback));
    }
}
