//! I2 and I6: who stands behind an assignment, and what its timeline tells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Record, list, text, who};

impl Record {
    pub(super) fn i2_assignments_are_approved_by_others(&self) -> Result<(), String> {
        for assignment in self.all("Assignment") {
            let name = text(assignment, "/metadata/name");
            let started = !["", "Pending"].contains(&text(assignment, "/status/phase"));
            match text(assignment, "/spec/source") {
                "Request" => self.origin(assignment).map_err(|why| format!("I2: assignment {name}: {why}"))?,
                _ if started && text(assignment, "/spec/assignedBy/username").is_empty() => {
                    return Err(format!("I2: nobody answers for assignment {name}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn origin(&self, assignment: &Value) -> Result<(), String> {
        let uid = text(assignment, "/spec/accessRequestUID");
        let origin = self.all("AccessRequest").iter().find(|r| text(r, "/metadata/uid") == uid);
        match origin {
            Some(request) => self.is_approved(request),
            None if self.is_live(assignment) => Err(format!("it is live without its request {uid}")),
            None => Ok(()),
        }
    }

    fn is_approved(&self, request: &Value) -> Result<(), String> {
        let (name, requestor) = (text(request, "/metadata/name"), text(request, "/spec/requestor/username"));
        if requestor.is_empty() || text(request, "/status/policy/name").is_empty() {
            return Err(format!("request {name} has no requestor or was never accepted"));
        }
        let own: BTreeSet<String> = [format!("User {requestor}"), who(&request["spec"]["subject"])].into();
        for (number, terms) in list(request, "/status/policy/stages").enumerate() {
            let stage = request.pointer(&format!("/status/stages/{number}")).unwrap_or(&Value::Null);
            let required = usize::try_from(terms["approvalsRequired"].as_u64().unwrap_or(1)).expect("a small number");
            let approvers =
                list(stage, "/decisions").map(|counted| self.approver(request, counted)).collect::<Result<BTreeSet<_>, _>>()?;
            if approvers.len() < required {
                return Err(format!("request {name}: stage {number} needs {required} and has the approvals of {approvers:?}"));
            }
            if let Some(same) = approvers.intersection(&own).next() {
                return Err(format!("request {name}: {same} decided for themselves"));
            }
        }
        Ok(())
    }

    /// Who stands behind a counted approval: the API server's word on the decision, not the operator's.
    fn approver(&self, request: &Value, counted: &Value) -> Result<String, String> {
        let (name, namespace) = (text(counted, "/decisionRef"), text(request, "/metadata/namespace"));
        let decision = self.find("ApprovalDecision", namespace, name).ok_or_else(|| format!("decision {name} is not there"))?;
        let about = text(decision, "/spec/accessRequest") == text(request, "/metadata/name");
        if !about || text(decision, "/spec/decision") != "Approve" {
            return Err(format!("decision {name} approves something else: {decision}"));
        }
        Ok(format!("User {}", text(decision, "/spec/approver/username")))
    }

    pub(super) fn i6_timelines_tell_each_transition_once(&self) -> Result<(), String> {
        const ONCE: [&str; 7] = ["Submitted", "PendingApproval", "Approved", "Denied", "Cancelled", "Expired", "Revoked"];
        for object in self.all("AccessRequest").iter().chain(self.all("Assignment")) {
            let mut told: BTreeMap<&str, usize> = BTreeMap::new();
            list(object, "/status/timeline").for_each(|entry| *told.entry(text(entry, "/event")).or_default() += 1);
            let phase = text(object, "/status/phase");
            let about = format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"));
            if let Some(twice) = ONCE.iter().find(|event| told.get(*event).is_some_and(|times| *times > 1)) {
                return Err(format!("I6: {about}: {twice} is told twice"));
            }
            if !phase.is_empty() && !told.contains_key(phase) {
                return Err(format!("I6: {about}: {phase} is not told"));
            }
        }
        Ok(())
    }
}
