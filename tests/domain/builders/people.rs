//! Who and when.

use chrono::{DateTime, TimeDelta, Utc};
use entitlement_operator::api::policy::{Approver, ApproverKind};
use entitlement_operator::api::{Identity, Span, Subject, SubjectKind};

/// One minute, in seconds.
pub const MINUTE: i64 = 60;
/// One hour, in seconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day, in seconds.
pub const DAY: i64 = 24 * HOUR;

/// So many seconds after the beginning of 2026, when every story here begins.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

/// A length of time as people write it.
pub fn span(text: &str) -> Span {
    text.parse().unwrap()
}

/// How long ended things are kept in these stories.
pub const RETENTION: TimeDelta = TimeDelta::days(90);

/// A user.
pub fn user(name: &str) -> Subject {
    Subject::user(name)
}

/// A group.
pub fn group(name: &str) -> Subject {
    Subject::group(name)
}

/// A service account.
pub fn account(namespace: &str, name: &str) -> Subject {
    Subject { kind: SubjectKind::ServiceAccount, name: name.to_owned(), namespace: Some(namespace.to_owned()) }
}

/// Somebody whom the API server vouched for.
pub fn who(name: &str, groups: &[&str]) -> Identity {
    Identity { username: name.to_owned(), uid: None, groups: groups.iter().map(|g| (*g).to_owned()).collect() }
}

fn approver(kind: ApproverKind, name: Option<&str>) -> Approver {
    Approver { kind, name: name.map(str::to_owned), namespace: None }
}

/// A stage is decided by a user.
pub fn by_user(name: &str) -> Approver {
    approver(ApproverKind::User, Some(name))
}

/// A stage is decided by the members of a group.
pub fn by_group(name: &str) -> Approver {
    approver(ApproverKind::Group, Some(name))
}

/// A stage is decided by the owners of the catalog.
pub fn by_owners() -> Approver {
    approver(ApproverKind::CatalogOwners, None)
}
