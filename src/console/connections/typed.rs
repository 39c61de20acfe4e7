//! What someone types instead of choosing it: people by e-mail, projects by slug.

use crate::{
    domain::{
        connection::Cutoffs,
        ids::ProjectId,
        project::Slug,
        role::{Principal, fold_email},
    },
    store::{
        self, Tx,
        connection_filter::Filter,
        connection_groups::{
            self, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
    },
    web::{
        params::{Params, encode},
        problem::Problem,
        state::App,
    },
};

/// How many people are looked through for the one whose e-mail it is.
const LIMIT: u32 = 100;

/// The same parameters with the id of each person who is named by e-mail, and of each
/// project that is named by its slug; `None` when nothing is named like that.
///
/// # Errors
/// A page, when someone or something named has no connection that this person sees.
pub(in crate::console) async fn to_ids(
    tx: &mut Tx,
    app: &App,
    principal: &Principal,
    params: &Params,
) -> Result<Option<Params>, Problem> {
    let by_email = |name: &str, value: &str| name == "person" && value.contains('@');
    let by_slug = |name: &str, value: &str| {
        name == "project" && !value.trim().is_empty() && ProjectId::parse(value).is_none()
    };
    let is_named = |(name, value)| by_email(name, value) || by_slug(name, value);
    if !params.pairs().any(is_named) {
        return Ok(None);
    }
    let cutoffs = app.rules.lifetimes.cutoffs(app.clock.now());
    let mut pairs = Vec::new();
    for (name, value) in params.pairs() {
        let value = match (by_email(name, value), by_slug(name, value)) {
            (true, _) => person(tx, principal, cutoffs, value.trim()).await?,
            (_, true) => project(tx, principal, cutoffs, value.trim()).await?,
            _ => value.to_owned(),
        };
        pairs.push((name, value));
    }
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    Ok(Some(Params::parse(encode(pairs).as_bytes())))
}

/// The id of the project with this slug.
async fn project(
    tx: &mut Tx,
    principal: &Principal,
    cutoffs: Cutoffs,
    text: &str,
) -> Result<String, Problem> {
    let slug = Slug::parse(&text.to_lowercase());
    let found = match &slug {
        Ok(slug) => store::project::by_slug(tx, slug).await?,
        Err(_) => None,
    };
    let sees = principal.sees();
    if let Some(project) = found {
        let filter = Filter {
            projects: vec![project.id.clone()],
            ..Filter::all(sees.clone(), cutoffs)
        };
        let seen = sees.covers_project(&project.id)
            || !connection_groups::page(tx, &filter, &by(GroupBy::Project), &GroupPlace::Start, 1)
                .await?
                .is_empty();
        if seen {
            return Ok(project.id.to_string());
        }
    }
    // It is not repeated: nothing tells what is hidden from what is not there.
    Err(Problem::bad_request(
        "project is not the slug of a project that has a connection that you can see.",
    )
    .with_link("All connections", "/connections"))
}

/// Groups by name, without empty ones.
fn by(by: GroupBy) -> Grouping {
    Grouping {
        by,
        order: GroupOrder {
            column: GroupColumn::Name,
            descending: false,
        },
        with_empty: WithEmpty::No,
    }
}

/// The id of the person with this e-mail.
async fn person(
    tx: &mut Tx,
    principal: &Principal,
    cutoffs: Cutoffs,
    email: &str,
) -> Result<String, Problem> {
    let filter = Filter {
        text: Some(email.to_owned()),
        ..Filter::all(principal.sees(), cutoffs)
    };
    let grouping = by(GroupBy::Person);
    let found = connection_groups::page(tx, &filter, &grouping, &GroupPlace::Start, LIMIT).await?;
    let email = fold_email(email);
    let found = found.into_iter().find(|person| person.detail == email);
    found.map(|person| person.id).ok_or_else(|| {
        Problem::bad_request(format!(
            "person is \"{email}\", and nobody with this e-mail has a connection that you can see."
        ))
        .with_link("All connections", "/connections")
    })
}
