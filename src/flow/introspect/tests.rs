//! Tests that no use is lost between being noted and being recorded.

use std::sync::Arc;

use crate::{
    config::DatabaseUrl,
    domain::secret::{Secrets, SystemRandomness},
};

use super::*;

#[tokio::test]
async fn uses_are_recorded_to_the_last_and_kept_while_the_database_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uses.db");
    let db = Db::open(&DatabaseUrl::Sqlite { path }).await.unwrap();
    let secrets = Secrets::new(&[7; 32], Arc::new(SystemRandomness));
    let now = Timestamp::from_millis(1_773_316_800_000);
    let uses = Uses::default();
    let note = || {
        for _ in 0..2 * USE_BATCH + 1 {
            uses.note_issued(secrets.new_id(now), now);
        }
    };
    for pace in [Pace::Gentle, Pace::Straight] {
        note();
        uses.record(&db, pace).await.unwrap();
        assert_eq!(uses.uses().len(), 0);
    }
    note();
    db.close().await;
    assert!(uses.record(&db, Pace::Gentle).await.is_err());
    assert_eq!(uses.uses().len(), 2 * USE_BATCH + 1);
}
