//! Two things are judged at the same time: the first has not written when the second is judged, but is assumed to be accepted.

use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::{AccessRequest, Assignment};

use super::operator::Planned;
use super::rules::WorkItem;
use super::store::Store;

/// What was decided about one of them.
enum Judged {
    Request(Planned<AccessRequest>),
    Assignment(Planned<Assignment>),
}

impl Judged {
    /// Whether others have to count it at once.
    fn is_step_forward(&self) -> bool {
        match self {
            Self::Request((seen, plan)) => {
                let ends = matches!(plan.status.phase, RequestPhase::Denied | RequestPhase::Cancelled);
                seen.phase() != plan.status.phase && !ends
            }
            Self::Assignment((seen, plan)) => {
                seen.phase() == AssignmentPhase::Pending && plan.status.phase != AssignmentPhase::Pending
            }
        }
    }
}

impl Store {
    pub fn reconcile_both(&mut self, first: &WorkItem, second: &WorkItem) {
        let Some(one) = self.judged(first) else { return };
        let assumption = one.is_step_forward().then(|| match first {
            WorkItem::Request(key) => self.process.cache.assume::<AccessRequest>(key),
            WorkItem::Assignment(key) => self.process.cache.assume::<Assignment>(key),
            other => panic!("{other:?} has no rivals"),
        });
        let two = self.judged(second);
        drop(assumption);
        [Some(one), two].into_iter().flatten().for_each(|judged| match judged {
            Judged::Request(planned) => self.carry_out(planned),
            Judged::Assignment(planned) => self.carry_out(planned),
        });
    }

    fn judged(&self, work: &WorkItem) -> Option<Judged> {
        match work {
            WorkItem::Request(key) => self.planned(key).map(Judged::Request),
            WorkItem::Assignment(key) => self.planned(key).map(Judged::Assignment),
            _ => None,
        }
    }
}
