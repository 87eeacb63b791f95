//! What people do to the store.

use chrono::TimeDelta;
use entitlement_operator::api::access_request::{RequestPhase, RequestType};
use entitlement_operator::api::condition::State;
use entitlement_operator::api::policy::{ApproverKind, Policy};
use entitlement_operator::api::time::created;
use entitlement_operator::api::{AccessPackage, AccessRequest, Assignment, Catalog, Identity, Span, Subject};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::Trust;
use entitlement_operator::targets::rbac::plan::Observed;

use crate::builders::*;

use super::acts::{Act, Terms, Wish};
use super::store::{GROUPS, PEOPLE, Store};
use super::terms::written;

/// Packages: three in one catalog, of which two share a role, and one in another.
const PACKAGES: [(&str, &str); 4] = [(PAYMENTS, "oncall"), (PAYMENTS, "payer"), (AUDIT, "auditor"), (PAYMENTS, "tools")];
/// Policies, each with the package it is for.
const POLICIES: [(&str, usize); 4] = [("engineers", 0), ("others", 0), ("payers", 1), ("auditors", 2)];

fn subject_number(number: u8) -> Subject {
    match number {
        0..5 => user(PEOPLE[usize::from(number)]),
        5 => group("engineering"),
        _ => account("apps", "robot"),
    }
}

fn nth<'a, T>(mut all: impl ExactSizeIterator<Item = &'a T>, number: u8) -> Option<&'a T> {
    let count = all.len();
    if count == 0 { None } else { all.nth(usize::from(number) % count) }
}

impl Store {
    /// Somebody with the groups they are in at present.
    pub fn person(&self, name: &str) -> Identity {
        let groups: Vec<&str> = self.members.get(name).into_iter().flatten().copied().collect();
        who(name, &groups)
    }

    /// A request by number, the newest first.
    pub fn request_number(&self, number: u8) -> Option<Key> {
        let mut all: Vec<&AccessRequest> = self.requests.values().collect();
        all.sort_by_key(|r| (r.phase().is_terminal(), std::cmp::Reverse(created(*r)), r.metadata.name.clone()));
        // Most is done to the newest.
        let number = if number < 160 { number % 2 } else { number };
        nth(all.iter(), number).map(|r| Key::of(*r))
    }

    /// An assignment by number, the live ones first.
    pub fn assignment_number(&self, number: u8) -> Option<Key> {
        let mut all: Vec<&Assignment> = self.assignments.values().collect();
        all.sort_by_key(|a| a.phase().is_terminal());
        let number = if number < 200 { number % 2 } else { number };
        nth(all.iter(), number).map(|a| Key::of(*a))
    }

    /// What a person does. Acts of the operator and of time are none of these.
    pub fn person_does(&mut self, act: &Act) {
        match act {
            Act::Ask { .. } => self.ask(act),
            Act::AskAgain { assignment, kind, wish } => self.ask_again(*assignment, *kind, *wish),
            Act::Vote { request, approver, yes } => self.vote(*request, *approver, *yes),
            Act::Decide { .. } => self.decide(act),
            Act::Cancel { request } => {
                if let Some(key) = self.request_number(*request) {
                    self.edit::<AccessRequest>(&key, |found| found.spec.cancelled = true);
                }
            }
            Act::DeleteRequest { request } => {
                self.request_number(*request).into_iter().for_each(|key| {
                    self.delete::<AccessRequest>(&key);
                });
            }
            Act::ApplyPolicy { slot, terms } => self.apply_policy(*slot, *terms),
            Act::DeletePolicy { slot } => {
                let (name, package) = POLICIES[usize::from(*slot)];
                self.delete::<Policy>(&Key::new(PACKAGES[package].0, name));
            }
            Act::ApplyPackage { slot, roles, foe, group } => self.apply_package(*slot, *roles, *foe, *group),
            Act::DeletePackage { slot } => {
                let (namespace, name) = PACKAGES[usize::from(*slot)];
                self.delete::<AccessPackage>(&Key::new(namespace, name));
            }
            Act::Join { who, group } => {
                let groups = self.members.entry(PEOPLE[usize::from(*who)]).or_default();
                let group = GROUPS[usize::from(*group)];
                if !groups.remove(group) {
                    groups.insert(group);
                }
            }
            _ => self.manager_does(act),
        }
    }

    fn manager_does(&mut self, act: &Act) {
        match act {
            Act::SwitchCatalog { which } => {
                self.edit::<Catalog>(&Key::new("", ["payments", "audit"][usize::from(*which)]), |c| {
                    c.spec.enabled = !c.spec.enabled
                });
            }
            Act::Owners { which, owners } => {
                let owners = [vec![], vec![user("carol")], vec![user("alice")], vec![user("erin"), user("carol")]]
                    [usize::from(*owners)]
                .clone();
                self.edit::<Catalog>(&Key::new("", ["payments", "audit"][usize::from(*which)]), |c| c.spec.owners = owners);
            }
            Act::Assign { policy, subject, start, end } => self.assign(*policy, *subject, *start, *end),
            Act::Rearm => self.trust = Trust::Enforced { since: self.now },
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
                let state = [State::True, State::False, State::Unknown][usize::from(*answer)];
                let key = nth(self.resources.keys().collect::<Vec<_>>().iter(), *resource).map(|key| (*key).clone()).unwrap();
                self.judge_authors(&key, state);
            }
            Act::Close { place } => {
                let place = nth(self.places().iter(), *place).unwrap().clone();
                if !self.closed.remove(&place) {
                    self.closed.insert(place);
                }
            }
            Act::Tamper { binding, how } => self.tamper(*binding, *how),
            other => panic!("{other:?} is nothing that a person does"),
        }
    }

    fn ask(&mut self, act: &Act) {
        let Act::Ask { who, package, kind, subject, policy, wish, complete, apt } = act else { return };
        let (namespace, name) = PACKAGES[usize::from(*package)];
        let mut request = request("new").in_namespace(namespace).to_get(name);
        request.spec.requestor = Some(self.person(PEOPLE[usize::from(*who)]));
        request.spec.subject = subject.map(subject_number);
        let own = POLICIES.iter().filter(|(_, of)| of == &usize::from(*package)).map(|(policy, _)| (*policy).to_owned());
        request.spec.policy = policy.and_then(|number| own.cycle().nth(usize::from(number)));
        request.spec.kind = *kind;
        if *apt {
            let held = |a: &Assignment| {
                Some(&a.spec.subject) == request.subject().as_ref() && a.spec.access_package == name && !a.phase().is_terminal()
            };
            request.spec.kind = match kind {
                RequestType::Add if self.assignments.values().any(held) => RequestType::Extend,
                _ if !self.assignments.values().any(held) => RequestType::Add,
                kind => *kind,
            };
        }
        if *complete {
            request = request.saying("because").answering("ticket", "OPS-1");
        }
        self.submit(request, *wish);
    }

    fn ask_again(&mut self, assignment: u8, kind: RequestType, wish: Wish) {
        let Some(key) = self.assignment_number(assignment) else { return };
        let held = &self.assignments[&key];
        let requestor = held.spec.subject.username().unwrap_or_else(|| "dave".to_owned());
        let mut request =
            request("new").in_namespace(&key.namespace).to_get(&held.spec.access_package).for_subject(held.spec.subject.clone());
        request = request.saying("because").answering("ticket", "OPS-1");
        request.spec.requestor = Some(self.person(&requestor));
        request.spec.kind = kind;
        self.submit(request, wish);
    }

    /// Stores a request with a wished period, under the first name that is free.
    fn submit(&mut self, mut request: AccessRequest, wish: Wish) {
        let namespace = request.metadata.namespace.clone().unwrap();
        let name = (0..).map(|n| format!("r{n}")).find(|name| !self.requests.contains_key(&Key::new(&namespace, name))).unwrap();
        if self.decisions.values().any(|d| d.spec.access_request == name) {
            // Another request had the name. Within one second nobody can tell which of the two a decision is about.
            self.now += TimeDelta::seconds(1);
        }
        let at = |seconds: i64| self.now + TimeDelta::seconds(seconds);
        request = match (wish, request.spec.kind) {
            (_, RequestType::Remove) | (Wish::Nothing, _) => request,
            (Wish::Lasting(length), _) => request.lasting(&Span::seconds(length).unwrap().to_string()),
            (Wish::End(end), _) => request.ending(at(end)),
            (Wish::Start(start), RequestType::Add) => request.starting(at(start)),
            (Wish::Period(start, length), RequestType::Add) => request.starting(at(start)).ending(at(start + length)),
            (Wish::Start(end) | Wish::Period(_, end), _) => request.ending(at(end)),
        };
        request.metadata.name = Some(name);
        self.create(request);
    }

    fn write_decision(
        &mut self,
        request: &Key,
        decide: impl FnOnce(entitlement_operator::api::ApprovalDecision) -> entitlement_operator::api::ApprovalDecision,
    ) {
        // The second is the grain of all that is stored: no two decisions share one.
        self.now += TimeDelta::seconds(1);
        let made = decide(decision(&format!("d{}", self.decisions.len()), &request.name).in_namespace(&request.namespace));
        self.create(made);
    }

    fn vote(&mut self, request: u8, approver: u8, yes: bool) {
        let mut waiting = self.requests.values().filter(|r| r.phase() == RequestPhase::PendingApproval).collect::<Vec<_>>();
        waiting.sort_by_key(|r| std::cmp::Reverse(created(*r)));
        let Some(found) = nth(waiting.iter(), request % 2).map(|r| (*r).clone()) else { return };
        let stage = found.status.as_ref().unwrap().stages.last().unwrap().clone();
        let Some(entry) = nth(stage.approvers.iter(), approver).cloned() else { return };
        let name = match entry.kind {
            ApproverKind::CatalogOwners => Some("carol"),
            ApproverKind::Group => PEOPLE
                .into_iter()
                .filter(|p| self.person(p).groups.contains(entry.name.as_ref().unwrap()))
                .nth(usize::from(approver % 2)),
            _ => PEOPLE.into_iter().find(|p| Some(*p) == entry.name.as_deref()),
        };
        let Some(person) = name.map(|name| self.person(name)) else { return };
        let uid = found.metadata.uid.clone().unwrap();
        self.write_decision(&Key::of(&found), |mut made| {
            made.spec.approver = Some(person);
            let made = made.because("I know them").of_uid(&uid);
            if yes { made } else { made.denying() }
        });
    }

    fn decide(&mut self, act: &Act) {
        let Act::Decide { request, who, yes, stage, reason, old_uid } = act else { return };
        let Some(key) = self.request_number(*request) else { return };
        let person = self.person(PEOPLE[usize::from(*who)]);
        let uid = self.requests[&key].metadata.uid.clone().unwrap();
        self.write_decision(&key, |mut made| {
            made.spec.approver = Some(person);
            made.spec.stage = stage.map(|number| ["lead", "security", "owner", "nowhere"][usize::from(number)].to_owned());
            let made = if *reason { made.because("as I said") } else { made };
            let made = made.of_uid(if *old_uid { "another" } else { &uid });
            if *yes { made } else { made.denying() }
        });
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
        if let Some((namespace, foe)) = foe.map(|f| PACKAGES[usize::from(f)]).filter(|foe| *foe != (namespace, name)) {
            wanted = wanted.not_with(namespace.strip_prefix("catalog-"), foe);
        }
        if group {
            wanted = wanted.not_for_group("security");
        }
        if !self.create(wanted.clone()) {
            self.edit::<AccessPackage>(&Key::of(&wanted), |found| found.spec = wanted.spec);
        }
    }

    fn assign(&mut self, policy: u8, subject: u8, start: i64, end: Option<i64>) {
        let (policy, package) = POLICIES[usize::from(policy)];
        let (namespace, package) = PACKAGES[package];
        let name = format!("x{}", self.assignments.len());
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

    fn forge(&mut self, request: u8, subject: Option<u8>) {
        let Some(request) = self.request_number(request).map(|key| self.requests[&key].clone()) else { return };
        let mut made = assignment_of(&request).in_namespace(request.metadata.namespace.as_deref().unwrap());
        made.metadata.name = Some("forged".to_owned());
        made.spec.subject = subject.map_or(made.spec.subject, subject_number);
        self.create(made);
    }

    fn reschedule(&mut self, assignment: u8, start: Option<i64>, end: Option<i64>) {
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

    fn tamper(&mut self, binding: u8, how: u8) {
        let Some(key) = nth(self.bindings.keys().collect::<Vec<_>>().iter(), binding).map(|key| (*key).clone()) else { return };
        let (grant, mut found) = self.bindings[&key].clone();
        match how {
            0 => return drop(self.bindings.remove(&key)),
            1 => found.subjects.push(Some(user("mallory"))),
            2 => drop(found.subjects.pop()),
            3 => found = Observed { labelled: false, subjects: vec![None], ..found },
            _ => found.subjects.push(Some(user("alice"))),
        }
        self.bindings.insert(key, (grant, found));
    }
}
