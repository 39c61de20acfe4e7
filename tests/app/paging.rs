//! Invariant 4 for lists and groups: under any filter and in any order, the pages yield
//! each row that a plain model of the rules expects, once and in its place, in both
//! directions; and what is counted are those rows. The model is the same for both
//! engines, so they agree with each other.

use std::collections::BTreeMap;

use untether::{
    clock::Timestamp,
    domain::role::Reach,
    store::{
        Tx,
        connection_filter::Filter,
        connection_groups::{
            self, Group, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
        connection_list::{self, Column, Glance, Order, Place, Total},
        connection_plan::{self, Limits},
    },
};

use crate::paging_model::{Row, World, count};

/// Everything that a list is sorted by.
pub const COLUMNS: [Column; 7] = [
    Column::Name,
    Column::Client,
    Column::Project,
    Column::Authorized,
    Column::Person,
    Column::Status,
    Column::LastUsed,
];

/// So small that what is found among a million connections happens here too.
pub const SMALL: Limits = Limits {
    few: 12,
    gathered: 40,
    big: 20,
    listed: 2,
    counted: 9,
    walked: 3,
};

impl World {
    /// The filter with one of the ways to find what it asks for, which is the same as before.
    async fn settled(&mut self, filter: &Filter) -> Filter {
        let limits = *self.chance.pick(&[Limits::MEASURED, SMALL, SMALL]);
        let mut tx = self.app.app.db.snapshot().await.unwrap();
        let settled = connection_plan::settled_within(&mut tx, filter, limits);
        let settled = settled.await.unwrap();
        for row in &self.rows {
            let is_same = row.meets(filter) == row.meets(&settled);
            assert!(is_same, "{} of {filter:?}", row.id);
        }
        settled
    }

    /// The pages of a list are what the model says, read in either direction.
    async fn check_list(&mut self, filter: &Filter) {
        let order = Order {
            column: *self.chance.pick(&COLUMNS),
            descending: self.chance.below(2) == 0,
        };
        let limit = 1 + self.chance.below(30) as u32;
        self.check_pages(filter, order, limit).await;
    }

    /// The same in this order, with so many rows a page.
    pub async fn check_pages(&self, filter: &Filter, order: Order, limit: u32) {
        let matching: Vec<_> = self.rows.iter().filter(|row| row.meets(filter)).collect();
        let mut expected = matching.clone();
        expected.retain(|row| row.has(filter.statuses));
        expected.sort_by(|one, two| one.compare(two, order));
        let expected: Vec<_> = expected.iter().map(|row| row.id.clone()).collect();

        let mut tx = self.app.app.db.snapshot().await.unwrap();
        let (mut forwards, mut place) = (Vec::new(), Place::Start);
        loop {
            let page = connection_list::page(&mut tx, filter, order, &place, limit)
                .await
                .unwrap();
            forwards.extend(page.iter().map(|row| row.id.to_string()));
            let Some(last) = page.last() else { break };
            place = Place::After(last.key());
        }
        assert_eq!(
            forwards, expected,
            "{order:?}, {limit} at a time: {filter:#?}"
        );
        let (mut backwards, mut place) = (Vec::new(), Place::End);
        loop {
            let page = connection_list::page(&mut tx, filter, order, &place, limit)
                .await
                .unwrap();
            backwards.splice(0..0, page.iter().map(|row| row.id.to_string()));
            let Some(first) = page.first() else { break };
            place = Place::Before(first.key());
        }
        assert_eq!(
            backwards, expected,
            "backwards, {order:?}, {limit} at a time: {filter:#?}"
        );
        let counts = connection_list::counts(&mut tx, filter).await.unwrap();
        assert_eq!(counts, count(&matching), "{filter:#?}");
        let glance = connection_list::glance(&mut tx, filter).await.unwrap();
        check_glance(glance, &matching, expected.len() as i64, filter);
    }

    /// The pages of groups are what the model says, and so is every number in them.
    async fn check_groups(&mut self, filter: &Filter) {
        let by = *self
            .chance
            .pick(&[GroupBy::Client, GroupBy::Person, GroupBy::Project]);
        let order = GroupOrder {
            column: *self.chance.pick(&[
                GroupColumn::Name,
                GroupColumn::Project,
                GroupColumn::Connections,
                GroupColumn::LastUsed,
            ]),
            descending: self.chance.below(2) == 0,
        };
        let grouping = Grouping {
            by,
            order,
            with_empty: WithEmpty::No,
        };
        let limit = 1 + self.chance.below(3) as u32;
        let mut expected = BTreeMap::<_, Vec<&Row>>::new();
        for row in self.rows.iter().filter(|row| row.meets(filter)) {
            expected
                .entry(row.party(by).id.clone())
                .or_default()
                .push(row);
        }
        expected.retain(|_, rows| rows.iter().any(|row| row.has(filter.statuses)));

        let mut tx = self.app.app.db.snapshot().await.unwrap();
        let total = connection_groups::count(&mut tx, filter, &grouping)
            .await
            .unwrap();
        let glance = connection_list::glance(&mut tx, filter).await.unwrap();
        let counted = connection_groups::count_of(&mut tx, filter, &grouping, glance.total)
            .await
            .unwrap();
        assert!(
            counted.is_none_or(|counted| counted == total),
            "{filter:#?}"
        );
        let found = walk(&mut tx, filter, &grouping, limit, false).await;
        let about = format!("{grouping:?}: {filter:#?}");
        let ids = ids(&found);
        let mut sorted = ids.clone();
        sorted.sort();
        assert!(sorted.iter().eq(expected.keys()), "{ids:?}, {about}");
        assert_eq!(total, expected.len() as i64, "{about}");
        for group in &found {
            let rows = &expected[&group.id];
            let mut wanted = rows.clone();
            wanted.retain(|row| row.has(filter.statuses));
            assert_eq!(group.counts, count(rows), "{about}");
            assert_eq!(group.wanted, wanted.len() as i64, "{about}");
            let latest = rows.iter().map(|row| row.life.last_used_at).max();
            assert_eq!(group.last_used_at, latest, "{about}");
        }
        let place = |id: &String| {
            let rows = &expected[id];
            let wanted = rows.iter().filter(|row| row.has(filter.statuses));
            match order.column {
                GroupColumn::Name => (rows[0].party(by).folded.clone(), 0, id.clone()),
                GroupColumn::Project => {
                    let first = wanted.map(|row| row.project.folded.clone()).min();
                    (first.unwrap_or_default(), 0, id.clone())
                }
                GroupColumn::Connections => (String::new(), wanted.count() as i64, id.clone()),
                GroupColumn::LastUsed => {
                    let latest = rows.iter().map(|row| row.life.last_used_at.millis()).max();
                    (String::new(), latest.unwrap_or(-1), id.clone())
                }
            }
        };
        let mut in_order = ids.clone();
        in_order.sort_by_key(place);
        if order.descending {
            in_order.reverse();
        }
        assert_eq!(ids, in_order, "{about}");
    }

    /// Clients of which nothing is wanted stand at the end of every order by number, and
    /// are the same in each order and direction.
    async fn check_empty_groups(&mut self, filter: &Filter) {
        let mut tx = self.app.app.db.snapshot().await.unwrap();
        let with_empty = *self.chance.pick(&[WithEmpty::Unrevoked, WithEmpty::All]);
        let mut lists = Vec::new();
        for column in [
            GroupColumn::Name,
            GroupColumn::Project,
            GroupColumn::Connections,
            GroupColumn::LastUsed,
        ] {
            let descending = self.chance.below(2) == 0;
            let grouping = Grouping {
                by: GroupBy::Client,
                order: GroupOrder { column, descending },
                with_empty,
            };
            let about = format!("{grouping:?}: {filter:#?}");
            let limit = 1 + self.chance.below(3) as u32;
            let groups = walk(&mut tx, filter, &grouping, limit, false).await;
            let back = walk(&mut tx, filter, &grouping, limit, true).await;
            let all = ids(&groups);
            assert_eq!(all, ids(&back), "backwards, {about}");
            let total = connection_groups::count(&mut tx, filter, &grouping).await;
            assert_eq!(total.unwrap(), all.len() as i64, "{about}");
            let number = |group: &Group| match column {
                GroupColumn::Name | GroupColumn::Project => 0,
                GroupColumn::Connections => group.wanted,
                GroupColumn::LastUsed => group.last_used_at.map_or(-1, Timestamp::millis),
            };
            let (numbers, mut sorted): (Vec<_>, Vec<_>) = groups
                .iter()
                .map(|group| (number(group), number(group)))
                .unzip();
            sorted.sort_unstable();
            if descending {
                sorted.reverse();
            }
            assert_eq!(numbers, sorted, "{about}");
            lists.push((all, about));
        }
        for (list, _) in &mut lists {
            list.sort();
        }
        let (by_name, _) = &lists[0];
        for (list, about) in &lists[1..] {
            assert_eq!(list, by_name, "{about}");
        }
    }
}

fn ids(groups: &[Group]) -> Vec<String> {
    groups.iter().map(|group| group.id.clone()).collect()
}

/// Every group, `limit` at a time: read from the end to the beginning if `backwards`.
pub async fn walk(
    tx: &mut Tx,
    filter: &Filter,
    grouping: &Grouping,
    limit: u32,
    backwards: bool,
) -> Vec<Group> {
    let (mut found, mut place) = (Vec::new(), GroupPlace::Start);
    loop {
        let page = connection_groups::page(tx, filter, grouping, &place, limit)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        place = GroupPlace::After(last.key(grouping.order));
        found.extend(page);
    }
    if !backwards {
        return found;
    }
    // The last is where the way back begins.
    let mut met: Vec<_> = found.pop().into_iter().collect();
    while let Some(first) = met.first() {
        let place = GroupPlace::Before(first.key(grouping.order));
        let page = connection_groups::page(tx, filter, grouping, &place, limit)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        met.splice(0..0, page);
    }
    met
}

/// What is said at a glance is true, and is everything unless a search finds a lot.
fn check_glance(glance: Glance, matching: &[&Row], wanted: i64, filter: &Filter) {
    match glance.total {
        Total::Exactly(total) => assert_eq!(total, wanted, "{filter:#?}"),
        Total::MoreThan(count) => assert!(count < wanted && filter.text.is_some(), "{filter:#?}"),
    }
    match glance.counts {
        Some(counts) => assert_eq!(counts, count(matching), "{filter:#?}"),
        None => assert!(filter.text.is_some(), "{filter:#?}"),
    }
}

#[actix_web::test]
async fn pages_yield_each_row_once_and_in_its_place_under_any_filter() {
    let seed = match std::env::var("PAGING_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => 20_261_124,
    };
    let mut world = World::make(seed).await;
    for _ in 0..150 {
        let filter = world.filter();
        let filter = world.settled(&filter).await;
        world.check_list(&filter).await;
        world.check_groups(&filter).await;
        world.check_empty_groups(&filter).await;
    }
}

#[actix_web::test]
async fn whoever_looks_after_most_projects_meets_each_row_once_and_in_its_place() {
    let mut world = World::make(20_261_129).await;
    for _ in 0..150 {
        let filter = world.wide_filter();
        let filter = world.settled(&filter).await;
        world.check_list(&filter).await;
        world.check_groups(&filter).await;
        world.check_empty_groups(&filter).await;
    }
}

/// Rows that are there all along are met once, however many come and go between two pages.
#[actix_web::test]
async fn rows_that_stay_are_met_once_while_others_come_and_go() {
    let mut world = World::make(7).await;
    for column in COLUMNS {
        let mut filter = Filter::all(
            Reach::All,
            world.app.app.rules.lifetimes.cutoffs(world.app.now()),
        );
        filter.statuses.revoked = false;
        let order = Order {
            column,
            descending: column.usually_descends(),
        };
        let mut leaving: Vec<_> = world
            .rows
            .iter()
            .filter(|row| row.has(filter.statuses))
            .map(|row| row.id.clone())
            .collect();
        let staying = leaving.split_off(leaving.len() / 4);
        let (mut met, mut place) = (Vec::new(), Place::Start);
        loop {
            let mut tx = world.app.app.db.snapshot().await.unwrap();
            let page = connection_list::page(&mut tx, &filter, order, &place, 9)
                .await
                .unwrap();
            drop(tx);
            let Some(last) = page.last() else { break };
            place = Place::After(last.key());
            met.extend(page.iter().map(|row| row.id.to_string()));
            world.connect().await;
            if let Some(id) = leaving.pop() {
                world.revoke(&id).await;
            }
        }
        for id in staying {
            let times = met.iter().filter(|one| **one == id).count();
            assert_eq!(times, 1, "{id} by {column:?}");
        }
    }
}
