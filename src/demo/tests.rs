//! The demo's organization, made in a real database.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};

use clap::{Args as _, Command, FromArgMatches as _};
use tempfile::TempDir;

use crate::{
    app,
    clock::{TestClock, Timestamp},
    config::DatabaseUrl,
    domain::{
        client::Origin,
        connection::Status,
        role::Reach,
        secret::{Secrets, SystemRandomness},
    },
    flow::sweep::Swept,
    store::{
        self, Db,
        connection_filter::Filter,
        connection_list::{self, Counts, Listed, Order, Place},
        project_list::{self, Server, Wanted},
    },
    web::{
        identity::{self, IdentitySource},
        state::App,
    },
};

use super::{organization::MEMBER, *};

const DAY: Duration = Duration::from_secs(86_400);

/// 12 March 2026, 12:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_773_316_800_000);

/// The settings of a demo started without any.
fn defaults() -> Settings {
    let command = RawSettings::augment_args(Command::new("untether"))
        .mut_args(|arg| arg.env(None::<&str>))
        .get_matches_from(["untether"]);
    let raw = RawSettings::from_arg_matches(&command).unwrap();
    settings(raw.validate(&command).unwrap())
}

async fn filled() -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    let clock = Arc::new(TestClock::new(NOW));
    let secrets = Secrets::new(&[7; 32], Arc::new(SystemRandomness));
    let identities = IdentitySource::Demo(personas());
    let app = app::assemble(defaults(), db, clock, secrets, identities).await;
    let app = app.unwrap();
    fill(&app).await.unwrap();
    (app, folder)
}

async fn listed(app: &App, reach: Reach) -> (Vec<Listed>, Counts) {
    let filter = Filter::all(reach, app.rules.lifetimes.cutoffs(NOW));
    let mut tx = app.db.snapshot().await.unwrap();
    let rows = connection_list::page(&mut tx, &filter, Order::NEWEST, &Place::Start, 1000).await;
    let counts = connection_list::counts(&mut tx, &filter).await;
    (rows.unwrap(), counts.unwrap())
}

fn most<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> (usize, usize) {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    (counts.len(), counts.into_values().max().unwrap_or_default())
}

#[actix_web::test]
async fn the_organization_has_enough_of_everything() {
    let (app, _folder) = filled().await;
    let (rows, counts) = listed(&app, Reach::All).await;
    assert_eq!(rows.len(), 250);
    assert_eq!(counts.active + counts.expired + counts.revoked, 250);
    let fewest = counts.active.min(counts.expired).min(counts.revoked);
    assert!(fewest > 20, "{counts:?}");
    assert_eq!(most(rows.iter().map(|row| &row.person)), (40, 12));
    // All clients but the one that nobody has connected.
    assert_eq!(most(rows.iter().map(|row| &row.client)), (13, 60));
    assert_eq!(most(rows.iter().map(|row| &row.project)).0, 6);
    let unused = rows.iter().filter(|row| row.connected_at.is_none()).count();
    assert!((5..20).contains(&unused), "{unused} were never used");
    let mut tx = app.db.read().await.unwrap();
    let clients = store::client::all(&mut tx).await.unwrap();
    assert_eq!(clients.len(), 14);
    for origin in [
        Origin::Console,
        Origin::Api,
        Origin::Registered,
        Origin::Document,
    ] {
        assert!(clients.iter().any(|client| client.origin == origin));
    }
    let reasons = rows
        .iter()
        .filter_map(|row| Some(&row.life.revoked.as_ref()?.reason));
    assert!(reasons.clone().any(Option::is_none));
    assert!(reasons.flatten().collect::<Vec<_>>().len() > 10);
}

#[actix_web::test]
async fn the_servers_of_its_projects_have_been_asking_and_were_checked() {
    let (app, _folder) = filled().await;
    let wanted = Wanted {
        reach: &Reach::All,
        text: None,
        archived: false,
    };
    let mut tx = app.db.read().await.unwrap();
    let projects = project_list::page(&mut tx, &wanted, project_list::Place::Start, 50).await;
    let servers: Vec<_> = projects
        .unwrap()
        .into_iter()
        .map(|row| row.server)
        .collect();
    let asked = |server: &&Server| server.asked_at.is_some_and(|at| at < NOW);
    // All but Untether itself, which asks nobody.
    assert_eq!(servers.iter().filter(asked).count(), servers.len() - 1);
    let mut levels: Vec<_> = servers
        .iter()
        .map(|server| server.check_level.as_deref())
        .collect();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels, [None, Some("ok"), Some("problem"), Some("warning")]);
}

#[actix_web::test]
async fn nothing_happens_in_the_wrong_order() {
    let (app, _folder) = filled().await;
    let (rows, _) = listed(&app, Reach::All).await;
    let mut tx = app.db.read().await.unwrap();
    let clients = store::client::all(&mut tx).await.unwrap();
    for row in &rows {
        let client = clients.iter().find(|client| client.id == row.client);
        let life = &row.life;
        let connected = row.connected_at.unwrap_or(life.authorized_at);
        let mut moments = vec![
            client.unwrap().created_at,
            life.authorized_at,
            connected,
            life.last_used_at,
        ];
        if let Some(revocation) = &life.revoked {
            moments.push(revocation.at);
            assert!(NOW.since(revocation.at) < 90 * DAY, "{row:?}");
        }
        moments.push(NOW);
        assert!(moments.is_sorted(), "{row:?}");
    }
}

#[actix_web::test]
async fn the_first_sweep_counts_what_has_expired_and_removes_nothing() {
    let (app, _folder) = filled().await;
    let (_, counts) = listed(&app, Reach::All).await;
    let swept = app::background::sweep(&app, NOW).await.unwrap();
    let expected = Swept {
        counted_as_expired: counts.expired as usize,
        ..Swept::default()
    };
    assert_eq!(swept, expected);
}

#[actix_web::test]
async fn every_persona_is_who_the_switcher_says() {
    let (app, _folder) = filled().await;
    for persona in personas() {
        let principal = identity::principal(&app, persona.identity).await.unwrap();
        assert_eq!(principal.role_word(), persona.label);
        let (rows, _) = listed(&app, principal.sees()).await;
        match persona.key {
            "owner" | "auditor" => assert_eq!(rows.len(), 250),
            "administrator" => assert_eq!(principal.administers.len(), 2),
            _ => assert!(rows.len() < 10),
        }
    }
}

#[actix_web::test]
async fn the_member_has_connections_of_every_status() {
    let (app, _folder) = filled().await;
    let member = identity::principal(&app, fill::identity(MEMBER)).await;
    let (rows, counts) = listed(&app, member.unwrap().sees()).await;
    assert_eq!(rows.len(), 5);
    let expected = Counts {
        active: 3,
        expired: 1,
        revoked: 1,
    };
    assert_eq!(counts, expected);
    let status = rows[0].life.status(&app.rules.lifetimes, NOW);
    assert!(matches!(status, Status::Active { .. }));
}

#[test]
fn the_welcome_fits_a_narrow_terminal() {
    let welcome = welcome(&PublicUrl::of_listener("127.0.0.1:65535".parse().unwrap()));
    for line in welcome.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
