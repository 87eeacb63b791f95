//! What a resource names in a target system that is reached through a Connector.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Author;

/// A thing in a target system outside this cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct ConnectorTarget {
    /// Name of the Connector. This version has no Connectors: the resource says `ConnectorNotFound`, and its roles are granted to nobody.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub name: String,
    /// What it is there: `Group`, `Application` or `Site`.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
    /// By what the target system knows it, such as the path of a group.
    #[schemars(length(min = 1, max = 1024))]
    pub id: String,
    /// Who wrote `name`, `type` and `id`; entered by the API server when they change, never typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
}

/// What a thing outside this cluster can be.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum ConnectorType {
    #[default]
    Group,
    Application,
    Site,
}

/// What is granted through a Connector.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct ConnectorRole {
    /// Name of the role as the target system has it, such as `member` of a group.
    #[schemars(length(min = 1, max = 256))]
    pub role: String,
}
