//! Who may get a package under a policy, and which policy is the best one.

use crate::api::policy::{Requestors, Scope};
use crate::api::subject::{Identity, Subject, SubjectKind};
use crate::api::{AccessPackage, AccessRequest, Policy};

use super::guards::{Objection, Reason, Refusal};
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

/// Whether the subject lies in a policy's scope.
///
/// Groups are judged only from the identity that the API server saw. Where it is not known (somebody asks for somebody else) an exception
/// that names a group cannot be ruled out, and so it applies: the safe side.
///
/// A group is a subject only where the policy says so, and nobody who is excepted could be in it. Users of Kubernetes itself are none.
pub fn in_scope(terms: &Requestors, people: &People<'_>) -> bool {
    let subject = &people.subject;
    let is_possible = match subject.kind {
        SubjectKind::Group => terms.group_as_subject,
        SubjectKind::User => !subject.is_system(),
        SubjectKind::ServiceAccount => true,
    };
    let covered = match terms.scope {
        Scope::Specific => is_named(&terms.subjects, people),
        Scope::AllMembers | Scope::AllUsers | Scope::Anyone => subject.kind == SubjectKind::User,
        Scope::None => false,
    };
    is_possible && covered && !is_excepted(terms, people)
}

/// Whether a list names the subject, in person or by a group that the subject is known to be in.
fn is_named(list: &[Subject], people: &People<'_>) -> bool {
    let identity = people.identity();
    list.iter().any(|s| *s == people.subject || identity.is_some_and(|who| s.covers(who)))
}

/// Whether a policy excepts the subject, or cannot rule out that it does.
pub fn is_excepted(terms: &Requestors, people: &People<'_>) -> bool {
    let unknown = match people.subject.kind {
        SubjectKind::Group => !terms.except.is_empty(),
        _ => people.identity().is_none() && terms.except.iter().any(|s| s.kind == SubjectKind::Group),
    };
    unknown || is_named(&terms.except, people)
}

/// Whether the requestor may ask for the subject under a policy.
fn may_act(terms: &Requestors, people: &People<'_>) -> bool {
    people.same() || people.may_assign || terms.on_behalf.iter().any(|s| s.covers(people.requestor))
}

/// Whether the requestor may ask for the subject under any of these policies at all. Asked before anything is waited for: what a stranger
/// asks for somebody else must not lie about for an hour.
pub fn may_ask(policies: &[&Policy], people: &People<'_>) -> Result<(), Refusal> {
    if may_act(&Requestors::default(), people) || policies.iter().any(|p| may_act(&p.spec.requestors, people)) {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::NotAllowedForOthers,
        format!(
            "{} may not request for {}: not among requestors.onBehalf of any policy of the package, and without the verb assign on it",
            people.requestor.username, people.subject
        ),
    ))
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
) -> Result<&'a Policy, Objection> {
    let wanted = request.spec.policy.as_deref();
    let candidates: Vec<&'a Policy> =
        policies.iter().copied().filter(|p| wanted.is_none_or(|wanted| name(p) == wanted)).collect();
    if candidates.is_empty() {
        return Err(Objection::Wait(Refusal::new(
            Reason::PolicyNotFound,
            match wanted {
                Some(wanted) => format!("policy {wanted:?} of access package {:?} does not exist", request.spec.access_package),
                None => format!("access package {:?} has no policy", request.spec.access_package),
            },
        )));
    }
    let fits = |p: &&'a Policy| fit(p, package, people) == Fit::Fits;
    if !candidates.iter().any(fits) {
        return Err(no_fit(&candidates, package, people));
    }
    // The most specific scope wins, whichever policy is named: nobody dodges a strict one by naming a wider one.
    let all: Vec<&'a Policy> = policies.iter().copied().filter(|p| fits(p)).collect();
    let scope = all.iter().map(|p| p.spec.requestors.scope).min();
    let best: Vec<&'a Policy> = all.into_iter().filter(|p| Some(p.spec.requestors.scope) == scope).collect();
    let offered: Vec<&'a Policy> = best.iter().copied().filter(|p| wanted.is_none_or(|wanted| name(p) == wanted)).collect();
    match offered.as_slice() {
        [] => Err(Objection::Refuse(Refusal::new(
            Reason::PolicyNotOffered,
            format!(
                "policy {:?} (spec.policy) is not offered to {}, because a more specific one fits: {}; leave spec.policy out, or name that",
                wanted.unwrap_or_default(),
                people.subject,
                best.iter().map(|p| name(p)).collect::<Vec<_>>().join(", ")
            ),
        ))),
        [one] => Ok(one),
        several => {
            let mut names: Vec<&str> = several.iter().map(|p| name(p)).collect();
            names.sort_unstable();
            Err(Objection::Refuse(Refusal::new(
                Reason::AmbiguousPolicy,
                format!("several policies fit equally: {}; name one in spec.policy", names.join(", ")),
            )))
        }
    }
}

/// Why none of the candidates fits: the reason of the one that came closest.
fn no_fit(candidates: &[&Policy], package: &AccessPackage, people: &People<'_>) -> Objection {
    let subject = &people.subject;
    let names = candidates.iter().map(|p| format!("policy {:?}", name(p))).collect::<Vec<_>>().join(", ");
    match candidates.iter().map(|p| fit(p, package, people)).max() {
        Some(Fit::NotForOthers) => Objection::Refuse(Refusal::new(
            Reason::NotAllowedForOthers,
            format!(
                "{} may not request for {subject}: not among requestors.onBehalf of {names}, and without the verb assign on the package",
                people.requestor.username
            ),
        )),
        Some(Fit::Disabled) => {
            Objection::Refuse(Refusal::new(Reason::PolicyDisabled, format!("nothing can be requested now: disabled is {names}")))
        }
        Some(Fit::NotReady(why)) => Objection::Wait(Refusal::new(Reason::PolicyNotReady, format!("no policy is ready: {why}"))),
        _ => Objection::Refuse(Refusal::new(Reason::NotEligible, not_eligible(subject, &names, candidates))),
    }
}

fn not_eligible(subject: &Subject, names: &str, candidates: &[&Policy]) -> String {
    let listed = candidates.iter().any(|p| p.spec.requestors.subjects.contains(subject));
    match subject.kind {
        SubjectKind::User if subject.is_system() => {
            format!("{subject} is a user of Kubernetes itself, which can hold no access package: ask as a person")
        }
        SubjectKind::Group if listed => format!(
            "{subject} is in the scope of {names}, but a group can be the subject itself only where requestors.groupAsSubject is true and requestors.except is empty: ask for a person"
        ),
        _ => format!("{subject} is outside the scope of {names}"),
    }
}
