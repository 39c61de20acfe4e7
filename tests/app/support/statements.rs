//! What the program asks of the database, word for word, and how the engine goes about it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Row as _};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
    registry::LookupSpan,
};
use untether::store::{Held, Tx};

static RECORDINGS: AtomicU32 = AtomicU32::new(0);
/// What was heard, by recording.
static HEARD: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// What is logged on this thread belongs to this recording: each connection logs on one.
    static RECORDING: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Listens to what one transaction asks.
pub struct Recording(String);

impl Recording {
    /// What hears the statements of the whole process.
    pub fn layer<S>() -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        Targets: Filter<S>,
    {
        let words = Targets::new()
            .with_target("sqlx::query", Level::DEBUG)
            .with_target("sqlx::postgres::notice", Level::TRACE);
        Listener.with_filter(words)
    }

    /// Begins to listen. PostgreSQL tells the plan of each statement as it runs it.
    pub async fn start(tx: &mut Tx) -> Self {
        let name = format!("recording {}", RECORDINGS.fetch_add(1, Ordering::SeqCst));
        if let Tx::Postgres(_) = tx {
            for statement in [
                "LOAD 'auto_explain'",
                "SET auto_explain.log_min_duration = 0",
                "SET client_min_messages = log",
                // Among so few rows a scan is often the best way; here it is the last.
                "SET enable_seqscan = off",
            ] {
                run(tx, statement).await;
            }
        }
        run(tx, &format!("SELECT 'begin {name}'")).await;
        Self(name)
    }

    /// Each statement heard, with its plan.
    pub async fn plans(self, tx: &mut Tx) -> BTreeMap<String, Vec<String>> {
        run(tx, &format!("SELECT 'end {}'", self.0)).await;
        let heard = HEARD
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
        let mut plans = BTreeMap::new();
        for text in heard.unwrap_or_default() {
            match tx {
                Tx::Sqlite(_) if !plans.contains_key(&text) => {
                    let plan = explain(tx, &text).await;
                    plans.insert(text, plan);
                }
                Tx::Sqlite(_) => {}
                Tx::Postgres(_) => {
                    if let Some((asked, plan)) = told(&text) {
                        plans.entry(asked).or_insert_with(Vec::new).extend(plan);
                    }
                }
            }
        }
        plans
    }
}

/// A statement and its plan, as PostgreSQL tells it.
fn told(notice: &str) -> Option<(String, Vec<String>)> {
    let (_, text) = notice.split_once("Query Text:")?;
    // The plan begins with the first line that tells a cost.
    let lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(|line| line.contains("  (cost="))?;
    let plan = lines[first..].iter().map(|line| (*line).to_owned());
    let statement = lines[..first].join("\n").trim_start().to_owned();
    Some((statement, plan.collect()))
}

async fn explain(tx: &mut Tx, statement: &str) -> Vec<String> {
    let Tx::Sqlite(Held::Transaction(held)) = tx else {
        panic!("not a transaction on SQLite");
    };
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(&mut **held).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}: {statement}"));
    rows.iter().map(|row| row.get("detail")).collect()
}

async fn run(tx: &mut Tx, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    match tx {
        Tx::Sqlite(Held::Transaction(held)) => {
            sqlx::query(statement).execute(&mut **held).await.unwrap();
        }
        Tx::Postgres(Held::Transaction(held)) => {
            sqlx::query(statement).execute(&mut **held).await.unwrap();
        }
        _ => panic!("not a transaction"),
    }
}

/// Hears the statements that sqlx logs, and what PostgreSQL says of them.
struct Listener;

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let text = match words.statement.trim() {
            "" => words.summary,
            statement => statement.to_owned(),
        };
        let mark = |word| text.strip_prefix(word)?.strip_suffix('\'');
        RECORDING.with_borrow_mut(|recording| {
            if let Some(name) = mark("SELECT 'begin ") {
                *recording = Some(name.to_owned());
            } else if mark("SELECT 'end ").is_some() {
                *recording = None;
            } else if let Some(name) = recording {
                let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
                heard.entry(name.clone()).or_default().push(text.clone());
            }
        });
    }
}

/// What a log event says.
#[derive(Default)]
struct Words {
    statement: String,
    summary: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "db.statement" | "message" => self.statement = value.to_owned(),
            "summary" => self.summary = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.statement = format!("{value:?}");
        }
    }
}
