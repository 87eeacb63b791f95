//! Catalogs.

use std::sync::Arc;

use kube::api::Api;

use crate::api::{Catalog, CatalogSpec};
use crate::domain::{Key, catalog};
use crate::error::Error;
use crate::runtime::queue::Action;
use crate::writer::post;

use super::Context;

/// The catalog that always exists.
pub const DEFAULT: &str = "default";

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let found: Option<Arc<Catalog>> = context.cache.read().catalogs.get(key).cloned();
    let Some(found) = found else {
        return if key.name == DEFAULT { create_default(context).await } else { context.gone::<Catalog>(key) };
    };
    let problem = context.failed::<Catalog>(key);
    let plan = {
        let stores = context.cache.read();
        catalog::decide(&catalog::Input { last_failure: problem.as_deref(), ..stores.catalog_input(&found) }, now)
    };
    context.carry_out(&found, plan).await
}

/// The shipped catalog; its owners are named by an administrator, and until then nobody but administrators can use it.
async fn create_default(context: &Context) -> Result<Action, Error> {
    let spec = CatalogSpec {
        display_name: "Default".to_owned(),
        description: "The catalog that is always there. Its owners are named by an administrator.".to_owned(),
        enabled: true,
        ..CatalogSpec::default()
    };
    let api: Api<Catalog> = Api::all(context.writer.client.clone());
    match context.writer.timed("create Catalog default".to_owned(), api.create(&post(), &Catalog::new(DEFAULT, spec))).await {
        Ok(created) => context.cache.put(created),
        Err(error) if error.is_conflict() => {}
        Err(error) => return Err(error),
    }
    Ok(Action::AwaitChange)
}
