//! What the operator may do: exactly what `config/rbac/operator-role.yaml` lists.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec, SubjectRulesReviewStatus,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use kube::api::{Api, PostParams};
use serde::Deserialize;
use serde_json::json;

use crate::department::Department;
use crate::person::{OLGA, Person};
use crate::support::{ROOT, operator};
use crate::world::{operator_itself, world};

/// Verb, group, resource with subresource and, if it is for one object only, that object's name.
type Right = (String, String, String);

fn listed() -> ClusterRole {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/rbac/operator-role.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let first = serde_yaml::Deserializer::from_str(&text).next().unwrap();
    ClusterRole::deserialize(first).unwrap()
}

fn rights<'a>(rules: impl IntoIterator<Item = &'a PolicyRule>) -> BTreeSet<Right> {
    let mut all = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                let named = rule.resource_names.iter().flatten().map(|name| format!("{resource} {name}"));
                let what: Vec<String> = if rule.resource_names.is_some() { named.collect() } else { vec![resource.clone()] };
                let each =
                    |verb: &String| what.iter().map(|what| (verb.clone(), group.clone(), what.clone())).collect::<Vec<_>>();
                all.extend(rule.verbs.iter().flat_map(each));
            }
        }
    }
    all
}

fn wish((verb, group, resource): &Right, namespace: &str) -> ResourceAttributes {
    let (resource, name) = resource.split_once(' ').unwrap_or((resource, ""));
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    ResourceAttributes {
        verb: some(verb),
        group: some(group),
        resource: some(resource),
        subresource: some(subresource),
        name: some(name),
        namespace: some(namespace),
        ..ResourceAttributes::default()
    }
}

#[test]
fn the_role_is_listed_verb_by_verb() {
    let role = listed();
    let rules = role.rules.unwrap();
    for rule in &rules {
        assert_eq!(rule.non_resource_urls, None, "{rule:?}");
        let words = [&Some(rule.verbs.clone()), &rule.api_groups, &rule.resources];
        assert!(words.into_iter().flatten().flatten().all(|word| !word.contains('*')), "{rule:?}");
    }
    assert_eq!(role.aggregation_rule, None);
    let dangerous = ["escalate", "impersonate", "deletecollection"];
    assert!(rights(&rules).iter().all(|(verb, ..)| !dangerous.contains(&verb.as_str())));
}

#[tokio::test]
async fn every_listed_verb_is_allowed() {
    let world = world().await;
    let operator = operator_itself(&world.plane).await;
    for right in rights(&listed().rules.unwrap()) {
        assert!(operator.can(wish(&right, "")).await, "{right:?}");
    }
}

#[tokio::test]
async fn what_is_not_listed_is_refused() {
    let world = world().await;
    let operator = operator_itself(&world.plane).await;
    let unlisted = [
        ("get", "", "secrets"),
        ("list", "", "configmaps"),
        ("create", "", "pods"),
        ("create", "", "pods/exec"),
        ("create", "", "serviceaccounts/token"),
        ("update", "", "namespaces"),
        ("impersonate", "", "users"),
        ("create", "rbac.authorization.k8s.io", "clusterroles"),
        ("update", "rbac.authorization.k8s.io", "roles"),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
        ("deletecollection", "rbac.authorization.k8s.io", "rolebindings"),
        ("update", "entitlement.dev", "accessrequests"),
        ("patch", "entitlement.dev", "accessrequests"),
        ("create", "entitlement.dev", "approvaldecisions"),
        ("create", "entitlement.dev", "catalogresources"),
        ("create", "entitlement.dev", "policies"),
        ("patch", "entitlement.dev", "policies"),
        ("delete", "entitlement.dev", "catalogresources"),
        ("delete", "admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
        ("update", "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("update", "apiextensions.k8s.io", "customresourcedefinitions"),
        ("get", "apiextensions.k8s.io", "customresourcedefinitions"),
        ("get", "apiextensions.k8s.io", "customresourcedefinitions others.example.com"),
        ("update", "apiextensions.k8s.io", "customresourcedefinitions assignments.entitlement.dev"),
        ("get", "coordination.k8s.io", "leases"),
        ("*", "*", "*"),
    ];
    let listed = rights(&listed().rules.unwrap());
    for (verb, group, resource) in unlisted {
        let right = (verb.to_owned(), group.to_owned(), resource.to_owned());
        assert!(!listed.contains(&right), "{right:?} is listed by now: choose another");
        for namespace in ["", "kube-system"] {
            assert!(!operator.can(wish(&right, namespace)).await, "{right:?} in {namespace:?}");
        }
    }
}

/// All that the API server says somebody may do in a namespace.
async fn told(person: &Person, namespace: &str) -> BTreeSet<Right> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
    let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let api: Api<SelfSubjectRulesReview> = Api::all(person.client.clone());
    let answer = api.create(&PostParams::default(), &review).await.unwrap();
    let SubjectRulesReviewStatus { resource_rules, incomplete, .. } = answer.status.unwrap();
    assert!(!incomplete, "the API server tells all");
    let rule = |rule: k8s_openapi::api::authorization::v1::ResourceRule| PolicyRule {
        verbs: rule.verbs,
        api_groups: rule.api_groups,
        resources: rule.resources,
        resource_names: rule.resource_names,
        non_resource_urls: None,
    };
    rights(&resource_rules.into_iter().map(rule).collect::<Vec<_>>())
}

#[tokio::test]
async fn it_has_no_right_but_the_listed_and_everybodys() {
    let world = world().await;
    let office = Department::existing(&world.plane, "none");
    let (operator, anybody) = (operator_itself(&world.plane).await, office.person(OLGA).await);
    let listed = rights(&listed().rules.unwrap());
    let lease = ["get", "create", "update"].map(|verb| (verb.to_owned(), "coordination.k8s.io".to_owned(), "leases".to_owned()));
    for namespace in ["default", "kube-system", operator::NAMESPACE] {
        let everybodys = told(&anybody, namespace).await;
        let mut expected: BTreeSet<Right> = listed.union(&everybodys).cloned().collect();
        if namespace == operator::NAMESPACE {
            expected.extend(lease.clone());
        }
        assert_eq!(told(&operator, namespace).await, expected, "in {namespace}");
    }
}

#[tokio::test]
async fn the_api_server_refuses_it_what_is_not_listed() {
    let world = world().await;
    let operator = operator_itself(&world.plane).await;
    let secret = operator.list("Secret", "kube-system").await.expect_err("must be refused");
    assert!(secret.code == 403 && secret.message.contains("entitlement-operator"), "{secret}");
    let pod = json!({"kind": "Pod", "metadata": {"name": "mine", "namespace": "default"}, "spec": {"containers": []}});
    assert_eq!(operator.create(pod).await.expect_err("must be refused").code, 403);
}

#[tokio::test]
async fn it_does_not_vouch_for_a_role_itself() {
    let world = world().await;
    let office = Department::open(&world.plane, "vouches").await;
    let operator = operator_itself(&world.plane).await;
    let roles = json!({"spec": {"roles": [{"name": "root", "kubernetes": {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}}]}});
    let patched = operator.patch("CatalogResource", &office.catalog(), "production", roles).await;
    let refusal = patched.expect_err("must be refused");
    assert!(refusal.message.contains("cannot be written by the operator"), "{refusal}");
    let unchanged = office.person(ROOT).await.get("CatalogResource", &office.catalog(), "production").await.unwrap();
    assert_eq!(unchanged["spec"]["roles"].as_array().unwrap().len(), 2);
    office.is_right().await;
}
