//! One object with all that a look at it sees.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{ContentRole, RequestPhase};
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::condition;
use entitlement_operator::api::{
    AccessPackage, AccessRequest, AccessRequestStatus, ApprovalDecision, Assignment, AssignmentStatus, Catalog, Policy,
};
use entitlement_operator::domain::assignment::{self, Origin, Role};
use entitlement_operator::domain::content::Content;
use entitlement_operator::domain::holdings::{Holdings, Rival, package_of, package_of_request};
use entitlement_operator::domain::request::{Before, Bounds};
use entitlement_operator::domain::separation::Foe;
use entitlement_operator::domain::{Effect, Key, Plan, Trust, request};

use super::content::{PAYMENTS, catalog, package};
use super::people::RETENTION;
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
    pub claimed: Vec<Key>,
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
        package: Some(package("oncall").with_a_role()),
        policies: policies.to_vec(),
        decisions: Vec::new(),
        held: Vec::new(),
        held_by_groups: Vec::new(),
        claimed: Vec::new(),
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

trait WithARole {
    fn with_a_role(self) -> Self;
}

impl WithARole for AccessPackage {
    fn with_a_role(self) -> Self {
        super::content::PackageWords::with_role(self, "prod", "viewer")
    }
}

/// What a package of one role is, as approvers see it.
pub fn content(role: &str) -> Content {
    let role = ContentRole { resource: "prod".to_owned(), role: role.to_owned(), display_name: String::new() };
    Content { digest: format!("digest of {}", role.role), roles: vec![role] }
}

fn foes(both: &[Key], in_person: &[Key]) -> Vec<Foe> {
    let foe = |package: &Key, in_person| Foe { package: package.clone(), in_person };
    both.iter().map(|package| foe(package, false)).chain(in_person.iter().map(|package| foe(package, true))).collect()
}

fn rivals(all: &[(AccessRequest, bool)]) -> Vec<Rival<'_>> {
    all.iter().map(|(request, claimed)| Rival { request, claimed: *claimed }).collect()
}

impl Asked {
    /// Decides, and changes nothing.
    pub fn look(&self, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
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
                claimed: self.claimed.clone(),
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
        words::are_listed("AccessRequest", &plan.status);
        plan
    }

    /// Decides and writes: the status, what became of decisions, and the assignment that is made. Returns what was planned.
    pub fn step(&mut self, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
        let plan = self.look(now);
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

/// The words of a timeline, in order.
pub fn events(timeline: &[entitlement_operator::api::timeline::TimelineEntry]) -> Vec<&str> {
    timeline.iter().map(|entry| entry.event.as_str()).collect()
}

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
    pub claimed: Vec<Key>,
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
        package: Some(package("oncall").with_a_role()),
        policy,
        request: None,
        gone: false,
        granted_ends: Vec::new(),
        held: Vec::new(),
        claimed: Vec::new(),
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
    pub fn look(&self, now: DateTime<Utc>) -> Plan<AssignmentStatus> {
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
                claimed: self.claimed.clone(),
                rivals: rivals(&self.rivals),
                of_groups: Vec::new(),
            },
            incompatible: foes(&self.incompatible, &[]),
            roles: self.roles.clone(),
            trust: &self.trust,
            retention: RETENTION,
        };
        let plan = assignment::decide(&input, now);
        words::are_listed("Assignment", &plan.status);
        plan
    }

    /// Decides and writes the status. Returns what was planned.
    pub fn step(&mut self, now: DateTime<Utc>) -> Plan<AssignmentStatus> {
        let plan = self.look(now);
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

/// The key of something in the catalog payments.
pub fn key(name: &str) -> Key {
    Key::new(PAYMENTS, name)
}
