//! The rows of the table of a package.

use entitlement_operator::api::labels::IN_USE;
use entitlement_operator::api::{AccessPackage, AccessPackageStatus, condition};
use entitlement_operator::domain::package::{Input, decide};
use entitlement_operator::domain::resource::Offer;
use entitlement_operator::domain::{Effect, Plan};

use crate::builders::site::{Site, site};
use crate::builders::*;

/// A package of the role `viewer` of `production`, with its surroundings.
struct Around {
    package: AccessPackage,
    site: Site,
    /// The resource is there.
    offered: bool,
    unreadable: bool,
    has_catalog: bool,
    pending_requests: usize,
    live_assignments: usize,
    unknown: Vec<String>,
    held: Option<Vec<(String, usize)>>,
}

/// With a resource whose role was judged, and may be granted.
fn around() -> Around {
    let mut package = package("oncall").with_role("production", "viewer");
    package.metadata.finalizers = Some(vec![IN_USE.to_owned()]);
    package.status = None;
    let mut site = site();
    site.settle();
    Around {
        package,
        site,
        offered: true,
        unreadable: false,
        has_catalog: true,
        pending_requests: 0,
        live_assignments: 0,
        unknown: vec![],
        held: None,
    }
}

impl Around {
    fn decide(&self) -> Plan<AccessPackageStatus> {
        let read = Offer { unreadable: self.unreadable, ..Offer::of(&self.site.resource) };
        let input = Input {
            package: &self.package,
            offer: &|name| Some(&read).filter(|offer| self.offered && offer.name == name),
            cluster: &self.site.ground,
            has_catalog: self.has_catalog,
            pending_requests: self.pending_requests,
            live_assignments: self.live_assignments,
            unknown_incompatible: self.unknown.clone(),
            waiting_revocations: self.held.clone(),
        };
        let plan = decide(&input, at(50));
        crate::words::are_told("AccessPackage", &plan);
        plan
    }

    /// Decides and writes the status.
    fn step(&mut self) -> Plan<AccessPackageStatus> {
        let plan = self.decide();
        self.package.status = Some(plan.status.clone());
        plan
    }

    /// Status, reason and message of a condition; empty where it is not there.
    fn says(&self, kind: &str) -> (String, String, String) {
        let plan = self.decide();
        let found = condition::get(&plan.status.conditions, kind);
        found.map(|c| (c.status.clone(), c.reason.clone(), c.message.clone())).unwrap_or_default()
    }

    fn is(&self, status: &str, reason: &str, names: &str) {
        let said = self.says("Ready");
        assert_eq!((said.0.as_str(), said.1.as_str()), (status, reason), "{}", said.2);
        assert!(said.2.contains(names), "{names:?} is not in {:?}", said.2);
    }
}

#[test]
fn a_package_whose_roles_can_all_be_granted_is_ready_and_is_guarded() {
    let mut around = around();
    around.is("True", "Available", "");
    assert_eq!(around.decide().effects, []);
    around.package.metadata.finalizers = None;
    assert_eq!(around.decide().effects, [Effect::AddFinalizer(IN_USE)]);
    around.step();
    assert_eq!(around.decide().notices, [], "told once");
}

#[test]
fn a_package_counts_who_asks_for_it_and_who_has_it() {
    let status = Around { pending_requests: 3, live_assignments: 2, ..around() }.decide().status;
    assert_eq!((status.pending_requests, status.live_assignments, status.observed_generation), (3, 2, Some(1)));
}

#[test]
fn a_deletion_waits_for_live_assignments_and_pending_requests() {
    let going = |pending_requests, live_assignments| {
        let around = around();
        Around { pending_requests, live_assignments, package: around.package.being_deleted(at(40)), ..around }
    };
    for (waits, names) in [(going(1, 0), "1 pending request(s)"), (going(0, 2), "2 live assignment(s)")] {
        waits.is("False", "InUse", names);
        assert_eq!(waits.decide().effects, []);
    }
    let free = going(0, 0);
    free.is("False", "InUse", "being deleted");
    assert_eq!(free.decide().effects, [Effect::RemoveFinalizer(IN_USE)]);
    assert!(free.decide().notices.iter().all(|notice| !notice.warning), "it passes by itself");
}

#[test]
fn a_package_outside_a_catalog_is_not_ready() {
    Around { has_catalog: false, ..around() }.is("False", "NoCatalog", "Catalog");
}

#[test]
fn a_package_whose_resource_or_role_is_missing_or_cannot_be_read_is_not_ready() {
    Around { offered: false, ..around() }.is("False", "ResourceNotFound", "\"production\"");
    Around { unreadable: true, ..around() }.is("False", "RoleNotInResource", "cannot be read");
    let missing = around();
    let package = missing.package.clone().with_role("production", "admin");
    Around { package, ..missing }.is("False", "RoleNotInResource", "\"admin\"");
}

#[test]
fn a_package_waits_for_the_judgement_of_its_roles() {
    Around { site: site(), ..around() }.is("False", "NotYetJudged", "\"viewer\"");
    let mut refused = Around { site: site(), ..around() };
    refused.site.powers.clear();
    refused.site.settle();
    refused.is("False", "ResourceNotReady", "carol may not hand out view");
    let mut gone = around();
    gone.site.ground.namespace("payments", None);
    gone.is("False", "ResourceNotReady", "namespace \"payments\" does not exist");
}

#[test]
fn a_misspelt_name_in_a_rule_is_told_as_long_as_it_is_there() {
    let mut around = Around { unknown: vec!["access package \"payr\"".to_owned()], ..around() };
    let (status, reason, message) = around.says("IncompatibleNotFound");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "NotFound"));
    assert!(message.contains("\"payr\""), "{message}");
    around.is("True", "Available", "");
    assert!(around.step().notices.iter().any(|notice| notice.reason.as_str() == "IncompatibleNotFound" && notice.warning));
    assert_eq!(around.decide().notices, [], "told once");
    around.unknown.clear();
    assert_eq!(around.says("IncompatibleNotFound"), Default::default());
}

#[test]
fn a_mass_revocation_that_waits_is_told_and_what_is_not_known_yet_changes_nothing() {
    let mut around = Around { held: Some(vec![("production/viewer".to_owned(), 12)]), ..around() };
    let (status, reason, message) = around.says("MassRevocationHeld");
    assert_eq!((status.as_str(), reason.as_str()), ("True", "ConfirmationRequired"));
    assert!(message.contains("production/viewer from 12 subjects"), "{message}");
    assert!(message.contains("kubectl annotate accesspackages oncall -n catalog-payments"), "{message}");
    around.step();
    around.held = None;
    assert_eq!(around.says("MassRevocationHeld").2, message, "a new leader does not know yet");
    around.held = Some(vec![]);
    assert_eq!(around.says("MassRevocationHeld"), Default::default());
}
