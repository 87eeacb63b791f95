//! Newcomers of one binding, one of whom may be somebody whom the API server refuses: a write that is refused is repeated with half of them,
//! until only those are left out with whom it is always refused. Nobody is kept out by somebody else.

use crate::api::Subject;

/// What is written into a binding, step by step.
#[derive(Clone, Debug)]
pub struct Joining {
    there: Vec<Subject>,
    /// Last first.
    waiting: Vec<Vec<Subject>>,
}

impl Joining {
    /// `subjects` as they should be, of whom the last `joining` are newcomers.
    pub fn new(subjects: &[Subject], joining: usize) -> Self {
        let (there, newcomers) = subjects.split_at(subjects.len().saturating_sub(joining));
        Self { there: there.to_vec(), waiting: vec![newcomers.to_vec()] }
    }

    /// All subjects of the next write.
    pub fn attempt(&self) -> Option<Vec<Subject>> {
        let next = self.waiting.last()?;
        Some(self.there.iter().chain(next).cloned().collect())
    }

    /// The write was taken.
    pub fn taken(&mut self) {
        self.there.extend(self.waiting.pop().unwrap_or_default());
    }

    /// The write was refused. Tells whether nothing smaller can be tried instead.
    pub fn refused(&mut self) -> bool {
        let Some(mut first) = self.waiting.pop().filter(|newcomers| newcomers.len() > 1) else { return true };
        let second = first.split_off(first.len() / 2);
        self.waiting.extend([second, first]);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whomever the API server refuses, everybody else joins, in so many writes as it takes to find them.
        #[test]
        fn whoever_can_join_does(stay in 0..9_u16, newcomers in 0..120_u16, bad in proptest::collection::btree_set(0..120_u16, 0..6)) {
            let user = |number: u16| Subject::user(format!("user-{number}"));
            let all: Vec<Subject> = (0..stay).map(|number| user(1_000 + number)).chain((0..newcomers).map(user)).collect();
            let bad: BTreeSet<Subject> = bad.into_iter().filter(|number| *number < newcomers).map(user).collect();
            let mut joining = Joining::new(&all, usize::from(newcomers));
            let (mut written, mut refused, mut writes) = (Vec::new(), 0, 0);
            while let Some(subjects) = joining.attempt() {
                writes += 1;
                match subjects.iter().any(|subject| bad.contains(subject)) {
                    true => refused += usize::from(joining.refused()),
                    false => {
                        joining.taken();
                        written = subjects;
                    }
                }
            }
            let expected: Vec<Subject> = all.iter().filter(|subject| !bad.contains(subject)).cloned().collect();
            prop_assert!(written == expected || (newcomers > 0 && expected.len() == usize::from(stay)), "{written:?}");
            prop_assert_eq!(refused, bad.len());
            prop_assert!(writes <= 1 + 2 * 7 * bad.len(), "{} writes", writes);
        }
    }
}
