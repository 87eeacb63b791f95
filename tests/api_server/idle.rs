//! Reconciling something that is as it should be sends no request.

use std::time::{Duration, Instant};

use entitlement_operator::api::KINDS;
use serde_json::json;

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, name};
use crate::support::{Operator, ROOT, eventually};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, is_idle, is_sound, quiet_and_new, sum};

/// How often each object is touched.
const TIMES: usize = 5;
/// How long nothing must have been sent before the counting starts.
const QUIET: Duration = Duration::from_secs(1);

/// Requests that the operator has sent, by what they ask for; its watches, and the lease that it may hold, have no end.
async fn sent(operator: &Operator) -> Vec<String> {
    let metrics = operator.metrics().await;
    let requests = metrics.lines().filter(|line| line.starts_with("entitlement_api_requests_total{"));
    let mut counted: Vec<String> = requests
        .filter(|line| !line.contains("verb=\"watch\"") && !line.contains("kind=\"leases\""))
        .map(str::to_owned)
        .collect();
    assert!(!counted.is_empty(), "requests are counted: {metrics}");
    counted.sort();
    counted
}

/// Waits until the operator sends nothing any more.
async fn rests(operator: &Operator) -> Vec<String> {
    is_idle(operator).await;
    let mut last = (Instant::now(), sent(operator).await);
    eventually("the operator sends nothing", WITHIN, async || {
        let now = sent(operator).await;
        if now != last.1 {
            last = (Instant::now(), now);
        }
        if last.0.elapsed() >= QUIET { Ok(last.1.clone()) } else { Err(format!("it did {:?} ago", last.0.elapsed())) }
    })
    .await
}

async fn reconciliations(operator: &Operator, kind: &str) -> f64 {
    sum(&operator.metrics().await, "entitlement_reconciles_total", &[&format!("kind=\"{kind}\""), "outcome=\"ok\""])
}

/// A department in which something of everything is there and nothing moves.
async fn furnished<'p>(plane: &'p crate::support::Plane, name: &str) -> (Department<'p>, Vec<(&'static str, String, String)>) {
    let office = Department::open(plane, name).await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let (open, done) = (office.asks(DAVE).await, office.asks(ALICE).await);
    office.request_is(&open, "PendingApproval").await;
    office.request_is(&done, "PendingApproval").await;
    let decision = office.decides(BOB, &done, "Approve").await;
    let delivered = office.request_is(&done, "Delivered").await;
    office.counts(&decision, "True Decided").await;
    let direct = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": {"kind": "User", "name": "guest"}});
    office.write(CAROL, "Assignment", "guest", direct).await;
    office.reaches("Assignment", "guest", "Delivered").await;
    let assignment = delivered["status"]["assignment"].as_str().unwrap().to_owned();
    let here = office.catalog();
    let inside = |kind: &'static str, name: &str| (kind, here.clone(), name.to_owned());
    let objects = vec![
        ("Catalog", String::new(), office.name.clone()),
        inside("CatalogResource", "production"),
        inside("AccessPackage", ONCALL),
        inside("Policy", "engineers"),
        inside("AccessRequest", &open),
        inside("AccessRequest", &done),
        inside("ApprovalDecision", &decision),
        inside("Assignment", &assignment),
        inside("Assignment", "guest"),
    ];
    (office, objects)
}

#[tokio::test]
async fn a_reconciliation_with_nothing_to_do_sends_no_request() {
    let plane = quiet_and_new().await;
    let operator = Operator::start(&plane, &[]).await;
    let (office, objects) = furnished(&plane, "idle").await;
    let root = office.person(ROOT).await;
    let before = rests(&operator).await;
    let mut counted = Vec::new();
    for kind in KINDS.into_iter().chain(["Grant"]) {
        counted.push((kind, reconciliations(&operator, kind).await));
    }

    for number in 0..TIMES {
        for (kind, namespace, name) in &objects {
            let touch = json!({"metadata": {"annotations": {"touched": number.to_string()}}});
            root.patch(kind, namespace, name, touch).await.unwrap_or_else(|refusal| panic!("{kind} {name}: {refusal}"));
        }
        // The bindings as well.
        for binding in office.grants().await {
            let touch = json!({"metadata": {"annotations": {"touched": number.to_string()}}});
            root.patch("RoleBinding", &office.name, &name(&binding), touch).await.unwrap();
        }
    }

    for (kind, before) in counted {
        eventually(&format!("every {kind} was reconciled again"), WITHIN, async || {
            match reconciliations(&operator, kind).await - before {
                few if few < TIMES as f64 => Err(format!("{few} times")),
                _ => Ok(()),
            }
        })
        .await;
    }
    is_idle(&operator).await;
    assert_eq!(sent(&operator).await, before, "nothing was to be done");
    is_sound(&operator);
    office.is_right().await;
    operator.stop().await;
}

#[tokio::test]
async fn a_start_with_nothing_to_do_only_reads() {
    let plane = quiet_and_new().await;
    let operator = Operator::start(&plane, &[]).await;
    let (office, _) = furnished(&plane, "restarted").await;
    rests(&operator).await;
    operator.stop().await;

    let operator = Operator::start(&plane, &[]).await;
    let requests = rests(&operator).await;
    let times = reconciliations(&operator, "Assignment").await;
    assert!(times >= 2.0, "assignments were reconciled {times} times");
    // A forgery, as a dry run, proves that the admission policies are in force.
    let proof = "verb=\"create\",kind=\"accessrequests\",subresource=\"\",code=\"422\"";
    let more: Vec<_> = requests.iter().filter(|line| !line.contains("verb=\"list\"") && !line.contains(proof)).collect();
    assert!(more.is_empty(), "{more:#?}");
    office.is_right().await;
    operator.stop().await;
}
