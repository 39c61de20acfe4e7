//! Between which moments a connection may be counted as something else than its times say,
//! because nobody has looked since: so those few are found in the order of time, and need no
//! index of their own, which every revoke would have to write.

use crate::{clock::Timestamp, domain::connection::Cutoffs};

use super::{Result, Tx, connection_drift::Drift, sql};

/// What holds for every connection that is not revoked, by what it is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Bounds {
    /// Those counted as active were last used after this.
    pub active_used_after: Timestamp,
    /// They were also authorized after this.
    pub active_authorized_after: Timestamp,
    /// Those counted as expired were last used by this,
    pub expired_used_until: Timestamp,
    /// or authorized by this.
    pub expired_authorized_until: Timestamp,
}

impl Bounds {
    /// Before anyone has looked.
    pub const UNKNOWN: Self = Self {
        active_used_after: Timestamp::from_millis(i64::MIN),
        active_authorized_after: Timestamp::from_millis(i64::MIN),
        expired_used_until: Timestamp::from_millis(i64::MAX),
        expired_authorized_until: Timestamp::from_millis(i64::MAX),
    };

    /// Whether some connections may have drifted so.
    pub fn allow(self, drift: Drift) -> bool {
        match drift {
            Drift::Idle(since) => self.active_used_after < since,
            Drift::Aged(since) => self.active_authorized_after < since,
            Drift::Back(cutoffs) => {
                self.expired_used_until > cutoffs.used_before
                    || self.expired_authorized_until > cutoffs.authorized_before
            }
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Reads them. In the transaction that also reads the counts.
///
/// # Errors
/// When the database fails.
pub(super) async fn read(tx: &mut Tx) -> Result<Bounds> {
    const READ: &str = "
        SELECT active_used_after, active_authorized_after,
               expired_used_until, expired_authorized_until
        FROM connection_bounds";
    Ok(sql!(tx, |c| sqlx::query_as(READ).fetch_one(c).await)?)
}

/// Makes room for connections that are counted as active from now on, used and authorized
/// then or later. In their transaction.
///
/// # Errors
/// When the database fails.
pub(super) async fn admit_active(
    tx: &mut Tx,
    used: Timestamp,
    authorized: Timestamp,
) -> Result<()> {
    const ADMIT: &str = "
        UPDATE connection_bounds
        SET active_used_after =
                CASE WHEN active_used_after >= $1 THEN $1 - 1 ELSE active_used_after END,
            active_authorized_after =
                CASE WHEN active_authorized_after >= $2 THEN $2 - 1
                ELSE active_authorized_after END
        WHERE active_used_after >= $1 OR active_authorized_after >= $2";
    run(tx, ADMIT, [used, authorized]).await
}

/// The statement that sets a bound to a later moment.
macro_rules! raise {
    ($bound:literal) => {
        concat!(
            "UPDATE connection_bounds SET ",
            $bound,
            " = $1 WHERE ",
            $bound,
            " < $1"
        )
    };
}

/// Makes room for connections that the drift has counted as something else. In their
/// transaction.
///
/// # Errors
/// When the database fails.
pub(super) async fn admit(tx: &mut Tx, drift: Drift) -> Result<()> {
    match drift {
        Drift::Idle(since) => run(tx, raise!("expired_used_until"), [since]).await,
        Drift::Aged(since) => run(tx, raise!("expired_authorized_until"), [since]).await,
        Drift::Back(Cutoffs {
            used_before,
            authorized_before,
        }) => admit_active(tx, after(used_before), after(authorized_before)).await,
    }
}

/// Notes that no connection is left that has drifted so. In a transaction that has looked,
/// while nobody else marks any.
///
/// # Errors
/// When the database fails.
pub(super) async fn rule_out(tx: &mut Tx, drift: Drift) -> Result<()> {
    const BACK: &str = "
        UPDATE connection_bounds
        SET expired_used_until = $1, expired_authorized_until = $2
        WHERE expired_used_until > $1 OR expired_authorized_until > $2";
    match drift {
        Drift::Idle(since) => run(tx, raise!("active_used_after"), [since]).await,
        Drift::Aged(since) => run(tx, raise!("active_authorized_after"), [since]).await,
        Drift::Back(cutoffs) => {
            run(tx, BACK, [cutoffs.used_before, cutoffs.authorized_before]).await
        }
    }
}

const fn after(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.millis().saturating_add(1))
}

async fn run<const N: usize>(
    tx: &mut Tx,
    statement: &'static str,
    moments: [Timestamp; N],
) -> Result<()> {
    sql!(tx, |c| {
        let mut query = sqlx::query(statement);
        for moment in moments {
            query = query.bind(moment);
        }
        query.execute(c).await.map(drop)
    })?;
    Ok(())
}
