//! A signed statement of who is there: a JWT (RFC 7519) as a compact JWS (RFC 7515 §3.1).

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    config::AssertionSettings,
    domain::role::{Identity, PrincipalName, fold_email, shown_name, trim},
};

use super::{
    Refused,
    keys::{Algorithm, KeySet},
};

/// How far the clocks of this machine and the issuer may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// A token in its parts, none of them believed yet.
pub struct Signed<'a> {
    algorithm: &'static Algorithm,
    key_id: Option<String>,
    message: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// What the header says (RFC 7515 §4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl<'a> Signed<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is no signed token, or signed in a way that is not accepted.
    pub fn parse(token: &'a str) -> Result<Self, Refused> {
        let (message, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refused::Malformed)?;
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| Refused::Malformed)?;
        // Whoever does not understand an extension that is marked so must refuse the
        // token (RFC 7515 §4.1.11), and none is understood here.
        if header.crit.is_some() {
            return Err(Refused::Critical);
        }
        Ok(Self {
            algorithm: Algorithm::named(&header.alg).ok_or(Refused::Algorithm)?,
            key_id: header.kid,
            message,
            payload,
            signature: decode(signature)?,
        })
    }

    /// Believes it, when a trusted key signed it and it is what the settings ask for.
    /// Whether its time has come and not passed is asked of the answer.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn verify(&self, keys: &KeySet, settings: &AssertionSettings) -> Result<Verified, Refused> {
        let key = keys.find(self.key_id.as_deref(), self.algorithm)?;
        key.verify(self.algorithm, self.message.as_bytes(), &self.signature)?;
        let payload = decode(self.payload)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| Refused::Malformed)?;
        Claims(claims).verified(settings)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| Refused::Malformed)
}

/// Who is there, and when that is true.
#[derive(Clone, Debug)]
pub struct Verified {
    identity: Identity,
    not_before: Option<Timestamp>,
    expires: Timestamp,
}

impl Verified {
    /// Who is there now.
    ///
    /// # Errors
    /// When the token has expired or is not valid yet (RFC 7519 §4.1.4, §4.1.5).
    pub fn identity(&self, now: Timestamp) -> Result<&Identity, Refused> {
        if self.is_over(now) {
            return Err(Refused::Expired);
        }
        if self
            .not_before
            .is_some_and(|start| now.plus(LEEWAY) < start)
        {
            return Err(Refused::NotYet);
        }
        Ok(&self.identity)
    }

    /// Whether the token has expired.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires.plus(LEEWAY)
    }
}

/// What a token says (RFC 7519 §4, OpenID Connect Core §5.1).
struct Claims(Map<String, Value>);

impl Claims {
    fn verified(&self, settings: &AssertionSettings) -> Result<Verified, Refused> {
        if *self.get("iss").ok_or(Refused::Missing("iss"))? != settings.issuer {
            return Err(Refused::Issuer);
        }
        if !self.is_for(&settings.audience)? {
            return Err(Refused::Audience);
        }
        let email = fold_email(self.required("email")?);
        if !matches!(email.parse(), Ok(PrincipalName::Email(_))) {
            return Err(Refused::Claim("email"));
        }
        // Some issuers write it as a text.
        let verified = |value: &Value| *value == true || *value == "true";
        if !self.get("email_verified").is_none_or(verified) {
            return Err(Refused::UnverifiedEmail);
        }
        let subject = if settings.identify_by_subject {
            self.required("sub")?.to_owned()
        } else {
            email.clone()
        };
        let name = match self.text("name")? {
            Some(name) => Some(name),
            None => self.text("preferred_username")?,
        };
        Ok(Verified {
            identity: Identity {
                subject,
                name: name.and_then(shown_name).unwrap_or_else(|| email.clone()),
                groups: self.groups(settings.groups_separator)?,
                email,
            },
            not_before: self.moment("nbf")?,
            expires: self.moment("exp")?.ok_or(Refused::Missing("exp"))?,
        })
    }

    /// A claim; `null` is none.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A claim of one line of text, without spaces around it; `None` when it is empty.
    fn text(&self, name: &'static str) -> Result<Option<&str>, Refused> {
        self.get(name).map_or(Ok(None), |value| line(value, name))
    }

    fn required(&self, name: &'static str) -> Result<&str, Refused> {
        self.text(name)?.ok_or(Refused::Missing(name))
    }

    /// A moment, in seconds since the epoch, maybe with a fraction (RFC 7519 §2).
    fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, Refused> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().ok_or(Refused::Claim(name))?;
        Ok(Some(Timestamp::from_millis((seconds * 1000.0) as i64)))
    }

    /// Whether the audience is this one, or has it among others (RFC 7519 §4.1.3).
    fn is_for(&self, audience: &str) -> Result<bool, Refused> {
        match self.get("aud").ok_or(Refused::Missing("aud"))? {
            Value::String(only) => Ok(only == audience),
            Value::Array(several) => Ok(several.iter().any(|one| one == audience)),
            _ => Err(Refused::Claim("aud")),
        }
    }

    /// The groups: an array, or a text with a character between two.
    fn groups(&self, separator: char) -> Result<Option<Vec<String>>, Refused> {
        let groups = match self.get("groups") {
            None => return Ok(None),
            Some(Value::Array(groups)) => groups
                .iter()
                .map(|group| line(group, "groups"))
                .collect::<Result<Vec<_>, _>>()?,
            Some(list) => line(list, "groups")?
                .unwrap_or_default()
                .split(separator)
                .map(|group| Some(trim(group)).filter(|group| !group.is_empty()))
                .collect(),
        };
        Ok(Some(
            groups.into_iter().flatten().map(str::to_owned).collect(),
        ))
    }
}

/// One line of text, without spaces around it; `None` when that is empty. A header could
/// not carry more either.
fn line<'a>(value: &'a Value, name: &'static str) -> Result<Option<&'a str>, Refused> {
    let text = value.as_str().ok_or(Refused::Claim(name))?;
    if text.chars().any(char::is_control) {
        return Err(Refused::Claim(name));
    }
    Ok(Some(trim(text)).filter(|text| !text.is_empty()))
}
