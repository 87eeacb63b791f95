//! People decide.

use chrono::TimeDelta;
use entitlement_operator::api::ApprovalDecision;
use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::policy::ApproverKind;
use entitlement_operator::api::time::created;
use entitlement_operator::domain::Key;

use super::nth;
use crate::builders::*;
use crate::life::acts::Act;
use crate::life::store::{PEOPLE, Store};

impl Store {
    fn write_decision(&mut self, request: &Key, decide: impl FnOnce(ApprovalDecision) -> ApprovalDecision) {
        // The second is the grain of all that is stored: no two decisions share one.
        self.now += TimeDelta::seconds(1);
        let made = decide(decision(&format!("d{}", self.api.decisions.len()), &request.name).in_namespace(&request.namespace));
        self.create(made);
    }

    pub(super) fn vote(&mut self, request: u8, approver: u8, yes: bool) {
        let mut waiting = self.api.requests.values().filter(|r| r.phase() == RequestPhase::PendingApproval).collect::<Vec<_>>();
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

    pub(super) fn decide(&mut self, act: &Act) {
        let Act::Decide { request, who, yes, stage, reason, old_uid } = act else { return };
        let Some(key) = self.request_number(*request) else { return };
        let person = self.person(PEOPLE[usize::from(*who)]);
        let uid = self.api.requests[&key].metadata.uid.clone().unwrap();
        self.write_decision(&key, |mut made| {
            made.spec.approver = Some(person);
            made.spec.stage = stage.map(|number| ["lead", "security", "owner", "nowhere"][usize::from(number)].to_owned());
            let made = if *reason { made.because("as I said") } else { made };
            let made = made.of_uid(if *old_uid { "another" } else { &uid });
            if *yes { made } else { made.denying() }
        });
    }
}
