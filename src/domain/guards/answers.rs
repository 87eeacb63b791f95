//! Answers to a policy's questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use crate::api::access_request::Answer;
use crate::api::policy::{Question, QuestionType};

use super::{Reason, Refusal};

/// Longest answer of type Text, in characters.
const TEXT: usize = 256;
/// Largest compiled pattern, in bytes: people write the patterns, the operator pays for them.
const LARGEST: usize = 1 << 20;

/// Compiles a pattern. The engine takes time linear in the text, whatever the pattern.
fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(LARGEST).build()
}

/// Patterns that were compiled before, each with what is wrong with it. Requests are judged far more often than policies are written.
static KNOWN: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());
/// Most patterns that are remembered.
const REMEMBERED: usize = 4_096;

/// What is wrong with a pattern; compiles it only once.
pub fn flaw(pattern: &str) -> Option<String> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flaw) = known().get(pattern) {
        return flaw.clone();
    }
    let flaw = compile(pattern).err().map(|error| error.to_string());
    let mut known = known();
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(pattern.to_owned(), flaw.clone());
    flaw
}

/// Checks all answers; the message names the first question that is answered badly.
pub fn check(questions: &[Question], answers: &[Answer]) -> Result<(), Refusal> {
    let known: BTreeSet<&str> = questions.iter().map(|q| q.name.as_str()).collect();
    if let Some(unknown) = answers.iter().find(|a| !known.contains(a.question.as_str())) {
        return Err(wrong(&unknown.question, "the policy asks no such question"));
    }
    questions.iter().try_for_each(|question| {
        let given = answers.iter().find(|a| a.question == question.name).map(values).unwrap_or_default();
        one(question, &given).map_err(|why| wrong(&question.name, &why))
    })
}

fn wrong(question: &str, why: &str) -> Refusal {
    Refusal::new(Reason::AnswerInvalid, format!("question {question:?}: {why}"))
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
