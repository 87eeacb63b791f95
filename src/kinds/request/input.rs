//! What the rules see of a request.

use chrono::TimeDelta;

use crate::api::access_request::RequestPhase;
use crate::api::time::created;
use crate::api::{AccessPackage, AccessRequest};
use crate::domain::content::{self, Content};
use crate::domain::eligibility::People;
use crate::domain::meta::namespace;
use crate::domain::request::{Before, Bounds};
use crate::domain::{Key, Trust, holdings, request};
use crate::observe::Stores;
use crate::observe::store::IndexKey;

impl Stores {
    /// For [`request::decide`].
    pub fn request_input<'a>(
        &'a self,
        request: &'a AccessRequest,
        may_assign: bool,
        trust: &'a Trust,
        retention: TimeDelta,
        bounds: Bounds,
    ) -> request::Input<'a> {
        let key = Key::of(request);
        let package = holdings::package_of_request(request);
        let subject = request.subject();
        let people = request.spec.requestor.as_ref().zip(subject.clone()).map(|(requestor, subject)| People {
            requestor,
            subject,
            may_assign,
        });
        let identity = people.as_ref().and_then(People::identity);
        let holdings = subject.map(|s| self.holdings(&s, identity, &package, &key, None)).unwrap_or_default();
        let status = request.status.as_ref();
        let assignment =
            status.and_then(|s| s.assignment.as_ref()).and_then(|name| self.assignments.get(&Key::new(&key.namespace, name)));
        request::Input {
            request,
            catalog: self.catalog_of(&key.namespace),
            package: self.package(&package),
            policies: self.policies.find(&IndexKey::Package(package.clone())).map(|p| &**p).collect(),
            decisions: self.decisions.find(&IndexKey::Request(key)).map(|d| &**d).collect(),
            holdings,
            incompatible: self.incompatible(&package),
            content: self
                .packages
                .get(&package)
                .filter(|_| request.phase().is_undecided())
                .map(|p| self.content(p))
                .unwrap_or_default(),
            may_assign,
            trust,
            assignment: assignment.map(|a| &**a),
            retention,
            before: self.made_before(request, bounds),
            bounds,
        }
    }

    /// What the requestor of a Submitted request asked for before; counting stops at the bounds.
    fn made_before(&self, request: &AccessRequest, bounds: Bounds) -> Before {
        let who = request.spec.requestor.as_ref().filter(|_| request.phase() == RequestPhase::Submitted);
        let Some(who) = who else { return Before::default() };
        let age = |r: &AccessRequest| (created(r), r.metadata.uid.clone());
        let (own, since) = (age(request), created(request) - TimeDelta::days(1));
        // Of one second it is not known which came first: what is judged already did.
        let is_judged = |r: &AccessRequest| r.phase() != RequestPhase::Submitted || self.is_assumed::<AccessRequest>(&Key::of(r));
        let mut before = Before::default();
        for other in self.requests.find(&IndexKey::Requestor(who.username.clone())).filter(|r| is_judged(r) || age(r) < own) {
            before.open += usize::from(!other.phase().is_terminal());
            before.recent += usize::from(created(&**other) > since);
            if before.open >= bounds.open || before.recent >= bounds.recent {
                break;
            }
        }
        before
    }

    /// The roles of a package, as approvers are asked about them.
    fn content(&self, package: &AccessPackage) -> Content {
        content::of(package, |name| self.offer(&Key::new(namespace(package), name)))
    }
}
