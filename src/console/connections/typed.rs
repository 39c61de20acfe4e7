//! What someone types instead of choosing it: people by e-mail, projects by slug.

use actix_web::http::StatusCode;

use crate::{
    console::query::check_repeated,
    domain::{
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

/// The same parameters with the ids of the people who are named by e-mail, and of each
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
    check_repeated(params)?;
    let all = Filter::all(
        principal.sees(),
        app.rules.lifetimes.cutoffs(app.clock.now()),
    );
    let mut pairs = Vec::new();
    for (name, value) in params.pairs() {
        let ids = match (by_email(name, value), by_slug(name, value)) {
            (true, _) => people(tx, &all, value.trim()).await?,
            (_, true) => project(tx, &all, value.trim()).await?,
            _ => vec![value.to_owned()],
        };
        if ids.is_empty() {
            return Err(nothing_like(params, (name, value)));
        }
        pairs.extend(ids.into_iter().map(|id| (name, id)));
    }
    let pairs = pairs.iter().map(|(name, id)| (*name, id.as_str()));
    Ok(Some(Params::parse(encode(pairs).as_bytes())))
}

/// That nothing in sight has this e-mail or slug, with a way to the list without it.
fn nothing_like(params: &Params, named: (&str, &str)) -> Problem {
    let (heading, text) = match named {
        ("person", email) => (
            "No connections",
            format!(
                "Nobody with the e-mail \"{email}\" (person) has a connection that you can see."
            ),
        ),
        // It is not repeated: nothing tells what is hidden from what is not there.
        _ => (
            "No such project",
            "This is not the slug of a project that has a connection that you can see (project)."
                .to_owned(),
        ),
    };
    let others = params.pairs().filter(|pair| *pair != named);
    let list = match encode(others) {
        others if others.is_empty() => "/connections".to_owned(),
        others => format!("/connections?{others}"),
    };
    Problem::new(StatusCode::BAD_REQUEST, heading, text).with_link("The list without it", list)
}

/// The ids of the people with this e-mail who have connections in sight.
async fn people(tx: &mut Tx, all: &Filter, email: &str) -> store::Result<Vec<String>> {
    let people = store::person::by_email(tx, &fold_email(email)).await?;
    let limit = u32::try_from(people.len()).unwrap_or(u32::MAX);
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Filter {
        people,
        ..all.clone()
    };
    ids(tx, &filter, GroupBy::Person, limit).await
}

/// The id of the project with this slug, if it is in sight.
async fn project(tx: &mut Tx, all: &Filter, slug: &str) -> store::Result<Vec<String>> {
    let Ok(slug) = Slug::parse(&slug.to_lowercase()) else {
        return Ok(Vec::new());
    };
    let Some(project) = store::project::by_slug(tx, &slug).await? else {
        return Ok(Vec::new());
    };
    if all.reach.covers_project(&project.id) {
        return Ok(vec![project.id.to_string()]);
    }
    let filter = Filter {
        projects: vec![project.id],
        ..all.clone()
    };
    ids(tx, &filter, GroupBy::Project, 1).await
}

/// The ids of up to `limit` groups with connections.
async fn ids(tx: &mut Tx, filter: &Filter, by: GroupBy, limit: u32) -> store::Result<Vec<String>> {
    let grouping = Grouping {
        by,
        order: GroupOrder {
            column: GroupColumn::Name,
            descending: false,
        },
        with_empty: WithEmpty::No,
    };
    let found = connection_groups::page(tx, filter, &grouping, &GroupPlace::Start, limit).await?;
    Ok(found.into_iter().map(|group| group.id).collect())
}
