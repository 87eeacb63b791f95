//! A resource that names a Connector, of which this version has none: it grants nothing and says why, whatever it granted before.

use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::catalog_resource::{RoleKind, RoleState};
use entitlement_operator::domain::package as machine;
use entitlement_operator::domain::resource::{Offer, Offered, Standing, grantable};

use super::{is_held, stands, states, word};
use crate::builders::site::*;
use crate::builders::{PackageWords, at, package};

/// The site, with its role as membership in a group behind a Connector.
fn connected(mut site: Site, who: &str) -> Site {
    site.resource.spec.kubernetes = None;
    site.resource.spec.connector = Some(oncall(who));
    site.resource.spec.roles = vec![member("viewer", who)];
    site
}

fn not_found() -> Vec<(String, RoleState, String)> {
    vec![("viewer".to_owned(), RoleState::NotFound, "ConnectorNotFound".to_owned())]
}

#[test]
fn it_is_not_ready_and_says_that_there_is_no_connector_of_that_name() {
    let mut site = connected(site(), "carol");
    assert_eq!(site.questions().len(), 0, "there is nobody to ask");
    site.settle();
    assert_eq!(states(&site), not_found());
    assert_eq!(word(&site, "Ready"), "False ConnectorNotFound");
    assert_eq!(word(&site, "Authorized"), "Unknown ConnectorNotFound");
    let role = &site.resource.status.as_ref().unwrap().roles[0];
    assert!(role.message.contains(r#"there is no Connector "corp" (spec.connector.name)"#), "{}", role.message);
    assert!(role.places.is_empty(), "nobody said yes to anything");
}

#[test]
fn its_role_has_one_place_that_is_never_open_and_none_in_this_cluster() {
    let mut site = connected(site(), "carol");
    for _ in 0..2 {
        let offer = Offer::of(&site.resource);
        let found = grantable(&PackageRole { resource: "production".to_owned(), role: "viewer".to_owned() }, Some(&offer));
        assert_eq!((found.places().len(), found.targets().len()), (1, 0));
        assert!(is_held(&found.in_place(&found.places()[0], &site.ground), "there is no Connector"));
        site.settle();
    }
}

#[test]
fn a_package_with_such_a_role_is_not_ready() {
    let mut site = connected(site(), "carol");
    site.settle();
    let offer = Offer::of(&site.resource);
    let package = package("oncall").with_role("production", "viewer");
    let input = machine::Input {
        package: &package,
        offer: &|_| Some(&offer),
        cluster: &site.ground,
        has_catalog: true,
        pending_requests: 0,
        live_assignments: 0,
        unknown_incompatible: Vec::new(),
        waiting_revocations: None,
    };
    let plan = machine::decide(&input, at(10));
    let ready = &plan.status.conditions[0];
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "ResourceNotReady"));
    assert!(ready.message.contains("there is no Connector"), "{}", ready.message);
}

#[test]
fn what_was_granted_in_this_cluster_is_taken_away_once_the_edit_is_judged() {
    let mut before = site();
    before.settle();
    let mut site = connected(before, "olga");
    assert_eq!(stands(&site, "payments", "view"), Standing::Held(String::new()), "it is not reconciled yet");
    site.settle();
    assert_eq!(stands(&site, "payments", "view"), Standing::Leaving, "whoever wrote it");
    assert_eq!(states(&site), not_found());
}

#[test]
fn a_way_back_is_judged_anew_with_who_went_it() {
    let mut before = site();
    before.settle();
    let mut site = connected(before.clone(), "carol");
    let back = |site: &mut Site, who: &str| {
        site.resource.spec.connector = None;
        site.resource.spec.kubernetes = Some(namespaces(&["payments".to_owned()], who));
        site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "view", who)];
    };
    // Before and after it is reconciled.
    for settled in [false, true] {
        if settled {
            site = connected(site, "carol");
            site.settle();
        }
        back(&mut site, "olga");
        assert_eq!(stands(&site, "payments", "view"), Standing::Held(String::new()), "olga is not carol");
        site.settle();
        assert!(is_held(&stands(&site, "payments", "view"), "olga may not"));
    }
    back(&mut site, "carol");
    site.settle();
    assert_eq!(stands(&site, "payments", "view"), Standing::Open);
}

#[test]
fn without_an_author_of_its_places_it_is_not_even_looked_for() {
    let mut site = connected(site(), "carol");
    site.resource.spec.connector.as_mut().unwrap().author = None;
    site.settle();
    assert_eq!(states(&site), [("viewer".to_owned(), RoleState::NotAuthorized, "AuthorUnknown".to_owned())]);
}

#[test]
fn another_connector_type_id_or_role_is_another_content() {
    let content = |change: fn(&mut Site)| {
        let mut site = connected(site(), "carol");
        change(&mut site);
        Offer::of(&site.resource).roles["viewer"].content.clone()
    };
    let kubernetes = Offer::of(&site().resource).roles["viewer"].content.clone();
    let changes: [fn(&mut Site); 5] = [
        |_| {},
        |site| site.resource.spec.connector.as_mut().unwrap().name = "other".to_owned(),
        |site| {
            site.resource.spec.connector.as_mut().unwrap().kind = entitlement_operator::api::catalog_resource::ConnectorType::Site
        },
        |site| site.resource.spec.connector.as_mut().unwrap().id = "/payments".to_owned(),
        |site| site.resource.spec.roles[0].connector.as_mut().unwrap().role = "owner".to_owned(),
    ];
    let all: std::collections::BTreeSet<String> = changes.into_iter().map(content).chain([kubernetes]).collect();
    assert_eq!(all.len(), 6, "approvers are asked again");
}

#[test]
fn a_union_that_got_past_its_schema_grants_nothing_takes_nothing_and_is_told() {
    let both = |site: &mut Site| site.resource.spec.connector = Some(oncall("carol"));
    let neither = |site: &mut Site| site.resource.spec.kubernetes = None;
    let mixed = |site: &mut Site| site.resource.spec.roles.push(member("other", "carol"));
    let changes: [&dyn Fn(&mut Site); 3] = [&both, &neither, &mixed];
    for change in changes {
        let mut site = site();
        site.settle();
        change(&mut site);
        assert!(is_held(&stands(&site, "payments", "view"), "cannot be read"));
        assert_eq!(site.questions().len(), 0);
        site.settle();
        assert_eq!(word(&site, "Ready"), "False Unreadable");
        assert!(is_held(&stands(&site, "payments", "view"), "cannot be read"));
    }
}

#[test]
fn the_union_of_the_wire_is_parsed_once() {
    let offered = |site: &Site| Offer::of(&site.resource).roles["viewer"].offered.clone();
    assert!(matches!(offered(&site()), Offered::Kubernetes { scopes, .. } if scopes.len() == 1));
    assert!(matches!(offered(&connected(site(), "carol")), Offered::Connector(found) if found.connector == "corp"));
}
