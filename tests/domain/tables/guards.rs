//! Every reason for which a request is denied, by the smallest example; each message names the object.

use chrono::DateTime;
use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::policy::{Expiration, Question, Scope};
use entitlement_operator::api::{AccessRequest, Policy};
use entitlement_operator::domain::request::Before;

use crate::builders::*;

pub fn engineers() -> Policy {
    policy("engineers").for_subject(group("engineering"))
}

pub fn alice() -> AccessRequest {
    request("r1").by("alice", &["engineering"])
}

/// The request is denied now, for this reason, and the message names the thing.
pub fn denied(mut scene: Asked, now: i64, reason: &str, names: &str) {
    scene.step(at(now));
    assert_eq!(scene.outcome(), (Phase::Denied, reason), "{}", scene.status().message);
    assert!(scene.status().message.contains(names), "{names:?} is not in {:?}", scene.status().message);
    assert_eq!(scene.status().timeline.last().unwrap().event, "Denied");
}

/// The request passes all guards.
pub fn passes(scene: &Asked, now: i64) {
    let mut scene = scene.clone();
    scene.step(at(now));
    assert_eq!(scene.outcome().0, Phase::Provisioning, "{}", scene.status().message);
}

#[test]
fn without_an_objection_a_request_passes() {
    passes(&asked(alice(), &[engineers()]), 5);
}

#[test]
fn package_not_found() {
    let mut scene = asked(alice(), &[engineers()]);
    scene.package = None;
    denied(scene.clone(), HOUR, "PackageNotFound", "\"oncall\"");
    scene.package = Some(package("oncall").being_deleted(at(1)));
    denied(scene, 5, "PackageNotFound", "\"oncall\"");
}

#[test]
fn package_not_found_when_it_is_gone_at_the_approval() {
    let mut scene = asked(alice(), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    scene.step(at(5));
    scene.package = None;
    scene.decided(decision("d1", "r1").by("carol", &[]).created(at(6)));
    denied(scene, 7, "PackageNotFound", "\"oncall\"");
}

#[test]
fn policy_not_found() {
    denied(asked(alice(), &[]), HOUR, "PolicyNotFound", "\"oncall\"");
    denied(asked(alice().under("managers"), &[engineers()]), HOUR, "PolicyNotFound", "\"managers\"");
    let broken = engineers().asking(question("ticket").matching("("));
    denied(asked(alice(), &[broken]), HOUR, "PolicyNotReady", "\"ticket\"");
    let late = engineers().stage(stage("lead", &[by_user("carol")]).within("1h").escalating("1h", &[by_user("dave")]));
    denied(asked(alice(), &[late]), HOUR, "PolicyNotReady", "\"lead\"");
}

#[test]
fn catalog_disabled() {
    let mut scene = asked(alice(), &[engineers()]);
    scene.catalog = Some(catalog("payments").disabled());
    denied(scene, 5, "CatalogDisabled", "\"payments\"");
}

#[test]
fn policy_disabled() {
    denied(asked(alice(), &[engineers().disabled()]), 5, "PolicyDisabled", "engineers");
    let staged = engineers().stage(stage("lead", &[by_user("carol")]));
    let mut scene = asked(alice(), std::slice::from_ref(&staged));
    scene.step(at(5));
    scene.policies = vec![staged.disabled()];
    scene.decided(decision("d1", "r1").by("carol", &[]).created(at(6)));
    denied(scene, 7, "PolicyDisabled", "\"engineers\"");
}

#[test]
fn a_policy_that_was_deleted_or_made_anew_leaves_what_is_pinned() {
    for policies in [vec![], vec![engineers().disabled().with_uid("another")]] {
        let mut scene = asked(alice(), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
        scene.step(at(5));
        scene.policies = policies;
        scene.decided(decision("d1", "r1").by("carol", &[]).created(at(6)));
        scene.step(at(7));
        assert_eq!(scene.outcome().0, Phase::Provisioning);
    }
}

#[test]
fn not_eligible() {
    denied(asked(request("r1").by("mallory", &["sales"]), &[engineers()]), 5, "NotEligible", "User mallory");
}

#[test]
fn not_allowed_for_others() {
    let theirs = || request("r1").by("bob", &["engineering"]).for_subject(user("alice"));
    let named = policy("engineers").for_subject(user("alice"));
    denied(asked(theirs(), std::slice::from_ref(&named)), 5, "NotAllowedForOthers", "bob may not request for User alice");
    passes(&asked(theirs(), &[named.clone().on_behalf_by(user("bob"))]), 5);
    passes(&asked(theirs(), &[named.clone().on_behalf_by(group("engineering"))]), 5);
    let mut manager = asked(theirs(), &[named]);
    manager.may_assign = true;
    passes(&manager, 5);
}

#[test]
fn what_a_stranger_asks_for_somebody_is_refused_before_anything_is_waited_for() {
    let theirs = || request("r1").by("bob", &["engineering"]).for_subject(user("alice"));
    let nothing_there = |policies: &[Policy]| Asked { package: None, ..asked(theirs().under("missing"), policies) };
    denied(nothing_there(&[]), 5, "NotAllowedForOthers", "bob may not request for User alice");
    denied(nothing_there(&[engineers()]), 5, "NotAllowedForOthers", "bob may not request for User alice");
    let mut helped = nothing_there(&[engineers().on_behalf_by(user("bob"))]);
    helped.step(at(5));
    assert_eq!(helped.outcome(), (Phase::Submitted, "PackageNotFound"));
}

#[test]
fn too_many_requests() {
    let with = |open, recent| Asked { before: Before { open, recent }, ..asked(alice(), &[engineers()]) };
    passes(&with(BOUNDS.open - 1, BOUNDS.recent - 1), 5);
    denied(with(BOUNDS.open, 0), 5, "TooManyRequests", "alice has 20 requests open");
    denied(with(0, BOUNDS.recent), 5, "TooManyRequests", "alice made 100 requests within a day");
    let mut manager = with(BOUNDS.open, BOUNDS.recent);
    manager.may_assign = true;
    passes(&manager, 5);
}

#[test]
fn ambiguous_policy() {
    let second = policy("zebra").for_subject(user("alice"));
    denied(asked(alice(), &[second.clone(), engineers()]), 5, "AmbiguousPolicy", "engineers, zebra");
    passes(&asked(alice().under("zebra"), &[second, engineers()]), 5);
}

#[test]
fn justification_required() {
    let strict = engineers().requiring_justification();
    denied(asked(alice().saying("  \n"), std::slice::from_ref(&strict)), 5, "JustificationRequired", "spec.justification");
    passes(&asked(alice().saying("on the rota"), &[strict]), 5);
}

fn answered(question: Question, request: AccessRequest) -> Asked {
    asked(request, &[engineers().asking(question)])
}

#[test]
fn answer_invalid() {
    let ticket = || question("ticket").required().matching("^OPS-[0-9]+$");
    let where_to = || question("where").choosing(&["north", "south"]);
    for (question, request, names) in [
        (ticket(), alice(), "\"ticket\": an answer is required"),
        (ticket(), alice().answering("ticket", "  "), "\"ticket\": an answer is required"),
        (ticket(), alice().answering("ticket", "OPS-x"), "\"ticket\": \"OPS-x\" does not match"),
        (question("ticket"), alice().answering("colour", "red"), "\"colour\": the policy asks no such question"),
        (question("ticket"), alice().answering("ticket", &"x".repeat(257)), "\"ticket\": one line of at most 256"),
        (question("ticket"), alice().answering("ticket", "a\nb"), "\"ticket\": one line"),
        (question("ticket"), alice().answering_all("ticket", &["a", "b"]), "\"ticket\": only one value"),
        (where_to(), alice().answering("where", "west"), "\"west\" is none of north, south"),
        (where_to(), alice().answering_all("where", &["north", "south"]), "\"where\": only one value"),
        (where_to().several(), alice().answering_all("where", &["north", "west"]), "\"west\" is none of"),
    ] {
        denied(answered(question, request), 5, "AnswerInvalid", names);
    }
}

#[test]
fn answers_that_are_valid_pass() {
    let where_to = || question("where").choosing(&["north", "south"]);
    for (question, request) in [
        (question("ticket").required().matching("^OPS-[0-9]+$"), alice().answering("ticket", "OPS-42")),
        (question("ticket"), alice()),
        (question("ticket"), alice().answering("ticket", &"ä".repeat(256))),
        (question("story").long(), alice().answering("story", &"a line\n".repeat(100))),
        (where_to(), alice().answering("where", "north")),
        (where_to().several().required(), alice().answering_all("where", &["north", "south"])),
    ] {
        passes(&answered(question, request), 5);
    }
}

#[test]
fn schedule_not_allowed() {
    denied(asked(alice().lasting("1h"), &[engineers()]), 5, "ScheduleNotAllowed", "spec.schedule");
}

#[test]
fn schedule_past() {
    let custom = engineers().with_custom_schedule();
    denied(asked(alice().ending(at(5)), std::slice::from_ref(&custom)), 5, "SchedulePast", "2026-01-01T00:00:05Z");
    passes(&asked(alice().ending(at(6)), &[custom]), 5);
    let over = engineers().expiring(Expiration { at: Some(at(5)), ..Expiration::default() });
    denied(asked(alice(), &[over]), 5, "SchedulePast", "2026-01-01T00:00:05Z");
}

#[test]
fn a_period_that_was_over_when_it_was_asked_for_is_past_and_one_that_is_over_since_begins_now() {
    let wish = |created| {
        let request = alice().created(at(created)).starting(at(0)).lasting("1h");
        asked(request, &[engineers().with_custom_schedule()])
    };
    denied(wish(HOUR), HOUR + 5, "SchedulePast", "2026-01-01T01:00:00Z");
    passes(&wish(HOUR - 1), HOUR + 5);
}

#[test]
fn a_sum_that_cannot_be_written_is_too_long() {
    let far = DateTime::from_timestamp(253_402_300_799 - HOUR, 0).unwrap();
    let request = || alice().starting(far).lasting("2h");
    denied(asked(request(), &[engineers().with_custom_schedule()]), 5, "ScheduleTooLong", "9999-12-31T23:59:59Z");
    let lasting = engineers().with_custom_schedule().expiring(Expiration { never: Some(true), ..Expiration::default() });
    denied(asked(request(), &[lasting]), 5, "ScheduleTooLong", "9999-12-31T23:59:59Z");
}

#[test]
fn schedule_too_long() {
    let custom = engineers().with_custom_schedule();
    denied(asked(alice().ending(at(6 + 30 * DAY)), std::slice::from_ref(&custom)), 5, "ScheduleTooLong", "2026-01-31T00:00:05Z");
    passes(&asked(alice().ending(at(5 + 30 * DAY)), std::slice::from_ref(&custom)), 5);
    denied(asked(alice().lasting("30d1s"), std::slice::from_ref(&custom)), 5, "ScheduleTooLong", "2026-01-31T00:00:06Z");
    let mut later = asked(alice().starting(at(9 * DAY)).lasting("30d"), &[custom]);
    later.step(at(5));
    assert_eq!(later.outcome().0, Phase::Scheduled, "the limit counts from the effective start");
    let fixed = engineers().with_custom_schedule().expiring(Expiration { at: Some(at(DAY)), ..Expiration::default() });
    denied(asked(alice().ending(at(DAY + 1)), &[fixed]), 5, "ScheduleTooLong", "2026-01-02T00:00:00Z");
}

#[test]
fn a_wished_start_that_passed_meanwhile_counts_as_now() {
    let mut scene = asked(alice().starting(at(1)).lasting("1h"), &[engineers().with_custom_schedule()]);
    scene.step(at(5));
    let period = scene.status().schedule.clone().unwrap();
    assert_eq!((period.start_time, period.end_time), (at(5), Some(at(5 + HOUR))));
}

#[test]
fn extension_not_allowed() {
    let mut scene = asked(alice().extending(), &[engineers()]);
    scene.held.push(assignment("a1").in_phase(AssignmentPhase::Delivered));
    denied(scene, 5, "ExtensionNotAllowed", "\"engineers\"");
}

#[test]
fn reasons_of_approvers_are_told_with_their_name() {
    let mut scene = asked(alice(), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    scene.step(at(5));
    let mut late = scene.clone();
    scene.decided(decision("d1", "r1").by("carol", &[]).denying().because("not this week").created(at(6)));
    denied(scene, 7, "DeniedByApprover", "\"lead\" by carol: not this week");
    late.step(at(14 * DAY));
    denied(late, 5 + 14 * DAY, "ApprovalTimedOut", "\"lead\"");
}

#[test]
fn scopes_without_a_directory_cover_people_and_no_machines() {
    for scope in [Scope::AllMembers, Scope::AllUsers, Scope::Anyone] {
        let all = || policy("all").for_scope(scope);
        passes(&asked(request("r1").by("anybody", &[]), &[all()]), 5);
        let account = request("r1").by("system:serviceaccount:apps:robot", &[]);
        denied(asked(account, &[all()]), 5, "NotEligible", "ServiceAccount apps/robot");
        denied(asked(request("r1").by("system:node:n1", &[]), &[all()]), 5, "NotEligible", "system:node:n1");
    }
    denied(asked(alice(), &[policy("p").for_scope(Scope::None)]), 5, "NotEligible", "User alice");
}

/// A request that carol approves at 10, reconciled under what is there by then.
fn approved_under(change: impl FnOnce(&mut Asked)) -> Asked {
    let mut scene = asked(alice(), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    scene.step(at(5));
    scene.decided(decision("yes", "r1").by("carol", &[]).created(at(10)));
    change(&mut scene);
    scene
}

#[test]
fn a_package_that_is_being_deleted_is_not_found_at_the_approval_either() {
    let going = approved_under(|scene| scene.package = Some(package("oncall").being_deleted(at(9))));
    denied(going, 11, "PackageNotFound", "being deleted");
}

#[test]
fn pinned_terms_never_keep_in_who_is_now_out() {
    passes(&approved_under(|_| {}), 11);
    for exception in [user("alice"), group("engineering")] {
        let except = |scene: &mut Asked| scene.policies[0].spec.requestors.except.push(exception);
        denied(approved_under(except), 11, "NotEligible", "excepts");
    }
}
