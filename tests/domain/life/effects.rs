//! What the operator writes beside the status of the object that it reconciles.

use std::collections::BTreeSet;

use entitlement_operator::api::assignment::Revoked;
use entitlement_operator::api::condition;
use entitlement_operator::api::labels::CATALOG;
use entitlement_operator::api::{AccessRequest, ApprovalDecision, Assignment};
use entitlement_operator::domain::schedule::later;
use entitlement_operator::domain::{Effect, Key};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};

use crate::words;

use super::bindings::{Bound, RbacWho};
use super::oracle::is_held;
use super::rules::{GrantKey, Reconciled, Watched, Write, new_namespace, rbac_subject};
use super::store::Store;

/// What effects come to, whatever their order. Why a decision does not count may be told otherwise once another stage is open.
pub fn essence(effects: &[Effect]) -> BTreeSet<String> {
    let one = |effect: &Effect| match effect {
        Effect::RecordDecision { decision, status } => format!("{decision} {}", condition::holds(&status.conditions, "Counted")),
        other => format!("{other:?}"),
    };
    effects.iter().map(one).collect()
}

impl Store {
    /// Carries out one effect of reconciling an object. Tells whether it changed anything.
    pub fn effect<K: Reconciled>(&mut self, own: &Key, effect: Effect) -> bool {
        match effect {
            Effect::CreateAssignment(made) => self.make(*made),
            Effect::MoveEnd { assignment, end } => self.edit::<Assignment>(&assignment, |found| {
                let end = later(found.end(), end);
                found.spec.schedule.get_or_insert_default().end_time = end;
            }),
            Effect::EnterEnd { assignment, end } => self.edit::<Assignment>(&assignment, |found| {
                let start = found.start();
                let schedule = found.spec.schedule.get_or_insert_default();
                if schedule.end_time.is_none() {
                    (schedule.start_time, schedule.end_time) = (Some(start), Some(end));
                }
            }),
            Effect::Revoke { assignment, by, reason } => self.edit::<Assignment>(&assignment, |found| {
                found.spec.revoked.get_or_insert(Revoked { by, reason });
            }),
            Effect::AddFinalizer(finalizer) => self.finalizer::<K>(own, finalizer, true),
            Effect::RemoveFinalizer(finalizer) => self.finalizer::<K>(own, finalizer, false),
            Effect::RecordDecision { decision, status } => {
                words::are_listed("ApprovalDecision", &status);
                let found = self.api.decisions[&decision].clone();
                self.write_status(&found, *status)
            }
            Effect::DeleteSelf => self.retire::<K>(own),
            Effect::CreateNamespace(_) => {
                let namespace = new_namespace(&self.api.catalogs[own]);
                self.create::<Namespace>(namespace)
            }
            Effect::Bind(binding) => self.put_binding(*binding),
            Effect::Unbind(key) => self.delete::<RoleBinding>(&key),
            Effect::DeleteNamespace(name) => {
                self.delete_namespace(&name);
                true
            }
            Effect::ReleaseNamespace(name) => self.edit::<Namespace>(&Key::new("", name), |found| {
                found.metadata.labels.iter_mut().for_each(|labels| drop(labels.remove(CATALOG)));
            }),
        }
    }

    fn make(&mut self, made: Assignment) -> bool {
        let key = Key::of(&made);
        let request = made.spec.access_request_uid.clone();
        let created = self.create(made);
        assert!(!created || self.api.births_of::<Assignment>(&key) == 1, "{key} was made anew after it had ended");
        assert_eq!(self.api.assignments[&key].spec.access_request_uid, request, "the name belongs to one request");
        created
    }

    fn retire<K: Reconciled>(&mut self, own: &Key) -> bool {
        let lives =
            |(key, a): (&Key, &Assignment)| is_held(a, self.now) && self.origin(key, a).is_some_and(|r| Key::of(r) == *own);
        let is_request = K::NAME == AccessRequest::NAME;
        assert!(!is_request || !self.api.assignments.iter().any(lives), "the record of access that lives goes");
        if K::NAME == ApprovalDecision::NAME {
            let of_present = self.api.decisions.get(own).and_then(|d| self.api.requests.get(&super::facts::request_of(d)));
            let counts = |r: &AccessRequest| {
                let stages = r.status.iter().flat_map(|s| &s.stages);
                stages.into_iter().any(|stage| stage.decisions.iter().any(|d| d.decision_ref == own.name))
            };
            assert!(!of_present.is_some_and(counts), "a decision that counted goes before its request");
        }
        self.delete::<K>(own)
    }

    /// Creates a binding, or writes over the one that has its name.
    fn put_binding<B>(&mut self, wanted: B) -> bool
    where
        B: super::server::Kind + PartialEq,
    {
        let key = Key::of(&wanted);
        self.create(wanted.clone())
            || self.edit::<B>(&key, |found| {
                let kept = found.meta().clone();
                *found = wanted;
                let meta = found.meta_mut();
                (meta.uid, meta.resource_version, meta.generation) = (kept.uid, kept.resource_version, kept.generation);
                meta.creation_timestamp = kept.creation_timestamp;
            })
    }

    /// Carries out one write of a grant: nobody is in it but those who are covered.
    pub fn bind(&mut self, grant: &GrantKey, write: &Write, covered: &BTreeSet<RbacWho>) {
        let (Write::Put { target, name, .. } | Write::Delete { target, name }) = write;
        let mut bound =
            Bound { grant: grant.clone(), target: target.clone(), name: name.clone(), subjects: Vec::new(), labelled: true };
        let (key, in_namespace) = (bound.key(), target.scope.namespace().is_some());
        if let Write::Put { subjects, exists, .. } = write {
            bound.subjects = subjects.iter().map(rbac_subject).collect();
            assert!(bound.subjects.iter().all(|s| covered.contains(&RbacWho::from(s))), "{grant}: {write:?} for {covered:?}");
            let is_there = self.api.role_bindings.contains_key(&key) || self.api.cluster_role_bindings.contains_key(&key);
            assert_eq!(is_there, *exists, "{name}");
        }
        match (write, in_namespace) {
            (Write::Put { .. }, true) => self.put_binding(bound.in_namespace()),
            (Write::Put { .. }, false) => self.put_binding(bound.in_cluster()),
            (Write::Delete { .. }, true) => self.delete::<RoleBinding>(&key),
            (Write::Delete { .. }, false) => self.delete::<ClusterRoleBinding>(&key),
        };
    }
}
