//! What a server does besides answering.

use std::time::Duration;

use tokio::{task::JoinSet, time::MissedTickBehavior};

use crate::{
    clock::Timestamp,
    domain::audit::Actor,
    flow::{self, Context, introspect::Pace, sweep::Swept},
    store::{self, checkpoint::Checkpoints},
    web::state::App,
};

/// How often uses of connections are written down.
const RECORD_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is checked whether an act was interrupted.
const CONTINUE_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked for what time has brought about.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often it is checked whether the keys of signed identities are still fresh.
const REFRESH_INTERVAL: Duration = Duration::from_secs(20);

/// How often what was written to SQLite's log is copied into the file, and how soon again
/// when that was much.
const CHECKPOINT_PAUSE: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(5)];

/// Starts all of it. It goes on until the set is dropped or shut down.
pub fn start(app: &App) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(record_uses(app.clone()));
    tasks.spawn(refresh_identities(app.clone()));
    tasks.spawn(continue_acts(app.clone()));
    tasks.spawn(keep_swept(app.clone()));
    tasks.spawn(checkpoint(app.clone()));
    tasks
}

/// Writes down uses of connections, and which servers asked, again and again.
async fn record_uses(app: App) {
    let mut interval = tokio::time::interval(RECORD_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(error) = app.uses.record(&app.db, Pace::Gentle).await {
            tracing::warn!(%error, "could not record uses of connections; trying again later");
        }
        if let Err(error) = app.asked.record(&app.db).await {
            tracing::warn!(%error, "could not record who asked; trying again later");
        }
    }
}

/// Goes on with acts that a crash or a stop interrupted, on this server or another.
async fn continue_acts(app: App) {
    let mut interval = tokio::time::interval(CONTINUE_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = app.worker().resume().await {
            tracing::warn!(%error, "could not go on with an act; trying again later");
        }
    }
}

/// Does what time has made due, as [`flow::sweep`] says.
///
/// # Errors
/// When the database fails.
pub async fn sweep(app: &App, now: Timestamp) -> store::Result<Swept> {
    let context = Context {
        now,
        rules: &app.rules,
        secrets: &app.secrets,
        actor: Actor::Untether,
        address: None,
    };
    flow::sweep::run(&app.db, &context).await
}

/// Sweeps, again and again.
async fn keep_swept(app: App) {
    let mut interval = tokio::time::interval(SWEEP_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match sweep(&app, app.clock.now()).await {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => tracing::info!(?swept, "swept"),
            Err(error) => tracing::warn!(%error, "could not sweep; trying again later"),
        }
    }
}

/// Keeps the keys of signed identities fresh. The first reading is at once, and nobody
/// waits for it to listen.
async fn refresh_identities(app: App) {
    let mut interval = tokio::time::interval(REFRESH_INTERVAL);
    loop {
        interval.tick().await;
        app.identities.refresh(app.clock.now()).await;
    }
}

/// Copies what was written into SQLite's file, so that writers need not.
async fn checkpoint(app: App) {
    let mut checkpoints = match Checkpoints::open(&app.db).await {
        Ok(Some(checkpoints)) => checkpoints,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(%error, "could not open a connection for checkpoints; writers do them");
            return;
        }
    };
    let [calm, busy] = CHECKPOINT_PAUSE;
    loop {
        let pause = match checkpoints.run().await {
            Ok(true) => busy,
            Ok(false) => calm,
            Err(error) => {
                tracing::warn!(%error, "could not make a checkpoint; trying again later");
                calm
            }
        };
        tokio::time::sleep(pause).await;
    }
}
