use actix_web::http::header::HeaderValue;

use super::*;

fn settings() -> ProxySettings {
    ProxySettings {
        trusted: vec!["127.0.0.1/32".parse().unwrap()],
        secret: None,
        email_header: HeaderName::from_static("x-forwarded-email"),
        name_header: HeaderName::from_static("x-forwarded-preferred-username"),
        groups_header: HeaderName::from_static("x-forwarded-groups"),
        groups_separator: ',',
        subject_header: None,
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

const NOW: Timestamp = Timestamp::from_millis(1_780_315_200_000);
const EMAIL: (&str, &str) = ("x-forwarded-email", "Ana@Acme.example");

#[test]
fn the_proxy_says_who_it_is() {
    let said = headers(&[
        EMAIL,
        ("x-forwarded-preferred-username", "Ana Ruíz"),
        ("x-forwarded-groups", "engineering, ops,,"),
    ]);
    let identity = from_headers(&said, &settings()).unwrap();
    assert_eq!(identity.subject, "ana@acme.example");
    assert_eq!(identity.email, "ana@acme.example");
    assert_eq!(identity.name, "Ana Ruíz");
    assert_eq!(identity.groups.unwrap(), ["engineering", "ops"]);
    // Only spaces and tabs stand around a name; all else is part of it.
    let said = headers(&[EMAIL, ("x-forwarded-groups", "\tops ,\u{a0}owners")]);
    let identity = from_headers(&said, &settings()).unwrap();
    assert_eq!(identity.groups.unwrap(), ["ops", "\u{a0}owners"]);
}

#[test]
fn silence_about_groups_is_not_an_empty_list() {
    assert_eq!(
        from_headers(&headers(&[EMAIL]), &settings())
            .unwrap()
            .groups,
        None
    );
    for empty in ["", " ", ", ,"] {
        let said = headers(&[EMAIL, ("x-forwarded-groups", empty)]);
        let identity = from_headers(&said, &settings()).unwrap();
        assert_eq!(identity.groups, Some(Vec::new()), "{empty:?}");
    }
}

#[test]
fn a_subject_header_identifies_for_good_when_it_is_configured() {
    let mut settings = settings();
    settings.subject_header = Some(HeaderName::from_static("x-forwarded-user"));
    let said = headers(&[EMAIL, ("x-forwarded-user", "u-17")]);
    assert_eq!(from_headers(&said, &settings).unwrap().subject, "u-17");
    let rejected = from_headers(&headers(&[EMAIL]), &settings).unwrap_err();
    assert_eq!(rejected, Rejected::Missing("x-forwarded-user".into()));
}

#[test]
fn anything_but_exactly_one_plain_value_is_rejected() {
    let email = || "x-forwarded-email".to_owned();
    let groups = || "x-forwarded-groups".to_owned();
    for (said, rejected) in [
        (vec![], Rejected::Missing(email())),
        (vec![("x-forwarded-email", " ")], Rejected::Missing(email())),
        (
            vec![("x-forwarded-email", "root")],
            Rejected::Malformed(email()),
        ),
        (
            vec![("x-forwarded-email", "group:a@b")],
            Rejected::Malformed(email()),
        ),
        (
            vec![("x-forwarded-email", "ana@acme.example\u{a0}")],
            Rejected::Malformed(email()),
        ),
        (
            vec![("x-forwarded-email", "\u{3000}ana@acme.example")],
            Rejected::Malformed(email()),
        ),
        (
            vec![("x-forwarded-email", "ana@acme.example\u{2028}")],
            Rejected::Malformed(email()),
        ),
        (
            vec![("x-forwarded-email", "ana\u{fe0f}@acme.example")],
            Rejected::Malformed(email()),
        ),
        (vec![EMAIL, EMAIL], Rejected::Repeated(email())),
        (
            vec![EMAIL, ("x_forwarded_email", "x@y")],
            Rejected::LookAlike(email()),
        ),
        (
            vec![EMAIL, ("x-forwarded_groups", "owners")],
            Rejected::LookAlike(groups()),
        ),
        (
            vec![EMAIL, ("x.forwarded.groups", "owners")],
            Rejected::LookAlike(groups()),
        ),
        (
            vec![
                EMAIL,
                ("x-forwarded-groups", "a"),
                ("x-forwarded-groups", "owners"),
            ],
            Rejected::Repeated(groups()),
        ),
    ] {
        assert_eq!(
            from_headers(&headers(&said), &settings()),
            Err(rejected),
            "{said:?}"
        );
    }
}

#[test]
fn a_configured_proxy_secret_must_be_sent() {
    let mut settings = settings();
    let secret = "a-secret-of-at-least-thirty-two-characters";
    settings.secret = Some(crate::config::ProxySecret::parse(secret).unwrap());
    let with = |value| headers(&[EMAIL, ("x-untether-proxy-secret", value)]);
    assert!(from_headers(&with(secret), &settings).is_ok());
    assert_eq!(
        from_headers(&with("wrong"), &settings),
        Err(Rejected::ProxySecret)
    );
    assert_eq!(
        from_headers(&headers(&[EMAIL]), &settings),
        Err(Rejected::ProxySecret)
    );
}

#[actix_web::test]
async fn only_the_peer_decides_who_is_trusted() {
    let source = IdentitySource::Proxy(settings());
    let req = actix_web::test::TestRequest::default()
        .insert_header(EMAIL)
        .insert_header(("x-forwarded-for", "127.0.0.1"));
    let foreign = req
        .peer_addr("203.0.113.9:1".parse().unwrap())
        .to_http_request();
    assert_eq!(
        source.identify(&foreign, NOW).await,
        Err(Rejected::UntrustedPeer)
    );
    let req = actix_web::test::TestRequest::default().insert_header(EMAIL);
    let mapped = req
        .peer_addr("[::ffff:127.0.0.1]:1".parse().unwrap())
        .to_http_request();
    assert!(source.identify(&mapped, NOW).await.is_ok());
}
