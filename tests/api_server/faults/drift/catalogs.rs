//! What somebody else does to the roles of a catalog, and to its namespace.

use serde_json::{Value, json};

use super::{user, with_alice};
use crate::acts::VIEW;
use crate::department::Department;
use crate::person::{ALICE, CAROL, DAVE, MALLORY};
use crate::support::{ROOT, eventually};
use crate::world::{SOON, department, is_idle, world};

impl Department<'_> {
    async fn message_of_catalog(&self) -> String {
        self.person(ROOT).await.get("Catalog", "", &self.name).await.map(|c| c["status"].to_string()).unwrap_or_default()
    }
}

#[tokio::test]
async fn the_roles_of_a_catalog_are_put_right_as_well() {
    let office = department("drift-catalog").await;
    let root = office.person(ROOT).await;
    let owners = async || office.holders(&office.catalog(), "entitlement-catalog-owner").await;
    let change = async |change: Value| {
        root.patch("RoleBinding", &office.catalog(), "entitlement-catalog-owner", change).await.expect("root may do anything");
    };
    change(json!({"subjects": [user(MALLORY)]})).await;
    office.is_held_by(&office.catalog(), "entitlement-catalog-owner", &[CAROL]).await;
    let managers = "entitlement-access-package-manager";
    root.delete("RoleBinding", &office.catalog(), managers).await.expect("root may do anything");
    office.is_held_by(&office.catalog(), managers, &["payments-leads"]).await;

    change(json!({"metadata": {"labels": null}, "subjects": [user(MALLORY)]})).await;
    eventually("mallory owns nothing", SOON, async || match owners().await {
        found if found.contains(MALLORY) => Err(office.message_of_catalog().await),
        _ => Ok(()),
    })
    .await;
    office.is_held_by(&office.catalog(), "entitlement-catalog-owner", &[CAROL]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_catalog_that_loses_its_namespace_for_a_moment_takes_nothing() {
    let (office, _) = with_alice("drift-label").await;
    let root = office.person(ROOT).await;
    let label = async |value: Value| {
        let change = json!({"metadata": {"labels": {"entitlement.dev/catalog": value}}});
        root.patch("Namespace", "", &office.catalog(), change).await.expect("root may do anything");
    };
    label(Value::Null).await;
    office.becomes("Catalog", "", &office.name, "Ready", "False NamespaceNotOurs").await;
    is_idle(&world().await.operator).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    label(json!(office.name)).await;
    office.becomes("Catalog", "", &office.name, "Ready", "True Available").await;
    office.assigns(DAVE).await;
    office.is_right().await;
}
