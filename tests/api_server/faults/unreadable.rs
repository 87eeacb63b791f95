//! What the API server stores and nobody can read: written under the definitions of before, which admitted instants that only the API server
//! reads. It gives nothing, lets nothing new happen, says so, goes when it is deleted, and counts again when it is written properly.

use serde_json::{Value, json};

use crate::acts::{ENGINEERS, VIEW};
use crate::checker::text;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, ZOE};
use crate::support::{Operator, Plane, ROOT, eventually};
use crate::world::{WITHIN, is_idle, quiet, sum};

/// Taken by the API server, and by nobody else.
const ODD: &str = "2027-06-01T08:00:00,5Z";

/// Takes the patterns of instants out of a schema.
fn loosen(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str) == Some("date-time") {
                map.remove("pattern");
            }
            map.values_mut().for_each(loosen);
        }
        Value::Array(items) => items.iter_mut().for_each(loosen),
        _ => {}
    }
}

/// Installs the definitions of before.
async fn with_definitions_of_before(plane: &Plane) {
    for name in ["assignments", "accessrequests", "policies"] {
        let name = format!("{name}.entitlement.dev");
        let found = plane.kubectl(ROOT, &["get", "crd", &name, "-o", "json"]).await.ok();
        let mut definition: Value = serde_json::from_str(&found).expect("it is JSON");
        loosen(&mut definition);
        plane.kubectl_with_input(ROOT, &["replace", "-f", "-"], &definition.to_string()).await.ok();
    }
}

impl Department<'_> {
    /// Somebody changes an object as soon as the API server takes it.
    async fn manages_to_change(&self, who: &str, kind: &str, name: &str, change: Value) {
        let person = self.person(who).await;
        eventually(&format!("{who} changes {kind} {name}"), WITHIN, async || {
            person.patch(kind, &self.catalog(), name, change.clone()).await.map_err(|refusal| refusal.to_string())
        })
        .await;
    }

    async fn is_unreadable(&self, kind: &str, name: &str) {
        let found = self.becomes(kind, &self.catalog(), name, "Ready", "False Unreadable").await;
        let conditions = found["status"]["conditions"].to_string();
        assert!(conditions.contains("is no instant"), "it names the field and the value: {conditions}");
        self.is_told(kind, name, "Unreadable", "until it is written properly").await;
    }
}

/// How many objects of a kind the operator cannot read.
async fn are_counted(operator: &Operator, kind: &str, count: f64) {
    eventually(&format!("{count} unreadable {kind}s are counted"), WITHIN, async || {
        let found = sum(&operator.metrics().await, "entitlement_unreadable_objects", &[&format!("kind=\"{kind}\"")]);
        if (found - count).abs() < f64::EPSILON { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn an_assignment_that_cannot_be_read_gives_nothing_until_it_is_written_properly() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "unreadable-assignment").await.open_to_engineers().await;
    let (asked, direct) = (office.gets_by_asking(ALICE).await, office.assigns(DAVE).await);
    office.assigns(ZOE).await;
    with_definitions_of_before(&plane).await;

    let odd = json!({"schedule": {"endTime": ODD}});
    office.manages_to_change(BOB, "Assignment", &direct, json!({"spec": odd})).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, ZOE]).await;
    office.is_unreadable("Assignment", &direct).await;
    are_counted(&operator, "Assignment", 1.0).await;
    let both = json!({"spec": {"schedule": {"endTime": ODD}, "revoked": {"reason": "left"}}});
    office.manages_to_change(BOB, "Assignment", &asked, both).await;
    office.is_held_by(&office.name, VIEW, &[ZOE]).await;
    office.is_unreadable("Assignment", &asked).await;
    assert!(operator.stop().await.success(), "it ends well");

    let operator = Operator::start(&plane, &[]).await;
    office.deletes("Assignment", &asked).await;
    office.goes("Assignment", &asked).await;
    are_counted(&operator, "Assignment", 1.0).await;
    office.is_held_by(&office.name, VIEW, &[ZOE]).await;
    let end = json!({"spec": {"schedule": {"endTime": "2027-06-01T08:00:00Z"}}});
    let accepted = office.read("Assignment", &direct).await["status"]["schedule"]["endTime"].clone();
    office.manages_to_change(BOB, "Assignment", &direct, end).await;
    office.reaches("Assignment", &direct, "Delivered").await;
    office.is_held_by(&office.name, VIEW, &[DAVE, ZOE]).await;
    are_counted(&operator, "Assignment", 0.0).await;
    let found = office.read("Assignment", &direct).await;
    assert_eq!(found["status"]["schedule"]["endTime"], accepted, "a later end than the policy allows still counts for nothing");
    office.is_right().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_lets_nobody_new_in_and_a_request_is_denied_and_can_be_made_again() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "unreadable-policy").await.open_to_engineers().await;
    office.assigns(DAVE).await;
    with_definitions_of_before(&plane).await;

    let odd = json!({"expiration": {"after": null, "at": ODD}, "enabled": false});
    office.manages_to_change(CAROL, "Policy", ENGINEERS, json!({"spec": odd})).await;
    office.is_unreadable("Policy", ENGINEERS).await;
    are_counted(&operator, "Policy", 1.0).await;
    let asked = office.make(ROOT, office.wish(json!({"justification": "early"}))).await;
    office.request_is(text(&asked, "/metadata/name"), "Submitted PolicyNotFound").await;
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;
    let proper = json!({"spec": {"expiration": {"at": "2027-06-01T08:00:00Z"}, "enabled": true}});
    office.manages_to_change(CAROL, "Policy", ENGINEERS, proper).await;
    office.becomes("Policy", &office.catalog(), ENGINEERS, "Ready", "True Available").await;

    let wish = office.wish(json!({"schedule": {"startTime": ODD}, "justification": "odd"}));
    let odd = office.make(ALICE, wish).await;
    let odd = text(&odd, "/metadata/name");
    office.request_is(odd, "Denied Unreadable").await;
    office.is_unreadable("AccessRequest", odd).await;
    office.gets_by_asking(ALICE).await;
    office.deletes("AccessRequest", odd).await;
    office.goes("AccessRequest", odd).await;
    are_counted(&operator, "AccessRequest", 0.0).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
}

/// Installs a definition of packages under which a description may be a number.
async fn with_descriptions_of_any_sort(plane: &Plane) {
    let found = plane.kubectl(ROOT, &["get", "crd", "accesspackages.entitlement.dev", "-o", "json"]).await.ok();
    let mut definition: Value = serde_json::from_str(&found).expect("it is JSON");
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    definition.pointer_mut(spec).expect("a schema")["description"] = json!({"x-kubernetes-int-or-string": true});
    plane.kubectl_with_input(ROOT, &["replace", "-f", "-"], &definition.to_string()).await.ok();
}

#[tokio::test]
async fn a_package_that_cannot_be_read_gives_what_it_gave_and_is_not_written_over() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "unreadable-package").await.open_to_engineers().await;
    let left = office.assigns(DAVE).await;
    office.assigns(ZOE).await;
    with_descriptions_of_any_sort(&plane).await;

    office.manages_to_change(CAROL, "AccessPackage", ONCALL, json!({"spec": {"description": 5}})).await;
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "False Unreadable").await;
    are_counted(&operator, "AccessPackage", 1.0).await;
    is_idle(&operator).await;
    let refused =
        async || sum(&operator.metrics().await, "entitlement_reconciles", &["kind=\"AccessPackage\"", "outcome=\"stale\""]);
    let before = refused().await;
    office.revokes(&left).await;
    office.is_held_by(&office.name, VIEW, &[ZOE]).await;
    office.reaches("Assignment", &left, "Revoked").await;
    is_idle(&operator).await;
    assert!((refused().await - before).abs() < f64::EPSILON, "its counts differ, and wait until it can be read");

    office.manages_to_change(CAROL, "AccessPackage", ONCALL, json!({"spec": {"description": "on call"}})).await;
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "True Available").await;
    are_counted(&operator, "AccessPackage", 0.0).await;
    eventually("its counts are right", WITHIN, async || {
        let found = office.read("AccessPackage", ONCALL).await["status"]["liveAssignments"].clone();
        if found == json!(1) { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    office.is_held_by(&office.name, VIEW, &[ZOE]).await;
    office.is_right().await;
}
