//! A copy of the database, made while it is used.

use std::os::unix::fs::PermissionsExt as _;

use untether::{config::DatabaseUrl, store::Db};

use crate::{
    commands::{json, said},
    shell::shell,
    support::TestApp,
};

#[actix_web::test]
async fn a_copy_has_everything_is_for_nobody_else_and_replaces_nothing() {
    let app = TestApp::spawn().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    let backup = ["backup", path.to_str().unwrap(), "--json"];
    if matches!(app.database.url, DatabaseUrl::Postgres { .. }) {
        let output = shell(&app, &backup);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("use pg_dump"), "{}", said(&output));
        assert!(!path.exists());
        return;
    }
    let server = app.project("search", &[]).await;
    app.host("Cursor")
        .await
        .connects(&app.person("ana"), &server)
        .await;
    assert_eq!(
        json(&shell(&app, &backup))["backup"],
        path.to_str().unwrap()
    );
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = Db::open(&DatabaseUrl::Sqlite { path: path.clone() })
        .await
        .unwrap();
    let Db::Sqlite { read, .. } = &copy else {
        panic!("not SQLite");
    };
    let names = "SELECT name FROM connection";
    let copied: Vec<String> = sqlx::query_scalar(names).fetch_all(read).await.unwrap();
    assert_eq!(copied, app.database.texts(names).await);
    copy.close().await;
    let before = std::fs::read(&path).unwrap();
    let output = shell(&app, &backup);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("copy.db"), "{}", said(&output));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let nowhere = folder.path().join("missing").join("copy.db");
    let output = shell(&app, &["backup", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("missing/copy.db: No such"),
        "{}",
        said(&output)
    );
}
