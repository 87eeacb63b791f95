//! A catalog: its namespace, who has which role in it, and what is left when it goes.

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::access_request::PinnedPolicy;
use entitlement_operator::api::condition;
use entitlement_operator::api::labels::{CATALOG, IN_USE, MANAGED_BY, OPERATOR};
use entitlement_operator::api::policy::Scope;
use entitlement_operator::api::{Catalog, CatalogStatus, Policy, Subject};
use entitlement_operator::domain::catalog::{self, Input, Offering, from_rbac, new_namespace};
use entitlement_operator::domain::meta::generation;
use entitlement_operator::domain::{Effect, Plan};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::RoleBinding;

use crate::builders::*;

/// A catalog with its surroundings.
struct Place {
    catalog: Catalog,
    namespace: Option<Namespace>,
    bindings: Vec<RoleBinding>,
    packages: usize,
    resources: usize,
    policies: Vec<(Policy, bool)>,
    waiting: Vec<PinnedPolicy>,
    last_failure: Option<String>,
}

fn place() -> Place {
    let mut catalog = catalog("payments").owned_by(&[user("carol")]);
    catalog.metadata.finalizers = Some(vec![IN_USE.to_owned()]);
    let namespace = Some(new_namespace(&catalog));
    Place {
        catalog,
        namespace,
        bindings: vec![],
        packages: 0,
        resources: 0,
        policies: vec![],
        waiting: vec![],
        last_failure: None,
    }
}

impl Place {
    fn decide(&self) -> Plan<CatalogStatus> {
        let name = |b: &RoleBinding| b.metadata.name.clone().unwrap();
        let input = Input {
            catalog: &self.catalog,
            namespace: self.namespace.as_ref(),
            bindings: self.bindings.iter().map(|b| (name(b), b)).collect(),
            packages: self.packages,
            resources: self.resources,
            policies: self.policies.iter().map(|(policy, in_use)| Offering { policy, in_use: *in_use }).collect(),
            waiting: self.waiting.iter().collect(),
            last_failure: self.last_failure.as_deref(),
        };
        let plan = catalog::decide(&input, at(50));
        crate::words::are_told("Catalog", &plan);
        plan
    }

    /// Writes the bindings that are to be written.
    fn settle(&mut self) {
        for effect in self.decide().effects {
            if let Effect::Bind(binding) = effect {
                self.bindings.push(*binding);
            }
        }
    }

    /// Who is to have which role.
    fn bound(&self) -> BTreeMap<String, BTreeSet<Subject>> {
        let written = self.decide().effects.into_iter().filter_map(|effect| match effect {
            Effect::Bind(binding) => Some(*binding),
            _ => None,
        });
        let people = |b: &RoleBinding| b.subjects.iter().flatten().filter_map(from_rbac).collect();
        written.map(|b| (b.metadata.name.clone().unwrap(), people(&b))).collect()
    }

    fn ready(&self) -> String {
        let plan = self.decide();
        let ready = condition::get(&plan.status.conditions, "Ready").unwrap();
        format!("{} {}", ready.status, ready.reason)
    }

    fn deleted(mut self) -> Self {
        self.catalog = self.catalog.being_deleted(at(40));
        self
    }
}

fn asks(policy: Policy) -> (Policy, bool) {
    let enabled = policy.spec.enabled;
    (policy, enabled)
}

#[test]
fn the_namespace_is_created_only_under_its_own_name_and_has_no_owner() {
    let mut place = place();
    place.namespace = None;
    assert_eq!(place.decide().effects, [Effect::CreateNamespace("catalog-payments".to_owned())]);
    assert_eq!(new_namespace(&place.catalog).metadata.owner_references, None);
    place.catalog.spec.namespace = Some("team-b".to_owned());
    assert_eq!((place.decide().effects, place.ready().as_str()), (vec![], "False NamespaceNotFound"));
}

#[test]
fn a_namespace_that_lost_its_label_loses_the_people_too() {
    let mut place = place();
    place.settle();
    assert_eq!(place.bindings.len(), 1);
    place.namespace.as_mut().unwrap().metadata.labels = None;
    let gone: Vec<Effect> = place.decide().effects;
    assert!(matches!(gone.as_slice(), [Effect::Unbind(key)] if key.name == "entitlement-catalog-owner"), "{gone:?}");
    assert_eq!(place.ready(), "False NamespaceNotOurs");
}

#[test]
fn what_passes_by_itself_is_nothing_to_warn_of() {
    let mut place = place();
    let mut told = Vec::new();
    for _ in 0..5 {
        let plan = place.decide();
        told.extend(plan.notices.iter().map(|note| (note.reason.as_str(), note.warning)));
        place.settle();
    }
    assert!(told.iter().all(|(_, warning)| !warning), "{told:?}");
    place.namespace.as_mut().unwrap().metadata.labels = None;
    assert!(place.decide().notices.iter().any(|note| note.warning), "and this is");
}

#[test]
fn a_deletion_waits_for_packages_and_resources() {
    for (packages, resources) in [(1, 0), (0, 1)] {
        let waits = Place { packages, resources, ..place() }.deleted();
        assert_eq!((waits.decide().effects, waits.ready().as_str()), (vec![], "False InUse"));
    }
}

#[test]
fn a_created_namespace_goes_with_the_catalog_and_an_adopted_one_stays_without_the_label() {
    let created = place().deleted();
    let expected = [Effect::DeleteNamespace("catalog-payments".to_owned()), Effect::RemoveFinalizer(IN_USE)];
    assert_eq!(created.decide().effects, expected);

    let mut adopted = place();
    adopted.settle();
    let meta = &mut adopted.namespace.as_mut().unwrap().metadata;
    meta.labels.as_mut().unwrap().remove(MANAGED_BY);
    let effects = adopted.deleted().decide().effects;
    assert!(
        matches!(effects.as_slice(), [Effect::Unbind(_), Effect::ReleaseNamespace(name), Effect::RemoveFinalizer(IN_USE)] if name == "catalog-payments"),
        "{effects:?}"
    );

    let mut foreign = place();
    foreign.namespace.as_mut().unwrap().metadata.labels =
        Some([(CATALOG.to_owned(), "another".to_owned()), (MANAGED_BY.to_owned(), OPERATOR.to_owned())].into());
    assert_eq!(foreign.deleted().decide().effects, [Effect::RemoveFinalizer(IN_USE)]);
}

#[test]
fn whoever_a_policy_lets_ask_may_ask_and_nobody_else() {
    let requestors = |policies: Vec<(Policy, bool)>| {
        let mut bound = Place { policies, ..place() }.bound();
        (
            bound.remove("entitlement-requestor").unwrap_or_default(),
            bound.remove("entitlement-requestor-account").unwrap_or_default(),
        )
    };
    assert_eq!(requestors(vec![]), Default::default());
    let named = policy("p").for_subject(group("engineering")).for_subject(account("apps", "robot")).on_behalf_by(user("bob"));
    let people: BTreeSet<Subject> = [group("engineering"), account("apps", "robot"), user("bob")].into();
    assert_eq!(requestors(vec![asks(named.clone())]), (people, [account("apps", "robot")].into()));
    assert_eq!(requestors(vec![asks(named.disabled())]), Default::default());
    let wide = policy("p").for_scope(Scope::AllMembers);
    assert_eq!(requestors(vec![asks(wide)]).0, [group("system:authenticated")].into());
    assert_eq!(requestors(vec![asks(policy("p").for_scope(Scope::None))]), Default::default());
}

#[test]
fn whoever_a_policy_or_an_open_stage_names_may_decide() {
    let staged = |name: &str| {
        policy("p").stage(stage(name, &[by_user(name)]).escalating("1h", &[by_owners()]).falling_back_to(&[by_group("leads")]))
    };
    let deciding = |place: Place| place.bound().remove("entitlement-approver").unwrap_or_default();
    let expected: BTreeSet<Subject> = [user("erin"), user("carol"), group("leads")].into();
    assert_eq!(deciding(Place { policies: vec![asks(staged("erin"))], ..place() }), expected);
    // The policy is gone, and a request waits under its terms of then.
    let old = staged("erin");
    let pinned = PinnedPolicy {
        name: "p".to_owned(),
        uid: "uid-p".to_owned(),
        generation: generation(&old),
        stages: old.spec.approval.stages,
        expiration: old.spec.expiration,
        custom_schedule: false,
    };
    assert_eq!(deciding(Place { waiting: vec![pinned], ..place() }), expected);
}

#[test]
fn users_of_kubernetes_itself_are_bound_to_nothing_and_that_is_told() {
    let mut place = place();
    place.catalog.spec.owners.push(user("system:admin"));
    assert_eq!(place.bound()["entitlement-catalog-owner"], [user("carol")].into());
    let plan = place.decide();
    let told = condition::get(&plan.status.conditions, "SubjectsNotBound").unwrap();
    assert!(told.message.contains("system:admin"), "{}", told.message);
}

#[test]
fn an_owner_decides_since_the_operator_knows_them_as_one() {
    let mut place = place();
    place.catalog.status = Some(place.decide().status);
    let since =
        |place: &Place| place.decide().status.owners.iter().map(|owner| (owner.subject.clone(), owner.since)).collect::<Vec<_>>();
    assert_eq!(since(&place), [(user("carol"), at(0))]);
    place.catalog.spec.owners = vec![user("olga"), user("carol")];
    assert_eq!(since(&place), [(user("olga"), at(51)), (user("carol"), at(0))]);
}

#[test]
fn a_catalog_is_ready_when_its_namespace_is_there_and_everybody_is_bound() {
    let mut place = place();
    assert_eq!(place.ready(), "False BindingsPending");
    assert_eq!(place.decide().status.namespace.as_deref(), Some("catalog-payments"), "it can be used meanwhile");
    place.settle();
    assert_eq!((place.ready().as_str(), place.decide().effects), ("True Available", vec![]));
    place.catalog.metadata.finalizers = None;
    assert_eq!(place.decide().effects, [Effect::AddFinalizer(IN_USE)]);
}

#[test]
fn a_binding_that_is_not_needed_goes_and_one_that_was_changed_is_written_again() {
    let mut place = place();
    place.settle();
    place.bindings[0].role_ref.name = "cluster-admin".to_owned();
    assert!(
        matches!(place.decide().effects.as_slice(), [Effect::Bind(again)] if again.role_ref.name == "entitlement-catalog-owner")
    );
    place.catalog.spec.owners.clear();
    assert!(matches!(place.decide().effects.as_slice(), [Effect::Unbind(key)] if key.name == "entitlement-catalog-owner"));
    assert_eq!(place.ready(), "True Available", "whoever is too many keeps nobody from working");
}

#[test]
fn a_namespace_that_is_created_or_goes_away_is_waited_for_and_the_last_failure_is_told() {
    let mut place = place();
    let namespace = place.namespace.take().unwrap();
    let plan = place.decide();
    assert_eq!((place.ready().as_str(), plan.status.namespace), ("False NamespacePending", None));
    assert!(plan.notices.iter().any(|notice| notice.reason.as_str() == "CreatingNamespace" && !notice.warning));
    place.last_failure = Some("quota exceeded".to_owned());
    let plan = place.decide();
    let ready = condition::get(&plan.status.conditions, "Ready").unwrap();
    assert!(ready.message.ends_with("last failure: quota exceeded"), "{}", ready.message);
    place.namespace = Some(namespace.being_deleted(at(40)));
    let plan = place.decide();
    assert_eq!((place.ready().as_str(), plan.effects, plan.status.namespace), ("False NamespacePending", vec![], None));
}
