//! Where nothing is entered by the API server (Kubernetes 1.30 to 1.35: `config/without-stamping`), clients write who they are, and a lie is
//! refused.

use serde_json::{Value, json};

use crate::acts::role;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, Refusal, name};
use crate::support::{Operator, Plane, ROOT, eventually, install};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, quiet};

/// What `kubectl auth whoami` says of the people.
fn who(user: &str) -> Value {
    let (short, groups) = match user {
        ALICE => ("u-alice", json!(["engineering", "system:authenticated"])),
        BOB => ("u-bob", json!(["payments-leads", "system:authenticated"])),
        CAROL => ("u-carol", json!(["department-heads", "system:authenticated"])),
        DAVE => ("u-dave", json!(["engineering", "system:authenticated"])),
        _ => panic!("{user} is none of them"),
    };
    json!({"username": user, "uid": short, "groups": groups})
}

/// A resource as Carol writes it where nobody enters the authors.
fn offered(namespace: &str, bound: &str) -> Value {
    let author = json!({"username": CAROL, "uid": "u-carol", "groupsRef": 1});
    let mut role = role("viewer", bound);
    role["author"] = author.clone();
    json!({
        "kubernetes": {"namespaces": [namespace], "author": author},
        "roles": [role],
        "authorGroups": [{"id": 1, "groups": who(CAROL)["groups"]}],
    })
}

/// Takes all that is entered away, and waits until the API server has forgotten it.
async fn unstamped(plane: &Plane) {
    for kind in ["mutatingadmissionpolicybindings", "mutatingadmissionpolicies"] {
        let ours = "app.kubernetes.io/part-of=entitlement-operator";
        plane.kubectl(ROOT, &["delete", kind, "-l", ours]).await.ok();
    }
    eventually("nothing is entered", WITHIN, async || {
        let text = "---\napiVersion: entitlement.dev/v1alpha1\nkind: Catalog\nmetadata: {name: nobodys}\nspec: {}\n";
        let output = plane.kubectl_with_input(ROOT, &["create", "--dry-run=server", "-f", "-"], text).await;
        if output.stderr.contains("spec.owners is empty") { Ok(()) } else { Err(output.to_string()) }
    })
    .await;
}

fn refused(made: Result<Value, Refusal>, why: &str) {
    let refusal = made.expect_err(why);
    assert!(refusal.code == 403 && refusal.message.contains(why), "{why}: {refusal}");
}

fn in_catalog(office: &Department<'_>, kind: &str, name: &str, spec: Value) -> Value {
    json!({"kind": kind, "metadata": {"name": name, "namespace": office.catalog()}, "spec": spec})
}

#[tokio::test]
async fn nobody_writes_in_anothers_name_where_nothing_is_entered() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let _running = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "unstamped").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    unstamped(&plane).await;
    let request = requestors_are_true(&office).await;
    approvers_are_true(&office, &request).await;
    who_assigns_and_who_revokes_is_true(&office).await;
    owners_are_written_by_the_client(&office).await;
    authors_are_true(&office).await;
    authors_of_connectors_are_true(&office).await;
    install(&plane).await;
    office.is_right().await;
}

/// Who asks. Alice's true request waits for approval.
async fn requestors_are_true(office: &Department<'_>) -> String {
    let alice = office.person(ALICE).await;
    let asks = |requestor: Value| {
        let spec = json!({"accessPackage": ONCALL, "requestor": requestor});
        in_catalog(office, "AccessRequest", "wish", spec)
    };
    let mut more_groups = who(ALICE);
    more_groups["groups"] = json!(["engineering", "payments-leads", "system:authenticated"]);
    for (lie, field) in [(who(DAVE), "spec.requestor.username"), (more_groups, "spec.requestor.groups")] {
        refused(alice.create(asks(lie)).await, field);
    }
    name(&alice.create(asks(who(ALICE))).await.expect("the truth passes"))
}

/// Who decides. Bob's true decision delivers the request.
async fn approvers_are_true(office: &Department<'_>, request: &str) {
    let bob = office.person(BOB).await;
    let waiting = office.request_is(request, "PendingApproval").await;
    let uid = &waiting["metadata"]["uid"];
    let decides = |approver: Value| {
        let spec = json!({"accessRequest": request, "accessRequestUID": uid, "decision": "Approve", "approver": approver});
        in_catalog(office, "ApprovalDecision", "yes", spec)
    };
    refused(bob.create(decides(who(CAROL))).await, "spec.approver.username");
    bob.create(decides(who(BOB))).await.expect("the truth passes");
    office.request_is(request, "Delivered").await;
}

async fn who_assigns_and_who_revokes_is_true(office: &Department<'_>) {
    let carol = office.person(CAROL).await;
    let assigns = |by: Value| {
        let subject = json!({"kind": "User", "name": DAVE});
        let spec =
            json!({"accessPackage": ONCALL, "policy": "engineers", "subject": subject, "source": "Direct", "assignedBy": by});
        in_catalog(office, "Assignment", "direct", spec)
    };
    refused(carol.create(assigns(who(BOB))).await, "spec.assignedBy.username");
    carol.create(assigns(who(CAROL))).await.expect("the truth passes");
    office.reaches("Assignment", "direct", "Delivered").await;
    let revokes = async |by: &str| {
        let change = json!({"spec": {"revoked": {"by": by, "reason": "left"}}});
        carol.patch("Assignment", &office.catalog(), "direct", change).await
    };
    refused(revokes(BOB).await, "revoked.by");
    revokes(CAROL).await.expect("the truth passes");
    office.reaches("Assignment", "direct", "Revoked").await;
}

async fn owners_are_written_by_the_client(office: &Department<'_>) {
    let carol = office.person(CAROL).await;
    let owners = |owners: Value| json!({"kind": "Catalog", "metadata": {"name": "unstamped-two"}, "spec": {"owners": owners}});
    let refusal = carol.create(owners(json!([]))).await.expect_err("must be refused");
    assert!(refusal.message.contains("spec.owners is empty"), "{refusal}");
    carol.create(owners(json!([{"kind": "User", "name": CAROL}]))).await.expect("the truth passes");
}

/// Who wrote a role and its places, and in which groups they were.
async fn authors_are_true(office: &Department<'_>) {
    let carol = office.person(CAROL).await;
    let resource = |spec: Value| json!({"kind": "CatalogResource", "metadata": {"name": "typed", "namespace": office.catalog()}, "spec": spec});
    type Lie = fn(&mut Value);
    let lies: [(Lie, &str); 5] = [
        (|spec| spec["roles"][0]["author"]["username"] = json!("root"), "the author of role"),
        (|spec| spec["kubernetes"]["author"]["username"] = json!("root"), "spec.kubernetes.author"),
        (|spec| spec["authorGroups"][0]["groups"] = json!(["system:masters"]), "spec.authorGroups"),
        (
            |spec| spec["authorGroups"].as_array_mut().unwrap().push(json!({"id": 2, "groups": ["system:masters"]})),
            "spec.authorGroups",
        ),
        (|spec| drop(spec["roles"][0].as_object_mut().unwrap().remove("author")), "the author of role"),
    ];
    for (lie, why) in lies {
        let mut spec = offered(&office.name, "view");
        lie(&mut spec);
        refused(carol.create(resource(spec)).await, why);
    }
    carol.create(resource(offered(&office.name, "view"))).await.expect("the truth passes");
    office.becomes("CatalogResource", &office.catalog(), "typed", "Authorized", "True AuthorMayBind").await;

    // Later, somebody with more power writes something else, and neither takes over what stands nor leaves it to another.
    let root = office.person(ROOT).await;
    let change = async |spec: Value| root.patch("CatalogResource", &office.catalog(), "typed", json!({ "spec": spec })).await;
    change(json!({"description": "corrected"})).await.expect("a description has no author");
    let mut kept = offered(&office.name, "view");
    kept["roles"][0]["author"]["username"] = json!("system:admin");
    refused(change(json!({"roles": kept["roles"]})).await, "cannot be changed");
    refused(change(json!({"authorGroups": [{"id": 1, "groups": ["system:masters"]}]})).await, "spec.authorGroups");
    let smuggled = offered(&office.name, "cluster-admin");
    refused(change(json!({"roles": smuggled["roles"]})).await, "the author of role");
}

/// The same of a group behind a Connector, and of the way there.
async fn authors_of_connectors_are_true(office: &Department<'_>) {
    let carol = office.person(CAROL).await;
    let author = json!({"username": CAROL, "uid": "u-carol", "groupsRef": 1});
    let group = json!({"name": "corp", "type": "Group", "id": "/oncall", "author": author});
    let roles = json!([{"name": "viewer", "connector": {"role": "member"}, "author": author}]);
    let spec = json!({"connector": group, "roles": roles, "authorGroups": [{"id": 1, "groups": who(CAROL)["groups"]}]});
    type Lie = fn(&mut Value);
    let lies: [(Lie, &str); 3] = [
        (|spec| spec["connector"]["author"]["username"] = json!("root"), "spec.connector.author is"),
        (|spec| drop(spec["connector"].as_object_mut().unwrap().remove("author")), "spec.connector.author is missing"),
        (|spec| spec["roles"][0]["author"]["username"] = json!("root"), "the author of role"),
    ];
    for (lie, why) in lies {
        let mut spec = spec.clone();
        lie(&mut spec);
        refused(carol.create(in_catalog(office, "CatalogResource", "group", spec)).await, why);
    }
    carol.create(in_catalog(office, "CatalogResource", "group", spec.clone())).await.expect("the truth passes");
    let root = office.person(ROOT).await;
    let change =
        async |name: &str, spec: Value| root.patch("CatalogResource", &office.catalog(), name, json!({ "spec": spec })).await;
    change("group", json!({"description": "corrected"})).await.expect("a description has no author");
    refused(change("group", json!({"connector": {"id": "/other"}})).await, "spec.connector.author is");
    refused(change("group", json!({"connector": {"author": {"username": "root"}}})).await, "cannot be changed");
    refused(
        change("group", json!({"roles": [{"name": "viewer", "connector": {"role": "owner"}, "author": author}]})).await,
        "the author of role",
    );
    // Another's places and roles are not carried along from this cluster to a Connector.
    let moved = json!({"kubernetes": null, "connector": group, "roles": roles});
    refused(change("typed", moved).await, "the author of role");
}
