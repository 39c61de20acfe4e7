//! What is found wrong with files, folders and certificates.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

use crate::{
    check::findings_about,
    check_command::{in_folder, lines},
    commands::{self, said, untether},
    support::DocumentServer,
};

#[test]
fn files_that_others_may_read_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    commands::json(&untether(
        &commands::ADD,
        &[("UNTETHER_DATABASE_URL", &database)],
    ));
    let found = || lines(&in_folder(folder.path(), &[])).join("\n");
    assert!(!found().contains("Other users"), "{}", found());
    for name in ["u.db", "u.db.key"] {
        let file = folder.path().join(name);
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let seen = format!(
            "warning  database: Other users of this machine may read or change {}.",
            file.display()
        );
        assert!(found().contains(&seen), "{}", found());
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("data");
    let database = format!("sqlite://{}/u.db", missing.display());
    let output = untether(&commands::ADD, &[("UNTETHER_DATABASE_URL", &database)]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("there is no folder {} for the database", missing.display());
    assert!(said(&output).contains(&expected), "{}", said(&output));
}

#[actix_web::test]
async fn a_certificate_that_nobody_vouches_for_is_said_to_be_the_cause() {
    let server = DocumentServer::start().await;
    let resource = format!("https://localhost:{}/mcp", server.port);
    let findings = findings_about(&resource).await;
    let seen: Vec<_> = findings.iter().map(|finding| &finding.seen).collect();
    assert!(
        seen.iter()
            .any(|seen| seen.contains("its certificate is not accepted")),
        "{seen:#?}"
    );
    let advice = findings
        .iter()
        .filter_map(|finding| finding.advice.as_deref());
    assert!(
        advice
            .into_iter()
            .any(|advice| advice.contains("UNTETHER_CA_FILE"))
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_that_is_none_is_one_finding_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/u.db", folder.path().display());
    commands::json(&untether(
        &commands::ADD,
        &[("UNTETHER_DATABASE_URL", &database)],
    ));
    std::fs::write(folder.path().join("u.db.key"), "").unwrap();
    let output = in_folder(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let found = lines(&output).join("\n");
    assert!(
        found.contains("problem  database: the secret key"),
        "{found}"
    );
    assert!(found.contains("public URL:"), "{found}");
}
