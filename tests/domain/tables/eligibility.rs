//! Which policy a request is judged by, and who lies in its scope.

use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::policy::Scope;
use entitlement_operator::api::{Identity, Policy, Subject};
use entitlement_operator::domain::eligibility::{People, in_scope};

use crate::builders::*;

/// The policy that alice's request ends up with.
fn chosen(policies: &[Policy]) -> Option<String> {
    let mut scene = asked(request("r1").by("alice", &["engineering"]), policies);
    scene.step(at(5));
    scene.status().policy.as_ref().map(|pinned| pinned.name.clone())
}

#[test]
fn the_most_specific_scope_wins() {
    let tiers = [
        policy("d").for_subject(user("alice")),
        policy("c").for_scope(Scope::AllMembers),
        policy("b").for_scope(Scope::AllUsers),
        policy("a").for_scope(Scope::Anyone),
    ];
    for first in 0..tiers.len() {
        let mut rest: Vec<Policy> = tiers[first..].to_vec();
        assert_eq!(chosen(&rest), tiers[first].metadata.name);
        rest.reverse();
        assert_eq!(chosen(&rest), tiers[first].metadata.name, "the order of the policies does not matter");
    }
}

#[test]
fn a_policy_that_does_not_fit_makes_room_for_a_less_specific_one() {
    let everybody = policy("all").for_scope(Scope::AllMembers);
    for unfit in [
        policy("own").for_subject(user("alice")).disabled(),
        policy("own").for_subject(user("bob")),
        policy("own").for_subject(group("engineering")).except(user("alice")),
        policy("own").for_subject(user("alice")).asking(question("q").matching("(")),
    ] {
        assert_eq!(chosen(&[unfit, everybody.clone()]), Some("all".to_owned()));
    }
}

#[test]
fn the_reason_of_a_refusal_is_that_of_the_policy_that_came_closest() {
    let mut scene = asked(
        request("r1").by("alice", &[]),
        &[policy("far").for_subject(user("bob")), policy("near").for_subject(user("alice")).disabled()],
    );
    scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::Denied, "PolicyDisabled"));
}

fn covers(policy: Policy, requestor: Identity, subject: Subject) -> bool {
    in_scope(&policy.spec.requestors, &People { requestor: &requestor, subject, may_assign: false })
}

#[test]
fn groups_count_only_of_those_who_ask_in_person() {
    let engineers = || policy("p").for_subject(group("engineering"));
    assert!(covers(engineers(), who("alice", &["engineering"]), user("alice")));
    assert!(!covers(engineers(), who("bob", &["engineering"]), user("alice")), "bob's groups say nothing about alice");
    assert!(covers(engineers().for_subject(user("alice")), who("bob", &[]), user("alice")));
}

#[test]
fn exceptions_go_before_the_scope() {
    let except = |subject| policy("p").for_scope(Scope::AllMembers).except(subject);
    assert!(!covers(except(user("alice")), who("alice", &[]), user("alice")));
    assert!(!covers(except(user("alice")), who("bob", &[]), user("alice")));
    assert!(!covers(except(group("suspended")), who("alice", &["suspended"]), user("alice")));
    assert!(covers(except(group("suspended")), who("alice", &["engineering"]), user("alice")));
    assert!(!covers(except(group("suspended")), who("bob", &[]), user("alice")), "whose groups are unknown may be in it");
}

#[test]
fn groups_and_accounts_are_in_scope_only_by_name() {
    let named = policy("p").for_subject(account("apps", "robot")).for_subject(group("engineering"));
    assert!(covers(named.clone(), who("system:serviceaccount:apps:robot", &[]), account("apps", "robot")));
    assert!(!covers(named.clone(), who("bob", &[]), group("engineering")), "a group is no subject unless the policy says so");
    let named = named.for_groups_themselves();
    assert!(covers(named.clone(), who("bob", &[]), group("engineering")));
    assert!(!covers(named, who("bob", &[]), group("sales")));
    assert!(!covers(policy("p").for_scope(Scope::Anyone).for_groups_themselves(), who("bob", &[]), group("engineering")));
}

#[test]
fn nobody_who_is_excepted_gets_the_package_through_their_group() {
    let engineers = policy("p").for_subject(group("engineering")).for_groups_themselves().except(user("mallory"));
    assert!(!covers(engineers, who("mallory", &["engineering"]), group("engineering")));
}

#[test]
fn users_of_kubernetes_itself_hold_nothing_whatever_a_policy_names() {
    let named = policy("p").for_subject(user("system:admin"));
    assert!(!covers(named, who("system:admin", &[]), user("system:admin")));
    assert!(!covers(policy("p").for_scope(Scope::Anyone), who("system:node:one", &[]), user("system:node:one")));
}

#[test]
fn naming_a_wider_policy_is_no_way_round_a_stricter_one() {
    let strict = policy("strict").for_subject(user("alice")).stage(stage("lead", &[by_group("leads")]));
    let wide = policy("wide").for_scope(Scope::AllMembers);
    let asks = |named: &str, policies: &[Policy]| {
        let mut scene = asked(request("r1").by("alice", &[]).under(named), policies);
        scene.step(at(5));
        (scene.outcome().0, scene.outcome().1.to_owned())
    };
    assert_eq!(asks("wide", &[strict.clone(), wide.clone()]), (Phase::Denied, "PolicyNotOffered".to_owned()));
    assert_eq!(asks("strict", &[strict, wide.clone()]).0, Phase::PendingApproval);
    let twin = policy("twin").for_scope(Scope::AllMembers);
    assert_eq!(asks("wide", &[twin, wide]).0, Phase::Provisioning, "among equals one may choose");
}
