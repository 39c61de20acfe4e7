//! The audit trail: one event for each change of state.

use crate::clock::Timestamp;

use super::ids::{ClientId, ConnectionId, EventId, PersonId, ProjectId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A person allowed a client to act for them.
    ConnectionAuthorized,
    /// A person refused a client.
    ConnectionDenied,
    /// A connection was ended.
    ConnectionRevoked,
    /// Someone ended every connection that met a filter; each has an event of its own.
    MatchingRevoked,
    /// A connection got another name.
    ConnectionRenamed,
    /// The record of a revoked connection was deleted before its time.
    ConnectionDeleted,
    /// An expired connection made way for a new one of the same person, client and project.
    ConnectionReplaced,
    /// A connection that was of no more use was removed.
    ConnectionRemoved,
    /// A client was made for a project.
    ClientCreated,
    /// A client registered itself.
    ClientRegistered,
    /// Someone changed a client, or the document that describes it did.
    ClientChanged,
    /// A client got another secret.
    ClientSecretRotated,
    /// A client was ended, with all of its connections.
    ClientRevoked,
    /// The record of a revoked client was deleted before its time.
    ClientDeleted,
    /// A client that was revoked long ago was removed.
    ClientRemoved,
    /// A client may not connect any more, for everyone or for one person.
    ClientBlocked,
    /// It may again.
    ClientUnblocked,
    /// A person allowed more to a connection that was there.
    ConnectionWidened,
    /// A project was added.
    ProjectAdded,
    /// A project's name, administrators, members, scopes or external address changed.
    ProjectChanged,
    /// Someone had a project's server checked.
    ProjectChecked,
    /// Nothing may connect to a project any more.
    ProjectArchived,
    /// A project was brought back.
    ProjectRestored,
    /// An introspection credential was made for a project.
    CredentialMade,
    /// An introspection credential was given an end.
    CredentialRevoked,
    /// The secret key was given up for another one.
    SecretKeyReplaced,
}

impl Action {
    /// The word kept in the trail and used in exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionAuthorized => "connection.authorized",
            Self::ConnectionDenied => "connection.denied",
            Self::ConnectionRevoked => "connection.revoked",
            Self::MatchingRevoked => "matching.revoked",
            Self::ConnectionRenamed => "connection.renamed",
            Self::ConnectionDeleted => "connection.deleted",
            Self::ConnectionReplaced => "connection.replaced",
            Self::ConnectionRemoved => "connection.removed",
            Self::ClientCreated => "client.created",
            Self::ClientRegistered => "client.registered",
            Self::ClientChanged => "client.changed",
            Self::ClientSecretRotated => "client.secret_rotated",
            Self::ClientRevoked => "client.revoked",
            Self::ClientDeleted => "client.deleted",
            Self::ClientRemoved => "client.removed",
            Self::ClientBlocked => "client.blocked",
            Self::ClientUnblocked => "client.unblocked",
            Self::ConnectionWidened => "connection.widened",
            Self::ProjectAdded => "project.added",
            Self::ProjectChanged => "project.changed",
            Self::ProjectChecked => "project.checked",
            Self::ProjectArchived => "project.archived",
            Self::ProjectRestored => "project.restored",
            Self::CredentialMade => "credential.made",
            Self::CredentialRevoked => "credential.revoked",
            Self::SecretKeyReplaced => "secret_key.replaced",
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, by e-mail.
    Person(String),
    /// A client, with its own token or registration.
    Client,
    /// Someone with a shell on the server.
    CommandLine,
    /// Untether itself, by a rule.
    Untether,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Person(email) => email,
            Self::Client => "the client itself",
            Self::CommandLine => "command line",
            Self::Untether => "Untether",
        })
    }
}

/// What an event is about: ids, and the names people knew them by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The connection and its name.
    pub connection: Option<(ConnectionId, String)>,
    /// The client and its name.
    pub client: Option<(ClientId, String)>,
    /// The project and its name.
    pub project: Option<(ProjectId, String)>,
    /// The person and their e-mail.
    pub person: Option<(PersonId, String)>,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// The address the request came from, where known.
    pub address: Option<String>,
    /// Why, when a reason was given.
    pub reason: Option<String>,
    /// What more there is to say, in words.
    pub detail: Option<String>,
    /// What it is about.
    pub subject: Subject,
}
