//! What people write: requests, decisions and assignments.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{Answer, RequestPhase, RequestType, RequestedSchedule, Schedule};
use entitlement_operator::api::approval_decision::Verdict;
use entitlement_operator::api::assignment::{AssignmentPhase, AssignmentSchedule, Revoked, Source};
use entitlement_operator::api::labels::REVOKE;
use entitlement_operator::api::time::to_meta;
use entitlement_operator::api::{
    AccessRequest, AccessRequestSpec, ApprovalDecision, ApprovalDecisionSpec, Assignment, AssignmentSpec, Identity, Subject,
};
use entitlement_operator::domain::request::assignment_name;

use super::content::{PAYMENTS, stored};
use super::people::{span, user};

/// Anything that the API server stored.
pub trait StoredWords {
    fn created(self, at: DateTime<Utc>) -> Self;
    fn in_namespace(self, namespace: &str) -> Self;
    fn with_uid(self, uid: &str) -> Self;
    fn being_deleted(self, since: DateTime<Utc>) -> Self;
}

impl<K: kube::Resource> StoredWords for K {
    fn created(mut self, at: DateTime<Utc>) -> Self {
        self.meta_mut().creation_timestamp = Some(to_meta(at));
        self
    }

    fn in_namespace(mut self, namespace: &str) -> Self {
        self.meta_mut().namespace = Some(namespace.to_owned());
        self
    }

    fn with_uid(mut self, uid: &str) -> Self {
        self.meta_mut().uid = Some(uid.to_owned());
        self
    }

    fn being_deleted(mut self, since: DateTime<Utc>) -> Self {
        self.meta_mut().deletion_timestamp = Some(to_meta(since));
        self
    }
}

/// A request for the package `oncall` by nobody yet.
pub fn request(name: &str) -> AccessRequest {
    let spec = AccessRequestSpec { access_package: "oncall".to_owned(), ..AccessRequestSpec::default() };
    stored(AccessRequest::new(name, spec), PAYMENTS)
}

/// What a request can be besides.
pub trait RequestWords {
    fn by(self, name: &str, groups: &[&str]) -> Self;
    fn to_get(self, package: &str) -> Self;
    fn under(self, policy: &str) -> Self;
    fn extending(self) -> Self;
    fn removing(self) -> Self;
    fn for_subject(self, subject: Subject) -> Self;
    fn saying(self, why: &str) -> Self;
    fn answering(self, question: &str, value: &str) -> Self;
    fn answering_all(self, question: &str, values: &[&str]) -> Self;
    fn starting(self, at: DateTime<Utc>) -> Self;
    fn ending(self, at: DateTime<Utc>) -> Self;
    fn lasting(self, text: &str) -> Self;
    fn in_phase(self, phase: RequestPhase) -> Self;
}

fn wish(request: &mut AccessRequest) -> &mut RequestedSchedule {
    request.spec.schedule.get_or_insert_with(RequestedSchedule::default)
}

impl RequestWords for AccessRequest {
    fn by(mut self, name: &str, groups: &[&str]) -> Self {
        self.spec.requestor = Some(super::who(name, groups));
        self
    }

    fn to_get(mut self, package: &str) -> Self {
        self.spec.access_package = package.to_owned();
        self
    }

    fn under(mut self, policy: &str) -> Self {
        self.spec.policy = Some(policy.to_owned());
        self
    }

    fn extending(mut self) -> Self {
        self.spec.kind = RequestType::Extend;
        self
    }

    fn removing(mut self) -> Self {
        self.spec.kind = RequestType::Remove;
        self
    }

    fn for_subject(mut self, subject: Subject) -> Self {
        self.spec.subject = Some(subject);
        self
    }

    fn saying(mut self, why: &str) -> Self {
        self.spec.justification = why.to_owned();
        self
    }

    fn answering(mut self, question: &str, value: &str) -> Self {
        let answer = Answer { question: question.to_owned(), value: Some(value.to_owned()), values: None };
        self.spec.answers.push(answer);
        self
    }

    fn answering_all(mut self, question: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        self.spec.answers.push(Answer { question: question.to_owned(), value: None, values: Some(values) });
        self
    }

    fn starting(mut self, at: DateTime<Utc>) -> Self {
        wish(&mut self).start_time = Some(at);
        self
    }

    fn ending(mut self, at: DateTime<Utc>) -> Self {
        wish(&mut self).end_time = Some(at);
        self
    }

    fn lasting(mut self, text: &str) -> Self {
        wish(&mut self).duration = Some(span(text));
        self
    }

    fn in_phase(mut self, phase: RequestPhase) -> Self {
        self.status.get_or_insert_default().phase = phase;
        self
    }
}

/// An approval of a request by nobody yet.
pub fn decision(name: &str, request: &str) -> ApprovalDecision {
    let spec = ApprovalDecisionSpec {
        access_request: request.to_owned(),
        decision: Verdict::Approve,
        ..ApprovalDecisionSpec::default()
    };
    stored(ApprovalDecision::new(name, spec), PAYMENTS)
}

/// What a decision can be besides.
pub trait DecisionWords {
    fn by(self, name: &str, groups: &[&str]) -> Self;
    fn denying(self) -> Self;
    fn because(self, reason: &str) -> Self;
    fn of_stage(self, stage: &str) -> Self;
    fn of_uid(self, uid: &str) -> Self;
}

impl DecisionWords for ApprovalDecision {
    fn by(mut self, name: &str, groups: &[&str]) -> Self {
        self.spec.approver = Some(super::who(name, groups));
        self
    }

    fn denying(mut self) -> Self {
        self.spec.decision = Verdict::Deny;
        self
    }

    fn because(mut self, reason: &str) -> Self {
        self.spec.reason = reason.to_owned();
        self
    }

    fn of_stage(mut self, stage: &str) -> Self {
        self.spec.stage = Some(stage.to_owned());
        self
    }

    fn of_uid(mut self, uid: &str) -> Self {
        self.spec.access_request_uid = Some(uid.to_owned());
        self
    }
}

/// A direct assignment of the package `oncall` to alice under the policy `engineers`, which is not reconciled yet.
pub fn assignment(name: &str) -> Assignment {
    let spec = AssignmentSpec {
        access_package: "oncall".to_owned(),
        policy: "engineers".to_owned(),
        subject: user("alice"),
        source: Some(Source::Direct),
        ..AssignmentSpec::default()
    };
    stored(Assignment::new(name, spec), PAYMENTS)
}

/// The assignment that a request makes.
pub fn assignment_of(request: &AccessRequest) -> Assignment {
    let mut made = assignment(&assignment_name(request));
    made.spec.access_package = request.spec.access_package.clone();
    made.spec.subject = request.subject().unwrap();
    made.spec.source = Some(Source::Request);
    made.spec.access_request = request.metadata.name.clone();
    made.spec.access_request_uid = request.metadata.uid.clone();
    made.with_finalizer()
}

/// What an assignment can be besides.
pub trait AssignmentWords {
    fn of(self, package: &str) -> Self;
    fn to(self, subject: Subject) -> Self;
    fn beginning(self, at: DateTime<Utc>) -> Self;
    fn until(self, at: DateTime<Utc>) -> Self;
    fn with_finalizer(self) -> Self;
    fn revoked_by(self, name: &str) -> Self;
    fn assigned_by(self, who: Identity) -> Self;
    fn in_phase(self, phase: AssignmentPhase) -> Self;
    fn accepted(self) -> Self;
}

fn schedule(assignment: &mut Assignment) -> &mut AssignmentSchedule {
    assignment.spec.schedule.get_or_insert_with(AssignmentSchedule::default)
}

impl AssignmentWords for Assignment {
    fn of(mut self, package: &str) -> Self {
        self.spec.access_package = package.to_owned();
        self
    }

    fn to(mut self, subject: Subject) -> Self {
        self.spec.subject = subject;
        self
    }

    fn beginning(mut self, at: DateTime<Utc>) -> Self {
        schedule(&mut self).start_time = Some(at);
        self
    }

    fn until(mut self, at: DateTime<Utc>) -> Self {
        schedule(&mut self).end_time = Some(at);
        self
    }

    fn with_finalizer(mut self) -> Self {
        self.metadata.finalizers = Some(vec![REVOKE.to_owned()]);
        self
    }

    fn revoked_by(mut self, name: &str) -> Self {
        self.spec.revoked = Some(Revoked { by: name.to_owned(), reason: "no longer needed".to_owned() });
        self
    }

    fn assigned_by(mut self, who: Identity) -> Self {
        self.spec.assigned_by = Some(who);
        self
    }

    fn in_phase(mut self, phase: AssignmentPhase) -> Self {
        self.status.get_or_insert_default().phase = phase;
        self
    }

    /// Its period was accepted as its spec says it.
    fn accepted(mut self) -> Self {
        let period = Schedule { start_time: self.start(), end_time: self.requested_end() };
        self.status.get_or_insert_default().schedule = Some(period);
        self
    }
}
