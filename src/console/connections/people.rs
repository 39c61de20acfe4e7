//! People asked for by e-mail, as someone types them.

use crate::{
    domain::role::{Principal, fold_email},
    store::{
        Tx,
        connection_filter::Filter,
        connection_groups::{self, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping},
    },
    web::{
        params::{Params, encode},
        problem::Problem,
        state::App,
    },
};

/// How many people are looked through for the one whose e-mail it is.
const LIMIT: u32 = 100;

/// The same parameters with the id of each person who is named by e-mail.
///
/// # Errors
/// A page, when someone named has no connection that this person sees.
pub(super) async fn by_email(
    tx: &mut Tx,
    app: &App,
    principal: &Principal,
    params: Params,
) -> Result<Params, Problem> {
    if !params.all("person").iter().any(|text| text.contains('@')) {
        return Ok(params);
    }
    let mut pairs = Vec::new();
    for (name, value) in params.pairs() {
        let value = match name == "person" && value.contains('@') {
            true => find(tx, app, principal, value.trim()).await?,
            false => value.to_owned(),
        };
        pairs.push((name, value));
    }
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str()));
    Ok(Params::parse(encode(pairs).as_bytes()))
}

/// The id of the person with this e-mail.
async fn find(
    tx: &mut Tx,
    app: &App,
    principal: &Principal,
    email: &str,
) -> Result<String, Problem> {
    let cutoffs = app.rules.lifetimes.cutoffs(app.clock.now());
    let filter = Filter {
        text: Some(email.to_owned()),
        ..Filter::all(principal.sees(), cutoffs)
    };
    let grouping = Grouping {
        by: GroupBy::Person,
        order: GroupOrder {
            column: GroupColumn::Name,
            descending: false,
        },
        with_empty: false,
    };
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
