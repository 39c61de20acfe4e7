//! Settings: from a flag, the environment, or a file that either names, to typed
//! values. [`RawSettings`] is what was given, [`Settings`] what it means.
//!
//! All problems are reported at once, each with the name of the setting, where its value
//! came from and what is allowed. Secret values are in no message and no `Debug`.

mod assertion;
mod clients;
mod raw;
mod types;
mod values;

use std::{fs, net::SocketAddr};

use actix_web::http::header::HeaderName;
use clap::{ArgMatches, parser::ValueSource};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;

pub use assertion::{AssertionSettings, KeyLocation};
pub use raw::RawSettings;
pub use types::{
    ClientDocuments, DatabaseUrl, LogFormat, ProxySecret, PublicUrl, Registration, SecretKey,
};

use crate::domain::{document::Host, role::PrincipalName, scheme::PrivateSchemes};

/// Longest lifetime of a connection that can be set, in days.
const MAX_DAYS: u32 = 3650;

/// How an installation is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Under which origin it is reached.
    pub public_url: PublicUrl,
    /// Where the data is.
    pub database: DatabaseUrl,
    /// The organization's name.
    pub organization: String,
    /// The key of hashes and cookies; `None` only with SQLite, which keeps one beside
    /// its file.
    pub secret_key: Option<SecretKey>,
    /// Which proxy says who is signed in, and how.
    pub proxy: Option<ProxySettings>,
    /// Which signed statement says who is there, instead of the proxy's plain headers.
    pub assertion: Option<AssertionSettings>,
    /// Who sees and changes everything.
    pub owners: Vec<PrincipalName>,
    /// Who sees everything and changes nothing.
    pub auditors: Vec<PrincipalName>,
    /// Where "Sign out" leads: a URL or a path.
    pub sign_out_url: Option<String>,
    /// Days without use after which a connection expires, 1 to 3650.
    pub idle_days: u32,
    /// Days after which a connection expires even if used, 1 to 3650.
    pub max_age_days: Option<u32>,
    /// Minutes for which an access token is valid, 1 to 1440.
    pub access_token_minutes: u32,
    /// Seconds for which a replaced refresh token still works, 0 to 3600.
    pub refresh_grace_seconds: u32,
    /// Whether clients may register themselves.
    pub registration: Registration,
    /// How many clients may register themselves in an hour from one address, 1 to 10000.
    pub registrations_per_hour: u32,
    /// The private-use schemes that redirect URIs may have.
    pub redirect_schemes: PrivateSchemes,
    /// Days after which a client that registered itself and that nobody uses is removed,
    /// 1 to 3650; when `None`, none is.
    pub unused_client_days: Option<u32>,
    /// Which clients may be known by a document.
    pub client_documents: ClientDocuments,
    /// Hosts whose client documents are fetched from private addresses too.
    pub private_document_hosts: Vec<Host>,
    /// Certificate authorities that are believed besides the system's.
    pub certificates: Vec<CertificateDer<'static>>,
    /// What is logged, a valid `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// How log lines are written; when `None`, JSON for `serve`, else text.
    pub log_format: Option<LogFormat>,
}

/// The single sign-on proxy in front of the service, and its headers.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// Peer addresses whose headers are believed; never empty.
    pub trusted: Vec<IpNet>,
    /// What the proxy must send besides.
    pub secret: Option<ProxySecret>,
    /// Header with the e-mail address.
    pub email_header: HeaderName,
    /// Header with the name.
    pub name_header: HeaderName,
    /// Header with the groups.
    pub groups_header: HeaderName,
    /// Character between two groups.
    pub groups_separator: char,
    /// Header with a lasting id; when `None`, the e-mail identifies the person.
    pub subject_header: Option<HeaderName>,
}

/// Everything that is wrong with the settings, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(Vec<String>);

impl SettingsError {
    /// The problems; never empty.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl Settings {
    /// Checks that there is a way to know who is signed in, as `untether serve` needs.
    ///
    /// # Errors
    /// When no proxy is trusted and no signature is: then nobody could sign in, or
    /// anybody as anyone.
    pub fn require_identity(&self) -> Result<(), SettingsError> {
        if self.proxy.is_some() || self.assertion.is_some() {
            return Ok(());
        }
        Err(SettingsError(vec![
            "UNTETHER_TRUSTED_PROXIES is not set: people sign in at your single sign-on proxy, \
             so Untether must know from which address its headers come, for instance \
             UNTETHER_TRUSTED_PROXIES=127.0.0.1,::1 for a proxy on this machine. If your proxy \
             signs what it says (a JWT), set UNTETHER_ASSERTION_HEADER and the settings \
             beside it instead, or both. To look around without a proxy, run: untether demo"
                .to_owned(),
        ]))
    }
}

impl RawSettings {
    /// What the settings mean. `matches` are those of the whole command line, from which
    /// these raw settings were made; they tell where each value came from. Reads the
    /// files that `_FILE` settings name.
    ///
    /// # Errors
    /// All problems at once.
    pub fn validate(&self, matches: &ArgMatches) -> Result<Settings, SettingsError> {
        let mut reader = Reader {
            matches,
            problems: Vec::new(),
        };
        let r = &mut reader;
        let (listen, public_url) = self.addresses(r);
        let (secret_key, database) = self.storage(r);
        let number = |from, to| move |text: &str| values::number(text, from, to);
        let settings = Settings {
            listen,
            public_url,
            database,
            organization: r
                .read("organization", &self.organization, values::organization)
                .unwrap_or_else(|| "Untether".to_owned()),
            secret_key,
            proxy: self.proxy(r),
            assertion: self.assertion(r),
            owners: r.read_list("owners", &self.owners, str::parse),
            auditors: r.read_list("auditors", &self.auditors, str::parse),
            sign_out_url: r.read("sign_out_url", &self.sign_out_url, values::sign_out_url),
            idle_days: r
                .read("idle_days", &self.idle_days, number(1, MAX_DAYS))
                .unwrap_or(30),
            max_age_days: r.read("max_age_days", &self.max_age_days, number(1, MAX_DAYS)),
            access_token_minutes: r
                .read(
                    "access_token_minutes",
                    &self.access_token_minutes,
                    number(1, 1440),
                )
                .unwrap_or(60),
            refresh_grace_seconds: r
                .read(
                    "refresh_grace_seconds",
                    &self.refresh_grace_seconds,
                    number(0, 3600),
                )
                .unwrap_or(120),
            registration: r
                .read("registration", &self.registration, values::registration)
                .unwrap_or(Registration::Open),
            registrations_per_hour: r
                .read(
                    "registrations_per_hour",
                    &self.registrations_per_hour,
                    number(1, 10_000),
                )
                .unwrap_or(60),
            redirect_schemes: self.redirect_schemes(r),
            unused_client_days: self.unused_client_days(r),
            client_documents: self.client_documents(r),
            private_document_hosts: r.read_list(
                "client_document_private_hosts",
                &self.client_document_private_hosts,
                Host::parse,
            ),
            certificates: r
                .read("ca_file", &self.ca_file, values::certificates)
                .unwrap_or_default(),
            log: r
                .read("log", &self.log, values::log_filter)
                .unwrap_or_else(|| "info,sqlx=warn".to_owned()),
            log_format: r.read("log_format", &self.log_format, values::log_format),
        };
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(reader.problems))
        }
    }

    /// Where it listens, and the address that people use.
    fn addresses(&self, r: &mut Reader) -> (SocketAddr, PublicUrl) {
        let listen = r.read("listen", &self.listen, values::listen);
        let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let public_url = r.read("public_url", &self.public_url, PublicUrl::parse);
        if self.public_url.is_none() && !listen.ip().is_loopback() {
            r.problems.push(format!(
                "UNTETHER_PUBLIC_URL is not set: it is needed because Untether listens on \
                 {listen}, which other machines can reach; set it to the address that people \
                 use, such as https://untether.example.com"
            ));
        }
        let public_url = public_url.unwrap_or_else(|| PublicUrl::of_listener(listen));
        (listen, public_url)
    }

    /// The key that secrets are kept with, and where everything is kept.
    fn storage(&self, r: &mut Reader) -> (Option<SecretKey>, DatabaseUrl) {
        let key_file = (&self.secret_key, &self.secret_key_file);
        let secret_key = r.read_secret("secret_key", key_file, SecretKey::parse);
        let url_file = (&self.database_url, &self.database_url_file);
        let database = r.read_secret("database_url", url_file, DatabaseUrl::parse);
        let database = database.unwrap_or_else(|| DatabaseUrl::Sqlite {
            path: "untether.db".into(),
        });
        let has_key = self.secret_key.is_some() || self.secret_key_file.is_some();
        if matches!(database, DatabaseUrl::Postgres { .. }) && !has_key {
            r.problems.push(
                "UNTETHER_SECRET_KEY is not set: it is needed with PostgreSQL, because every \
                 server must have the same; make one with: openssl rand -hex 32"
                    .to_owned(),
            );
        }
        (secret_key, database)
    }

    fn proxy(&self, r: &mut Reader) -> Option<ProxySettings> {
        let secret_file = (&self.proxy_secret, &self.proxy_secret_file);
        let trusted = r.read_list(
            "trusted_proxies",
            &self.trusted_proxies,
            values::trusted_proxy,
        );
        let secret = r.read_secret("proxy_secret", secret_file, ProxySecret::parse);
        let or = |header: Option<HeaderName>, default| {
            header.unwrap_or_else(|| HeaderName::from_static(default))
        };
        let email = r.read("email_header", &self.email_header, values::header);
        let name = r.read("name_header", &self.name_header, values::header);
        let groups = r.read("groups_header", &self.groups_header, values::header);
        let separator = r.read(
            "groups_separator",
            &self.groups_separator,
            values::separator,
        );
        let subject_header = r.read("subject_header", &self.subject_header, values::header);
        if self.trusted_proxies.is_none() && secret.is_some() {
            r.problems.push(
                "UNTETHER_PROXY_SECRET is set without UNTETHER_TRUSTED_PROXIES: no proxy would \
                 be believed; name its address there, such as 127.0.0.1"
                    .to_owned(),
            );
        }
        (!trusted.is_empty()).then(|| ProxySettings {
            trusted,
            secret,
            email_header: or(email, "x-forwarded-email"),
            name_header: or(name, "x-forwarded-preferred-username"),
            groups_header: or(groups, "x-forwarded-groups"),
            groups_separator: separator.unwrap_or(','),
            subject_header,
        })
    }
}

/// Parses settings one by one and remembers what was wrong. A setting is named by its
/// field, which gives the flag and the variable: `listen`, `--listen`, `UNTETHER_LISTEN`.
struct Reader<'a> {
    matches: &'a ArgMatches,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// The value, or `None` when it is not given or wrong.
    fn read<T>(
        &mut self,
        field: &str,
        given: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let origin = self.origin(field);
        self.parse(&origin, given.as_deref()?, parse)
    }

    /// The values of a comma list; empty when it is not given. Each wrong item is a
    /// problem of its own.
    fn read_list<T>(
        &mut self,
        field: &str,
        given: &Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(text) = given else { return Vec::new() };
        let origin = self.origin(field);
        let items: Vec<_> = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect();
        if items.is_empty() {
            self.problems.push(format!("{origin}: {EMPTY}"));
        }
        items
            .into_iter()
            .filter_map(|item| self.parse(&origin, item, &parse))
            .collect()
    }

    /// The value of a setting that may instead be in a file, without the line end there.
    fn read_secret<T>(
        &mut self,
        field: &str,
        (given, file): (&Option<String>, &Option<String>),
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(path) = file else {
            return self.read(field, given, parse);
        };
        let file_origin = self.origin(&format!("{field}_file"));
        if given.is_some() {
            let origin = self.origin(field);
            self.problems.push(format!(
                "{origin}: {file_origin} is set too; set only one of them"
            ));
            return None;
        }
        let text = self.parse(&file_origin, path, |path| {
            fs::read_to_string(path).map_err(|error| format!("cannot read {path:?}: {error}"))
        })?;
        let origin = format!("{} (file {path})", variable(field));
        self.parse(&origin, text.trim_end_matches(['\r', '\n']), parse)
    }

    fn parse<T>(
        &mut self,
        origin: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        // Nothing is not the default: an empty variable may be a secret that failed to load.
        let parsed = if text.is_empty() {
            Err(EMPTY.to_owned())
        } else {
            parse(text)
        };
        parsed
            .map_err(|problem| self.problems.push(format!("{origin}: {problem}")))
            .ok()
    }

    /// The variable's name and where its value came from.
    fn origin(&self, field: &str) -> String {
        // Asked for first, because `value_source` panics for an unknown argument.
        let known = self.matches.try_contains_id(field).is_ok();
        let variable = variable(field);
        match known.then(|| self.matches.value_source(field)).flatten() {
            Some(ValueSource::CommandLine) => {
                format!("{variable} (flag --{})", field.replace('_', "-"))
            }
            Some(ValueSource::EnvVariable) => format!("{variable} (environment)"),
            _ => variable,
        }
    }
}

/// What is said of a setting that is given without a value.
const EMPTY: &str = "it is empty; give it a value, or leave it out";

fn variable(field: &str) -> String {
    format!("UNTETHER_{}", field.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
