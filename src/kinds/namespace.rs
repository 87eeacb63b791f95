//! Namespaces, on which Catalogs and resources stand.

use k8s_openapi::api::core::v1::Namespace;

use crate::observe::Watched;
use crate::observe::store::Indexed;

impl Indexed for Namespace {}

impl Watched for Namespace {
    const NAME: &str = "Namespace";
}
