//! Policies, their stages and their questions.

use entitlement_operator::api::policy::{
    Approver, Escalation, Expiration, Justification, Question, QuestionType, Requestors, Scope, Stage,
};
use entitlement_operator::api::{Policy, PolicySpec, Subject};

use super::content::{PAYMENTS, stored};
use super::people::span;

/// A policy of the package `oncall`: for nobody yet, no justification, no stages, for 30 days.
pub fn policy(name: &str) -> Policy {
    let spec = PolicySpec {
        access_package: "oncall".to_owned(),
        display_name: String::new(),
        description: String::new(),
        enabled: true,
        requestors: Requestors::default(),
        justification: Justification::Optional,
        questions: Vec::new(),
        approval: Default::default(),
        expiration: Expiration { after: Some(span("30d")), ..Expiration::default() },
        custom_schedule: false,
        extension: Default::default(),
        self_assignment: false,
    };
    stored(Policy::new(name, spec), PAYMENTS)
}

/// What a policy can be besides.
pub trait PolicyWords {
    fn of(self, package: &str) -> Self;
    fn for_subject(self, subject: Subject) -> Self;
    fn for_scope(self, scope: Scope) -> Self;
    fn except(self, subject: Subject) -> Self;
    fn on_behalf_by(self, subject: Subject) -> Self;
    fn disabled(self) -> Self;
    fn requiring_justification(self) -> Self;
    fn asking(self, question: Question) -> Self;
    fn stage(self, stage: Stage) -> Self;
    fn expiring(self, expiration: Expiration) -> Self;
    fn with_custom_schedule(self) -> Self;
    fn extendable(self) -> Self;
    fn extending_at_once(self) -> Self;
    fn for_groups_themselves(self) -> Self;
    fn for_oneself(self) -> Self;
}

impl PolicyWords for Policy {
    fn of(mut self, package: &str) -> Self {
        self.spec.access_package = package.to_owned();
        self
    }

    fn for_subject(mut self, subject: Subject) -> Self {
        self.spec.requestors.subjects.push(subject);
        self
    }

    fn for_scope(mut self, scope: Scope) -> Self {
        self.spec.requestors.scope = scope;
        self
    }

    fn except(mut self, subject: Subject) -> Self {
        self.spec.requestors.except.push(subject);
        self
    }

    fn on_behalf_by(mut self, subject: Subject) -> Self {
        self.spec.requestors.on_behalf.push(subject);
        self
    }

    fn disabled(mut self) -> Self {
        self.spec.enabled = false;
        self
    }

    fn requiring_justification(mut self) -> Self {
        self.spec.justification = Justification::Required;
        self
    }

    fn asking(mut self, question: Question) -> Self {
        self.spec.questions.push(question);
        self
    }

    fn stage(mut self, stage: Stage) -> Self {
        self.spec.approval.stages.push(stage);
        self
    }

    fn expiring(mut self, expiration: Expiration) -> Self {
        self.spec.expiration = expiration;
        self
    }

    fn with_custom_schedule(mut self) -> Self {
        self.spec.custom_schedule = true;
        self
    }

    fn extendable(mut self) -> Self {
        self.spec.extension.allowed = true;
        self
    }

    fn extending_at_once(mut self) -> Self {
        self.spec.approval.for_extension = false;
        self
    }

    fn for_groups_themselves(mut self) -> Self {
        self.spec.requestors.group_as_subject = true;
        self
    }

    fn for_oneself(mut self) -> Self {
        self.spec.self_assignment = true;
        self
    }
}

/// Access ends so long after its start.
pub fn after(text: &str) -> Expiration {
    Expiration { after: Some(span(text)), ..Expiration::default() }
}

/// Access ends when somebody ends it.
pub fn never() -> Expiration {
    Expiration { never: Some(true), ..Expiration::default() }
}

/// A stage: one approval within 14 days.
pub fn stage(name: &str, approvers: &[Approver]) -> Stage {
    Stage {
        name: name.to_owned(),
        approvers: approvers.to_vec(),
        fallback_approvers: Vec::new(),
        approvals_required: 1,
        timeout: span("14d"),
        escalation: None,
        approver_justification: Justification::Optional,
    }
}

/// What a stage can be besides.
pub trait StageWords {
    fn needing(self, approvals: i32) -> Self;
    fn within(self, timeout: &str) -> Self;
    fn escalating(self, after: &str, approvers: &[Approver]) -> Self;
    fn falling_back_to(self, approvers: &[Approver]) -> Self;
    fn wanting_reasons(self) -> Self;
}

impl StageWords for Stage {
    fn needing(mut self, approvals: i32) -> Self {
        self.approvals_required = approvals;
        self
    }

    fn within(mut self, timeout: &str) -> Self {
        self.timeout = span(timeout);
        self
    }

    fn escalating(mut self, after: &str, approvers: &[Approver]) -> Self {
        self.escalation = Some(Escalation { after: span(after), approvers: approvers.to_vec() });
        self
    }

    fn falling_back_to(mut self, approvers: &[Approver]) -> Self {
        self.fallback_approvers = approvers.to_vec();
        self
    }

    fn wanting_reasons(mut self) -> Self {
        self.approver_justification = Justification::Required;
        self
    }
}

/// A question that may be left out, with a line of text for an answer.
pub fn question(name: &str) -> Question {
    Question { name: name.to_owned(), text: format!("What about {name}?"), ..Question::default() }
}

/// What a question can be besides.
pub trait QuestionWords {
    fn required(self) -> Self;
    fn matching(self, pattern: &str) -> Self;
    fn choosing(self, choices: &[&str]) -> Self;
    fn several(self) -> Self;
    fn long(self) -> Self;
}

impl QuestionWords for Question {
    fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn matching(mut self, pattern: &str) -> Self {
        self.pattern = Some(pattern.to_owned());
        self
    }

    fn choosing(mut self, choices: &[&str]) -> Self {
        self.kind = QuestionType::MultipleChoice;
        self.choices = choices.iter().map(|c| (*c).to_owned()).collect();
        self
    }

    fn several(mut self) -> Self {
        self.multiple = true;
        self
    }

    fn long(mut self) -> Self {
        self.kind = QuestionType::LongText;
        self
    }
}
