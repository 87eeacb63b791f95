//! Who has to look again when a request, a decision or an assignment changes.

use crate::api::access_request::RequestPhase;
use crate::api::{AccessRequest, ApprovalDecision, Assignment};
use crate::domain::Key;
use crate::domain::holdings::{package_of, wanted_by};

use super::{Wakes, Watched, grants_of, keys, open_assignments};
use crate::observe::Work;
use crate::observe::slim;
use crate::observe::table::{Table, Term};
use crate::observe::world::World;

impl Watched for AccessRequest {
    const NAME: &str = "AccessRequest";
    const UNREADABLE_IS_GONE: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.requests
    }

    fn slim(&mut self) {
        slim::request(self);
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let Some(request) = new.or(old) else { return };
        let key = Key::of(request);
        wakes.push(Work::Request(key.clone()));
        if old.map(Self::phase) == new.map(Self::phase) {
            return;
        }
        if [old, new].into_iter().flatten().any(|r| r.phase() == RequestPhase::PendingApproval) {
            // Whoever may decide it can list it.
            wakes.extend(world.catalog_of(&key.namespace).map(|c| Work::Catalog(Key::of(c))));
        }
        wakes.push(Work::Package(wanted_by(request)));
        let settled = Term::Settled(key.clone());
        let named = Term::Request(key);
        if old.is_none() || new.is_none() {
            wakes.extend(keys(&world.decisions, &settled).into_iter().map(Work::Decision));
        }
        wakes.extend(keys(&world.decisions, &named).into_iter().map(Work::Decision));
        wakes.extend(keys(&world.assignments, &named).into_iter().map(Work::Assignment));
        // Assignments of the same subject may have waited for this request to end.
        let subject = request.subject().map(Term::Subject);
        wakes.extend(subject.iter().flat_map(|own| open_assignments(world, own)));
    }
}

impl Watched for ApprovalDecision {
    const NAME: &str = "ApprovalDecision";
    const UNREADABLE_IS_GONE: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.decisions
    }

    fn slim(&mut self) {
        slim::decision(self);
    }

    fn wakes(_: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        if let Some(decision) = new.or(old) {
            let key = Key::of(decision);
            wakes.push(Work::Request(Key::new(&key.namespace, &decision.spec.access_request)));
            wakes.push(Work::Decision(key));
        }
    }
}

impl Watched for Assignment {
    const NAME: &str = "Assignment";
    const UNREADABLE_IS_GONE: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.assignments
    }

    fn slim(&mut self) {
        slim::assignment(self);
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let Some(assignment) = new.or(old) else { return };
        let key = Key::of(assignment);
        wakes.push(Work::Assignment(key.clone()));
        wakes.extend(keys(&world.requests, &Term::Assignment(key.clone())).into_iter().map(Work::Request));
        wakes.extend(assignment.spec.access_request.as_ref().map(|name| Work::Request(Key::new(&key.namespace, name))));
        let gist = |a: Option<&Self>| a.map(|a| (a.phase(), a.spec.clone(), a.metadata.deletion_timestamp.clone()));
        if gist(old) == gist(new) {
            return;
        }
        let package = package_of(assignment);
        // Without a clock here: anything that carries an end in its spec or metadata counts as ending, and goes first.
        let ends = new.is_none_or(|a| a.spec.revoked.is_some() || a.metadata.deletion_timestamp.is_some());
        if let Some(found) = world.packages.get(&package) {
            let grants = grants_of(found).map(Work::Grant);
            if ends { wakes.urgent.extend(grants) } else { wakes.ordinary.extend(grants) }
        }
        wakes.push(Work::Package(package));
        // Others of the same subject may have waited for this one to end.
        wakes.extend(open_assignments(world, &Term::Subject(assignment.spec.subject.clone())));
    }
}
