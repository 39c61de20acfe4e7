//! What is kept of revoked connections in a table of their own is what the connections say.

use untether::config::DatabaseUrl;

use crate::{
    list::{list, people},
    support::TestApp,
};

const INDEXES_ON_SQLITE: &str = "
    SELECT sql FROM sqlite_master
    WHERE type = 'index' AND tbl_name = 'connection' AND sql IS NOT NULL";
const INDEXES_ON_POSTGRES: &str = "
    SELECT indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'connection'";

/// What a revoke, or a look at what time has changed, writes in a connection's row.
const WRITTEN: [&str; 4] = ["revoked_at", "revoked_by", "revoked_reason", "lapsed"];

#[actix_web::test]
async fn no_index_of_connections_changes_with_a_revoke() {
    let app = TestApp::spawn().await;
    let (on_sqlite, indexes) = match app.database.url {
        DatabaseUrl::Sqlite { .. } => (true, INDEXES_ON_SQLITE),
        DatabaseUrl::Postgres { .. } => (false, INDEXES_ON_POSTGRES),
    };
    let indexes = app.database.texts(indexes).await;
    assert!(indexes.len() > 10, "{indexes:?}");
    for index in &indexes {
        assert!(
            !WRITTEN.iter().any(|column| index.contains(column)),
            "{index}"
        );
    }
    if !on_sqlite {
        let room = "SELECT array_to_string(reloptions, ' ') FROM pg_class
                    WHERE oid = 'connection'::regclass";
        assert_eq!(app.database.texts(room).await, ["fillfactor=60"]);
        // What an administrator sets stays.
        app.database
            .execute("ALTER TABLE connection SET (fillfactor = 90)")
            .await;
        app.replica(|_| {}).await;
        assert_eq!(app.database.texts(room).await, ["fillfactor=90"]);
    }
}

#[actix_web::test]
async fn what_was_revoked_before_an_upgrade_is_known_after_it() {
    let app = TestApp::spawn().await;
    let server = app.project("search", &[]).await;
    let (ana, ben) = (app.person("ana"), app.person("ben"));
    let host = app.host("Cursor").await;
    for who in [&ana, &ben] {
        host.connects(who, &server).await;
    }
    let revoked = ana.newest_connection().await;
    ana.revokes(&[&revoked], "").await;
    app.database
        .execute(
            "DROP TABLE connection_revocation;
             DROP INDEX connection_waiting;
             CREATE INDEX connection_waiting ON connection (authorized_at)
                 WHERE revoked_at IS NULL AND connected_at IS NULL;
             CREATE INDEX connection_revoked ON connection (authorized_at, id, last_used_at)
                 WHERE revoked_at IS NOT NULL;
             CREATE INDEX connection_revoked_by_end ON connection (revoked_at)
                 WHERE revoked_at IS NOT NULL;
             DELETE FROM _sqlx_migrations WHERE version >= 25",
        )
        .await;
    let later = app.replica(|_| {}).await;
    later.database.check_counts().await;
    let found = list(&later.owner(), "status=revoked").await;
    assert_eq!(people(&found), ["ana"]);
}
