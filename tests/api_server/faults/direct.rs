//! Direct assignment, by managers and from Git.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::line::{Fault, Line};
use super::replica::Replica;
use crate::acts::{ENGINEERS, VIEW, viewer};
use crate::checker::{list, text};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, phase};
use crate::support::{ROOT, eventually};
use crate::terms::at_once;
use crate::world::{SOON, department, quiet};

fn at(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn seconds_from_now(seconds: i64) -> String {
    at(Utc::now() + TimeDelta::seconds(seconds))
}

fn days_from_now(days: i64) -> String {
    at(Utc::now() + TimeDelta::days(days))
}

fn instant(object: &Value, path: &str) -> DateTime<Utc> {
    text(object, path).parse().unwrap_or_else(|e| panic!("{path} of {object}: {e}"))
}

#[tokio::test]
async fn it_is_stamped_and_ends_as_the_policy_says() {
    let office = department("direct-plain").await.open_to_engineers().await;
    let name = office.assigns(ALICE).await;
    office.can_look_in_becomes(ALICE, true).await;
    let record = office.read("Assignment", &name).await;
    assert_eq!(text(&record, "/spec/source"), "Direct");
    assert_eq!(text(&record, "/spec/assignedBy/username"), BOB);
    let length = instant(&record, "/spec/schedule/endTime") - instant(&record, "/status/schedule/startTime");
    assert_eq!(length, TimeDelta::days(30), "the policy's limit counts from the start");
    assert_eq!(text(&record, "/status/schedule/endTime"), text(&record, "/spec/schedule/endTime"));
    office.is_right().await;
}

#[tokio::test]
async fn a_file_in_git_can_be_applied_again_and_again() {
    let office = department("direct-git").await.open_to_engineers().await;
    let file = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: Assignment\nmetadata: {{name: from-git, namespace: {}}}\n\
         spec: {{accessPackage: {ONCALL}, policy: {ENGINEERS}, subject: {{kind: User, name: {DAVE}}}}}\n",
        office.catalog()
    );
    let apply = ["apply", "--server-side", "--field-manager=flux", "-f", "-"];
    office.plane.kubectl_with_input(BOB, &apply, &file).await.ok();
    let first = office.reaches("Assignment", "from-git", "Delivered").await;
    office.plane.kubectl_with_input(BOB, &apply, &file).await.ok();
    let again = office.read("Assignment", "from-git").await;
    assert_eq!(first["spec"], again["spec"], "what the API server and the operator entered stays");

    office.plane.kubectl_with_input(BOB, &["delete", "-f", "-"], &file).await.ok();
    office.goes("Assignment", "from-git").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn what_cannot_be_yet_waits_and_is_taken_up() {
    let office = department("direct-waits").await;

    let early = office.assigns_with("standby", "early", json!({"policy": "standby"})).await;
    office.reaches("Assignment", &early, "Pending PackageNotFound").await;
    office.write(CAROL, "AccessPackage", "standby", json!({"resourceRoles": [viewer()]})).await;
    office.reaches("Assignment", &early, "Pending PolicyNotFound").await;
    assert_eq!(office.condition("Assignment", &early, "Accepted").await, "False PolicyNotFound");
    office.write(CAROL, "Policy", "standby", at_once().spec("standby")).await;
    office.reaches("Assignment", &early, "Delivered").await;
    assert_eq!(office.condition("Assignment", &early, "Accepted").await, "True Accepted");

    office.policy(ENGINEERS, &at_once()).await;
    let first = office.gets_by_asking(ALICE).await;
    let second = office.assigns_with(ONCALL, ALICE, json!({})).await;
    office.reaches("Assignment", &second, "Pending AlreadyAssigned").await;
    office.revokes(&first).await;
    office.reaches("Assignment", &second, "Delivered").await;
    assert_eq!(office.condition("Assignment", &first, "Accepted").await, "True Accepted", "it was, whatever became of it");

    let rivals = json!({"spec": {"incompatibleWith": {"accessPackages": [{"name": ONCALL}]}}});
    office.changes(CAROL, "AccessPackage", "standby", rivals).await;
    let both = office.assigns_with("standby", ALICE, json!({"policy": "standby"})).await;
    office.reaches("Assignment", &both, "Pending Incompatible").await;
    office.deletes("Assignment", &second).await;
    office.reaches("Assignment", &both, "Delivered").await;

    let too_long = json!({"schedule": {"endTime": days_from_now(31)}});
    let long = office.assigns_with(ONCALL, DAVE, too_long).await;
    office.reaches("Assignment", &long, "Pending ScheduleTooLong").await;
    let shorter = json!({"spec": {"schedule": {"endTime": days_from_now(29)}}});
    office.changes(BOB, "Assignment", &long, shorter).await;
    office.reaches("Assignment", &long, "Delivered").await;

    office.is_held_by(&office.name, VIEW, &["early", ALICE, DAVE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_policy_whose_time_is_over_gives_nothing_until_it_is_renewed() {
    let office = department("direct-past").await;
    let mut terms = at_once().spec(ONCALL);
    terms["expiration"] = json!({"at": "2020-01-01T00:00:00Z"});
    office.write(CAROL, "Policy", ENGINEERS, terms).await;
    let late = office.assigns_with(ONCALL, ALICE, json!({})).await;
    office.reaches("Assignment", &late, "Pending SchedulePast").await;
    let renewed = json!({"spec": {"expiration": {"at": days_from_now(7)}}});
    office.changes(CAROL, "Policy", ENGINEERS, renewed).await;
    office.reaches("Assignment", &late, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_policy_for_nobody_is_for_managers_only() {
    let office = department("direct-none").await.open_to_everybody().await;
    let terms = json!({"accessPackage": ONCALL, "requestors": {"scope": "None"}, "expiration": {"never": true}, "justification": "Optional"});
    office.write(CAROL, "Policy", ENGINEERS, terms).await;
    office.becomes("Policy", &office.catalog(), ENGINEERS, "Ready", "True Available").await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Denied NotEligible").await;
    let assignment = office.assigns(ALICE).await;
    let record = office.read("Assignment", &assignment).await;
    assert!(record.pointer("/spec/schedule/endTime").is_none(), "it has no end: {}", record["spec"]);
    office.is_right().await;
}

#[tokio::test]
async fn an_earlier_end_counts_and_a_later_one_only_within_the_limit() {
    let office = department("direct-end").await.open_to_engineers().await;
    let name = office.assigns(ALICE).await;
    let limit = text(&office.read("Assignment", &name).await, "/spec/schedule/endTime").to_owned();
    let moves_end_to =
        async |end: &str| office.changes(BOB, "Assignment", &name, json!({"spec": {"schedule": {"endTime": end}}})).await;
    let accepted = async || text(&office.read("Assignment", &name).await, "/status/schedule/endTime").to_owned();

    moves_end_to(&days_from_now(90)).await;
    office.becomes("Assignment", &office.catalog(), &name, "Ready", "False ScheduleTooLong").await;
    assert_eq!(accepted().await, limit, "what was accepted still counts");
    moves_end_to(&limit).await;
    office.becomes("Assignment", &office.catalog(), &name, "Ready", "True Delivered").await;

    moves_end_to(&seconds_from_now(2)).await;
    office.reaches("Assignment", &name, "Expired").await;
    office.can_look_in_becomes(ALICE, false).await;
    moves_end_to(&limit).await;
    office.assigns(ALICE).await;
    assert_eq!(office.phase("Assignment", &name).await, "Expired Expired", "what is over is over");
    office.is_right().await;
}

#[tokio::test]
async fn what_starts_later_starts_then_and_ends_then() {
    let office = department("direct-later").await.open_to_engineers().await;
    let period = json!({"schedule": {"startTime": seconds_from_now(3), "endTime": seconds_from_now(6)}});
    let name = office.assigns_with(ONCALL, ALICE, period).await;
    office.reaches("Assignment", &name, "Scheduled").await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0, "nothing is given before the start");
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    let record = office.reaches("Assignment", &name, "Expired").await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0, "Expired is said when it is gone: {}", record["status"]);
    office.is_right().await;
}

#[tokio::test]
async fn revoking_keeps_the_record_and_deleting_does_not() {
    let office = department("direct-over").await.open_to_engineers().await;
    let (kept, dropped) = (office.assigns(ALICE).await, office.assigns(DAVE).await);
    office.revokes(&kept).await;
    let record = office.reaches("Assignment", &kept, "Revoked").await;
    assert!(text(&record, "/status/message").contains(BOB), "it says by whom: {}", record["status"]);
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;
    office.deletes("Assignment", &dropped).await;
    office.goes("Assignment", &dropped).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn groups_and_service_accounts_hold_packages_too() {
    let office = department("direct-kinds").await.open_to_engineers().await;
    let subjects = [
        json!({"kind": "Group", "name": "night-shift"}),
        json!({"kind": "ServiceAccount", "namespace": "default", "name": "robot"}),
        json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": "robot"}),
    ];
    let mut assignments = Vec::new();
    for subject in &subjects {
        let assignment = office.assigns_with(ONCALL, "", json!({ "subject": subject })).await;
        office.reaches("Assignment", &assignment, "Delivered").await;
        assignments.push(assignment);
    }
    let binding = office.binding(&office.name).await;
    let kinds: Vec<&str> = list(&binding, "/subjects").map(|s| text(s, "/kind")).collect();
    assert_eq!(kinds, ["Group", "ServiceAccount", "ServiceAccount"], "each is bound as what it is: {}", binding["subjects"]);
    office.revokes(&assignments[1]).await;
    office.reaches("Assignment", &assignments[1], "Revoked").await;
    let left = office.binding(&office.name).await;
    let spaces: Vec<&str> = list(&left, "/subjects").map(|s| text(s, "/namespace")).collect();
    assert_eq!(spaces, ["", "kube-system"], "only the one that ended is gone: {}", left["subjects"]);
    office.is_right().await;
}

#[tokio::test]
async fn separation_of_duties_sees_direct_assignments() {
    let office = department("direct-duties").await.open_to_engineers().await;
    let audit = json!({"resourceRoles": [viewer()], "incompatibleWith": {"accessPackages": [{"name": ONCALL}]}});
    office.write(CAROL, "AccessPackage", "audit", audit).await;
    office.write(CAROL, "Policy", "auditors", at_once().spec("audit")).await;
    office.becomes("Policy", &office.catalog(), "auditors", "Ready", "True Available").await;
    let held = office.assigns_with("audit", ALICE, json!({"policy": "auditors"})).await;
    office.reaches("Assignment", &held, "Delivered").await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Denied Incompatible").await;
    office.is_right().await;
}

#[tokio::test]
async fn many_rivals_of_one_moment_leave_one_holder() {
    let office = department("direct-rivals").await.open_to_engineers().await;
    let spec = json!({"accessPackage": ONCALL, "policy": ENGINEERS, "subject": {"kind": "User", "name": ALICE}});
    let bob = office.person(BOB).await;
    let rival = |number: usize| {
        let metadata = json!({"name": format!("rival-{number}"), "namespace": office.catalog()});
        bob.create(json!({"kind": "Assignment", "metadata": metadata, "spec": spec}))
    };
    let made = futures::future::join_all((0..8).map(rival)).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    eventually("one holds it and seven wait", SOON, async || {
        let all = office.person(ROOT).await.list("Assignment", &office.catalog()).await.map_err(|refusal| refusal.to_string())?;
        let waiting = all.iter().filter(|a| phase(a) == "Pending AlreadyAssigned").count();
        let phases: Vec<String> = all.iter().map(phase).collect();
        if waiting == 7 && phases.contains(&"Delivered".to_owned()) { Ok(()) } else { Err(format!("{phases:?}")) }
    })
    .await;
    office.is_right().await;
}

#[tokio::test]
async fn what_is_being_accepted_counts_already() {
    let plane = quiet().await;
    let line = Line::open(&plane).await;
    let _replica = Replica::start(&plane, &line, &[]).await;
    let office = Department::open(&plane, "direct-claims").await.open_to_engineers().await;
    let audit = json!({"resourceRoles": [viewer()], "incompatibleWith": {"accessPackages": [{"name": ONCALL}]}});
    office.write(CAROL, "AccessPackage", "audit", audit).await;
    office.write(CAROL, "Policy", "auditors", at_once().spec("audit")).await;
    office.becomes("Policy", &office.catalog(), "auditors", "Ready", "True Available").await;

    // The API server is slow to say that the first one is accepted.
    line.has(Fault::Holds { path: "assignments/first/status", saying: "\"phase\":\"Provisioning\"" });
    let spec = json!({"accessPackage": ONCALL, "policy": ENGINEERS, "subject": {"kind": "User", "name": ALICE}});
    office.write(BOB, "Assignment", "first", spec).await;
    line.holds_a_write().await;
    let same = office.assigns_with(ONCALL, ALICE, json!({})).await;
    let incompatible = office.assigns_with("audit", ALICE, json!({"policy": "auditors"})).await;
    let request = office.asks_with(ALICE, json!({"accessPackage": "audit"})).await;
    office.reaches("Assignment", &same, "Pending AlreadyAssigned").await;
    office.reaches("Assignment", &incompatible, "Pending Incompatible").await;
    office.request_is(&request, "Denied Incompatible").await;
    line.has(Fault::None);
    office.reaches("Assignment", "first", "Delivered").await;
    office.is_right().await;
}
