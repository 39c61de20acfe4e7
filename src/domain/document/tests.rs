//! The rules for addresses of documents, and for documents.

use serde_json::json;

use super::*;

const URL: &str = "https://app.example/client.json";

#[test]
fn a_document_is_at_an_https_address_with_a_path() {
    for text in [
        URL,
        "https://App.Example:8443/a/b",
        "https://app.example/a?b=c",
        "https://app.example/.well-known/client",
        "https://app.example/a..b/...",
        "https://[2606:4700::1]/c",
    ] {
        assert_eq!(
            DocumentUrl::parse(text).as_ref().map(DocumentUrl::as_str),
            Ok(text)
        );
        assert!(DocumentUrl::is_meant(text), "{text}");
    }
    assert_eq!(
        DocumentUrl::parse("https://App.Example:8443/a")
            .unwrap()
            .host()
            .as_str(),
        "app.example"
    );
    assert!(DocumentUrl::is_meant("HTTP://app.example"));
    assert!(!DocumentUrl::is_meant(
        "0197a1b2-0000-7000-8000-000000000000"
    ));
}

#[test]
fn other_addresses_are_refused_with_their_reason() {
    use AddressError::*;
    use DocumentUrlError::*;
    for (text, reason) in [
        ("http://app.example/c", Address(AddressError::NotHttps)),
        ("http://localhost/c", DocumentUrlError::NotHttps),
        ("HTTPS://app.example/c", DocumentUrlError::NotHttps),
        ("https://app.example", NoPath),
        ("https://app.example/", NoPath),
        ("https://app.example?a=/b", NoPath),
        ("https://app.example/./c", DotSegment),
        ("https://app.example/a/../c", DotSegment),
        ("https://app.example/a/..", DotSegment),
        ("https://app.example/%2E/c", DotSegment),
        ("https://app.example/.%2e/c", DotSegment),
        ("https://app.example/c#", Address(Fragment)),
        ("https://app.example/c#f", Address(Fragment)),
        ("https://me@app.example/c", Address(UserInfo)),
        ("https://me:pw@app.example/c", Address(UserInfo)),
        (
            "https://app.example\\@evil.example/c",
            Address(Character('\\')),
        ),
        ("https://app.example:0/c", Address(Port)),
        ("https://app.example:/c", Address(Port)),
        ("https://app.example:65536/c", Address(Port)),
        ("https://0x7f.1/c", Address(Host)),
        ("https:///c", Address(Host)),
    ] {
        assert_eq!(DocumentUrl::parse(text), Err(reason), "{text}");
    }
}

fn parse(document: &Value) -> Result<ClientDocument, DocumentError> {
    let url = DocumentUrl::parse(URL).unwrap();
    ClientDocument::parse(
        &url,
        document.to_string().as_bytes(),
        &PrivateSchemes::default(),
    )
}

/// An acceptable document, with these members set or, if null, removed.
fn with(members: Value) -> Value {
    let mut document = json!({
        "client_id": URL,
        "client_name": "App",
        "redirect_uris": ["http://localhost/callback"],
        "token_endpoint_auth_method": "none",
        "logo_uri": "https://app.example/logo.png",
    });
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

#[test]
fn a_document_describes_a_public_client() {
    let document = parse(&with(json!({}))).unwrap();
    assert_eq!(document.name, "App");
    assert_eq!(
        document.redirect_uris[0].as_str(),
        "http://localhost/callback"
    );
    for members in [
        json!({ "token_endpoint_auth_method": null }),
        json!({ "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"] }),
        json!({ "token_endpoint_auth_methods_supported": null }),
        json!({ "redirect_uris": ["http://evil.example/", "http://127.0.0.1/"] }),
    ] {
        assert_eq!(
            parse(&with(members.clone())).map(|document| document.name),
            Ok("App".into()),
            "{members}"
        );
    }
}

#[test]
fn a_document_that_describes_no_such_client_is_refused() {
    let refused = |members: Value| parse(&with(members)).unwrap_err();
    for other in [
        json!(null),
        json!(format!("{URL}/")),
        json!("https://APP.example/client.json"),
    ] {
        assert_eq!(
            refused(json!({ "client_id": other })),
            DocumentError::OtherClient
        );
    }
    for members in [
        json!({ "client_secret": "s" }),
        json!({ "client_secret_expires_at": 0 }),
        json!({ "token_endpoint_auth_method": "client_secret_basic" }),
        json!({ "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
    ] {
        assert_eq!(refused(members), DocumentError::Secret);
    }
    let jwt = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    assert_eq!(refused(jwt), DocumentError::AuthMethod);
    for name in [
        json!(null),
        json!("  "),
        json!("x".repeat(129)),
        json!("a\u{202e}b"),
    ] {
        assert!(matches!(
            refused(json!({ "client_name": name })),
            DocumentError::Name(_)
        ));
    }
    let many: Vec<_> = (0..21).map(|n| format!("http://127.0.0.1/{n}")).collect();
    for uris in [
        json!([]),
        json!(["http://evil.example/cb"]),
        json!(["javascript:alert(1)"]),
        json!(many),
    ] {
        assert!(matches!(
            refused(json!({ "redirect_uris": uris })),
            DocumentError::RedirectUris(_)
        ));
    }
    for members in [json!({ "redirect_uris": "x" }), json!({ "client_name": 7 })] {
        assert!(matches!(refused(members), DocumentError::Json { .. }));
    }
    for body in ["", "<html>", "[]", "\u{feff}{}"] {
        let url = DocumentUrl::parse(URL).unwrap();
        let refused =
            ClientDocument::parse(&url, body.as_bytes(), &PrivateSchemes::default()).unwrap_err();
        assert!(matches!(refused, DocumentError::Json { .. }), "{body}");
    }
}

#[test]
fn a_host_is_a_name_or_an_address_alone() {
    assert_eq!(Host::parse("Claude.AI").unwrap().as_str(), "claude.ai");
    assert_eq!(
        Host::parse("[::1]").unwrap().address(),
        Some("::1".parse().unwrap())
    );
    assert_eq!(
        Host::parse("10.0.0.1").unwrap().address(),
        Some("10.0.0.1".parse().unwrap())
    );
    for bad in [
        "",
        "https://claude.ai",
        "claude.ai/",
        "claude.ai:443",
        "*.claude.ai",
        "a b",
        "me@claude.ai",
    ] {
        assert!(Host::parse(bad).is_err(), "{bad}");
    }
}
