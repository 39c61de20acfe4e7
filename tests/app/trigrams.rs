//! The tables in which SQLite finds names by their letters say what the names are. PostgreSQL
//! has indexes instead, and the same searches find the same.

use std::time::Duration;

use tokio::time::timeout;
use untether::{config::DatabaseUrl, store::Db};

use crate::{
    list::groups,
    several::declines_as,
    support::{Person, TestApp},
};

const DAY: Duration = Duration::from_secs(86_400);

/// The tables that are searched, and what their keys and names are.
const TABLES: [(&str, &str, &str); 3] = [
    ("client", "id", "folded"),
    ("people", "id", "folded"),
    ("connection_label", "text", "text"),
];

fn is_on_sqlite(app: &TestApp) -> bool {
    matches!(app.database.url, DatabaseUrl::Sqlite { .. })
}

/// The names are those that there are, and the trigrams those of the names.
async fn assert_in_step(app: &TestApp) {
    if !is_on_sqlite(app) {
        let indexes = "SELECT indexname FROM pg_indexes
                       WHERE schemaname = current_schema() AND indexdef LIKE '%gin_trgm_ops%'";
        assert_eq!(app.database.texts(indexes).await.len(), TABLES.len());
        return;
    }
    for (table, key, name) in TABLES {
        let there = format!("SELECT {key} || ' ' || {name} FROM {table} ORDER BY 1");
        let kept = format!("SELECT id || ' ' || folded FROM {table}_name ORDER BY 1");
        let (there, kept) = (
            app.database.texts(&there).await,
            app.database.texts(&kept).await,
        );
        assert_eq!(there, kept, "{table}");
        // It fails when they differ.
        let check = format!(
            "INSERT INTO {table}_trigram ({table}_trigram, rank) VALUES ('integrity-check', 1)"
        );
        app.database.execute(&check).await;
    }
}

async fn finds(owner: &Person<'_>, text: &str, clients: &[&str]) {
    let page = owner.opens(&format!("/connections?q={text}")).await;
    assert_eq!(groups(&page), clients, "{text}");
}

#[actix_web::test]
async fn names_are_found_by_what_they_are_now() {
    let app = TestApp::spawn_with(|settings| settings.unused_client_days = Some(30)).await;
    let server = app.project("search", &[]).await;
    let (ana, owner) = (app.person("ana"), app.owner());
    let cursor = app.host("Cursor").await;
    cursor.connects(&ana, &server).await;
    app.host("Curtain").await;
    assert_in_step(&app).await;

    let consent = cursor.authorize_path(Some(&server.resource));
    let declined = declines_as(&app, &ana, &consent, "Zoë \"Zed\" Zimmer").await;
    assert_eq!(declined, 303);
    assert_in_step(&app).await;
    for text in ["zo%C3%AB", "ed%22+zim", "ana@"] {
        finds(&owner, text, &["Cursor"]).await;
    }

    app.advance(30 * DAY);
    assert_eq!(app.sweeps().await.unused_clients_removed, 1);
    assert_in_step(&app).await;
    finds(&owner, "curt", &[]).await;
    finds(&owner, "curs", &["Cursor"]).await;
}

#[actix_web::test]
async fn a_database_that_is_older_than_the_tables_gets_them_and_is_searched_after_a_vacuum() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let ana = app.person("ana");
    for name in ["Cursor", "Zed", "Windsurf"] {
        app.host(name).await.connects(&ana, &server).await;
    }
    if is_on_sqlite(&app) {
        for (table, _, _) in TABLES {
            let older = format!(
                "DROP TRIGGER {table}_named; DROP TRIGGER {table}_renamed;
                DROP TRIGGER {table}_unnamed;
                DROP TABLE {table}_trigram; DROP TABLE {table}_name;"
            );
            app.database.execute(&older).await;
        }
    }
    let later = app.replica(|_| {}).await;
    assert_in_step(&later).await;
    app.database.execute("VACUUM").await;
    let renamed = "UPDATE client SET name = 'Zebra', folded = 'zebra' WHERE name = 'Zed'";
    app.database.execute(renamed).await;
    assert_in_step(&later).await;
    let owner = later.owner();
    finds(&owner, "zeb", &["Zebra"]).await;
    finds(&owner, "zed", &[]).await;
    finds(&owner, "surf", &["Windsurf"]).await;
}

#[actix_web::test]
async fn a_program_that_starts_waits_for_no_writer() {
    let app = TestApp::spawn().await;
    let mut tx = app.app.db.write().await.unwrap();
    untether::store::lock_several(&mut tx).await.unwrap();
    let opened = timeout(Duration::from_secs(5), Db::open(&app.database.url)).await;
    opened.expect("no wait for the writer").unwrap();
    tx.commit().await.unwrap();
}
