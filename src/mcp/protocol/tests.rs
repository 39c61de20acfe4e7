use actix_web::http::header::{HeaderName, HeaderValue};

use super::*;

mod refusals;

const SERVER: Server = Server {
    name: "untether",
    version: "1.2.3",
    instructions: "Ask for connections.",
    tools: || json!([{ "name": "find", "inputSchema": { "type": "object" } }]),
};

/// One POST as a real client of the revision makes it, to be spoilt by a test.
struct Post {
    headers: Vec<(&'static str, String)>,
    body: Value,
}

fn handshake(method: &str, params: Value) -> Post {
    Post {
        headers: vec![
            ("content-type", "application/json; charset=utf-8".into()),
            ("accept", "text/event-stream, application/json".into()),
            ("mcp-protocol-version", "2025-06-18".into()),
        ],
        body: json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }),
    }
}

fn stateless(method: &str, mut params: Value) -> Post {
    params["_meta"] = json!({ VERSION: "2026-07-28", CAPABILITIES: {} });
    let post = handshake(method, params).with("mcp-protocol-version", "2026-07-28");
    let name = post.body["params"]["name"]
        .as_str()
        .unwrap_or("-")
        .to_owned();
    post.with("mcp-method", method).with("mcp-name", &name)
}

impl Post {
    fn with(self, name: &'static str, value: &str) -> Self {
        let mut post = self.without(name);
        post.headers.push((name, value.into()));
        post
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn sending(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.body);
        self
    }

    fn send_raw(&self, body: &[u8]) -> Incoming {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            headers.append(HeaderName::from_static(name), value);
        }
        receive(&SERVER, &headers, body)
    }

    fn send(&self) -> Incoming {
        self.send_raw(self.body.to_string().as_bytes())
    }

    fn answer(&self) -> (u16, Value) {
        answered(self.send())
    }

    /// HTTP status and JSON-RPC code.
    fn refusal(&self) -> (u16, i64) {
        refused(self.send())
    }

    fn call(&self) -> ToolCall {
        match self.send() {
            Incoming::Call(call) => call,
            Incoming::Answer { status, body } => panic!("expected a call, got {status} {body:?}"),
        }
    }
}

fn answered(incoming: Incoming) -> (u16, Value) {
    match incoming {
        Incoming::Answer { status, body } => (status, body.unwrap_or_default()),
        Incoming::Call(call) => panic!("expected an answer, got {call:?}"),
    }
}

fn refused(incoming: Incoming) -> (u16, i64) {
    let (status, body) = answered(incoming);
    (status, body["error"]["code"].as_i64().unwrap_or_default())
}

#[test]
fn a_handshake_agrees_on_the_revision_the_client_asks_for() {
    for asked in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let post = handshake("initialize", json!({ "protocolVersion": asked }));
        let (status, body) = post.without("mcp-protocol-version").answer();
        assert_eq!(
            (status, &body["result"]["protocolVersion"]),
            (200, &json!(asked))
        );
    }
}

#[test]
fn a_handshake_for_another_revision_is_offered_the_newest_that_has_one() {
    for asked in ["2026-07-28", "1900-01-01", ""] {
        let post = handshake("initialize", json!({ "protocolVersion": asked }));
        let (_, body) = post.without("mcp-protocol-version").answer();
        assert_eq!(body["result"]["protocolVersion"], "2025-11-25");
    }
}

#[test]
fn a_handshake_says_who_the_server_is_and_that_it_has_tools() {
    let (_, body) = handshake("initialize", json!({ "protocolVersion": "2025-11-25" })).answer();
    assert_eq!(body["id"], 7);
    assert_eq!(
        body["result"]["serverInfo"],
        json!({ "name": "untether", "version": "1.2.3" })
    );
    assert_eq!(body["result"]["capabilities"], json!({ "tools": {} }));
    assert_eq!(body["result"]["instructions"], "Ask for connections.");
}

#[test]
fn a_handshake_must_name_a_revision() {
    assert_eq!(handshake("initialize", json!({})).refusal(), (200, -32602));
}

#[test]
fn discovery_lists_every_revision_served() {
    let (status, body) = stateless("server/discover", json!({})).answer();
    assert_eq!(status, 200);
    assert_eq!(
        body["result"]["supportedVersions"],
        json!([
            "2026-07-28",
            "2025-11-25",
            "2025-06-18",
            "2025-03-26",
            "2024-11-05"
        ])
    );
    assert_eq!(body["result"]["capabilities"], json!({ "tools": {} }));
    assert_eq!(body["result"]["_meta"][SERVER_INFO]["name"], "untether");
}

#[test]
fn a_cacheable_result_says_for_how_long_and_for_whom() {
    for method in ["server/discover", "tools/list"] {
        let (_, body) = stateless(method, json!({})).answer();
        assert_eq!(body["result"]["resultType"], "complete");
        assert_eq!(body["result"]["ttlMs"], 300_000);
        assert_eq!(body["result"]["cacheScope"], "private");
    }
}

#[test]
fn a_notification_is_accepted_without_a_body() {
    for post in [
        handshake("notifications/initialized", json!({})),
        handshake("notifications/initialized", json!({})).without("mcp-protocol-version"),
        stateless("notifications/cancelled", json!({})).without("mcp-method"),
    ] {
        let post = post.sending(|body| {
            body.as_object_mut().expect("an object").remove("id");
        });
        assert!(matches!(
            post.send(),
            Incoming::Answer {
                status: 202,
                body: None
            }
        ));
    }
}

#[test]
fn ping_is_answered_until_2025_11_25_and_unknown_since() {
    let (status, body) = handshake("ping", json!({})).answer();
    assert_eq!(
        (status, body),
        (200, json!({ "jsonrpc": "2.0", "id": 7, "result": {} }))
    );
    assert_eq!(stateless("ping", json!({})).refusal(), (404, -32601));
}

#[test]
fn an_unknown_method_is_404_only_where_clients_read_errors_there() {
    assert_eq!(
        stateless("resources/list", json!({})).refusal(),
        (404, -32601)
    );
    assert_eq!(
        handshake("resources/list", json!({})).refusal(),
        (200, -32601)
    );
    assert_eq!(stateless("initialize", json!({})).refusal(), (404, -32601));
    assert_eq!(
        handshake("server/discover", json!({})).refusal(),
        (200, -32601)
    );
}

#[test]
fn tools_are_listed_on_one_page() {
    for post in [
        handshake("tools/list", json!({})),
        stateless("tools/list", json!({})),
    ] {
        let (status, body) = post.answer();
        assert_eq!((status, &body["result"]["tools"]), (200, &(SERVER.tools)()));
        assert!(body["result"].get("nextCursor").is_none());
    }
    assert_eq!(
        handshake("tools/list", json!({ "cursor": "2" })).refusal(),
        (200, -32602)
    );
    assert_eq!(
        handshake("tools/list", json!({ "cursor": null }))
            .answer()
            .0,
        200
    );
}

#[test]
fn a_call_carries_the_name_and_arguments() {
    let params = json!({ "name": "find", "arguments": { "person": "ada" } });
    for post in [
        handshake("tools/call", params.clone()),
        stateless("tools/call", params),
    ] {
        let call = post.call();
        assert_eq!(
            (call.name.as_str(), &call.arguments["person"]),
            ("find", &json!("ada"))
        );
    }
}

#[test]
fn arguments_left_out_are_an_empty_object() {
    let post = handshake("tools/call", json!({ "name": "find" }));
    assert_eq!(post.call().arguments, json!({}));
}

#[test]
fn a_call_needs_a_name_and_an_object_of_arguments() {
    for params in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "find", "arguments": [1] }),
    ] {
        assert_eq!(
            handshake("tools/call", params.clone()).refusal(),
            (200, -32602)
        );
        assert_eq!(stateless("tools/call", params).refusal(), (200, -32602));
    }
}

#[test]
fn a_result_is_structured_and_repeated_as_text() {
    let answer = stateless("tools/call", json!({ "name": "find" })).call();
    assert_eq!(
        answer.succeed(json!({ "found": 1 })),
        json!({ "jsonrpc": "2.0", "id": 7, "result": {
            "content": [{ "type": "text", "text": "{\"found\":1}" }],
            "structuredContent": { "found": 1 },
            "isError": false,
            "resultType": "complete",
            "_meta": { SERVER_INFO: { "name": "untether", "version": "1.2.3" } },
        }})
    );
}

#[test]
fn a_handshake_result_names_neither_its_type_nor_the_server() {
    let answer = handshake("tools/call", json!({ "name": "find" }))
        .call()
        .succeed(json!({}));
    assert!(answer["result"].get("resultType").is_none());
    assert!(answer["result"].get("_meta").is_none());
}

#[test]
fn a_failed_tool_is_a_result_that_the_model_reads() {
    let answer = handshake("tools/call", json!({ "name": "find" }))
        .call()
        .fail("Name a person.");
    assert_eq!(answer["result"]["isError"], true);
    assert_eq!(answer["result"]["content"][0]["text"], "Name a person.");
    assert!(answer.get("error").is_none());
}

#[test]
fn an_unknown_tool_is_an_error_of_the_protocol() {
    let answer = stateless("tools/call", json!({ "name": "drop" }))
        .call()
        .unknown_tool();
    let error = json!({ "code": -32602, "message": "unknown tool: drop" });
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": 7, "error": error }));
}

#[test]
fn a_text_id_is_returned_as_it_came() {
    let post = handshake("ping", json!({})).sending(|body| body["id"] = json!("a-1"));
    assert_eq!(post.answer().1["id"], "a-1");
    let post = handshake("ping", json!({})).sending(|body| body["id"] = json!(u64::MAX));
    assert_eq!(post.answer().1["id"], u64::MAX);
}
