//! Time passes, limits change, uses come late and sweeps stop half way: the counts are those
//! of the connections all the same, at any moment and by any limits.

use std::time::Duration;

use untether::{
    clock::Timestamp,
    domain::{
        connection::{Life, Lifetimes, Revocation, Status},
        ids::{ConnectionId, ProjectId},
        role::Reach,
        scope::ScopeSet,
    },
    store::{
        Tx, connection,
        connection_drift::{self, Drift},
        connection_end::{self, Uncounted},
        connection_filter::{Filter, Statuses},
        connection_groups::{self, GroupBy, GroupOrder, GroupPlace, Grouping, WithEmpty},
        connection_list::{self, Counts},
        lock_several,
    },
};

use crate::{
    paging_model::World,
    support::{Chance, TestApp},
};

const DAY: Duration = Duration::from_secs(86_400);

/// Limits that replicas with different settings might go by.
const LIMITS: [Lifetimes; 4] = [
    Lifetimes {
        idle: Duration::from_secs(86_400 * 30),
        max_age: None,
    },
    Lifetimes {
        idle: Duration::from_secs(86_400 * 75),
        max_age: None,
    },
    Lifetimes {
        idle: Duration::from_secs(86_400 * 30),
        max_age: Some(Duration::from_secs(86_400 * 60)),
    },
    Lifetimes {
        idle: Duration::from_secs(86_400 * 75),
        max_age: Some(Duration::from_secs(86_400 * 120)),
    },
];

/// What is known of a connection.
struct Known {
    id: ConnectionId,
    project: ProjectId,
    life: Life,
}

async fn write(app: &TestApp) -> Tx {
    let mut tx = app.app.db.write().await.unwrap();
    lock_several(&mut tx).await.unwrap();
    tx
}

/// Marks up to `limit` connections by some limits, as a sweep does that is then cut short.
async fn sweeps(app: &TestApp, limits: Lifetimes, now: Timestamp, limit: usize) {
    let cutoffs = limits.cutoffs(now);
    for drift in [
        Drift::Idle(cutoffs.used_before),
        Drift::Aged(cutoffs.authorized_before),
        Drift::Back(cutoffs),
    ] {
        let mut tx = write(app).await;
        connection_drift::settle(&mut tx, drift, limit)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

/// Does something at random to one of the connections.
async fn change(app: &TestApp, chance: &mut Chance, known: &mut [Known], now: Timestamp) {
    let one = chance.below(known.len());
    let Known { id, life, .. } = &mut known[one];
    // Of a revoked one, only what was used just before may still be written down.
    let what = if life.revoked.is_some() { 1 } else { 4 };
    let mut tx = write(app).await;
    match chance.below(what) {
        0 => {
            let late = Duration::from_secs(chance.below(86_400 * 40) as u64);
            let used = now.minus(late);
            let uses = [(id.clone(), used)];
            connection::record_uses(&mut tx, &uses).await.unwrap();
            life.last_used_at = life.last_used_at.max(used);
        }
        1 => {
            connection::touch(&mut tx, id, now).await.unwrap();
            life.last_used_at = now;
        }
        2 => {
            let scopes = ScopeSet::parse("read").unwrap();
            connection::set_scopes(&mut tx, id, &scopes, now)
                .await
                .unwrap();
            life.authorized_at = now;
        }
        _ => {
            let revocation = Revocation {
                at: now,
                by: "someone".to_owned(),
                reason: None,
            };
            let mut uncounted = Uncounted::default();
            let ids = std::slice::from_ref(id);
            connection_end::revoke(&mut tx, ids, &revocation, &mut uncounted)
                .await
                .unwrap();
            connection_end::count(&mut tx, &uncounted).await.unwrap();
            life.revoked = Some(revocation);
        }
    }
    tx.commit().await.unwrap();
}

/// How many of the connections have each status.
fn counted<'a>(
    lives: impl Iterator<Item = &'a Known>,
    limits: Lifetimes,
    now: Timestamp,
) -> Counts {
    let mut counts = Counts::default();
    for known in lives {
        match known.life.status(&limits, now) {
            Status::Active { .. } => counts.active += 1,
            Status::Expired { .. } => counts.expired += 1,
            Status::Revoked(_) => counts.revoked += 1,
        }
    }
    counts
}

/// Fails unless what is counted is what there is, in all and of each project.
async fn check(app: &TestApp, known: &[Known], limits: Lifetimes, now: Timestamp) {
    let mut tx = app.app.db.snapshot().await.unwrap();
    let all = Filter::all(Reach::All, limits.cutoffs(now));
    let counts = connection_list::counts(&mut tx, &all).await.unwrap();
    assert_eq!(counts, counted(known.iter(), limits, now), "{limits:?}");
    let filter = Filter {
        statuses: Statuses::ACTIVE,
        ..all
    };
    let grouping = Grouping {
        by: GroupBy::Project,
        order: GroupOrder::RECENT,
        with_empty: WithEmpty::No,
    };
    let start = GroupPlace::Start;
    let groups = connection_groups::page(&mut tx, &filter, &grouping, &start, 100)
        .await
        .unwrap();
    let mut active = 0;
    for group in groups {
        let own = known.iter().filter(|one| one.project.as_str() == group.id);
        let own = counted(own, limits, now);
        assert_eq!(group.counts, own, "{limits:?} {}", group.name);
        active += group.counts.active;
    }
    assert_eq!(active, counts.active, "{limits:?}");
}

#[actix_web::test]
async fn counts_are_true_whatever_time_limits_and_sweeps_do() {
    for seed in [1, 2] {
        let World {
            app,
            rows,
            mut chance,
            ..
        } = World::make(seed).await;
        let mut known: Vec<_> = rows
            .into_iter()
            .map(|row| Known {
                id: ConnectionId::parse(&row.id).unwrap(),
                project: ProjectId::parse(&row.project.id).unwrap(),
                life: Life {
                    revoked: match row.status {
                        Status::Revoked(revocation) => Some(revocation),
                        Status::Active { .. } | Status::Expired { .. } => None,
                    },
                    ..row.life
                },
            })
            .collect();
        for _ in 0..60 {
            let limits = *chance.pick(&LIMITS);
            match chance.below(3) {
                0 => app.advance(DAY * chance.below(20) as u32),
                1 => sweeps(&app, limits, app.now(), [1, 7, 500][chance.below(3)]).await,
                _ => change(&app, &mut chance, &mut known, app.now()).await,
            }
            app.database.check_counts().await;
            for limits in LIMITS {
                check(&app, &known, limits, app.now()).await;
            }
        }
    }
}

#[actix_web::test]
async fn nothing_is_used_before_it_was_authorized_though_the_clock_has_gone_back() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let host = app.host("Cursor").await;
    let tokens = host.connects(&app.person("ana"), &server).await;
    // As by a clock that was an hour ahead.
    let ahead = "UPDATE connection
                 SET authorized_at = authorized_at + 3600000, last_used_at = last_used_at + 3600000";
    app.database.execute(ahead).await;
    host.renews(&tokens).await;
    let apart = "SELECT CAST(last_used_at - authorized_at AS TEXT) FROM connection";
    assert_eq!(app.database.texts(apart).await, ["0"]);
}
