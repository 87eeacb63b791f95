//! Whether anybody vouches for the author of a resource.

use entitlement_operator::api::condition::{self, State};
use entitlement_operator::api::{CatalogResource, CatalogResourceSpec, CatalogResourceStatus};
use entitlement_operator::domain::resource::doubt;

use crate::builders::*;

/// Created at 5, as it was written the first time.
fn resource() -> CatalogResource {
    let mut resource = CatalogResource::new("production", CatalogResourceSpec::default());
    resource.metadata.namespace = Some("catalog-payments".to_owned());
    resource.metadata.generation = Some(1);
    resource.metadata.creation_timestamp = Some(entitlement_operator::api::time::to_meta(at(5)));
    resource
}

/// What was said of its author in a generation.
fn judged(mut resource: CatalogResource, generation: i64) -> CatalogResource {
    let mut status = CatalogResourceStatus::default();
    condition::set(&mut status.conditions, "Authorized", State::True, "AuthorMayBind", String::new(), generation, at(6));
    resource.status = Some(status);
    resource
}

fn edited(mut resource: CatalogResource) -> CatalogResource {
    resource.metadata.generation = Some(2);
    resource
}

#[test]
fn what_is_as_old_as_the_policies_is_believed_and_what_is_older_is_not() {
    assert_eq!(doubt(&resource(), None, Some(at(5))), None);
    assert_eq!(doubt(&resource(), None, None), None, "nobody wants to know");
    let why = doubt(&resource(), None, Some(at(6))).unwrap();
    assert!(why.contains("before the admission policies were in force"), "{why}");
}

#[test]
fn what_is_written_while_the_policies_are_not_in_force_is_not_believed() {
    let why = doubt(&resource(), Some("x is missing"), None).unwrap();
    assert!(why.contains("x is missing"), "{why}");
    assert!(doubt(&edited(judged(resource(), 1)), Some("x is missing"), None).is_some());
}

#[test]
fn what_was_judged_stays_judged_and_an_old_object_can_be_edited() {
    assert_eq!(doubt(&judged(resource(), 1), Some("x is missing"), None), None);
    assert_eq!(doubt(&judged(resource(), 1), None, Some(at(100))), None);
    assert_eq!(doubt(&edited(judged(resource(), 1)), None, Some(at(100))), None);
}
