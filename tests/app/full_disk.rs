//! A disk without space: what is refused meanwhile is not half done, and there is space again
//! without a restart. These tests are about SQLite whichever engine the others run on.

use untether::{
    config::DatabaseUrl,
    store::{self, Db},
};

/// As if no space were left for the writer of this database.
async fn fills(db: &Db) {
    let Db::Sqlite { write, .. } = db else {
        panic!("not on SQLite");
    };
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(write)
        .await
        .unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit).execute(write).await.unwrap();
}

#[actix_web::test]
async fn a_database_that_refuses_whatever_is_written_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    db.ping().await.unwrap();
    let Db::Sqlite { write, .. } = &db else {
        panic!("not on SQLite");
    };
    let never = "CREATE TRIGGER full BEFORE UPDATE ON setting
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    sqlx::query(never).execute(write).await.unwrap();
    let error = db.ping().await.unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
}

#[actix_web::test]
async fn the_writer_writes_again_after_the_disk_was_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("u.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    fills(&db).await;
    let mut tx = db.write().await.unwrap();
    store::lock_several(&mut tx).await.unwrap();
    let store::Tx::Sqlite(store::Held::Transaction(held)) = &mut tx else {
        panic!("not on SQLite");
    };
    let much = "INSERT INTO setting (key, value) VALUES ('much', zeroblob(10000000))";
    let refused = sqlx::query(much).execute(&mut **held).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("full"), "{refused}");
    drop(tx);
    for _ in 0..3 {
        let mut tx = db.write().await.unwrap();
        store::lock_several(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}
