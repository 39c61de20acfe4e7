//! Clients and people as they are ranked by their names or totals, and the groups that they are.

use sqlx::{Encode, QueryBuilder, Type};

use crate::domain::{
    ids::{ClientId, PersonId, ProjectId},
    role::Reach,
};

use super::{
    Result, Tx,
    connection_filter::{Engine, Filter, Statuses, push_any, push_in, push_people},
    connection_group_counts::{
        Counted, Moved, push_clients, push_counted, push_elsewhere, push_sum,
    },
    connection_group_key::{GroupColumn, GroupKey, GroupOrder, GroupValue, Part, push_beyond},
    connection_group_rows::push_groups,
    connection_groups::{Group, GroupBy, Grouping, parsed},
    sql,
};

/// The next of the clients or people, by their names or totals.
///
/// # Errors
/// When the database fails.
pub(super) async fn ranked(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    from: Option<&GroupKey>,
    limit: u32,
) -> Result<Vec<GroupKey>> {
    let by_name = matches!(
        grouping.order.column,
        GroupColumn::Name | GroupColumn::Project
    );
    let ranked: Vec<(String, String, i64)> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT id, text, number FROM (");
        push_ranked(&mut query, filter, grouping);
        let value = if by_name { "text" } else { "number" };
        query.push(") AS ranked WHERE 1 = 1");
        push_beyond(&mut query, value, grouping.order, from);
        query.push(" LIMIT ").push_bind(i64::from(limit));
        query.build_query_as().fetch_all(c).await
    })?;
    let key = |(id, text, number)| GroupKey {
        value: match by_name {
            true => GroupValue::Text(text),
            false => GroupValue::Number(number),
        },
        id,
    };
    Ok(ranked.into_iter().map(key).collect())
}

/// Pushes a SELECT of all of them that the filter asks for: their ids, and what they are
/// ranked by.
fn push_ranked<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter, grouping: &Grouping)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    match grouping.order.column {
        // client_by_name
        GroupColumn::Name => {
            query.push("SELECT id, folded AS text, CAST(0 AS BIGINT) AS number FROM client ");
            query.push("WHERE 1 = 1");
        }
        // project_by_name, connection_count_by_project
        GroupColumn::Project => {
            query.push(
                "SELECT kept.client_id AS id, project.folded AS text, CAST(0 AS BIGINT) AS number
                FROM project
                CROSS JOIN connection_count AS kept
                WHERE kept.project_id = project.id AND 0 < ",
            );
            push_sum(query, filter.statuses);
            if let Reach::Some { projects, .. } = &filter.reach {
                query.push(" AND ");
                push_in(query, "project.id", projects);
            }
            push_any(query, "project.id", &filter.projects);
            push_clients(query, filter, "kept.client_id");
            return;
        }
        column => {
            query.push("SELECT id, '' AS text, ");
            match column {
                // connection_total_by_use
                GroupColumn::LastUsed => {
                    query.push("last_used_at");
                }
                _ => push_sum(query, filter.statuses),
            }
            query.push(" AS number FROM connection_total WHERE kind = ");
            query.push_bind(grouping.by.kind().to_owned());
            query.push(" AND 0 < ");
            // Of the statuses that time moves connections between, totals may lag behind.
            push_sum(
                query,
                match Moved::where_it_matters(filter) {
                    Moved::Ignored => filter.statuses,
                    Moved::Corrected => Statuses::ALL,
                },
            );
        }
    }
    match grouping.by {
        GroupBy::Client => push_clients(query, filter, "id"),
        GroupBy::Person => push_people(query, filter, "id"),
        GroupBy::Project => push_any(query, "id", &filter.projects),
    }
}

/// The groups of these clients or people.
///
/// # Errors
/// When the database fails.
pub(super) async fn counted(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    part: Part,
    ids: Vec<String>,
) -> Result<Vec<Group>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut filter = filter.clone();
    match grouping.by {
        GroupBy::Client => filter.clients = parsed(&ids, ClientId::parse),
        GroupBy::Person => filter.people = parsed(&ids, PersonId::parse),
        GroupBy::Project => filter.projects = parsed(&ids, ProjectId::parse),
    }
    // They are put in order afterwards.
    let unordered = Grouping {
        order: GroupOrder::RECENT,
        ..grouping.clone()
    };
    let mut groups: Vec<Group> = sql!(tx, |c| {
        let mut query = QueryBuilder::new("");
        push_groups(&mut query, &filter, &unordered, part, None);
        query.build_query_as().fetch_all(c).await
    })?;
    if grouping.by == GroupBy::Client && grouping.order.column == GroupColumn::Project {
        for (id, name) in first_projects(tx, &filter, &ids).await? {
            for group in groups.iter_mut().filter(|group| group.id == id) {
                group.first_project.clone_from(&name);
            }
        }
    }
    Ok(groups)
}

/// The first names of the projects that the wanted connections of these clients lead to, folded.
async fn first_projects(
    tx: &mut Tx,
    filter: &Filter,
    ids: &[String],
) -> Result<Vec<(String, String)>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT client_id, MIN(project.folded) FROM (");
        push_counted(&mut query, filter, Counted::Pairs(ids), Moved::Ignored);
        query.push(") AS counted CROSS JOIN project ");
        query.push("WHERE project.id = counted.project_id AND 0 < ");
        push_sum(&mut query, filter.statuses);
        query.push(" GROUP BY client_id");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The clients of the few connections that someone has at the projects of others.
///
/// # Errors
/// When the database fails.
pub(super) async fn elsewhere(tx: &mut Tx, filter: &Filter) -> Result<Vec<String>> {
    let Reach::Some {
        person: Some(person),
        projects,
    } = &filter.reach
    else {
        return Ok(Vec::new());
    };
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT DISTINCT client_id FROM (");
        push_elsewhere(&mut query, person, projects);
        query.push(") AS elsewhere WHERE 1 = 1");
        push_any(&mut query, "project_id", &filter.projects);
        push_clients(&mut query, filter, "client_id");
        query.build_query_scalar().fetch_all(c).await
    })?)
}
