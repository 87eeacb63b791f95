//! Mass revocation: an edit that would take a role from more than [`MOST_AT_ONCE`] people at once waits for a confirmation.

use serde_json::json;

use super::drift::copy_of;
use crate::acts::{EDIT, VIEW, editor, role, viewer};
use crate::department::{Department, ONCALL};
use crate::person::CAROL;
use crate::support::{Operator, ROOT};
use crate::world::{MOST_AT_ONCE, department, is_idle, quiet, world};

const CREW: [&str; 5] = ["ann", "ben", "cleo", "dan", "eve"];

/// A department in which the whole crew has a role; their assignments.
async fn with_crew(office: Department<'static>) -> (Department<'static>, Vec<String>) {
    let office = office.open_to_engineers().await;
    let mut assignments = Vec::new();
    for member in CREW {
        assignments.push(office.assigns(member).await);
    }
    assert!(CREW.len() > MOST_AT_ONCE, "the crew is large enough to be held");
    (office, assignments)
}

impl Department<'_> {
    async fn waits_for_a_confirmation(&self, kind: &str, name: &str) {
        self.becomes(kind, &self.catalog(), name, "MassRevocationHeld", "True ConfirmationRequired").await;
    }

    async fn is_released(&self, kind: &str, name: &str) {
        self.becomes(kind, &self.catalog(), name, "MassRevocationHeld", "- -").await;
    }

    /// Does what the condition says, word for word.
    async fn confirms_as_told(&self, kind: &str, name: &str) {
        let message = self.message(kind, name, "MassRevocationHeld").await;
        let command = message.split("kubectl ").nth(1).unwrap_or_else(|| panic!("the condition tells a command: {message}"));
        let words: Vec<&str> = command.split_whitespace().collect();
        self.plane.kubectl(CAROL, &words).await.ok();
    }
}

/// Waits until the shared operator has nothing to do, so that what did not happen does not happen.
async fn rest() {
    is_idle(&world().await.operator).await;
}

#[tokio::test]
async fn an_edit_of_a_package_waits_for_its_confirmation() {
    let (office, _) = with_crew(department("mass-package").await).await;
    office.fills(ONCALL, json!([editor()])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.is_told("AccessPackage", ONCALL, "MassRevocationHeld", "this edit would take").await;
    office.is_held_by(&office.name, EDIT, &CREW).await;
    rest().await;
    office.is_held_by(&office.name, VIEW, &CREW).await;

    office.confirms_as_told("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_released("AccessPackage", ONCALL).await;
    office.is_right().await;
}

#[tokio::test]
async fn an_edit_that_is_undone_needs_no_confirmation() {
    let (office, _) = with_crew(department("mass-undone").await).await;
    office.fills(ONCALL, json!([])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.fills(ONCALL, json!([viewer()])).await;
    office.is_released("AccessPackage", ONCALL).await;
    rest().await;
    office.is_held_by(&office.name, VIEW, &CREW).await;
    office.is_right().await;
}

#[tokio::test]
async fn an_edit_of_a_resource_waits_as_well_and_nobody_joins_where_it_left() {
    let (office, _) = with_crew(department("mass-resource").await).await;
    office.builds("mass-resource-2").await;
    office.moves_to(&["mass-resource-2"]).await;
    office.waits_for_a_confirmation("CatalogResource", "production").await;
    office.is_held_by("mass-resource-2", VIEW, &CREW).await;
    let newcomer = office.assigns_with(ONCALL, "newcomer", json!({})).await;
    let everybody = [&CREW[..], &["newcomer"]].concat();
    office.is_held_by("mass-resource-2", VIEW, &everybody).await;
    rest().await;
    office.is_held_by(&office.name, VIEW, &CREW).await;

    office.confirms_as_told("CatalogResource", "production").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.reaches("Assignment", &newcomer, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_resource_that_moves_to_a_connector_waits_as_well() {
    let (office, _) = with_crew(department("mass-connector").await).await;
    let (group, member) = (json!({"name": "corp", "type": "Group", "id": "/oncall"}), json!({"role": "member"}));
    let roles = json!([{"name": "viewer", "connector": member}]);
    let moved = json!({"spec": {"kubernetes": null, "connector": group, "roles": roles}});
    office.changes(CAROL, "CatalogResource", "production", moved).await;
    office.waits_for_a_confirmation("CatalogResource", "production").await;
    rest().await;
    office.is_held_by(&office.name, VIEW, &CREW).await;
    office.confirms_as_told("CatalogResource", "production").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_confirmation_is_for_one_edit_only() {
    let (office, _) = with_crew(department("mass-again").await).await;
    office.fills(ONCALL, json!([editor()])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.confirms_as_told("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_held_by(&office.name, EDIT, &CREW).await;
    office.fills(ONCALL, json!([])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    rest().await;
    office.is_held_by(&office.name, EDIT, &CREW).await;
    office.confirms_as_told("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, EDIT, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn ends_and_revocations_are_never_held_back() {
    let (office, assignments) = with_crew(department("mass-ends").await).await;
    for assignment in &assignments[1..] {
        office.revokes(assignment).await;
    }
    office.is_held_by(&office.name, VIEW, &CREW[..1]).await;
    office.is_right().await;
}

#[tokio::test]
async fn what_is_held_back_is_held_although_some_of_them_go_for_good() {
    let (office, assignments) = with_crew(department("mass-erosion").await).await;
    office.fills(ONCALL, json!([])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    for assignment in &assignments[..3] {
        office.revokes(assignment).await;
        office.reaches("Assignment", assignment, "Revoked").await;
    }
    rest().await;
    office.is_held_by(&office.name, VIEW, &CREW[3..]).await;
    office.confirms_as_told("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn who_only_keeps_a_role_does_not_get_it_in_more_places() {
    let (office, _) = with_crew(department("mass-places").await).await;
    office.builds("mass-places-2").await;
    office.fills(ONCALL, json!([])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.moves_to(&[&office.name, "mass-places-2"]).await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Ready", "True Available").await;
    rest().await;
    assert_eq!(office.holders("mass-places-2", VIEW).await.len(), 0, "no package gives it any more");
    office.confirms_as_told("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn drift_is_no_edit() {
    let (office, _) = with_crew(department("mass-drift").await).await;
    let binding = office.binding(&office.name).await;
    office.make(ROOT, copy_of(&binding, "twin", "cluster-admin")).await;
    office.is_held_by(&office.name, "cluster-admin", &[]).await;
    office.is_held_by(&office.name, VIEW, &CREW).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_restart_confirms_nothing() {
    let plane = quiet().await;
    let args = ["--mass-revocation-count", "3"];
    let operator = Operator::start(&plane, &args).await;
    let office = Department::open(&plane, "mass-restart").await.open_to_engineers().await;
    let mut assignments = Vec::new();
    for member in CREW {
        assignments.push(office.assigns(member).await);
    }
    office.fills(ONCALL, json!([])).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.waits_for_a_confirmation("CatalogResource", "production").await;
    operator.kill();

    // Those who are left are too few to be held for themselves.
    office.revokes(&assignments[0]).await;
    office.deletes("Assignment", &assignments[1]).await;
    let operator = Operator::start(&plane, &args).await;
    office.is_held_by(&office.name, VIEW, &CREW[2..]).await;
    is_idle(&operator).await;
    office.is_held_by(&office.name, VIEW, &CREW[2..]).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    operator.kill();

    office.changes(CAROL, "CatalogResource", "production", json!({"spec": {"roles": [role("editor", EDIT)]}})).await;
    let operator = Operator::start(&plane, &args).await;
    is_idle(&operator).await;
    office.is_held_by(&office.name, VIEW, &CREW[2..]).await;
    office.waits_for_a_confirmation("AccessPackage", ONCALL).await;
    office.waits_for_a_confirmation("CatalogResource", "production").await;
    office.confirms_as_told("CatalogResource", "production").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}
