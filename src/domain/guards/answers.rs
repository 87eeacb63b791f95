//! Answers to a policy's questions.

use std::collections::BTreeSet;

use super::{Asking, Case};
use crate::api::access_request::Answer;
use crate::api::policy::{Question, QuestionType};
use crate::domain::pattern::compile;
use crate::domain::refusal::{Objection, Reason};

/// Longest answer of type Text, in characters.
const TEXT: usize = 256;
/// Every question is answered as the policy wants; the message names the first that is not.
pub(super) fn are_valid(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let (questions, answers) = (&case.policy.clone()?.spec.questions, &case.application.request.spec.answers);
    let known: BTreeSet<&str> = questions.iter().map(|q| q.name.as_str()).collect();
    if let Some(unknown) = answers.iter().find(|a| !known.contains(a.question.as_str())) {
        return Err(wrong(&unknown.question, "the policy asks no such question"));
    }
    questions.iter().try_for_each(|question| {
        let given: Vec<&str> = answers.iter().filter(|a| a.question == question.name).take(1).flat_map(values).collect();
        one(question, &given).map_err(|why| wrong(&question.name, &why))
    })
}

fn wrong(question: &str, why: &str) -> Objection {
    Objection::refuse(Reason::AnswerInvalid, format!("question {question:?}: {why}"))
}

/// What was answered, without blank values.
fn values(answer: &Answer) -> Vec<&str> {
    let many = answer.values.iter().flatten().map(String::as_str);
    answer.value.iter().map(String::as_str).chain(many).filter(|v| !v.trim().is_empty()).collect()
}

fn one(question: &Question, given: &[&str]) -> Result<(), String> {
    if given.is_empty() {
        return if question.required { Err("an answer is required".to_owned()) } else { Ok(()) };
    }
    if given.len() > 1 && !question.multiple {
        return Err("only one value is allowed".to_owned());
    }
    given.iter().try_for_each(|value| match question.kind {
        QuestionType::LongText => Ok(()),
        QuestionType::MultipleChoice if question.choices.iter().any(|c| c == value) => Ok(()),
        QuestionType::MultipleChoice => Err(format!("{value:?} is none of {}", question.choices.join(", "))),
        QuestionType::Text if value.chars().count() > TEXT || value.contains('\n') => {
            Err(format!("one line of at most {TEXT} characters is allowed"))
        }
        QuestionType::Text => matches(question.pattern.as_deref(), value),
    })
}

fn matches(pattern: Option<&str>, value: &str) -> Result<(), String> {
    let Some(pattern) = pattern else { return Ok(()) };
    let compiled = compile(pattern).map_err(|error| format!("the policy's pattern is wrong: {error}"))?;
    if compiled.is_match(value) { Ok(()) } else { Err(format!("{value:?} does not match {pattern}")) }
}
