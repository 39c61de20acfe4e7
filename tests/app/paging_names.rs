//! The connections of clients whose names have a search term, in the order of names: each
//! is met once and in its place, however few are read at a time.

use untether::{
    domain::role::Reach,
    store::{
        connection_filter::{Filter, Statuses},
        connection_list::{Column, Order},
        connection_plan,
    },
};

use crate::{paging::SMALL, paging_model::World};

/// In the names of all clients but one, and nowhere else.
const TERM: &str = "wolke";

/// Gives every client but one a name with the term.
async fn rename(world: &mut World) {
    let other = world.clients[0].id.clone();
    let rename = format!(
        "UPDATE client SET folded = folded || '{TERM}' WHERE id <> '{other}';
         UPDATE connection SET client_folded = client_folded || '{TERM}'
         WHERE client_id <> '{other}';"
    );
    world.app.database.execute(&rename).await;
    for row in &mut world.rows {
        if row.client.id != other {
            row.client.folded.push_str(TERM);
        }
    }
}

#[actix_web::test]
async fn connections_of_clients_with_a_term_are_met_once_and_in_the_order_of_names() {
    let mut world = World::make(11).await;
    rename(&mut world).await;
    let cutoffs = world.app.app.rules.lifetimes.cutoffs(world.app.now());
    for statuses in [Statuses::ALL, Statuses::UNREVOKED, Statuses::REVOKED] {
        let filter = Filter {
            statuses,
            text: Some(TERM.to_owned()),
            ..Filter::all(Reach::All, cutoffs)
        };
        let mut tx = world.app.app.db.snapshot().await.unwrap();
        let settled = connection_plan::settled_within(&mut tx, &filter, SMALL).await;
        drop(tx);
        let settled = settled.unwrap();
        for (column, descending) in [
            (Column::Name, false),
            (Column::Name, true),
            (Column::Client, false),
            (Column::Client, true),
        ] {
            let order = Order { column, descending };
            for limit in [1, 2, 3, 7, 500] {
                world.check_pages(&settled, order, limit).await;
            }
        }
    }
}
