//! Names by the groups of three letters in them, so that a search reads no name that cannot
//! have its term. SQLite has a full-text table beside each table of names, which triggers
//! keep in step; PostgreSQL has an index, where it may have the extension for it.

use sqlx::{
    AssertSqlSafe, Connection as _, Encode, PgConnection, QueryBuilder, SqliteConnection, Type,
    raw_sql,
};

use super::{
    Result,
    connection_filter::{Engine, folded},
    connection_search::push_has,
};

/// Whose names are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Clients, by name and OAuth `client_id`.
    Client,
    /// People, by name and e-mail.
    Person,
    /// The labels that end connections' names.
    Label,
}

/// Shorter terms have no group of three letters.
const SHORTEST: usize = 3;

impl Named {
    const ALL: [Self; 3] = [Self::Client, Self::Person, Self::Label];

    /// The table of the names.
    const fn table(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "people",
            Self::Label => "connection_label",
        }
    }

    /// Its key, and the folded name.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Client | Self::Person => ("id", "folded"),
            Self::Label => ("text", "text"),
        }
    }
}

/// Pushes a SELECT of the keys of those in whose folded names the text stands, as `id`.
pub(super) fn push_keys<D: Engine>(query: &mut QueryBuilder<D>, named: Named, text: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let table = named.table();
    if !is_found::<D>(text) {
        let (key, name) = named.columns();
        query.push(format_args!("SELECT {key} AS id FROM {table} WHERE "));
        push_has(query, name, text);
        return;
    }
    query.push(format_args!(
        "SELECT {table}_name.id
        FROM {table}_trigram CROSS JOIN {table}_name ON {table}_name.number = {table}_trigram.rowid
        WHERE {table}_trigram MATCH "
    ));
    // All its groups of letters one after the other are the text itself.
    query.push_bind(format!("\"{}\"", folded(&[text]).replace('"', "\"\"")));
}

/// Pushes the condition that the text stands in a name, on the table's columns under an alias.
pub(super) fn push_is_named<D: Engine>(
    query: &mut QueryBuilder<D>,
    alias: &str,
    named: Named,
    text: &str,
) where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let (key, name) = named.columns();
    if is_found::<D>(text) {
        query.push(format_args!("{alias}.{key} IN ("));
        push_keys(query, named, text);
        query.push(")");
    } else {
        push_has(query, &format!("{alias}.{name}"), text);
    }
}

/// Whether the engine's own tables find the text, and not a look at each name, or at the
/// index that PostgreSQL thinks of by itself.
fn is_found<D: Engine>(text: &str) -> bool {
    let folded = folded(&[text]);
    D::HAS_TRIGRAM_TABLES && folded.chars().count() >= SHORTEST && !folded.contains('\0')
}

/// Makes the tables with what is in the names, unless they are there.
///
/// # Errors
/// When the database fails.
pub(super) async fn prepare_sqlite(connection: &mut SqliteConnection) -> Result<()> {
    // Asked first: a transaction that may write waits for every writer.
    if missing(connection).await?.is_empty() {
        return Ok(());
    }
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    for named in missing(&mut tx).await? {
        let tables = AssertSqlSafe(named.sqlite_tables());
        raw_sql(tables).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Those whose tables are not there.
async fn missing(connection: &mut SqliteConnection) -> Result<Vec<Named>> {
    const THERE: &str = "SELECT name FROM sqlite_master WHERE name LIKE '%_trigram'";
    let there: Vec<String> = sqlx::query_scalar(THERE).fetch_all(connection).await?;
    let is_missing = |named: &Named| !there.contains(&format!("{}_trigram", named.table()));
    Ok(Named::ALL.into_iter().filter(is_missing).collect())
}

/// Makes an index of what is in the names, unless it is there. It takes the extension `pg_trgm`,
/// which the owner of the database may add; without it, searches read every name.
///
/// # Errors
/// When the database fails.
pub(super) async fn prepare_postgres(beside: &mut PgConnection) -> Result<()> {
    const INDEXED: &str = "
        SELECT COUNT(*)
        FROM pg_indexes
        WHERE schemaname = current_schema() AND indexname = $1";
    const ADD: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public";
    const SCHEMA: &str = "
        SELECT quote_ident(nspname)
        FROM pg_extension
        JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'pg_trgm'";
    let schema = sqlx::query_scalar(SCHEMA);
    let mut schema: Option<String> = schema.fetch_optional(&mut *beside).await?;
    let mut refused = None;
    if schema.is_none() {
        refused = sqlx::query(ADD).execute(&mut *beside).await.err();
        // Another process may have added it at this moment.
        schema = sqlx::query_scalar(SCHEMA)
            .fetch_optional(&mut *beside)
            .await?;
    }
    let Some(schema) = schema else {
        let error = refused.map(|error| error.to_string());
        tracing::info!(
            error,
            "searches read every name: there is no extension pg_trgm"
        );
        return Ok(());
    };
    for named in Named::ALL {
        let (table, (_, name)) = (named.table(), named.columns());
        let index = format!("{table}_by_trigram");
        let there: i64 = sqlx::query_scalar(INDEXED)
            .bind(&index)
            .fetch_one(&mut *beside)
            .await?;
        // Asked first: making it waits for every writer, even when it is there.
        if there == 0 {
            let make = format!(
                "CREATE INDEX IF NOT EXISTS {index}
                ON {table} USING gin ({name} {schema}.gin_trgm_ops)"
            );
            sqlx::query(AssertSqlSafe(make))
                .execute(&mut *beside)
                .await?;
        }
    }
    Ok(())
}

impl Named {
    /// A number for each name, which VACUUM leaves as it is, the trigrams by these numbers,
    /// and what keeps both in step.
    fn sqlite_tables(self) -> String {
        let table = self.table();
        let (key, name) = self.columns();
        let add = format!(
            "INSERT INTO {table}_trigram (rowid, folded)
                SELECT number, folded FROM {table}_name WHERE id = new.{key};"
        );
        let remove = format!(
            "INSERT INTO {table}_trigram ({table}_trigram, rowid, folded)
                SELECT 'delete', number, folded FROM {table}_name WHERE id = old.{key};"
        );
        format!(
            "CREATE TABLE {table}_name (
                number INTEGER NOT NULL PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                folded TEXT NOT NULL
            );
            CREATE VIRTUAL TABLE {table}_trigram USING fts5 (
                folded, content = '{table}_name', content_rowid = 'number',
                tokenize = 'trigram case_sensitive 1'
            );
            CREATE TRIGGER {table}_named AFTER INSERT ON {table} BEGIN
                INSERT INTO {table}_name (id, folded) VALUES (new.{key}, new.{name});
                {add}
            END;
            CREATE TRIGGER {table}_renamed AFTER UPDATE OF {name} ON {table}
            WHEN old.{name} <> new.{name} BEGIN
                {remove}
                UPDATE {table}_name SET folded = new.{name} WHERE id = new.{key};
                {add}
            END;
            CREATE TRIGGER {table}_unnamed AFTER DELETE ON {table} BEGIN
                {remove}
                DELETE FROM {table}_name WHERE id = old.{key};
            END;
            INSERT INTO {table}_name (id, folded) SELECT {key}, {name} FROM {table};
            INSERT INTO {table}_trigram ({table}_trigram) VALUES ('rebuild');"
        )
    }
}
