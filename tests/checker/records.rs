//! What records say of themselves, against everything else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Record, list, text, who};

impl Record {
    /// `AlreadyAssigned`, after all races.
    pub(super) fn nobody_holds_a_package_twice(&self) -> Result<(), String> {
        let mut held = BTreeSet::new();
        for assignment in self.all("Assignment").iter().filter(|a| self.is_live(a)) {
            let (catalog, package) = (text(assignment, "/metadata/namespace"), text(assignment, "/spec/accessPackage"));
            let subject = who(&assignment["spec"]["subject"]);
            if !held.insert((catalog, package, subject.clone())) {
                return Err(format!("{subject} holds {catalog}/{package} twice"));
            }
        }
        Ok(())
    }

    /// What is Delivered has every role of its package in the objects that it names; what is over has nothing.
    pub(super) fn status_tells_the_truth(&self) -> Result<(), String> {
        for assignment in self.all("Assignment") {
            let name = text(assignment, "/metadata/name");
            let told: BTreeSet<String> = list(assignment, "/status/grants").map(pair).collect();
            match text(assignment, "/status/phase") {
                "Expired" | "Revoked" if !told.is_empty() => return Err(format!("{name} is over and tells of {told:?}")),
                "Delivered" => self.is_delivered(assignment, &told).map_err(|why| format!("{name} is Delivered, but {why}"))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn is_delivered(&self, assignment: &Value, told: &BTreeSet<String>) -> Result<(), String> {
        let package =
            self.find("AccessPackage", text(assignment, "/metadata/namespace"), text(assignment, "/spec/accessPackage"));
        let content: BTreeSet<String> = package.into_iter().flat_map(|p| list(p, "/spec/resourceRoles")).map(pair).collect();
        if content != *told {
            return Err(format!("its package has {content:?} and it tells of {told:?}"));
        }
        let subject = who(&assignment["spec"]["subject"]);
        for grant in list(assignment, "/status/grants") {
            let objects: Vec<&Value> = list(grant, "/objects").collect();
            let carries = |object: &&Value| {
                let found = self.find(text(object, "/kind"), text(object, "/namespace"), text(object, "/name"));
                found.is_some_and(|binding| list(binding, "/subjects").any(|s| who(s) == subject))
            };
            if grant["state"] != "Delivered" || objects.is_empty() || !objects.iter().all(carries) {
                return Err(format!("{} is {} in {objects:?}", pair(grant), grant["state"]));
            }
        }
        Ok(())
    }

    /// Nothing is left half done: what does not wait for a person or an instant has come to its end, and nothing waits to be deleted.
    pub(super) fn nothing_is_stuck(&self) -> Result<(), String> {
        const MOVING: [&str; 5] = ["", "Approved", "Provisioning", "PartiallyDelivered", "Revoking"];
        for kind in ["CatalogResource", "AccessPackage", "AccessRequest", "ApprovalDecision", "Assignment"] {
            for object in self.all(kind) {
                let about = format!("{kind} {}/{}", text(object, "/metadata/namespace"), text(object, "/metadata/name"));
                if object.pointer("/metadata/deletionTimestamp").is_some() {
                    return Err(format!("{about} is still being deleted: {}", object["status"]["conditions"]));
                }
                let phase = text(object, "/status/phase");
                let moving = ["AccessRequest", "Assignment"].contains(&kind) && MOVING.contains(&phase);
                if moving && text(object, "/status/reason") != "GrantFailed" {
                    return Err(format!("{about} is still {phase:?}: {}", text(object, "/status/message")));
                }
            }
        }
        Ok(())
    }
}

/// A resource and a role in it.
fn pair(of: &Value) -> String {
    format!("{}/{}", text(of, "/resource"), text(of, "/role"))
}
