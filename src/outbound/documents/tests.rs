//! Tests of how long documents are kept, and of what is counted.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_780_315_200_000); // 1 June 2026, noon

fn seconds(pairs: &[(&str, &str)]) -> u64 {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: header::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    freshness(&headers, NOW).as_secs()
}

#[test]
fn a_document_is_kept_as_long_as_its_server_says_within_bounds() {
    for (headers, expected) in [
        (&[][..], 300),
        (&[("cache-control", "public, max-age=600")], 600),
        (&[("cache-control", "Max-Age=\"600\"")], 600),
        (&[("cache-control", "max-age=600, s-maxage=900")], 900),
        (&[("cache-control", "max-age=600"), ("age", "100")], 500),
        (&[("cache-control", "max-age=600"), ("age", "700")], 60),
        (&[("cache-control", "max-age=1")], 60),
        (&[("cache-control", "max-age=99999999")], 86_400),
        (&[("cache-control", "max-age=99999999999999999999999")], 300),
        (&[("cache-control", "max-age=600, no-store")], 60),
        (&[("cache-control", "no-cache")], 60),
        (
            &[
                ("cache-control", "max-age=600"),
                ("cache-control", "no-cache"),
            ],
            60,
        ),
        (&[("expires", "Mon, 01 Jun 2026 13:00:00 GMT")], 3600),
        (
            &[
                ("expires", "Mon, 01 Jun 2026 13:00:00 GMT"),
                ("date", "Mon, 01 Jun 2026 12:30:00 GMT"),
            ],
            1800,
        ),
        (&[("expires", "Mon, 01 Jun 2020 13:00:00 GMT")], 60),
        (&[("expires", "0")], 60),
        (
            &[
                ("expires", "Mon, 01 Jun 2026 13:00:00 GMT"),
                ("cache-control", "max-age=600"),
            ],
            600,
        ),
    ] {
        assert_eq!(seconds(headers), expected, "{headers:?}");
    }
}

#[test]
fn what_is_kept_and_counted_is_bounded() {
    let mut state = State::default();
    for n in 0..KEPT_LIMIT * 2 {
        let at = NOW.plus(Duration::from_millis(n as u64));
        let host = Host::parse(&format!("h{n}.example")).unwrap();
        state.count_fetch(host, at).unwrap();
        let url = DocumentUrl::parse(&format!("https://a.example/{n}")).unwrap();
        let document = Arc::new(ClientDocument {
            url: url.clone(),
            name: "App".into(),
            redirect_uris: Vec::new(),
        });
        let fresh_until = at.plus(LEAST_FRESH);
        state.keep(
            &url,
            Kept {
                document,
                fetched_at: at,
                fresh_until,
            },
            at,
        );
    }
    assert_eq!(
        (state.kept.len(), state.hosts.len()),
        (KEPT_LIMIT, KEPT_LIMIT)
    );
    let url = |n: usize| DocumentUrl::parse(&format!("https://a.example/{n}")).unwrap();
    assert!(
        state.kept.contains_key(&url(KEPT_LIMIT * 2 - 1)),
        "the newest stays"
    );
    assert!(!state.kept.contains_key(&url(0)), "the oldest goes");
}

#[test]
fn a_host_is_asked_a_limited_number_of_times_a_minute() {
    let mut state = State::default();
    let host = || Host::parse("a.example").unwrap();
    for _ in 0..FETCH_LIMIT {
        assert_eq!(state.count_fetch(host(), NOW), Ok(()));
    }
    assert_eq!(state.count_fetch(host(), NOW), Err(Error::TooOften));
    assert_eq!(
        state.count_fetch(Host::parse("b.example").unwrap(), NOW),
        Ok(())
    );
    assert_eq!(state.count_fetch(host(), NOW.plus(WINDOW)), Ok(()));
}
