//! What a protected MCP server hears and says about tokens: the one it is shown
//! (RFC 6750 §2.1), where to get one (RFC 6750 §3, RFC 9728 §5.1), and its metadata
//! (RFC 9728 §2).

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::domain::{resource::Resource, scope::ScopeSet};

/// The bearer token of a request; `None` when there is none, or another credential, or
/// more than one.
pub fn token(req: &HttpRequest) -> Option<&str> {
    let mut sent = req.headers().get_all(header::AUTHORIZATION);
    let only = sent.next().filter(|_| sent.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Why a request is refused, and what would help.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// Where the server's metadata is.
    pub metadata: &'a str,
    /// The scopes to ask for; may be empty.
    pub scopes: &'a ScopeSet,
    /// The error code; `None` when no token was shown (RFC 6750 §3.1).
    pub error: Option<&'static str>,
}

impl Challenge<'_> {
    /// The refusal. Nothing in it needs escaping: neither addresses nor scopes can have
    /// a quote or a backslash.
    pub fn answer(&self, status: StatusCode) -> HttpResponse {
        let mut parameters = Vec::new();
        parameters.extend(self.error.map(|error| format!("error=\"{error}\"")));
        parameters.push(format!("resource_metadata=\"{}\"", self.metadata));
        if !self.scopes.is_empty() {
            parameters.push(format!("scope=\"{}\"", self.scopes));
        }
        let challenge = format!("Bearer {}", parameters.join(", "));
        HttpResponse::build(status)
            .insert_header((header::WWW_AUTHENTICATE, challenge))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(json!({ "error": self.error.unwrap_or("invalid_token") }))
    }
}

/// The metadata of a protected resource that gets its tokens from `issuer`.
pub fn metadata(resource: &Resource, name: &str, issuer: &str, scopes: &ScopeSet) -> HttpResponse {
    let mut document = json!({
        "resource": resource.as_str(),
        "resource_name": name,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    });
    if !scopes.is_empty() {
        let scopes = scopes.iter().map(|scope| scope.as_str().into());
        document["scopes_supported"] = Value::Array(scopes.collect());
    }
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(document)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn one_bearer_token_is_a_token_and_nothing_else_is() {
        for (sent, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Basic abc"], None),
            (&["Bearer"], None),
            (&["Bearer abc", "Bearer abc"], None),
            (&[], None),
        ] {
            let mut req = TestRequest::get();
            for value in sent {
                req = req.append_header((header::AUTHORIZATION, *value));
            }
            assert_eq!(token(&req.to_http_request()), expected, "{sent:?}");
        }
    }

    #[test]
    fn a_challenge_names_what_it_knows() {
        let of = |scopes: &str, error| {
            let challenge = Challenge {
                metadata: "https://h.example/m",
                scopes: &ScopeSet::parse(scopes).unwrap(),
                error,
            };
            let answer = challenge.answer(StatusCode::UNAUTHORIZED);
            let header = answer.headers().get(header::WWW_AUTHENTICATE).unwrap();
            header.to_str().unwrap().to_owned()
        };
        assert_eq!(
            of("", None),
            "Bearer resource_metadata=\"https://h.example/m\""
        );
        assert_eq!(
            of("a b", Some("invalid_token")),
            "Bearer error=\"invalid_token\", resource_metadata=\"https://h.example/m\", \
             scope=\"a b\""
        );
    }
}
