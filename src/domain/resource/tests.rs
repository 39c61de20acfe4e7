//! Tests of addresses, and of the spellings that mean the same.

use super::*;

#[test]
fn a_resource_is_kept_exactly_as_registered() {
    for text in [
        "HTTPS://Mcp.Example.com:443/Mcp/",
        "http://localhost:8000/mcp?tenant=a",
    ] {
        assert_eq!(
            Resource::parse(text).as_ref().map(Resource::as_str),
            Ok(text)
        );
    }
}

#[test]
fn what_cannot_be_a_resource_is_refused() {
    for text in [
        "",
        "mcp.example.com/mcp",
        "http://mcp.example.com/mcp",
        "https://mcp.example.com/mcp#a",
        "https://me:pw@mcp.example.com/mcp",
        "urn:example:mcp",
    ] {
        assert!(Resource::parse(text).is_err(), "{text}");
        assert_eq!(ResourceKey::of(text), None, "{text}");
    }
}

#[test]
fn spellings_that_mean_the_same_server_match_and_others_do_not() {
    for (registered, requested, expected) in [
        ("https://h.example/mcp", "https://h.example/mcp", true),
        ("https://h.example/mcp", "HTTPS://H.Example/mcp", true),
        ("https://h.example/mcp", "https://h.example/mcp/", true),
        ("https://h.example/mcp/", "https://h.example/mcp", true),
        ("https://h.example/mcp", "https://h.example:443/mcp", true),
        ("http://localhost/mcp", "http://LOCALHOST:80/mcp", true),
        ("https://h.example", "https://h.example/", true),
        (
            "https://h.example/mcp?a=1",
            "https://h.example/mcp/?a=1",
            true,
        ),
        ("https://h.example/mcp", "https://h.example/mcp//", false),
        ("https://h.example/mcp", "https://h.example/MCP", false),
        ("https://h.example/mcp", "https://h.example:8443/mcp", false),
        ("https://h.example:80/mcp", "https://h.example/mcp", false),
        ("https://h.example/mcp", "https://h.example/mcp?a=1", false),
        ("https://h.example/mcp", "https://h.example/x/../mcp", false),
        ("https://h.example/mcp", "https://h.example/%6dcp", false),
        ("http://localhost/mcp", "http://127.0.0.1/mcp", false),
        ("http://localhost/mcp", "https://localhost/mcp", false),
    ] {
        let registered = Resource::parse(registered).expect(registered);
        let matched = ResourceKey::of(requested).is_some_and(|key| key == registered.key());
        assert_eq!(matched, expected, "{registered} against {requested}");
    }
}

#[test]
fn the_metadata_path_is_inserted_between_host_and_path() {
    for (resource, expected) in [
        (
            "https://h.example",
            "https://h.example/.well-known/oauth-protected-resource",
        ),
        (
            "https://h.example/",
            "https://h.example/.well-known/oauth-protected-resource",
        ),
        (
            "https://h.example/mcp",
            "https://h.example/.well-known/oauth-protected-resource/mcp",
        ),
        (
            "http://localhost:8000/a/b/?t=1",
            "http://localhost:8000/.well-known/oauth-protected-resource/a/b/?t=1",
        ),
        (
            "https://h.example/?t=1",
            "https://h.example/.well-known/oauth-protected-resource?t=1",
        ),
    ] {
        assert_eq!(
            Resource::parse(resource).expect(resource).metadata_url(),
            expected
        );
    }
}

#[test]
fn the_host_is_shown_with_its_port() {
    let resource = Resource::from_stored("http://localhost:8000/mcp".to_owned());
    assert_eq!(resource.host(), "localhost:8000");
}
