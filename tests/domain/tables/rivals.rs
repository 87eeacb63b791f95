//! Reasons that lie in what the subject holds or asks for otherwise.

use entitlement_operator::api::AccessRequest;
use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::domain::Key;
use entitlement_operator::domain::request::assignment_name;

use crate::builders::*;

use super::guards::{alice, denied, engineers, passes};

#[test]
fn already_assigned() {
    use AssignmentPhase::{Delivered, Expired, PartiallyDelivered, Pending, Provisioning, Revoked, Revoking, Scheduled};
    let with = |held| {
        let mut scene = asked(alice(), &[engineers()]);
        scene.held.push(held);
        scene
    };
    for live in [Scheduled, Provisioning, PartiallyDelivered, Delivered] {
        denied(with(assignment("a1").in_phase(live)), 5, "AlreadyAssigned", "\"a1\"");
        passes(&with(assignment("a1").in_phase(live).until(at(5))), 5);
        passes(&with(assignment("a1").in_phase(live).of("other")), 5);
        passes(&with(assignment("a1").in_phase(live).in_namespace(AUDIT)), 5);
    }
    for dead in [Pending, Revoking, Revoked, Expired] {
        passes(&with(assignment("a1").in_phase(dead)), 5);
    }
    let made = assignment_of(&request("r0").by("alice", &[]));
    denied(with(made), 5, "AlreadyAssigned", &assignment_name(&request("r0")));
    passes(&with(assignment("a1").in_phase(Delivered).revoked_by("carol")), 5);
    passes(&with(assignment("a1").in_phase(Delivered).being_deleted(at(4))), 5);
}

#[test]
fn an_assignment_that_was_accepted_at_the_same_moment_counts_before_it_is_written() {
    let beside = |held, incompatible, assumed| {
        let scene = asked(alice(), &[engineers()]);
        Asked { held: vec![held], incompatible, assumed, ..scene }
    };
    passes(&beside(assignment("a1"), vec![], vec![]), 5);
    denied(beside(assignment("a1"), vec![], vec![key("a1")]), 5, "AlreadyAssigned", "\"a1\"");
    let payer = || assignment("a1").of("payer");
    passes(&beside(payer(), vec![key("payer")], vec![]), 5);
    denied(beside(payer(), vec![key("payer")], vec![key("a1")]), 5, "Incompatible", "\"payer\"");
}

#[test]
fn not_assigned() {
    let extendable = engineers().extendable();
    denied(asked(alice().extending(), &[extendable]), 5, "NotAssigned", "User alice");
}

#[test]
fn duplicate_request() {
    let beside = |other: AccessRequest, assumed: bool| {
        let mut scene = asked(alice().created(at(3)), &[engineers()]);
        scene.rivals.push((other.by("alice", &[]), assumed));
        scene
    };
    denied(beside(request("r0").created(at(2)), false), 5, "DuplicateRequest", "\"r0\"");
    denied(beside(request("r2").created(at(4)).in_phase(Phase::PendingApproval), false), 5, "DuplicateRequest", "\"r2\"");
    denied(beside(request("r2").created(at(4)), true), 5, "DuplicateRequest", "\"r2\"");
    denied(beside(request("r0").created(at(3)), false), 5, "DuplicateRequest", "\"r0\"");
    passes(&beside(request("r2").created(at(3)), false), 5);
    passes(&beside(request("r2").created(at(4)), false), 5);
    passes(&beside(request("r0").created(at(2)).to_get("other"), false), 5);
    passes(&beside(request("r0").created(at(2)).removing(), false), 5);
}

#[test]
fn what_a_stranger_asks_for_somebody_and_nobody_judged_blocks_nobody() {
    let stranger = |phase| request("r0").by("mallory", &[]).for_subject(user("alice")).created(at(2)).in_phase(phase);
    let beside = |rival: AccessRequest| Asked {
        rivals: vec![(rival, false)],
        incompatible: vec![key("payer")],
        ..asked(alice().created(at(3)), &[engineers()])
    };
    passes(&beside(stranger(Phase::Submitted)), 5);
    passes(&beside(stranger(Phase::Submitted).to_get("payer")), 5);
    denied(beside(stranger(Phase::PendingApproval)), 5, "DuplicateRequest", "\"r0\"");
}

#[test]
fn incompatible() {
    let foes = |scene: Asked| Asked { incompatible: vec![key("payer")], ..scene };
    let mut holder = foes(asked(alice(), &[engineers()]));
    holder.held.push(assignment("a1").of("payer").in_phase(AssignmentPhase::Delivered));
    denied(holder, 5, "Incompatible", "\"payer\"");
    let mut member = foes(asked(alice(), &[engineers()]));
    member.held_by_groups.push(assignment("a1").of("payer").to(group("engineering")).in_phase(AssignmentPhase::Delivered));
    denied(member, 5, "Incompatible", "\"payer\"");

    let asking = |name: &str, created: i64, phase: Phase| {
        let mut scene = foes(asked(alice().created(at(3)), &[engineers()]));
        scene.rivals.push((request(name).by("alice", &[]).to_get("payer").created(at(created)).in_phase(phase), false));
        scene
    };
    denied(asking("r0", 2, Phase::Submitted), 5, "Incompatible", "\"r0\"");
    denied(asking("r2", 4, Phase::PendingApproval), 5, "Incompatible", "\"r2\"");
    passes(&asking("r2", 4, Phase::Submitted), 5);

    let mut group_rule = asked(alice(), &[engineers()]);
    group_rule.package = Some(package("oncall").not_for_group("engineering"));
    denied(group_rule, 5, "Incompatible", "\"engineering\"");
    let mut unknown = asked(request("r1").by("bob", &[]).for_subject(user("alice")), &[policy("p").for_subject(user("alice"))]);
    unknown.may_assign = true;
    unknown.package = Some(package("oncall").not_for_group("engineering"));
    denied(unknown, 5, "Incompatible", "User alice");
}

#[test]
fn a_parked_request_yields_to_a_younger_one_that_is_under_way_already() {
    use Phase::{PartiallyDelivered, PendingApproval, Provisioning, Scheduled};
    let mut scene = asked(alice().starting(at(DAY)), &[engineers().with_custom_schedule()]);
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Scheduled);
    scene.incompatible = vec![key("payer")]; // named since both were accepted
    let beside = |phase| {
        let younger = request("r2").by("alice", &[]).to_get("payer").created(at(9)).in_phase(phase);
        Asked { rivals: vec![(younger, false)], ..scene.clone() }
    };
    for phase in [Provisioning, PartiallyDelivered] {
        denied(beside(phase), DAY, "Incompatible", "\"r2\"");
    }
    for phase in [Scheduled, PendingApproval] {
        passes(&beside(phase), DAY);
    }
}

#[test]
fn an_extension_is_refused_when_an_incompatible_package_is_held_since_but_giving_back_is_not() {
    let mut scene = asked(alice().extending(), &[engineers().extendable()]);
    scene.incompatible = vec![key("payer")];
    scene.held.push(assignment("a1").with_finalizer().until(at(DAY)).accepted().in_phase(AssignmentPhase::Delivered));
    scene.held.push(assignment("a2").of("payer").in_phase(AssignmentPhase::Delivered));
    denied(scene.clone(), 5, "Incompatible", "\"payer\"");
    scene.request = alice().removing();
    passes(&scene, 5);
}

#[test]
fn another_catalogs_rule_bars_only_by_what_was_asked_for_in_person() {
    let foe = || Key::new(AUDIT, "auditor");
    let held = || assignment("a1").of("auditor").in_namespace(AUDIT).in_phase(AssignmentPhase::Delivered);
    let with = |in_person: Vec<Key>| Asked {
        held: vec![held()],
        barring_in_person: vec![foe()],
        in_person,
        ..asked(alice(), &[engineers()])
    };
    passes(&with(vec![]), 5);
    denied(with(vec![Key::new(AUDIT, "a1")]), 5, "Incompatible", "\"auditor\"");
    let asks = |requestor: &str| {
        let rival = request("r0").to_get("auditor").in_namespace(AUDIT).by(requestor, &[]).for_subject(user("alice"));
        let rivals = vec![(rival.in_phase(Phase::PendingApproval), false)];
        Asked { rivals, barring_in_person: vec![foe()], ..asked(alice(), &[engineers()]) }
    };
    passes(&asks("mallory"), 5);
    denied(asks("alice"), 5, "Incompatible", "\"auditor\"");
}

#[test]
fn somebody_elses_assignment_of_the_same_name_is_not_taken_for_ones_own() {
    let mut scene = asked(alice(), &[engineers()]);
    scene.step(at(5));
    let name = scene.status().assignment.clone().unwrap();
    scene.held = vec![assignment(&name).to(user("mallory")).in_phase(AssignmentPhase::Delivered)];
    scene.step(at(6));
    assert_eq!(scene.outcome(), (Phase::Provisioning, "Conflict"), "it is told, and nothing is called delivered");
    assert!(scene.status().message.contains(&name));
    scene.held.clear();
    scene.step(at(7));
    assert_eq!(scene.held.len(), 1, "once it is gone, the access is given");
}
