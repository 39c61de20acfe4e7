//! No list, group, count, search, export or sweep reads a big table from end to end,
//! whatever is asked for: each statement that the program builds is caught as it runs, and
//! the engine's plan for it is read.

use std::collections::BTreeMap;

use untether::{
    config::DatabaseUrl,
    domain::connection::{Cutoffs, Status},
    store::{
        Tx, audit, audit_list, bulk_act,
        connection_drift::{self, Drift},
        connection_filter::Filter,
        connection_groups::{
            self, GroupBy, GroupColumn, GroupOrder, GroupPlace, Grouping, WithEmpty,
        },
        connection_list::{self, Order, Place},
        connection_plan::{self, Limits},
        connection_sweep::{self, Outdated},
        token,
    },
};

use crate::{paging::COLUMNS, paging_model::World, support::Recording};

/// Tables that grow without end.
const BIG: [&str; 5] = ["connection", "token", "audit_event", "people", "client"];

/// Indexes that may be read to the end: of rows that stay few, and of the names that a
/// search looks at one by one.
const READ: [&str; 4] = [
    "connection_by_other_stem",
    "connection_waiting",
    "client_by_name",
    "people_by_name",
];

/// How a statement begins that counts connections by nothing but times and projects.
const BY_TIMES: &str = "SELECT COUNT(*), COUNT(*) FILTER (WHERE ";

/// The ways to find things that are taken when there is little of them, and when there is a lot.
const LIMITS: [Limits; 2] = [
    Limits::MEASURED,
    Limits {
        few: 3,
        gathered: 3,
        big: 3,
        listed: 2,
        counted: 5,
        walked: 2,
    },
];

/// A table, or an index of it, that a plan reads.
struct Step {
    table: String,
    index: Option<String>,
    /// Only what some condition leads to.
    sought: bool,
}

/// What a plan reads.
fn steps(statement: &str, plan: &[String]) -> Vec<Step> {
    let after = |line: &str, word: &str| {
        let (_, rest) = line.split_once(word)?;
        let end = rest.find([' ', ')']).unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    };
    let mut steps = Vec::<Step>::new();
    for line in plan {
        let sqlite = line
            .split_once(' ')
            .filter(|(word, _)| ["SCAN", "SEARCH"].contains(word));
        if let Some((word, rest)) = sqlite {
            let name = rest.split(' ').next().unwrap_or_default();
            // What the statement calls something else.
            let own = statement.split_once(&format!(" AS {name}"));
            let table = own.and_then(|(before, _)| before.rsplit([' ', '\n']).next());
            steps.push(Step {
                table: table.unwrap_or(name).to_owned(),
                index: after(line, "INDEX "),
                sought: word == "SEARCH",
            });
        } else if line.contains("Index Cond:") {
            steps
                .iter_mut()
                .rev()
                .take(1)
                .for_each(|step| step.sought = true);
        } else if let Some(index) = after(line, "Bitmap Index Scan on ") {
            steps.push(Step {
                table: "connection".to_owned(),
                index: Some(index),
                sought: true,
            });
        } else if line.contains(" Scan ") && !line.contains("Bitmap Heap Scan") {
            // With scans forbidden, there is one only where no index leads to the rows. Which
            // part of an index is read, PostgreSQL goes by numbers that a test does not have.
            steps.extend(after(line, " on ").map(|table| Step {
                table,
                index: after(line, " using "),
                sought: !line.contains("Seq Scan"),
            }));
        }
    }
    steps
}

/// What is wrong with a plan, if anything.
fn fault(statement: &str, plan: &[String]) -> Option<(String, String)> {
    // What no counts can tell is counted by the rows, from end to end when no condition makes
    // them few; and the ids of everything that matches are all that matches.
    let by_rows = [
        " AS first_project FROM connection WHERE ",
        " AS revoked FROM connection WHERE ",
        " AS ended, MAX(last_used_at) AS last_used_at FROM connection WHERE ",
        "SELECT connection.id FROM connection WHERE ",
    ];
    let narrow = ["person_id IN (", "connection.id IN (SELECT"]
        .iter()
        .any(|few| statement.contains(few));
    let by_rows = !narrow && by_rows.iter().any(|words| statement.contains(words));
    let sorts = plan.iter().any(|line| {
        line.contains("TEMP B-TREE FOR ORDER BY") || line.trim_start().starts_with("->  Sort")
    });
    let step = steps(statement, plan).into_iter().find(|step| {
        let index = step.index.as_deref();
        // A walk along an index, in the order asked for, ends with the page.
        let ends = (statement.contains("LIMIT")
            || statement.contains("MIN(")
            || statement.contains("MAX("))
            && !sorts
            && index.is_some();
        let read = index.is_some_and(|index| READ.contains(&index));
        BIG.contains(&step.table.as_str()) && !step.sought && !read && !ends && !by_rows
    })?;
    let (table, index) = (step.table, step.index);
    let plan = plan.join("\n");
    Some((
        format!("all of {table} by {index:?}\n{plan}"),
        statement.to_owned(),
    ))
}

/// Every question about what a filter finds.
async fn ask(tx: &mut Tx, filter: &Filter) {
    for column in COLUMNS {
        for descending in [false, true] {
            let order = Order { column, descending };
            let page = connection_list::page(tx, filter, order, &Place::Start, 3)
                .await
                .unwrap();
            let places = page
                .last()
                .map(|row| [Place::After(row.key()), Place::Before(row.key())]);
            for place in places.into_iter().flatten() {
                connection_list::page(tx, filter, order, &place, 3)
                    .await
                    .unwrap();
            }
        }
    }
    connection_list::counts(tx, filter).await.unwrap();
    let total = connection_list::glance(tx, filter).await.unwrap().total;
    bulk_act::each_id(tx, filter, |_| ()).await.unwrap();
    for by in [GroupBy::Client, GroupBy::Person, GroupBy::Project] {
        for column in [
            GroupColumn::Name,
            GroupColumn::Project,
            GroupColumn::Connections,
            GroupColumn::LastUsed,
        ] {
            let order = GroupOrder {
                column,
                descending: column.usually_descends(),
            };
            let grouping = Grouping {
                by,
                order,
                with_empty: WithEmpty::No,
            };
            let start = GroupPlace::Start;
            let found = connection_groups::page(tx, filter, &grouping, &start, 2)
                .await
                .unwrap();
            let ids: Vec<_> = found.iter().map(|group| group.id.clone()).collect();
            connection_groups::totals(tx, filter, by, &ids)
                .await
                .unwrap();
            connection_groups::count_of(tx, filter, &grouping, total)
                .await
                .unwrap();
        }
    }
}

/// Everything that a sweep looks for.
async fn ask_for_dues(tx: &mut Tx, cutoffs: Cutoffs) {
    let then = cutoffs.used_before;
    for drift in [Drift::Idle(then), Drift::Aged(then), Drift::Back(cutoffs)] {
        connection_drift::count(tx, drift).await.unwrap();
        connection_drift::settle(tx, drift, 500).await.unwrap();
    }
    for outdated in [Outdated::Revoked(then), Outdated::NeverConnected(then)] {
        connection_sweep::find(tx, outdated, 500).await.unwrap();
        connection_sweep::count(tx, outdated).await.unwrap();
    }
    token::find_ended(tx, then, 500).await.unwrap();
    token::count_ended(tx, then).await.unwrap();
    audit::find_until(tx, then, 500).await.unwrap();
    audit::count_until(tx, then).await.unwrap();
    let all = audit_list::Wanted::default();
    let some = audit_list::Wanted {
        kind: Some(audit_list::Kind::Connections),
        text: Some("acme".to_owned()),
        from: Some(then),
        until: Some(then),
    };
    for wanted in [all, some] {
        let start = audit_list::Place::Start;
        audit_list::part(tx, &wanted, &start, 50).await.unwrap();
    }
}

#[actix_web::test]
async fn no_statement_reads_a_big_table_from_end_to_end() {
    let mut world = World::make(3).await;
    // As in life, most are active and named after their client, and what time has changed
    // the sweep has seen.
    let connected = "UPDATE connection SET connected_at = authorized_at";
    world.app.database.execute(connected).await;
    world.app.sweeps().await;
    let active = world.rows.iter().find(|row| {
        let (stem, _) = row.folded.rsplit_once('#').unwrap_or((&row.folded, ""));
        matches!(row.status, Status::Active { .. }) && row.client.folded.contains(stem)
    });
    let active = active.unwrap().id.clone();
    world.app.database.multiply(&active, 2_000).await;
    world.app.database.add_bystanders(400).await;
    // PostgreSQL looks at its tables by itself; on SQLite only an administrator makes it.
    let on_sqlite = matches!(world.app.database.url, DatabaseUrl::Sqlite { .. });
    let looks: &[bool] = if on_sqlite { &[false, true] } else { &[true] };
    for analyzed in looks {
        if *analyzed {
            world.app.database.execute("ANALYZE").await;
        }
        let filters: Vec<_> = (0..40).map(|_| world.filter()).collect();
        let mut tx = world.app.app.db.snapshot().await.unwrap();
        let recording = Recording::start(&mut tx).await;
        for filter in &filters {
            for limits in LIMITS {
                let filter = connection_plan::settled_within(&mut tx, filter, limits)
                    .await
                    .unwrap();
                ask(&mut tx, &filter).await;
            }
        }
        let mut plans = recording.plans(&mut tx).await;
        drop(tx);
        let mut tx = world.app.app.db.write().await.unwrap();
        let recording = Recording::start(&mut tx).await;
        ask_for_dues(&mut tx, filters[0].cutoffs).await;
        plans.extend(recording.plans(&mut tx).await);
        assert!(plans.len() > 500, "{}", plans.len());
        // What times tell is told without a look at a row.
        let mut by_times = plans.iter().filter(|plan| {
            plan.0.starts_with(BY_TIMES) && plan.0.contains("FROM connection WHERE")
        });
        let of_projects = |plan: (&String, _)| plan.0.contains("project_id");
        assert!(by_times.clone().any(of_projects));
        let by_rows = by_times.find(|plan| !plan.1.join("\n").contains("COVERING INDEX"));
        assert_eq!(by_rows.filter(|_| on_sqlite), None);
        let faults = plans
            .iter()
            .filter_map(|(statement, plan)| fault(statement, plan));
        let faults: BTreeMap<_, _> = faults.collect();
        let all: Vec<_> = faults
            .iter()
            .map(|(plan, statement)| format!("{plan}\n{statement}"))
            .collect();
        assert!(
            all.is_empty(),
            "{} faults:\n{}",
            all.len(),
            all.join("\n\n")
        );
    }
}
