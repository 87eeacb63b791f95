//! Nobody holds up an end: not with a finalizer, a forged binding, a frozen namespace, an impossible subject or a flood.

use serde_json::{Value, json};

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, ERIN, PETER, condition, name, phase};
use crate::support::{Operator, ROOT, eventually};
use crate::terms::{at_once, if_a_lead_agrees};
use crate::world::department;
use crate::world::{WITHIN, quiet};

fn user(name: &str) -> Value {
    json!({"kind": "User", "name": name})
}

/// Refuses what anybody writes into a namespace about RoleBindings, where an expression does not hold.
fn check(office: &str, operations: Value, expression: &str) -> [Value; 2] {
    let name = format!("{office}.example.org");
    let rules = json!([{"apiGroups": ["rbac.authorization.k8s.io"], "apiVersions": ["v1"], "operations": operations, "resources": ["rolebindings"]}]);
    let here = json!({"matchLabels": {"kubernetes.io/metadata.name": office}});
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"namespaceSelector": here, "resourceRules": rules},
            "validations": [{"expression": expression, "message": "the change board said no"}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    });
    [policy, binding]
}

impl Department<'_> {
    /// Waits until a change of a RoleBinding with such a subject is refused.
    async fn is_checked(&self, operations: Value, expression: &str) {
        for object in check(&self.name, operations, expression) {
            self.plane.kubectl_apply(ROOT, &object.to_string()).await.ok();
        }
        let root = self.person(ROOT).await;
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"});
        let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "guest-impossible"});
        let probe = json!({"kind": "RoleBinding", "metadata": {"name": "probe", "namespace": self.name}, "roleRef": role});
        eventually("the check is in force", WITHIN, async || {
            let made = root.create(probe.clone()).await;
            let change = json!({"subjects": [subject]});
            let changed = root.patch("RoleBinding", &self.name, "probe", change).await;
            match (made, changed) {
                (_, Err(refusal)) if refusal.message.contains("change board") => Ok(()),
                other => {
                    let _ = root.delete("RoleBinding", &self.name, "probe").await;
                    Err(format!("{other:?}"))
                }
            }
        })
        .await;
    }

    async fn is_checked_no_more(&self) {
        let name = format!("{}.example.org", self.name);
        let what = ["delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", &name];
        self.plane.kubectl(ROOT, &what).await.ok();
    }

    /// The one assignment of the catalog.
    async fn assignment(&self) -> String {
        let all = self.person(ROOT).await.list("Assignment", &self.catalog()).await.expect("root may list");
        name(all.first().expect("there is one"))
    }

    /// Alice's assignment is revoked, and that is that.
    async fn ends_for_alice(&self, assignment: &str) {
        self.is_revoked(assignment).await;
        self.can_look_in_becomes(ALICE, false).await;
        self.reaches("Assignment", assignment, "Revoked").await;
        self.is_right().await;
    }

    async fn is_revoked(&self, assignment: &str) {
        let change = json!({"spec": {"revoked": {"reason": "left"}}});
        self.person(CAROL).await.patch("Assignment", &self.catalog(), assignment, change).await.expect("carol may revoke");
    }
}

/// B14: a finalizer would keep the binding, and RBAC honours it.
#[tokio::test]
async fn a_binding_with_a_finalizer_gives_nothing_after_the_end() {
    let office = department("b14-finalizer").await.with_alice().await;
    let binding = name(&office.grants().await[0]);
    let keep = json!({"metadata": {"finalizers": ["example.org/mine"]}});
    office.person(ROOT).await.patch("RoleBinding", &office.name, &binding, keep).await.expect("root may");
    let assignment = office.assignment().await;
    office.ends_for_alice(&assignment).await;
}

/// B14: a binding in a namespace of somebody else claims to carry the grant, and cannot be deleted.
#[tokio::test]
async fn a_forged_binding_elsewhere_keeps_no_assignment_from_ending() {
    let office = department("b14-forged").await.with_alice().await;
    let mut forged = office.grants().await.remove(0);
    office.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": "b14-elsewhere"}})).await;
    let marks = json!({"name": forged["metadata"]["name"], "namespace": "b14-elsewhere", "labels": forged["metadata"]["labels"],
        "annotations": forged["metadata"]["annotations"], "finalizers": ["example.org/mine"]});
    forged["metadata"] = marks;
    forged["kind"] = json!("RoleBinding");
    office.make(ROOT, forged).await;
    let assignment = office.assignment().await;
    office.ends_for_alice(&assignment).await;
}

/// Rule 14: what a revocation is refused with stands in the status, and it happens as soon as it can.
#[tokio::test]
async fn a_frozen_namespace_is_told_in_the_status_of_what_should_have_ended() {
    let office = department("frozen").await.with_alice().await;
    let assignment = office.assignment().await;
    office.is_checked(json!(["UPDATE", "DELETE"]), "false").await;
    let (root, catalog) = (office.person(ROOT).await, office.catalog());
    office.is_revoked(&assignment).await;
    eventually("the status repeats the refusal", WITHIN, async || {
        let found = root.get("Assignment", &catalog, &assignment).await.map_err(|refusal| refusal.to_string())?;
        let said = found["status"]["message"].as_str().unwrap_or_default();
        let granted = found["status"]["grants"][0]["message"].as_str().unwrap_or_default();
        let both = said.contains("the change board said no") && granted.contains("the change board said no");
        if both && phase(&found).starts_with("Revoking") { Ok(()) } else { Err(found["status"].to_string()) }
    })
    .await;
    office.is_checked_no_more().await;
    office.reaches("Assignment", &assignment, "Revoked").await;
    office.can_look_in_becomes(ALICE, false).await;
    office.is_right().await;
}

/// B3: somebody whom the API server refuses keeps nobody in, and nobody else out.
#[tokio::test]
async fn an_impossible_subject_keeps_nobody_in_and_nobody_else_out() {
    let office = department("b3-impossible").await.with_alice().await;
    let leaving = office.assignment().await;
    office.is_checked(json!(["CREATE", "UPDATE"]), "!object.?subjects.orValue([]).exists(s, s.name == 'guest-impossible')").await;
    let impossible = office.assigned(user("guest-impossible")).await;
    office.reaches("Assignment", &impossible, "PartiallyDelivered GrantFailed").await;
    let said = office.read("Assignment", &impossible).await["status"]["message"].to_string();
    assert!(said.contains("the change board said no"), "{said}");
    let (erin, dave) = tokio::join!(office.assigned(user(ERIN)), office.assigned(user(DAVE)));
    office.is_revoked(&leaving).await;
    office.can_look_in_becomes(ALICE, false).await;
    office.reaches("Assignment", &leaving, "Revoked").await;
    for other in [&erin, &dave] {
        office.reaches("Assignment", other, "Delivered").await;
    }
    office.can_look_in_becomes(DAVE, true).await;
    office.is_checked_no_more().await;
    office.reaches("Assignment", &impossible, "Delivered").await;
    office.is_right().await;
}

/// B11: what a stranger asks for somebody is refused at once, and blocks nobody.
#[tokio::test]
async fn what_a_stranger_asks_for_somebody_blocks_nobody() {
    let office = department("b11-stranger").await.open_to_everybody().await;
    office.policy("engineers", &at_once()).await;
    let wish = json!({"subject": user(ALICE), "policy": "there-is-none"});
    let asked = office.asks_with(DAVE, wish).await;
    office.request_is(&asked, "Denied NotAllowedForOthers").await;
    let own = office.asks(ALICE).await;
    office.request_is(&own, "Delivered").await;
    office.is_right().await;
}

/// B4: one login has so many requests open, and another one is not held up by them.
#[tokio::test]
async fn one_requestor_has_so_many_requests_open() {
    let plane = quiet().await;
    let _running = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "b4-many").await;
    let mut spec = if_a_lead_agrees().spec(ONCALL);
    spec["requestors"] = json!({"scope": "AllMembers", "onBehalf": [user(PETER)]});
    office.write(CAROL, "Policy", "engineers", spec).await;
    office.becomes("Policy", &office.catalog(), "engineers", "Ready", "True Available").await;
    for number in 0..20 {
        let asked = office.asks_with(PETER, json!({"subject": user(&format!("guest-{number}"))})).await;
        office.request_is(&asked, "PendingApproval").await;
    }
    let more = office.asks_with(PETER, json!({"subject": user("guest-more")})).await;
    let denied = office.request_is(&more, "Denied TooManyRequests").await;
    assert!(condition(&denied, "Accepted").starts_with("False"), "{denied}");
    let own = office.asks(ALICE).await;
    office.request_is(&own, "PendingApproval").await;
}

/// A requestor deletes an own request of which nothing came, and no other.
#[tokio::test]
async fn a_requestor_deletes_an_own_request_of_which_nothing_came() {
    let office = department("own-deletion").await.open_to_everybody().await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let (alice, dave, catalog) = (office.person(ALICE).await, office.person(DAVE).await, office.catalog());
    let pending = office.asks(ALICE).await;
    office.request_is(&pending, "PendingApproval").await;
    let refusal = alice.delete("AccessRequest", &catalog, &pending).await.expect_err("it is in progress");
    assert!(refusal.message.contains("is in progress"), "{refusal}");
    alice.patch("AccessRequest", &catalog, &pending, json!({"spec": {"cancelled": true}})).await.expect("alice may cancel");
    office.request_is(&pending, "Cancelled Cancelled").await;
    let refusal = dave.delete("AccessRequest", &catalog, &pending).await.expect_err("it is not his");
    assert!(refusal.message.contains("may not delete AccessRequest"), "{refusal}");
    alice.delete("AccessRequest", &catalog, &pending).await.expect("alice may delete what came to nothing");

    let approved = office.asks(ALICE).await;
    office.request_is(&approved, "PendingApproval").await;
    office.decides(BOB, &approved, "Approve").await;
    office.request_is(&approved, "Delivered").await;
    let refusal = alice.delete("AccessRequest", &catalog, &approved).await.expect_err("it is a record");
    assert!(refusal.message.contains("may not delete AccessRequest"), "{refusal}");
    let manager = office.person(CAROL).await;
    manager.delete("AccessRequest", &catalog, &approved).await.expect("a manager may");
    office.can_look_in_becomes(ALICE, false).await;
    office.is_right().await;
}

/// What is applied again, with every default left out, has not changed.
#[tokio::test]
async fn a_policy_applied_again_is_unchanged() {
    let office = department("applied-again").await;
    let text = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: Policy\nmetadata: {{name: engineers, namespace: {}}}\nspec:\n  \
         accessPackage: {ONCALL}\n  requestors: {{scope: AllMembers}}\n  expiration: {{after: 8h}}\n  \
         approval: {{stages: [{{name: lead, approvers: [{{kind: CatalogOwners}}]}}]}}\n  \
         questions: [{{name: ticket, text: \"Which ticket?\"}}]\n",
        office.catalog()
    );
    office.plane.kubectl_apply(CAROL, &text).await.ok();
    office.becomes("Policy", &office.catalog(), "engineers", "Ready", "True Available").await;
    let again = office.plane.kubectl_apply(CAROL, &text).await.ok();
    assert!(again.contains("unchanged"), "{again}");
}

/// Rule 14: what cannot be written for a request stands in its status, and goes on when it can.
#[tokio::test]
async fn what_cannot_be_written_is_told_where_people_look() {
    let office = department("write-failed").await;
    office.policy("engineers", &at_once()).await;
    let catalog = office.catalog();
    for mut object in check(&catalog, json!(["CREATE"]), "false") {
        if let Some(rules) = object.pointer_mut("/spec/matchConstraints/resourceRules") {
            let group = ["entitlement.dev"];
            *rules = json!([{"apiGroups": group, "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["assignments"]}]);
        }
        office.plane.kubectl_apply(ROOT, &object.to_string()).await.ok();
    }
    let root = office.person(ROOT).await;
    let direct = json!({"kind": "Assignment", "metadata": {"generateName": "probe-", "namespace": catalog},
        "spec": {"accessPackage": ONCALL, "policy": "engineers", "subject": user("guest-probe")}});
    eventually("the check is in force", WITHIN, async || match root.create(direct.clone()).await {
        Err(refusal) if refusal.message.contains("change board") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let asked = office.asks(ALICE).await;
    let told = office.becomes("AccessRequest", &catalog, &asked, "WriteFailed", "True TriedAgain").await;
    assert!(told["status"]["conditions"].to_string().contains("the change board said no"), "{}", told["status"]);
    let what = ["delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", &format!("{catalog}.example.org")];
    office.plane.kubectl(ROOT, &what).await.ok();
    office.request_is(&asked, "Delivered").await;
    office.becomes("AccessRequest", &catalog, &asked, "WriteFailed", "- -").await;
    office.can_look_in_becomes(ALICE, true).await;
    office.is_right().await;
}
