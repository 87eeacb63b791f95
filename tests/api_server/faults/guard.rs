//! While the admission policies are not in force nothing new is granted, and revocation goes on.

use serde_json::{Value, json};

use crate::acts::{VIEW, role};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, MALLORY, ZOE, name};
use crate::support::{Operator, Plane, ROOT, eventually, install};
use crate::terms::{at_once, if_a_lead_agrees};
use crate::world::{OURS, SOON, WITHIN, is_idle, quiet};

const POLICY: &str = "validatingadmissionpolicy";
const BINDING: &str = "validatingadmissionpolicybinding";
const CHECK: &str = "requestor-identity.entitlement.dev";

/// Waits until the operator says that it is ready, or what is missing.
async fn says(operator: &Operator, want: &str) {
    eventually(&format!("/readyz says {want:?}"), SOON, async || {
        let (_, page) = operator.get("/readyz").await?;
        if page.contains(want) { Ok(()) } else { Err(page) }
    })
    .await;
}

/// Puts the shipped policies back. What somebody else wrote into them would survive an apply, so they go first.
async fn repaired(plane: &Plane) {
    plane.kubectl(ROOT, &["delete", "--ignore-not-found", POLICY, CHECK]).await.ok();
    plane.kubectl(ROOT, &["delete", "--ignore-not-found", BINDING, CHECK]).await.ok();
    let args = ["apply", "--server-side", "--force-conflicts", "-k", "config/admission"];
    plane.kubectl(ROOT, &args).await.ok();
}

#[tokio::test]
async fn a_missing_policy_stops_grants_and_no_revocation() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "guard-missing").await.open_to_engineers().await;
    let (leaves, stays) = (office.assigns(ALICE).await, office.assigns("robot").await);

    office.builds("guard-missing-2").await;

    plane.kubectl(ROOT, &["delete", POLICY, CHECK]).await.ok();
    says(&operator, CHECK).await;
    let request = office.asks(DAVE).await;
    office.becomes("AccessRequest", &office.catalog(), &request, "Ready", "False IdentityNotEnforced").await;
    let direct = office.assigns_with(ONCALL, ZOE, json!({})).await;
    office.reaches("Assignment", &direct, "Pending IdentityNotEnforced").await;

    office.revokes(&leaves).await;
    office.is_held_by(&office.name, VIEW, &["robot"]).await;
    office.reaches("Assignment", &leaves, "Revoked").await;

    office.moves_to(&["guard-missing-2"]).await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Ready", "False AuthorUnknown").await;
    is_quiet(&operator).await;
    office.is_held_by(&office.name, VIEW, &["robot"]).await;
    let root = office.person(ROOT).await;
    let binding = office.binding(&office.name).await;
    root.delete("RoleBinding", &office.name, binding["metadata"]["name"].as_str().expect("a name")).await.expect("drift");
    is_quiet(&operator).await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0, "not even what drifted away is added");

    repaired(&plane).await;
    says(&operator, "ok").await;
    // What was asked and written meanwhile could have been by anybody, and has to be asked and written again.
    office.request_is(&request, "Denied IdentityNotEnforced").await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0);
    office.moves_to(&[&office.name]).await;
    office.reaches("Assignment", &direct, "Delivered").await;
    office.reaches("Assignment", &stays, "Delivered").await;
    let request = office.asks(DAVE).await;
    office.request_is(&request, "Delivered").await;
    office.is_held_by(&office.name, VIEW, &["robot", DAVE, ZOE]).await;
    office.is_right().await;
}

/// Whoever writes now is not stopped, and not corrected.
async fn disarmed(plane: &Plane) {
    for kind in [BINDING, "mutatingadmissionpolicybinding"] {
        plane.kubectl(ROOT, &["delete", kind, "-l", OURS]).await.ok();
    }
}

/// Somebody's forged request, decision and resource are taken by the API server.
struct Forged {
    request: String,
    decision: String,
}

impl Forged {
    /// Mallory asks as alice and decides as bob; carol offers what only an administrator could.
    async fn by_mallory(office: &Department<'_>, pending: &str) -> Self {
        let catalog = office.catalog();
        let request = forged(office, MALLORY, asked_by_alice(&catalog)).await;
        let decision = forged(office, MALLORY, approved_by_bob(&catalog, pending)).await;
        let offer = json!({
            "kind": "CatalogResource",
            "metadata": {"name": "everything", "namespace": catalog},
            "spec": offered_by_root("root"),
        });
        forged(office, CAROL, offer).await;
        let everything = json!({"spec": offered_by_root("viewer")});
        office.person(CAROL).await.patch("CatalogResource", &catalog, "tools", everything).await.expect("nobody checks");
        Self { request, decision }
    }

    /// Nothing came of it, and everybody who reads is told why.
    async fn is_worth_nothing(&self, office: &Department<'_>, pending: &str) {
        let catalog = office.catalog();
        office.request_is(&self.request, "Denied IdentityNotEnforced").await;
        office.counts(&self.decision, "False IdentityNotEnforced").await;
        for resource in ["everything", "tools"] {
            office.becomes("CatalogResource", &catalog, resource, "Authorized", "Unknown AuthorUnknown").await;
        }
        office.request_is(pending, "PendingApproval").await;
        office.is_held_by(&office.name, VIEW, &[]).await;
        let root = office.person(ROOT).await;
        let all = root.list("ClusterRoleBinding", "").await.expect("root may list");
        let ours = all.iter().find(|b| name(b).starts_with("entitlement:"));
        assert!(ours.is_none(), "nobody holds everything: {ours:?}");
    }
}

/// Somebody's lie is taken, and stands as it was written: the API server goes on checking for a moment.
async fn forged(office: &Department<'_>, who: &str, object: Value) -> String {
    eventually("the forgery is taken", SOON, async || {
        let taken = office.person(who).await.create(object.clone()).await.map_err(|refusal| refusal.to_string())?;
        let says_it_is = |name: &str| {
            let fields = ["/requestor", "/approver", "/roles/0/author"];
            fields.iter().any(|field| taken["spec"].pointer(field).is_some_and(|who| who["username"] == name))
        };
        if [ALICE, BOB, "root"].into_iter().any(says_it_is) { Ok(name(&taken)) } else { Err(taken.to_string()) }
    })
    .await
}

fn somebody_else(who: &str, group: &str) -> Value {
    json!({"username": who, "groups": [group, "system:authenticated"]})
}

fn asked_by_alice(catalog: &str) -> Value {
    json!({
        "kind": "AccessRequest",
        "metadata": {"generateName": "forged-", "namespace": catalog},
        "spec": {
            "accessPackage": ONCALL,
            "policy": "engineers",
            "requestor": somebody_else(ALICE, "engineering"),
            "subject": {"kind": "User", "name": ALICE},
        },
    })
}

fn approved_by_bob(catalog: &str, pending: &str) -> Value {
    json!({
        "kind": "ApprovalDecision",
        "metadata": {"generateName": "forged-", "namespace": catalog},
        "spec": {"accessRequest": pending, "decision": "Approve", "approver": somebody_else(BOB, "payments-leads")},
    })
}

/// Everything, everywhere, under a role of this name, as if an administrator had written it.
fn offered_by_root(name: &str) -> Value {
    let root = json!({"username": "root", "groupsRef": 1});
    let mut role = role(name, "cluster-admin");
    role["author"] = root.clone();
    json!({
        "kubernetes": {"clusterWide": true, "namespaces": [], "author": root},
        "roles": [role],
        "authorGroups": [{"id": 1, "groups": ["system:masters"]}],
    })
}

/// A department with a policy that asks a lead and a request that waits for one; Carol holds a package with a role that is not there yet.
async fn with_a_request_that_waits<'p>(plane: &'p Plane, name: &str) -> (Department<'p>, String) {
    let office = Department::open(plane, name).await.open_to_everybody().await;
    office.policy("asked", &if_a_lead_agrees()).await;
    let pending = office.asks(DAVE).await;
    office.request_is(&pending, "PendingApproval").await;
    office.policy("engineers", &at_once()).await;
    let root = json!({"resource": "everything", "role": "root"});
    let tools = json!({"kubernetes": {"namespaces": [office.name]}, "roles": [role("viewer", VIEW)]});
    office.write(CAROL, "CatalogResource", "tools", tools).await;
    office.becomes("CatalogResource", &office.catalog(), "tools", "Authorized", "True AuthorMayBind").await;
    office.write(CAROL, "AccessPackage", "all", json!({"resourceRoles": [root, {"resource": "tools", "role": "viewer"}]})).await;
    office.write(CAROL, "Policy", "all", at_once().spec("all")).await;
    office.assigns_with("all", CAROL, json!({"policy": "all"})).await;
    (office, pending)
}

#[tokio::test]
async fn what_was_forged_while_nobody_checked_counts_for_nothing_afterwards() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let (office, pending) = with_a_request_that_waits(&plane, "guard-forged").await;
    disarmed(&plane).await;
    says(&operator, CHECK).await;
    let forged = Forged::by_mallory(&office, &pending).await;
    install(&plane).await;
    says(&operator, "ok").await;
    forged.is_worth_nothing(&office, &pending).await;

    let decision = office.decides(BOB, &pending, "Approve").await;
    office.counts(&decision, "True Decided").await;
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn nor_does_what_was_forged_while_the_operator_was_away() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let (office, pending) = with_a_request_that_waits(&plane, "guard-away").await;
    operator.kill();
    disarmed(&plane).await;
    let forged = Forged::by_mallory(&office, &pending).await;
    install(&plane).await;
    let _operator = Operator::start(&plane, &[]).await;
    forged.is_worth_nothing(&office, &pending).await;
    let decision = office.decides(BOB, &pending, "Approve").await;
    office.counts(&decision, "True Decided").await;
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;
    office.is_right().await;
}

/// Waits until the operator has done all it does while it looks for the policies every second.
async fn is_quiet(operator: &Operator) {
    is_idle(operator).await;
}

#[tokio::test]
async fn every_way_to_disarm_a_policy_is_noticed_and_so_is_its_repair() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let disarm: [(&str, &[&str]); 5] = [
        ("unbound", &["delete", BINDING, CHECK]),
        ("weakened", &["patch", BINDING, CHECK, "--type=merge", "-p", r#"{"spec": {"validationActions": ["Warn"]}}"#]),
        (
            "for no namespace",
            &[
                "patch",
                BINDING,
                CHECK,
                "--type=merge",
                "-p",
                r#"{"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"none": "such"}}}}}"#,
            ],
        ),
        ("open on failure", &["patch", POLICY, CHECK, "--type=merge", "-p", r#"{"spec": {"failurePolicy": "Ignore"}}"#]),
        ("edited", &["patch", POLICY, CHECK, "--type=merge", "-p", r#"{"spec": {"validations": [{"expression": "true"}]}}"#]),
    ];
    for (how, args) in disarm {
        plane.kubectl(ROOT, args).await.ok();
        eventually(&format!("{how} is noticed"), SOON, async || {
            let (status, page) = operator.get("/readyz").await?;
            if status == 503 && page.contains(CHECK) { Ok(()) } else { Err(page) }
        })
        .await;
        let page = operator.metrics().await;
        assert!(page.contains("entitlement_identity_enforced 0"), "{how}: the metric says so");
        repaired(&plane).await;
        says(&operator, "ok").await;
    }
    assert!(operator.log().contains("identities are not enforced"), "the log says so");
}

#[tokio::test]
async fn it_is_noticed_at_start() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "guard-start").await.open_to_engineers().await;
    let leaves = office.assigns(ALICE).await;
    operator.kill();
    plane.kubectl(ROOT, &["delete", BINDING, CHECK]).await.ok();
    let waits = office.assigns_with(ONCALL, DAVE, json!({})).await;
    office.revokes(&leaves).await;

    let operator = Operator::spawn(&plane, &[]).await;
    eventually("the operator says what is missing", WITHIN, async || {
        let (status, page) = operator.get("/readyz").await?;
        if status == 503 && page.contains(CHECK) { Ok(()) } else { Err(page) }
    })
    .await;
    office.reaches("Assignment", &leaves, "Revoked").await;
    office.reaches("Assignment", &waits, "Pending IdentityNotEnforced").await;
    office.is_held_by(&office.name, VIEW, &[]).await;

    repaired(&plane).await;
    says(&operator, "ok").await;
    office.reaches("Assignment", &waits, "Delivered").await;
    office.is_right().await;
}
