//! Asks the API server what somebody may do, by SubjectAccessReview. The answers are facts to decide on; nothing is changed.

use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use kube::api::Api;

use crate::api::Identity;
use crate::error::Error;

use super::{Writer, post};

/// Everything, in a rule of a role.
const ALL: &str = "*";

/// One thing that somebody may or may not do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// A URL path, in place of a resource. First, so that what concerns resources is asked, and told, before what concerns URL paths.
    pub path: String,
    /// The verb.
    pub verb: String,
    /// The API group.
    pub group: String,
    /// Plural of the resource.
    pub resource: String,
    /// Its subresource, if one is meant.
    pub subresource: String,
    /// A single object, if one is meant.
    pub name: String,
    /// The namespace; empty for the whole cluster.
    pub namespace: String,
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

impl Writer {
    /// Whether somebody may do something.
    pub async fn may(&self, who: &Identity, permission: &Permission) -> Result<bool, Error> {
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
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let answer = self.timed(format!("ask whether {} may {permission}", who.username), api.create(&post(), &review)).await?;
        Ok(answer.status.is_some_and(|SubjectAccessReviewStatus { allowed, denied, .. }| allowed && denied != Some(true)))
    }
}
