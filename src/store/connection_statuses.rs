//! The statuses that a filter wants.

/// Which statuses are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// Connections that work.
    pub active: bool,
    /// Connections unused for too long, or too old.
    pub expired: bool,
    /// Connections that someone ended.
    pub revoked: bool,
}

impl Statuses {
    /// Every status.
    pub const ALL: Self = Self {
        active: true,
        expired: true,
        revoked: true,
    };

    /// Active alone.
    pub const ACTIVE: Self = Self {
        active: true,
        ..Self::NONE
    };

    /// Expired alone.
    pub const EXPIRED: Self = Self {
        expired: true,
        ..Self::NONE
    };

    /// All but revoked.
    pub const UNREVOKED: Self = Self {
        revoked: false,
        ..Self::ALL
    };

    /// Revoked alone.
    pub const REVOKED: Self = Self {
        revoked: true,
        ..Self::NONE
    };

    /// No status.
    pub const NONE: Self = Self {
        active: false,
        expired: false,
        revoked: false,
    };

    /// All but these.
    pub const fn others(self) -> Self {
        Self {
            active: !self.active,
            expired: !self.expired,
            revoked: !self.revoked,
        }
    }

    /// These, without what has been revoked already.
    pub const fn unrevoked(self) -> Self {
        Self {
            revoked: false,
            ..self
        }
    }
}
