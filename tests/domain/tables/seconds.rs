//! What happens one second before an instant, at it, and one second after it.

use entitlement_operator::api::access_request::{RequestPhase, Schedule};
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::{AccessRequest, Policy};
use entitlement_operator::domain::Effect;
use entitlement_operator::domain::holdings::gives;

use crate::builders::*;

const START: i64 = DAY;
const END: i64 = DAY + 8 * HOUR;

fn engineers() -> Policy {
    policy("engineers").for_subject(group("engineering")).with_custom_schedule().extendable()
}

fn alice() -> AccessRequest {
    request("r1").by("alice", &["engineering"])
}

/// A request that is reconciled for the first time, and names its period.
fn asked_for(start: i64, end: i64) -> Asked {
    asked(alice().starting(at(start)).ending(at(end)), &[engineers()])
}

fn makes_an_assignment(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::CreateAssignment(_)))
}

#[test]
fn a_request_that_is_approved_before_its_start_makes_nothing_and_at_its_start_it_does() {
    use RequestPhase::{Provisioning, Scheduled};
    for (now, phase) in [(START - 1, Scheduled), (START, Provisioning), (START + 1, Provisioning)] {
        let mut scene = asked_for(START, END);
        let plan = scene.step(at(now));
        assert_eq!((scene.outcome().0, makes_an_assignment(&plan.effects)), (phase, phase == Provisioning), "at {now}");
    }
}

#[test]
fn a_parked_request_makes_nothing_before_its_start_nor_after_its_end() {
    use RequestPhase::{Denied, Provisioning, Scheduled};
    for (now, phase) in [
        (START - 1, Scheduled),
        (START, Provisioning),
        (START + 1, Provisioning),
        (END - 1, Provisioning),
        (END, Denied),
        (END + 1, Denied),
    ] {
        let mut scene = asked_for(START, END);
        scene.step(at(5));
        let plan = scene.step(at(now));
        assert_eq!((scene.outcome().0, makes_an_assignment(&plan.effects)), (phase, phase == Provisioning), "at {now}");
    }
}

#[test]
fn an_extension_moves_an_end_until_one_second_before_it() {
    use RequestPhase::{Cancelled, Provisioning};
    for (now, phase) in [(END - 1, Provisioning), (END, Cancelled), (END + 1, Cancelled)] {
        let mut scene = asked(alice().extending(), &[engineers()]);
        let held = assignment("a1").with_finalizer().beginning(at(0)).until(at(END)).accepted();
        scene.held.push(held.in_phase(AssignmentPhase::Delivered));
        scene.step(at(START));
        let plan = scene.step(at(now));
        let moves = plan.effects.iter().any(|effect| matches!(effect, Effect::MoveEnd { .. }));
        assert_eq!((scene.outcome().0, moves), (phase, phase == Provisioning), "at {now}");
    }
}

#[test]
fn an_extension_is_delivered_when_the_end_was_moved_further_by_then() {
    let mut scene = asked(alice().extending(), &[engineers()]);
    let held = |end: i64| {
        let held = assignment("a1").with_finalizer().beginning(at(0)).until(at(end)).accepted();
        held.in_phase(AssignmentPhase::Delivered)
    };
    scene.held.push(held(10 * DAY));
    scene.step(at(DAY));
    for (end, phase) in
        [(31 * DAY - 1, RequestPhase::Provisioning), (31 * DAY, RequestPhase::Delivered), (31 * DAY + 1, RequestPhase::Delivered)]
    {
        let mut scene = scene.clone();
        scene.held[0] = held(end);
        scene.step(at(2 * DAY));
        assert_eq!(scene.outcome().0, phase, "until {end}");
    }
}

#[test]
fn an_assignment_gives_nothing_before_its_start_whether_it_was_reconciled_before_or_not() {
    use AssignmentPhase::{Provisioning, Scheduled};
    for (now, phase) in [(START - 1, Scheduled), (START, Provisioning), (START + 1, Provisioning)] {
        let fresh = assigned(assignment("a1").with_finalizer().beginning(at(START)).until(at(END)), Some(engineers()));
        let mut parked = fresh.clone();
        parked.step(at(5));
        for mut scene in [fresh, parked] {
            scene.step(at(now));
            assert_eq!((scene.outcome().0, gives(&scene.assignment, at(now))), (phase, phase == Provisioning), "at {now}");
        }
    }
}

#[test]
fn an_assignment_gives_until_one_second_before_its_end() {
    use AssignmentPhase::{Delivered, Expired};
    for (now, phase) in [(END - 1, Delivered), (END, Expired), (END + 1, Expired)] {
        let mut scene = assigned(assignment("a1").with_finalizer().beginning(at(START)).until(at(END)), Some(engineers()));
        scene.roles = vec![role("viewer").there()];
        scene.step(at(START));
        assert_eq!(gives(&scene.assignment, at(now)), phase == Delivered, "at {now}");
        scene.roles = if gives(&scene.assignment, at(now)) { scene.roles } else { vec![role("viewer")] };
        scene.step(at(now));
        assert_eq!(scene.outcome().0, phase, "at {now}");
    }
}

#[test]
fn a_direct_assignment_lasts_at_least_a_second() {
    let refused = (AssignmentPhase::Pending, "SchedulePast");
    for (end, outcome) in [(START - 1, refused), (START, refused), (START + 1, (AssignmentPhase::Scheduled, ""))] {
        let mut scene = assigned(assignment("a1").with_finalizer().beginning(at(START)).until(at(end)), Some(engineers()));
        scene.step(at(5));
        assert_eq!(scene.outcome(), outcome, "until {end}");
    }
}

/// The assignment of a request that granted an end, whose spec wishes another one before it was reconciled.
fn requested_before_the_first_reconciliation(granted: Option<i64>, wished: Option<i64>, extended: &[Option<i64>]) -> Option<i64> {
    let mut request = alice().in_phase(RequestPhase::Provisioning);
    let mut made = assignment_of(&request).beginning(at(0));
    made.spec.schedule.as_mut().unwrap().end_time = wished.map(at);
    let status = request.status.as_mut().unwrap();
    status.assignment = made.metadata.name.clone();
    status.schedule = Some(Schedule { start_time: at(0), end_time: granted.map(at) });
    let mut scene = Assigned { request: Some(request), ..assigned(made, None) };
    scene.granted_ends = extended.iter().map(|end| end.map(at)).collect();
    scene.step(at(5));
    scene.status().schedule.as_ref().unwrap().end_time.map(|end| (end - at(0)).num_seconds())
}

#[test]
fn an_end_that_was_moved_before_the_first_reconciliation_counts_if_it_is_earlier_or_was_granted() {
    let end = requested_before_the_first_reconciliation;
    assert_eq!(end(Some(END), Some(END - 1), &[]), Some(END - 1));
    assert_eq!(end(Some(END), Some(END + 1), &[]), Some(END), "nobody granted that second");
    assert_eq!(end(Some(END), None, &[]), Some(END), "nobody granted access without an end");
    assert_eq!(end(None, Some(END), &[]), Some(END), "any end is earlier than none");
    assert_eq!(end(Some(END), Some(2 * END), &[Some(2 * END)]), Some(2 * END), "an extension granted it");
    assert_eq!(end(Some(END), Some(2 * END + 1), &[Some(2 * END)]), Some(END));
    assert_eq!(end(Some(END), None, &[None]), None);
}

#[test]
fn an_escalation_is_told_at_its_moment_and_not_before() {
    for (now, told) in [(5 + HOUR - 1, false), (5 + HOUR, true), (5 + HOUR + 1, true)] {
        let escalating = stage("lead", &[by_user("carol")]).within("2h").escalating("1h", &[by_user("erin")]);
        let mut scene = asked(alice(), &[engineers().stage(escalating)]);
        scene.step(at(5));
        scene.step(at(now));
        assert_eq!(events(&scene.status().timeline).contains(&"Escalated"), told, "at {now}");
    }
}
