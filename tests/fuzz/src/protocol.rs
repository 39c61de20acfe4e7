//! What programs send to the protocol's endpoints.

use actix_web::{http::header, test::TestRequest};
use base64::{Engine as _, engine::general_purpose::STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use untether::{
    domain::{
        pkce::CodeChallenge,
        scope::{ScopeSet, ScopeToken},
    },
    mcp::protocol::{Incoming, Server, receive},
    oauth::client_auth::Credentials,
    web::{params::Params, protected},
};

use crate::{text, two};

/// An `Authorization` header, as it is or as the pair within it, and a form.
pub fn basic(data: &[u8]) {
    let Some((sent, form)) = two(data) else {
        return;
    };
    let params = Params::parse(form.as_bytes());
    let encoded = untether::web::params::encode(params.pairs());
    assert_eq!(
        Params::parse(encoded.as_bytes()),
        params,
        "printed and parsed, it is the same"
    );
    assert!(params.pairs().all(|(_, value)| !value.contains('\0')));
    let pair = format!("Basic {}", STANDARD.encode(sent));
    for value in [sent, &pair] {
        let req = TestRequest::post();
        let Ok(value) = header::HeaderValue::from_str(value) else {
            continue;
        };
        let req = req.insert_header((header::AUTHORIZATION, value));
        let Ok(read) = Credentials::read(&req.to_http_request(), &params) else {
            continue;
        };
        assert!(read.basic, "there was a header");
        let (ids, secrets) = read.parts();
        for text in ids.iter().chain(secrets) {
            assert!(!text.is_empty() && !text.contains('\0'));
        }
        // What the body names is what the header names.
        for (name, known) in [("client_id", ids), ("client_secret", secrets)] {
            if let Ok(Some(in_body)) = params.one(name) {
                assert!(known.iter().any(|known| known == in_body));
            }
        }
    }
}

/// An `Authorization` header with a token.
pub fn bearer(data: &[u8]) {
    let Ok(value) = header::HeaderValue::from_bytes(data) else {
        return;
    };
    let once = TestRequest::get().insert_header((header::AUTHORIZATION, value.clone()));
    let twice = TestRequest::get()
        .append_header((header::AUTHORIZATION, value.clone()))
        .append_header((header::AUTHORIZATION, value));
    assert_eq!(protected::token(&twice.to_http_request()), None);
    if let Some(token) = protected::token(&once.to_http_request()) {
        assert_eq!(token, token.trim());
    }
}

/// A challenge and a verifier.
pub fn pkce(data: &[u8]) {
    let Some((challenge, verifier)) = two(data) else {
        return;
    };
    assert!(CodeChallenge::parse(Some(challenge), Some("plain")).is_err());
    assert!(CodeChallenge::parse(Some(challenge), None).is_err());
    let right = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    if let Ok(parsed) = CodeChallenge::parse(Some(challenge), Some("S256")) {
        assert_eq!((parsed.as_str(), challenge.len()), (challenge, 43));
        assert!(!parsed.verify(challenge), "it is no verifier of itself");
        assert!(!parsed.verify(verifier) || challenge == right);
    }
    let of_verifier = CodeChallenge::parse(Some(&right), Some("S256")).expect("a challenge");
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.chars().all(unreserved);
    assert_eq!(of_verifier.verify(verifier), well_formed);
}

/// Two sets of scopes.
pub fn scope(data: &[u8]) {
    let Some((one, other)) = two(data) else {
        return;
    };
    let (Ok(one), Ok(other)) = (ScopeSet::parse(one), ScopeSet::parse(other)) else {
        return;
    };
    assert_eq!(ScopeSet::parse(&one.to_string()).as_ref(), Ok(&one));
    for scope in one.iter() {
        assert_eq!(ScopeToken::parse(scope.as_str()).as_ref(), Ok(scope));
        assert!(scope.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }
    let both = one.intersection(&other);
    assert_eq!(both, other.intersection(&one));
    assert!(both.is_subset(&one) && both.is_subset(&other));
    assert_eq!(one.is_subset(&other), both == one);
    assert_eq!(one.is_subset(&other) && other.is_subset(&one), one == other);
}

const SERVER: Server = Server {
    name: "fuzz",
    version: "1",
    instructions: "None.",
    tools: || json!([{ "name": "list", "inputSchema": { "type": "object" } }]),
};

/// A revision in the first line, and a message.
pub fn mcp(data: &[u8]) {
    let Some((revision, body)) = two(data) else {
        return;
    };
    let Ok(revision) = header::HeaderValue::from_str(revision) else {
        return;
    };
    let req = TestRequest::post()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::ACCEPT, "application/json, text/event-stream"))
        .insert_header(("mcp-protocol-version", revision))
        .to_http_request();
    let sent: Option<Value> = serde_json::from_str(body).ok();
    match receive(&SERVER, req.headers(), body.as_bytes()) {
        Incoming::Call(call) => {
            assert!(call.arguments.is_object());
            let id = sent.expect("a call is JSON")["id"].clone();
            let answer = call.succeed(json!({}));
            assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &id));
        }
        Incoming::Answer { status, body: None } => assert!(matches!(status, 202 | 400..=499)),
        Incoming::Answer {
            status,
            body: Some(answer),
        } => {
            assert!(status == 200 || (400..500).contains(&status), "{status}");
            assert_eq!(answer["jsonrpc"], "2.0");
            assert_ne!(
                answer.get("result").is_some(),
                answer.get("error").is_some()
            );
            let id = &answer["id"];
            assert!(id.is_null() || sent.is_some_and(|sent| sent["id"] == *id));
        }
    }
    let _ = text(data);
}
