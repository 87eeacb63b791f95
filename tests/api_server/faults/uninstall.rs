//! Uninstalling. With the operator there: all access goes, nothing is stuck, and what is installed again is new. Without it: an
//! administrator can do the same by hand.

use crate::acts::VIEW;
use crate::checker::text;
use crate::department::Department;
use crate::person::{ALICE, DAVE, Person, ZOE};
use crate::support::{Operator, Plane, ROOT, eventually, install};
use crate::terms::if_a_lead_agrees;
use crate::world::{SOON, WITHIN, is_idle, quiet, sum};

#[tokio::test]
async fn deleting_the_definitions_takes_all_access_along() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    let slow = Department::open(&plane, "uninstall-slow").await;
    slow.policy("asked", &if_a_lead_agrees()).await;
    let pending = slow.asks(ZOE).await;
    slow.request_is(&pending, "PendingApproval").await;

    let root = office.person(ROOT).await;
    plane.kubectl(ROOT, &["delete", "-k", "config/crd", "--wait=false"]).await.ok();
    every_definition_is_gone(&plane, &root).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    no_binding_is_left(&root).await;
    assert!(operator.ended().is_none(), "the operator lives");
    does_not_loop_hot(&operator).await;

    install(&plane).await;
    eventually("the operator sees the definitions again", WITHIN * 2, async || {
        root.get("Catalog", "", "default").await.map(|_| ()).map_err(|refusal| refusal.to_string())
    })
    .await;
    let reborn = Department::open(&plane, "uninstall-again").await.open_to_engineers().await;
    reborn.assigns(ZOE).await;
    reborn.is_held_by(&reborn.name, VIEW, &[ZOE]).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    is_idle(&operator).await;
    reborn.is_right().await;
    office.is_right().await;
}

/// Waits until the API server knows none of our definitions; while it does, says what holds them up.
async fn every_definition_is_gone(plane: &Plane, root: &Person) {
    eventually("every definition is gone", WITHIN * 2, async || {
        let mut left = Vec::new();
        for kind in ["Assignment", "AccessPackage", "AccessRequest", "CatalogResource", "Catalog"] {
            let stuck = root.list(kind, "").await.unwrap_or_default();
            left.extend(stuck.iter().map(|o| format!("{kind} {}: {}", text(o, "/metadata/name"), o["status"]["conditions"])));
        }
        let definitions = plane.kubectl(ROOT, &["get", "crd", "-o", "name"]).await.ok();
        if definitions.contains("entitlement.dev") { Err(format!("{definitions}{left:?}")) } else { Ok(()) }
    })
    .await;
}

async fn no_binding_is_left(root: &Person) {
    let left = root.list("RoleBinding", "").await.expect("root may list");
    let ours = left.iter().find(|b| b["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("entitlement:")));
    assert!(ours.is_none(), "no binding is left: {ours:?}");
}

/// What is counted is a rate, so this one waits for a time to pass.
async fn does_not_loop_hot(operator: &Operator) {
    let before = sum(&operator.metrics().await, "entitlement_api_requests_total", &[]);
    tokio::time::sleep(SOON / 5).await;
    let after = sum(&operator.metrics().await, "entitlement_api_requests_total", &[]);
    assert!(after - before < 100.0, "it does not loop hot: {} requests in two seconds", after - before);
}

#[tokio::test]
async fn deleting_one_definition_takes_what_hangs_on_it() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall-one").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    plane.kubectl(ROOT, &["delete", "crd", "assignments.entitlement.dev", "--timeout=60s"]).await.ok();
    office.is_held_by(&office.name, VIEW, &[]).await;
    is_idle(&operator).await;
    install(&plane).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.assigns(ZOE).await;
    office.is_right().await;
}

/// The two scripts of the README: with the operator, and without it.
fn scripts() -> [String; 2] {
    let readme = include_str!("../../../README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Uninstall")).expect("the README says how");
    let mut blocks = section.split("```").skip(1).step_by(2).map(|block| block.trim_start_matches("sh\n").to_owned());
    [(); 2].map(|()| blocks.next().expect("two scripts"))
}

/// Runs a script of the README as the administrator of the cluster; it stops at the first command that fails.
async fn runs(plane: &Plane, script: &str) {
    let shell = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .env("KUBECONFIG", plane.kubeconfig(ROOT))
        .env("KUBECACHEDIR", plane.dir().join("kubectl-cache"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(WITHIN * 4, shell).await.expect("the script comes to an end").expect("bash is there");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
}

/// Waits until nothing is left of an installation and a department.
async fn nothing_stays(office: &Department<'_>) {
    let root = office.person(ROOT).await;
    eventually("the catalog's namespace is gone", WITHIN * 2, async || {
        match root.get("Namespace", "", &office.catalog()).await {
            Err(refusal) if refusal.code == 404 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0, "nobody has access");
    let kinds = "crd,clusterroles,clusterrolebindings,validatingadmissionpolicies,mutatingadmissionpolicies,namespaces";
    let left = office.plane.kubectl(ROOT, &["get", kinds, "-o", "name"]).await.ok();
    let ours = left.lines().filter(|line| line.contains("entitlement") && !line.contains("/test-entitlement"));
    assert_eq!(ours.collect::<Vec<_>>(), Vec::<&str>::new(), "nothing stays");
}

#[tokio::test]
async fn as_the_readme_says() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let _operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall-readme").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    let [with_operator, _] = scripts();
    runs(&plane, &with_operator).await;
    nothing_stays(&office).await;
}

#[tokio::test]
async fn as_the_readme_says_when_the_operator_is_gone_for_good() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall-orphan").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    operator.kill();
    let [_, without_operator] = scripts();
    runs(&plane, &without_operator).await;
    nothing_stays(&office).await;
}
