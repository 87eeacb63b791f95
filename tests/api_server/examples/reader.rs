//! No file of the examples is forgotten, and each is what its folder's README says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_example_is_applied_by_a_test_and_named_in_its_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = fs::read_dir(root.join("tests/api_server/examples"))
        .expect("tests")
        .chain(fs::read_dir(root.join("tests/api_server")).expect("tests"))
        .filter_map(|file| fs::read_to_string(file.ok()?.path()).ok())
        .collect();
    let mut forgotten = BTreeSet::new();
    for folder in fs::read_dir(root.join("examples")).expect("examples").flatten().filter(|f| f.path().is_dir()) {
        let scenario = folder.file_name().to_string_lossy().into_owned();
        let readme = fs::read_to_string(folder.path().join("README.md")).unwrap_or_default();
        for file in fs::read_dir(folder.path()).expect("files").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let whole = tests.contains(&format!("examples/{scenario}")) || tests.contains(&format!("set_up(\"{scenario}\")"));
            let applied =
                tests.contains(&format!("{scenario}/{name}")) || (whole && (name == "setup.yaml" || scenario == "quickstart"));
            if name.ends_with(".yaml") && !(applied && (readme.contains(&name) || scenario == "quickstart")) {
                forgotten.insert(format!("{scenario}/{name}"));
            }
        }
    }
    assert!(forgotten.is_empty(), "no test applies, or no README names: {forgotten:?}");
}
