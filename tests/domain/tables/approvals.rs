//! The rows of the table of decisions, and what closes a stage.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::StageState;
use entitlement_operator::api::approval_decision::STAGE_CLOSED;
use entitlement_operator::api::catalog::NotedOwner;
use entitlement_operator::api::policy::Stage;
use entitlement_operator::api::{AccessRequest, ApprovalDecision, Identity, Subject, Word};
use entitlement_operator::domain::approval::{Bench, approvers_at, judge, open, order};
use entitlement_operator::domain::{Key, Trust};

use crate::builders::*;

/// One stage of a request that alice made for herself at 10, opened at 10.
struct Table {
    stage: Stage,
    requestor: Identity,
    subject: Subject,
    owners: Vec<Subject>,
    owned_since: i64,
    content_since: Option<DateTime<Utc>>,
    trust: Trust,
}

fn lead() -> Stage {
    stage("lead", &[by_group("leads"), by_user("erin")])
}

fn table(stage: Stage) -> Table {
    Table {
        stage,
        requestor: who("alice", &["engineering"]),
        subject: user("alice"),
        owners: vec![user("olga")],
        owned_since: 0,
        content_since: None,
        trust: Trust::Waived,
    }
}

fn carol(name: &str) -> ApprovalDecision {
    decision(name, "r1").by("carol", &["leads"]).created(at(20))
}

fn dave(name: &str) -> ApprovalDecision {
    decision(name, "r1").by("dave", &["leads"]).created(at(21))
}

impl Table {
    fn bench<'a>(&'a self, request: &'a AccessRequest) -> Bench<'a> {
        let Self { requestor, subject, trust, .. } = self;
        let owners = self.owners.iter().map(|owner| NotedOwner { subject: owner.clone(), since: at(self.owned_since) }).collect();
        Bench { request, requestor, subject, owners, content_since: self.content_since, trust }
    }

    /// How the stage stands after these decisions, and why each did or did not count.
    fn after(&self, decisions: &[ApprovalDecision]) -> (StageState, Vec<(String, &'static str)>) {
        let request = request("r1").by("alice", &[]).created(at(10));
        let bench = self.bench(&request);
        let mut status = open(&self.stage, &bench, at(10), at(10));
        let mut sorted: Vec<&ApprovalDecision> = decisions.iter().collect();
        order(&mut sorted);
        let judged = judge(&self.stage, &mut status, &bench, &sorted);
        (
            status.state,
            judged
                .into_iter()
                .map(|(decision, word)| (Key::of(decision).name, word.err().map_or("Decided", Word::as_str)))
                .collect(),
        )
    }

    fn one(&self, decision: ApprovalDecision) -> (StageState, &'static str) {
        let (state, judged) = self.after(&[decision]);
        (state, judged[0].1)
    }

    fn approvers(&self, seconds: i64) -> Vec<String> {
        let request = request("r1").by("alice", &[]).created(at(10));
        let bench = self.bench(&request);
        let status = open(&self.stage, &bench, at(10), at(10));
        approvers_at(&self.stage, &status, &bench, at(seconds)).iter().map(entitlement_operator::domain::approval::show).collect()
    }
}

#[test]
fn an_approval_by_a_named_person_or_a_member_of_a_named_group_counts() {
    assert_eq!(table(lead()).one(carol("d1")), (StageState::Approved, "Decided"));
    assert_eq!(table(lead()).one(decision("d1", "r1").by("erin", &[]).created(at(20))), (StageState::Approved, "Decided"));
}

#[test]
fn a_decision_about_another_request_does_not_count() {
    assert_eq!(table(lead()).one(carol("d1").of_uid("uid-r0")), (StageState::Open, "OtherRequest"));
    assert_eq!(table(lead()).one(carol("d1").of_uid("uid-r1")), (StageState::Approved, "Decided"));
    assert_eq!(table(lead()).one(carol("d1").created(at(9))), (StageState::Open, "OtherRequest"));
    assert_eq!(table(lead()).one(carol("d1").created(at(11))), (StageState::Approved, "Decided"));
}

#[test]
fn a_decision_that_is_older_than_the_admission_policies_does_not_count() {
    let since = |seconds: i64| Table { trust: Trust::Enforced { since: at(seconds) }, ..table(lead()) };
    assert_eq!(since(21).one(carol("d1")), (StageState::Open, "IdentityNotEnforced"));
    assert_eq!(since(20).one(carol("d1")), (StageState::Approved, "Decided"));
}

#[test]
fn requestor_subject_and_members_of_the_subject_never_decide() {
    let behalf = Table { subject: user("bob"), ..table(stage("lead", &[by_group("leads")])) };
    for (name, groups) in [("alice", vec!["leads"]), ("bob", vec!["leads"])] {
        let own = decision("d1", "r1").by(name, &groups).created(at(20));
        assert_eq!(behalf.one(own.clone()), (StageState::Open, "SelfApproval"), "{name}");
        assert_eq!(behalf.one(own.denying()), (StageState::Open, "SelfApproval"), "{name} denies");
    }
    let for_group = Table { subject: group("oncallers"), ..table(lead()) };
    let member = decision("d1", "r1").by("carol", &["leads", "oncallers"]).created(at(20));
    assert_eq!(for_group.one(member), (StageState::Open, "SelfApproval"));
    let robot = Table { subject: account("apps", "robot"), ..table(stage("lead", &[by_group("leads")])) };
    let itself = decision("d1", "r1").by("system:serviceaccount:apps:robot", &["leads"]).created(at(20));
    assert_eq!(robot.one(itself), (StageState::Open, "SelfApproval"));
}

#[test]
fn a_decision_for_another_stage_or_another_time_does_not_count() {
    assert_eq!(table(lead()).one(carol("d1").of_stage("owner")), (StageState::Open, "StageClosed"));
    assert_eq!(table(lead()).one(carol("d1").of_stage("lead")), (StageState::Approved, "Decided"));
    let end = 10 + 14 * DAY;
    assert_eq!(table(lead()).one(carol("d1").created(at(end))), (StageState::Open, "StageClosed"));
    assert_eq!(table(lead()).one(carol("d1").created(at(end - 1))), (StageState::Approved, "Decided"));
}

#[test]
fn a_decision_before_the_stage_opened_does_not_count() {
    let (table, request) = (table(lead()), request("r1").created(at(5)));
    let bench = table.bench(&request);
    for (seconds, word) in [(9, Err(STAGE_CLOSED)), (10, Ok(()))] {
        let mut status = open(&lead(), &bench, at(10), at(12));
        assert_eq!(status.deadline, at(12 + 14 * DAY), "its time runs from when people can see it");
        let made = carol("d1").created(at(seconds));
        assert_eq!(judge(&lead(), &mut status, &bench, &[&made]), [(&made, word)]);
    }
}

#[test]
fn a_decision_by_somebody_who_is_no_approver_does_not_count() {
    assert_eq!(
        table(lead()).one(decision("d1", "r1").by("mallory", &["sales"]).created(at(20))),
        (StageState::Open, "NotAnApprover")
    );
    assert_eq!(table(lead()).one(decision("d1", "r1").created(at(20))), (StageState::Open, "NotAnApprover"));
    let left = decision("d1", "r1").by("carol", &[]).created(at(20));
    assert_eq!(table(lead()).one(left), (StageState::Open, "NotAnApprover"), "she left the group before she decided");
}

#[test]
fn a_decision_without_the_reason_that_the_stage_requires_does_not_count() {
    let strict = table(lead().wanting_reasons());
    assert_eq!(strict.one(carol("d1").because(" ")), (StageState::Open, "ReasonRequired"));
    assert_eq!(strict.one(carol("d1").denying()), (StageState::Open, "ReasonRequired"));
    assert_eq!(strict.one(carol("d1").because("rota")), (StageState::Approved, "Decided"));
    let (state, _) = strict.after(&[carol("d1"), carol("d2").because("rota").created(at(30))]);
    assert_eq!(state, StageState::Approved, "she may decide again with a reason");
}

#[test]
fn a_stage_needs_different_approvers() {
    let two = table(lead().needing(2));
    let (state, judged) = two.after(&[carol("d1"), carol("d2").created(at(22)), dave("d3").created(at(23))]);
    assert_eq!(state, StageState::Approved);
    let words: Vec<&str> = judged.iter().map(|(_, word)| *word).collect();
    assert_eq!(words, ["Decided", "Duplicate", "Decided"]);
    assert_eq!(two.after(&[carol("d1"), carol("d2").created(at(22))]).0, StageState::Open);
}

#[test]
fn one_denial_ends_the_stage_whatever_was_approved() {
    let two = table(lead().needing(3));
    assert_eq!(two.after(&[carol("d1"), dave("d2").denying()]).0, StageState::Denied);
    let (state, judged) = two.after(&[carol("d1"), carol("d2").denying().created(at(22))]);
    assert_eq!((state, judged[1].1), (StageState::Denied, "Decided"), "she may stop what she let pass");
}

#[test]
fn what_comes_after_the_end_of_a_stage_is_left_for_the_next() {
    let (state, judged) = table(lead()).after(&[carol("d1"), dave("d2").denying()]);
    assert_eq!((state, judged.len()), (StageState::Approved, 1));
}

#[test]
fn of_the_same_second_denials_are_taken_first() {
    let same = [carol("d1"), dave("d2").created(at(20)).denying()];
    assert_eq!(table(lead()).after(&same).0, StageState::Denied);
}

#[test]
fn escalation_adds_approvers_from_its_moment_on() {
    let escalating = table(lead().escalating("7d", &[by_user("frank")]));
    let from = 10 + 7 * DAY;
    let frank = |seconds| decision("d1", "r1").by("frank", &[]).created(at(seconds));
    assert_eq!(escalating.one(frank(from - 1)), (StageState::Open, "NotAnApprover"));
    assert_eq!(escalating.one(frank(from)), (StageState::Approved, "Decided"));
    assert_eq!(escalating.one(carol("d1").created(at(from))), (StageState::Approved, "Decided"), "both may decide");
    assert_eq!(escalating.approvers(from - 1), ["Group leads", "User erin"]);
    assert_eq!(escalating.approvers(from), ["Group leads", "User erin", "User frank"]);
}

#[test]
fn fallback_approvers_stand_in_only_when_nobody_else_can_be_resolved() {
    let only = |approver| table(stage("lead", &[approver]).falling_back_to(&[by_user("frank")]));
    let frank = decision("d1", "r1").by("frank", &[]).created(at(20));
    assert_eq!(only(by_user("alice")).one(frank.clone()), (StageState::Approved, "Decided"), "its approver is the requestor");
    assert_eq!(only(by_user("carol")).one(frank.clone()), (StageState::Open, "NotAnApprover"), "silent is not missing");
    let nobody = Table { owners: vec![], ..only(by_owners()) };
    assert_eq!(nobody.one(frank.clone()), (StageState::Approved, "Decided"), "the catalog has no owners");
    let herself = Table { owners: vec![user("alice")], ..only(by_owners()) };
    assert_eq!(herself.one(frank), (StageState::Approved, "Decided"), "the owner is the requestor");
    assert_eq!(table(stage("lead", &[by_user("alice")])).approvers(20), [""; 0]);
}

#[test]
fn owners_of_the_catalog_decide_where_they_are_named() {
    let owners = table(stage("owner", &[by_owners()]));
    assert_eq!(owners.one(decision("d1", "r1").by("olga", &[]).created(at(20))), (StageState::Approved, "Decided"));
    assert_eq!(owners.one(carol("d1")), (StageState::Open, "NotAnApprover"));
    let by_team = Table { owners: vec![group("owners")], ..table(stage("owner", &[by_owners()])) };
    assert_eq!(by_team.one(decision("d1", "r1").by("pat", &["owners"]).created(at(20))), (StageState::Approved, "Decided"));
}

#[test]
fn a_decision_of_the_requests_own_second_counts_only_with_its_uid() {
    let early = |decision: ApprovalDecision| table(lead()).one(decision.created(at(10)));
    assert_eq!(early(carol("d1")), (StageState::Open, "OtherRequest"));
    assert_eq!(early(carol("d1").of_uid("uid-r1")), (StageState::Approved, "Decided"));
}

#[test]
fn a_decision_on_content_that_changed_since_does_not_count() {
    let table = Table { content_since: Some(at(21)), ..table(lead()) };
    assert_eq!(table.one(carol("d1")), (StageState::Open, "ContentChanged"));
    assert_eq!(table.one(dave("d1")), (StageState::Approved, "Decided"));
}

#[test]
fn an_owner_decides_from_when_on_they_are_known_as_one() {
    let olga = decision("d1", "r1").by("olga", &[]).created(at(20));
    let table = Table { owned_since: 20, ..table(stage("owner", &[by_owners()])) };
    assert_eq!(table.one(olga.clone()), (StageState::Approved, "Decided"));
    assert_eq!(Table { owned_since: 21, ..table }.one(olga), (StageState::Open, "NotAnApprover"));
}
