//! A proxy that signs what it says, and where it publishes its keys.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::{StatusCode, header::HeaderName},
    web,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use serde_json::{Value, json};
use untether::{
    clock::Timestamp,
    config::{AssertionSettings, KeyLocation},
};

pub const HEADER: &str = "x-sso-assertion";
pub const ISSUER: &str = "https://sso.acme.example";
pub const AUDIENCE: &str = "untether.acme.example";

/// What the publisher of the keys answers, and how often it was asked.
struct Published {
    status: StatusCode,
    body: String,
    asked: usize,
}

pub struct Issuer {
    pub url: String,
    published: Arc<Mutex<Published>>,
    server: ServerHandle,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // The message is on its way when the future is made.
        drop(self.server.stop(false));
    }
}

impl Issuer {
    /// Publishes these keys at `url`, and a redirect to them at `url` and `/moved`.
    pub fn with(keys: &[&SigningKey]) -> Self {
        let published = Published {
            status: StatusCode::OK,
            body: key_set(keys),
            asked: 0,
        };
        let published = Arc::new(Mutex::new(published));
        let data = web::Data::from(published.clone());
        let factory = move || {
            App::new()
                .app_data(data.clone())
                .route("/keys", web::get().to(answer))
                .route("/keys/moved", web::get().to(moved))
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let server = HttpServer::new(factory).workers(1).listen(listener);
        let server = server.unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            published,
            server: handle,
        }
    }

    pub fn publishes(&self, keys: &[&SigningKey]) {
        self.answers(200, &key_set(keys));
    }

    pub fn answers(&self, status: u16, body: &str) {
        let mut published = self.published.lock().unwrap();
        published.status = StatusCode::from_u16(status).unwrap();
        published.body = body.to_owned();
    }

    /// How often the keys were read.
    pub fn was_asked(&self) -> usize {
        self.published.lock().unwrap().asked
    }

    /// The settings that trust this issuer.
    pub fn settings(&self) -> AssertionSettings {
        AssertionSettings {
            header: HeaderName::from_static(HEADER),
            keys: KeyLocation::parse(&self.url).unwrap(),
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            groups_separator: ',',
            identify_by_subject: false,
        }
    }
}

async fn answer(published: web::Data<Mutex<Published>>) -> HttpResponse {
    let mut published = published.lock().unwrap();
    published.asked += 1;
    HttpResponse::build(published.status).body(published.body.clone())
}

async fn moved() -> HttpResponse {
    HttpResponse::Found()
        .insert_header(("location", "/keys"))
        .finish()
}

pub fn key_set(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
    json!({ "keys": keys }).to_string()
}

/// A key pair of the issuer.
pub struct SigningKey {
    pub id: &'static str,
    pub algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Curve(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

impl SigningKey {
    /// A key of this id for this algorithm: RSA is always the same, others are new.
    pub fn new(id: &'static str, algorithm: &'static str) -> Self {
        let random = SystemRandom::new();
        let curve = |algorithm| {
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random);
            Pair::Curve(pair.unwrap())
        };
        let pair = match algorithm {
            "ES256" => curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => {
                let key = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Pair::Edwards(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
            }
            _ => {
                let lines = include_str!("issuer.pem").lines();
                let text: String = lines.filter(|line| !line.starts_with('-')).collect();
                let key = BASE64_STANDARD.decode(text).unwrap();
                Pair::Rsa(RsaKeyPair::from_pkcs8(&key).unwrap())
            }
        };
        Self {
            id,
            algorithm,
            pair,
        }
    }

    /// The public half (RFC 7517).
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Pair::Curve(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Edwards(pair) => {
                let x = encode(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        };
        key["kid"] = self.id.into();
        key["alg"] = self.algorithm.into();
        key["use"] = "sig".into();
        key
    }

    pub fn signs(&self, claims: &Value) -> String {
        self.signs_under(&json!({ "alg": self.algorithm, "kid": self.id }), claims)
    }

    /// Signs with a header of its own, which may lie.
    pub fn signs_under(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &'static dyn signature::RsaEncoding = match self.algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
            Pair::Curve(pair) => {
                let signature = pair.sign(&random, message.as_bytes()).unwrap();
                signature.as_ref().to_vec()
            }
            Pair::Edwards(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encode(&signature))
    }

    /// A token "signed" with what is published, as if that were a shared secret.
    pub fn forged_from_public(&self, claims: &Value) -> String {
        let message = message(&json!({ "alg": "HS256", "kid": self.id }), claims);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, self.public().to_string().as_bytes());
        let signature = hmac::sign(&secret, message.as_bytes());
        format!("{message}.{}", encode(signature.as_ref()))
    }
}

/// What the issuer says of someone, for the next five minutes.
pub fn claims(name: &str, now: Timestamp) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now.seconds(),
        "exp": now.seconds() + 300,
        "sub": format!("id-of-{name}"),
        "email": format!("{name}@acme.example"),
    })
}

/// Header and payload, encoded.
pub fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
