//! Fuzz targets for every parser of outside input. Each says what must hold of whatever is
//! accepted, beyond that nothing panics: it obeys its rule, and printed and parsed again it
//! is the same. All are in one program; `UNTETHER_FUZZ` names the one to run.

#![no_main]

mod addresses;
mod answers;
mod bodies;
mod identities;
mod protocol;
mod texts;
mod uploads;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// Takes any bytes, and panics when something does not hold.
type Target = fn(&[u8]);

/// By name, in the order in which `tests/fuzz/run` runs them.
const TARGETS: [(&str, Target); 24] = [
    ("redirect", addresses::redirect),
    ("resource", addresses::resource),
    ("document_url", addresses::document_url),
    ("document", addresses::document),
    ("settings", addresses::settings),
    ("identity", identities::identity),
    ("email", identities::email),
    ("assertion", identities::assertion),
    ("keys", identities::keys),
    ("form_token", identities::form_token),
    ("basic", protocol::basic),
    ("bearer", protocol::bearer),
    ("pkce", protocol::pkce),
    ("scope", protocol::scope),
    ("mcp", protocol::mcp),
    ("registration", bodies::registration),
    ("form", bodies::form),
    ("cookie", bodies::cookie),
    ("challenge", answers::challenge),
    ("freshness", answers::freshness),
    ("list", texts::list),
    ("text", texts::text),
    ("upload", uploads::form),
    ("picture", uploads::picture),
];

fuzz_target!(|data: &[u8]| {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    let target = CHOSEN.get_or_init(|| {
        let wanted = std::env::var("UNTETHER_FUZZ").unwrap_or_default();
        let found = TARGETS.iter().find(|(name, _)| *name == wanted);
        found.expect("UNTETHER_FUZZ names a target").1
    });
    target(data);
});

/// The data as text, and nothing when it is none.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The data as two texts, with a line's end between.
fn two(data: &[u8]) -> Option<(&str, &str)> {
    text(data)?.split_once('\n')
}
