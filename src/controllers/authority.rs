//! What the API server is asked about people who ask for others.

use crate::api::{GROUP, Identity};
use crate::domain::Key;
use crate::error::Error;
use crate::writer::Writer;
use crate::writer::access_review::Permission;

/// Whether somebody holds the verb `assign` on a package.
pub(super) async fn may_assign(writer: &Writer, who: &Identity, package: &Key) -> Result<bool, Error> {
    let permission = Permission {
        verb: "assign".to_owned(),
        group: GROUP.to_owned(),
        resource: "accesspackages".to_owned(),
        name: package.name.clone(),
        namespace: package.namespace.clone(),
        ..Permission::default()
    };
    writer.may(who, &permission).await
}
