//! Who may get a package under a policy, and who may ask for whom.

use crate::api::policy::{Requestors, Scope};
use crate::api::subject::{Identity, Subject, SubjectKind};

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
pub fn may_act(terms: &Requestors, people: &People<'_>) -> bool {
    people.same() || people.may_assign || terms.on_behalf.iter().any(|s| s.covers(people.requestor))
}
