//! What approvers approve: the roles of a package, by what they are and not only by name.

use crate::api::AccessPackage;
use crate::api::access_request::ContentRole;

use super::digest::Digest;
use super::resource::Offer;

/// The roles of a package as they are now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// For people.
    pub roles: Vec<ContentRole>,
    /// Of the roles, and of what they grant, and where.
    pub digest: String,
}

/// Reads the roles of a package. `offer` finds a resource of the same catalog by name.
pub fn of<'a>(package: &AccessPackage, offer: impl Fn(&str) -> Option<&'a Offer>) -> Content {
    let mut wanted: Vec<_> = package.spec.resource_roles.iter().collect();
    wanted.sort();
    let mut digest = Digest::default();
    let roles = wanted.into_iter().map(|wanted| {
        let found = offer(&wanted.resource);
        let role = found.and_then(|offer| offer.roles.get(&wanted.role));
        digest.add(&wanted.resource).add(&wanted.role).all(role.map(|role| role.content.as_str()).into_iter());
        let display_name = match (found, role) {
            (Some(offer), Some(role)) => format!("{} / {}", offer.display_name, role.display_name),
            _ => String::new(),
        };
        ContentRole { resource: wanted.resource.clone(), role: wanted.role.clone(), display_name }
    });
    let roles = roles.collect();
    Content { roles, digest: digest.hex() }
}
