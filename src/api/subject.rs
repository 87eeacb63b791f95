//! Who: subjects of access, and the identity that the API server vouched for.

use std::fmt;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a [`Subject`] is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum SubjectKind {
    #[default]
    User,
    Group,
    ServiceAccount,
}

/// A person, a group or a service account, as Kubernetes RBAC names it (a rbac/v1 Subject without apiGroup). Nobody can stand for the
/// anonymous, or for the administrators of the cluster (`system:masters`).
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, KubeSchema)]
#[x_kube(
    validation = Rule::new("self.kind == 'ServiceAccount' ? has(self.__namespace__) : !has(self.__namespace__)")
        .message("namespace is required for kind ServiceAccount and forbidden for User and Group"),
    validation = Rule::new("self.kind != 'ServiceAccount' || (self.name.size() <= 253 && self.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))")
        .message("the name of a ServiceAccount is at most 253 lower case letters, digits, '-' and '.', and begins and ends with a letter or digit, as does each part between dots"),
    validation = Rule::new("self.kind != 'User' || !self.name.startsWith('system:serviceaccount:')")
        .message("name a service account by kind: ServiceAccount with name and namespace"),
    validation = Rule::new("!(self.name in ['system:anonymous', 'system:unauthenticated', 'system:masters'])")
        .message("the anonymous and system:masters can have no part in access packages: name a person, a group or a service account")
)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: SubjectKind,
    /// Name as the API server knows it: the user name or group that its authentication yields, or the name of the
    /// ServiceAccount. Compared letter by letter.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// Namespace of a ServiceAccount; absent for `User` and `Group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// What somebody hears who is in more groups than an object can keep.
pub(in crate::api) const TOO_MANY_GROUPS: &str = "you are in more than 1000 groups, which is more than can be kept: ask your administrator for a login with fewer groups (let the identity provider send only those that matter in this cluster)";

/// An authenticated identity, copied by the API server from the request that created the object. It is never typed:
/// what a client writes here is overwritten (Kubernetes 1.36 and later) or refused (1.30 to 1.35).
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash, KubeSchema)]
#[x_kube(validation = Rule::new("!has(self.groups) || self.groups.size() <= 1000")
    .message(TOO_MANY_GROUPS))]
pub struct Identity {
    /// User name as authenticated.
    #[schemars(length(min = 1, max = 1024))]
    pub username: String,
    /// Unique id of the user where the authenticator gives one (client certificates do not).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub uid: Option<String>,
    /// Groups of the user at that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2000), inner(length(max = 1024)))]
    pub groups: Vec<String>,
}

/// Prefix of names that Kubernetes keeps for itself.
const SYSTEM: &str = "system:";
/// Prefix of the user name of every service account.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

impl Subject {
    /// A user by name.
    pub fn user(name: impl Into<String>) -> Self {
        Self { kind: SubjectKind::User, name: name.into(), namespace: None }
    }

    /// A group by name.
    pub fn group(name: impl Into<String>) -> Self {
        Self { kind: SubjectKind::Group, name: name.into(), namespace: None }
    }

    /// Whether it is a user or a group of Kubernetes itself: a component, a node, everybody.
    pub fn is_system(&self) -> bool {
        self.kind != SubjectKind::ServiceAccount && self.name.starts_with(SYSTEM)
    }

    /// The user name under which the API server knows this subject; none for a group.
    pub fn username(&self) -> Option<String> {
        match self.kind {
            SubjectKind::User => Some(self.name.clone()),
            SubjectKind::ServiceAccount => {
                Some(format!("{SERVICE_ACCOUNT}{}:{}", self.namespace.as_deref().unwrap_or_default(), self.name))
            }
            SubjectKind::Group => None,
        }
    }

    /// Whether an authenticated identity is this subject or a member of it.
    pub fn covers(&self, who: &Identity) -> bool {
        match self.kind {
            SubjectKind::Group => who.groups.contains(&self.name),
            _ => self.username().is_some_and(|name| name == who.username),
        }
    }
}

impl Identity {
    /// The subject that stands for this identity.
    pub fn subject(&self) -> Subject {
        let account = self.username.strip_prefix(SERVICE_ACCOUNT).and_then(|rest| rest.split_once(':'));
        match account {
            Some((namespace, name)) => {
                Subject { kind: SubjectKind::ServiceAccount, name: name.to_owned(), namespace: Some(namespace.to_owned()) }
            }
            None => Subject::user(&self.username),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{:?} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{:?} {}", self.kind, self.name),
        }
    }
}
