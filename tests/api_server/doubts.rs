//! The checker itself: it notices what it is there to notice. While no operator runs, somebody with all power spoils one thing after the
//! other, and puts it right again.

use serde_json::{Value, json};

use crate::checker;
use crate::department::Department;
use crate::person::{ALICE, BOB, Person, name};
use crate::support::{Operator, ROOT};
use crate::terms::if_a_lead_agrees;
use crate::world::{operator_itself, quiet};

struct Spoiler<'d> {
    office: &'d Department<'d>,
    root: Person,
    operator: Person,
}

impl Spoiler<'_> {
    /// Spoils the status of an object, hears what the checker says, and puts it right.
    async fn status(&self, kind: &str, object: &Value, change: Value, complaint: &str) {
        let name = name(object);
        self.operator.patch_status(kind, &self.office.catalog(), &name, change.clone()).await.unwrap();
        self.hears(complaint).await;
        let mut before = json!({});
        for field in change.as_object().unwrap().keys() {
            before[field] = object["status"][field].clone();
        }
        self.operator.patch_status(kind, &self.office.catalog(), &name, before).await.unwrap();
        self.is_content().await;
    }

    /// The same with the subjects of a binding.
    async fn subjects(&self, binding: &Value, subjects: Value, complaint: &str) {
        let (namespace, name) = (&self.office.name, name(binding));
        self.root.patch("RoleBinding", namespace, &name, json!({ "subjects": subjects })).await.unwrap();
        self.hears(complaint).await;
        self.root.patch("RoleBinding", namespace, &name, json!({"subjects": binding["subjects"]})).await.unwrap();
        self.is_content().await;
    }

    async fn hears(&self, complaint: &str) {
        let said = self.judgement().await.expect_err("the checker must object");
        assert!(said.contains(complaint), "{said:?} must say {complaint:?}");
    }

    async fn is_content(&self) {
        self.judgement().await.expect("the checker must be content");
    }

    async fn judgement(&self) -> Result<(), String> {
        checker::judge(&self.root.client, Some(&[self.office.catalog()])).await
    }
}

#[tokio::test]
async fn the_checker_notices_what_is_spoilt() {
    let plane = quiet().await;
    let running = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "doubts").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    let decision = office.decides(BOB, &request, "Approve").await;
    office.counts(&decision, "True Decided").await;
    let request = office.request_is(&request, "Delivered").await;
    let assignment = office.read("Assignment", request["status"]["assignment"].as_str().unwrap()).await;
    running.stop().await;
    let spoiler = Spoiler { root: office.person(ROOT).await, operator: operator_itself(&plane).await, office: &office };
    spoiler.is_content().await;

    let binding = office.grants().await.remove(0);
    let alice = binding["subjects"][0].clone();
    let mallory = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory@example.com"});
    spoiler.subjects(&binding, json!([alice, mallory]), "I4, I10: no live assignment gives").await;
    spoiler.subjects(&binding, json!([]), "I1: a live assignment gives").await;
    spoiler.subjects(&binding, json!([alice, alice]), "twice").await;

    let stage = &request["status"]["stages"][0];
    let decided = |change: Value| {
        let mut stage = stage.clone();
        stage["decisions"] = change;
        json!({ "stages": [stage] })
    };
    let mut unknown = stage["decisions"][0].clone();
    unknown["decisionRef"] = json!("no-such-decision");
    spoiler.status("AccessRequest", &request, decided(json!([])), "I2: assignment").await;
    spoiler.status("AccessRequest", &request, decided(json!([unknown])), "is not there").await;
    let mut twice = request["status"]["timeline"].clone();
    twice.as_array_mut().unwrap().push(request["status"]["timeline"][0].clone());
    spoiler.status("AccessRequest", &request, json!({ "timeline": twice }), "I6: AccessRequest").await;
    spoiler.status("AccessRequest", &request, json!({"phase": "Denied"}), "Denied is not told").await;
    let revoking = json!({"phase": "Revoking"});
    spoiler.status("Assignment", &assignment, revoking, "I4, I10: no live assignment gives").await;
}
