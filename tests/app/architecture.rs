//! The order of the parts, as `src/lib.rs` draws it.

use std::{fs, path::Path};

/// From the bottom up; parts on one line may not use each other.
const ORDER: [&[&str]; 10] = [
    &["clock", "turns"],
    &["domain"],
    &["config"],
    &["store", "outbound"],
    &["flow", "check"],
    &["web", "telemetry"],
    &["console"],
    &["oauth", "mcp"],
    &["app"],
    &["demo", "cli"],
];

fn level(part: &str) -> usize {
    let found = ORDER.iter().position(|parts| parts.contains(&part));
    found.unwrap_or_else(|| panic!("{part} is not in the order"))
}

fn check(file: &Path, part: &str, faults: &mut Vec<String>) {
    let source = fs::read_to_string(file).unwrap();
    for used in source
        .match_indices("crate::")
        .map(|(at, prefix)| &source[at + prefix.len()..])
    {
        let inside_braces = used.strip_prefix('{').map(|list| {
            let end = list.find("};").unwrap_or(0);
            top_level_names(&list[..end])
        });
        let names = inside_braces.unwrap_or_else(|| vec![first_word(used)]);
        for name in names {
            let known = ORDER.iter().any(|parts| parts.contains(&name.as_str()));
            let serves = part == "cli" && name == "demo";
            if known && name != part && level(&name) >= level(part) && !serves {
                faults.push(format!("{} uses {name}", file.display()));
            }
        }
    }
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// The first words of a braced list, without what stands in inner braces.
fn top_level_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names
        .iter()
        .map(|name| first_word(name.trim()))
        .filter(|name| !name.is_empty())
        .collect()
}

fn walk(folder: &Path, part: &str, faults: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, part, faults);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check(&path, part, faults);
        }
    }
}

#[test]
fn a_lower_part_never_uses_a_higher_one() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for part in ORDER.concat() {
        let file = source.join(format!("{part}.rs"));
        if file.exists() {
            check(&file, part, &mut faults);
        }
        if source.join(part).exists() {
            walk(&source.join(part), part, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_check_sees_single_and_braced_uses() {
    assert_eq!(first_word("store::Db;"), "store");
    let names = top_level_names("\n  clock::Clock,\n  domain::{audit::Actor, ids},\n  store,\n");
    assert_eq!(names, ["clock", "domain", "store"]);
}
