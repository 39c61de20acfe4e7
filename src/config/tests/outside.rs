//! Tests of the settings about what others publish: keys, documents, certificates.

use super::*;

const ASSERTION: [&str; 4] = [
    "--assertion-header=X-Pomerium-Jwt-Assertion",
    "--assertion-jwks-url=https://untether.example.com/.well-known/pomerium/jwks.json",
    "--assertion-issuer=untether.example.com",
    "--assertion-audience=untether.example.com",
];

#[test]
fn serving_with_signed_identity_needs_no_trusted_proxy() {
    let settings = validate(&ASSERTION).expect("valid");
    assert_eq!(settings.require_identity(), Ok(()));
    assert!(settings.proxy.is_none());
    let assertion = settings.assertion.expect("an assertion");
    assert_eq!(assertion.header, "x-pomerium-jwt-assertion");
    assert_eq!(assertion.issuer, "untether.example.com");
    assert_eq!(
        (assertion.groups_separator, assertion.identify_by_subject),
        (',', false)
    );

    let more = [
        "--trusted-proxies=127.0.0.1",
        "--subject-header=X-Forwarded-User",
        "--groups-separator=|",
    ];
    let settings = validate(&[&ASSERTION[..], &more].concat()).expect("valid");
    let assertion = settings.assertion.expect("an assertion");
    assert_eq!(
        (assertion.groups_separator, assertion.identify_by_subject),
        ('|', true)
    );
    assert!(settings.proxy.is_some());
}

#[test]
fn signed_identity_takes_all_four_of_its_settings() {
    for left_out in 0..ASSERTION.len() {
        let mut arguments = ASSERTION.to_vec();
        let (flag, _) = arguments.remove(left_out).split_once('=').expect("a value");
        let found = problems(&arguments);
        let missing = variable(&flag.trim_start_matches('-').replace('-', "_"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{missing} is not set")),
            "{found:?}"
        );
    }
    assert_eq!(problems(&ASSERTION[..1]).len(), 3);
}

#[test]
fn a_wrong_part_of_signed_identity_names_its_source() {
    let found = problems(&[
        "--assertion-header=X Jwt",
        "--assertion-jwks-url=http://sso.example.com/keys",
        "--assertion-issuer=",
        "--assertion-audience=a ",
    ]);
    let expected = ["HEADER", "JWKS_URL", "ISSUER", "AUDIENCE"];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (problem, name) in found.iter().zip(expected) {
        let flag = name.to_lowercase().replace('_', "-");
        let origin = format!("UNTETHER_ASSERTION_{name} (flag --assertion-{flag}): ");
        assert!(problem.starts_with(&origin), "{problem}");
    }
}

#[test]
fn client_documents_may_be_limited_to_a_list_of_hosts() {
    let documents = |arguments: &[&str]| validate(arguments).expect("valid").client_documents;
    let hosts = "--client-document-hosts=Claude.ai, vscode.dev";
    let listed = ["claude.ai", "vscode.dev"].map(|host| Host::parse(host).expect(host));
    let listed = ClientDocuments::List(listed.to_vec());
    assert_eq!(documents(&["--client-documents=list", hosts]), listed);
    assert_eq!(documents(&["--client-documents=off"]), ClientDocuments::Off);
    for (arguments, expected) in [
        (
            &["--client-documents=list"][..],
            "UNTETHER_CLIENT_DOCUMENTS (flag --client-documents): it is list, so",
        ),
        (
            &["--client-documents=some"],
            "UNTETHER_CLIENT_DOCUMENTS (flag --client-documents): \"some\" is neither",
        ),
        (
            &[hosts],
            "UNTETHER_CLIENT_DOCUMENT_HOSTS (flag --client-document-hosts): it only counts",
        ),
        (
            &["--client-document-private-hosts=https://docs.corp/"],
            "UNTETHER_CLIENT_DOCUMENT_PRIVATE_HOSTS (flag --client-document-private-hosts): \
             \"https://docs.corp/\" is not a host",
        ),
    ] {
        let found = problems(arguments);
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{found:?}"
        );
    }
}

#[test]
fn certificate_authorities_are_read_from_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.pem");
    let path = path.to_str().expect("a path");
    assert!(problems(&["--ca-file", path])[0].contains("cannot read"));
    for (text, expected) in [
        ("nothing", "has no certificate (PEM) in it"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "has a broken certificate",
        ),
    ] {
        fs::write(path, text).expect("written");
        let found = problems(&["--ca-file", path]);
        assert!(
            found[0].starts_with("UNTETHER_CA_FILE (flag --ca-file): "),
            "{found:?}"
        );
        assert!(found[0].contains(expected), "{found:?}");
    }
    let key = rcgen::generate_simple_self_signed(["ca.corp".to_owned()]).expect("a certificate");
    fs::write(path, key.cert.pem().repeat(2)).expect("written");
    let settings = validate(&["--ca-file", path]).expect("valid");
    assert_eq!(settings.certificates.len(), 2);
}
