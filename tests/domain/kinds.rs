//! What must know every kind that is watched does.

use std::collections::BTreeSet;

use entitlement_operator::kinds::{self, EachKind};
use entitlement_operator::observe::Kind;
use serde_yaml::Value;

/// Group and plural of each kind.
#[derive(Default)]
struct All(BTreeSet<(String, String)>);

impl EachKind for All {
    fn kind<K: Kind>(&mut self) {
        self.0.insert((K::group(&()).into_owned(), K::plural(&()).into_owned()));
    }
}

fn watched() -> BTreeSet<(String, String)> {
    let mut all = All::default();
    kinds::each(&mut all);
    all.0
}

fn words(rule: &Value, field: &str) -> Vec<String> {
    let words = rule[field].as_sequence().into_iter().flatten();
    words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_operator_may_list_and_watch_what_it_watches_and_nothing_else() {
    let text = include_str!("../../config/rbac/operator-role.yaml");
    let mut granted = BTreeSet::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let role: Value = serde::Deserialize::deserialize(document).unwrap();
        let is_cluster_role = role["kind"] == "ClusterRole";
        for rule in role["rules"].as_sequence().into_iter().flatten().filter(|_| is_cluster_role) {
            let verbs = words(rule, "verbs");
            if !["list", "watch"].iter().all(|verb| verbs.iter().any(|v| v == verb)) {
                continue;
            }
            for group in words(rule, "apiGroups") {
                granted.extend(words(rule, "resources").into_iter().map(|resource| (group.clone(), resource)));
            }
        }
    }
    assert_eq!(granted, watched());
}

#[test]
fn requests_about_each_kind_are_counted_under_its_name() {
    for (_, plural) in watched() {
        assert!(entitlement_operator::runtime::telemetry::KINDS.contains(&plural.as_str()), "{plural} is counted as other");
    }
}

#[test]
fn every_kind_of_ours_is_watched() {
    let ours: Vec<String> =
        watched().into_iter().filter(|(group, _)| group == "entitlement.dev").map(|(_, plural)| plural).collect();
    assert_eq!(ours.len(), entitlement_operator::api::KINDS.len(), "{ours:?}");
    let defined = entitlement_operator::api::crd::all().unwrap();
    for definition in defined {
        assert!(ours.contains(&definition.spec.names.plural), "{} is watched", definition.spec.names.plural);
    }
}

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|document| serde::Deserialize::deserialize(document).unwrap()).collect()
}

fn ours() -> BTreeSet<String> {
    watched().into_iter().filter(|(group, _)| group == "entitlement.dev").map(|(_, plural)| plural).collect()
}

#[test]
fn owners_and_finalizers_of_every_kind_of_ours_are_guarded() {
    for text in [
        include_str!("../../config/admission/checks/metadata-guard.yaml"),
        include_str!("../../config/admission/stamping/finalizers.yaml"),
    ] {
        let policy = &documents(text)[0];
        let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_sequence().unwrap();
        let guarded = rules.iter().flat_map(|rule| words(rule, "resources"));
        assert_eq!(guarded.collect::<BTreeSet<_>>(), ours(), "{:?}", policy["metadata"]["name"]);
    }
}

#[test]
fn administrators_write_every_kind_of_ours_and_readers_of_a_catalog_read_what_is_in_it() {
    let granted = |text: &str, verb: &str| -> BTreeSet<String> {
        let rules: Vec<Value> =
            documents(text).iter().flat_map(|role| role["rules"].as_sequence().cloned().unwrap_or_default()).collect();
        let rules = rules.iter().filter(|rule| words(rule, "verbs").iter().any(|v| v == verb));
        rules.filter(|rule| words(rule, "apiGroups") == ["entitlement.dev"]).flat_map(|rule| words(rule, "resources")).collect()
    };
    assert!(granted(include_str!("../../config/rbac/administrator.yaml"), "create").is_superset(&ours()));
    let mut in_a_catalog = ours();
    in_a_catalog.remove("catalogs");
    assert_eq!(granted(include_str!("../../config/rbac/catalog-reader.yaml"), "list"), in_a_catalog);
}
