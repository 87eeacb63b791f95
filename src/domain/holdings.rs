//! What a subject holds and asks for, in all catalogs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::api::access_request::{RequestPhase, RequestType};
use crate::api::assignment::AssignmentPhase;
use crate::api::time::created;
use crate::api::{AccessRequest, Assignment};

use super::meta::{Key, namespace, uid};
use super::separation::Foe;

/// How far a request has come. Of two requests that exclude each other the one that is further on wins, and among equals the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Not judged yet.
    Submitted,
    /// Accepted, and waiting for approval.
    Pending,
    /// Approved, and waiting for its start.
    Approved,
    /// The access is under way.
    UnderWay,
}

/// Another request of the same subject.
#[derive(Clone, Copy)]
pub struct Rival<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// It has been judged a moment ago and the result is being written: it counts as under way, whatever its status says.
    pub assumed: bool,
}

/// Everything of a subject that can stand in the way of a request or an assignment.
#[derive(Clone, Default)]
pub struct Holdings<'a> {
    /// Package that is asked for.
    pub package: Key,
    /// Assignments of the subject, in all catalogs, apart from the one that is judged.
    pub assignments: Vec<&'a Assignment>,
    /// Those of them that were accepted a moment ago, while the result is being written: they count as live.
    pub assumed: Vec<Key>,
    /// Those that the subject asked for in person.
    pub in_person: BTreeSet<Key>,
    /// Requests of the subject that have not ended, in all catalogs, apart from the one that is judged.
    pub rivals: Vec<Rival<'a>>,
    /// Assignments of groups that the subject is known to be in.
    pub of_groups: Vec<&'a Assignment>,
}

/// The package of an assignment.
pub fn package_of(assignment: &Assignment) -> Key {
    Key::new(namespace(assignment), &assignment.spec.access_package)
}

/// The package of a request.
pub fn package_of_request(request: &AccessRequest) -> Key {
    Key::new(namespace(request), &request.spec.access_package)
}

/// Whether somebody asks for themselves.
pub fn is_in_person(request: &AccessRequest) -> bool {
    request.spec.requestor.as_ref().map(|who| who.subject()) == request.subject()
}

/// Whether an assignment gives access at `now`, or will: accepted, not ended, not on its way out.
pub fn is_live(assignment: &Assignment, now: DateTime<Utc>) -> bool {
    let phase = assignment.phase();
    let accepted = phase.is_granting() || phase == AssignmentPhase::Scheduled;
    // The operator's own assignments are accepted with the request they come from.
    let accepted = accepted || (phase == AssignmentPhase::Pending && assignment.spec.access_request.is_some());
    accepted && stands(assignment, now)
}

/// Whether nothing in the spec or metadata of an assignment ends it at `now`.
pub fn stands(assignment: &Assignment, now: DateTime<Utc>) -> bool {
    assignment.spec.revoked.is_none()
        && assignment.metadata.deletion_timestamp.is_none()
        && assignment.end().is_none_or(|end| now < end)
}

/// Whether the roles of an assignment's package belong to its subject at `now`. This, and nothing else, makes a grant wanted.
///
/// The start is judged once, by the step to Provisioning: what has begun has begun, and a clock that is set back, or the slower one of
/// another replica, takes nobody's access for a while. The end is judged at every reconciliation.
pub fn gives(assignment: &Assignment, now: DateTime<Utc>) -> bool {
    assignment.phase().is_granting() && stands(assignment, now)
}

impl Rival<'_> {
    /// How far the request has come.
    pub fn rank(&self) -> Rank {
        match self.request.phase() {
            _ if self.assumed => Rank::UnderWay,
            RequestPhase::Submitted => Rank::Submitted,
            RequestPhase::PendingApproval => Rank::Pending,
            RequestPhase::Approved | RequestPhase::Scheduled => Rank::Approved,
            _ => Rank::UnderWay,
        }
    }
}

fn age(request: &AccessRequest) -> (DateTime<Utc>, &str) {
    (created(request), uid(request))
}

/// Whether a rival goes before a request of the given rank. One that nobody judged yet counts only where its subject asks in person: what a
/// stranger asks for somebody blocks nobody.
pub fn goes_before(rival: &Rival<'_>, request: &AccessRequest, rank: Rank) -> bool {
    if rival.rank() == Rank::Submitted && !is_in_person(rival.request) {
        return false;
    }
    rival.rank() > rank || (rival.rank() == rank && age(rival.request) < age(request))
}

impl<'a> Holdings<'a> {
    fn counts(&self, assignment: &Assignment, now: DateTime<Utc>) -> bool {
        is_live(assignment, now) || (stands(assignment, now) && self.assumed.contains(&Key::of(assignment)))
    }

    /// The live assignment of the package, if there is one.
    pub fn live(&self, now: DateTime<Utc>) -> Option<&'a Assignment> {
        self.assignments.iter().copied().find(|a| package_of(a) == self.package && self.counts(a, now))
    }

    /// A pending request for the same package and of the same type that goes before.
    pub fn duplicate(&self, request: &AccessRequest, rank: Rank) -> Option<&'a AccessRequest> {
        let same = |rival: &&Rival<'a>| {
            package_of_request(rival.request) == self.package && rival.request.spec.kind == request.spec.kind
        };
        self.rivals.iter().filter(same).find(|rival| goes_before(rival, request, rank)).map(|rival| rival.request)
    }

    /// An assignment of one of these packages that the subject holds, itself or through a group.
    pub fn holds(&self, foes: &[Foe], now: DateTime<Utc>) -> Option<&'a Assignment> {
        let bars = |a: &Assignment| {
            let package = package_of(a);
            foes.iter().any(|foe| foe.package == package && (!foe.in_person || self.in_person.contains(&Key::of(a))))
        };
        let mut all = self.assignments.iter().chain(&self.of_groups).copied();
        all.find(|a| self.counts(a, now) && bars(a))
    }

    /// A request to get one of these packages that goes before.
    pub fn asks(&self, foes: &[Foe], goes_before: impl Fn(&Rival<'a>) -> bool) -> Option<&'a AccessRequest> {
        let bars = |request: &AccessRequest| {
            let package = package_of_request(request);
            foes.iter().any(|foe| foe.package == package && (!foe.in_person || is_in_person(request)))
        };
        let adds = |rival: &&Rival<'a>| rival.request.spec.kind == RequestType::Add && bars(rival.request);
        self.rivals.iter().filter(adds).find(|rival| goes_before(rival)).map(|rival| rival.request)
    }
}
