//! Addresses of lists, there and back.

use crate::{
    domain::role::Identity,
    web::{params::Params, problem::Problem},
};

use super::*;

fn someone(role: OrganizationRole) -> Principal {
    Principal {
        identity: Identity {
            subject: "ana@acme.example".into(),
            email: "ana@acme.example".into(),
            name: "Ana".into(),
            groups: None,
        },
        person: None,
        role,
        administers: Vec::new(),
    }
}

fn parse(query: &str, role: OrganizationRole) -> Result<ListQuery, Problem> {
    ListQuery::parse(&Params::parse(query.as_bytes()), &someone(role))
}

#[test]
fn owners_and_auditors_begin_with_groups_and_everyone_else_with_a_list() {
    for (role, layout) in [
        (OrganizationRole::Owner, Layout::Groups(GroupBy::Client)),
        (OrganizationRole::Auditor, Layout::Groups(GroupBy::Client)),
        (OrganizationRole::Member, Layout::List),
    ] {
        let query = parse("", role).unwrap();
        assert_eq!(query.layout(), layout);
        assert_eq!(query.href(), "/connections");
        assert!(!query.is_filtered());
    }
}

#[test]
fn what_an_address_says_is_said_again_by_the_address_made_of_it() {
    let id = "0190a000-0000-7000-8000-000000000001";
    for text in [
        "view=list".to_owned(),
        format!("view=list&sort=name&after=cl%C3%A1ude_x%23quiet_{id}"),
        format!("view=list&sort=status&dir=desc&before=e1700000000000_{id}"),
        format!("view=list&sort=used&dir=asc&after=17_{id}&per=100"),
        format!("view=person&sort=connections&after=3_{id}"),
        format!("sort=name&dir=desc&open={id}&per=50"),
        format!("open={id}.75&rows=person&rows_dir=desc"),
        format!("open={id}&rows=used"),
        format!(
            "view=project&q=50%25+off&status=active&status=revoked&project={id}&person={id}\
             &client={id}&origin=api&origin=document&type=public&idle_days=90\
             &from=2026-01-31&to=2026-02-01"
        ),
    ] {
        let params = Params::parse(text.as_bytes());
        let query = ListQuery::parse_strictly(&params, &someone(OrganizationRole::Owner)).unwrap();
        assert_eq!(query.href(), format!("/connections?{text}"));
    }
}

#[test]
fn nonsense_is_refused_with_the_name_of_the_parameter() {
    for (text, name) in [
        ("view=grid", "view"),
        ("status=gone", "status"),
        ("project=x", "project"),
        ("person=1", "person"),
        ("client=%00", "client"),
        ("origin=mars", "origin"),
        ("type=secret", "type"),
        ("idle_days=0", "idle_days"),
        ("idle_days=4000", "idle_days"),
        ("idle_days=-1", "idle_days"),
        ("from=2026-02-30", "from"),
        ("to=yesterday", "to"),
        ("from=2026-02-02&to=2026-02-01", "from"),
        ("per=7", "per"),
        ("sort=colour", "sort"),
        ("view=list&sort=connections", "sort"),
        ("dir=up", "dir"),
        ("q=a&q=b", "q"),
        ("after=1&before=2", "after"),
        ("after=1", "page"),
        ("open=1", "open"),
        ("open=0190a000-0000-7000-8000-000000000001.26", "open"),
        ("rows=connections", "rows"),
        ("rows_dir=up", "rows_dir"),
    ] {
        let problem = parse(text, OrganizationRole::Owner).unwrap_err();
        let said = &problem.explanation.text;
        assert!(said.contains(name), "{text}: {said}");
    }
}

#[test]
fn days_are_whole_and_include_the_last() {
    let query = parse(
        "from=2026-02-01&to=2026-02-01&idle_days=2",
        OrganizationRole::Owner,
    );
    let now = Timestamp::from_millis(1_800_000_000_000);
    let cutoffs = Cutoffs {
        used_before: now,
        authorized_before: now,
    };
    let filter = query.unwrap().filter(Reach::All, cutoffs, now);
    let from = filter.authorized_from.unwrap();
    assert_eq!(from.to_utc().to_string(), "2026-02-01 0:00:00.0 +00:00:00");
    assert_eq!(filter.authorized_until, Some(from.plus(DAY)));
    assert_eq!(filter.unused_since, Some(now.minus(DAY * 2)));
}
