//! The keys with which tokens may be signed: a JSON Web Key Set (RFC 7517) of public
//! keys, and the signatures (RFC 7518 §3.1, RFC 8037) that they can verify.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{self, RsaParameters, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::Refused;

/// A way to sign. Only asymmetric ones are here, so that nobody can sign with what is
/// published, or not at all (RFC 8725 §2.1, §3.1).
#[derive(Debug)]
pub struct Algorithm {
    name: &'static str,
    family: Family,
}

#[derive(Debug)]
enum Family {
    Rsa(&'static RsaParameters),
    Curve(&'static str, &'static dyn VerificationAlgorithm),
}

/// Every way that is accepted. RSA keys have 2048 to 8192 bits.
static ALGORITHMS: [Algorithm; 9] = [
    rsa("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    rsa("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    rsa("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    rsa("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    rsa("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    rsa("PS512", &signature::RSA_PSS_2048_8192_SHA512),
    curve("ES256", "P-256", &signature::ECDSA_P256_SHA256_FIXED),
    curve("ES384", "P-384", &signature::ECDSA_P384_SHA384_FIXED),
    curve("EdDSA", "Ed25519", &signature::ED25519),
];

const fn rsa(name: &'static str, parameters: &'static RsaParameters) -> Algorithm {
    Algorithm {
        name,
        family: Family::Rsa(parameters),
    }
}

const fn curve(
    name: &'static str,
    curve: &'static str,
    verification: &'static dyn VerificationAlgorithm,
) -> Algorithm {
    Algorithm {
        name,
        family: Family::Curve(curve, verification),
    }
}

impl Algorithm {
    /// The accepted algorithm of this name (`alg`).
    pub fn named(name: &str) -> Option<&'static Self> {
        // RFC 9864 gives it a new name.
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }
}

/// A public key.
#[derive(Debug)]
pub struct Key {
    id: Option<String>,
    /// The only algorithm it is for, when its publisher says so.
    algorithm: Option<&'static Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Curve(String, Vec<u8>),
}

/// A key as published (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Published {
    /// The key, or `None` when it is not for verifying or of a kind that is not accepted.
    fn key(self) -> Option<Key> {
        let verifies = |operations: &Vec<String>| operations.iter().any(|name| name == "verify");
        if self.usage.is_some_and(|usage| usage != "sig")
            || self
                .key_ops
                .is_some_and(|operations| !verifies(&operations))
        {
            return None;
        }
        let algorithm = match self.alg {
            Some(name) => Some(Algorithm::named(&name)?),
            None => None,
        };
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => Material::Rsa {
                n: unsigned(&self.n?)?,
                e: unsigned(&self.e?)?,
            },
            ("EC", Some("P-256")) => Material::Curve(self.crv?, point(&self.x?, &self.y?, 32)?),
            ("EC", Some("P-384")) => Material::Curve(self.crv?, point(&self.x?, &self.y?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Curve(self.crv?, decode(&self.x?)?),
            _ => return None,
        };
        let key = Key {
            id: self.kid,
            algorithm,
            material,
        };
        algorithm
            .is_none_or(|algorithm| key.fits(algorithm))
            .then_some(key)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// A number without zeros before it; some publishers write one, which ring refuses.
fn unsigned(text: &str) -> Option<Vec<u8>> {
    let bytes = decode(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

/// An uncompressed point of a curve (SEC 1 §2.3.3).
fn point(x: &str, y: &str, size: usize) -> Option<Vec<u8>> {
    let (x, y) = (decode(x)?, decode(y)?);
    (x.len() == size && y.len() == size).then(|| [&[4], &x[..], &y[..]].concat())
}

impl Key {
    fn fits(&self, algorithm: &Algorithm) -> bool {
        let stated = |stated: &Algorithm| stated.name == algorithm.name;
        let of_its_kind = match (&self.material, &algorithm.family) {
            (Material::Rsa { .. }, Family::Rsa(_)) => true,
            (Material::Curve(of, _), Family::Curve(curve, _)) => of == curve,
            _ => false,
        };
        of_its_kind && self.algorithm.is_none_or(stated)
    }

    /// Checks a signature over a message.
    ///
    /// # Errors
    /// When this key did not make it with this algorithm.
    pub fn verify(
        &self,
        algorithm: &Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        let verified = match (&self.material, &algorithm.family) {
            (Material::Rsa { n, e }, Family::Rsa(parameters)) => {
                signature::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Material::Curve(_, point), Family::Curve(_, verification)) => {
                UnparsedPublicKey::new(*verification, point).verify(message, signature)
            }
            _ => return Err(Refused::KeyForAnother),
        };
        verified.map_err(|_| Refused::Signature)
    }
}

/// The public keys that are trusted.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a key set. Keys that cannot verify a signature here are left out, as
    /// RFC 7517 §5 asks.
    ///
    /// # Errors
    /// A sentence, when it is no key set at all.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(text)
            .map_err(|error| format!("it is not a JSON Web Key Set: {error}"))?;
        let published = document.keys.into_iter();
        let keys = published.filter_map(|key| serde_json::from_value::<Published>(key).ok()?.key());
        Ok(Self(keys.collect()))
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The key of this id for this algorithm; without an id, the only key.
    ///
    /// # Errors
    /// When there is none, or no single one.
    pub fn find(&self, id: Option<&str>, algorithm: &Algorithm) -> Result<&Key, Refused> {
        if id.is_none() && self.0.len() > 1 {
            return Err(Refused::NoKeyId);
        }
        let known = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut candidates = self.0.iter().filter(known).peekable();
        if candidates.peek().is_none() {
            return Err(Refused::UnknownKey);
        }
        candidates
            .find(|key| key.fits(algorithm))
            .ok_or(Refused::KeyForAnother)
    }
}
