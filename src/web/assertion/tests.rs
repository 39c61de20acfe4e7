use std::path::PathBuf;

use actix_web::http::header::HeaderName;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use crate::config::KeyLocation;

use super::{keys::Algorithm, *};

const NOW: Timestamp = Timestamp::from_millis(1_780_315_200_000);

/// The example key of RFC 7517 §A.1.
fn example() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "kid": "1",
    })
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn algorithm(name: &str) -> &'static Algorithm {
    Algorithm::named(name).unwrap()
}

#[test]
fn keys_that_are_not_for_verifying_are_left_out() {
    for (member, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt", "wrapKey"])),
        ("alg", json!("HS256")),
        ("alg", json!("ES384")),
        ("alg", json!("RS256")),
        ("kty", json!("oct")),
        ("crv", json!("P-521")),
        ("crv", json!("P-384")),
        ("x", json!("short")),
        ("x", json!(1)),
    ] {
        let mut other = example();
        other[member] = value;
        assert_eq!(set(&[other, example()]).count(), 1, "{member}");
    }
    for (member, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("alg", json!("ES256")),
        ("x5t", json!("unknown")),
    ] {
        let mut same = example();
        same[member] = value;
        assert_eq!(set(&[same]).count(), 1, "{member}");
    }
}

#[test]
fn what_is_no_key_set_is_an_error_and_an_empty_one_is_not() {
    for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(set(&[]).count(), 0);
}

#[test]
fn a_key_is_found_by_its_id_and_for_its_algorithm_only() {
    let mut nameless = example();
    nameless["kid"] = Value::Null;
    let found = |set: &KeySet, id, name| set.find(id, algorithm(name)).map(|_| ());
    let one = set(&[example()]);
    assert_eq!(found(&one, Some("1"), "ES256"), Ok(()));
    assert_eq!(found(&one, None, "ES256"), Ok(()));
    assert_eq!(found(&one, Some("2"), "ES256"), Err(Refused::UnknownKey));
    assert_eq!(found(&one, Some("1"), "ES384"), Err(Refused::KeyForAnother));
    assert_eq!(found(&one, Some("1"), "RS256"), Err(Refused::KeyForAnother));
    let two = set(&[example(), nameless.clone()]);
    assert_eq!(found(&two, None, "ES256"), Err(Refused::NoKeyId));
    assert_eq!(
        found(&set(&[nameless]), Some("1"), "ES256"),
        Err(Refused::UnknownKey)
    );
    assert_eq!(found(&set(&[]), None, "ES256"), Err(Refused::UnknownKey));
}

#[test]
fn no_way_to_sign_with_a_shared_secret_or_not_at_all_is_known() {
    for name in [
        "none", "None", "", "HS256", "HS384", "HS512", "rs256", "ES256K", "ES512",
    ] {
        assert!(Algorithm::named(name).is_none(), "{name}");
    }
}

/// A key, and a token that it signed, valid for five minutes.
fn signed() -> (KeySet, String) {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let x = encode(pair.public_key().as_ref());
    let keys = set(&[json!({ "kty": "OKP", "crv": "Ed25519", "x": x })]);
    let claims = json!({
        "iss": "issuer",
        "aud": "audience",
        "email": "ana@acme.example",
        "exp": NOW.seconds() + 300,
    });
    let header = encode(json!({ "alg": "EdDSA" }).to_string().as_bytes());
    let message = format!("{header}.{}", encode(claims.to_string().as_bytes()));
    let signature = encode(pair.sign(message.as_bytes()).as_ref());
    (keys, format!("{message}.{signature}"))
}

fn settings() -> AssertionSettings {
    AssertionSettings {
        header: HeaderName::from_static("x-assertion"),
        keys: KeyLocation::File(PathBuf::new()),
        issuer: "issuer".into(),
        audience: "audience".into(),
        groups_separator: ',',
        identify_by_subject: false,
    }
}

#[test]
fn a_token_is_verified_once_and_remembered_until_it_expires() {
    let (keys, token) = signed();
    let mut trusted = Trusted {
        keys,
        ..Trusted::default()
    };
    let first = trusted.identify(&token, &settings(), NOW).unwrap();
    // Without keys only memory can answer.
    trusted.keys = KeySet::default();
    let identify = |seconds| {
        let now = NOW.plus(Duration::from_secs(seconds));
        trusted.identify(&token, &settings(), now)
    };
    assert_eq!(identify(0), Ok(first.clone()));
    assert_eq!(identify(329), Ok(first));
    assert_eq!(identify(330), Err(Refused::Expired));
    let other = format!("{token}A");
    assert_eq!(
        trusted.identify(&other, &settings(), NOW),
        Err(Refused::UnknownKey)
    );
}

#[test]
fn a_limited_number_of_tokens_is_remembered() {
    let (keys, token) = signed();
    let verified = Signed::parse(&token).unwrap();
    let verified = verified.verify(&keys, &settings()).unwrap();
    let trusted = Trusted::default();
    let remember = |number: usize, now| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        trusted.remember(digest, verified.clone(), now);
        trusted.verified.lock().unwrap().len()
    };
    for number in 0..REMEMBERED {
        assert_eq!(remember(number, NOW), number + 1);
    }
    assert_eq!(remember(REMEMBERED, NOW), 1);
}
