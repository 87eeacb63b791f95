//! Terms of policies on the real API server: choice of a policy, questions, what comes later, what is pinned.

use super::stage::stage;
use crate::support::ROOT;

const SPACE: &str = "catalog-terms";

const SETUP: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: catalog-terms, labels: {entitlement.dev/catalog: terms}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: terms}}
---
{apiVersion: entitlement.dev/v1alpha1, kind: Catalog, metadata: {name: terms}, spec: {owners: [{kind: User, name: carol@example.com}]}}
---
apiVersion: entitlement.dev/v1alpha1
kind: CatalogResource
metadata: {name: space, namespace: catalog-terms}
spec:
  kubernetes: {namespaces: [terms]}
  roles: [{name: viewer, kubernetes: {roleRef: {kind: ClusterRole, name: view}}}]
"#;

fn package(name: &str) -> String {
    format!(
        "{{apiVersion: entitlement.dev/v1alpha1, kind: AccessPackage, metadata: {{name: {name}, namespace: {SPACE}}}, \
         spec: {{resourceRoles: [{{resource: space, role: viewer}}]}}}}\n"
    )
}

fn policy(name: &str, package: &str, scope: &str, more: &str) -> String {
    format!(
        "---\n{{apiVersion: entitlement.dev/v1alpha1, kind: Policy, metadata: {{name: {name}, namespace: {SPACE}}}, \
         spec: {{accessPackage: {package}, requestors: {{{scope}}}, justification: Optional, expiration: {{after: 1h}}{more}}}}}\n"
    )
}

fn request(name: &str, package: &str, more: &str) -> String {
    format!(
        "{{apiVersion: entitlement.dev/v1alpha1, kind: AccessRequest, metadata: {{name: {name}, namespace: {SPACE}}}, \
         spec: {{accessPackage: {package}{more}}}}}\n"
    )
}

const ENGINEERS: &str = "scope: Specific, subjects: [{kind: Group, name: engineering}]";

#[tokio::test(flavor = "multi_thread")]
async fn the_most_specific_policy_wins_and_a_tie_names_both() {
    let stage = stage().await;
    stage.writes(ROOT, SETUP).await;
    let all = package("choice")
        + &policy("everybody", "choice", "scope: AllUsers", "")
        + &policy("team", "choice", ENGINEERS, "")
        + &policy("paused", "choice", ENGINEERS, ", enabled: false");
    stage.writes(ROOT, &all).await;
    stage.writes("alice", &request("choice-alice", "choice", "")).await;
    let done = stage.request_is(SPACE, "choice-alice", "Delivered").await;
    assert_eq!(done["status"]["policy"]["name"], "team");
    stage.writes("olga", &request("choice-olga", "choice", "")).await;
    let done = stage.request_is(SPACE, "choice-olga", "Delivered").await;
    assert_eq!(done["status"]["policy"]["name"], "everybody");
    stage.writes("dave", &request("choice-paused", "choice", ", policy: paused")).await;
    stage.request_is(SPACE, "choice-paused", "Denied PolicyDisabled").await;

    stage.writes(ROOT, &policy("other-team", "choice", ENGINEERS, "")).await;
    stage.writes("dave", &request("choice-tie", "choice", "")).await;
    let tie = stage.request_is(SPACE, "choice-tie", "Denied AmbiguousPolicy").await;
    assert!(tie["status"]["message"].as_str().unwrap().contains("other-team, team"), "{tie}");
    stage.writes("dave", &request("choice-named", "choice", ", policy: team")).await;
    stage.request_is(SPACE, "choice-named", "Delivered").await;
    stage.writes("dave", &request("choice-again", "choice", ", policy: team")).await;
    stage.request_is(SPACE, "choice-again", "Denied AlreadyAssigned").await;
    stage.is_right(SPACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_checked_and_shown_to_approvers() {
    let stage = stage().await;
    stage.writes(ROOT, SETUP).await;
    let asks = r#", questions: [{name: ticket, text: Ticket number, pattern: "^[A-Z]+-[0-9]+$", required: true}, {name: shift, text: Which shift, type: MultipleChoice, choices: [day, night]}], approval: {stages: [{name: lead, approvers: [{kind: Group, name: payments-leads}]}]}"#;
    stage.writes(ROOT, &(package("quiz") + &policy("quiz", "quiz", ENGINEERS, asks))).await;
    for (name, answers, word) in [
        ("quiz-none", "", "\"ticket\""),
        ("quiz-malformed", ", answers: [{question: ticket, value: soon}]", "does not match"),
        ("quiz-unknown", ", answers: [{question: ticket, value: OPS-1}, {question: colour, value: red}]", "\"colour\""),
        ("quiz-choice", ", answers: [{question: ticket, value: OPS-1}, {question: shift, value: evening}]", "day, night"),
    ] {
        stage.writes("alice", &request(name, "quiz", answers)).await;
        let denied = stage.request_is(SPACE, name, "Denied AnswerInvalid").await;
        assert!(denied["status"]["message"].as_str().unwrap().contains(word), "{denied}");
    }
    stage.writes("alice", &request("quiz-good", "quiz", ", answers: [{question: ticket, value: OPS-42}]")).await;
    stage.request_is(SPACE, "quiz-good", "PendingApproval").await;
    assert!(stage.describes("accessrequest", SPACE, "quiz-good").await.contains("OPS-42"));
    stage.is_right(SPACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_what_comes_later_and_keeps_the_terms_it_was_accepted_under() {
    let stage = stage().await;
    stage.writes(ROOT, SETUP).await;
    stage.reaches_catalog().await;
    // Whom no policy of the catalog lets ask for anything cannot ask for what is not there either.
    stage.writes(ROOT, &(package("present") + &policy("present", "present", ENGINEERS, ""))).await;
    stage.writes("alice", &request("early", "late", "")).await;
    let waits = stage.request_is(SPACE, "early", "Submitted PackageNotFound").await;
    assert!(waits["status"]["waitsFor"].as_str().unwrap().contains("\"late\""), "{waits}");
    stage.writes(ROOT, &package("late")).await;
    stage.request_is(SPACE, "early", "Submitted PolicyNotFound").await;
    let stages =
        |name: &str| format!(", approval: {{stages: [{{name: {name}, approvers: [{{kind: Group, name: payments-leads}}]}}]}}");
    stage.writes(ROOT, &policy("late", "late", ENGINEERS, &stages("old"))).await;
    stage.request_is(SPACE, "early", "PendingApproval").await;
    stage.writes(ROOT, &policy("late", "late", "scope: None", &stages("new"))).await;
    stage.plane.kubectl(ROOT, &["delete", "policy.v1alpha1.entitlement.dev", "-n", SPACE, "late"]).await.ok();
    let decision = format!(
        "{{apiVersion: entitlement.dev/v1alpha1, kind: ApprovalDecision, metadata: {{name: early, namespace: {SPACE}}}, \
         spec: {{accessRequest: early, decision: Approve, stage: old}}}}\n"
    );
    stage.writes("bob", &decision).await;
    stage.request_is(SPACE, "early", "Delivered").await;
    stage.is_right(SPACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_is_a_duplicate_and_a_disabled_catalog_stops_what_is_pending() {
    let stage = stage().await;
    stage.writes(ROOT, SETUP).await;
    let stages = ", approval: {stages: [{name: lead, approvers: [{kind: Group, name: payments-leads}]}]}";
    stage.writes(ROOT, &(package("once") + &policy("once", "once", ENGINEERS, stages))).await;
    stage.writes("alice", &request("once-first", "once", "")).await;
    stage.request_is(SPACE, "once-first", "PendingApproval").await;
    stage.writes("alice", &request("once-second", "once", "")).await;
    stage.request_is(SPACE, "once-second", "Denied DuplicateRequest").await;
    let enabled = |on: bool| format!(r#"{{"spec":{{"enabled":{on}}}}}"#);
    stage.plane.kubectl(ROOT, &["patch", "catalog", "terms", "--type=merge", "-p", &enabled(false)]).await.ok();
    let decision = format!(
        "{{apiVersion: entitlement.dev/v1alpha1, kind: ApprovalDecision, metadata: {{name: once-first, namespace: {SPACE}}}, \
         spec: {{accessRequest: once-first, decision: Approve}}}}\n"
    );
    stage.writes("bob", &decision).await;
    stage.request_is(SPACE, "once-first", "Denied CatalogDisabled").await;
    stage.plane.kubectl(ROOT, &["patch", "catalog", "terms", "--type=merge", "-p", &enabled(true)]).await.ok();
    // After a denial one may ask again.
    stage.writes("alice", &request("once-third", "once", "")).await;
    stage.request_is(SPACE, "once-third", "PendingApproval").await;
    stage.is_right(SPACE).await;
}
