//! OAuth client registrations ("MCP clients").

use crate::clock::Timestamp;

use super::{
    block::ClientIdentity,
    ids::{ClientId, ProjectId},
    logo::Logo,
    look_alike::LookAlike,
    redirect::RedirectUri,
    resource::WebAddress,
    secret::SecretHash,
};

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "lowercase")]
pub enum Origin {
    /// A person made it for a project.
    Console,
    /// A program made it with an API key; it has no owner.
    Api,
    /// It registered itself (RFC 7591).
    Registered,
    /// Its id is the address of a Client ID Metadata Document.
    Document,
}

impl Origin {
    /// The word used in addresses, pages and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Api => "api",
            Self::Registered => "registered",
            Self::Document => "document",
        }
    }
}

/// Whether a client can keep a secret (OAuth 2.1 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "lowercase")]
pub enum ClientType {
    /// Has a secret and must use it.
    Confidential,
    /// Runs on people's devices and has none.
    Public,
}

impl ClientType {
    /// The word used in settings, pages and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

/// The longest name of a client, in characters.
pub const NAME_LIMIT: usize = 128;

/// A client registration.
#[derive(Clone, Debug)]
pub struct Client {
    /// Our id.
    pub id: ClientId,
    /// The OAuth `client_id`, as clients send it.
    pub identifier: String,
    /// How it came to be known.
    pub origin: Origin,
    /// The project it belongs to; `None` for clients that may serve any.
    pub project: Option<ProjectId>,
    /// The name people see. Unless a person of the organization chose it, it
    /// is whatever the app says.
    pub name: String,
    /// Public or confidential.
    pub client_type: ClientType,
    /// The secret's hash, for confidential clients.
    pub secret_hash: Option<SecretHash>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// How often it was changed, and one: who changes it says which one they saw.
    pub version: i64,
    /// What people recognize it by, where someone of the organization chose it.
    pub logo: Option<Logo>,
    /// Where it may ask to be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
}

impl Client {
    /// Whether nobody of the organization vouches for its name.
    pub fn names_itself(&self) -> bool {
        matches!(self.origin, Origin::Registered | Origin::Document)
    }

    /// What it looks like, if it registered itself.
    pub fn look_alike(&self) -> Option<LookAlike> {
        let registered = self.origin == Origin::Registered;
        registered.then(|| LookAlike::of(&self.name, &self.redirect_uris))
    }

    /// What a block of it would be of.
    pub fn identity(&self) -> ClientIdentity {
        match self.look_alike() {
            Some(look) => look.into(),
            None => ClientIdentity::of(&self.identifier),
        }
    }

    /// Where the document that describes it is, for a person to read: host, and port
    /// where one is written. `None` for clients without a document.
    pub fn document_host(&self) -> Option<&str> {
        let described = self.origin == Origin::Document;
        let address = described.then(|| WebAddress::parse(&self.identifier).ok());
        address.flatten().map(|address| address.authority)
    }

    /// What is different with this name, logo and these redirect URIs, in words; empty
    /// when nothing is.
    pub fn changes_to(
        &self,
        name: &str,
        logo: Option<&Logo>,
        redirect_uris: &[RedirectUri],
    ) -> String {
        let mut changes = Vec::new();
        if self.name != name {
            changes.push(format!("The name was {}.", self.name));
        }
        changes.extend(match (&self.logo, logo) {
            (now, then) if now.as_ref() == then => None,
            (_, None) => Some("The logo was removed.".to_owned()),
            (None, Some(_)) => Some("It got a logo.".to_owned()),
            (Some(_), Some(_)) => Some("It got another logo.".to_owned()),
        });
        let list = |uris: &[RedirectUri], others: &[RedirectUri]| {
            let missing = uris.iter().filter(|uri| !others.contains(uri));
            let missing: Vec<_> = missing.map(RedirectUri::as_str).collect();
            missing.join(", ")
        };
        let added = list(redirect_uris, &self.redirect_uris);
        if !added.is_empty() {
            changes.push(format!("Redirect URIs added: {added}."));
        }
        let removed = list(&self.redirect_uris, redirect_uris);
        if !removed.is_empty() {
            changes.push(format!("Redirect URIs removed: {removed}."));
        }
        changes.join(" ")
    }

    /// The registered redirect URI that `requested` matches (OAuth 2.1 §2.3.1).
    pub fn accepts_redirect(&self, requested: &str) -> bool {
        self.redirect_uris.iter().any(|uri| uri.matches(requested))
    }
}

/// A client's name as it may be kept: trimmed, 1 to 128 characters, nothing
/// that could disturb the line it is shown on.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.chars().all(|c| c.is_whitespace() || chooses_look(c)) {
        return Err("a name is needed".into());
    }
    if name.chars().count() > NAME_LIMIT {
        return Err(format!("a name has at most {NAME_LIMIT} characters"));
    }
    if name.chars().any(disturbs) {
        return Err("a name cannot have control, text-direction or invisible characters".into());
    }
    Ok(name.to_owned())
}

/// Control characters, and those that reorder the text around them, or that nobody sees
/// (Unicode's Bidi_Control and Default_Ignorable_Code_Point, annotations and fillers). The
/// two that choose how an emoji looks may stay.
pub fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// What only chooses whether the character before it looks like text or like an emoji.
pub const fn chooses_look(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_cannot_disturb_the_line() {
        assert_eq!(parse_name("  Claude Code ").unwrap(), "Claude Code");
        assert_eq!(parse_name(&"é".repeat(128)).unwrap().chars().count(), 128);
        for bad in [
            "",
            "  ",
            "\u{fe0f}",
            " \u{fe0e} \u{fe0f}",
            "\u{1d159}",
            &"x".repeat(129),
            "a\nb",
            "abc\u{202e}fed",
            "zero\u{200b}width",
        ] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
    }
}
