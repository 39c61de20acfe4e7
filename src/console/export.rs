//! Lists as files: the rows of every page, as one snapshot of the database has
//! them, in constant memory.

use std::{io, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout,
};
use tracing::Instrument;

use crate::{
    clock::Timestamp,
    domain::role::Principal,
    store::{self, Tx},
    turns::Taken,
    web::{
        params::Params,
        problem::Problem,
        state::App,
        table::{Format, Table},
    },
};

use super::{connections::to_ids, query::ListQuery};

mod rows;

pub use rows::{AuditTrail, Connections, Source};

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A row could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] io::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Write(error) => store::Error::from(sqlx::Error::Io(error)).into(),
        }
    }
}

/// A file in the making.
#[derive(Debug)]
pub struct Export<S, const N: usize> {
    tx: Tx,
    source: S,
    table: Table<N>,
    complete: bool,
}

impl<S: Source<N>, const N: usize> Export<S, N> {
    /// A file of what the source has in this snapshot.
    pub const fn new(snapshot: Tx, source: S, format: Format) -> Self {
        Self {
            tx: snapshot,
            source,
            table: Table::new(format, S::COLUMNS),
            complete: false,
        }
    }

    /// The next part of the file; after the last one, empty parts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Bytes, Error> {
        if self.complete {
            return Ok(Bytes::new());
        }
        let (rows, last) = self.source.next(&mut self.tx).await?;
        self.complete = last;
        Ok(self.table.add(&rows, self.complete)?)
    }

    /// Whether the part returned last was the end.
    pub const fn is_complete(&self) -> bool {
        self.complete
    }
}

/// `GET /connections.csv`.
///
/// # Errors
/// A page, when the query makes no sense, the database failed, or too many long
/// exports are being made.
pub async fn csv(
    app: Data<App>,
    principal: Principal,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    connections(&app, &principal, &req, Format::Csv).await
}

/// `GET /connections.json`.
///
/// # Errors
/// Like [`csv`].
pub async fn json(
    app: Data<App>,
    principal: Principal,
    req: HttpRequest,
) -> Result<HttpResponse, Problem> {
    connections(&app, &principal, &req, Format::Json).await
}

async fn connections(
    app: &App,
    principal: &Principal,
    req: &HttpRequest,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let params = Params::parse(req.query_string().as_bytes());
    let mut tx = app.db.snapshot().await?;
    let typed = to_ids(&mut tx, app, principal, &params).await?;
    let query = ListQuery::parse_strictly(typed.as_ref().unwrap_or(&params), principal)?;
    let source = Connections::new(&query, principal.sees(), app.rules.lifetimes, now);
    let export = Export::new(tx, source, format);
    answer((app, principal), export, ("connections", format), now).await
}

/// The file as an answer: at once when it is short, else as it is made.
///
/// # Errors
/// A page, when the database failed or too many long exports are being made.
pub async fn answer<S: Source<N> + 'static, const N: usize>(
    (app, principal): (&App, &Principal),
    mut export: Export<S, N>,
    (name, format): (&str, Format),
    now: Timestamp,
) -> Result<HttpResponse, Problem> {
    let first = export.next().await?;
    let day = now.to_utc().date();
    let file = format!("{name}-{day}.{}", format.extension());
    let mut response = HttpResponse::Ok();
    response
        .content_type(format.media_type())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file}\""),
        ));
    if export.is_complete() {
        return Ok(response.body(first));
    }
    let turn = app
        .exports
        .take(&principal.identity.subject)
        .map_err(busy)?;
    let (sender, receiver) = mpsc::channel(PARTS_AHEAD);
    let making = async move {
        if timeout(TIME_LIMIT, make(first, export, sender))
            .await
            .is_err()
        {
            tracing::warn!("an export took too long and was broken off");
        }
        drop(turn);
    };
    actix_web::rt::spawn(making.in_current_span());
    Ok(response.streaming(parts(receiver)))
}

/// How many parts wait for a slow reader.
const PARTS_AHEAD: usize = 4;

/// How long a reader may take over a part. A snapshot that stays open keeps the
/// database from tidying up.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// How long an export may take.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

fn busy(taken: Taken) -> Problem {
    let (heading, text) = match taken {
        Taken::ByThem => (
            "You are exporting already",
            "A long export of yours is still being made.",
        ),
        Taken::ByAll => (
            "Others are exporting",
            "Too many long exports are being made at the moment.",
        ),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, heading, text)
        .with_advice("Try again in a minute, or narrow the filters.")
}

/// A part of a file, and whether it is the last.
type Part = (Bytes, bool);

async fn make<S: Source<N>, const N: usize>(
    first: Bytes,
    mut export: Export<S, N>,
    sender: Sender<Part>,
) {
    let mut part = first;
    loop {
        let last = export.is_complete();
        match timeout(STALL_LIMIT, sender.send((part, last))).await {
            Ok(Ok(())) if !last => {}
            Ok(_) => return,
            Err(_) => {
                tracing::warn!("an export was not read for too long and was broken off");
                return;
            }
        }
        part = match export.next().await {
            Ok(part) => part,
            Err(error) => {
                tracing::error!(%error, "an export failed");
                return;
            }
        };
    }
}

/// The parts as they come. Without the last one the answer is cut off visibly,
/// so that nobody takes a part of the list for all of it.
fn parts(receiver: Receiver<Part>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        Some(match receiver.recv().await {
            Some((part, false)) => (Ok(part), Some(receiver)),
            Some((part, true)) => (Ok(part), None),
            None => (Err(io::ErrorKind::UnexpectedEof.into()), None),
        })
    })
}
