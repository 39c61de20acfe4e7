//! Tests of the settings as a whole, on command lines as `untether` has them.

use clap::{Arg, Args as _, Command, FromArgMatches as _};

use super::*;

mod outside;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// `untether` with a command, blind to the environment that the tests run in.
fn command() -> Command {
    let revoke = Command::new("revoke").arg(Arg::new("idle_days").long("idle-days"));
    RawSettings::augment_args(Command::new("untether"))
        .mut_args(|arg| arg.env(None::<&str>))
        .subcommand(Command::new("serve"))
        .subcommand(revoke)
}

fn validate_with(command: Command, arguments: &[&str]) -> Result<Settings, SettingsError> {
    let arguments = ["untether"].iter().chain(arguments);
    let matches = command
        .try_get_matches_from(arguments)
        .expect("a command line");
    let raw = RawSettings::from_arg_matches(&matches).expect("raw settings");
    raw.validate(&matches)
}

fn validate(arguments: &[&str]) -> Result<Settings, SettingsError> {
    validate_with(command(), arguments)
}

fn problems(arguments: &[&str]) -> Vec<String> {
    validate(arguments).expect_err("problems").lines().to_vec()
}

#[test]
fn without_any_setting_everything_has_its_default() {
    let settings = validate(&[]).expect("defaults");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(settings.database.to_string(), "sqlite://untether.db");
    assert_eq!(settings.organization, "Untether");
    assert!(settings.secret_key.is_none());
    assert!(settings.proxy.is_none() && settings.assertion.is_none());
    assert!(settings.owners.is_empty() && settings.auditors.is_empty());
    assert_eq!(settings.sign_out_url, None);
    assert_eq!((settings.idle_days, settings.max_age_days), (30, None));
    assert_eq!(
        (
            settings.access_token_minutes,
            settings.refresh_grace_seconds
        ),
        (60, 120)
    );
    assert_eq!(settings.registration, Registration::Open);
    assert_eq!(settings.registrations_per_hour, 60);
    assert_eq!(settings.redirect_schemes, PrivateSchemes::default());
    assert_eq!(settings.unused_client_days, Some(30));
    assert_eq!(settings.client_documents, ClientDocuments::Any);
    assert!(settings.private_document_hosts.is_empty() && settings.certificates.is_empty());
    assert_eq!(
        (settings.log.as_str(), settings.log_format),
        ("info,sqlx=warn", None)
    );
}

#[test]
fn a_flag_may_stand_before_or_after_the_command() {
    for arguments in [["--listen", "abc", "serve"], ["serve", "--listen", "abc"]] {
        assert_eq!(
            problems(&arguments),
            [
                r#"UNTETHER_LISTEN (flag --listen): "abc" is not an address with a port, such as 127.0.0.1:8080"#
            ]
        );
    }
}

#[test]
fn the_environment_is_named_where_a_value_came_from_it() {
    // PATH stands in for UNTETHER_LISTEN: it is set everywhere, and is no address.
    let from_environment = || command().mut_arg("listen", |arg| arg.env("PATH"));
    for arguments in [&[][..], &["serve"]] {
        let error = validate_with(from_environment(), arguments).expect_err("no address");
        assert!(
            error.lines()[0].starts_with("UNTETHER_LISTEN (environment): \""),
            "{error}"
        );
    }
    for arguments in [["--listen", "x", "serve"], ["serve", "--listen", "x"]] {
        let error = validate_with(from_environment(), &arguments).expect_err("no address");
        assert!(
            error.lines()[0].starts_with("UNTETHER_LISTEN (flag --listen): \"x\""),
            "{error}"
        );
    }
}

#[test]
fn every_setting_has_the_flag_and_the_variable_that_its_name_says() {
    let command = RawSettings::augment_args(Command::new("untether"));
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        assert_eq!(arg.get_long(), Some(id.replace('_', "-").as_str()));
        assert_eq!(arg.get_env(), Some(variable(id).as_ref()));
        assert!(
            arg.is_hide_env_values_set() && arg.get_help().is_some(),
            "{id}"
        );
        assert_eq!(arg.is_global_set(), id != "idle_days", "{id}");
    }
    assert_eq!(command.get_arguments().count(), 36);
}

#[test]
fn the_filter_of_revoke_is_not_the_setting_of_the_same_name() {
    let settings = validate(&["revoke", "--idle-days", "7"]).expect("valid");
    assert_eq!(settings.idle_days, 30);
    let settings = validate(&["--idle-days", "45", "revoke", "--idle-days", "7"]).expect("valid");
    assert_eq!(settings.idle_days, 45);
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = problems(&[
        "--listen=0.0.0.0:80",
        "--owners=ana@acme.example,nobody,group:",
        "--idle-days=0",
        "--access-token-minutes=1441",
        "--refresh-grace-seconds=-1",
        "--registration=yes",
        "--trusted-proxies=0.0.0.0/0,127.0.0.1,::/0",
        "--email-header=X Mail",
        "--log-format=xml",
        "--organization=",
    ]);
    let named: Vec<_> = found
        .iter()
        .filter_map(|line| line.split([' ', ':']).next())
        .collect();
    assert_eq!(
        named,
        [
            "UNTETHER_PUBLIC_URL",
            "UNTETHER_ORGANIZATION",
            "UNTETHER_TRUSTED_PROXIES",
            "UNTETHER_TRUSTED_PROXIES",
            "UNTETHER_EMAIL_HEADER",
            "UNTETHER_OWNERS",
            "UNTETHER_OWNERS",
            "UNTETHER_IDLE_DAYS",
            "UNTETHER_ACCESS_TOKEN_MINUTES",
            "UNTETHER_REFRESH_GRACE_SECONDS",
            "UNTETHER_REGISTRATION",
            "UNTETHER_LOG_FORMAT",
        ]
    );
}

#[test]
fn a_public_url_is_needed_where_others_can_reach_the_server() {
    assert!(problems(&["--listen=0.0.0.0:8080"])[0].starts_with("UNTETHER_PUBLIC_URL is not set"));
    let arguments = [
        "--listen=0.0.0.0:8080",
        "--public-url=https://untether.example.com/",
    ];
    let settings = validate(&arguments).expect("valid");
    assert_eq!(settings.public_url.origin(), "https://untether.example.com");
    assert!(validate(&["--public-url=http://untether.example.com"]).is_err());
}

#[test]
fn postgresql_needs_a_secret_key() {
    let url = "--database-url=postgres://u:hunter2@db/untether";
    let found = problems(&[url]);
    assert!(found.len() == 1 && found[0].starts_with("UNTETHER_SECRET_KEY is not set"));
    let settings = validate(&[url, "--secret-key", KEY]).expect("valid");
    assert_eq!(
        settings.secret_key.map(|key| key.expose().to_vec()),
        Some(KEY.into())
    );
}

#[test]
fn a_secret_may_be_in_a_file_and_its_problems_name_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    let path = path.to_str().expect("a path");
    let missing = problems(&["--secret-key-file", path]);
    assert!(
        missing[0].starts_with("UNTETHER_SECRET_KEY_FILE (flag --secret-key-file): cannot read")
    );

    fs::write(path, "hunter2\n").expect("written");
    let short = problems(&["--secret-key-file", path]);
    assert!(short[0].starts_with(&format!(
        "UNTETHER_SECRET_KEY (file {path}): it is too short"
    )));

    fs::write(path, format!("{KEY}\r\n")).expect("written");
    let settings = validate(&["--secret-key-file", path]).expect("valid");
    assert_eq!(
        settings.secret_key.map(|key| key.expose().to_vec()),
        Some(KEY.into())
    );

    let both = problems(&["--secret-key-file", path, "--secret-key", KEY]);
    assert!(
        both.len() == 1 && both[0].ends_with("is set too; set only one of them"),
        "{both:?}"
    );
}

#[test]
fn secret_values_are_in_no_error_and_no_debug_output() {
    let arguments = [
        "--secret-key=hunter2",
        "--proxy-secret=hunter2",
        "--database-url=postgres://u:hunter2@db:x/n",
    ];
    let matches = command().get_matches_from(["untether"].iter().chain(&arguments));
    let raw = RawSettings::from_arg_matches(&matches).expect("raw settings");
    let error = raw.validate(&matches).expect_err("problems");
    assert_eq!(error.lines().len(), 3);
    assert!(!format!("{raw:?} {error} {error:?}").contains("hunter2"));

    let secret = "hunter2".repeat(5);
    let settings = validate(&[
        "--secret-key",
        &secret,
        "--proxy-secret",
        &secret,
        "--trusted-proxies=::1",
        "--database-url=postgres://u:hunter2@db/n",
    ]);
    assert!(!format!("{:?}", settings.expect("valid")).contains("hunter2"));
}

#[test]
fn serving_needs_a_trusted_proxy() {
    let error = validate(&[])
        .expect("valid")
        .require_identity()
        .expect_err("no proxy");
    assert!(
        error
            .to_string()
            .starts_with("UNTETHER_TRUSTED_PROXIES is not set")
    );
    let settings = validate(&["--trusted-proxies", "127.0.0.1, ::1,"]).expect("valid");
    assert_eq!(settings.require_identity(), Ok(()));
    let proxy = settings.proxy.expect("a proxy");
    assert_eq!(proxy.trusted.len(), 2);
    assert_eq!(proxy.email_header, "x-forwarded-email");
    assert_eq!(proxy.name_header, "x-forwarded-preferred-username");
    assert_eq!(proxy.groups_header, "x-forwarded-groups");
    assert_eq!((proxy.groups_separator, proxy.subject_header), (',', None));
}

/// The Python SDK asks the person twice in one call when tokens live for seconds.
#[test]
fn an_access_token_lives_for_a_minute_at_least() {
    let shortest = validate(&["--access-token-minutes=1"]).expect("valid");
    assert_eq!(shortest.access_token_minutes, 1);
    for wrong in ["0", "0.5", "-1", "1441"] {
        let error = validate(&[&format!("--access-token-minutes={wrong}")]).expect_err(wrong);
        assert!(
            error.to_string().contains("--access-token-minutes"),
            "{error}"
        );
    }
}

#[test]
fn a_proxy_secret_without_a_trusted_proxy_is_a_mistake() {
    let found = problems(&["--proxy-secret", KEY]);
    assert!(
        found[0].contains("without UNTETHER_TRUSTED_PROXIES"),
        "{found:?}"
    );
}

#[test]
fn an_empty_value_is_a_mistake_and_not_the_default() {
    for flag in [
        "--listen=",
        "--secret-key=",
        "--trusted-proxies=",
        "--owners= , ",
        "--log=",
    ] {
        let found = problems(&[flag]);
        assert!(
            found.len() == 1 && found[0].contains("it is empty"),
            "{found:?}"
        );
    }
}

#[test]
fn how_clients_register_themselves_can_be_chosen() {
    let settings = validate(&[
        "--registrations-per-hour=5",
        "--redirect-schemes=zed, Com.Example.App",
        "--unused-client-days=never",
    ]);
    let settings = settings.expect("valid");
    assert_eq!(settings.registrations_per_hour, 5);
    let schemes = ["zed", "com.example.app"].map(str::to_owned).to_vec();
    assert_eq!(settings.redirect_schemes, PrivateSchemes::of(schemes));
    assert_eq!(settings.unused_client_days, None);
    let settings = validate(&["--redirect-schemes=none"]).expect("valid");
    assert_eq!(settings.redirect_schemes, PrivateSchemes::none());
    assert_eq!(
        problems(&[
            "--registrations-per-hour=0",
            "--redirect-schemes=zed,javascript,cursor://",
            "--unused-client-days=0",
        ]),
        [
            r#"UNTETHER_REGISTRATIONS_PER_HOUR (flag --registrations-per-hour): "0" is not a whole number from 1 to 10000"#,
            r#"UNTETHER_REDIRECT_SCHEMES (flag --redirect-schemes): "javascript" is no app's own scheme"#,
            r#"UNTETHER_REDIRECT_SCHEMES (flag --redirect-schemes): "cursor://" is not a scheme such as cursor, without ://"#,
            r#"UNTETHER_UNUSED_CLIENT_DAYS (flag --unused-client-days): "0" is not a whole number from 1 to 3650, nor never"#,
        ]
    );
}
