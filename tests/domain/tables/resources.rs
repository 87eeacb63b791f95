//! Whether anybody vouches for the author of a resource.

use entitlement_operator::api::condition::{self, State};
use entitlement_operator::api::{CatalogResource, CatalogResourceSpec, CatalogResourceStatus};
use entitlement_operator::domain::resource::{doubt, stands_open};

use crate::builders::*;

/// Created at 5, as it was written the first time.
fn resource() -> CatalogResource {
    let mut resource = CatalogResource::new("production", CatalogResourceSpec::default());
    resource.metadata.namespace = Some("catalog-payments".to_owned());
    resource.metadata.generation = Some(1);
    resource.metadata.creation_timestamp = Some(entitlement_operator::api::time::to_meta(at(5)));
    resource
}

/// What was said of its author in a generation, under policies that were in force since then.
fn judged(mut resource: CatalogResource, generation: i64, since: i64) -> CatalogResource {
    let mut status = CatalogResourceStatus { vouched_since: Some(at(since)), ..CatalogResourceStatus::default() };
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
    assert_eq!(doubt(&resource(), None, Some(at(5)), false), None);
    assert_eq!(doubt(&resource(), None, None, false), None, "nobody wants to know");
    let why = doubt(&resource(), None, Some(at(6)), false).unwrap();
    assert!(why.contains("before the admission policies were in force"), "{why}");
}

#[test]
fn what_is_written_while_the_policies_are_not_in_force_is_not_believed_then_or_later() {
    for written in [resource(), edited(judged(resource(), 1, 0))] {
        let why = doubt(&written, Some("x is missing"), None, false).unwrap();
        assert!(why.contains("x is missing"), "{why}");
        assert!(stands_open(&written, at(100), true));
        assert!(doubt(&written, None, Some(at(100)), true).is_some());
        assert_eq!(doubt(&written, None, None, true), None, "nobody wants to know");
    }
}

#[test]
fn an_edit_that_nobody_watched_is_believed_while_the_policies_are_those_of_the_last_judgement() {
    let edit = edited(judged(resource(), 1, 3));
    assert!(!stands_open(&edit, at(3), false));
    assert!(stands_open(&edit, at(4), false));
    assert!(!stands_open(&resource(), at(4), false), "of a new object the time is known");
}

#[test]
fn what_was_judged_stays_judged_and_an_old_object_can_be_edited() {
    let known = judged(resource(), 1, 0);
    assert_eq!(doubt(&known, Some("x is missing"), None, false), None);
    assert_eq!(doubt(&known, None, Some(at(100)), true), None);
    assert!(!stands_open(&known, at(100), true));
    assert_eq!(doubt(&edited(known), None, Some(at(100)), false), None);
}
