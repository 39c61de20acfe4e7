//! What `--help` says, of the program and of each command.

use crate::commands::{said, untether};

#[test]
fn help_documents_every_setting() {
    let output = untether(&["--help"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for setting in [
        "UNTETHER_LISTEN",
        "UNTETHER_PUBLIC_URL",
        "UNTETHER_SECRET_KEY_FILE",
        "UNTETHER_IDLE_DAYS",
        "UNTETHER_ASSERTION_JWKS_URL",
    ] {
        assert!(text.contains(setting), "{setting}");
    }
}

#[test]
fn help_of_a_command_is_about_that_command() {
    for command in [
        &["client", "list"][..],
        &["project", "add"],
        &["revoke"],
        &["check"],
        &["health"],
    ] {
        let output = untether(&[command, &["--help"]].concat(), &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("untether --help lists them"), "{text}");
        assert!(!text.contains("[env:"), "{text}");
    }
    let filter = untether(&["revoke", "--help"], &[]);
    assert!(
        String::from_utf8(filter.stdout)
            .unwrap()
            .contains("--idle-days")
    );
    // What is not listed there is understood there.
    let output = untether(
        &["client", "list", "--database-url", "sqlite:///x/y.db"],
        &[],
    );
    assert!(said(&output).contains("/x/y.db"), "{}", said(&output));
}

#[test]
fn help_names_every_command_and_what_it_takes() {
    let help = |arguments: &[&str]| {
        let output = untether(&[arguments, &["--help"]].concat(), &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    for (command, named) in [
        (
            vec![],
            vec!["  revoke ", "  export ", "  sweep ", "  health "],
        ),
        (
            vec!["revoke"],
            vec![
                "--connection <ID>",
                "--person <EMAIL>",
                "--client <ID>",
                "--project <SLUG>",
                "--idle-days <DAYS>",
                "--reason <TEXT>",
                "--dry-run",
                "--json",
            ],
        ),
        (vec!["export"], vec!["  connections ", "  audit "]),
        (
            vec!["export", "connections"],
            vec!["--format", "--status", "--idle-days <DAYS>"],
        ),
        (vec!["sweep"], vec!["--dry-run", "--json"]),
        (vec!["backup"], vec!["<PATH>", "--json"]),
    ] {
        let text = help(&command);
        for name in named {
            assert!(text.contains(name), "{command:?} {name}: {text}");
        }
    }
}
