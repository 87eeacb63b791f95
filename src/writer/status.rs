//! Status: only what differs is written, and only over the version that was seen.
//!
//! A merge patch costs the API server less than a server-side apply, and nobody else owns a part of a status of ours.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, Patch};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::Key;
use crate::error::Error;
use crate::observe::Kind;
use crate::table::kinds;

use super::{Writer, merge};

/// A kind with a status of ours.
pub trait HasStatus: Kind + kube::core::object::HasStatus<Status: Serialize + PartialEq + Clone + Send> {
    /// The conditions in a status.
    fn conditions(status: &mut Self::Status) -> &mut Vec<Condition>;
    /// Where the object lives.
    fn api(writer: &Writer, key: &Key) -> Api<Self>;
}

macro_rules! statuses {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name1:ident = $kind:ty, $scope:ident, $room:ident;)* }
     watched { $($rest:tt)* }) => {$(
        impl HasStatus for $kind {
            fn conditions(status: &mut Self::Status) -> &mut Vec<Condition> {
                &mut status.conditions
            }

            fn api(writer: &Writer, key: &Key) -> Api<Self> {
                $scope(writer.client.clone(), key)
            }
        }
    )*};
}
kinds!(statuses);

/// Objects without a namespace.
fn all<K: Resource<DynamicType = ()>>(client: Client, _: &Key) -> Api<K> {
    Api::all(client)
}

/// Objects in a namespace.
fn namespaced<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(client: Client, key: &Key) -> Api<K> {
    Api::namespaced(client, &key.namespace)
}

/// What makes `new` of `old` as a JSON merge patch (RFC 7386); nothing when they are the same.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return (old != new).then(|| new.clone());
    };
    let gone = before.keys().filter(|field| !after.contains_key(*field)).map(|field| (field.clone(), Value::Null));
    let changed = after.iter().filter_map(|(field, new)| {
        let change = difference(before.get(field).unwrap_or(&Value::Null), new)?;
        Some((field.clone(), change))
    });
    let patch: serde_json::Map<_, _> = gone.chain(changed).collect();
    (!patch.is_empty()).then(|| patch.into())
}

impl Writer {
    /// Writes a status when it differs from the one that was seen. Tells whether it did.
    ///
    /// A decision that was taken on an old version is refused by the API server (409), not written over a newer one.
    pub async fn status<K: HasStatus>(&self, object: &Arc<K>, status: &K::Status) -> Result<bool, Error> {
        if object.status() == Some(status) {
            return Ok(false);
        }
        let key = Key::of(&**object);
        let what = format!("write status of {} {key}", K::kind(&()));
        let as_json = |status| serde_json::to_value(status).map_err(|error| unwritable(&what, error));
        let old = object.status().map_or(Ok(Value::Null), as_json)?;
        let Some(status) = difference(&old, &as_json(status)?) else { return Ok(false) };
        let meta = object.meta();
        let patch = json!({"metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version}, "status": status});
        let written = self.timed(what, K::api(self, &key).patch_status(&key.name, &merge(), &Patch::Merge(patch))).await?;
        self.cache.refresh(written);
        Ok(true)
    }
}

fn unwritable(what: &str, error: serde_json::Error) -> Error {
    Error::Api { what: what.to_owned(), source: Box::new(kube::Error::SerdeError(error)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::difference;

    /// JSON as a status is: nothing in it is null.
    fn statuses() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<bool>().prop_map(Value::from), (0..4_u8).prop_map(Value::from), "[a-c]?".prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_difference_makes_one_status_of_the_other(old in statuses(), new in statuses()) {
            let (mut object, new) = (json!({"status": old}), json!({"status": new}));
            if let Some(patch) = difference(&object, &new) {
                json_patch::merge(&mut object, &patch);
            }
            prop_assert_eq!(object, new);
        }

        #[test]
        fn what_is_the_same_is_not_sent(status in statuses()) {
            prop_assert_eq!(difference(&status, &status), None);
        }
    }
}
