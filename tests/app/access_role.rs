//! Who asks in the tests of access, and whose the thing is that they ask for.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Auditor,
    /// Administers the project "search".
    Administrator,
    /// Has connected something.
    Member,
    /// Is signed in, and has connected nothing.
    Stranger,
    /// Comes without an identity.
    Nobody,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "olivia",
            Self::Auditor => "arthur",
            Self::Administrator => "pablo",
            Self::Member => "ana",
            Self::Stranger => "stranger",
            Self::Nobody => "nobody",
        }
    }

    /// Whose things the column of its own shows: it may have none.
    pub fn connects_as(self) -> &'static str {
        match self {
            Self::Stranger | Self::Nobody => "nora",
            _ => self.name(),
        }
    }

    /// Whether the things in this column are in sight.
    pub fn sees(self, whose: Whose) -> bool {
        match self {
            Self::Owner | Self::Auditor => true,
            Self::Administrator => whose != Whose::Foreign,
            Self::Member => whose == Whose::Own,
            Self::Stranger | Self::Nobody => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Own,
    Administered,
    Foreign,
    Missing,
}

pub const COLUMNS: [Whose; 4] = [
    Whose::Own,
    Whose::Administered,
    Whose::Foreign,
    Whose::Missing,
];
