//! What the SSO proxy says of a person who is known, whatever they ask for: it is what they are
//! called from then on, and when they have left a group, or have another e-mail, what they may
//! not connect any more ends at once.

use crate::{
    domain::{ids::PersonId, role::Identity},
    store::{self, Tx},
};

use super::{Context, revoke};

/// Why a connection ended whose person is no member any more.
pub(super) const NO_MEMBER: &str = "This person may no longer connect to this MCP server.";

/// Notes what a person is called now, and the groups that they are in, and ends the connections
/// that these do not allow any more. A proxy that says nothing about groups proves nothing.
///
/// # Errors
/// When the database fails.
pub async fn again(
    tx: &mut Tx,
    context: &Context<'_>,
    person: &PersonId,
    identity: &Identity,
) -> store::Result<()> {
    store::lock_several(tx).await?;
    if !store::person::renew(tx, person, identity).await? {
        return Ok(());
    }
    store::person::sort(tx, person, identity).await?;
    let limited = store::project::limited(tx, person).await?;
    let excluded = limited
        .into_iter()
        .filter(|(_, members)| members.exclude(identity));
    let ids: Vec<_> = excluded.map(|(id, _)| id).collect();
    if !ids.is_empty() {
        revoke::end(tx, context, &ids, Some(NO_MEMBER)).await?;
    }
    Ok(())
}
