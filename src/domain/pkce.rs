//! Proof Key for Code Exchange (RFC 7636): only the program that began an
//! authorization can exchange its code. Required of every client, and `S256` is the
//! only method (OAuth 2.1 §4.1.1, RFC 9700 §2.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Why an authorization request has no usable code challenge. Each is
/// `invalid_request` (RFC 7636 §4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeChallengeError {
    /// There is no `code_challenge`.
    #[error("code_challenge is required (PKCE with the method S256)")]
    Missing,
    /// The method is `plain`, or absent, which means `plain` (RFC 7636 §4.3).
    #[error("code_challenge_method must be S256; plain, which is also the default, is refused")]
    Plain,
    /// The method is neither `S256` nor `plain`.
    #[error("code_challenge_method must be S256")]
    UnknownMethod,
    /// The challenge is not 43 characters of base64url, so not a SHA-256 hash.
    #[error("code_challenge must be 43 characters of base64url without padding")]
    Malformed,
}

/// The hash of a verifier that the client still keeps to itself (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Checks the parameters `code_challenge` and `code_challenge_method` of an
    /// authorization request (RFC 7636 §4.3).
    ///
    /// # Errors
    /// When the challenge is missing or malformed, or the method is not `S256`.
    pub fn parse(
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<Self, CodeChallengeError> {
        let challenge = challenge.filter(|text| !text.is_empty());
        let challenge = challenge.ok_or(CodeChallengeError::Missing)?;
        match method {
            Some("S256") => {}
            Some("plain") | None => return Err(CodeChallengeError::Plain),
            Some(_) => return Err(CodeChallengeError::UnknownMethod),
        }
        let hash = URL_SAFE_NO_PAD
            .decode(challenge)
            .map_err(|_| CodeChallengeError::Malformed)?;
        if hash.len() != Sha256::output_size() {
            return Err(CodeChallengeError::Malformed);
        }
        Ok(Self(challenge.to_owned()))
    }

    /// Takes back a challenge that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The challenge as received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the challenge of the verifier (RFC 7636 §4.6). A verifier that
    /// is not 43 to 128 unreserved characters (§4.1) never is. Takes the same time
    /// wherever the two differ.
    pub fn verify(&self, verifier: &str) -> bool {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return false;
        }
        let computed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        computed.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge_of(verifier: &str) -> CodeChallenge {
        CodeChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)))
    }

    #[test]
    fn the_example_of_rfc_7636_appendix_b_verifies() {
        let challenge = CodeChallenge::parse(Some(CHALLENGE), Some("S256")).expect("valid");
        assert_eq!(challenge.as_str(), CHALLENGE);
        assert!(challenge.verify(VERIFIER));
    }

    #[test]
    fn another_verifier_does_not_verify() {
        let challenge = CodeChallenge::from_stored(CHALLENGE.to_owned());
        assert!(!challenge.verify(&VERIFIER.replace("dBj", "dBk")));
        assert!(!challenge.verify(CHALLENGE));
        assert!(!challenge.verify(""));
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (verifier, expected) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            ("~".repeat(128), true),
            ("a".repeat(129), false),
            (format!("{} ", "a".repeat(43)), false),
            (format!("{}+", "a".repeat(43)), false),
            ("é".repeat(43), false),
        ] {
            assert_eq!(
                challenge_of(&verifier).verify(&verifier),
                expected,
                "{verifier}"
            );
        }
    }

    #[test]
    fn only_s256_with_a_well_formed_challenge_is_accepted() {
        use CodeChallengeError::*;
        let padded = format!("{CHALLENGE}=");
        let standard_alphabet = CHALLENGE.replace('-', "+");
        for (challenge, method, reason) in [
            (None, None, Missing),
            (None, Some("S256"), Missing),
            (Some(""), Some("S256"), Missing),
            (Some(CHALLENGE), None, Plain),
            (Some(CHALLENGE), Some("plain"), Plain),
            (Some(CHALLENGE), Some("s256"), UnknownMethod),
            (Some(CHALLENGE), Some(""), UnknownMethod),
            (Some(&CHALLENGE[1..]), Some("S256"), Malformed),
            (Some(padded.as_str()), Some("S256"), Malformed),
            (Some(standard_alphabet.as_str()), Some("S256"), Malformed),
            (Some(&VERIFIER[..40]), Some("S256"), Malformed),
        ] {
            assert_eq!(
                CodeChallenge::parse(challenge, method),
                Err(reason),
                "{challenge:?}"
            );
        }
    }
}
