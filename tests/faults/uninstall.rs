//! Uninstalling while the operator runs: the CustomResourceDefinitions first. All access goes, nothing is stuck, and what is installed again is new.

use crate::acts::VIEW;
use crate::department::Department;
use crate::person::{ALICE, DAVE, ZOE};
use crate::support::{Operator, ROOT, install};
use crate::world::{is_idle, quiet};

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
    is_idle(async || operator.metrics().await).await;
    install(&plane).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.assigns(ZOE).await;
    office.is_right().await;
}
