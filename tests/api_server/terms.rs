//! The terms of a policy, as a sentence: `for_group("engineering").approved_by_group("payments-leads").for_as_long_as("30d")`.

use serde_json::{Value, json};

/// A policy's spec in the making; 30 days and no approval unless it says otherwise.
#[derive(Clone)]
pub struct Terms(Value);

/// Members of a group may ask.
pub fn for_group(group: &str) -> Terms {
    Terms(json!({
        "requestors": {"scope": "Specific", "subjects": [{"kind": "Group", "name": group}]},
        "justification": "Optional",
        "expiration": {"after": "30d"},
    }))
}

/// The terms under which engineers get what they ask for at once.
pub fn at_once() -> Terms {
    for_group("engineering")
}

/// The terms under which a payments lead has to agree.
pub fn if_a_lead_agrees() -> Terms {
    for_group("engineering").approved_by_group("payments-leads")
}

impl Terms {
    /// One more person may ask.
    pub fn and_user(mut self, user: &str) -> Self {
        let subjects = self.0["requestors"]["subjects"].as_array_mut().expect("subjects");
        subjects.push(json!({"kind": "User", "name": user}));
        self
    }

    /// A group may itself be the subject.
    pub fn for_groups_themselves(mut self) -> Self {
        self.0["requestors"]["groupAsSubject"] = json!(true);
        self
    }

    /// This person may not.
    pub fn except_user(mut self, user: &str) -> Self {
        self.0["requestors"]["except"] = json!([{"kind": "User", "name": user}]);
        self
    }

    /// This person may ask for others.
    pub fn on_behalf(mut self, user: &str) -> Self {
        self.0["requestors"]["onBehalf"] = json!([{"kind": "User", "name": user}]);
        self
    }

    /// One stage, decided by members of a group.
    pub fn approved_by_group(mut self, group: &str) -> Self {
        self.0["approval"] = json!({"stages": [{"name": "lead", "approvers": [{"kind": "Group", "name": group}]}]});
        self
    }

    /// One stage, decided by a person.
    pub fn approved_by_user(mut self, user: &str) -> Self {
        self.0["approval"] = json!({"stages": [{"name": "lead", "approvers": [{"kind": "User", "name": user}]}]});
        self
    }

    /// When access ends.
    pub fn for_as_long_as(mut self, span: &str) -> Self {
        self.0["expiration"] = json!({ "after": span });
        self
    }

    /// The spec of a policy for a package.
    pub fn spec(&self, package: &str) -> Value {
        let mut spec = self.0.clone();
        spec["accessPackage"] = json!(package);
        spec
    }
}
