//! `untether serve` and `untether demo`.

use std::{net::TcpListener, sync::Arc};

use crate::{
    app::{self, background},
    clock::SystemClock,
    config::{DatabaseUrl, PublicUrl, Settings},
    demo,
    domain::secret::{Secrets, SystemRandomness},
    flow::introspect::Pace,
    web::{identity::IdentitySource, state::App},
};

use super::{Failure, key, open, say};

#[derive(Debug, Default, clap::Args)]
pub struct Serve {
    /// Go on with another secret key than before, with which no token, client secret or credential
    /// that was made until now works
    #[arg(long)]
    accept_new_key: bool,
}

/// Answers requests until told to stop.
///
/// # Errors
/// When the settings, the key, the database or the address cannot be used.
pub async fn run(serve: &Serve, settings: Settings) -> Result<(), Failure> {
    settings.require_identity()?;
    let Some(identities) = IdentitySource::of(&settings) else {
        return Err(Failure::new("nobody could sign in"));
    };
    let listener = listen(&settings)?;
    let settings = name_the_port(settings, &listener)?;
    let key = key::of(&settings)?;
    let secrets = Secrets::new(&key, Arc::new(SystemRandomness));
    let db = open(&settings.database).await?;
    if settings.owners.is_empty() {
        tracing::warn!("nobody is an owner: name people or groups in UNTETHER_OWNERS");
    }
    key::note(&db, &secrets, serve.accept_new_key).await?;
    let app = app::assemble(settings, db, Arc::new(SystemClock), secrets, identities).await?;
    tracing::info!(
        address = %listener.local_addr()?,
        public_url = app.settings.public_url.as_str(),
        database = %app.settings.database,
        "listening"
    );
    answer(app, listener).await
}

/// Shows a throw-away organization until told to stop.
///
/// # Errors
/// When it cannot be set up.
pub async fn demo(settings: Settings) -> Result<(), Failure> {
    let listener = listen(&settings)?;
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        public_url: PublicUrl::of_listener(listener.local_addr()?),
        database: DatabaseUrl::Sqlite {
            path: folder.path().join("demo.db"),
        },
        ..demo::settings(settings)
    };
    let key = key::of(&settings)?;
    let secrets = Secrets::new(&key, Arc::new(SystemRandomness));
    let db = open(&settings.database).await?;
    let identities = IdentitySource::Demo(demo::personas());
    let app = app::assemble(settings, db, Arc::new(SystemClock), secrets, identities).await?;
    demo::fill(&app).await?;
    say!("{}", demo::welcome(&app.settings.public_url))?;
    answer(app, listener).await
}

/// Port 0 lets the system choose; a public URL made from it must say which.
fn name_the_port(settings: Settings, listener: &TcpListener) -> Result<Settings, Failure> {
    if settings.public_url != PublicUrl::of_listener(settings.listen) {
        return Ok(settings);
    }
    Ok(Settings {
        public_url: PublicUrl::of_listener(listener.local_addr()?),
        ..settings
    })
}

fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    TcpListener::bind(settings.listen).map_err(|error| {
        Failure::new(format!(
            "cannot listen on {}: {error}; choose another address with --listen",
            settings.listen
        ))
    })
}

async fn answer(app: App, listener: TcpListener) -> Result<(), Failure> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = app::build(app.clone(), listener, workers)?;
    let mut beside = background::start(&app);
    server.await?;
    beside.shutdown().await;
    let uses = app.uses.record(&app.db, Pace::Straight).await;
    let asked = app.asked.record(&app.db).await;
    app.db.close().await;
    Ok(uses.and(asked)?)
}
