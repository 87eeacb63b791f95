//! Approvers approve content, not a name.

use entitlement_operator::api::access_request::{RequestPhase as Phase, StageState};
use entitlement_operator::domain::Effect;

use crate::builders::*;

use super::guards::{alice, engineers};

/// A request of alice, accepted at 5, that waits for carol and then for dave.
fn waiting() -> Asked {
    let policy = engineers().stage(stage("lead", &[by_user("carol")])).stage(stage("security", &[by_user("dave")]));
    let mut scene = asked(alice(), &[policy]);
    scene.step(at(5));
    scene
}

fn shown(scene: &Asked) -> Vec<&str> {
    scene.status().content.iter().map(|role| role.role.as_str()).collect()
}

#[test]
fn approvers_see_the_roles_from_the_opening_of_the_first_stage() {
    let scene = waiting();
    assert_eq!(shown(&scene), ["viewer"]);
    assert_eq!(scene.status().content_digest, content("viewer").digest);
    let mut at_once = asked(alice(), &[engineers()]);
    at_once.step(at(5));
    assert_eq!(shown(&at_once), Vec::<&str>::new(), "where nobody approves there is nothing to show");
}

#[test]
fn when_the_roles_change_approval_begins_anew_and_what_was_decided_does_not_count() {
    let mut scene = waiting();
    scene.decided(decision("first", "r1").by("carol", &[]).created(at(10)));
    scene.step(at(11));
    assert_eq!(scene.judgement("first"), Some("Decided"));
    assert_eq!(scene.status().stages.len(), 2);

    scene.content = content("cluster-admin");
    scene.decided(decision("late", "r1").by("dave", &[]).created(at(20)));
    scene.step(at(20));
    assert_eq!((scene.outcome().0, shown(&scene)), (Phase::PendingApproval, vec!["cluster-admin"]));
    let stages: Vec<_> = scene.status().stages.iter().map(|s| (s.name.as_str(), s.state)).collect();
    assert_eq!(stages, [("lead", StageState::Open)]);
    assert_eq!((scene.judgement("first"), scene.judgement("late")), (Some("ContentChanged"), Some("ContentChanged")));
    assert!(events(&scene.status().timeline).contains(&"ContentChanged"));

    scene.decided(decision("again", "r1").by("carol", &[]).created(at(21)));
    scene.decided(decision("and-then", "r1").by("dave", &[]).created(at(22)));
    scene.step(at(23));
    assert_eq!(scene.judgement("again"), Some("Decided"), "whoever decided before decides again");
    assert_eq!((scene.outcome().0, scene.judgement("and-then")), (Phase::Provisioning, Some("Decided")));
}

#[test]
fn what_a_crash_left_untold_is_told_later() {
    let mut scene = waiting();
    scene.decided(decision("first", "r1").by("carol", &[]).created(at(10)));
    scene.step(at(11));
    scene.content = content("cluster-admin");
    let plan = scene.decide(at(20));
    scene.request.status = Some(plan.status); // and the operator stops
    assert_eq!(scene.judgement("first"), Some("Decided"));
    scene.step(at(30));
    assert_eq!(scene.judgement("first"), Some("ContentChanged"));
    assert_eq!(scene.decide(at(31)).effects, Vec::<Effect>::new(), "once");
}

#[test]
fn later_edits_reach_access_without_another_approval() {
    let mut scene = waiting();
    scene.decided(decision("one", "r1").by("carol", &[]).created(at(10)));
    scene.decided(decision("two", "r1").by("dave", &[]).created(at(11)));
    scene.step(at(12));
    let before = scene.status().stages.clone();
    scene.content = content("cluster-admin");
    scene.step(at(13));
    assert_eq!((scene.outcome().0, &scene.status().stages), (Phase::Provisioning, &before));
}
