//! Who may see and who may change what: the one place that decides it.

use std::{fmt, str::FromStr};

use super::{
    client::{chooses_look, disturbs},
    ids::{PersonId, ProjectId},
};

/// The longest name of a person or group, in characters.
const PRINCIPAL_LIMIT: usize = 320;

/// What stands before the name of a group.
const GROUP: &str = "group:";

/// How settings and projects name people: by e-mail or by group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalName {
    /// One person, by e-mail in lower case.
    Email(String),
    /// Everyone whom the SSO proxy reports in this group.
    Group(String),
}

impl FromStr for PrincipalName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = trim(text);
        if text.chars().count() > PRINCIPAL_LIMIT {
            return Err(format!(
                "a name of a person or group has at most {PRINCIPAL_LIMIT} characters"
            ));
        }
        if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err(format!("{text:?} has a character that no name has"));
        }
        // However it is written: an e-mail in lower case must not become a group.
        let prefix = text.get(..GROUP.len());
        if prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(GROUP)) {
            let group = &text[GROUP.len()..];
            return match trim(group) {
                "" => Err("\"group:\" must be followed by the group's name".into()),
                group => Ok(Self::Group(group.to_owned())),
            };
        }
        match text.split_once('@') {
            Some((user, host))
                if !user.is_empty()
                    && !host.is_empty()
                    && !text.contains(|c: char| {
                        c.is_whitespace() || disturbs(c) || chooses_look(c) || ",;<>".contains(c)
                    }) =>
            {
                Ok(Self::Email(fold_email(text)))
            }
            _ => Err(format!("\"{text}\" is neither an e-mail nor group:NAME")),
        }
    }
}

/// Leaves out what may stand around the name of a person or group. Other white space is part of
/// it, and makes it another name: nobody shall come by someone else's rights with it.
pub fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c.is_ascii_whitespace())
}

impl PrincipalName {
    /// A name that was stored as it displays.
    pub fn from_stored(text: String) -> Self {
        match text.strip_prefix(GROUP) {
            Some(group) => Self::Group(group.to_owned()),
            None => Self::Email(text),
        }
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(email) => f.write_str(email),
            Self::Group(group) => write!(f, "group:{group}"),
        }
    }
}

/// An e-mail as it is kept and compared: in lower case. A letter outside of ASCII never
/// becomes one inside: the lower case of the Kelvin sign is k, in a mailbox of someone else.
/// The two sigmas in lower case, which have one capital, are one letter.
pub fn fold_email(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii()) {
            folded.push(c);
        } else if c == 'ς' {
            folded.push('σ');
        } else {
            folded.extend(c.to_lowercase());
        }
    }
    folded
}

/// A person's name as the SSO proxy sent it, without what would reorder or hide the text
/// around it, or cannot be seen; `None` when nothing is left.
pub fn shown_name(text: &str) -> Option<String> {
    let shown: String = text.chars().filter(|c| !disturbs(*c)).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Who the SSO proxy says is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What identifies the person for good: the lower-cased e-mail unless a
    /// subject header is configured.
    pub subject: String,
    /// E-mail in lower case.
    pub email: String,
    /// Name for people to read; the e-mail when the proxy sends none.
    pub name: String,
    /// Groups, or `None` when the proxy says nothing about groups.
    pub groups: Option<Vec<String>>,
}

impl Identity {
    /// The same, called as before where nothing is said of the name: then it is the e-mail.
    #[must_use]
    pub fn called_as(&self, before: &Self) -> Self {
        let is_named = self.name != self.email || before.name == before.email;
        let name = if is_named { &self.name } else { &before.name };
        Self {
            name: name.clone(),
            ..self.clone()
        }
    }

    /// Whether `name` names this person.
    pub fn is_named_by(&self, name: &PrincipalName) -> bool {
        match name {
            PrincipalName::Email(email) => *email == self.email,
            PrincipalName::Group(group) => self.groups.iter().flatten().any(|known| known == group),
        }
    }

    /// Every [`PrincipalName`] of this person, as stored.
    pub fn principal_names(&self) -> Vec<String> {
        let groups = self.groups.iter().flatten();
        std::iter::once(PrincipalName::Email(self.email.clone()))
            .chain(groups.map(|group| PrincipalName::Group(group.clone())))
            .map(|name| name.to_string())
            .collect()
    }
}

/// A person's role in the whole organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationRole {
    /// Sees and changes everything.
    Owner,
    /// Sees everything, and looks after their own connections like everyone.
    Auditor,
    /// Looks after their own connections and the projects they administer.
    Member,
}

/// The person behind a request, with what their roles let them do.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who it is.
    pub identity: Identity,
    /// Their record, once they have connected something.
    pub person: Option<PersonId>,
    /// Their role in the organization.
    pub role: OrganizationRole,
    /// The projects they administer.
    pub administers: Vec<ProjectId>,
}

impl Principal {
    /// The connections this person may see.
    pub fn sees(&self) -> Reach {
        match self.role {
            OrganizationRole::Owner | OrganizationRole::Auditor => Reach::All,
            OrganizationRole::Member => self.own_and_administered(),
        }
    }

    /// The connections this person may change: never more than they see.
    pub fn changes(&self) -> Reach {
        match self.role {
            OrganizationRole::Owner => Reach::All,
            OrganizationRole::Auditor => Reach::Some {
                person: self.person.clone(),
                projects: Vec::new(),
            },
            OrganizationRole::Member => self.own_and_administered(),
        }
    }

    /// Whether projects are theirs to add.
    pub fn adds_projects(&self) -> bool {
        self.role == OrganizationRole::Owner
    }

    /// Whether a project with these administrators would still be theirs to change.
    pub fn keeps_administering(&self, administrators: &[PrincipalName]) -> bool {
        let named = |name| self.identity.is_named_by(name);
        self.role == OrganizationRole::Owner || administrators.iter().any(named)
    }

    /// The role in words.
    pub fn role_word(&self) -> &'static str {
        match self.role {
            OrganizationRole::Owner => "Owner",
            OrganizationRole::Auditor => "Auditor",
            OrganizationRole::Member if !self.administers.is_empty() => "Project administrator",
            OrganizationRole::Member => "Member",
        }
    }

    /// Whether the organization's list, rather than their own, is theirs to look after.
    pub fn looks_beyond_themselves(&self) -> bool {
        self.role != OrganizationRole::Member || !self.administers.is_empty()
    }

    fn own_and_administered(&self) -> Reach {
        Reach::Some {
            person: self.person.clone(),
            projects: self.administers.clone(),
        }
    }
}

/// A set of connections, by whose they are and where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every connection of the organization.
    All,
    /// Those of one person and those of some projects; maybe none.
    Some {
        /// Whose connections.
        person: Option<PersonId>,
        /// The projects all of whose connections are included.
        projects: Vec<ProjectId>,
    },
}

impl Reach {
    /// Whether it can have no connection in it, whatever there is.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::All => false,
            Self::Some { person, projects } => person.is_none() && projects.is_empty(),
        }
    }

    /// Whether a connection of `owner` to `project` is in the set.
    pub fn covers(&self, owner: &PersonId, project: &ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Some { person, projects } => {
                person.as_ref() == Some(owner) || projects.contains(project)
            }
        }
    }

    /// Whether all of a project's connections are in the set.
    pub fn covers_project(&self, project: &ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Some { projects, .. } => projects.contains(project),
        }
    }

    /// Whether all connections to the project are in the set; to every project when `None`.
    pub fn covers_projects(&self, project: Option<&ProjectId>) -> bool {
        match project {
            Some(project) => self.covers_project(project),
            None => *self == Self::All,
        }
    }

    /// Whether a client is in sight: one that belongs to an included `project`, or has a
    /// connection in the set (`connected`).
    pub fn covers_client(&self, project: Option<&ProjectId>, connected: bool) -> bool {
        match self {
            Self::All => true,
            Self::Some { projects, .. } => {
                connected || project.is_some_and(|project| projects.contains(project))
            }
        }
    }

    /// Whether a person is in sight: oneself, or someone with a connection in the set
    /// (`connected`).
    pub fn covers_person(&self, who: &PersonId, connected: bool) -> bool {
        match self {
            Self::All => true,
            Self::Some { person, .. } => connected || person.as_ref() == Some(who),
        }
    }
}
