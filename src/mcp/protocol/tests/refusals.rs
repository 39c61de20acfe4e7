//! What is refused, and how.

use super::*;

#[test]
fn a_request_must_say_what_its_headers_say() {
    let call = || stateless("tools/call", json!({ "name": "find" }));
    for post in [
        call().without("mcp-protocol-version"),
        call().with("mcp-protocol-version", "2025-11-25"),
        call().without("mcp-method"),
        call().with("mcp-method", "tools/list"),
        call().with("mcp-method", "Tools/Call"),
        call().without("mcp-name"),
        call().with("mcp-name", "drop"),
        call().with("mcp-name", "=?base64?ZmluZB?="),
    ] {
        assert_eq!(post.refusal(), (400, -32020), "{:?}", post.headers);
    }
}

#[test]
fn a_routing_header_sent_twice_is_refused() {
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "find"),
    ] {
        let mut post = stateless("tools/call", json!({ "name": "find" }));
        post.headers.push((name, value.into()));
        assert_eq!(post.refusal(), (400, -32020), "{name}");
    }
}

#[test]
fn a_name_unfit_for_a_header_arrives_in_base64() {
    let post = stateless("tools/call", json!({ "name": "найти" }));
    assert_eq!(
        post.with("mcp-name", "=?base64?0L3QsNC50YLQuA==?=")
            .call()
            .name,
        "найти"
    );
}

#[test]
fn a_handshake_request_needs_no_routing_headers() {
    let post = handshake("tools/list", json!({})).with("mcp-method", "other");
    assert_eq!(post.answer().0, 200);
    let post = handshake("tools/list", json!({})).without("mcp-protocol-version");
    assert_eq!(post.answer().0, 200);
}

#[test]
fn a_stateless_request_must_carry_version_and_capabilities() {
    for missing in [VERSION, CAPABILITIES] {
        let post = stateless("tools/list", json!({})).sending(|body| {
            body["params"]["_meta"]
                .as_object_mut()
                .expect("an object")
                .remove(missing);
        });
        assert_eq!(post.refusal(), (400, -32602));
        assert!(
            post.answer().1["error"]["message"]
                .as_str()
                .expect("text")
                .contains(missing)
        );
    }
    let no_params = stateless("tools/list", json!({})).sending(|body| body["params"] = Value::Null);
    assert_eq!(no_params.refusal(), (400, -32602));
    let wrong_type = stateless("tools/list", json!({}))
        .sending(|body| body["params"]["_meta"][VERSION] = json!(20260728));
    assert_eq!(wrong_type.refusal(), (400, -32602));
}

#[test]
fn an_unknown_revision_is_told_which_are_served() {
    let claimed = stateless("tools/list", json!({}))
        .with("mcp-protocol-version", "1900-01-01")
        .sending(|body| body["params"]["_meta"][VERSION] = json!("1900-01-01"));
    let header_only = handshake("tools/list", json!({})).with("mcp-protocol-version", "1900-01-01");
    for post in [claimed, header_only] {
        let (status, body) = post.answer();
        assert_eq!(
            (status, &body["id"], &body["error"]["code"]),
            (400, &json!(7), &json!(-32022))
        );
        assert_eq!(body["error"]["data"]["requested"], "1900-01-01");
        assert_eq!(body["error"]["data"]["supported"][0], "2026-07-28");
    }
}

#[test]
fn a_body_that_is_not_json_is_a_parse_error() {
    let deep = "[".repeat(100_000);
    for body in ["", "{", "{\"id\":1e999}", "\u{feff}{}", deep.as_str()] {
        let incoming = handshake("ping", json!({})).send_raw(body.as_bytes());
        assert_eq!(refused(incoming), (400, -32700), "{body:.20}");
    }
    assert_eq!(
        refused(handshake("ping", json!({})).send_raw(b"\"\xff\"")),
        (400, -32700)
    );
}

#[test]
fn json_that_is_not_one_message_is_an_invalid_request_without_an_id() {
    for body in [
        json!([]),
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }]),
        json!(["2.0", 1, "ping", {}]),
        json!("ping"),
        json!({}),
        json!({ "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": 1 }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1.5, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": [1], "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1] }),
    ] {
        let (status, answer) = handshake("", json!({}))
            .sending(|it| *it = body.clone())
            .answer();
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!(-32600)),
            "{body}"
        );
        assert_eq!(answer["id"], Value::Null);
    }
}

#[test]
fn an_id_too_large_to_echo_is_refused() {
    let body = br#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}"#;
    assert_eq!(
        refused(handshake("ping", json!({})).send_raw(body)),
        (400, -32600)
    );
}

#[test]
fn only_json_is_read() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let post = handshake("ping", json!({})).with("content-type", content_type);
        assert_eq!(post.refusal(), (415, -32600));
    }
    assert_eq!(
        handshake("ping", json!({}))
            .without("content-type")
            .refusal(),
        (415, -32600)
    );
}

#[test]
fn only_who_accepts_json_is_answered() {
    for accept in [
        "application/json",
        "*/*",
        "text/html, application/*;q=0.1",
        "Application/JSON",
    ] {
        assert_eq!(
            handshake("ping", json!({}))
                .with("accept", accept)
                .answer()
                .0,
            200
        );
    }
    assert_eq!(
        handshake("ping", json!({})).without("accept").answer().0,
        200
    );
    for accept in ["text/event-stream", "text/html"] {
        assert_eq!(
            handshake("ping", json!({}))
                .with("accept", accept)
                .refusal(),
            (406, -32600)
        );
    }
}
