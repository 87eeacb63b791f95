//! Rules of the house that a compiler does not know.

mod guards;
mod modules;

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn each_source(folder: &str, mut look: impl FnMut(&Path, &str)) {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has sources");
    for path in found {
        look(&path, &fs::read_to_string(&path).expect("a source can be read"));
    }
}

#[test]
fn the_domain_knows_no_client_no_runtime_and_no_clock() {
    for word in [
        "kube::Client",
        "kube::client",
        "kube::api",
        "tokio",
        "async ",
        "Utc::now",
        "SystemTime",
        "crate::writer",
        "crate::observe",
        "use crate::targets",
        "crate::runtime::clock",
    ] {
        each_source("src/domain", |path, text| assert!(!text.contains(word), "{} uses {word}", path.display()));
    }
}

#[test]
fn only_the_write_side_and_the_questions_it_carries_send_requests() {
    each_source("src", |path, text| {
        let allowed = [
            "src/writer",
            "src/targets",
            "src/kinds",
            "src/runtime/lease",
            "src/run.rs",
            "src/observe/watch.rs",
            "src/runtime/telemetry",
            "src/runtime/recorder",
        ];
        if !allowed.iter().any(|place| path.to_string_lossy().contains(place)) {
            assert!(!text.contains("Api<"), "{} holds an Api", path.display());
        }
    });
}

#[test]
fn an_entry_of_a_timeline_is_made_in_one_place_from_a_declared_word() {
    each_source("src", |path, text| {
        let is_home = path.ends_with("src/api/timeline.rs");
        assert!(is_home || !text.contains("TimelineEntry {"), "{} makes a TimelineEntry", path.display());
    });
}

#[test]
fn modules_say_their_idea_in_the_first_line() {
    each_source("src", |path, text| {
        let tests = path.to_string_lossy().contains("tests");
        assert!(tests || text.starts_with("//! "), "{} has no module doc", path.display());
    });
}

#[test]
fn no_file_has_more_than_300_lines() {
    for folder in ["src", "tests", "benches"] {
        each_source(folder, |path, text| {
            let lines = text.lines().count();
            assert!(lines <= 300, "{} has {lines} lines", path.display());
        });
    }
}

/// `path: function`, as docs/invariants.md writes it.
#[test]
fn invariants_name_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/invariants.md")).expect("it can be read");
    let named = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs: "));
    let mut found = 0;
    for (path, function) in named {
        let folder = root.join(path);
        let mut files = vec![folder.with_extension("rs")];
        if folder.is_dir() {
            sources(&folder, &mut files); // a test may stand in a file of its topic
        }
        let is_in = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {function}(")));
        assert!(files.iter().any(is_in), "there is no {path}.rs: {function}");
        found += 1;
    }
    assert!(found > 50, "it names tests");
}
