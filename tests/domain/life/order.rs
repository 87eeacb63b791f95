//! The verdict does not depend on the order in which decisions are seen, nor on how many are seen at once.

use entitlement_operator::api::access_request::{RequestPhase, StageState, StageStatus};
use entitlement_operator::api::policy::Stage;
use entitlement_operator::api::{ApprovalDecision, Policy};
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::approval::{Bench, judge, open, order};
use proptest::prelude::*;

use crate::builders::*;
use crate::chance;

use super::settle::shuffle;

/// A few people decide, each at another second.
fn decisions() -> impl Strategy<Value = Vec<ApprovalDecision>> {
    let people =
        [("alice", "leads"), ("bob", "leads"), ("carol", "leads"), ("dave", "leads"), ("erin", "security"), ("frank", "sales")];
    let one = (0..people.len(), proptest::bool::weighted(0.8), 0..3_usize, any::<bool>(), 1..400_i64);
    proptest::collection::vec(one, 0..9).prop_map(move |all| {
        let mut at_second = 10;
        let make = |(number, (who, yes, stage, reason, pause)): (usize, (usize, bool, usize, bool, i64))| {
            at_second += pause;
            let (name, group) = people[who];
            let made = decision(&format!("d{number}"), "r1")
                .by(name, &[group])
                .created(at(at_second))
                .with_uid(&format!("{:x}", at_second * 7_919));
            let made = if yes { made } else { made.denying() };
            let made = if reason { made.because("because") } else { made };
            match stage {
                0 => made.of_stage("lead"),
                _ => made,
            }
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

fn lead() -> Stage {
    let escalating = stage("lead", &[by_group("leads")]).needing(2).within("30m");
    escalating.escalating("10m", &[by_group("security")])
}

/// The stage after these decisions, seen in so many portions, each in some order.
fn verdict(decisions: &[ApprovalDecision], portions: &[usize], mix: u64, now: i64) -> StageStatus {
    let (request, requestor, subject) =
        (request("r1").by("alice", &["leads"]).created(at(10)), who("alice", &["leads"]), user("bob"));
    let bench = Bench {
        request: &request,
        requestor: &requestor,
        subject: &subject,
        owners: vec![],
        content_since: None,
        trust: &Trust::Waived,
    };
    let mut status = open(&lead(), &bench, at(10), at(now));
    let mut rest = decisions;
    for size in portions.iter().copied().chain([usize::MAX]) {
        let (portion, more) = rest.split_at(size.min(rest.len()));
        let mut portion: Vec<&ApprovalDecision> = portion.iter().collect();
        shuffle(&mut portion, mix);
        order(&mut portion);
        judge(&lead(), &mut status, &bench, &portion);
        rest = more;
    }
    status
}

/// The request after these decisions, seen in so many portions.
fn outcome(decisions: &[ApprovalDecision], portions: &[usize], mix: u64) -> (RequestPhase, Vec<(StageState, Vec<String>)>) {
    let policy: Policy = policy("p")
        .for_subject(user("bob"))
        .on_behalf_by(user("alice"))
        .stage(lead().wanting_reasons())
        .stage(stage("owner", &[by_user("dave"), by_user("erin")]));
    let mut scene = asked(request("r1").by("alice", &["leads"]).for_subject(user("bob")).created(at(10)), &[policy]);
    scene.step(at(11));
    let mut rest = decisions;
    for size in portions.iter().copied().chain([usize::MAX]) {
        let (portion, more) = rest.split_at(size.min(rest.len()));
        scene.decisions.extend(portion.iter().cloned());
        shuffle(&mut scene.decisions, mix);
        scene.step(at(12)); // reconciled before anybody's time is up
        rest = more;
    }
    let decided = |s: &StageStatus| (s.state, s.decisions.iter().map(|d| d.decision_ref.clone()).collect());
    (scene.status().phase, scene.status().stages.iter().map(decided).collect())
}

proptest! {
    #![proptest_config(chance(1_500))]

    #[test]
    fn a_stage_comes_out_the_same_in_whatever_order_and_portions(
        decisions in decisions(), portions in proptest::collection::vec(0..4_usize, 0..4), mix in any::<u64>(),
    ) {
        let at_once = verdict(&decisions, &[], 0, 12);
        prop_assert_eq!(&verdict(&decisions, &[], mix, 12), &at_once);
        prop_assert_eq!(&verdict(&decisions, &portions, mix, 12), &at_once);
        prop_assert_eq!(&verdict(&decisions, &[1; 8], mix, 12), &at_once);
    }

    #[test]
    fn a_request_comes_out_the_same_in_whatever_order_and_portions(
        decisions in decisions(), portions in proptest::collection::vec(0..4_usize, 0..4), mix in any::<u64>(),
    ) {
        let at_once = outcome(&decisions, &[], 0);
        prop_assert_eq!(&outcome(&decisions, &[], mix), &at_once);
        prop_assert_eq!(&outcome(&decisions, &portions, mix), &at_once);
        prop_assert_eq!(&outcome(&decisions, &[1; 8], mix), &at_once);
    }
}
