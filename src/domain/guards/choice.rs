//! Which policy an application is judged by.
//!
//! A request is judged by the policy with the most specific scope among those that fit, whichever it names: nobody dodges a strict one by
//! naming a wider one. A direct assignment is judged by the one that it names.
//!
//! | of a request | reason |
//! |---|---|
//! | the package has no policy, or none of the name | `PolicyNotFound`, waits |
//! | each leaves the subject out | `NotEligible` |
//! | the one that came closest has terms that cannot be met | `PolicyNotReady`, waits |
//! | the one that came closest is switched off | `PolicyDisabled` |
//! | the one that came closest does not let the requestor act for the subject | `NotAllowedForOthers` |
//! | the named one fits, and another one is more specific | `PolicyNotOffered` |
//! | several are the most specific | `AmbiguousPolicy` |

use crate::api::subject::{Subject, SubjectKind};
use crate::api::{AccessRequest, AssignmentSpec, Policy};
use crate::domain::eligibility::{People, in_scope, may_act};
use crate::domain::meta::name;
use crate::domain::policy::terms;
use crate::domain::refusal::{Objection, Reason};

/// Why a policy does not let the request pass; the later the variant, the more telling the reason.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    OutOfScope,
    NotReady(String),
    Disabled,
    NotForOthers,
    Fits,
}

fn fit(policy: &Policy, people: &People<'_>) -> Fit {
    if !in_scope(&policy.spec.requestors, people) {
        Fit::OutOfScope
    } else if !policy.spec.enabled {
        Fit::Disabled
    } else if let Err(wrong) = terms(policy) {
        Fit::NotReady(wrong.message)
    } else if !may_act(&policy.spec.requestors, people) {
        Fit::NotForOthers
    } else {
        Fit::Fits
    }
}

/// The policy under which a request is judged: the named one, or the best that fits. The most specific scope wins; a tie is refused.
pub fn of_request<'a>(request: &AccessRequest, policies: &[&'a Policy], people: &People<'_>) -> Result<&'a Policy, Objection> {
    let wanted = request.spec.policy.as_deref();
    let candidates: Vec<&'a Policy> =
        policies.iter().copied().filter(|p| wanted.is_none_or(|wanted| name(*p) == wanted)).collect();
    if candidates.is_empty() {
        let text = match wanted {
            Some(wanted) => not_found(wanted, &request.spec.access_package),
            None => format!("access package {:?} has no policy", request.spec.access_package),
        };
        return Err(Objection::wait(Reason::PolicyNotFound, text));
    }
    let fits = |p: &&'a Policy| fit(p, people) == Fit::Fits;
    if !candidates.iter().any(fits) {
        return Err(no_fit(&candidates, people));
    }
    let all: Vec<&'a Policy> = policies.iter().copied().filter(|p| fits(p)).collect();
    let scope = all.iter().map(|p| p.spec.requestors.scope).min();
    let best: Vec<&'a Policy> = all.into_iter().filter(|p| Some(p.spec.requestors.scope) == scope).collect();
    let offered: Vec<&'a Policy> = best.iter().copied().filter(|p| wanted.is_none_or(|wanted| name(*p) == wanted)).collect();
    match offered.as_slice() {
        [one] => Ok(one),
        [] => Err(not_offered(wanted, &best, people)),
        several => {
            let mut names: Vec<&str> = several.iter().map(|p| name(*p)).collect();
            names.sort_unstable();
            let text = format!("several policies fit equally: {}; name one in spec.policy", names.join(", "));
            Err(Objection::refuse(Reason::AmbiguousPolicy, text))
        }
    }
}

/// What fits, and is less specific than the best.
fn not_offered(wanted: Option<&str>, best: &[&Policy], people: &People<'_>) -> Objection {
    let text = format!(
        "policy {:?} (spec.policy) is not offered to {}, because a more specific one fits: {}; leave spec.policy out, or name that",
        wanted.unwrap_or_default(), // nothing else leaves the best ones out
        people.subject,
        best.iter().map(|p| name(*p)).collect::<Vec<_>>().join(", ")
    );
    Objection::refuse(Reason::PolicyNotOffered, text)
}

fn not_found(policy: &str, package: &str) -> String {
    format!("policy {policy:?} of access package {package:?} does not exist")
}

/// The policy that a direct assignment names, when access can be given under it.
pub fn of_assignment<'a>(spec: &AssignmentSpec, named: Option<&'a Policy>) -> Result<&'a Policy, Objection> {
    let Some(policy) = named.filter(|policy| policy.spec.access_package == spec.access_package) else {
        return Err(Objection::wait(Reason::PolicyNotFound, not_found(&spec.policy, &spec.access_package)));
    };
    terms(policy).map_err(|wrong| {
        Objection::wait(Reason::PolicyNotReady, format!("policy {:?} is not Ready: {}", spec.policy, wrong.message))
    })?;
    Ok(policy)
}

/// Why none of the candidates fits: the reason of the one that came closest.
fn no_fit(candidates: &[&Policy], people: &People<'_>) -> Objection {
    let subject = &people.subject;
    let names = candidates.iter().map(|p| format!("policy {:?}", name(*p))).collect::<Vec<_>>().join(", ");
    match candidates.iter().map(|p| fit(p, people)).max() {
        Some(Fit::NotForOthers) => {
            let text = format!(
                "{} may not request for {subject}: not among requestors.onBehalf of {names}, and without the verb assign on the package",
                people.requestor.username
            );
            Objection::refuse(Reason::NotAllowedForOthers, text)
        }
        Some(Fit::Disabled) => {
            Objection::refuse(Reason::PolicyDisabled, format!("nothing can be requested now: disabled is {names}"))
        }
        Some(Fit::NotReady(why)) => Objection::wait(Reason::PolicyNotReady, format!("no policy is ready: {why}")),
        Some(Fit::OutOfScope | Fit::Fits) | None => {
            Objection::refuse(Reason::NotEligible, not_eligible(subject, &names, candidates))
        }
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
