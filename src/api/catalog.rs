//! Catalog: a container for access packages and the boundary of delegation.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::condition::shared::{AVAILABLE, IN_USE, events as shared_events};
use super::subject::Subject;
use super::word::vocabulary;

/// A Catalog holds resources, access packages and policies, and owns one namespace for them. Its owners need no
/// administrator for anything inside it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "Catalog",
    plural = "catalogs",
    shortname = "cat",
    category = "entitlement",
    status = "CatalogStatus",
    derive = "PartialEq",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Enabled", type_ = "boolean", json_path = ".spec.enabled"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Display Name", type_ = "string", json_path = ".spec.displayName", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 55 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name of a Catalog is at most 55 lower case letters, digits and '-', because its namespace is named after it"),
    validation = Rule::new("!has(self.spec.__namespace__) || !self.spec.__namespace__.startsWith('catalog-') || self.spec.__namespace__ == 'catalog-' + self.metadata.name")
        .message("namespaces that begin with catalog- belong to the Catalog of that name: leave spec.namespace out, or name another namespace")
        .field_path(".spec.namespace")
)]
#[x_kube(validation = Rule::new("!has(self.__namespace__) || !self.__namespace__.startsWith('kube-')")
    .message("namespaces that begin with kube- belong to Kubernetes").field_path(".namespace"),
    validation = Rule::new("has(self.__namespace__) == has(oldSelf.__namespace__) && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)")
    .message("spec.namespace cannot be changed: create another Catalog instead").field_path(".namespace"),
    validation = Rule::new("(!has(self.owners) || self.owners.all(s, s.kind != 'Group' || !s.name.startsWith('system:'))) \
        && (!has(self.accessPackageManagers) || self.accessPackageManagers.all(s, s.kind != 'Group' || !s.name.startsWith('system:'))) \
        && (!has(self.assignmentManagers) || self.assignmentManagers.all(s, s.kind != 'Group' || !s.name.startsWith('system:'))) \
        && (!has(self.readers) || self.readers.all(s, s.kind != 'Group' || !s.name.startsWith('system:')))")
    .message("groups of Kubernetes itself (system:...) can have no role in a Catalog: name people, groups of people or single service accounts"),
    // Owners are repeated in the status, and in bindings.
    validation = Rule::new("(has(self.owners) ? self.owners.map(s, s.name.size()).sum() : 0) \
        + (has(self.accessPackageManagers) ? self.accessPackageManagers.map(s, s.name.size()).sum() : 0) \
        + (has(self.assignmentManagers) ? self.assignmentManagers.map(s, s.name.size()).sum() : 0) \
        + (has(self.readers) ? self.readers.map(s, s.name.size()).sum() : 0) <= 65536")
    .message("the names of owners, managers and readers have more than 65536 characters together: name groups instead of people"))]
#[serde(rename_all = "camelCase")]
pub struct CatalogSpec {
    /// Name for people. Default: the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// What belongs in here, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub description: String,
    /// `false`: nothing in the catalog can be requested, and requests under way are denied with `CatalogDisabled` at the
    /// next check; live assignments stay until their end. Default: `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Namespace of the catalog. Default: `catalog-<name>`, which is created, and deleted with the Catalog. Any other must exist and carry
    /// the label `entitlement.dev/catalog: <catalog name>`, put there by somebody who may label it; it stays when the Catalog goes, without
    /// the label. Immutable. Reported by condition `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// May do everything in the catalog, and edit the Catalog itself. Empty at creation: the creator is entered. Left out later: stays as
    /// it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub owners: Vec<Subject>,
    /// May write packages and policies, see requests and assignments, and assign people directly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub access_package_managers: Vec<Subject>,
    /// May see requests and assignments, and assign people directly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub assignment_managers: Vec<Subject>,
    /// May read everything in the catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub readers: Vec<Subject>,
    /// Names of Catalogs whose rules of separation bind packages of this one: what they hand out to somebody directly bars the person from
    /// a package here that their package names in `incompatibleWith`. Without it only what the person asked for does. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 55)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub honors_separation_from: Vec<String>,
}

/// An owner of a Catalog as an approver.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct NotedOwner {
    /// The owner.
    pub subject: Subject,
    /// From when on decisions of the owner count.
    pub since: DateTime<Utc>,
}

/// What the operator made of a Catalog.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CatalogStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The catalog's namespace, once it is there and ours to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// The owners, and since when the operator knows them as such: where owners approve, only what they decided since then counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub owners: Vec<NotedOwner>,
    /// `Ready`: the namespace is there and everybody named in the spec has their role in it. Only while it holds: `SubjectsNotBound`,
    /// somebody who is named cannot be bound to a role.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

vocabulary! {
    conditions [] {
        /// Only while it holds: users of Kubernetes itself (`system:...`) are named, whom the operator binds to nothing.
        SUBJECTS_NOT_BOUND = "SubjectsNotBound";
    }
    reasons [AVAILABLE, IN_USE] {
        /// The namespace exists without the label `entitlement.dev/catalog: <catalog name>`.
        NAMESPACE_NOT_OURS = "NamespaceNotOurs" in "`Ready=False`";
        /// The namespace that the spec names does not exist; only `catalog-<name>` is created.
        NAMESPACE_NOT_FOUND = "NamespaceNotFound" in "`Ready=False`";
        /// The namespace is being created, or goes away.
        NAMESPACE_PENDING = "NamespacePending" in "`Ready=False`";
        /// A RoleBinding in the namespace is not there yet, or one of its name belongs to somebody else.
        BINDINGS_PENDING = "BindingsPending" in "`Ready=False`";
        /// The message names who is bound to nothing.
        SYSTEM_SUBJECT = "SystemSubject" in "`SubjectsNotBound=True`";
    }
    events [shared_events::READY, shared_events::NOT_READY] {
        /// The namespace of the catalog is created.
        CREATING_NAMESPACE = "CreatingNamespace", Normal, in "Event";
        /// Users of Kubernetes itself are named, to whom nothing is bound; the condition `SubjectsNotBound` came.
        SUBJECTS_NOT_BOUND = "SubjectsNotBound", Warning, in "Event";
    }
}

/// Prefix of the namespace that a Catalog gets when its spec names none.
const PREFIX: &str = "catalog-";

pub(in crate::api) fn yes() -> bool {
    true
}

impl Catalog {
    /// The namespace that this catalog asks for.
    pub fn wanted_namespace(&self) -> String {
        match &self.spec.namespace {
            Some(named) => named.clone(),
            None => format!("{PREFIX}{}", self.metadata.name.as_deref().unwrap_or_default()),
        }
    }

    /// The owners whose decisions count, and since when.
    pub fn deciding_owners(&self) -> Vec<NotedOwner> {
        let noted = self.status.iter().flat_map(|status| &status.owners);
        noted.filter(|owner| self.spec.owners.contains(&owner.subject)).cloned().collect()
    }

    /// Whether the operator creates its namespace, and deletes it with the Catalog.
    pub fn makes_its_namespace(&self) -> bool {
        self.wanted_namespace().strip_prefix(PREFIX) == self.metadata.name.as_deref()
    }

    /// The namespace that it has, once the operator found it usable.
    pub fn namespace(&self) -> Option<&str> {
        self.status.as_ref()?.namespace.as_deref()
    }
}
