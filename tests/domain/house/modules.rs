//! Which module may use which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{each_source, sources};

/// Which module uses which, and one file that says so.
type Graph = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Reads the paths that a text begins with, such as `crate::domain::{meta::Key, plan}`; each by its segments.
fn read_paths<'t>(mut text: &'t str, before: &[String], found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = before.to_vec();
    loop {
        text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (segment, rest) = text.split_at(end);
        path.push(segment.to_owned());
        let Some(rest) = rest.strip_prefix("::") else {
            found.push(path);
            return rest;
        };
        if let Some(mut list) = rest.strip_prefix('{') {
            while !list.is_empty() && !list.starts_with('}') {
                list = read_paths(list, &path, found).trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            }
            return list.strip_prefix('}').unwrap_or(list);
        }
        text = rest;
    }
}

/// All paths of a source that begin with one of these words, comments apart.
fn paths_after(text: &str, words: &[&str]) -> Vec<Vec<String>> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for word in words {
        for (at, _) in code.match_indices(word) {
            let is_inside = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !is_inside {
                let start = if word.ends_with("::") { at } else { at + word.len() };
                read_paths(&code[start..], &[], &mut found);
            }
        }
    }
    found
}

/// The module of a source, from the root: `src/domain/request/draft.rs` is `domain`, `request`, `draft`.
fn module_of(file: &Path) -> Vec<String> {
    let file = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a source of ours").with_extension("");
    file.iter().map(|part| part.to_string_lossy().into_owned()).collect()
}

/// The modules that a source names, from the root.
fn used_by(file: &Path, text: &str) -> Vec<Vec<String>> {
    let own = module_of(file);
    let from_root = |path: Vec<String>| {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let base = if supers > 0 { own.get(..own.len().saturating_sub(supers)).unwrap_or_default() } else { &[] };
        base.iter().cloned().chain(path.into_iter().skip(supers.max(1))).collect()
    };
    paths_after(text, &["crate::", "super::"]).into_iter().map(from_root).collect()
}

/// What the modules right below one use of each other. A folder counts as one module with the file beside it. What is used by a name that the
/// parent re-exports counts as used from where it is; what the parent itself defines is everybody's.
fn graph_below(parent: &str) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (parent, depth) = (root.join(parent), Path::new(parent).iter().count());
    let opening = if depth == 0 { root.join("lib.rs") } else { parent.with_extension("rs") };
    let opening = fs::read_to_string(opening).expect("the parent can be read");
    let exported = paths_after(&opening, &["use "]);
    let mut files = Vec::new();
    sources(&parent, &mut files);
    let name = |file: &Path| module_of(file).get(depth).cloned().expect("it lies below");
    let modules: BTreeSet<String> = files.iter().map(|file| name(file)).collect();
    let home = |used: &String| {
        let is_export = |path: &&Vec<String>| path.last() == Some(used) && path.len() > 1;
        let source = exported.iter().find(is_export).and_then(|path| path.iter().find(|segment| *segment != "self"));
        Some(used).filter(|used| modules.contains(*used)).or(source.filter(|source| modules.contains(*source))).cloned()
    };
    let mut graph = Graph::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source can be read");
        for path in used_by(file, &text).iter().filter(|path| path[..].starts_with(&module_of(&parent))) {
            if let Some(used) = path.get(depth).and_then(home).filter(|used| *used != name(file)) {
                graph.entry(name(file)).or_default().entry(used).or_insert_with(|| file.clone());
            }
        }
    }
    graph
}

/// A cycle that begins and ends with one module, if there is one.
fn cycle_through(graph: &Graph, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
    let last = path.last()?.clone();
    for next in graph.get(&last).into_iter().flat_map(BTreeMap::keys) {
        if let Some(at) = path.iter().position(|module| module == next) {
            return Some(path[at..].iter().chain([next]).cloned().collect());
        }
        if done.insert(next.clone()) {
            path.push(next.clone());
            if let Some(cycle) = cycle_through(graph, path, done) {
                return Some(cycle);
            }
            path.pop();
        }
    }
    None
}

fn assert_no_cycle(parent: &str) {
    let graph = graph_below(parent);
    assert!(graph.len() > 1, "{parent} has modules that use each other");
    let mut done = BTreeSet::new();
    let cycle = graph.keys().find_map(|module| cycle_through(&graph, &mut vec![module.clone()], &mut done));
    if let Some(cycle) = cycle {
        let steps = cycle
            .iter()
            .zip(cycle.iter().skip(1))
            .map(|(one, other)| format!("{one} uses {other} (in {})", graph[one][other].display()));
        panic!("a cycle in src/{parent}: {}:\n{}", cycle.join(" -> "), steps.collect::<Vec<_>>().join("\n"));
    }
}

/// What stands below knows nothing of what stands on it.
#[test]
fn the_modules_of_the_crate_use_each_other_in_no_cycle() {
    assert_no_cycle("");
}

/// The same within the rules: whoever reads one must not have to read all. The files in one folder may use what their parent defines, such as
/// its Input, and each other in one direction.
#[test]
fn the_modules_of_the_domain_use_each_other_in_no_cycle() {
    for parent in
        ["domain", "domain/request", "domain/assignment", "domain/guards", "domain/catalog", "domain/resource", "domain/grant"]
    {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(parent);
        let mut files = Vec::new();
        sources(&folder, &mut files);
        if files.len() > 1 && !graph_below(parent).is_empty() {
            assert_no_cycle(parent);
        }
    }
}

/// What a module may use of the others.
struct May {
    module: &'static str,
    uses: &'static [&'static str],
    /// Files that use more for now, and what.
    besides: &'static [(&'static str, &'static str)],
}

/// Whoever wants more turns the data flow round.
const LIMITS: [May; 7] = [
    May { module: "api", uses: &[], besides: &[] },
    May { module: "domain", uses: &["api"], besides: &[] },
    May {
        module: "runtime",
        uses: &[],
        besides: &[
            ("lease/election.rs", "api"), // api::time, which turns instants into those of Kubernetes
            ("recorder.rs", "api"),
            ("telemetry.rs", "config"),
            ("worker.rs", "error"),
        ],
    },
    May { module: "observe", uses: &["api", "domain", "runtime", "table"], besides: &[] },
    May { module: "writer", uses: &["api", "domain", "error", "observe", "runtime", "table"], besides: &[] },
    May { module: "targets", uses: &["api", "domain", "error", "observe", "writer"], besides: &[] },
    May { module: "admission", uses: &["api", "domain", "observe", "runtime"], besides: &[] },
];

#[test]
fn nothing_knows_what_stands_on_it() {
    for May { module, uses, besides } in LIMITS {
        each_source(&format!("src/{module}"), |path, text| {
            for used in used_by(path, text).iter().filter_map(|used| used.first()).filter(|used| *used != module) {
                let may =
                    uses.contains(&used.as_str()) || besides.iter().any(|(file, more)| path.ends_with(file) && more == used);
                assert!(may, "{} uses {used}", path.display());
            }
        });
    }
}

#[test]
fn a_cycle_is_named() {
    let edges = [("guards", "holdings"), ("holdings", "meta"), ("request", "guards"), ("guards", "request")];
    let mut graph = Graph::new();
    for (one, other) in edges {
        graph.entry(one.to_owned()).or_default().insert(other.to_owned(), PathBuf::new());
    }
    let cycle = cycle_through(&graph, &mut vec!["guards".to_owned()], &mut BTreeSet::new());
    assert_eq!(cycle.map(|cycle| cycle.join(" -> ")).as_deref(), Some("guards -> request -> guards"));
    let text = "use crate::domain::{meta::{Key, name}, plan};\nuse super::{Input, draft::Draft}; // crate::no\nlet x = crate::api::VERSION;";
    let mut found: Vec<String> = paths_after(text, &["crate::", "super::"]).iter().map(|path| path.join("::")).collect();
    found.sort();
    let expected = [
        "crate::api::VERSION",
        "crate::domain::meta::Key",
        "crate::domain::meta::name",
        "crate::domain::plan",
        "super::Input",
        "super::draft::Draft",
    ];
    assert_eq!(found, expected);
}
