//! A change that others may depend on, and what has to be reconciled for it.

use std::collections::BTreeSet;

use kube::Resource;

use crate::domain::Key;
use crate::domain::grant::GrantKey;
use crate::domain::grant::report::GrantReport;
use crate::table::kinds;

use super::WorkItem;
use super::stores::Stores;
use super::watched::Watched;

/// An object before and after a change; at least one of them is there.
pub struct Delta<'a, K> {
    /// The version before; absent when it is new.
    pub old: Option<&'a K>,
    /// The version now, which the caches show already; absent when it is gone.
    pub new: Option<&'a K>,
}

impl<K> Clone for Delta<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Delta<'_, K> {}

impl<'a, K> Delta<'a, K> {
    /// The versions that are there, older first.
    pub fn versions(self) -> impl Iterator<Item = &'a K> {
        [self.old, self.new].into_iter().flatten()
    }

    /// The version now, else the last one.
    pub fn latest(self) -> Option<&'a K> {
        self.new.or(self.old)
    }

    /// Whether the object came or went.
    pub fn comes_or_goes(self) -> bool {
        self.old.is_some() != self.new.is_some()
    }

    /// Whether a part of the object is another one now; whoever came or went differs.
    pub fn differs<T: PartialEq>(self, part: impl Fn(&'a K) -> T) -> bool {
        self.old.map(&part) != self.new.map(&part)
    }
}

impl<K: Resource> Delta<'_, K> {
    /// Whether somebody wrote the object's spec, or its annotations, which may confirm a mass revocation.
    pub fn is_edited(self) -> bool {
        self.differs(|object| (object.meta().generation, &object.meta().annotations))
    }

    /// Whether another object has taken the name of one whose end nobody saw.
    fn is_made_anew(self) -> bool {
        self.old.zip(self.new).is_some_and(|(old, new)| old.meta().uid != new.meta().uid)
    }

    /// The changes that this is: one that is made anew is an end and a beginning.
    pub fn steps(self) -> impl Iterator<Item = Self> {
        let halves = [Delta { old: self.old, new: None }, Delta { old: None, new: self.new }];
        let anew = self.is_made_anew();
        let whole = (!anew).then_some(self);
        whole.into_iter().chain(halves.into_iter().filter(move |_| anew))
    }
}

/// What came of a grant, where it is not what came of it the time before.
pub struct ReportChange<'a> {
    /// The grant.
    pub grant: &'a GrantKey,
    /// What came of it before.
    pub before: &'a GrantReport,
    /// What came of it now.
    pub after: &'a GrantReport,
    /// No grant of the catalog waits to be reconciled for the first time.
    pub all_reconciled: bool,
}

impl ReportChange<'_> {
    /// Whether this process reconciled the grant for the first time.
    pub fn is_first(&self) -> bool {
        self.before.not_reconciled && !self.after.not_reconciled
    }
}

macro_rules! changes {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name1:ident = $kind1:ty, $scope:ident, $room:ident;)* }
     watched { $($(#[$doc2:meta])* $field2:ident: $name2:ident = $kind2:ty;)* }) => {
        /// Something on which others may depend.
        pub enum Change<'a> {
            $($(#[$doc1])* $name1(Delta<'a, $kind1>),)*
            $($(#[$doc2])* $name2(Delta<'a, $kind2>),)*
            /// An object, by kind and key, that cannot be read and of which no version is known comes or goes.
            Unreadable(&'static str, &'a Key),
            /// Whether identities can be trusted.
            Trust,
            /// What came of a grant.
            Report(ReportChange<'a>),
        }
    };
}
kinds!(changes);

/// What has to be reconciled; urgent work takes access away.
#[derive(Default)]
pub struct Triggers {
    /// Served first.
    pub urgent: BTreeSet<WorkItem>,
    /// The rest.
    pub ordinary: BTreeSet<WorkItem>,
}

impl Triggers {
    /// What has to be reconciled after a change of an object.
    pub fn of<K: Watched>(dependents: Dependents, stores: &Stores, delta: Delta<'_, K>) -> Self {
        let mut triggers = Self::default();
        delta.steps().for_each(|step| dependents(stores, &K::change(step), &mut triggers));
        triggers
    }

    /// One more.
    pub fn push(&mut self, work: WorkItem) {
        self.ordinary.insert(work);
    }
}

impl Extend<WorkItem> for Triggers {
    fn extend<I: IntoIterator<Item = WorkItem>>(&mut self, works: I) {
        self.ordinary.extend(works);
    }
}

/// Finds what has to be reconciled after a change. One too many costs a reconciliation; one too few is a bug.
pub type Dependents = fn(&Stores, &Change<'_>, &mut Triggers);
