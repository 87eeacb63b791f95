//! Catalogs.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::Api;

use crate::api::access_request::{PinnedPolicy, RequestPhase};
use crate::api::{Catalog, CatalogSpec, Policy};
use crate::domain::Key;
use crate::domain::catalog::{self, Offering};
use crate::domain::meta::namespace;
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Delta, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;
use crate::targets::rbac::binding;
use crate::writer::post;

use super::{Context, assignment, keys, request};

/// The catalog that always exists.
pub const DEFAULT: &str = "default";

impl Indexed for Catalog {
    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::Uses(self.wanted_namespace())]
    }
}

impl Watched for Catalog {
    const NAME: &str = "Catalog";
}

/// What others depend on.
fn relevant_part(catalog: &Catalog) -> impl PartialEq + '_ {
    let spec = &catalog.spec;
    (&catalog.metadata.uid, catalog.namespace(), spec.enabled, &spec.owners, &spec.honors_separation_from)
}

/// The namespaces of a Catalog of which something changed on which what is in them depends.
pub(super) fn concerned(change: &Change<'_>) -> Vec<IndexKey> {
    match change {
        Change::Catalog(delta) if delta.differs(relevant_part) => namespaces(*delta),
        _ => Vec::new(),
    }
}

/// The namespaces of a Catalog that is another one now, or has another namespace: nobody has what was granted for another catalog.
pub(super) fn moved(change: &Change<'_>) -> Vec<IndexKey> {
    match change {
        Change::Catalog(delta) if delta.differs(|c| (&c.metadata.uid, c.namespace())) => namespaces(*delta),
        _ => Vec::new(),
    }
}

fn namespaces(delta: Delta<'_, Catalog>) -> Vec<IndexKey> {
    let mut all: Vec<IndexKey> = delta.versions().map(|c| IndexKey::Namespace(c.wanted_namespace())).collect();
    all.dedup();
    all
}

/// On what a Catalog depends: its namespace, what is in it, and who asks and decides there.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let in_namespace = |namespace: &str| keys(&stores.catalogs, &IndexKey::Uses(namespace.to_owned()));
    let owner = |namespace: &str| stores.catalog_of(namespace).map(Key::of);
    let found: Vec<Key> = match change {
        Change::Catalog(delta) => delta.versions().map(Key::of).collect(),
        Change::Namespace(delta) => delta.latest().map(|n| in_namespace(&Key::of(n).name)).unwrap_or_default(),
        // Of these it tells the number, and its deletion waits for them.
        Change::Resource(delta) if delta.comes_or_goes() => in_namespace(namespace_of(*delta)),
        Change::Package(delta) if delta.differs(|p| &p.spec) => in_namespace(namespace_of(*delta)),
        Change::Policy(delta) => owner(namespace_of(*delta)).into_iter().collect(),
        // Those of people in its namespace.
        Change::RoleBinding(delta) if delta.versions().any(|b| binding::grant(b).is_none()) => in_namespace(namespace_of(*delta)),
        // Whoever may decide it can list it.
        Change::Request(delta) if request::is_concerned(*delta) => {
            let waits = delta.versions().any(|r| r.phase() == RequestPhase::PendingApproval);
            let pinned = delta.versions().filter_map(|r| r.status.as_ref()?.policy.as_ref());
            let concerned = waits || any_disabled(stores, namespace_of(*delta), pinned.map(|policy| policy.name.as_str()));
            owner(namespace_of(*delta)).filter(|_| concerned).into_iter().collect()
        }
        Change::Assignment(delta) if assignment::is_concerned(*delta) => {
            let concerned = any_disabled(stores, namespace_of(*delta), delta.versions().map(|a| a.spec.policy.as_str()));
            owner(namespace_of(*delta)).filter(|_| concerned).into_iter().collect()
        }
        _ => Vec::new(),
    };
    triggers.extend(found.into_iter().map(WorkItem::Catalog));
}

fn namespace_of<K: kube::Resource>(delta: Delta<'_, K>) -> &str {
    delta.latest().map(namespace).unwrap_or_default()
}

/// Whether a policy is disabled: people can read it as long as something of theirs is under way under it, though nobody can ask under it.
fn any_disabled<'a>(stores: &Stores, namespace: &str, mut policies: impl Iterator<Item = &'a str>) -> bool {
    policies.any(|name| stores.policies.get(&Key::new(namespace, name)).is_some_and(|policy| !policy.spec.enabled))
}

impl Stores {
    /// For [`catalog::decide`].
    pub fn catalog_input<'a>(&'a self, catalog: &'a Catalog) -> catalog::Input<'a> {
        let namespace = catalog.wanted_namespace();
        let index_key = IndexKey::Namespace(namespace.clone());
        let bindings = self.role_bindings.find(&index_key).map(|b| (b.metadata.name.clone().unwrap_or_default(), &**b));
        catalog::Input {
            catalog,
            namespace: self.namespaces.get(&Key::new("", &namespace)).map(|n| &**n),
            bindings: bindings.collect(),
            packages: self.packages.find(&index_key).count(),
            resources: self.resources.find(&index_key).count(),
            policies: self.policies.find(&index_key).map(|p| self.offering(p)).collect(),
            waiting: self.waiting(&namespace),
            last_failure: None,
        }
    }

    fn offering<'a>(&self, policy: &'a Policy) -> Offering<'a> {
        Offering { policy, in_use: policy.spec.enabled || self.is_in_use(policy) }
    }

    /// Whether somebody has something under way under a policy: they must be able to read it, to withdraw it or to give it back.
    fn is_in_use(&self, policy: &Policy) -> bool {
        let under = IndexKey::Policy(Key::of(policy));
        self.requests.find(&under).next().is_some() || self.assignments.find(&under).next().is_some()
    }

    /// The terms of requests that wait for approval, each version of a policy once.
    fn waiting(&self, namespace: &str) -> Vec<&PinnedPolicy> {
        let pinned =
            self.requests.find(&IndexKey::Waiting(namespace.to_owned())).filter_map(|r| r.status.as_ref()?.policy.as_ref());
        let versions: BTreeMap<(&str, i64), &PinnedPolicy> = pinned.map(|p| ((p.uid.as_str(), p.generation), p)).collect();
        versions.into_values().collect()
    }
}

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
