//! Acts on everything that matches a filter: what was confirmed, and how far they are.

use futures_util::TryStreamExt;
use sqlx::QueryBuilder;

use crate::{
    clock::Timestamp,
    domain::ids::{ActId, ConnectionId},
};

use super::{
    Error, Result, Tx,
    connection_filter::{Filter, Hidden, push_filter, push_in},
    connection_plan, sql,
};

/// How many batches one statement adds, so that its parameters stay few.
const ADDED_AT_ONCE: usize = 1000;

/// An act on everything that matched.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct BulkAct {
    /// Its id.
    pub id: ActId,
    /// Whose act it is, by e-mail.
    pub actor: String,
    /// What identifies them for good.
    pub subject: String,
    /// The address that they confirmed from, where known.
    pub address: Option<String>,
    /// What had to match, in words.
    pub filter: String,
    /// Why, when a reason was given.
    pub reason: Option<String>,
    /// The name of the client whose revocation it is, if it is one.
    pub client_name: Option<String>,
    /// How many connections were confirmed.
    pub total: i64,
    /// How many of them it has ended.
    pub ended: i64,
    /// How many had ended, or were gone, before their turn came.
    pub skipped: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When the last of them was ended; `None` while it goes on.
    pub finished_at: Option<Timestamp>,
}

/// Shows `see` the id of each connection that meets the filter, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn each_id(tx: &mut Tx, filter: &Filter, mut see: impl FnMut(&str)) -> Result<()> {
    let filter = &connection_plan::settled(tx, filter).await?;
    sql!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT connection.id FROM connection WHERE ");
        push_filter(&mut query, filter, Hidden::NOTHING);
        // Neighbours in the table and its indexes are ended together.
        query.push(" ORDER BY connection.id");
        let query = query.build_query_scalar::<String>();
        let mut ids = query.fetch(c);
        while let Some(id) = ids.try_next().await? {
            see(&id);
        }
    });
    Ok(())
}

/// Adds an act, unless one of this id is there. Returns whether it was added.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, act: &BulkAct) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO bulk_act (id, actor, subject, address, filter, reason, total, ended,
                              skipped, started_at, advanced_at, client_name, finished_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)
        ON CONFLICT (id) DO NOTHING
        RETURNING id";
    let added: Option<ActId> = sql!(tx, |c| sqlx::query_scalar(INSERT)
        .bind(&act.id)
        .bind(&act.actor)
        .bind(&act.subject)
        .bind(&act.address)
        .bind(&act.filter)
        .bind(&act.reason)
        .bind(act.total)
        .bind(act.ended)
        .bind(act.skipped)
        .bind(act.started_at)
        .bind(&act.client_name)
        .bind(act.finished_at)
        .fetch_optional(c)
        .await)?;
    Ok(added.is_some())
}

/// Adds what an act is to end: each batch is ids with a space between.
///
/// # Errors
/// When the database fails.
pub async fn insert_batches(tx: &mut Tx, id: &ActId, batches: &[String]) -> Result<()> {
    for (turn, some) in batches.chunks(ADDED_AT_ONCE).enumerate() {
        sql!(tx, |c| {
            let mut query =
                QueryBuilder::new("INSERT INTO bulk_act_batch (act_id, position, connections) ");
            query.push_values(some.iter().enumerate(), |mut row, (place, batch)| {
                row.push_bind(id)
                    .push_bind((turn * ADDED_AT_ONCE + place) as i64)
                    .push_bind(batch);
            });
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Removes the next batch of an act, and returns it; `None` when nothing is left.
///
/// # Errors
/// When the database fails, or what is stored is no list of ids.
pub async fn take_batch(tx: &mut Tx, id: &ActId) -> Result<Option<Vec<ConnectionId>>> {
    const TAKE: &str = "
        DELETE FROM bulk_act_batch
        WHERE act_id = $1
          AND position = (SELECT MIN(position) FROM bulk_act_batch WHERE act_id = $1)
        RETURNING connections";
    let batch: Option<String> = sql!(tx, |c| sqlx::query_scalar(TAKE)
        .bind(id)
        .fetch_optional(c)
        .await)?;
    let parse = |text: &str| {
        ConnectionId::parse(text).ok_or_else(|| Error::Corrupt {
            table: "bulk_act_batch",
            column: "connections",
            id: id.to_string(),
        })
    };
    batch
        .map(|batch| batch.split(' ').map(parse).collect())
        .transpose()
}

/// Records what came of a batch, and that the act has finished if it was the last.
///
/// # Errors
/// When the database fails.
pub async fn advance(
    tx: &mut Tx,
    id: &ActId,
    ended: i64,
    skipped: i64,
    now: Timestamp,
) -> Result<()> {
    const ADVANCE: &str = "
        UPDATE bulk_act
        SET ended = ended + $2,
            skipped = skipped + $3,
            advanced_at = $4,
            finished_at = CASE WHEN EXISTS (SELECT 1 FROM bulk_act_batch WHERE act_id = $1)
                               THEN NULL ELSE $4 END
        WHERE id = $1";
    sql!(tx, |c| sqlx::query(ADVANCE)
        .bind(id)
        .bind(ended)
        .bind(skipped)
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// The act with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &ActId) -> Result<Option<BulkAct>> {
    const FIND: &str = "
        SELECT id, actor, subject, address, filter, reason, total, ended, skipped,
               started_at, finished_at, client_name
        FROM bulk_act
        WHERE id = $1";
    Ok(sql!(tx, |c| sqlx::query_as(FIND)
        .bind(id)
        .fetch_optional(c)
        .await)?)
}

/// The acts that are not finished and last got on at `before` or earlier, or at `after` or later:
/// then the clock has gone back.
///
/// # Errors
/// When the database fails.
pub async fn stalled(tx: &mut Tx, before: Timestamp, after: Timestamp) -> Result<Vec<ActId>> {
    // bulk_act_unfinished has no other rows.
    const STALLED: &str = "
        SELECT id
        FROM bulk_act
        WHERE finished_at IS NULL AND (advanced_at <= $1 OR advanced_at >= $2)
        ORDER BY advanced_at, id";
    Ok(sql!(tx, |c| sqlx::query_scalar(STALLED)
        .bind(before)
        .bind(after)
        .fetch_all(c)
        .await)?)
}

/// Up to `limit` acts that finished then or earlier.
///
/// # Errors
/// When the database fails.
pub async fn find_finished(tx: &mut Tx, until: Timestamp, limit: usize) -> Result<Vec<ActId>> {
    // Reads the whole table: people begin such acts, and few.
    const FINISHED: &str = "SELECT id FROM bulk_act WHERE finished_at <= $1 LIMIT $2";
    Ok(sql!(tx, |c| sqlx::query_scalar(FINISHED)
        .bind(until)
        .bind(limit as i64)
        .fetch_all(c)
        .await)?)
}

/// How many such acts there are.
///
/// # Errors
/// When the database fails.
pub async fn count_finished(tx: &mut Tx, until: Timestamp) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM bulk_act WHERE finished_at <= $1";
    Ok(sql!(tx, |c| sqlx::query_scalar(COUNT)
        .bind(until)
        .fetch_one(c)
        .await)?)
}

/// Removes the acts, and returns how many there were. Of what they ended nothing is left
/// to do, so no batch goes with them.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Tx, ids: &[ActId]) -> Result<usize> {
    let removed = sql!(tx, |c| {
        let mut query = QueryBuilder::new("DELETE FROM bulk_act WHERE ");
        push_in(&mut query, "id", ids);
        let done = query.build().execute(c).await;
        done.map(|done| done.rows_affected())
    })?;
    Ok(removed as usize)
}
