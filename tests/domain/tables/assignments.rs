//! The rows of the table of an assignment.

mod ended;

use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::{AssignmentPhase as Phase, GrantState};
use entitlement_operator::api::policy::Expiration;
use entitlement_operator::api::{AccessRequest, Policy};
use entitlement_operator::domain::Effect;
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::holdings::gives;

use crate::builders::*;

fn engineers() -> Option<Policy> {
    Some(policy("engineers"))
}

/// A direct assignment that needs nothing more.
fn direct() -> Assigned {
    assigned(assignment("a1").with_finalizer().beginning(at(0)).until(at(30 * DAY)), engineers())
}

/// An assignment that was accepted and whose one role is there.
fn delivered() -> Assigned {
    let mut scene = direct();
    scene.step(at(5));
    scene.roles = vec![role("viewer").there()];
    scene.step(at(6));
    assert_eq!(scene.outcome().0, Phase::Delivered);
    scene
}

fn approved_request() -> AccessRequest {
    let mut request = request("r1").by("alice", &[]).in_phase(RequestPhase::Provisioning);
    request.status.as_mut().unwrap().assignment = assignment_of(&request).metadata.name;
    request
}

#[test]
fn a_direct_assignment_that_is_not_acceptable_waits_and_says_why() {
    let scene = direct;
    let refused = |mut scene: Assigned, reason: &str, names: &str| {
        let plan = scene.step(at(5));
        assert_eq!(scene.outcome(), (Phase::Pending, reason), "{}", plan.status.message);
        assert!(plan.status.message.contains(names), "{names:?} is not in {:?}", plan.status.message);
        assert_eq!((scene.condition("Accepted"), scene.condition("Ready")), ("False", "False"));
        assert!(!gives(&scene.assignment, at(5)));
    };
    refused(Assigned { catalog: None, ..scene() }, "PackageNotFound", "Catalog");
    refused(Assigned { package: None, ..scene() }, "PackageNotFound", "\"oncall\"");
    refused(Assigned { package: Some(package("oncall").ready(false)), ..scene() }, "PackageNotReady", "\"oncall\"");
    refused(Assigned { policy: None, ..scene() }, "PolicyNotFound", "\"engineers\"");
    refused(Assigned { policy: engineers().map(|p| p.of("other")), ..scene() }, "PolicyNotFound", "\"engineers\"");
    refused(
        Assigned { policy: engineers().map(|p| p.asking(question("q").matching("("))), ..scene() },
        "PolicyNotReady",
        "\"q\"",
    );
    let holding = assignment("a2").in_phase(Phase::Delivered);
    refused(Assigned { held: vec![holding], ..scene() }, "AlreadyAssigned", "\"a2\"");
    let foe = assignment("a2").of("payer").in_phase(Phase::Delivered);
    refused(Assigned { held: vec![foe], incompatible: vec![key("payer")], ..scene() }, "Incompatible", "\"payer\"");
    let twin = assignment("a2");
    refused(Assigned { held: vec![twin], assumed: vec![key("a2")], ..scene() }, "AlreadyAssigned", "\"a2\"");
    let asked = request("r2").by("alice", &[]).to_get("payer");
    let pending = asked.clone().in_phase(RequestPhase::PendingApproval);
    refused(Assigned { rivals: vec![(pending, false)], incompatible: vec![key("payer")], ..scene() }, "Incompatible", "r2");
    refused(Assigned { rivals: vec![(asked, true)], incompatible: vec![key("payer")], ..scene() }, "Incompatible", "r2");
    let long = assignment("a1").with_finalizer().beginning(at(0)).until(at(1 + 30 * DAY));
    refused(assigned(long, engineers()), "ScheduleTooLong", "2026-01-31T00:00:00Z");
    let backwards = assignment("a1").with_finalizer().beginning(at(20)).until(at(10));
    refused(assigned(backwards, engineers()), "SchedulePast", "2026-01-01T00:00:10Z");
    let over = policy("engineers").expiring(Expiration { at: Some(at(0)), ..Expiration::default() });
    refused(assigned(assignment("a1").with_finalizer().beginning(at(0)), Some(over)), "SchedulePast", "2026-01-01T00:00:00Z");
    refused(Assigned { trust: Trust::Broken("nobody vouches".to_owned()), ..scene() }, "IdentityNotEnforced", "nobody vouches");
}

#[test]
fn a_direct_assignment_beside_a_request_that_was_not_judged_yet_goes_first() {
    let asked = request("r2").by("alice", &[]).to_get("payer");
    let mut scene = Assigned { rivals: vec![(asked, false)], incompatible: vec![key("payer")], ..direct() };
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn an_assignment_is_accepted_when_what_stood_in_its_way_is_gone() {
    let mut scene = Assigned { policy: None, ..direct() };
    scene.step(at(5));
    scene.step(at(6));
    assert_eq!(events(&scene.status().timeline), ["Pending"], "told once");
    scene.policy = engineers();
    scene.step(at(7));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn a_direct_assignment_without_an_end_gets_that_of_its_policy_and_a_finalizer_before_it_gives() {
    let mut scene = assigned(assignment("a1"), engineers());
    let plan = scene.step(at(5));
    assert_eq!(plan.effects, [Effect::EnterEnd { assignment: key("a1"), end: at(30 * DAY) }]);
    assert_eq!(scene.outcome().0, Phase::Pending);
    scene.assignment = scene.assignment.beginning(at(0)).until(at(30 * DAY));
    assert_eq!(scene.step(at(6)).effects, [Effect::AddFinalizer("entitlement.dev/revoke")]);
    assert!(!gives(&scene.assignment, at(6)));
    scene.assignment = scene.assignment.with_finalizer();
    scene.step(at(7));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert!(gives(&scene.assignment, at(7)));
}

#[test]
fn a_direct_assignment_under_a_policy_without_an_end_has_none() {
    let mut scene = assigned(assignment("a1").with_finalizer(), Some(policy("engineers").expiring(never())));
    let plan = scene.step(at(5));
    assert_eq!((scene.outcome().0, plan.requeue_at), (Phase::Provisioning, None));
}

#[test]
fn an_assignment_whose_source_nobody_stamped_gives_nothing() {
    let mut scene = direct();
    scene.assignment.spec.source = None;
    scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::Pending, "SourceUnknown"));
}

#[test]
fn an_assignment_from_a_request_needs_one_that_was_approved_for_exactly_it() {
    let made = || assigned(assignment_of(&approved_request()), None);
    let with = |request: AccessRequest| Assigned { request: Some(request), ..made() };
    let mut good = with(approved_request());
    good.step(at(5));
    assert_eq!(good.outcome().0, Phase::Provisioning);

    let named = approved_request().status.unwrap();
    let mut elsewhere = approved_request();
    elsewhere.status.as_mut().unwrap().assignment = Some("another".to_owned());
    for wrong in [
        approved_request().in_phase(RequestPhase::PendingApproval),
        approved_request().in_phase(RequestPhase::Approved),
        approved_request().in_phase(RequestPhase::Scheduled),
        approved_request().in_phase(RequestPhase::Denied),
        approved_request().in_phase(RequestPhase::Cancelled),
        approved_request().with_uid("another"),
        approved_request().to_get("another"),
        approved_request().for_subject(user("mallory")),
        AccessRequest { status: Some(named), ..request("r2").with_uid("uid-r1").by("alice", &[]) },
        elsewhere,
    ] {
        let mut scene = with(wrong);
        scene.step(at(5));
        assert_eq!(scene.outcome(), (Phase::Pending, "RequestNotApproved"));
        assert_eq!(scene.condition("Accepted"), "Unknown");
    }
    for uid in [None, Some("another".to_owned())] {
        let mut scene = with(approved_request());
        scene.assignment.spec.access_request_uid = uid;
        scene.step(at(5));
        assert_eq!(scene.outcome(), (Phase::Pending, "RequestNotApproved"), "the name alone does not prove it");
    }
}

#[test]
fn an_assignment_whose_request_is_not_seen_waits_for_it_and_one_whose_request_is_gone_ends() {
    let mut scene = assigned(assignment_of(&approved_request()), None);
    let plan = scene.step(at(5));
    assert_eq!((scene.outcome(), plan.requeue_at), ((Phase::Pending, "RequestNotApproved"), Some(at(7))));
    scene.request = Some(approved_request());
    scene.step(at(7));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    scene.request = None;
    scene.step(at(8));
    assert_eq!(scene.outcome().0, Phase::Provisioning, "a cache that lags behind takes nobody's access");
    scene.gone = true;
    scene.step(at(9));
    assert_eq!(scene.outcome(), (Phase::Revoked, "RequestDeleted"));
}

#[test]
fn an_assignment_for_later_is_parked_and_gives_from_its_start_on() {
    let mut scene = assigned(assignment("a1").with_finalizer().beginning(at(100)).until(at(DAY)), engineers());
    let plan = scene.step(at(5));
    assert_eq!((scene.outcome().0, plan.requeue_at), (Phase::Scheduled, Some(at(100))));
    assert!(!gives(&scene.assignment, at(100)), "not before it was reconciled");
    scene.step(at(100));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert!(gives(&scene.assignment, at(100)));
    assert!(gives(&scene.assignment, at(99)), "what has begun has begun, by whatever clock");
    assert!(gives(&scene.assignment, at(DAY - 1)) && !gives(&scene.assignment, at(DAY)), "the end is not covered");
}

#[test]
fn a_scheduled_assignment_that_is_not_acceptable_any_more_waits_again() {
    let mut scene = assigned(assignment("a1").with_finalizer().beginning(at(100)).until(at(DAY)), engineers());
    scene.step(at(5));
    scene.policy = None;
    scene.step(at(100));
    assert_eq!(scene.outcome(), (Phase::Pending, "PolicyNotFound"));
}

#[test]
fn an_assignment_is_delivered_when_every_role_is_there() {
    let mut scene = direct();
    scene.roles = vec![role("viewer").there(), role("deployer")];
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    scene.roles = vec![role("viewer").there(), role("deployer").failing("namespace \"jobs\" does not exist")];
    scene.step(at(6));
    assert_eq!(scene.outcome(), (Phase::PartiallyDelivered, "GrantFailed"));
    assert!(scene.status().message.contains("prod/deployer: namespace \"jobs\""), "{}", scene.status().message);
    assert_eq!(scene.status().grants.iter().map(|g| g.state).collect::<Vec<_>>(), [GrantState::Delivered, GrantState::Failed]);
    scene.roles = vec![role("viewer").there(), role("deployer").there()];
    scene.step(at(7));
    assert_eq!((scene.outcome().0, scene.status().delivered_at), (Phase::Delivered, Some(at(7))));
    assert_eq!(events(&scene.status().timeline), ["Provisioning", "PartiallyDelivered", "Delivered"]);
}

#[test]
fn a_role_that_is_gained_or_lost_or_drifts_is_provisioned_again() {
    let mut scene = delivered();
    scene.roles.push(role("deployer"));
    scene.step(at(7));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    scene.roles[1] = role("deployer").there();
    scene.step(at(8));
    scene.roles[1] = role("deployer").there().unwanted();
    scene.step(at(9));
    assert_eq!((scene.outcome().0, scene.status().grants[1].state), (Phase::Provisioning, GrantState::Removing));
    scene.roles.pop();
    scene.step(at(10));
    assert_eq!((scene.outcome().0, scene.status().delivered_at), (Phase::Delivered, Some(at(6))));
}

#[test]
fn nobody_assigns_to_themselves_unless_the_policy_says_so() {
    let own = || {
        assigned(assignment("a1").with_finalizer().assigned_by(who("alice", &["engineering"])).until(at(30 * DAY)), engineers())
    };
    let mut scene = own();
    scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::Pending, "SelfAssignment"), "{}", scene.status().message);
    let through_a_group = assignment("a1").with_finalizer().to(group("engineering")).assigned_by(who("alice", &["engineering"]));
    let mut scene = assigned(through_a_group, engineers());
    scene.step(at(5));
    assert_eq!(scene.outcome().1, "SelfAssignment");
    let mut scene = Assigned { policy: engineers().map(PolicyWords::for_oneself), ..own() };
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn groups_of_kubernetes_itself_are_assigned_only_where_the_policy_names_them() {
    let to = |subject, policy| {
        let mut scene = assigned(assignment("a1").with_finalizer().to(subject).until(at(30 * DAY)), Some(policy));
        scene.step(at(5));
        (scene.outcome().0, scene.outcome().1.to_owned())
    };
    let everybody = || group("system:authenticated");
    assert_eq!(to(everybody(), policy("engineers")), (Phase::Pending, "NotEligible".to_owned()));
    assert_eq!(to(everybody(), policy("engineers").for_subject(everybody())).0, Phase::Provisioning);
    let component = || user("system:kube-scheduler");
    assert_eq!(to(component(), policy("engineers").for_subject(component())).1, "NotEligible");
}
