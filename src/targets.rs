//! The port for target systems: where roles are granted, and what is particular to each.
//!
//! The rules ([`crate::domain::grant`]) say what may be done in which place. A target system says who has a role there, plans the writes that
//! make it so, and carries them out. All but [`TargetSystem::authority`] and [`TargetSystem::apply`] is pure, and reads the caches only.
//!
//! A grant is reconciled in every target system by itself: in the one that its role names it is given, and whoever is left in another one
//! loses it there, without waiting for anything that happens elsewhere.

pub mod rbac;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::api::assignment::GrantObject;
use crate::api::{Identity, Subject};
use crate::domain::Key;
use crate::domain::grant::diff::Allowed;
use crate::domain::grant::{Carrier, GrantKey};
use crate::domain::resource::{Answer, Place, Question};
use crate::error::Error;
use crate::observe::{Change, Stores};
use crate::writer::Writer;

use rbac::Rbac;

/// A target system.
pub trait TargetSystem {
    /// A role in a place of it.
    type Place: Clone + Ord + Into<Place> + Send + Sync;
    /// All that is seen of one grant there.
    type Observed: Send + Sync;
    /// One write.
    type Write: Send + Sync;

    /// A place, if it is one of its own.
    fn own(place: Place) -> Option<Self::Place>;

    /// What is seen of a grant, whose role has these places here as it is written now.
    fn observe(stores: &Stores, grant: &GrantKey, offered: &[Self::Place]) -> Self::Observed;

    /// Who has it, and where.
    fn carriers<'a>(grant: &GrantKey, observed: &'a Self::Observed) -> Vec<Carrier<'a, Self::Place>>;

    /// The writes that make it what it should be, in their order: who leaves, who joins, and last the places that are left. A write that takes
    /// somebody away carries nobody new. Where all is well there are none.
    fn plan(
        grant: &GrantKey,
        wanted: &BTreeSet<Subject>,
        allowed: &Allowed<Self::Place, Subject>,
        observed: &Self::Observed,
    ) -> Vec<Self::Write>;

    /// Whether a write makes somebody a member.
    fn gives(write: &Self::Write) -> bool;

    /// Carries out the writes, and returns what failed. One that fails does not hold up the others, least of all those that take access away;
    /// but a place is left only when the new one is there, or is refused.
    fn apply(
        writer: &Writer,
        grant: &GrantKey,
        writes: &[Self::Write],
        observed: &Self::Observed,
    ) -> impl Future<Output = Vec<Error>> + Send;

    /// Whether each of these people could hand out a role in a place themselves.
    fn authority(writer: &Writer, who: &[Identity], place: &Self::Place) -> impl Future<Output = Result<Answer, Error>> + Send;
}

/// Asks the target system of each question whether everybody who wrote a role and its places could hand it out there themselves. The same
/// question is asked once.
pub async fn judge(writer: &Writer, questions: Vec<Question>) -> Result<Vec<(Question, Answer)>, Error> {
    let mut known: HashMap<(Arc<[Identity]>, Place), Answer> = HashMap::new();
    let mut answers = Vec::new();
    for question in questions {
        let key = (question.who.clone(), question.place.clone());
        let answer = match known.get(&key) {
            Some(answer) => answer.clone(),
            None => match &question.place {
                Place::Kubernetes(target) => Rbac::authority(writer, &question.who, target).await?,
                Place::Connector(_) => Answer::Gone,
            },
        };
        known.insert(key, answer.clone());
        answers.push((question, answer));
    }
    Ok(answers)
}

// What follows is about all target systems together: each has its line in each of these.

/// The objects that carry a grant for a subject, with their places.
pub fn found(stores: &Stores, grant: &GrantKey, subject: &Subject) -> Vec<(Place, GrantObject)> {
    rbac::found(stores, grant, subject)
}

/// The grants that somebody has.
pub fn held(stores: &Stores) -> impl Iterator<Item = &GrantKey> {
    stores.members.keys()
}

/// Those of a resource.
pub fn held_of<'s>(stores: &'s Stores, resource: &'s Key) -> impl Iterator<Item = &'s GrantKey> {
    stores.members.keys_of(resource)
}

/// How many objects carry a grant.
pub fn carriers(stores: &Stores, grant: &GrantKey) -> usize {
    stores.members.all(grant).count()
}

/// Grants of which something changed there, and who came or went.
pub fn membership(change: &Change<'_>) -> BTreeMap<GrantKey, BTreeSet<Subject>> {
    rbac::membership(change)
}

/// Resources that stand on something there that changed.
pub fn standing(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    rbac::standing(stores, change)
}
