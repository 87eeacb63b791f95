//! Managers write packages and policies, assign people directly, and somebody tampers with bindings.

use chrono::TimeDelta;
use entitlement_operator::api::policy::Policy;
use entitlement_operator::api::{AccessPackage, Assignment, Catalog};
use entitlement_operator::domain::{Key, Trust};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding, Subject as RbacSubject};
use kube::core::{ObjectMeta, PartialObjectMeta};

use super::{PACKAGES, POLICIES, nth, subject_number};
use crate::builders::*;
use crate::life::acts::{Act, Terms};
use crate::life::rules::{AUTHORS, Offer, WorkItem, rbac_subject, stands_open};
use crate::life::store::Store;
use crate::life::terms::written;

const CATALOGS: [&str; 2] = ["payments", "audit"];

impl Store {
    pub(super) fn manager_does(&mut self, act: &Act) {
        match act {
            Act::SwitchCatalog { which } => {
                let key = Key::new("", CATALOGS[usize::from(*which)]);
                self.edit::<Catalog>(&key, |found| found.spec.enabled = !found.spec.enabled);
            }
            Act::Owners { which, owners } => {
                let all = [vec![], vec![user("carol")], vec![user("alice")], vec![user("erin"), user("carol")]];
                let key = Key::new("", CATALOGS[usize::from(*which)]);
                self.edit::<Catalog>(&key, |found| found.spec.owners = all[usize::from(*owners)].clone());
            }
            Act::Assign { policy, subject, start, end } => self.assign(*policy, *subject, *start, *end),
            Act::Rearm => self.rearm(),
            Act::Forge { request, subject } => self.forge(*request, *subject),
            Act::Reschedule { assignment, start, end } => self.reschedule(*assignment, *start, *end),
            Act::Revoke { assignment } => {
                if let Some(key) = self.assignment_number(*assignment) {
                    self.edit::<Assignment>(&key, |found| *found = found.clone().revoked_by("carol"));
                }
            }
            Act::DeleteAssignment { assignment } => {
                self.assignment_number(*assignment).into_iter().for_each(|key| {
                    self.delete::<Assignment>(&key);
                });
            }
            Act::Author { resource, answer } => {
                let key = nth(self.api.resources.keys().collect::<Vec<_>>().iter(), *resource).map(|key| (*key).clone());
                self.write_in_name_of(&key.unwrap(), AUTHORS[usize::from(*answer)]);
            }
            Act::Close { place } => {
                let name = nth(self.places().iter(), *place).unwrap().role.name.clone();
                match self.api.cluster_roles.contains_key(&Key::new("", &name)) {
                    true => self.forget::<PartialObjectMeta<ClusterRole>>(&Key::new("", &name)),
                    false => self.create_cluster_role(&name),
                }
            }
            Act::Tamper { binding, how } => self.tamper(*binding, *how),
            other => panic!("{other:?} is nothing that a person does"),
        }
    }

    /// The admission policies were broken for a moment: who wrote what before is not known, and everything is judged in this light.
    fn rearm(&mut self) {
        let since = self.now;
        let open = self.api.resources.iter().flat_map(|(key, found)| {
            let open = stands_open(found, &Offer::of(found), since, true);
            open.into_iter().map(|(role, digest)| (key.clone(), role, digest))
        });
        self.open = open.collect();
        self.trust = Trust::Enforced { since };
        // As `controllers::admission` triggers it.
        let ended = |work: &WorkItem| match work {
            WorkItem::Request(key) => self.api.requests[key].phase().is_terminal(),
            WorkItem::Assignment(key) => self.api.assignments[key].phase().is_terminal(),
            WorkItem::Resource(_) | WorkItem::Grant(_) => false,
            _ => true,
        };
        let again: Vec<WorkItem> = self.everything().into_iter().filter(|work| !ended(work)).collect();
        self.process.waiting.extend(again);
    }

    pub fn apply_policy(&mut self, slot: u8, terms: Terms) {
        let (name, package) = POLICIES[usize::from(slot)];
        let (namespace, package) = PACKAGES[package];
        let wanted = written(policy(name).of(package).in_namespace(namespace), terms, self);
        if !self.create(wanted.clone()) {
            self.edit::<Policy>(&Key::of(&wanted), |found| found.spec = wanted.spec);
        }
    }

    pub fn apply_package(&mut self, slot: u8, roles: u8, foe: Option<u8>, group: bool) {
        let (namespace, name) = PACKAGES[usize::from(slot)];
        let all: &[(&str, &str)] = match usize::from(slot) {
            0 | 1 => &[("prod", "viewer"), ("prod", "deployer"), ("prod", "no-such-role")],
            2 => &[("books", "reader")],
            _ => &[("tools", "operator"), ("prod", "viewer")],
        };
        let mut wanted = package(name).in_namespace(namespace);
        wanted.status = None;
        for (number, (resource, role)) in all.iter().enumerate() {
            // The last of the first list does not exist, and is rare.
            if roles & (1 << number) != 0 && (*role != "no-such-role" || roles > 240) {
                wanted = wanted.with_role(resource, role);
            }
        }
        if let Some((of, foe)) = foe.map(|f| PACKAGES[usize::from(f)]).filter(|foe| *foe != (namespace, name)) {
            let elsewhere = of.strip_prefix("catalog-").filter(|_| of != namespace);
            wanted = wanted.not_with(elsewhere, foe);
        }
        if group {
            wanted = wanted.not_for_group("security");
        }
        if !self.create(wanted.clone()) {
            self.edit::<AccessPackage>(&Key::of(&wanted), |found| found.spec = wanted.spec);
        }
    }

    pub(super) fn assign(&mut self, policy: u8, subject: u8, start: i64, end: Option<i64>) {
        let (policy, package) = POLICIES[usize::from(policy)];
        let (namespace, package) = PACKAGES[package];
        let name = format!("x{}", self.api.assignments.len());
        let mut made =
            assignment(&name).in_namespace(namespace).of(package).to(subject_number(subject)).assigned_by(self.person("carol"));
        made.spec.policy = policy.to_owned();
        if start != 0 {
            made = made.beginning(self.now + TimeDelta::seconds(start));
        }
        if let Some(end) = end {
            made = made.until(self.now + TimeDelta::seconds(start + end));
        }
        self.create(made);
    }

    pub(super) fn forge(&mut self, request: u8, subject: Option<u8>) {
        let Some(request) = self.request_number(request).map(|key| self.api.requests[&key].clone()) else { return };
        let mut made = assignment_of(&request).in_namespace(request.metadata.namespace.as_deref().unwrap());
        made.metadata.name = Some("forged".to_owned());
        made.spec.subject = subject.map_or(made.spec.subject, subject_number);
        self.create(made);
    }

    pub(super) fn reschedule(&mut self, assignment: u8, start: Option<i64>, end: Option<i64>) {
        let Some(key) = self.assignment_number(assignment) else { return };
        let now = self.now;
        self.edit::<Assignment>(&key, |found| {
            let schedule = found.spec.schedule.get_or_insert_default();
            schedule.end_time = end.map(|seconds| now + TimeDelta::seconds(seconds));
            if let Some(start) = start {
                schedule.start_time = Some(now + TimeDelta::seconds(start));
            }
            if schedule.start_time >= schedule.end_time {
                schedule.start_time = None; // the schema refuses such a pair
            }
        });
    }

    /// Somebody takes a binding out, or changes whom it names.
    fn tamper(&mut self, number: u8, how: u8) {
        let all = self.api.bound();
        let Some(found) = nth(all.iter(), number) else { return };
        let (key, in_namespace) = (found.key(), found.target.scope.namespace().is_some());
        match (how, in_namespace) {
            (0, true) => self.forget::<RoleBinding>(&key),
            (0, false) => self.forget::<ClusterRoleBinding>(&key),
            (_, true) => {
                self.edit::<RoleBinding>(&key, |found| tampered(&mut found.metadata, &mut found.subjects, how));
            }
            (_, false) => {
                self.edit::<ClusterRoleBinding>(&key, |found| tampered(&mut found.metadata, &mut found.subjects, how));
            }
        }
    }
}

fn tampered(meta: &mut ObjectMeta, subjects: &mut Option<Vec<RbacSubject>>, how: u8) {
    let subjects = subjects.get_or_insert_default();
    let stranger = || RbacSubject { kind: "Stranger".to_owned(), name: "nobody".to_owned(), ..RbacSubject::default() };
    match how {
        1 => subjects.push(rbac_subject(&user("mallory"))),
        2 => drop(subjects.pop()),
        3 => (meta.labels, *subjects) = (None, vec![stranger()]),
        _ => subjects.push(rbac_subject(&user("alice"))),
    }
}
