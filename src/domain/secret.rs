//! Secrets: where they come from, what is kept of them, what they protect.
//!
//! A [`Secret`] is 256 random bits that are shown once. What is stored is a
//! [`SecretHash`]: HMAC-SHA-256 under the installation's key, so that a copy of
//! the database alone can neither be used nor tested against guesses.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::clock::Timestamp;

/// Where random bytes come from.
pub trait Randomness: Send + Sync + fmt::Debug {
    /// Fills `buffer` with bytes nobody can predict.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for randomness"
    )]
    #[expect(
        clippy::expect_used,
        reason = "without randomness no secret is safe: stopping is the only right answer"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}

/// What a secret opens. The prefix lets secret scanners and people tell
/// leaked ones apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An authorization code.
    AuthorizationCode,
    /// The secret of a confidential client.
    ClientSecret,
    /// The secret a project's MCP server introspects with.
    IntrospectionSecret,
}

impl SecretKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "uta_",
            Self::RefreshToken => "utr_",
            Self::AuthorizationCode => "utc_",
            Self::ClientSecret => "uts_",
            Self::IntrospectionSecret => "uti_",
        }
    }
}

/// A secret in clear, from `[A-Za-z0-9_-]` only, because clients disagree on
/// how to encode anything else in HTTP Basic. It is never stored or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, to be handed to its owner and to nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.get(..4).unwrap_or_default())
    }
}

/// What is kept of a secret: the keyed hash, as base64url text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// Makes secrets and identifiers, and holds the keys that hash and sign.
#[derive(Clone)]
pub struct Secrets {
    randomness: Arc<dyn Randomness>,
    hash_key: [u8; 32],
    code_key: [u8; 32],
    form_key: [u8; 32],
    cookie_key: [u8; 64],
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// How long a form may stay open before it must be loaded again, in hours.
const FORM_HOURS: i64 = 24;

impl Secrets {
    /// Derives every key from the installation's secret key.
    pub fn new(secret_key: &[u8], randomness: Arc<dyn Randomness>) -> Self {
        let derive = |purpose: &str| mac(secret_key, &[purpose]);
        let mut cookie_key = [0; 64];
        cookie_key[..32].copy_from_slice(&derive("cookie signing"));
        cookie_key[32..].copy_from_slice(&derive("cookie encryption"));
        Self {
            randomness,
            hash_key: derive("stored secrets"),
            code_key: derive("authorization codes"),
            form_key: derive("form tokens"),
            cookie_key,
        }
    }

    /// A new secret of 256 random bits.
    pub fn generate(&self, kind: SecretKind) -> Secret {
        let mut bytes = [0; 32];
        self.randomness.fill(&mut bytes);
        spell(kind, &bytes)
    }

    /// The authorization code that answers one showing of the consent page.
    ///
    /// It is a keyed hash of the page's random nonce and of everything the
    /// person agreed to: to everyone else as random as any other secret, yet a
    /// double click makes the same code again instead of a second connection.
    pub fn code_for(&self, agreed: &[&str]) -> Secret {
        spell(SecretKind::AuthorizationCode, &mac(&self.code_key, agreed))
    }

    /// 128 random bits as text, to tell one showing of a page from another.
    pub fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.randomness.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What to store of a secret, or to look a presented one up by.
    pub fn hash(&self, presented: &str) -> SecretHash {
        SecretHash(URL_SAFE_NO_PAD.encode(mac(&self.hash_key, &[presented])))
    }

    /// What tells the key that all this is made with from another.
    pub fn key_mark(&self) -> String {
        let made = ["the secret key of this installation"];
        URL_SAFE_NO_PAD.encode(mac(&self.hash_key, &made))
    }

    /// A new identifier: UUIDv7 (RFC 9562 §5.7), so that ids sort by age, and those of one
    /// moment in the order in which this program makes them (§6.2, method 1).
    pub fn new_id<I: From<Uuid>>(&self, now: Timestamp) -> I {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        // What version and variant leave of the first bytes.
        let [a, b, c, d] = MADE.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let counter = [
            a >> 4,
            a << 4 | b >> 4,
            (b & 0x0f) << 2 | c >> 6,
            c << 2 | d >> 6,
            d << 2 | random[4] & 3,
        ];
        random[..counter.len()].copy_from_slice(&counter);
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random)
            .into_uuid()
            .into()
    }

    /// Four random bytes, to pick words with.
    pub fn dice(&self) -> [u8; 4] {
        let mut bytes = [0; 4];
        self.randomness.fill(&mut bytes);
        bytes
    }

    /// The key of the session cookie: 64 bytes.
    pub fn cookie_key(&self) -> &[u8] {
        &self.cookie_key
    }

    /// The token that a form carries to show that it was this person's page
    /// that sent it.
    ///
    /// It is spelled in another way each time: pages are compressed, and the length of one
    /// with text of a stranger's choosing would tell a token that is always the same (BREACH).
    pub fn form_token(&self, subject: &str, now: Timestamp) -> String {
        let mut mask = [0; 32];
        self.randomness.fill(&mut mask);
        let hour = hour(now);
        let masked = xor(&mask, &self.form_mac(subject, hour));
        let [mask, masked] = [mask, masked].map(|half| URL_SAFE_NO_PAD.encode(half));
        format!("{hour}.{mask}.{masked}")
    }

    /// Whether `token` was made for this person within the last day.
    pub fn accepts_form_token(&self, token: &str, subject: &str, now: Timestamp) -> bool {
        let Some((made, mac)) = unmask(token) else {
            return false;
        };
        let age = hour(now).saturating_sub(made);
        (0..FORM_HOURS).contains(&age) && mac.ct_eq(&self.form_mac(subject, made)).into()
    }

    fn form_mac(&self, subject: &str, hour: i64) -> [u8; 32] {
        mac(&self.form_key, &[&hour.to_string(), subject])
    }
}

fn hour(now: Timestamp) -> i64 {
    now.seconds().div_euclid(3600)
}

/// The hour and the keyed hash in a form's token.
fn unmask(token: &str) -> Option<(i64, [u8; 32])> {
    let (hour, halves) = token.split_once('.')?;
    let (mask, masked) = halves.split_once('.')?;
    let half = |text| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    Some((hour.parse().ok()?, xor(&half(mask)?, &half(masked)?)))
}

fn xor(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|i| one[i] ^ other[i])
}

fn spell(kind: SecretKind, bytes: &[u8; 32]) -> Secret {
    Secret(format!(
        "{}{}",
        kind.prefix(),
        URL_SAFE_NO_PAD.encode(bytes)
    ))
}

/// HMAC-SHA-256 (RFC 2104) over the parts, each preceded by its length so that
/// no two lists of parts look the same.
fn mac(key: &[u8], parts: &[&str]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(
            b"0123456789abcdef0123456789abcdef",
            Arc::new(SystemRandomness),
        )
    }

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = secrets().generate(SecretKind::AccessToken);
        assert_eq!(format!("{secret:?}"), "uta_…");
    }

    #[test]
    fn a_secret_holds_256_bits_in_the_alphabet_every_client_agrees_on() {
        let secret = secrets().generate(SecretKind::ClientSecret);
        let body = secret.expose().strip_prefix("uts_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(body).unwrap().len(), 32);
    }

    #[test]
    fn ids_of_one_moment_are_in_the_order_in_which_they_were_made() {
        let secrets = secrets();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut ids: Vec<Uuid> = (0..100_000).map(|_| secrets.new_id(now)).collect();
        ids.push(secrets.new_id(Timestamp::from_millis(1_800_000_000_001)));
        assert!(ids.is_sorted_by(|one, next| one < next));
        assert_eq!(ids[0].get_version_num(), 7);
    }

    #[test]
    fn the_hash_depends_on_the_key() {
        let other = Secrets::new(
            b"another key another key another!",
            Arc::new(SystemRandomness),
        );
        assert_ne!(secrets().hash("x"), other.hash("x"));
        assert!(secrets().hash("x").matches(&secrets().hash("x")));
    }

    #[test]
    fn a_form_token_is_good_for_one_person_and_one_day() {
        let secrets = secrets();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let day = std::time::Duration::from_secs(86_400);
        let token = secrets.form_token("ana", now);
        assert!(secrets.accepts_form_token(&token, "ana", now));
        assert!(!secrets.accepts_form_token(&token, "bo", now));
        assert!(!secrets.accepts_form_token(&token, "ana", now.plus(day)));
        assert!(!secrets.accepts_form_token(&token, "ana", now.minus(day)));
        assert!(!secrets.accepts_form_token("", "ana", now));
        assert!(!secrets.accepts_form_token("1.x", "ana", now));
        assert_ne!(secrets.form_token("ana", now), token);
    }

    #[test]
    fn parts_cannot_be_shifted_between_fields() {
        let secrets = secrets();
        assert_ne!(
            secrets.code_for(&["ab", "c"]),
            secrets.code_for(&["a", "bc"])
        );
    }

    #[test]
    fn generated_ids_sort_by_age_and_never_look_like_a_url() {
        let secrets = secrets();
        let early: crate::domain::ids::ClientId = secrets.new_id(Timestamp::from_millis(1_000));
        let late = secrets.new_id(Timestamp::from_millis(2_000));
        assert!(early < late);
        assert!(!early.as_str().starts_with("https://"));
    }
}
