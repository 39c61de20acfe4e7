//! Identifiers: UUIDv7 text (RFC 9562), one type for each kind of thing.

use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {$(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id a person or a program sent, in its canonical spelling;
            /// `None` when it is not a UUID.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self::from)
            }

            /// The canonical text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid.hyphenated().to_string())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

id! {
    /// A person.
    PersonId,
    /// A project.
    ProjectId,
    /// An introspection credential of a project; it is the OAuth client id
    /// that the project's MCP server authenticates with.
    CredentialId,
    /// A block of a client.
    BlockId,
    /// A client registration. For all but metadata documents it is also the
    /// OAuth `client_id`.
    ClientId,
    /// A connection.
    ConnectionId,
    /// An entry of the audit trail.
    EventId,
    /// An act on everything that matches a filter.
    ActId,
}
