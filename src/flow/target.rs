//! Which project an authorization request is for (RFC 8707), and whether the person
//! may connect to it.

use crate::{
    domain::{
        client::Client,
        project::{Project, Slug},
        resource::ResourceKey,
        role::Identity,
    },
    store::{self, Tx, project::Endpoint},
};

use super::{ErrorCode, Refusal, archive, authorize::Request};

/// The most projects that a person is given to choose from.
const CHOICES: u32 = 500;

/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// This project.
    Project(Project),
    /// One of these, and the client does not say which.
    OneOf(Vec<Endpoint>),
    /// None that can be had.
    Refused(Refusal),
}

/// How much of an unknown resource is said again, in characters.
const SHOWN: usize = 200;

impl Target {
    fn unknown(description: &str) -> Self {
        Self::Refused(Refusal::new(ErrorCode::InvalidTarget, description))
    }

    /// The project, if this person may connect to it.
    fn of(project: Project, identity: &Identity) -> Self {
        if project.archived_at.is_some() {
            Self::Refused(archive::refusal())
        } else if project.members.admit(identity) {
            Self::Project(project)
        } else {
            Self::Refused(not_a_member())
        }
    }
}

/// The project that `resource` names, else the one the client belongs to, else the
/// one that the person chose, else the only one that they may connect to.
pub(super) async fn find(
    tx: &mut Tx,
    request: &Request,
    client: &Client,
    identity: &Identity,
) -> store::Result<Target> {
    let project = match (request.resources.as_slice(), &client.project) {
        ([resource], _) => match ResourceKey::of(resource) {
            Some(key) => store::project::by_resource(tx, &key).await?,
            None => None,
        },
        ([], Some(own)) => store::project::by_id(tx, own).await?,
        ([], None) => return among_all(tx, request.chosen.as_deref(), identity).await,
        ([..], _) => return Ok(Target::unknown("one resource at a time")),
    };
    let Some(project) = project else {
        let resource = request
            .resources
            .iter()
            .flat_map(|resource| resource.chars());
        let shown: String = resource.take(SHOWN).collect();
        return Ok(Target::unknown(&format!(
            "no project with this resource is known here: {shown}"
        )));
    };
    let own = client.project.as_ref();
    if own.is_some_and(|own| *own != project.id) {
        return Ok(Target::unknown("this client belongs to another project"));
    }
    Ok(Target::of(project, identity))
}

/// The chosen one, if the person may connect to it; else the only one, or some to choose
/// from. Untether's own project is meant only when there is no other, or when it was
/// chosen.
async fn among_all(
    tx: &mut Tx,
    chosen: Option<&str>,
    identity: &Identity,
) -> store::Result<Target> {
    if let Some(slug) = chosen.and_then(|chosen| Slug::parse(chosen).ok())
        && let Some(project) = store::project::by_slug(tx, &slug).await?
        && let Target::Project(project) = Target::of(project, identity)
    {
        return Ok(Target::Project(project));
    }
    let all = store::project::open_first(tx, CHOICES).await?;
    let (own, mut open): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|project| project.slug == Slug::own());
    let were_others = !open.is_empty();
    open.retain(|project| !project.archived);
    let others = open.len();
    open.retain(|project| project.members.admit(identity));
    let only = match (open.as_slice(), others) {
        ([], 0) if were_others => return Ok(Target::Refused(archive::refusal())),
        ([], 0) => own.first(),
        ([], _) => return Ok(Target::Refused(not_a_member())),
        ([only], _) => Some(only),
        ([..], _) => {
            open.extend(own);
            return Ok(Target::OneOf(open));
        }
    };
    let project = match only {
        Some(only) => store::project::by_id(tx, &only.id).await?,
        None => None,
    };
    let none = || Target::unknown("there is no project");
    Ok(project.map_or_else(none, Target::Project))
}

fn not_a_member() -> Refusal {
    Refusal::new(
        ErrorCode::AccessDenied,
        "you may not connect to this MCP server: ask those who administer it",
    )
}
