//! Asks the API server what somebody may do, by SubjectAccessReview. The answers are facts to decide on; nothing is changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::Api;

use crate::api::GROUP;
use crate::api::catalog_resource::RoleKind;
use crate::api::subject::Identity;
use crate::domain::Key;
use crate::domain::catalog::RBAC;
use crate::domain::resource::{Answer, Place, Question, Scope, Target};
use crate::error::Error;
use crate::writer::{Writer, post};

/// Questions that are on their way at the same time.
const AT_ONCE: usize = 8;

/// Everything, in a rule of a role.
const ALL: &str = "*";

/// One thing that somebody may or may not do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    /// First, so that what concerns resources is asked, and told, before what concerns URL paths.
    path: String,
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    name: String,
    namespace: String,
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.verb == ALL { "everything on" } else { &self.verb };
        match self.path.as_str() {
            "" => {}
            ALL => return write!(f, "{verb} every URL path"),
            path => return write!(f, "{verb} URL path {path}"),
        }
        write!(f, "{verb} {}", if self.resource == ALL { "every resource" } else { &self.resource })?;
        let (dot, group) = if self.group == ALL { (" of ", "every API group") } else { (".", self.group.as_str()) };
        for (before, part) in
            [("/", self.subresource.as_str()), (dot, group), (" named ", &self.name), (" in namespace ", &self.namespace)]
        {
            if !part.is_empty() {
                write!(f, "{before}{part}")?;
            }
        }
        Ok(())
    }
}

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
    may(writer, who, &permission).await
}

/// Most single permissions of a role that are asked about.
const MOST_PERMISSIONS: usize = 5_000;

/// Whether everybody who wrote a role and its places could hand it out there themselves. The same question is asked once.
pub(super) async fn judge(writer: &Writer, questions: Vec<Question>) -> Result<Vec<(Question, Answer)>, Error> {
    let mut known: HashMap<(Arc<[Identity]>, Place), Answer> = HashMap::new();
    let mut answers = Vec::new();
    for question in questions {
        let key = (question.who.clone(), question.place.clone());
        let answer = match (known.get(&key), &question.place) {
            (Some(answer), _) => answer.clone(),
            (None, Place::Kubernetes(target)) => all_may_bind(writer, &question.who, target).await?,
            (None, Place::Connector(_)) => Answer::Gone,
        };
        known.insert(key, answer.clone());
        answers.push((question, answer));
    }
    Ok(answers)
}

async fn all_may_bind(writer: &Writer, who: &[Identity], target: &Target) -> Result<Answer, Error> {
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
    if may(writer, who, &bind(target)).await? {
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
        let allowed = may(writer, who, &permission).await?;
        Ok::<_, Error>((permission, allowed))
    });
    let mut answers = asked.buffered(AT_ONCE).try_filter(|(_, allowed)| std::future::ready(!allowed)).boxed();
    Ok(answers.try_next().await?.map(|(permission, _)| permission))
}

async fn may(writer: &Writer, who: &Identity, permission: &Permission) -> Result<bool, Error> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let on_path = !permission.path.is_empty();
    let resource = ResourceAttributes {
        verb: some(&permission.verb),
        group: some(&permission.group),
        resource: some(&permission.resource),
        subresource: some(&permission.subresource),
        name: some(&permission.name),
        namespace: some(&permission.namespace),
        ..ResourceAttributes::default()
    };
    let path = NonResourceAttributes { path: some(&permission.path), verb: some(&permission.verb) };
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(who.username.clone()),
            uid: who.uid.clone(),
            groups: Some(who.groups.clone()),
            resource_attributes: (!on_path).then_some(resource),
            non_resource_attributes: on_path.then_some(path),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(writer.client.clone());
    let answer = writer.timed(format!("ask whether {} may {permission}", who.username), api.create(&post(), &review)).await?;
    Ok(answer.status.is_some_and(|SubjectAccessReviewStatus { allowed, denied, .. }| allowed && denied != Some(true)))
}
