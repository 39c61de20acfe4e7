//! The settings as given: one optional text each, from a flag or the environment.
//! What they mean, and what is allowed, is decided in [`super`].

use std::fmt;

/// Every setting as it was given. Flags may stand before or after the command, except
/// `--idle-days`, which stands before it, because `untether revoke` has a filter of
/// that name.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct RawSettings {
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "UNTETHER_LISTEN", global = true, hide_env_values = true)]
    #[arg(value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Where people and clients reach Untether: https:// and a host, without a path
    /// [default: http:// and the listen address, when that is a loopback address]
    #[arg(
        long,
        env = "UNTETHER_PUBLIC_URL",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "URL")]
    pub public_url: Option<String>,
    /// sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME [default: sqlite://untether.db]
    #[arg(
        long,
        env = "UNTETHER_DATABASE_URL",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "URL")]
    pub database_url: Option<String>,
    /// File that contains the database URL, so that its password is in no command line
    #[arg(
        long,
        env = "UNTETHER_DATABASE_URL_FILE",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "PATH")]
    pub database_url_file: Option<String>,
    /// Name of the organization, shown on every page [default: Untether]
    #[arg(
        long,
        env = "UNTETHER_ORGANIZATION",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "NAME")]
    pub organization: Option<String>,
    /// Key for hashes and cookies, at least 32 random characters. Required for
    /// PostgreSQL [default: made once and kept beside the SQLite database]
    #[arg(
        long,
        env = "UNTETHER_SECRET_KEY",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "KEY")]
    pub secret_key: Option<String>,
    /// File that contains the secret key; better than a flag, which other users can see
    #[arg(
        long,
        env = "UNTETHER_SECRET_KEY_FILE",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "PATH")]
    pub secret_key_file: Option<String>,
    /// Addresses of the single sign-on proxy whose identity headers are believed, as
    /// seen by Untether: a comma list such as 127.0.0.1,10.1.0.0/16 [default: none]
    #[arg(
        long,
        env = "UNTETHER_TRUSTED_PROXIES",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "CIDR,...")]
    pub trusted_proxies: Option<String>,
    /// Secret that the proxy must send in X-Untether-Proxy-Secret, at least 32
    /// characters [default: none]
    #[arg(
        long,
        env = "UNTETHER_PROXY_SECRET",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "SECRET")]
    pub proxy_secret: Option<String>,
    /// File that contains the proxy secret
    #[arg(
        long,
        env = "UNTETHER_PROXY_SECRET_FILE",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "PATH")]
    pub proxy_secret_file: Option<String>,
    /// Header in which the proxy sends the e-mail address [default: X-Forwarded-Email]
    #[arg(
        long,
        env = "UNTETHER_EMAIL_HEADER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HEADER")]
    pub email_header: Option<String>,
    /// Header in which the proxy sends the name [default: X-Forwarded-Preferred-Username]
    #[arg(
        long,
        env = "UNTETHER_NAME_HEADER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HEADER")]
    pub name_header: Option<String>,
    /// Header in which the proxy sends the groups [default: X-Forwarded-Groups]
    #[arg(
        long,
        env = "UNTETHER_GROUPS_HEADER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HEADER")]
    pub groups_header: Option<String>,
    /// Character between two groups in that header [default: ,]
    #[arg(
        long,
        env = "UNTETHER_GROUPS_SEPARATOR",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "CHARACTER")]
    pub groups_separator: Option<String>,
    /// Header with a lasting id of the person [default: none; the e-mail identifies]
    #[arg(
        long,
        env = "UNTETHER_SUBJECT_HEADER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HEADER")]
    pub subject_header: Option<String>,
    /// Header in which the proxy sends a signed statement (a JWT) of who is there. With
    /// it, the headers above say nothing: the token's email, name and groups count, and
    /// its sub identifies when a subject header is set. It needs the three settings
    /// below [default: none]
    #[arg(
        long,
        env = "UNTETHER_ASSERTION_HEADER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HEADER")]
    pub assertion_header: Option<String>,
    /// Where the keys (JWKS) are with which that token may be signed: https://…, http://…
    /// on this machine, or file:PATH [default: none]
    #[arg(
        long,
        env = "UNTETHER_ASSERTION_JWKS_URL",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "URL")]
    pub assertion_jwks_url: Option<String>,
    /// What the token's issuer (iss) must be, to the letter [default: none]
    #[arg(
        long,
        env = "UNTETHER_ASSERTION_ISSUER",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "TEXT")]
    pub assertion_issuer: Option<String>,
    /// What the token's audience (aud) must be or contain, to the letter [default: none]
    #[arg(
        long,
        env = "UNTETHER_ASSERTION_AUDIENCE",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "TEXT")]
    pub assertion_audience: Option<String>,
    /// Organization owners, who see and change everything: a comma list of e-mail
    /// addresses and group:NAME [default: none]
    #[arg(long, env = "UNTETHER_OWNERS", global = true, hide_env_values = true)]
    #[arg(value_name = "WHO,...")]
    pub owners: Option<String>,
    /// Organization auditors, who see everything and change only their own connections: a
    /// comma list of e-mail addresses and group:NAME [default: none]
    #[arg(long, env = "UNTETHER_AUDITORS", global = true, hide_env_values = true)]
    #[arg(value_name = "WHO,...")]
    pub auditors: Option<String>,
    /// Where "Sign out" leads: a URL, or a path of the proxy such as /oauth2/sign_out
    /// [default: none; there is no such link]
    #[arg(
        long,
        env = "UNTETHER_SIGN_OUT_URL",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "URL")]
    pub sign_out_url: Option<String>,
    /// Days without use after which a connection expires, 1 to 3650 [default: 30]
    // Not global: it would be taken for the filter of `untether revoke --idle-days`.
    #[arg(long, env = "UNTETHER_IDLE_DAYS", hide_env_values = true)]
    #[arg(value_name = "DAYS")]
    pub idle_days: Option<String>,
    /// Days after which a connection expires even if used, 1 to 3650 [default: none]
    #[arg(
        long,
        env = "UNTETHER_MAX_AGE_DAYS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "DAYS")]
    pub max_age_days: Option<String>,
    /// Minutes for which an access token is valid, 1 to 1440 [default: 60]
    #[arg(
        long,
        env = "UNTETHER_ACCESS_TOKEN_MINUTES",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "MINUTES")]
    pub access_token_minutes: Option<String>,
    /// Seconds for which a replaced refresh token still works, for clients that refresh
    /// twice at once, 0 to 3600 [default: 120]
    #[arg(
        long,
        env = "UNTETHER_REFRESH_GRACE_SECONDS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "SECONDS")]
    pub refresh_grace_seconds: Option<String>,
    /// Whether clients may register themselves (RFC 7591): open or off [default: open]
    #[arg(
        long,
        env = "UNTETHER_REGISTRATION",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "open|off")]
    pub registration: Option<String>,
    /// How many clients may register themselves in an hour from one address (of IPv6, one
    /// /64 network), 1 to 10000; each replica counts for itself [default: 60]
    #[arg(
        long,
        env = "UNTETHER_REGISTRATIONS_PER_HOUR",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "NUMBER")]
    pub registrations_per_hour: Option<String>,
    /// The private schemes, such as cursor in cursor://, to which clients may be sent
    /// back: a comma list, or none
    /// [default: cursor,claude,vscode,vscode-insiders,windsurf,zed]
    #[arg(
        long,
        env = "UNTETHER_REDIRECT_SCHEMES",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "SCHEME,...|none")]
    pub redirect_schemes: Option<String>,
    /// Days after which a client that registered itself is removed if it has no connection
    /// that works, 1 to 3650, or never [default: 30]
    #[arg(
        long,
        env = "UNTETHER_UNUSED_CLIENT_DAYS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "DAYS|never")]
    pub unused_client_days: Option<String>,
    /// Whether clients may be known by a document at an https address (Client ID Metadata
    /// Documents): any, list (only from UNTETHER_CLIENT_DOCUMENT_HOSTS) or off [default: any]
    #[arg(
        long,
        env = "UNTETHER_CLIENT_DOCUMENTS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "any|list|off")]
    pub client_documents: Option<String>,
    /// Hosts whose client documents are accepted: a comma list such as
    /// claude.ai,vscode.dev; only with UNTETHER_CLIENT_DOCUMENTS=list
    #[arg(
        long,
        env = "UNTETHER_CLIENT_DOCUMENT_HOSTS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HOST,...")]
    pub client_document_hosts: Option<String>,
    /// Hosts from which client documents are fetched although their addresses are
    /// private: a comma list. Name only hosts that you run [default: none]
    #[arg(
        long,
        env = "UNTETHER_CLIENT_DOCUMENT_PRIVATE_HOSTS",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "HOST,...")]
    pub client_document_private_hosts: Option<String>,
    /// File with the certificates (PEM) of your own certificate authorities, believed
    /// besides the system's when Untether asks other servers [default: none]
    #[arg(long, env = "UNTETHER_CA_FILE", global = true, hide_env_values = true)]
    #[arg(value_name = "PATH")]
    pub ca_file: Option<String>,
    /// What is logged, as a tracing filter [default: info,sqlx=warn]
    #[arg(long, env = "UNTETHER_LOG", global = true, hide_env_values = true)]
    #[arg(value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines are written: json or text [default: json for serve, else text]
    #[arg(
        long,
        env = "UNTETHER_LOG_FORMAT",
        global = true,
        hide_env_values = true
    )]
    #[arg(value_name = "json|text")]
    pub log_format: Option<String>,
}

/// Shows no values: some are secret.
impl fmt::Debug for RawSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSettings").finish_non_exhaustive()
    }
}
