//! Who may hand out a Kubernetes role in a place: asked of the API server, for each author by itself.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::Api;

use crate::api::Identity;
use crate::api::catalog_resource::RoleKind;
use crate::domain::catalog::RBAC;
use crate::domain::resource::{Answer, Scope, Target};
use crate::error::Error;
use crate::writer::Writer;
use crate::writer::access_review::Permission;

/// Questions that are on their way at the same time.
const AT_ONCE: usize = 8;

/// Most single permissions of a role that are asked about.
const MOST_PERMISSIONS: usize = 5_000;

/// Whether each of these people could hand out a role in a place themselves.
pub(super) async fn all_may_bind(writer: &Writer, who: &[Identity], target: &Target) -> Result<Answer, Error> {
    for author in who {
        match may_bind(writer, author, target).await? {
            Answer::MayBind => {}
            other => return Ok(other),
        }
    }
    Ok(Answer::MayBind)
}

/// Whether somebody could hand out a role themselves, by Kubernetes' own rule: they hold the verb `bind` on the role, or every permission in
/// it, where it would be bound.
async fn may_bind(writer: &Writer, who: &Identity, target: &Target) -> Result<Answer, Error> {
    if writer.may(who, &bind(target)).await? {
        return Ok(Answer::MayBind);
    }
    let Some(rules) = rules(writer, target).await? else { return Ok(Answer::Gone) };
    let place = if let Scope::Namespace(name) = &target.scope { format!(" in namespace {name:?}") } else { String::new() };
    let count = rules.iter().map(breadth).fold(0_usize, usize::saturating_add);
    let refusal =
        format!("{} may not hand out {:?} {:?}{place}: no verb bind on it", who.username, target.role.kind, target.role.name);
    if count > MOST_PERMISSIONS {
        return Ok(Answer::TooBroad(format!(
            "{refusal}, and it permits {count} single things, of which at most {MOST_PERMISSIONS} are asked about"
        )));
    }
    Ok(match first_missing(writer, who, permissions(&rules, target)).await? {
        Some(lacking) => Answer::CannotBind(format!("{refusal}, and not all that it permits, such as {lacking}")),
        None => Answer::MayBind,
    })
}

/// How many single permissions a rule multiplies out to.
fn breadth(rule: &PolicyRule) -> usize {
    let count = |list: &Option<Vec<String>>| list.as_ref().map_or(0, Vec::len);
    let objects =
        count(&rule.api_groups).saturating_mul(count(&rule.resources)).saturating_mul(count(&rule.resource_names).max(1));
    objects.saturating_add(count(&rule.non_resource_urls)).saturating_mul(rule.verbs.len())
}

fn bind(target: &Target) -> Permission {
    let resource = if target.role.kind == RoleKind::Role { "roles" } else { "clusterroles" };
    Permission {
        verb: "bind".to_owned(),
        group: RBAC.to_owned(),
        resource: resource.to_owned(),
        name: target.role.name.clone(),
        namespace: namespace(target),
        ..Permission::default()
    }
}

fn namespace(target: &Target) -> String {
    if let Scope::Namespace(name) = &target.scope { name.clone() } else { String::new() }
}

/// The rules of a role; `None` when it does not exist.
async fn rules(writer: &Writer, target: &Target) -> Result<Option<Vec<PolicyRule>>, Error> {
    let name = target.role.name.as_str();
    let what = format!("read {:?} {name}", target.role.kind);
    let found = match (target.role.kind, &target.scope) {
        (RoleKind::Role, Scope::Namespace(namespace)) => {
            let api: Api<Role> = Api::namespaced(writer.client.clone(), namespace);
            writer.timed(what, api.get_opt(name)).await?.map(|role| role.rules)
        }
        (RoleKind::Role, Scope::Cluster) => None,
        (RoleKind::ClusterRole, _) => {
            let api: Api<ClusterRole> = Api::all(writer.client.clone());
            writer.timed(what, api.get_opt(name)).await?.map(|role| role.rules)
        }
    };
    Ok(found.map(Option::unwrap_or_default))
}

/// Every single permission of the rules. A `*` is asked as such: only who holds the `*` holds it.
fn permissions(rules: &[PolicyRule], target: &Target) -> BTreeSet<Permission> {
    let mut all = BTreeSet::new();
    for rule in rules {
        let empty = vec![String::new()];
        let names = rule.resource_names.as_ref().filter(|names| !names.is_empty()).unwrap_or(&empty);
        for verb in &rule.verbs {
            for path in rule.non_resource_urls.iter().flatten() {
                all.insert(Permission { verb: verb.clone(), path: path.clone(), ..Permission::default() });
            }
            for group in rule.api_groups.iter().flatten() {
                for resource in rule.resources.iter().flatten() {
                    for name in names {
                        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                        all.insert(Permission {
                            verb: verb.clone(),
                            group: group.clone(),
                            resource: resource.to_owned(),
                            subresource: subresource.to_owned(),
                            name: name.clone(),
                            namespace: namespace(target),
                            path: String::new(),
                        });
                    }
                }
            }
        }
    }
    all
}

async fn first_missing(writer: &Writer, who: &Identity, permissions: BTreeSet<Permission>) -> Result<Option<Permission>, Error> {
    let asked = stream::iter(permissions).map(|permission| async move {
        let allowed = writer.may(who, &permission).await?;
        Ok::<_, Error>((permission, allowed))
    });
    let mut answers = asked.buffered(AT_ONCE).try_filter(|(_, allowed)| std::future::ready(!allowed)).boxed();
    Ok(answers.try_next().await?.map(|(permission, _)| permission))
}
