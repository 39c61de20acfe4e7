//! The table of `tests/weakened/run`, which weakens the program in one place after another:
//! every place is there, and every test that must notice.

use std::{fs, path::Path};

use serde_json::Value;

use crate::protocol_rows::known;

#[test]
fn every_weakening_is_of_something_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table: Value = serde_json::from_str(include_str!("../weakened/table.json")).unwrap();
    let known = known();
    let weakenings = table.as_array().unwrap();
    assert!(weakenings.len() >= 60);
    for weakening in weakenings {
        let what = weakening["what"].as_str().unwrap();
        for edit in weakening["edits"].as_array().unwrap() {
            let text = |name: &str| edit[name].as_str().unwrap();
            let file = fs::read_to_string(root.join(text("file"))).unwrap();
            let found = file.matches(text("find")).count();
            assert_eq!(found, 1, "{what}: {:?}", text("find"));
            assert_ne!(text("find"), text("replace"), "{what}");
        }
        let tests = weakening["tests"].as_array().unwrap();
        assert!(!tests.is_empty(), "{what}");
        for test in tests.iter().map(|test| test.as_str().unwrap()) {
            // Of a unit test with all its modules, the name alone.
            let name = match test.matches("::").count() {
                1 => test,
                _ => test.rsplit("::").next().unwrap(),
            };
            assert!(known.contains(name), "{what}: no test is called {test}");
        }
    }
}
