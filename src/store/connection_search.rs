//! Where a search term stands: in a connection's own name, or in those of its
//! client and person.
//!
//! A name has two parts, at the last `#`. The first, its stem, is part of the
//! client's name, except in the few connections of `connection_by_other_stem`:
//! so whoever looks at clients, people, labels and those stems misses none.

use sqlx::{Encode, QueryBuilder, Type};

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, folded, push_in},
    connection_plan::Limits,
    engine::At,
    sql,
    trigram::{Named, push_keys},
};

/// The connections that a term is found in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Found {
    /// All of them.
    #[default]
    Everywhere,
    /// Those of the clients whose names have it, and no others.
    OfClients,
    /// Those of the people whose names have it, and no others: of these, or of more than
    /// are named one by one.
    OfPeople(Option<Vec<String>>),
    /// Few: those of these clients and people, and those whose names have it.
    Few(Holders),
    /// Many: each connection's names tell. Some of those whose connections they are.
    Many(Holders),
}

/// Whose connections a term is found in, and the labels of those whose names may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holders {
    clients: Vec<String>,
    people: Vec<String>,
    labels: Labels,
    /// How many connections those are; `None` when more may have the term.
    rows: Option<i64>,
}

/// The labels of connections whose own names may have a term.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Labels {
    /// These.
    Listed(Vec<String>),
    /// More than are listed: those that begin so.
    Beginning(String),
    /// More than are listed, of whatever shape.
    Any,
}

impl Found {
    /// Before anyone has looked.
    pub const UNKNOWN: Self = Self::Many(Holders {
        clients: Vec::new(),
        people: Vec::new(),
        labels: Labels::Listed(Vec::new()),
        rows: None,
    });
}

impl Holders {
    /// Whether it is quicker to gather their connections than to read all there are.
    pub fn are_gathered(&self, limit: i64) -> bool {
        self.rows.is_some_and(|rows| rows <= limit)
    }

    /// The columns of `connection` that name them.
    pub fn columns(&self) -> [(&'static str, &[String]); 3] {
        let labels = match &self.labels {
            Labels::Listed(labels) => labels.as_slice(),
            Labels::Beginning(_) | Labels::Any => &[],
        };
        [
            ("client_id", &self.clients),
            ("person_id", &self.people),
            ("label", labels),
        ]
    }
}

/// Where the term is found, and in at least how many connections.
///
/// # Errors
/// When the database fails.
pub(super) async fn find(tx: &mut Tx, text: &str, limits: Limits) -> Result<(Found, i64)> {
    if is_of_everyone(tx, text).await? {
        return Ok((Found::Everywhere, 0));
    }
    let clients = holders(tx, (Named::Client, "client"), text, limits).await?;
    let people = holders(tx, (Named::Person, "person"), text, limits).await?;
    let rows = sum(&clients, limits) + sum(&people, limits);
    let labels = labels(tx, text, limits).await?;
    let named = named(tx, text, &labels, limits).await?;
    let all = labels != Labels::Any
        && [clients.len(), people.len()]
            .iter()
            .all(|named| (*named as i64) < limits.listed);
    let ids = |holders: &[(String, i64)]| holders.iter().map(|(id, _)| id.clone()).collect();
    let holders = Holders {
        clients: ids(&clients),
        people: ids(&people),
        labels,
        rows: all.then_some(rows + named),
    };
    let found = match (clients.is_empty(), people.is_empty(), named) {
        (false, true, 0) => Found::OfClients,
        (true, false, 0) => {
            let all = (holders.people.len() as i64) < limits.listed;
            Found::OfPeople(all.then_some(holders.people))
        }
        _ if rows + named <= limits.few => Found::Few(holders),
        _ => Found::Many(holders),
    };
    Ok((found, rows + named))
}

/// Up to [`Limits::listed`] of those with connections whose names have the term, and how many
/// connections each has.
async fn holders(
    tx: &mut Tx,
    (holder, kind): (Named, &str),
    text: &str,
    limits: Limits,
) -> Result<Vec<(String, i64)>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT named.id, active + expired + revoked FROM (");
        push_keys(&mut query, holder, text);
        query.push(") AS named CROSS JOIN connection_total WHERE connection_total.kind = ");
        query.push_bind(kind);
        query.push(" AND connection_total.id = named.id AND active + expired + revoked > 0 LIMIT ");
        query.push_bind(limits.listed);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// How many connections they have; more than few when not all of them are listed.
fn sum(holders: &[(String, i64)], limits: Limits) -> i64 {
    let listed = holders.iter().map(|(_, rows)| rows).sum();
    match holders.len() as i64 == limits.listed {
        true => limits.few.max(listed) + 1,
        false => listed,
    }
}

/// Whether there is nobody whose name does not have the term.
async fn is_of_everyone(tx: &mut Tx, text: &str) -> Result<bool> {
    let other: Option<String> = sql!(tx, |c| {
        // people_by_name, up to the first such name.
        let mut query = QueryBuilder::new("SELECT folded FROM people WHERE NOT ");
        push_has(&mut query, "folded", text);
        query.push(" LIMIT 1");
        query.build_query_scalar().fetch_optional(c).await
    })?;
    Ok(other.is_none())
}

/// The labels that have the term, or begin with what follows its `#`: up to
/// [`Limits::listed`] of them are listed.
async fn labels(tx: &mut Tx, text: &str, limits: Limits) -> Result<Labels> {
    let beginning = text.rsplit_once('#').map(|(_, beginning)| beginning);
    // A connection's name has each at most once, and there are few different ones.
    let labels: Vec<String> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        match beginning {
            Some(beginning) => {
                query.push("SELECT text FROM connection_label WHERE ");
                push_begins(&mut query, "text", beginning);
            }
            None => push_keys(&mut query, Named::Label, text),
        }
        query.push(" LIMIT ").push_bind(limits.listed);
        query.build_query_scalar().fetch_all(c).await
    })?;
    Ok(match beginning {
        _ if (labels.len() as i64) < limits.listed => Labels::Listed(labels),
        Some(beginning) if !beginning.is_empty() => Labels::Beginning(beginning.to_owned()),
        _ => Labels::Any,
    })
}

/// How many connections the term may be in the own name of, counted up to one more
/// than few, or than may be gathered.
async fn named(tx: &mut Tx, text: &str, labels: &Labels, limits: Limits) -> Result<i64> {
    let most = match labels {
        Labels::Listed(_) => limits.few + 1,
        Labels::Beginning(_) => limits.gathered + 1,
        Labels::Any => return Ok(limits.few + 1),
    };
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM (SELECT 1 FROM (");
        push_named(&mut query, text, labels);
        query.push(") AS matches LIMIT ").push_bind(most);
        query.push(") AS counted");
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// The rows of the connections with one of these labels, or with the term in a stem that
/// is no part of the client's name.
fn push_named<D: Engine>(query: &mut QueryBuilder<D>, text: &str, labels: &Labels)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    // connection_by_other_stem has few rows, and each is looked at.
    query
        .push("SELECT ")
        .push(D::ROW)
        .push(" FROM connection")
        .push(D::BY_OTHER_STEM)
        .push(" WHERE ")
        .push(D::OTHER_STEM)
        .push(" AND ");
    push_has(query, "stem", text);
    // connection_by_label
    match labels {
        Labels::Listed(labels) if !labels.is_empty() => {
            push_more_rows(query);
            push_in(query, "label", labels);
        }
        Labels::Beginning(beginning) => {
            push_more_rows(query);
            query.push("label IN (SELECT text FROM connection_label WHERE ");
            push_begins(query, "text", beginning);
            query.push(")");
        }
        Labels::Listed(_) | Labels::Any => return,
    }
    // What stands before a # ends the stem of such a name.
    if let Some((end, _)) = text.rsplit_once('#') {
        query.push(" AND ");
        push_has(query, "stem", end);
    }
}

/// Begins one more part of a query for rows of connections, up to its condition.
fn push_more_rows<D: Engine>(query: &mut QueryBuilder<D>) {
    query
        .push(" UNION ALL SELECT ")
        .push(D::ROW)
        .push(" FROM connection WHERE ");
}

/// Pushes the condition that the text stands somewhere in the connection.
pub(super) fn push_text<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Some(text) = &filter.text else {
        return;
    };
    match filter.found() {
        // Clients and people are pushed with the other conditions on them.
        Found::Everywhere | Found::OfClients | Found::OfPeople(_) => {}
        Found::Few(holders) => {
            let [begin, end] = D::ONE_OF;
            query.push(" AND connection.").push(D::ROW).push(begin);
            push_named(query, text, &holders.labels);
            for (column, ids) in holders.columns().into_iter().take(2) {
                if !ids.is_empty() {
                    // connection_by_client, connection_by_person
                    push_more_rows(query);
                    push_in(query, column, ids);
                }
            }
            query.push(end);
            // After a #, a label need only begin with what follows it.
            if text.contains('#') {
                push_names(query, text);
            }
        }
        Found::Many(_) => push_names(query, text),
    }
}

/// Pushes the condition that the text stands in the name of the connection's person.
pub(super) fn push_person_name<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter) {
    if let Some(text) = &filter.text {
        query.push(" AND ");
        push_has(query, "connection.person_folded", text);
    }
}

/// That the connection's names have the term: its own, its client's or its person's.
fn push_names<D: Engine>(query: &mut QueryBuilder<D>, text: &str) {
    for (before, column) in [
        (" AND (", "connection.folded"),
        (" OR ", "connection.client_folded"),
        (" OR ", "connection.person_folded"),
    ] {
        query.push(before);
        push_has(query, column, text);
    }
    query.push(")");
}

/// That the text stands somewhere in a column of [`folded`] text, in whatever case it was
/// typed.
pub(super) fn push_has<D: Engine>(query: &mut QueryBuilder<D>, column: &str, text: &str) {
    D::push_stands(query, column, &folded(&[text]), At::Anywhere);
}

/// That it begins with the text.
fn push_begins<D: Engine>(query: &mut QueryBuilder<D>, column: &str, text: &str) {
    D::push_stands(query, column, &folded(&[text]), At::Beginning);
}
