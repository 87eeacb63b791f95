//! People ask.

use chrono::TimeDelta;
use entitlement_operator::api::access_request::RequestType;
use entitlement_operator::api::{AccessRequest, Assignment, Span};
use entitlement_operator::domain::Key;

use super::{PACKAGES, POLICIES, subject_number};
use crate::builders::*;
use crate::life::acts::{Act, Wish};
use crate::life::store::{PEOPLE, Store};

impl Store {
    pub(super) fn ask(&mut self, act: &Act) {
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
                RequestType::Add if self.api.assignments.values().any(held) => RequestType::Extend,
                _ if !self.api.assignments.values().any(held) => RequestType::Add,
                kind => *kind,
            };
        }
        if *complete {
            request = request.saying("because").answering("ticket", "OPS-1");
        }
        self.submit(request, *wish);
    }

    pub(super) fn ask_again(&mut self, assignment: u8, kind: RequestType, wish: Wish) {
        let Some(key) = self.assignment_number(assignment) else { return };
        let held = &self.api.assignments[&key];
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
        let name =
            (0..).map(|n| format!("r{n}")).find(|name| !self.api.requests.contains_key(&Key::new(&namespace, name))).unwrap();
        if self.api.decisions.values().any(|d| d.spec.access_request == name) {
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
}
