//! Namespaces, on which Catalogs and resources stand.

use k8s_openapi::api::core::v1::Namespace;

use crate::observe::Watched;
use crate::observe::store::{IndexKey, Indexed};

impl Indexed for Namespace {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Watched for Namespace {
    const NAME: &str = "Namespace";
}
