//! An independent judge of what the API server stores: it reads JSON, knows the rules by the design and not by the operator's code, and
//! has no memory. The names are those of the invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::department::Department;
use crate::person::Person;
use crate::support::{ROOT, eventually};

/// How long the cluster may take to come to rest.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);

/// Somebody who has a role: namespace of the binding (empty: the cluster), role, subject.
type Grant = (String, String, String);

/// Everything that matters about a department, as it is stored at one time.
struct Record {
    now: DateTime<Utc>,
    resources: BTreeMap<String, Value>,
    packages: BTreeMap<String, Value>,
    requests: Vec<Value>,
    decisions: BTreeMap<String, Value>,
    assignments: Vec<Value>,
    bindings: Vec<Value>,
}

/// Waits until everything about a department is as it must be.
///
/// # Panics
/// When it does not become so; the message is the first rule that is broken.
pub async fn judges_well(department: &Department<'_>) {
    let what = format!("everything about {} is right", department.name);
    eventually(&what, SETTLES_WITHIN, async || objects(department).await).await;
}

/// The first rule that is broken as things stand.
///
/// # Errors
/// With the rule and what breaks it.
pub async fn objects(department: &Department<'_>) -> Result<(), String> {
    let record = Record::of(&department.person(ROOT).await, &department.catalog()).await;
    record.i1_i4_grants_are_those_of_live_assignments()?;
    record.i2_assignments_are_approved_by_others()?;
    record.i6_timelines_tell_each_transition_once()?;
    record.nothing_is_stuck()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn instant(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    let text = value.pointer(path)?.as_str()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{path} is no instant: {text}: {e}")))
}

fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects.into_iter().map(|object| (text(&object, "/metadata/name").to_owned(), object)).collect()
}

/// `User alice@example.com` or `ServiceAccount payments/robot`.
fn who(subject: &Value) -> String {
    match text(subject, "/namespace") {
        "" => format!("{} {}", text(subject, "/kind"), text(subject, "/name")),
        namespace => format!("{} {namespace}/{}", text(subject, "/kind"), text(subject, "/name")),
    }
}

impl Record {
    async fn of(root: &Person, catalog: &str) -> Self {
        let all = async |kind: &'static str, namespace: &str| root.list(kind, namespace).await.expect("root may list");
        let mut bindings = all("RoleBinding", "").await;
        bindings.extend(all("ClusterRoleBinding", "").await);
        // By every mark that the operator leaves, so that one which lost a label is not overlooked.
        let ours = |b: &Value| {
            let annotated = text(b, "/metadata/annotations/entitlement.dev~1grant").split('/').next() == Some(catalog);
            annotated
                || text(b, "/metadata/labels/entitlement.dev~1catalog-namespace") == catalog
                || text(b, "/metadata/name").starts_with(&format!("entitlement:{catalog}:"))
        };
        bindings.retain(ours);
        Self {
            resources: by_name(all("CatalogResource", catalog).await),
            packages: by_name(all("AccessPackage", catalog).await),
            decisions: by_name(all("ApprovalDecision", catalog).await),
            requests: all("AccessRequest", catalog).await,
            assignments: all("Assignment", catalog).await,
            bindings,
            now: Utc::now(),
        }
    }

    fn is_live(&self, assignment: &Value) -> bool {
        let accepted = ["Provisioning", "Delivered", "PartiallyDelivered"].contains(&text(assignment, "/status/phase"));
        let started = instant(assignment, "/spec/schedule/startTime").is_none_or(|start| start <= self.now);
        let ended = instant(assignment, "/spec/schedule/endTime").is_some_and(|end| end <= self.now);
        let taken = assignment.pointer("/spec/revoked").or(assignment.pointer("/metadata/deletionTimestamp")).is_some();
        accepted && started && !ended && !taken
    }

    /// The grants that a role of a resource means for a subject; none while its author may not hand it out.
    fn grants_of(&self, pair: &Value, subject: &Value) -> Vec<Grant> {
        let Some(resource) = self.resources.get(text(pair, "/resource")) else { return Vec::new() };
        let authorized = list(resource, "/status/conditions").any(|c| c["type"] == "Authorized" && c["status"] == "True");
        let role = list(resource, "/spec/roles").find(|role| role["name"] == pair["role"]).filter(|_| authorized);
        let Some(role) = role else { return Vec::new() };
        let role = format!("{} {}", text(role, "/kubernetes/roleRef/kind"), text(role, "/kubernetes/roleRef/name"));
        let grant = |namespace: &str| (namespace.to_owned(), role.clone(), who(subject));
        if resource.pointer("/spec/kubernetes/clusterWide") == Some(&Value::Bool(true)) {
            return vec![grant("")];
        }
        list(resource, "/spec/kubernetes/namespaces").filter_map(Value::as_str).map(grant).collect()
    }

    fn i1_i4_grants_are_those_of_live_assignments(&self) -> Result<(), String> {
        let mut wanted: BTreeSet<Grant> = BTreeSet::new();
        for assignment in self.assignments.iter().filter(|a| self.is_live(a)) {
            let Some(package) = self.packages.get(text(assignment, "/spec/accessPackage")) else { continue };
            wanted.extend(
                list(package, "/spec/resourceRoles").flat_map(|pair| self.grants_of(pair, &assignment["spec"]["subject"])),
            );
        }
        let mut found: BTreeSet<Grant> = BTreeSet::new();
        for binding in &self.bindings {
            let role = format!("{} {}", text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
            let namespace = text(binding, "/metadata/namespace");
            for subject in list(binding, "/subjects") {
                if !found.insert((namespace.to_owned(), role.clone(), who(subject))) {
                    return Err(format!("{} has {role} in {namespace:?} twice", who(subject)));
                }
            }
        }
        match (found.difference(&wanted).next(), wanted.difference(&found).next()) {
            (Some(extra), _) => Err(format!("I4: no live assignment gives {extra:?}")),
            (_, Some(missing)) => Err(format!("I1: a live assignment gives {missing:?}, which is not there")),
            _ => Ok(()),
        }
    }

    fn i2_assignments_are_approved_by_others(&self) -> Result<(), String> {
        for assignment in self.assignments.iter().filter(|a| text(a, "/spec/source") == "Request") {
            let name = text(assignment, "/metadata/name");
            let uid = text(assignment, "/spec/accessRequestUID");
            let origin = self.requests.iter().find(|r| text(r, "/metadata/uid") == uid);
            match origin {
                Some(request) => self.is_approved(request).map_err(|why| format!("I2: assignment {name}: {why}"))?,
                None if self.is_live(assignment) => {
                    return Err(format!("I2: assignment {name} is live without its request {uid}"));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn is_approved(&self, request: &Value) -> Result<(), String> {
        let name = text(request, "/metadata/name");
        let requestor = text(request, "/spec/requestor/username");
        if requestor.is_empty() || text(request, "/status/policy/name").is_empty() {
            return Err(format!("request {name} has no requestor or was never accepted"));
        }
        for (number, terms) in list(request, "/status/policy/stages").enumerate() {
            let stage = request.pointer(&format!("/status/stages/{number}")).unwrap_or(&Value::Null);
            let required = terms["approvalsRequired"].as_u64().unwrap_or(1);
            let mut approvers = BTreeSet::new();
            for counted in list(stage, "/decisions") {
                approvers.insert(self.approver(request, counted)?);
            }
            if (approvers.len() as u64) < required {
                return Err(format!("request {name}: stage {number} has the approvals of {approvers:?}, needs {required}"));
            }
            let subject = request.pointer("/spec/subject").filter(|s| s["kind"] == "User").map(|s| text(s, "/name"));
            if approvers.contains(requestor) || subject.is_some_and(|subject| approvers.contains(subject)) {
                return Err(format!("request {name}: one of {approvers:?} decided for themselves"));
            }
        }
        Ok(())
    }

    /// Who stands behind a counted approval: the API server's word on the decision, not the operator's.
    fn approver(&self, request: &Value, counted: &Value) -> Result<String, String> {
        let name = text(counted, "/decisionRef");
        let decision = self.decisions.get(name).ok_or_else(|| format!("decision {name} is not there"))?;
        let about = text(decision, "/spec/accessRequest") == text(request, "/metadata/name");
        let later = instant(decision, "/metadata/creationTimestamp") >= instant(request, "/metadata/creationTimestamp");
        if !about || !later || text(decision, "/spec/decision") != "Approve" {
            return Err(format!("decision {name} approves something else: {decision}"));
        }
        Ok(text(decision, "/spec/approver/username").to_owned())
    }

    fn i6_timelines_tell_each_transition_once(&self) -> Result<(), String> {
        const ONCE: [&str; 7] = ["Submitted", "PendingApproval", "Approved", "Denied", "Cancelled", "Expired", "Revoked"];
        for object in self.requests.iter().chain(&self.assignments) {
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

    /// Nothing is left half done: what does not wait for a person or an instant has come to its end.
    fn nothing_is_stuck(&self) -> Result<(), String> {
        const MOVING: [&str; 5] = ["", "Approved", "Provisioning", "PartiallyDelivered", "Revoking"];
        for object in self.requests.iter().chain(&self.assignments) {
            let (phase, reason) = (text(object, "/status/phase"), text(object, "/status/reason"));
            if MOVING.contains(&phase) && reason != "GrantFailed" {
                return Err(format!("{} {} is still {phase:?}", text(object, "/kind"), text(object, "/metadata/name")));
            }
            let over = instant(object, "/spec/schedule/endTime").is_some_and(|end| end <= self.now);
            if object["kind"] == "Assignment" && over && !["Expired", "Revoked", "Pending"].contains(&phase) {
                return Err(format!("assignment {} has ended and is {phase}", text(object, "/metadata/name")));
            }
        }
        Ok(())
    }
}
