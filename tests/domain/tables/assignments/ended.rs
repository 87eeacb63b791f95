//! The rows of the table of an assignment that ends, and of one that has ended.

use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::{AssignmentPhase as Phase, Source};
use entitlement_operator::domain::assignment::Role;
use entitlement_operator::domain::holdings::gives;
use entitlement_operator::domain::{Effect, Trust};

use super::{approved_request, delivered, direct};
use crate::builders::*;

#[test]
fn a_role_that_another_assignment_gives_too_is_not_waited_for() {
    let mut scene = delivered();
    scene.roles = vec![role("viewer").there().shared()];
    scene.step(at(30 * DAY));
    assert_eq!(scene.outcome(), (Phase::Expired, "Expired"));
}

#[test]
fn an_assignment_ends_at_its_end_and_says_so_when_the_access_is_gone() {
    let mut scene = delivered();
    assert_eq!(scene.decide(at(30 * DAY - 1)).requeue_at, Some(at(30 * DAY)));
    let plan = scene.step(at(30 * DAY));
    assert_eq!((scene.outcome().0, plan.requeue_at), (Phase::Delivered, Some(at(30 * DAY + 2))), "in most cases it is gone soon");
    scene.step(at(30 * DAY + 2));
    assert_eq!(scene.outcome(), (Phase::Revoking, "Expired"));
    assert!(scene.status().message.contains("prod/viewer"), "{}", scene.status().message);
    scene.roles = vec![role("viewer")];
    let plan = scene.step(at(30 * DAY + 3));
    assert_eq!((scene.outcome(), scene.status().ended_at), ((Phase::Expired, "Expired"), Some(at(30 * DAY + 3))));
    assert_eq!(plan.requeue_at, None, "people wrote it, and it stays");
    assert!(scene.status().grants.is_empty());
}

#[test]
fn what_a_revocation_is_refused_with_is_told() {
    let mut scene = delivered();
    scene.roles = vec![Role { refused: Some("RoleBindings are frozen".to_owned()), ..role("viewer").there() }];
    scene.assignment = scene.assignment.revoked_by("carol");
    scene.step(at(10));
    assert_eq!(scene.outcome(), (Phase::Revoking, "Revoked"));
    let status = scene.status();
    for said in [&status.message, &status.grants[0].message] {
        assert!(said.contains("the last attempt failed: RoleBindings are frozen"), "{said}");
    }
}

#[test]
fn ending_asks_nobody() {
    let mut scene =
        Assigned { catalog: None, package: None, policy: None, trust: Trust::Broken("nobody vouches".to_owned()), ..delivered() };
    scene.roles = vec![role("viewer").there().unwanted().failing("catalog resource \"prod\" does not exist")];
    scene.assignment = scene.assignment.revoked_by("carol");
    scene.step(at(10));
    assert_eq!(scene.outcome(), (Phase::Revoking, "Revoked"));
    assert!(!gives(&scene.assignment, at(10)));
    scene.roles = vec![];
    scene.step(at(11));
    assert_eq!(scene.outcome(), (Phase::Revoked, "Revoked"));
    assert_eq!(scene.status().timeline.last().unwrap().by.as_deref(), Some("carol"));
}

#[test]
fn an_assignment_that_is_deleted_is_released_when_its_access_is_gone_and_its_request_knows() {
    let mut scene = delivered();
    scene.request = Some(approved_request());
    scene.assignment = scene.assignment.being_deleted(at(10));
    assert_eq!(scene.step(at(10)).effects, []);
    assert_eq!(scene.outcome(), (Phase::Revoking, "Deleted"));
    scene.roles = vec![];
    assert_eq!(scene.step(at(11)).effects, [], "its request would make it anew");
    assert_eq!(scene.outcome(), (Phase::Revoked, "Deleted"));
    scene.request = Some(approved_request().in_phase(RequestPhase::Cancelled));
    assert_eq!(scene.step(at(12)).effects, [Effect::RemoveFinalizer("entitlement.dev/revoke")]);
}

#[test]
fn what_never_gave_ends_without_revoking() {
    let mut scene = Assigned { policy: None, ..direct() };
    scene.step(at(5));
    scene.assignment = scene.assignment.revoked_by("carol");
    scene.step(at(6));
    assert_eq!(events(&scene.status().timeline), ["Pending", "Revoked"]);
}

#[test]
fn an_ended_assignment_stays_ended_and_goes_after_its_retention() {
    let mut scene = direct();
    scene.step(at(5));
    scene.assignment = scene.assignment.revoked_by("carol");
    let plan = scene.step(at(6));
    assert_eq!(plan.requeue_at, None, "what people wrote is theirs to delete");
    assert_eq!(scene.decide(at(900 * DAY)).effects, []);
    scene.assignment.spec.source = Some(Source::Request);
    assert_eq!(scene.decide(at(7)).requeue_at, Some(at(6 + 90 * DAY)));
    let before = scene.status().clone();
    scene.roles = vec![role("viewer").there()];
    scene.assignment.spec.revoked = None;
    scene.assignment = scene.assignment.until(at(900 * DAY));
    assert_eq!(scene.step(at(5 + 90 * DAY)).effects, []);
    assert_eq!((scene.status().phase, &scene.status().timeline), (Phase::Revoked, &before.timeline));
    assert_eq!(scene.step(at(6 + 90 * DAY)).effects, [Effect::DeleteSelf]);
}

#[test]
fn access_that_is_being_taken_away_does_not_come_back_when_its_end_is_moved() {
    let mut scene = delivered();
    scene.assignment = scene.assignment.until(at(10));
    scene.step(at(20));
    assert_eq!(scene.outcome(), (Phase::Revoking, "Expired"));
    scene.assignment = scene.assignment.until(at(30 * DAY));
    scene.step(at(21));
    assert_eq!(scene.outcome().0, Phase::Revoking);
    assert!(!gives(&scene.assignment, at(21)));
}
