//! What a subject holds and asks for, which requests and assignments are judged by.

use crate::api::subject::{Identity, Subject};
use crate::api::{AccessRequest, Assignment};
use crate::domain::Key;
use crate::domain::holdings::{Holdings, Rival};
use crate::observe::store::IndexKey;
use crate::observe::{Stores, Watched};

impl Stores {
    /// What a subject holds and asks for, apart from one request and one assignment.
    pub(super) fn holdings<'a>(
        &'a self,
        subject: &Subject,
        identity: Option<&Identity>,
        package: &Key,
        request: &Key,
        assignment: Option<&Key>,
    ) -> Holdings<'a> {
        let own = IndexKey::Subject(subject.clone());
        let rivals = self.requests.find(&own).filter(|r| !r.phase().is_terminal() && Key::of(&***r) != *request);
        let others = self.assignments.find(&own).filter(|a| Some(&Key::of(&***a)) != assignment && !a.phase().is_terminal());
        let groups = identity.into_iter().flat_map(|who| &who.groups);
        let others: Vec<&Assignment> = others.map(|a| &**a).collect();
        Holdings {
            package: package.clone(),
            assumed: self.assumed.iter().filter(|(kind, _)| *kind == Assignment::NAME).map(|(_, key)| key.clone()).collect(),
            in_person: others.iter().filter(|a| self.is_in_person(a)).map(|a| Key::of(*a)).collect(),
            assignments: others,
            rivals: rivals.map(|r| Rival { request: r, assumed: self.is_assumed::<AccessRequest>(&Key::of(&**r)) }).collect(),
            of_groups: groups.flat_map(|g| self.assignments.find(&IndexKey::Subject(Subject::group(g)))).map(|a| &**a).collect(),
        }
    }
}
