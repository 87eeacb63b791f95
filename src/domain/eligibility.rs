//! Who may get a package under a policy, and which policy is the best one.

use crate::api::policy::{Requestors, Scope};
use crate::api::subject::{Identity, Subject, SubjectKind};
use crate::api::{AccessPackage, AccessRequest, Policy};

use super::guards::{Outcome, Reason, Refusal};
use super::readiness;

/// The two people of a request, as the API server vouched for them.
pub struct People<'a> {
    /// Who asks.
    pub requestor: &'a Identity,
    /// Who gets the access.
    pub subject: Subject,
    /// The requestor holds the verb `assign` on the package.
    pub may_assign: bool,
}

impl People<'_> {
    /// Whether somebody asks for themselves.
    fn same(&self) -> bool {
        self.requestor.subject() == self.subject
    }

    /// The subject's groups, known only of a person who asks in person.
    pub fn identity(&self) -> Option<&Identity> {
        self.same().then_some(self.requestor)
    }
}

/// A user name that Kubernetes keeps for itself: components, nodes, service accounts.
fn is_system(name: &str) -> bool {
    name.starts_with("system:")
}

/// Whether the subject lies in a policy's scope.
///
/// Groups are judged only from the identity that the API server saw. Where it is not known (somebody asks for somebody else) an exception
/// that names a group cannot be ruled out, and so it applies: the safe side.
pub fn in_scope(terms: &Requestors, people: &People<'_>) -> bool {
    let identity = people.identity();
    let named = |list: &[Subject]| list.iter().any(|s| *s == people.subject || identity.is_some_and(|who| s.covers(who)));
    let excepted = named(&terms.except) || (identity.is_none() && terms.except.iter().any(|s| s.kind == SubjectKind::Group));
    let covered = match terms.scope {
        Scope::Specific => named(&terms.subjects),
        Scope::AllMembers | Scope::AllUsers | Scope::Anyone => {
            people.subject.kind == SubjectKind::User && !is_system(&people.subject.name)
        }
        Scope::None => false,
    };
    covered && !excepted
}

/// Whether the requestor may ask for the subject under a policy.
fn may_act(terms: &Requestors, people: &People<'_>) -> bool {
    people.same() || people.may_assign || terms.on_behalf.iter().any(|s| s.covers(people.requestor))
}

/// Why a policy does not let the request pass; the later the variant, the more telling the reason.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    OutOfScope,
    NotReady(String),
    Disabled,
    NotForOthers,
    Fits,
}

fn fit(policy: &Policy, package: &AccessPackage, people: &People<'_>) -> Fit {
    if !in_scope(&policy.spec.requestors, people) {
        Fit::OutOfScope
    } else if !policy.spec.enabled {
        Fit::Disabled
    } else if let Err(wrong) = readiness::policy_terms(policy, Some(package)) {
        Fit::NotReady(wrong.message)
    } else if !may_act(&policy.spec.requestors, people) {
        Fit::NotForOthers
    } else {
        Fit::Fits
    }
}

fn name(policy: &Policy) -> &str {
    policy.metadata.name.as_deref().unwrap_or_default()
}

/// The policy under which a request is judged: the named one, or the best that fits. The most specific scope wins; a tie is refused.
pub fn choose<'a>(
    request: &AccessRequest,
    package: &AccessPackage,
    policies: &[&'a Policy],
    people: &People<'_>,
) -> Result<&'a Policy, Outcome> {
    let wanted = request.spec.policy.as_deref();
    let candidates: Vec<&'a Policy> =
        policies.iter().copied().filter(|p| wanted.is_none_or(|wanted| name(p) == wanted)).collect();
    if candidates.is_empty() {
        return Err(Outcome::Wait(Refusal::new(
            Reason::PolicyNotFound,
            match wanted {
                Some(wanted) => format!("policy {wanted:?} of access package {:?} does not exist", request.spec.access_package),
                None => format!("access package {:?} has no policy", request.spec.access_package),
            },
        )));
    }
    let fits: Vec<&'a Policy> = candidates.iter().copied().filter(|p| fit(p, package, people) == Fit::Fits).collect();
    let best: Vec<&'a Policy> = match fits.iter().map(|p| p.spec.requestors.scope).min() {
        Some(scope) => fits.into_iter().filter(|p| p.spec.requestors.scope == scope).collect(),
        None => return Err(no_fit(&candidates, package, people)),
    };
    match best.as_slice() {
        [one] => Ok(one),
        several => {
            let mut names: Vec<&str> = several.iter().map(|p| name(p)).collect();
            names.sort_unstable();
            Err(Outcome::Refuse(Refusal::new(
                Reason::AmbiguousPolicy,
                format!("several policies fit equally: {}; name one in spec.policy", names.join(", ")),
            )))
        }
    }
}

/// Why none of the candidates fits: the reason of the one that came closest.
fn no_fit(candidates: &[&Policy], package: &AccessPackage, people: &People<'_>) -> Outcome {
    let subject = &people.subject;
    let names = candidates.iter().map(|p| format!("policy {:?}", name(p))).collect::<Vec<_>>().join(", ");
    match candidates.iter().map(|p| fit(p, package, people)).max() {
        Some(Fit::NotForOthers) => Outcome::Refuse(Refusal::new(
            Reason::NotAllowedForOthers,
            format!(
                "{} may not request for {subject}: not among requestors.onBehalf of {names}, and without the verb assign on the package",
                people.requestor.username
            ),
        )),
        Some(Fit::Disabled) => {
            Outcome::Refuse(Refusal::new(Reason::PolicyDisabled, format!("nothing can be requested now: disabled is {names}")))
        }
        Some(Fit::NotReady(why)) => Outcome::Wait(Refusal::new(Reason::PolicyNotFound, format!("no policy is ready: {why}"))),
        _ => Outcome::Refuse(Refusal::new(Reason::NotEligible, format!("{subject} is outside the scope of {names}"))),
    }
}
