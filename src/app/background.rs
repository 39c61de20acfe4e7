//! What a server does besides answering.

use std::time::{Duration, Instant};

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

/// How far the clock may be ahead of all that has happened, and how long it has to be before it
/// is believed: a server that was off for days is right.
const AHEAD: Duration = Duration::from_secs(2 * 86_400);
const BELIEVED_AFTER: Duration = Duration::from_secs(3_600);

/// How often it is checked whether the keys of signed identities are still fresh.
const REFRESH_INTERVAL: Duration = Duration::from_secs(20);

/// How often what was written to SQLite's log is copied into the file, and how soon again
/// when that was much.
const CHECKPOINT_PAUSE: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(5)];

/// How long it is left alone at most while it cannot be done.
const LONGEST_TROUBLE: Duration = Duration::from_secs(60);

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

/// Sweeps, again and again, unless the clock may be wrong.
async fn keep_swept(app: App) {
    let mut interval = tokio::time::interval(SWEEP_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch::default();
    loop {
        interval.tick().await;
        tell_of_clock(&app).await;
        if watch.latest.is_none() {
            match app.db.latest().await {
                Ok(latest) => watch.latest = latest,
                Err(error) => {
                    tracing::warn!(%error, "could not sweep; trying again later");
                    continue;
                }
            }
        }
        if !watch.is_believed(app.clock.now(), Instant::now()) {
            continue;
        }
        match sweep(&app, app.clock.now()).await {
            Ok(swept) if swept.is_empty() => {}
            Ok(swept) => tracing::info!(?swept, "swept"),
            Err(error) => tracing::warn!(%error, "could not sweep; trying again later"),
        }
    }
}

/// Says so when this clock and PostgreSQL's, and so perhaps those of other servers, do not agree.
async fn tell_of_clock(app: &App) {
    match app.db.clock_gap(app.clock.now()).await {
        Ok(None) => {}
        Ok(Some(gap)) => tracing::error!(
            seconds = gap.as_secs(),
            "the clocks of this machine and of PostgreSQL are apart: servers that do not agree on \
             the time refuse each other's codes, and take a refresh for theft; keep them in step, \
             as with NTP"
        ),
        Err(error) => tracing::warn!(%error, "could not compare clocks; trying again later"),
    }
}

/// Watches the clock. It may be wrong for a while, as after a start, and what a sweep removes is
/// gone for good.
#[derive(Debug, Default)]
struct Watch {
    /// The latest moment that is known of: of what has happened, or of the last sweep.
    latest: Option<Timestamp>,
    /// Since when the clock has been too far ahead of that.
    since: Option<Instant>,
}

impl Watch {
    /// Whether the clock is near what is known of, or has been ahead of it for long enough.
    fn is_believed(&mut self, now: Timestamp, at: Instant) -> bool {
        if self.latest.is_some_and(|latest| now > latest.plus(AHEAD)) {
            let since = *self.since.get_or_insert_with(|| {
                tracing::warn!(
                    clock = %now.to_utc(),
                    "the clock is days ahead of the last that has happened: nothing is removed \
                     for an hour, in case it is wrong"
                );
                at
            });
            if at.duration_since(since) < BELIEVED_AFTER {
                return false;
            }
        }
        self.latest = Some(now);
        self.since = None;
        true
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
    let mut trouble = calm;
    loop {
        let pause = match checkpoints.run().await {
            Ok(copied_much) => {
                trouble = calm;
                if copied_much { busy } else { calm }
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "could not copy the log into the database, whose disk may be full; trying \
                     again later"
                );
                trouble = LONGEST_TROUBLE.min(trouble * 2);
                trouble
            }
        };
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_clock_that_is_days_ahead_is_believed_after_an_hour_and_no_sooner() {
        let (known, start) = (Timestamp::from_millis(1_000_000), Instant::now());
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut watch = Watch {
            latest: Some(known),
            since: None,
        };
        assert!(watch.is_believed(known.plus(DAY), after(0)));
        let ahead = known.plus(40 * DAY);
        assert!(!watch.is_believed(ahead, after(1)));
        assert!(!watch.is_believed(ahead, after(60)));
        // It was put right meanwhile, and the hour begins anew.
        assert!(watch.is_believed(known.plus(DAY), after(60)));
        assert!(!watch.is_believed(ahead, after(61)));
        assert!(!watch.is_believed(ahead, after(120)));
        assert!(watch.is_believed(ahead, after(121)));
        assert!(watch.is_believed(ahead.plus(DAY), after(122)));
        // One that has gone back removes nothing that it should not.
        assert!(watch.is_believed(known, after(123)));
    }

    #[test]
    fn where_nothing_has_happened_yet_any_clock_is_believed() {
        let mut watch = Watch::default();
        assert!(watch.is_believed(Timestamp::from_millis(1), Instant::now()));
    }
}
