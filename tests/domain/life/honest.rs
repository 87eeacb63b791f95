//! What an approval has to be, told a second time and without the operator's words.

use std::collections::BTreeSet;

use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::access_request::{StageState, StageStatus};
use entitlement_operator::api::approval_decision::Verdict;
use entitlement_operator::api::policy::{Approver, ApproverKind, Justification, Stage};
use entitlement_operator::api::time::created;
use entitlement_operator::api::{AccessRequest, AccessRequestStatus, ApprovalDecision, Identity, Subject};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::package_of_request;

use super::facts::asks_about;
use super::store::Store;

/// Whether somebody would decide about themselves.
pub fn is_party(request: &AccessRequest, who: &Identity) -> bool {
    let subject = request.subject().unwrap();
    who.username == request.spec.requestor.as_ref().unwrap().username
        || subject.username().as_deref() == Some(&who.username)
        || (subject.username().is_none() && who.groups.contains(&subject.name))
}

fn names(approver: &Approver, who: &Identity) -> bool {
    let name = approver.name.as_ref();
    match approver.kind {
        ApproverKind::User => name == Some(&who.username),
        ApproverKind::Group => name.is_some_and(|group| who.groups.contains(group)),
        ApproverKind::ServiceAccount => false,
        // Owners come and go; whoever was one in these stories may have been one then.
        ApproverKind::CatalogOwners => ["alice", "carol", "erin"].contains(&who.username.as_str()),
    }
}

/// Whether an entry stands only for people who may not decide.
fn is_empty(request: &AccessRequest, approver: &Approver) -> bool {
    let own = [request.spec.requestor.as_ref().unwrap().subject(), request.subject().unwrap()];
    match approver.kind {
        ApproverKind::CatalogOwners => true, // perhaps
        _ => approver.subject().is_some_and(|s| own.contains(&s) && (s.username().is_some() || s == own[1])),
    }
}

/// Whether a decision is one that a stage has to take.
pub fn is_entitled(request: &AccessRequest, stage: &Stage, status: &StageStatus, decision: &ApprovalDecision) -> bool {
    let (at, spec) = (created(decision), &decision.spec);
    let Some(who) = &spec.approver else { return false };
    let of_this = spec.access_request_uid.as_ref().is_none_or(|uid| Some(uid) == request.metadata.uid.as_ref());
    // Of one second nobody knows what came first, unless the decision names the request.
    let of_this = of_this && (at > created(request) || spec.access_request_uid.is_some());
    let in_time = at >= created(request) && at >= status.opened_at && at < status.deadline;
    let escalated = stage.escalation.iter().filter(|_| status.escalates_at.is_some_and(|from| at >= from));
    let fallback = stage.fallback_approvers.iter().filter(|_| stage.approvers.iter().all(|a| is_empty(request, a)));
    let mut all = stage.approvers.iter().chain(fallback).chain(escalated.flat_map(|e| &e.approvers));
    of_this
        && in_time
        && !is_party(request, who)
        && spec.stage.as_ref().is_none_or(|name| *name == stage.name)
        && (stage.approver_justification == Justification::Optional || !spec.reason.trim().is_empty())
        && all.any(|approver| names(approver, who))
}

/// Decisions about a request by whom they say. Nobody knows that of those that are older than the admission policies.
fn about<'a>(store: &'a Store, request: &'a Key) -> impl Iterator<Item = &'a ApprovalDecision> {
    let known = |d: &&ApprovalDecision| {
        let conditions = d.status.iter().flat_map(|s| &s.conditions);
        let disowned = conditions.into_iter().any(|c| c.reason == "IdentityNotEnforced");
        !disowned && !store.trust.doubts(created(*d))
    };
    store.api.decisions.values().filter(move |d| asks_about(d, request)).filter(known)
}

/// Whoever counted had the right to, and decided as it is written.
pub fn check_counted(store: &Store, request: &AccessRequest, status: &AccessRequestStatus) {
    let Some(pinned) = &status.policy else { return assert!(status.stages.is_empty()) };
    for (stage, open) in pinned.stages.iter().zip(&status.stages) {
        for counted in &open.decisions {
            let key = Key::new(request.metadata.namespace.clone().unwrap(), &counted.decision_ref);
            let decision = &store.api.decisions[&key];
            assert!(is_entitled(request, stage, open, decision), "{decision:?} counted for {open:?}");
            assert_eq!((counted.decision, counted.at), (decision.spec.decision, created(decision)));
            assert_eq!(counted.approver, decision.spec.approver.as_ref().unwrap().username);
        }
    }
    let refs: Vec<&String> = status.stages.iter().flat_map(|s| &s.decisions).map(|d| &d.decision_ref).collect();
    assert_eq!(refs.len(), refs.iter().collect::<BTreeSet<_>>().len(), "a decision counts once");
}

/// Every stage has its approvals by different people, and nobody who had the right to said no.
pub fn check_approved(store: &Store, key: &Key, request: &AccessRequest, status: &AccessRequestStatus) {
    let Some(pinned) = &status.policy else { return };
    assert_eq!(pinned.stages.len(), status.stages.len());
    for (stage, closed) in pinned.stages.iter().zip(&status.stages) {
        assert_eq!(closed.state, StageState::Approved);
        let people: BTreeSet<&String> = closed.decisions.iter().map(|d| &d.approver).collect();
        assert!(people.len() >= usize::try_from(stage.approvals_required).unwrap(), "{closed:?}");
        assert!(closed.decisions.iter().all(|d| d.decision == Verdict::Approve), "{closed:?}");
        let end = closed.decisions.last().unwrap().at;
        let denies = |d: &&ApprovalDecision| {
            d.spec.decision == Verdict::Deny && created(*d) <= end && is_entitled(request, stage, closed, d) && sure(stage)
        };
        let denial = about(store, key).find(denies);
        assert!(denial.is_none(), "{denial:?} was passed over by {closed:?}");
    }
}

/// What was approved is what the package is, and nobody approved anything else.
pub fn check_content(store: &Store, request: &AccessRequest, status: &AccessRequestStatus) {
    let Some(package) = store.api.packages.get(&package_of_request(request)).filter(|_| !status.stages.is_empty()) else {
        return;
    };
    let named = |role: &PackageRole| (role.resource.clone(), role.role.clone());
    let now: BTreeSet<_> = package.spec.resource_roles.iter().map(named).collect();
    let shown: BTreeSet<_> = status.content.iter().map(|role| (role.resource.clone(), role.role.clone())).collect();
    assert_eq!(shown, now);
    let mut decisions = status.stages.iter().flat_map(|stage| &stage.decisions);
    assert!(decisions.all(|d| status.content_changed_at.is_none_or(|since| d.at >= since)), "{status:?}");
}

/// Whether the rights in a stage do not depend on who owns the catalog at which moment.
fn sure(stage: &Stage) -> bool {
    stage.approvers.iter().all(|a| a.kind != ApproverKind::CatalogOwners)
}

/// A request that goes on waiting has not got what it waits for, and nobody said no.
pub fn check_waiting(store: &Store, key: &Key, request: &AccessRequest) {
    let status = request.status.as_ref().unwrap();
    let pinned = status.policy.as_ref().unwrap();
    let (stage, open) = (&pinned.stages[status.stages.len() - 1], status.stages.last().unwrap());
    assert_eq!(open.state, StageState::Open);
    if !sure(stage) {
        return;
    }
    let entitled: Vec<&ApprovalDecision> = about(store, key).filter(|d| is_entitled(request, stage, open, d)).collect();
    let past = |d: &&&ApprovalDecision| created(**d) > open.opened_at || status.stages.len() == 1;
    assert!(!entitled.iter().filter(past).any(|d| d.spec.decision == Verdict::Deny), "a denial was passed over");
    let people: BTreeSet<&str> =
        entitled.iter().filter(past).map(|d| d.spec.approver.as_ref().unwrap().username.as_str()).collect();
    assert!(people.len() < usize::try_from(stage.approvals_required).unwrap(), "{people:?} approved, and it waits");
}

/// The subject of a request and whoever asked, for whom an approval is worth nothing.
pub fn parties(request: &AccessRequest) -> (Subject, Subject) {
    (request.spec.requestor.as_ref().unwrap().subject(), request.subject().unwrap())
}
