//! The rows of the table of a policy.

use entitlement_operator::api::policy::Expiration;
use entitlement_operator::api::{Policy, PolicyStatus, condition};
use entitlement_operator::domain::Plan;
use entitlement_operator::domain::policy::{Input, decide};

use crate::builders::*;

/// What is found at 50: of a policy whose package is there or not, in a catalog or not.
fn found(policy: &Policy, has_package: bool, has_catalog: bool) -> Plan<PolicyStatus> {
    let package = package("oncall");
    let plan = decide(&Input { policy, package: Some(&package).filter(|_| has_package), has_catalog }, at(50));
    crate::words::are_told("Policy", &plan);
    plan
}

fn ready(plan: &Plan<PolicyStatus>) -> (&str, &str) {
    let ready = condition::get(&plan.status.conditions, "Ready").unwrap();
    (ready.status.as_str(), ready.reason.as_str())
}

fn until(seconds: i64) -> Expiration {
    Expiration { at: Some(at(seconds)), ..Expiration::default() }
}

#[test]
fn a_policy_under_which_something_can_be_granted_is_ready() {
    let staged = policy("p").stage(stage("lead", &[by_user("erin")])).stage(stage("owner", &[by_owners()]));
    let plan = found(&staged, true, true);
    assert_eq!((ready(&plan), plan.requeue_at, plan.effects.len()), (("True", "Available"), None, 0));
    assert_eq!((plan.status.stages, plan.status.observed_generation), (2, Some(1)));
    assert_eq!(plan.notices.iter().map(|n| (n.reason.as_str(), n.warning)).collect::<Vec<_>>(), [("Ready", false)]);
    let told = Policy { status: Some(plan.status.clone()), ..staged };
    assert_eq!((found(&told, true, true).status, found(&told, true, true).notices), (plan.status, vec![]), "told once");
}

#[test]
fn a_policy_outside_a_catalog_or_without_its_package_is_not_ready() {
    assert_eq!(ready(&found(&policy("p"), true, false)), ("False", "NoCatalog"));
    assert_eq!(ready(&found(&policy("p"), false, false)), ("False", "NoCatalog"), "which is said first");
    let plan = found(&policy("p"), false, true);
    assert_eq!(ready(&plan), ("False", "PackageNotFound"));
    assert!(plan.status.conditions[0].message.contains("\"oncall\""), "{:?}", plan.status.conditions);
}

#[test]
fn an_escalation_comes_before_the_end_of_its_stage() {
    let with =
        |after: &str| policy("p").stage(stage("lead", &[by_user("carol")]).within("1h").escalating(after, &[by_user("erin")]));
    assert_eq!(ready(&found(&with("59m"), true, true)), ("True", "Available"));
    for late in ["1h", "2h"] {
        let plan = found(&with(late), true, true);
        assert_eq!(ready(&plan), ("False", "EscalationTooLate"));
        assert!(plan.status.conditions[0].message.contains("\"lead\""), "{:?}", plan.status.conditions);
    }
}

#[test]
fn a_pattern_that_cannot_be_compiled_is_told_with_its_question() {
    let plan = found(&policy("p").asking(question("fine").matching("^a$")).asking(question("ticket").matching("(")), true, true);
    assert_eq!(ready(&plan), ("False", "PatternInvalid"));
    assert!(plan.status.conditions[0].message.contains("\"ticket\""), "{:?}", plan.status.conditions);
    assert!(plan.notices.iter().all(|notice| notice.warning), "somebody must write it anew");
}

#[test]
fn a_policy_with_a_fixed_end_is_ready_until_then() {
    let plan = found(&policy("p").expiring(until(51)), true, true);
    assert_eq!((ready(&plan), plan.requeue_at), (("True", "Available"), Some(at(51))));
    for over in [50, 49] {
        let plan = found(&policy("p").expiring(until(over)), true, true);
        assert_eq!((ready(&plan), plan.requeue_at), (("False", "ExpirationPassed"), None));
    }
    assert_eq!(ready(&found(&policy("p").expiring(until(49)), false, true)), ("False", "PackageNotFound"), "which is said first");
}
