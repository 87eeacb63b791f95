//! An independent judge of what the API server stores. It reads JSON, knows the rules by the design and not by the operator's code, and has
//! no memory. The names are those of the invariants.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use serde_json::Value;

mod approvals;
mod records;

const GRANTING: [&str; 3] = ["Provisioning", "Delivered", "PartiallyDelivered"];

/// Somebody who has a role somewhere, and through what: catalog namespace, resource, role in it; namespace of the binding (empty: the
/// cluster), bound role; subject.
type Grant = [String; 6];

/// Everything that matters, as it is stored at one time.
struct Record {
    now: DateTime<Utc>,
    catalogs: Option<BTreeSet<String>>,
    objects: BTreeMap<&'static str, Vec<Value>>,
}

/// Judges what must be true at every moment at all, however much is under way.
///
/// # Errors
/// The first rule that is broken, and by what.
pub async fn judge_midway(root: &Client, catalogs: Option<&[String]>) -> Result<(), String> {
    Record::of(root, catalogs).await?.has_no_grant_without_a_record()
}

/// Judges all that the catalogs in these namespaces say, or all catalogs, at a time when nothing moves.
///
/// # Errors
/// The first rule that is broken, and by what.
pub async fn judge(root: &Client, catalogs: Option<&[String]>) -> Result<(), String> {
    let record = Record::of(root, catalogs).await?;
    record.is_safe()?;
    record.i1_live_assignments_have_their_grants()?;
    record.nobody_holds_a_package_twice()?;
    record.status_tells_the_truth()?;
    record.nothing_is_stuck()
}

pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

pub fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn instant(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    let text = value.pointer(path)?.as_str()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{path} is no instant: {text}: {e}")))
}

/// `User alice@example.com` or `ServiceAccount payments/robot`.
fn who(subject: &Value) -> String {
    match text(subject, "/namespace") {
        "" => format!("{} {}", text(subject, "/kind"), text(subject, "/name")),
        namespace => format!("{} {namespace}/{}", text(subject, "/kind"), text(subject, "/name")),
    }
}

/// What a binding carries by every mark that the operator leaves, so that one which lost some is not overlooked.
fn marks(binding: &Value) -> Option<[String; 3]> {
    let (labels, name) = ("/metadata/labels/entitlement.dev~1", text(binding, "/metadata/name"));
    let label = |mark: &str| text(binding, &format!("{labels}{mark}")).to_owned();
    let three = |parts: Vec<&str>| Some([parts.first()?, parts.get(1)?, parts.get(2)?].map(|part| (*part).to_owned()));
    let annotated = three(text(binding, "/metadata/annotations/entitlement.dev~1grant").splitn(3, '/').collect());
    let labelled = Some(["catalog-namespace", "resource", "role"].map(label)).filter(|marks| !marks[0].is_empty());
    let named = name.strip_prefix("entitlement:").and_then(|rest| three(rest.split(':').collect()));
    annotated.or(labelled).or(named)
}

impl Record {
    /// Reads the catalogs in these namespaces, or all.
    ///
    /// # Errors
    /// When the API server refuses to show something.
    async fn of(root: &Client, catalogs: Option<&[String]>) -> Result<Self, String> {
        const KINDS: [(&str, &str, &[&str]); 3] = [
            ("", "v1", &["Namespace"]),
            ("rbac.authorization.k8s.io", "v1", &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]),
            (
                "entitlement.dev",
                "v1alpha1",
                &["Catalog", "CatalogResource", "AccessPackage", "AccessRequest", "ApprovalDecision", "Assignment"],
            ),
        ];
        let catalogs = catalogs.map(|all| all.iter().cloned().collect());
        let mut record = Self { now: Utc::now(), catalogs, objects: BTreeMap::new() };
        for (group, version, kinds) in KINDS {
            for &kind in kinds {
                let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
                let api: Api<DynamicObject> = Api::all_with(root.clone(), &resource);
                let found = api.list(&ListParams::default()).await.map_err(|error| format!("{kind} cannot be read: {error}"))?;
                let all = found.items.iter().map(|object| serde_json::to_value(object).map_err(|e| e.to_string()));
                let mut all = all.collect::<Result<Vec<Value>, String>>()?;
                all.retain(|object| record.counts(kind, object));
                record.objects.insert(kind, all);
            }
        }
        record.now = Utc::now();
        Ok(record)
    }

    fn counts(&self, kind: &str, object: &Value) -> bool {
        let within = |namespace: &str| self.catalogs.as_ref().is_none_or(|all| all.contains(namespace));
        match kind {
            "Namespace" | "Role" | "ClusterRole" | "Catalog" => true,
            "RoleBinding" | "ClusterRoleBinding" => marks(object).is_some_and(|[catalog, ..]| within(&catalog)),
            _ => within(text(object, "/metadata/namespace")),
        }
    }

    fn all(&self, kind: &str) -> &[Value] {
        &self.objects[kind]
    }

    fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.all(kind).iter().find(|o| text(o, "/metadata/name") == name && text(o, "/metadata/namespace") == namespace)
    }

    /// What holds at every moment at which the operator rests, however it came to rest.
    fn is_safe(&self) -> Result<(), String> {
        self.i4_grants_are_those_of_live_assignments()?;
        self.i2_assignments_are_approved_by_others()?;
        self.i6_timelines_tell_each_transition_once()
    }

    /// What holds at every moment at all: no grant without an assignment that was accepted and has not come to its end in the record.
    fn has_no_grant_without_a_record(&self) -> Result<(), String> {
        for [catalog, resource, role, namespace, bound, subject] in self.grants() {
            let open = |a: &&Value| {
                let phase = text(a, "/status/phase");
                (GRANTING.contains(&phase) || phase == "Revoking")
                    && text(a, "/metadata/namespace") == catalog
                    && who(&a["spec"]["subject"]) == subject
            };
            if !self.all("Assignment").iter().any(|a| open(&a)) {
                return Err(format!(
                    "{subject} has {bound} in {namespace:?} by {catalog}/{resource}/{role} without an open assignment"
                ));
            }
        }
        self.i2_assignments_are_approved_by_others()
    }

    fn is_live(&self, assignment: &Value) -> bool {
        let accepted = GRANTING.contains(&text(assignment, "/status/phase"));
        let started = instant(assignment, "/status/schedule/startTime").is_some_and(|start| start <= self.now);
        let ends = ["/spec/schedule/endTime", "/status/schedule/endTime"];
        let ended = ends.iter().filter_map(|path| instant(assignment, path)).any(|end| end <= self.now);
        let taken = assignment.pointer("/spec/revoked").or(assignment.pointer("/metadata/deletionTimestamp")).is_some();
        accepted && started && !ended && !taken
    }

    /// The grants that a role of a package means for a subject; `None` while it may not be handed out everywhere.
    fn grants_of(&self, catalog: &str, pair: &Value, subject: &Value) -> Option<BTreeSet<Grant>> {
        let Some(resource) = self.find("CatalogResource", catalog, text(pair, "/resource")) else { return Some(BTreeSet::new()) };
        let judged = list(resource, "/status/roles").find(|role| role["name"] == pair["role"]);
        if judged.is_some_and(|role| role["state"] != "Ready") {
            return None;
        }
        let Some(role) = list(resource, "/spec/roles").find(|role| role["name"] == pair["role"]) else {
            return Some(BTreeSet::new());
        };
        let (kind, name) = (text(role, "/kubernetes/roleRef/kind"), text(role, "/kubernetes/roleRef/name"));
        let wide = resource.pointer("/spec/kubernetes/clusterWide") == Some(&Value::Bool(true));
        let places: Vec<&str> =
            if wide { vec![""] } else { list(resource, "/spec/kubernetes/namespaces").filter_map(Value::as_str).collect() };
        let possible = places.into_iter().filter(|place| place.is_empty() || self.is_there(place));
        let possible = possible.filter(|place| self.find(kind, if kind == "Role" { place } else { "" }, name).is_some());
        let grant = |place: &str| {
            [catalog, text(pair, "/resource"), text(pair, "/role"), place, &format!("{kind} {name}"), &who(subject)]
                .map(str::to_owned)
        };
        Some(possible.map(grant).collect())
    }

    /// Whether the API server said yes to a role in a place, both as they are now: not deleted and made anew since, and in this Catalog.
    fn was_judged(&self, catalog: &str, resource: &str, role: &str, place: &str, bound: &str) -> bool {
        let uid = |object: Option<&Value>| object.map(|o| text(o, "/metadata/uid").to_owned()).unwrap_or_default();
        let (kind, name) = bound.split_once(' ').unwrap_or_default();
        let namespace = uid(self.find("Namespace", "", place));
        let of_role = if kind == "Role" { uid(self.find("Role", place, name)) } else { String::new() };
        let owner = self.all("Catalog").iter().find(|c| text(c, "/status/namespace") == catalog);
        let yes = |answer: &Value| {
            let judged = &answer["kubernetes"];
            answer["allowed"] == true
                && (text(judged, "/namespace"), text(judged, "/namespaceUID")) == (place, namespace.as_str())
                && (text(judged, "/roleRef/kind"), text(judged, "/roleRef/name")) == (kind, name)
                && text(judged, "/roleUID") == of_role
                && owner.is_none_or(|owner| text(answer, "/catalogUID") == text(owner, "/metadata/uid"))
        };
        let found = self.find("CatalogResource", catalog, resource);
        let roles = found.into_iter().flat_map(|r| list(r, "/status/roles")).filter(|r| text(r, "/name") == role);
        roles.flat_map(|role| list(role, "/places")).any(yes)
    }

    /// Who has a live assignment with which role: catalog, resource, role and subject.
    fn entitled(&self) -> BTreeSet<[String; 4]> {
        let live = self.all("Assignment").iter().filter(|a| self.is_live(a));
        let roles = live.flat_map(|assignment| {
            let catalog = text(assignment, "/metadata/namespace");
            let package = self.find("AccessPackage", catalog, text(assignment, "/spec/accessPackage"));
            let pairs = package.into_iter().flat_map(|p| list(p, "/spec/resourceRoles"));
            pairs.map(move |pair| {
                let subject = who(&assignment["spec"]["subject"]);
                [catalog, text(pair, "/resource"), text(pair, "/role"), &subject].map(str::to_owned)
            })
        });
        roles.collect()
    }

    fn is_there(&self, namespace: &str) -> bool {
        self.find("Namespace", "", namespace).is_some_and(|n| n.pointer("/metadata/deletionTimestamp").is_none())
    }

    /// What live assignments give.
    fn wanted(&self) -> BTreeSet<Grant> {
        let live = self.all("Assignment").iter().filter(|a| self.is_live(a));
        let pairs = live.flat_map(|assignment| {
            let catalog = text(assignment, "/metadata/namespace");
            let package = self.find("AccessPackage", catalog, text(assignment, "/spec/accessPackage"));
            package
                .into_iter()
                .flat_map(|p| list(p, "/spec/resourceRoles"))
                .map(move |pair| (catalog, pair, &assignment["spec"]["subject"]))
        });
        pairs.filter_map(|(catalog, pair, subject)| self.grants_of(catalog, pair, subject)).flatten().collect()
    }

    /// What bindings give.
    fn grants(&self) -> Vec<Grant> {
        let bindings = self.all("RoleBinding").iter().chain(self.all("ClusterRoleBinding"));
        let carried = bindings.filter_map(|binding| marks(binding).map(|marks| (binding, marks)));
        let grants = carried.flat_map(|(binding, [catalog, resource, role])| {
            let bound = format!("{} {}", text(binding, "/roleRef/kind"), text(binding, "/roleRef/name"));
            let place = text(binding, "/metadata/namespace").to_owned();
            let grant = move |subject: &Value| {
                [catalog.clone(), resource.clone(), role.clone(), place.clone(), bound.clone(), who(subject)]
            };
            list(binding, "/subjects").map(grant)
        });
        grants.collect()
    }

    fn i4_grants_are_those_of_live_assignments(&self) -> Result<(), String> {
        let (wanted, entitled) = (self.wanted(), self.entitled());
        let mut found = BTreeSet::new();
        for grant in self.grants() {
            let [catalog, resource, role, place, bound, subject] = &grant;
            // What is held under an answer that was yes stays when a later one is no.
            let held = entitled.contains(&[catalog, resource, role, subject].map(String::clone));
            if !wanted.contains(&grant) && !held {
                return Err(format!("I4, I10: no live assignment gives {grant:?}"));
            }
            if !self.was_judged(catalog, resource, role, place, bound) {
                return Err(format!("I14: {grant:?} was not judged as it is now"));
            }
            if !found.insert(grant.clone()) {
                return Err(format!("{grant:?} is there twice"));
            }
        }
        Ok(())
    }

    fn i1_live_assignments_have_their_grants(&self) -> Result<(), String> {
        let found: BTreeSet<Grant> = self.grants().into_iter().collect();
        let missing = self.wanted().into_iter().find(|grant| !found.contains(grant));
        missing.map_or(Ok(()), |grant| Err(format!("I1: a live assignment gives {grant:?}, which is not there")))
    }
}
