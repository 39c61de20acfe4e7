//! What says who is there.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use untether::{
    clock::Timestamp,
    config::{AssertionSettings, KeyLocation, ProxySettings},
    domain::{
        role::{Identity, PrincipalName, fold_email},
        secret::{Secrets, SystemRandomness},
    },
    web::{
        assertion::{keys::KeySet, token::Signed},
        identity::from_headers,
    },
};

use crate::{text, two};

const NOW: Timestamp = Timestamp::from_millis(1_780_315_200_000);

/// What holds of everyone who is believed to be there.
fn is_somebody(identity: &Identity) {
    let email = &identity.email;
    assert_eq!(*email, fold_email(email));
    assert!(matches!(email.parse(), Ok(PrincipalName::Email(same)) if same == *email));
    assert!(!identity.name.is_empty() && !identity.subject.is_empty());
    let groups = identity.groups.iter().flatten();
    assert!(
        groups
            .into_iter()
            .all(|group| group.trim() == group && !group.is_empty())
    );
}

fn proxy() -> ProxySettings {
    ProxySettings {
        trusted: Vec::new(),
        secret: None,
        email_header: HeaderName::from_static("x-forwarded-email"),
        name_header: HeaderName::from_static("x-forwarded-preferred-username"),
        groups_header: HeaderName::from_static("x-forwarded-groups"),
        groups_separator: ',',
        subject_header: None,
    }
}

/// Headers, one in a line.
pub fn identity(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let settings = proxy();
    let Ok(identity) = from_headers(&headers, &settings) else {
        return;
    };
    is_somebody(&identity);
    assert_eq!(identity.subject, identity.email);
    assert_eq!(headers.get_all(&settings.email_header).count(), 1);
    let groups = identity.groups.iter().flatten();
    assert!(groups.into_iter().all(|group| !group.contains(',')));
    // Another header that could be taken for it would have been refused.
    headers.append(
        HeaderName::from_static("x_forwarded_email"),
        HeaderValue::from_static("a@b"),
    );
    assert!(from_headers(&headers, &settings).is_err());
}

/// Two e-mails.
pub fn email(data: &[u8]) {
    let Some((one, other)) = two(data) else {
        return;
    };
    let [folded, other_folded] = [one, other].map(fold_email);
    assert_eq!(fold_email(&folded), folded);
    if folded == other_folded {
        // Whoever is taken for the same differs in nothing but case.
        assert_eq!(
            one.to_lowercase().to_uppercase(),
            other.to_lowercase().to_uppercase()
        );
        let ascii = |text: &str| text.chars().filter(char::is_ascii).count();
        assert_eq!(ascii(one), ascii(other));
    }
    if let Ok(name) = one.parse::<PrincipalName>() {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
}

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());

/// A header and claims that the right key signs, or a token that none did.
pub fn assertion(data: &[u8]) {
    static SETTINGS: LazyLock<AssertionSettings> = LazyLock::new(|| AssertionSettings {
        header: HeaderName::from_static("x-assertion"),
        keys: KeyLocation::parse("https://sso.example/keys").unwrap(),
        issuer: "https://sso.example".into(),
        audience: "untether".into(),
        groups_separator: ',',
        identify_by_subject: false,
    });
    static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
        let x = BASE64_URL_SAFE_NO_PAD.encode(KEY.public_key());
        let keys = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
        KeySet::parse(keys.as_bytes()).unwrap()
    });
    if let Some(text) = text(data)
        && let Ok(signed) = Signed::parse(text)
    {
        assert!(signed.verify(&KEYS, &SETTINGS).is_err(), "nobody signed it");
    }
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#);
    let message = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(data));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(KEY.sign(message.as_bytes()));
    let token = format!("{message}.{signature}");
    let signed = Signed::parse(&token).expect("a token");
    let Ok(verified) = signed.verify(&KEYS, &SETTINGS) else {
        return;
    };
    let claims: serde_json::Value = serde_json::from_slice(data).expect("claims are JSON");
    assert_eq!(claims["iss"], "https://sso.example");
    if let Ok(identity) = verified.identity(NOW) {
        assert!(!verified.is_over(NOW));
        is_somebody(identity);
        assert!(!identity.email.contains(char::is_control));
    }
}

/// A key set, as it is published.
pub fn keys(data: &[u8]) {
    if let Ok(keys) = KeySet::parse(data) {
        assert!(keys.count() <= data.len());
    }
}

/// A form's token: none that was not made here is accepted.
pub fn form_token(data: &[u8]) {
    static SECRETS: LazyLock<Secrets> =
        LazyLock::new(|| Secrets::new(&[7; 32], Arc::new(SystemRandomness)));
    let Some((token, subject)) = two(data) else {
        return;
    };
    assert!(!SECRETS.accepts_form_token(token, subject, NOW));
    let own = SECRETS.form_token(subject, NOW);
    assert!(SECRETS.accepts_form_token(&own, subject, NOW));
    assert!(!SECRETS.accepts_form_token(&own, &format!("{subject}x"), NOW));
    let glued = format!("{own}{token}");
    assert_eq!(
        SECRETS.accepts_form_token(&glued, subject, NOW),
        token.is_empty()
    );
}
