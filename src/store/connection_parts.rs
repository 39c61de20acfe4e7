//! A list that is walked in parts: one status after the other, or one project.

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::domain::{ids::ConnectionId, role::Reach};

use super::{
    Result, Tx,
    connection_filter::{Filter, Statuses, push_any, push_in},
    connection_key::{Key, KeyValue, Order, Place, Standing},
    connection_list::{Listed, walk},
    sql,
};

/// Walks one status after the other: each is sorted by its own index.
///
/// # Errors
/// When the database fails.
pub(super) async fn by_status(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<Vec<Listed>> {
    let mut standings = Standing::ALL;
    if order.descending != place.looks_back() {
        standings.reverse();
    }
    let begin = match place {
        Place::Start | Place::End => None,
        Place::After(key) | Place::Before(key) => match &key.value {
            KeyValue::Standing(standing, millis) => Some((
                *standing,
                Key {
                    value: KeyValue::Millis(*millis),
                    id: key.id.clone(),
                },
            )),
            KeyValue::Text(_) | KeyValue::Millis(_) => None,
        },
    };
    let backwards = place.looks_back();
    let first = begin.as_ref().map(|(standing, _)| *standing);
    let mut rows = Vec::new();
    for standing in standings
        .into_iter()
        .skip_while(|standing| first.is_some_and(|first| *standing != first))
    {
        let place = match &begin {
            Some((begun, key)) if *begun == standing && backwards => Place::Before(key.clone()),
            Some((begun, key)) if *begun == standing => Place::After(key.clone()),
            _ if backwards => Place::End,
            _ => Place::Start,
        };
        let filter = Filter {
            statuses: standing.among(filter.statuses),
            ..filter.clone()
        };
        let left = limit - rows.len() as u32;
        if left > 0 && filter.statuses != Statuses::NONE {
            let found = walk(tx, &filter, Order::NEWEST, &place, None, left).await?;
            rows.extend(found.into_iter().map(|row| Listed {
                place: KeyValue::Standing(standing, row.life.authorized_at.millis()),
                ..row
            }));
        }
    }
    Ok(rows)
}

/// Whether the filter asks for some projects alone, and these have many connections.
pub(super) fn is_of_big_projects(filter: &Filter) -> bool {
    let plan = filter.plan.as_ref();
    plan.is_some_and(|plan| plan.big_reach || (plan.big_projects && filter.reach == Reach::All))
}

/// Walks one project after the other, past those that nothing is asked of.
///
/// # Errors
/// When the database fails.
pub(super) async fn by_project(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
    limit: u32,
) -> Result<Vec<Listed>> {
    let ascends = order.direction(place) == "ASC";
    let first_id = ConnectionId::from(if ascends { Uuid::nil() } else { Uuid::max() });
    let mut rows = Vec::new();
    for name in project_names(tx, filter, order, place).await? {
        let begin = Key {
            value: KeyValue::Text(name.clone()),
            id: first_id.clone(),
        };
        let begin = match place {
            Place::After(key) | Place::Before(key) if key.value == begin.value => key.clone(),
            _ => begin,
        };
        let begin = match place.looks_back() {
            true => Place::Before(begin),
            false => Place::After(begin),
        };
        let left = limit - rows.len() as u32;
        if left > 0 {
            rows.extend(walk(tx, filter, order, &begin, Some(&name), left).await?);
        }
    }
    Ok(rows)
}

/// The names of the projects that the filter asks for, folded, from the place on.
async fn project_names(
    tx: &mut Tx,
    filter: &Filter,
    order: Order,
    place: &Place,
) -> Result<Vec<String>> {
    Ok(sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT DISTINCT folded FROM project WHERE 1 = 1");
        push_any(&mut query, "id", &filter.projects);
        if let Reach::Some { person, projects } = &filter.reach {
            query.push(" AND (");
            push_in(&mut query, "id", projects);
            if let Some(person) = person {
                query.push(" OR id IN (SELECT project_id FROM connection WHERE person_id = ");
                query.push_bind(person.to_string()).push(")");
            }
            query.push(")");
        }
        let direction = order.direction(place);
        if let Place::After(key) | Place::Before(key) = place
            && let KeyValue::Text(name) = &key.value
        {
            query.push(match direction {
                "ASC" => " AND folded >= ",
                _ => " AND folded <= ",
            });
            query.push_bind(name.clone());
        }
        query.push(format_args!(" ORDER BY folded {direction}"));
        query.build_query_scalar().fetch_all(c).await
    })?)
}
