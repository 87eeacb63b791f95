//! Nobody gets further than their own rights: into other catalogs, into roles, into bindings.

use serde_json::json;

use crate::department::ONCALL;
use crate::person::{ALICE, BOB, CAROL, MALLORY, OLGA, name};
use crate::support::{ROOT, eventually};
use crate::terms::at_once;
use crate::world::department;
use crate::world::{WITHIN, sum, world};

#[tokio::test]
async fn who_cannot_hand_out_a_role_cannot_offer_it() {
    let office = department("cluster-admin").await;
    let role = json!([{"name": "root", "kubernetes": {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}}]);
    for (resource, place) in [("here", json!({"namespaces": [office.name]})), ("everywhere", json!({"clusterWide": true}))] {
        let author = json!({"username": "admin", "groupsRef": 1});
        let (mut role, mut place) = (role.clone(), place);
        role[0]["author"] = author.clone();
        place["author"] = author;
        let spec = json!({"kubernetes": place, "roles": role, "authorGroups": [{"id": 1, "groups": ["system:masters"]}]});
        let stored = office.write(CAROL, "CatalogResource", resource, spec).await;
        assert_eq!(stored["spec"]["roles"][0]["author"]["username"], CAROL);
        assert_eq!(stored["spec"]["kubernetes"]["author"]["username"], CAROL);
        assert!(!stored["spec"]["authorGroups"].to_string().contains("system:masters"), "{stored}");
        office.becomes("CatalogResource", &office.catalog(), resource, "Authorized", "False AuthorCannotBind").await;
        office.write(CAROL, "AccessPackage", resource, json!({"resourceRoles": [{"resource": resource, "role": "root"}]})).await;
        office.becomes("AccessPackage", &office.catalog(), resource, "Ready", "False ResourceNotReady").await;
    }
    // An administrator who labels it does not vouch for it.
    let labelled = json!({"metadata": {"labels": {"seen": "yes"}}});
    let stored = office.person(ROOT).await.patch("CatalogResource", &office.catalog(), "here", labelled).await.unwrap();
    assert_eq!(stored["spec"]["roles"][0]["author"]["username"], CAROL);
    // Not even a manager who assigns directly, or an edit of a package that is in use, brings it about.
    office.policy("engineers", &at_once()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    let more = json!({"spec": {"resourceRoles": [{"resource": "production", "role": "viewer"}, {"resource": "everywhere", "role": "root"}]}});
    office.person(CAROL).await.patch("AccessPackage", &office.catalog(), ONCALL, more).await.unwrap();
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "False ResourceNotReady").await;
    office.is_right().await;
    let everywhere = office.person(ROOT).await.list("ClusterRoleBinding", "").await.unwrap();
    assert!(everywhere.iter().all(|b| !name(b).starts_with(&format!("entitlement:{}", office.catalog()))), "{everywhere:?}");
}

#[tokio::test]
async fn a_catalog_does_not_take_a_namespace_that_is_not_its_own() {
    let office = department("greedy").await;
    let claim =
        |name: &str, namespace: &str| json!({"kind": "Catalog", "metadata": {"name": name}, "spec": {"namespace": namespace}});
    let refusal =
        office.person(CAROL).await.create(claim("wants-kube-system", "kube-system")).await.expect_err("must be refused");
    assert!(refusal.message.contains("belong to Kubernetes"), "{refusal}");
    for namespace in [office.catalog(), "catalog-of-nobody-yet".to_owned()] {
        let refusal = office.person(CAROL).await.create(claim("squats", &namespace)).await.expect_err("must be refused");
        assert!(refusal.message.contains("belong to the Catalog of that name"), "{refusal}");
    }
    for namespace in ["entitlement-system", "default", &office.name] {
        let name = format!("wants-{namespace}");
        office.make(CAROL, claim(&name, namespace)).await;
        office.becomes("Catalog", "", &name, "Ready", "False NamespaceNotOurs").await;
        let bindings = office.person(ROOT).await.list("RoleBinding", namespace).await.unwrap();
        let led = bindings.iter().filter(|b| b["metadata"]["labels"]["entitlement.dev/catalog"] == name.as_str());
        assert_eq!(led.count(), 0, "{namespace}");
    }
    office.is_right().await;
}

#[tokio::test]
async fn only_creators_create_catalogs_and_only_owners_change_them() {
    let office = department("whose-catalog").await;
    for who in [ALICE, BOB, OLGA] {
        let made = office.person(who).await.create(json!({"kind": "Catalog", "metadata": {"name": "mine"}, "spec": {}})).await;
        assert_eq!(made.expect_err("must be refused").code, 403, "{who}");
        let owners = json!({"spec": {"owners": [{"kind": "User", "name": who}]}});
        let taken = office.person(who).await.patch("Catalog", "", &office.name, owners).await;
        assert!(taken.expect_err("must be refused").message.contains("is not an owner"), "{who}");
        assert_eq!(office.person(who).await.delete("Catalog", "", &office.name).await.expect_err("must be refused").code, 403);
    }
    let stored = office.person(CAROL).await.get("Catalog", "", &office.name).await.unwrap();
    assert_eq!(stored["spec"]["owners"], json!([{"kind": "User", "name": CAROL}]), "the creator owns it");
    office.is_right().await;
}

#[tokio::test]
async fn the_owner_of_one_catalog_does_not_see_into_another() {
    let (office, other) = (department("closed-doors").await, "olgas");
    let spec = json!({"owners": [{"kind": "User", "name": OLGA}]});
    office.make(CAROL, json!({"kind": "Catalog", "metadata": {"name": other}, "spec": spec})).await;
    office.becomes("Catalog", "", other, "Ready", "True Available").await;
    office.may(OLGA, "list", "assignments", "catalog-olgas").await;
    office.policy("engineers", &at_once()).await;
    let request = office.asks(ALICE).await;
    let delivered = office.request_is(&request, "Delivered").await;
    let olga = office.person(OLGA).await;
    for kind in ["CatalogResource", "AccessRequest", "ApprovalDecision", "Assignment"] {
        olga.list(kind, "catalog-olgas").await.expect("her own catalog is open to her");
        assert_eq!(olga.list(kind, &office.catalog()).await.expect_err("must be refused").code, 403, "{kind}");
        assert_eq!(olga.list(kind, "").await.expect_err("must be refused").code, 403, "{kind}");
    }
    let assignment = delivered["status"]["assignment"].as_str().unwrap();
    for (kind, name) in [("CatalogResource", "production"), ("Assignment", assignment)] {
        assert_eq!(olga.get(kind, &office.catalog(), name).await.expect_err("must be refused").code, 403, "{kind}");
    }
    let roles = json!({"kind": "AccessPackage", "metadata": {"name": "hers", "namespace": office.catalog()}, "spec": {}});
    assert_eq!(olga.create(roles).await.expect_err("must be refused").code, 403);
    office.is_right().await;
}

#[tokio::test]
async fn who_adds_somebody_to_a_managed_binding_sees_it_repaired() {
    let office = department("smuggler").await;
    office.policy("engineers", &at_once()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    let operator = &world().await.operator;
    let repaired = sum(&operator.metrics().await, "entitlement_drift_repaired_total", &[]);

    let mut binding = office.grants().await.remove(0);
    let subjects = binding["subjects"].as_array_mut().unwrap();
    subjects.push(json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": MALLORY}));
    let (name, change) = (name(&binding), json!({"subjects": binding["subjects"]}));
    office.person(CAROL).await.patch("RoleBinding", &office.name, &name, change).await.unwrap();

    office.can_look_in_becomes(MALLORY, false).await;
    office.is_right().await;
    assert!(office.can_look_in(ALICE).await, "who may, still can");
    eventually("a metric counts it", WITHIN, async || {
        match sum(&operator.metrics().await, "entitlement_drift_repaired_total", &[]) {
            now if now > repaired => Ok(()),
            now => Err(format!("still {now}")),
        }
    })
    .await;
    let root = office.person(ROOT).await;
    eventually("an Event tells of it", WITHIN, async || {
        let events = root.list("Event", &office.catalog()).await.unwrap();
        let told = events.iter().find(|event| event["reason"] == "DriftRepaired");
        told.filter(|event| event["note"].to_string().contains(MALLORY)).map(|_| ()).ok_or(format!("{} events", events.len()))
    })
    .await;
}
