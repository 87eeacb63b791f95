//! A request with all that it is reconciled from.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{ContentRole, RequestPhase};
use entitlement_operator::api::condition;
use entitlement_operator::api::{
    AccessPackage, AccessRequest, AccessRequestStatus, ApprovalDecision, Assignment, Catalog, Policy,
};
use entitlement_operator::domain::content::Content;
use entitlement_operator::domain::holdings::{Holdings, package_of_request};
use entitlement_operator::domain::request::{Before, Bounds};
use entitlement_operator::domain::{Effect, Key, Plan, Trust, request};

use super::{foes, oncall, rivals};
use crate::builders::content::catalog;
use crate::builders::people::RETENTION;
use crate::words;

/// A request in a catalog where everything it needs is there, unless said otherwise.
#[derive(Clone)]
pub struct Asked {
    pub request: AccessRequest,
    pub catalog: Option<Catalog>,
    pub package: Option<AccessPackage>,
    pub policies: Vec<Policy>,
    pub decisions: Vec<ApprovalDecision>,
    /// What the subject holds.
    pub held: Vec<Assignment>,
    /// What groups of the subject hold.
    pub held_by_groups: Vec<Assignment>,
    /// What of that was accepted a moment ago.
    pub assumed: Vec<Key>,
    /// What the subject asks for besides; `true`: judged a moment ago.
    pub rivals: Vec<(AccessRequest, bool)>,
    pub incompatible: Vec<Key>,
    /// Packages of other catalogs that bar by what the subject asked for in person only.
    pub barring_in_person: Vec<Key>,
    /// Assignments that the subject asked for in person.
    pub in_person: Vec<Key>,
    /// The roles of the package.
    pub content: Content,
    pub may_assign: bool,
    pub trust: Trust,
    /// What the requestor asked for before.
    pub before: Before,
}

/// How many requests one requestor may have.
pub const BOUNDS: Bounds = Bounds { open: 20, recent: 100 };

/// The scene of a request.
pub fn asked(request: AccessRequest, policies: &[Policy]) -> Asked {
    Asked {
        request,
        catalog: Some(catalog("payments")),
        package: Some(oncall()),
        policies: policies.to_vec(),
        decisions: Vec::new(),
        held: Vec::new(),
        held_by_groups: Vec::new(),
        assumed: Vec::new(),
        rivals: Vec::new(),
        incompatible: Vec::new(),
        barring_in_person: Vec::new(),
        in_person: Vec::new(),
        content: content("viewer"),
        may_assign: false,
        trust: Trust::Waived,
        before: Before::default(),
    }
}

/// What a package of one role is, as approvers see it.
pub fn content(role: &str) -> Content {
    let role = ContentRole { resource: "prod".to_owned(), role: role.to_owned(), display_name: String::new() };
    Content { digest: format!("digest of {}", role.role), roles: vec![role] }
}

impl Asked {
    /// Decides, and changes nothing.
    pub fn decide(&self, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
        let named = self.request.status.as_ref().and_then(|s| s.assignment.as_deref());
        let input = request::Input {
            trust: &self.trust,
            request: &self.request,
            catalog: self.catalog.as_ref(),
            package: self.package.as_ref(),
            policies: self.policies.iter().collect(),
            decisions: self.decisions.iter().collect(),
            holdings: Holdings {
                package: package_of_request(&self.request),
                assignments: self.held.iter().collect(),
                in_person: self.in_person.iter().cloned().collect(),
                assumed: self.assumed.clone(),
                rivals: rivals(&self.rivals),
                of_groups: self.held_by_groups.iter().collect(),
            },
            incompatible: foes(&self.incompatible, &self.barring_in_person),
            content: self.content.clone(),
            may_assign: self.may_assign,
            assignment: self.held.iter().find(|a| named.is_some() && a.metadata.name.as_deref() == named),
            retention: RETENTION,
            before: self.before,
            bounds: BOUNDS,
        };
        let plan = request::decide(&input, now);
        words::are_told("AccessRequest", &plan);
        plan
    }

    /// Decides and writes: the status, what became of decisions, and the assignment that is made. Returns what was planned.
    pub fn step(&mut self, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
        let plan = self.decide(now);
        self.request.status = Some(plan.status.clone());
        for effect in &plan.effects {
            match effect {
                Effect::RecordDecision { decision, status } => {
                    words::are_listed("ApprovalDecision", status);
                    let found = self.decisions.iter_mut().find(|d| Key::of(*d) == *decision).unwrap();
                    found.status = Some((**status).clone());
                }
                Effect::CreateAssignment(made) => self.held.push((**made).clone()),
                _ => {}
            }
        }
        plan
    }

    /// One more decision.
    pub fn decided(&mut self, decision: ApprovalDecision) -> &mut Self {
        self.decisions.push(decision);
        self
    }

    pub fn status(&self) -> &AccessRequestStatus {
        self.request.status.as_ref().unwrap()
    }

    /// Phase and reason.
    pub fn outcome(&self) -> (RequestPhase, &str) {
        (self.status().phase, self.status().reason.as_str())
    }

    /// Why a decision did not count: `None` while it is not judged, and `Some("Decided")` when it did.
    pub fn judgement(&self, name: &str) -> Option<&str> {
        let decision = self.decisions.iter().find(|d| d.metadata.name.as_deref() == Some(name)).unwrap();
        let counted = condition::get(&decision.status.as_ref()?.conditions, "Counted")?;
        assert_eq!(counted.status == "True", counted.reason == "Decided", "{counted:?}");
        Some(&counted.reason)
    }
}
