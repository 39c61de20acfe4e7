//! People who are equal in what their groups are sorted by: none is skipped and none is met
//! twice, however few are read at a time.

use untether::{
    domain::{ids::ProjectId, role::Reach},
    store::{
        connection_filter::Filter,
        connection_groups::{GroupBy, GroupColumn, GroupOrder, Grouping, WithEmpty},
        connection_plan,
    },
};

use crate::{
    paging::{SMALL, walk},
    support::TestApp,
};

#[actix_web::test]
async fn people_whose_connections_were_used_at_the_same_moment_are_met_once_and_in_order() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let other = app.project("wiki", &[]).await;
    let host = app.host("Cursor").await;
    let people = ["ana", "bo", "cleo", "dan", "eve", "finn", "gus"];
    for name in people.iter().chain(&["dan", "ana"]) {
        let person = app.person(name);
        host.connects(&person, &server).await;
        host.connects(&person, &other).await;
    }
    let search = "SELECT id FROM project WHERE slug = 'search'";
    let search = app.database.texts(search).await.remove(0);
    let mut tx = app.app.db.snapshot().await.unwrap();
    let cutoffs = app.app.rules.lifetimes.cutoffs(app.now());
    let of_one_project = Filter {
        projects: vec![ProjectId::parse(&search).unwrap()],
        ..Filter::all(Reach::All, cutoffs)
    };
    let filter = connection_plan::settled_within(&mut tx, &of_one_project, SMALL)
        .await
        .unwrap();
    for order in [
        GroupOrder::RECENT,
        GroupOrder {
            column: GroupColumn::Name,
            descending: false,
        },
        GroupOrder {
            column: GroupColumn::Name,
            descending: true,
        },
    ] {
        let grouping = Grouping {
            by: GroupBy::Person,
            order,
            with_empty: WithEmpty::No,
        };
        for limit in 1..=8 {
            let groups = walk(&mut tx, &filter, &grouping, limit, false).await;
            let met = groups.iter().map(|group| match order.column {
                GroupColumn::Name => group.name.as_str(),
                _ => group.id.as_str(),
            });
            let met: Vec<_> = met.collect();
            let mut expected = met.clone();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(expected.len(), people.len(), "{order:?}, {limit} at a time");
            if order.descending {
                expected.reverse();
            }
            assert_eq!(met, expected, "{order:?}, {limit} at a time");
        }
    }
}
