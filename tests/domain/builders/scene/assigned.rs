//! An assignment with all that it is reconciled from.

use chrono::{DateTime, Utc};
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessPackage, AccessRequest, Assignment, AssignmentStatus, Catalog, Policy};
use entitlement_operator::domain::assignment::{self, Origin, Role};
use entitlement_operator::domain::holdings::{Holdings, package_of};
use entitlement_operator::domain::{Key, Plan, Trust};

use super::{foes, oncall, rivals};
use crate::builders::content::catalog;
use crate::builders::people::RETENTION;
use crate::words;

/// An assignment in a catalog where everything it needs is there, unless said otherwise.
#[derive(Clone)]
pub struct Assigned {
    pub assignment: Assignment,
    pub catalog: Option<Catalog>,
    pub package: Option<AccessPackage>,
    pub policy: Option<Policy>,
    pub request: Option<AccessRequest>,
    /// The API server itself said that the request does not exist.
    pub gone: bool,
    pub granted_ends: Vec<Option<DateTime<Utc>>>,
    pub held: Vec<Assignment>,
    /// What of that was accepted a moment ago.
    pub assumed: Vec<Key>,
    pub rivals: Vec<(AccessRequest, bool)>,
    pub incompatible: Vec<Key>,
    pub roles: Vec<Role>,
    pub trust: Trust,
}

/// The scene of an assignment, with one role that is not there yet.
pub fn assigned(assignment: Assignment, policy: Option<Policy>) -> Assigned {
    Assigned {
        assignment,
        catalog: Some(catalog("payments")),
        package: Some(oncall()),
        policy,
        request: None,
        gone: false,
        granted_ends: Vec::new(),
        held: Vec::new(),
        assumed: Vec::new(),
        rivals: Vec::new(),
        incompatible: Vec::new(),
        roles: vec![role("viewer")],
        trust: Trust::Waived,
    }
}

/// A role of the resource `prod` that the package has, and that is missing in one place.
pub fn role(name: &str) -> Role {
    Role { resource: "prod".to_owned(), role: name.to_owned(), wanted: true, missing: 1, ..Role::default() }
}

/// What a role can be besides.
pub trait RoleWords {
    fn there(self) -> Self;
    fn unwanted(self) -> Self;
    fn shared(self) -> Self;
    fn failing(self, why: &str) -> Self;
}

impl RoleWords for Role {
    fn there(mut self) -> Self {
        self.missing = 0;
        self.present = vec![Default::default()];
        self
    }

    fn unwanted(mut self) -> Self {
        self.wanted = false;
        self
    }

    fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    fn failing(mut self, why: &str) -> Self {
        self.problem = Some(why.to_owned());
        self
    }
}

impl Assigned {
    /// Decides, and changes nothing.
    pub fn decide(&self, now: DateTime<Utc>) -> Plan<AssignmentStatus> {
        let origin = match (&self.request, self.gone) {
            (Some(request), _) => Origin::Found(request),
            (None, true) => Origin::Gone,
            (None, false) => Origin::Unseen,
        };
        let input = assignment::Input {
            assignment: &self.assignment,
            catalog: self.catalog.as_ref(),
            package: self.package.as_ref(),
            policy: self.policy.as_ref(),
            origin,
            granted_ends: self.granted_ends.clone(),
            holdings: Holdings {
                package: package_of(&self.assignment),
                assignments: self.held.iter().collect(),
                in_person: Default::default(),
                assumed: self.assumed.clone(),
                rivals: rivals(&self.rivals),
                of_groups: Vec::new(),
            },
            incompatible: foes(&self.incompatible, &[]),
            roles: self.roles.clone(),
            trust: &self.trust,
            retention: RETENTION,
        };
        let plan = assignment::decide(&input, now);
        words::are_told("Assignment", &plan);
        plan
    }

    /// Decides and writes the status. Returns what was planned.
    pub fn step(&mut self, now: DateTime<Utc>) -> Plan<AssignmentStatus> {
        let plan = self.decide(now);
        self.assignment.status = Some(plan.status.clone());
        plan
    }

    pub fn status(&self) -> &AssignmentStatus {
        self.assignment.status.as_ref().unwrap()
    }

    /// Phase and reason.
    pub fn outcome(&self) -> (AssignmentPhase, &str) {
        (self.status().phase, self.status().reason.as_str())
    }

    /// Status of a condition.
    pub fn condition(&self, kind: &str) -> &str {
        &condition::get(&self.status().conditions, kind).unwrap().status
    }
}
