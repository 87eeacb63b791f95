//! Somebody who means no good, within the rights that people have: the breaches of the hostile reviews, at random.

use serde_json::{Value, json};

use super::{PACKAGES, PEOPLE, Soak};
use crate::person::{ALICE, BOB, ERIN, MALLORY};
use crate::support::ROOT;

impl Soak<'_> {
    /// Does one of the things that once held up an end, or somebody else.
    pub(super) async fn harms(&mut self) -> Option<u16> {
        match self.dice.throw(7) {
            0 => self.asks_for_a_victim().await,
            1 => self.asks_with_a_story().await,
            2 => self.decides_again_and_again().await,
            3 => self.keeps_a_binding().await,
            4 => self.forges_a_binding().await,
            5 => self.writes_odd_instants().await,
            _ => self.revokes_with_a_story().await,
        }
    }

    /// For somebody else, under a policy that does not exist, so that it would wait.
    async fn asks_for_a_victim(&mut self) -> Option<u16> {
        let (name, package, victim) = (self.name("ask"), self.pick(&PACKAGES), self.pick(&PEOPLE));
        let spec = json!({"accessPackage": package, "policy": "there-is-none", "subject": {"kind": "User", "name": victim}});
        self.creates(MALLORY, "AccessRequest", &name, spec).await
    }

    /// As much as the schema takes, of characters that an apply does not.
    async fn asks_with_a_story(&mut self) -> Option<u16> {
        let (name, package) = (self.name("ask"), self.pick(&PACKAGES));
        let spec = json!({"accessPackage": package, "justification": "\u{7f}\u{fffe}".repeat(2_048)});
        self.creates(MALLORY, "AccessRequest", &name, spec).await
    }

    async fn decides_again_and_again(&mut self) -> Option<u16> {
        let request = self.name("ask");
        let mut refused = None;
        for who in [ERIN, BOB, ERIN, ERIN, BOB] {
            let name = self.name("yes");
            refused =
                self.creates(who, "ApprovalDecision", &name, json!({"accessRequest": request, "decision": "Approve"})).await;
        }
        refused
    }

    /// One of the bindings that carry grants, as it is.
    async fn binding(&mut self) -> Option<Value> {
        let place = self.office.name.clone();
        let all = self.office.person(ROOT).await.list("RoleBinding", &place).await.expect("root may list");
        let is_ours = |b: &&Value| b["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("entitlement:"));
        let ours: Vec<Value> = all.iter().filter(is_ours).cloned().collect();
        let which = self.dice.throw(ours.len().max(1));
        ours.into_iter().nth(which)
    }

    async fn keeps_a_binding(&mut self) -> Option<u16> {
        let binding = self.binding().await?;
        let (place, name) = (self.office.name.clone(), binding["metadata"]["name"].as_str()?);
        let change = json!({"metadata": {"finalizers": ["example.org/mine"]}});
        self.office.person(ROOT).await.patch("RoleBinding", &place, name, change).await.err().map(|refusal| refusal.code)
    }

    /// A twin for the victim, which cannot be deleted.
    async fn forges_a_binding(&mut self) -> Option<u16> {
        let binding = self.binding().await?;
        let number = self.dice.throw(5) + 50;
        let metadata = json!({"name": format!("{}{number}", binding["metadata"]["name"].as_str()?), "namespace": self.office.name,
            "labels": binding["metadata"]["labels"], "annotations": binding["metadata"]["annotations"],
            "finalizers": ["example.org/mine"]});
        let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ALICE});
        let forged = json!({"kind": "RoleBinding", "metadata": metadata, "roleRef": binding["roleRef"], "subjects": [subject]});
        self.office.person(ROOT).await.create(forged).await.err().map(|refusal| refusal.code)
    }

    async fn writes_odd_instants(&mut self) -> Option<u16> {
        let name = self.name("direct");
        let odd = [json!("2027-06-01T08:00:00,5Z"), json!("2027-06-01T08:00:00+99:99"), json!([]), json!("9999-12-31T23:59:59Z")];
        let end = self.dice.choose(&odd).clone();
        let refused = self.patches(BOB, "Assignment", &name, json!({"spec": {"schedule": {"endTime": end}}})).await;
        assert!(refused.is_some(), "an end that nobody can read is refused");
        refused
    }

    async fn revokes_with_a_story(&mut self) -> Option<u16> {
        let name = self.name("direct");
        let revoked = json!({"reason": "\u{7f}".repeat(4_096)});
        self.patches(BOB, "Assignment", &name, json!({"spec": {"revoked": revoked}})).await
    }
}
