//! CatalogResources.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::CatalogResource;
use crate::api::catalog_resource::RoleKind;
use crate::domain::grant::GrantKey;
use crate::domain::grant::report::GrantReports;
use crate::domain::meta::namespace;
use crate::domain::resource::{self as machine, Offer, Scope, Target, all_targets};
use crate::domain::{Key, Trust};
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Delta, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::{Action, Lane};
use crate::targets;

use super::grant::concerned::grants_written;
use super::{Context, catalog, keys};

impl Indexed for CatalogResource {
    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = BTreeSet::from([IndexKey::Namespace(namespace(self).to_owned())]);
        for target in all_targets(&self.spec) {
            if let Scope::Namespace(namespace) = &target.scope {
                keys.insert(IndexKey::Uses(namespace.clone()));
            }
            keys.insert(IndexKey::Role(in_cluster(target)));
        }
        keys.into_iter().collect()
    }
}

/// A role by where it lives: a ClusterRole is one wherever it is bound.
fn in_cluster(target: Target) -> Target {
    match target.role.kind {
        RoleKind::ClusterRole => Target { scope: Scope::Cluster, role: target.role },
        RoleKind::Role => target,
    }
}

impl Watched for CatalogResource {
    const NAME: &str = "CatalogResource";
    const UNREADABLE_IS_GONE: bool = true;
    /// Its authors are asked about, which takes long.
    const LANE: Lane = Lane::Asking;

    /// Whoever has one of its roles keeps it, nobody gains it.
    fn enter_unreadable(stores: &mut Stores, key: &Key, is: bool) {
        match is {
            true => drop(stores.offers.insert(key.clone(), Arc::new(Offer::unreadable(key)))),
            false => drop(stores.offers.remove(key)),
        }
    }

    fn derive(stores: &mut Stores, delta: Delta<'_, Self>) {
        match (delta.old, delta.new) {
            (_, Some(resource)) => drop(stores.offers.insert(Key::of(resource), Arc::new(Offer::of(resource)))),
            (Some(resource), None) => drop(stores.offers.remove(&Key::of(resource))),
            (None, None) => {}
        }
    }
}

/// What others depend on: not when it was asked about.
fn relevant_part(resource: &CatalogResource) -> impl PartialEq + '_ {
    let said = resource.status.as_ref().map(|status| (&status.roles, &status.conditions));
    let meta = &resource.metadata;
    (&resource.spec, said, &meta.uid, &meta.deletion_timestamp, &meta.annotations)
}

/// Resources of which something changed on which grants, and what is said about them, depend: what they say, or what they stand on.
pub(super) fn concerned(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    match change {
        Change::Resource(delta) if delta.differs(relevant_part) => delta.latest().map(Key::of).into_iter().collect(),
        Change::Unreadable(CatalogResource::NAME, key) => vec![(*key).clone()],
        _ => standing(stores, change),
    }
}

/// Resources that stand on what changed: on their Catalog, or on something in the target system, such as a namespace or a role.
pub(super) fn standing(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    let moved = catalog::moved(change).into_iter().flat_map(|namespace| keys(&stores.resources, &namespace));
    moved.chain(targets::standing(stores, change)).collect()
}

/// On what a resource depends: what it stands on, who uses it, and what came of its grants.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let mut found: Vec<Key> = catalog::concerned(change).iter().flat_map(|ns| keys(&stores.resources, ns)).collect();
    found.extend(standing(stores, change));
    match change {
        Change::Resource(delta) => found.extend(delta.latest().map(Key::of)),
        Change::Package(delta) if delta.differs(|p| &p.spec) => {
            found.extend(
                delta.versions().flat_map(|p| p.spec.resource_roles.iter().map(|role| Key::new(namespace(p), &role.resource))),
            );
        }
        Change::Trust => found.extend(stores.resources.keys().cloned()),
        Change::Report(report) => {
            let differs = report.before.conflict != report.after.conflict || report.before.held != report.after.held;
            found.extend((report.is_first() || differs).then(|| Key::new(&report.grant.namespace, &report.grant.resource)));
        }
        _ => found.extend(waiting_for(stores, targets::membership(change).into_keys())),
    }
    triggers.extend(found.into_iter().map(WorkItem::Resource));
}

/// Resources that are being deleted wait for their grants.
fn waiting_for(stores: &Stores, grants: impl Iterator<Item = GrantKey>) -> Vec<Key> {
    let resources = grants.map(|grant| Key::new(&grant.namespace, &grant.resource));
    let is_closing = |key: &Key| stores.resources.get(key).is_some_and(|r| r.metadata.deletion_timestamp.is_some());
    resources.filter(is_closing).collect()
}

impl Stores {
    /// For [`machine::decide`]. `answers`: what was said of its authors just now. `open`: whether a role stood open when the admission policies
    /// came into force.
    pub fn resource_input<'a>(
        &'a self,
        resource: &'a CatalogResource,
        offer: &'a Offer,
        answers: Vec<(machine::Question, machine::Answer)>,
        trust: &'a Trust,
        open: &'a dyn Fn(&str, &machine::OfferedRole) -> bool,
        reports: &GrantReports,
    ) -> machine::Input<'a> {
        let key = Key::of(resource);
        machine::Input {
            resource,
            offer,
            packages: self.packages.find(&IndexKey::Resource(key.clone())).count(),
            carriers: grants_written(resource).map(|grant| targets::carriers(self, &grant)).sum(),
            grants: grants(reports, &key),
            cluster: self,
            answers,
            trust,
            open,
        }
    }
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
    if context.admission.trust() == Trust::Undecided {
        return Ok(Action::AwaitChange); // whether anybody vouches for the authors is known in a moment, and triggers us
    }
    let now = context.clock.now();
    let open = |name: &str, role: &machine::OfferedRole| context.admission.found_open(key, name, &role.digest);
    let (found, offer, questions) = {
        let stores = context.cache.read();
        let Some((found, offer)) = stores.resources.get(key).cloned().zip(stores.offers.get(key).cloned()) else {
            return context.gone::<CatalogResource>(key);
        };
        let trust = context.admission.trust();
        let is_doubted =
            |name: &str, role: &machine::OfferedRole| machine::doubt(&found, role, &trust, open(name, role)).is_some();
        let questions = machine::questions(&found, &offer, &*stores, is_doubted, now);
        (found, offer, questions)
    };
    let more = questions.len() == machine::MOST_QUESTIONS;
    let answers = targets::judge(&context.writer, questions).await?;
    let trust = context.admission.trust();
    let plan = {
        let stores = context.cache.read();
        machine::decide(&stores.resource_input(&found, &offer, answers, &trust, &open, &context.reports()), now)
    };
    let outcome = context.carry_out(&found, plan).await?;
    Ok(if more { Action::RequeueAt(now, Lane::Ordinary) } else { outcome })
}

/// What is known of the grants of a resource; none before each of them was reconciled once.
fn grants(reports: &GrantReports, key: &Key) -> Option<machine::Grants> {
    (!reports.is_unsure(&key.namespace, Some(&key.name))).then(|| machine::Grants {
        waiting_revocations: reports.held(|grant, _| grant.namespace == key.namespace && grant.resource == key.name),
        names_taken: reports.conflicts(key),
    })
}
