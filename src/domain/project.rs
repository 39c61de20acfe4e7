//! Projects: the MCP servers that the organization protects.

use crate::clock::Timestamp;

use super::{
    client::disturbs,
    ids::ProjectId,
    resource::{AddressError, MAX_ADDRESS_CHARACTERS, Resource, WebAddress, check_characters},
    role::{Identity, PrincipalName},
    scope::{ScopeSet, ScopeToken},
};

/// The longest meaning of a scope, in characters.
pub const MEANING_LIMIT: usize = 200;

/// How many scopes a project offers at most.
pub const SCOPES_LIMIT: usize = 50;

/// How many people and groups one list of a project names at most.
pub const NAMES_LIMIT: usize = 100;

/// An MCP server behind Untether (an OAuth protected resource, RFC 9728).
#[derive(Clone, Debug)]
pub struct Project {
    /// Our id.
    pub id: ProjectId,
    /// Its name in addresses and commands.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// The MCP server URL, exactly as registered: the audience of its tokens.
    pub resource: Resource,
    /// What clients may ask for, in the order shown.
    pub scopes: Vec<OfferedScope>,
    /// Who may connect.
    pub members: Members,
    /// Who administers it, in alphabetical order.
    pub administrators: Vec<PrincipalName>,
    /// Where else its server is looked after.
    pub manage_url: Option<ManageUrl>,
    /// How often it was changed, and one: who changes it says which one they saw.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// Since when nothing may connect to it; `None` while it is in use.
    pub archived_at: Option<Timestamp>,
}

/// The address of a page outside Untether where an MCP server is looked after: `https`,
/// or `http` on loopback, because people follow it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct ManageUrl(String);

impl ManageUrl {
    /// # Errors
    /// Says what is wrong with the address.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        // Unlike a resource it may lead to a part of a page.
        let (page, part) = text.split_once('#').unwrap_or((text, ""));
        WebAddress::parse(page)?;
        if text.len() > MAX_ADDRESS_CHARACTERS {
            return Err(AddressError::TooLong);
        }
        if !part.is_empty() {
            check_characters(part)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may connect clients to a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// Everyone whom the SSO proxy lets in.
    #[default]
    Anyone,
    /// Those named, and nobody else.
    Only(Vec<PrincipalName>),
}

impl Members {
    /// Whether this person may connect. Someone whose groups are not known is in none.
    pub fn admit(&self, identity: &Identity) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(names) => names.iter().any(|name| identity.is_named_by(name)),
        }
    }

    /// Whether someone who was admitted once is known not to belong any more. Where a
    /// group decides and the SSO proxy says nothing about groups, nothing is known.
    pub fn exclude(&self, identity: &Identity) -> bool {
        let in_doubt = |names: &[PrincipalName]| {
            let by_group = |name| matches!(name, &PrincipalName::Group(_));
            identity.groups.is_none() && names.iter().any(by_group)
        };
        match self {
            Self::Anyone => false,
            Self::Only(names) => !self.admit(identity) && !in_doubt(names),
        }
    }
}

impl std::fmt::Display for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Only(names) => {
                let names: Vec<_> = names.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// A scope that a project offers, with what it means in plain words.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OfferedScope {
    /// The scope token (RFC 6749 §3.3).
    pub name: ScopeToken,
    /// What it lets a client do, for the consent page.
    pub description: String,
    /// Whether a person may refuse it and still connect.
    pub optional: bool,
}

impl OfferedScope {
    /// A scope as people write it.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(name: &str, description: &str, optional: bool) -> Result<Self, String> {
        let name = ScopeToken::parse(name.trim()).map_err(|error| error.to_string())?;
        let description = description.trim();
        let length = description.chars().count();
        if length == 0 || length > MEANING_LIMIT {
            return Err(format!(
                "the meaning must have 1 to {MEANING_LIMIT} characters"
            ));
        }
        if description.chars().any(disturbs) {
            return Err(
                "the meaning cannot have control, text-direction or invisible characters".into(),
            );
        }
        Ok(Self {
            name,
            description: description.to_owned(),
            optional,
        })
    }
}

/// The first of the scopes that is there more than once.
pub fn repeated(scopes: &[OfferedScope]) -> Option<&ScopeToken> {
    let mut names = scopes.iter().map(|scope| &scope.name).enumerate();
    let twice = names.find(|(place, name)| {
        let before = &scopes[..*place];
        before.iter().any(|scope| scope.name == **name)
    });
    twice.map(|(_, name)| name)
}

impl Project {
    /// The names of all the scopes it offers.
    pub fn scope_names(&self) -> ScopeSet {
        self.scopes.iter().map(|scope| scope.name.clone()).collect()
    }

    /// What a request for `asked` is about: the offered scopes among those
    /// asked for, or all of them when none is named. Scopes that the project
    /// does not know, `offline_access` among them, are left out rather than
    /// refused, because real clients ask for them anyway.
    pub fn scopes_for(&self, asked: &ScopeSet) -> Vec<OfferedScope> {
        let known: Vec<_> = self
            .scopes
            .iter()
            .filter(|scope| asked.contains(&scope.name))
            .cloned()
            .collect();
        if known.is_empty() {
            self.scopes.clone()
        } else {
            known
        }
    }

    /// The scopes that were asked for in vain, where all are offered in their place. Those about
    /// who the person is, which clients ask every server for, are none (OIDC Core §5.4, §11).
    pub fn asked_in_vain(&self, asked: &ScopeSet) -> Vec<String> {
        const OF_EVERY_SERVER: [&str; 6] = [
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
        ];
        let is_offered = |scope: &OfferedScope| asked.contains(&scope.name);
        if self.scopes.is_empty() || self.scopes.iter().any(is_offered) {
            return Vec::new();
        }
        let asked = asked.iter().map(ToString::to_string);
        asked
            .filter(|name| !OF_EVERY_SERVER.contains(&name.as_str()))
            .collect()
    }
}

/// A project's short name: 1 to 63 of `a-z`, `0-9` and `-`, beginning and
/// ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Slug(String);

impl Slug {
    /// The slug of the project that Untether's own MCP server is.
    pub fn own() -> Self {
        Self("untether".to_owned())
    }

    /// # Errors
    /// A sentence that says what a slug looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let shaped = (1..=63).contains(&text.len())
            && text.chars().all(|c| word(c) || c == '-')
            && text.starts_with(word)
            && text.ends_with(word);
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "\"{text}\" is not a slug: use 1 to 63 of a-z, 0-9 and -, such as search-prod"
            ))
        }
    }

    /// A slug that is like a name; `None` when the name has nothing that a slug can have.
    pub fn like(name: &str) -> Option<Self> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let name = name.to_lowercase();
        let words = name.split(|c| !word(c)).filter(|word| !word.is_empty());
        let mut text = words.collect::<Vec<_>>().join("-");
        text.truncate(63);
        Self::parse_new(text.trim_end_matches('-')).ok()
    }

    /// The slug of a new project: one that no address of Untether's own has.
    ///
    /// # Errors
    /// Like [`Slug::parse`].
    pub fn parse_new(text: &str) -> Result<Self, String> {
        match Self::parse(text)? {
            Self(word) if word == "new" => Err("\"new\" cannot be a slug: take another".into()),
            slug => Ok(slug),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana(groups: Option<&[&str]>) -> Identity {
        Identity {
            subject: "ana@acme.example".into(),
            email: "ana@acme.example".into(),
            name: "Ana".into(),
            groups: groups.map(|groups| groups.iter().map(|&group| group.into()).collect()),
        }
    }

    #[test]
    fn a_person_is_admitted_by_e_mail_or_by_group() {
        let only = |names: &[&str]| {
            Members::Only(names.iter().map(|name| name.parse().unwrap()).collect())
        };
        let staff = Some(["staff"].as_slice());
        for (members, groups, admitted, excluded) in [
            (Members::Anyone, None, true, false),
            (only(&["Ana@acme.example"]), None, true, false),
            (only(&["group:staff"]), staff, true, false),
            (only(&["bo@acme.example", "group:ops"]), staff, false, true),
            (only(&["bo@acme.example"]), None, false, true),
            // Nobody says whether she still is in that group.
            (only(&["bo@acme.example", "group:ops"]), None, false, false),
            (only(&[]), staff, false, true),
        ] {
            assert_eq!(
                members.admit(&ana(groups)),
                admitted,
                "{members} {groups:?}"
            );
            assert_eq!(
                members.exclude(&ana(groups)),
                excluded,
                "{members} {groups:?}"
            );
        }
    }

    #[test]
    fn slugs_are_plain_words() {
        for good in ["a", "search", "search-prod", "0", "a1-b2"] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a b", "a/b", "é", &"x".repeat(64)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }
}
