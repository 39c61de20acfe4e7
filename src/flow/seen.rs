//! What the SSO proxy says of a person who is known, whatever they ask for: when they have
//! left a group, what only its members may connect ends at once.

use crate::{
    domain::{ids::PersonId, role::Identity},
    store::{self, Tx},
};

use super::{Context, revoke};

/// Why a connection ended whose person is no member any more.
pub(super) const NO_MEMBER: &str = "This person may no longer connect to this MCP server.";

/// Notes the groups that a person is in now, and ends the connections that these do not
/// allow any more. A proxy that says nothing about groups proves nothing.
///
/// # Errors
/// When the database fails.
pub async fn groups(
    tx: &mut Tx,
    context: &Context<'_>,
    person: &PersonId,
    identity: &Identity,
) -> store::Result<()> {
    let Some(groups) = &identity.groups else {
        return Ok(());
    };
    store::lock_several(tx).await?;
    if !store::person::set_groups(tx, person, groups).await? {
        return Ok(());
    }
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
