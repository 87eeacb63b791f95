//! Whether the admission policies that vouch for identities are in force: every shipped check installed, bound, and exactly as shipped.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use crate::api::time::from_meta;
use crate::domain::Key;

use crate::observe::Stores;

/// The checks as they are shipped; the installed ones must equal them.
const SHIPPED: [&str; 17] = [
    include_str!("../../config/admission/checks/approver-identity.yaml"),
    include_str!("../../config/admission/checks/assigner-identity.yaml"),
    include_str!("../../config/admission/checks/assignment-source.yaml"),
    include_str!("../../config/admission/checks/author-identity.yaml"),
    include_str!("../../config/admission/checks/catalog-owner.yaml"),
    include_str!("../../config/admission/checks/decision-deletion.yaml"),
    include_str!("../../config/admission/checks/metadata-guard.yaml"),
    include_str!("../../config/admission/checks/operator-bindings.yaml"),
    include_str!("../../config/admission/checks/operator-cluster-admin.yaml"),
    include_str!("../../config/admission/checks/operator-namespaces.yaml"),
    include_str!("../../config/admission/checks/operator-requests.yaml"),
    include_str!("../../config/admission/checks/operator-wildcards.yaml"),
    include_str!("../../config/admission/checks/request-cancellation.yaml"),
    include_str!("../../config/admission/checks/request-deletion.yaml"),
    include_str!("../../config/admission/checks/requestor-account.yaml"),
    include_str!("../../config/admission/checks/requestor-identity.yaml"),
    include_str!("../../config/admission/checks/status-guard.yaml"),
];

/// Kind and name of an admission object, and its spec.
type Specs = BTreeMap<(String, String), Value>;

/// The shipped checks and their bindings.
pub struct Shipped {
    specs: Specs,
}

impl Shipped {
    /// Reads the shipped files.
    pub fn read() -> Result<Self, serde_yaml::Error> {
        let mut specs = Specs::new();
        for file in SHIPPED {
            for document in serde_yaml::Deserializer::from_str(file) {
                let value = Value::deserialize(document)?;
                let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
                specs.insert((text("/kind"), text("/metadata/name")), value.get("spec").cloned().unwrap_or_default());
            }
        }
        Ok(Self { specs })
    }

    /// What is not as shipped, for people; empty when the checks are in force.
    pub fn deviations(&self, stores: &Stores) -> Vec<String> {
        let wrong = self.specs.iter().filter_map(|((kind, name), shipped)| match installed(stores, kind, name) {
            None => Some(format!("{kind} {name} is missing")),
            Some(spec) if spec != *shipped => Some(format!("{kind} {name} is not as shipped")),
            Some(_) => None,
        });
        wrong.collect()
    }
}

impl Shipped {
    /// When the checks and their bindings were last changed, by the API server's clock: the newest creation, or writing of anything but a
    /// status, among those that are there.
    pub fn last_changed(&self, stores: &Stores) -> Option<DateTime<Utc>> {
        let metas = self.specs.keys().filter_map(|(kind, name)| {
            let key = Key::new("", name);
            match kind.as_str() {
                "ValidatingAdmissionPolicy" => stores.checks.get(&key).map(|policy| &policy.metadata),
                _ => stores.check_bindings.get(&key).map(|binding| &binding.metadata),
            }
        });
        metas.filter_map(changed).max()
    }
}

fn changed(meta: &ObjectMeta) -> Option<DateTime<Utc>> {
    let written = meta.managed_fields.iter().flatten().filter(|entry| entry.subresource.is_none());
    let times = written.filter_map(|entry| entry.time.as_ref()).chain(&meta.creation_timestamp);
    times.map(from_meta).max()
}

fn installed(stores: &Stores, kind: &str, name: &str) -> Option<Value> {
    let key = Key::new("", name);
    let spec = match kind {
        "ValidatingAdmissionPolicy" => {
            stores.checks.get(&key).map(|p: &std::sync::Arc<ValidatingAdmissionPolicy>| serde_json::to_value(&p.spec))
        }
        _ => stores
            .check_bindings
            .get(&key)
            .map(|b: &std::sync::Arc<ValidatingAdmissionPolicyBinding>| serde_json::to_value(&b.spec)),
    };
    spec?.ok()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// A world in which every shipped check is installed, each changed by `change` first.
    fn installed_as(
        change: impl Fn(&mut ValidatingAdmissionPolicy, &mut ValidatingAdmissionPolicyBinding),
    ) -> Result<Stores, Box<dyn Error>> {
        let mut stores = Stores::default();
        for file in SHIPPED {
            let mut documents = serde_yaml::Deserializer::from_str(file);
            let mut policy = ValidatingAdmissionPolicy::deserialize(documents.next().ok_or("a policy")?)?;
            let mut binding = ValidatingAdmissionPolicyBinding::deserialize(documents.next().ok_or("a binding")?)?;
            change(&mut policy, &mut binding);
            stores.checks.put(policy);
            stores.check_bindings.put(binding);
        }
        Ok(stores)
    }

    /// Every file of the folder is watched, and put in by its kustomization.
    #[test]
    fn the_list_is_the_folder() -> Result<(), Box<dyn Error>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/admission/checks");
        let mut files = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            files.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path())?);
        }
        let kustomization: Value = serde_yaml::from_str(&files.remove("kustomization.yaml").unwrap_or_default())?;
        let listed = kustomization["resources"].as_array().ok_or("a list of resources")?;
        let listed: std::collections::BTreeSet<&str> = listed.iter().filter_map(Value::as_str).collect();
        assert_eq!(listed, files.keys().map(String::as_str).collect());
        let watched: std::collections::BTreeSet<&str> = SHIPPED.into_iter().collect();
        assert_eq!(watched, files.values().map(String::as_str).collect());
        Ok(())
    }

    #[test]
    fn what_is_installed_as_shipped_is_in_force() -> Result<(), Box<dyn Error>> {
        let stores = installed_as(|_, _| ())?;
        assert_eq!(Shipped::read()?.deviations(&stores), Vec::<String>::new());
        assert_eq!(stores.checks.len(), SHIPPED.len());
        Ok(())
    }

    #[test]
    fn what_is_missing_or_weakened_is_told() -> Result<(), Box<dyn Error>> {
        let shipped = Shipped::read()?;
        assert_eq!(shipped.deviations(&Stores::default()).len(), 2 * SHIPPED.len());
        let ignoring = installed_as(|policy, _| {
            if let Some(spec) = &mut policy.spec {
                spec.failure_policy = Some("Ignore".to_owned());
            }
        })?;
        assert_eq!(shipped.deviations(&ignoring).len(), SHIPPED.len());
        let warning = installed_as(|_, binding| {
            binding.spec.validation_actions = vec!["Warn".to_owned()];
        })?;
        assert_eq!(shipped.deviations(&warning).len(), SHIPPED.len());
        Ok(())
    }
}
