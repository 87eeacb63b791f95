//! Who may ask, who may decide, and who can have anything at all.

use serde_json::json;

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, MALLORY, OLGA, PETER, Person};
use crate::support::{ROOT, eventually, operator};
use crate::terms::{at_once, if_a_lead_agrees};
use crate::world::WITHIN;
use crate::world::department;

/// B13: a rule of one catalog keeps nobody from a package of another.
#[tokio::test]
async fn what_another_catalog_hands_out_bars_nobody_here() {
    let (office, evil) = (department("b13-payments").await, department("b13-evil").await);
    office.policy("engineers", &at_once()).await;
    evil.policy("engineers", &at_once()).await;
    let foe = json!({"spec": {"incompatibleWith": {"accessPackages": [{"catalog": office.name, "name": ONCALL}]}}});
    evil.carol_changes("AccessPackage", ONCALL, foe).await;
    let trap = evil.assigned(json!({"kind": "User", "name": ALICE})).await;
    evil.reaches("Assignment", &trap, "Delivered").await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    // The other way round the rule holds: who has the package here cannot get that one.
    evil.person(CAROL).await.delete("Assignment", &evil.catalog(), &trap).await.unwrap();
    evil.can_look_in_becomes(ALICE, false).await;
    let barred = evil.asks(ALICE).await;
    evil.request_is(&barred, "Denied Incompatible").await;
    // What somebody asked for in person counts in both directions.
    let dave = evil.asks(DAVE).await;
    evil.request_is(&dave, "Delivered").await;
    let barred = office.asks(DAVE).await;
    office.request_is(&barred, "Denied Incompatible").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_misspelt_name_in_a_rule_is_told() {
    let office = department("misspelt").await;
    let foe =
        json!({"spec": {"incompatibleWith": {"accessPackages": [{"name": "no-such"}, {"catalog": "nowhere", "name": "x"}]}}});
    office.carol_changes("AccessPackage", ONCALL, foe).await;
    let told = office.becomes("AccessPackage", &office.catalog(), ONCALL, "IncompatibleNotFound", "True NotFound").await;
    assert!(
        told["status"].to_string().contains("no-such") && told["status"].to_string().contains("nowhere"),
        "{}",
        told["status"]
    );
    office.write(CAROL, "AccessPackage", "no-such", json!({})).await;
    office
        .carol_changes("AccessPackage", ONCALL, json!({"spec": {"incompatibleWith": {"accessPackages": [{"name": "no-such"}]}}}))
        .await;
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "IncompatibleNotFound", "- -").await;
    office.is_right().await;
}

/// B17: who is excepted gets nothing through their group.
#[tokio::test]
async fn who_is_excepted_gets_nothing_through_their_group() {
    let office = department("b17").await;
    let terms = at_once().except_user(MALLORY).on_behalf(MALLORY).for_groups_themselves();
    office.policy("engineers", &terms).await;
    let request = office.asks_with(MALLORY, json!({"subject": {"kind": "Group", "name": "engineering"}})).await;
    office.request_is(&request, "Denied NotEligible").await;
    assert!(!office.can_look_in(MALLORY).await);
    office.is_right().await;
}

/// B18: the anonymous world as a subject.
#[tokio::test]
async fn the_anonymous_and_groups_of_kubernetes_hold_nothing() {
    let office = department("b18").await;
    office.policy("engineers", &at_once()).await;
    let carol = office.person(CAROL).await;
    for subject in [
        json!({"kind": "Group", "name": "system:unauthenticated"}),
        json!({"kind": "User", "name": "system:anonymous"}),
        json!({"kind": "Group", "name": "system:masters"}),
        json!({"kind": "ServiceAccount", "namespace": "payments", "name": "a..b"}),
        json!({"kind": "ServiceAccount", "namespace": "Not A Name", "name": "ci"}),
    ] {
        let spec = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": subject});
        let metadata = json!({"name": "x", "namespace": office.catalog()});
        let made = carol.create(json!({"kind": "Assignment", "metadata": metadata, "spec": spec})).await;
        assert_eq!(made.expect_err("must be refused").code, 422, "{subject}");
    }
    for name in ["system:authenticated", "system:serviceaccounts"] {
        let assignment = office.assigned(json!({"kind": "Group", "name": name})).await;
        office.reaches("Assignment", &assignment, "Pending NotEligible").await;
    }
    office.is_right().await;
}

#[tokio::test]
async fn a_user_name_of_a_thousand_letters_works_from_the_request_to_the_binding() {
    let office = department("long-names").await;
    office.policy("engineers", &at_once()).await;
    let name = "n".repeat(1_024);
    let assignment = office.assigned(json!({"kind": "User", "name": name})).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    assert!(office.grants().await[0]["subjects"].to_string().contains(&name));
    office.is_right().await;
}

/// B24: somebody in more groups than can be kept hears what to do.
#[tokio::test]
async fn somebody_in_too_many_groups_hears_what_to_do() {
    let office = department("b24").await;
    office.policy("engineers", &at_once()).await;
    let groups: Vec<String> = (0..1_101).map(|number| format!("--as-group=group-{number}")).collect();
    let mut args = vec!["create", "-f", "-", "--as=manygroups", "--as-group=system:masters"];
    args.extend(groups.iter().map(String::as_str));
    let text = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\nmetadata: {{name: many, namespace: {}}}\nspec: {{accessPackage: {ONCALL}}}\n",
        office.catalog()
    );
    let refused = office.plane.kubectl_with_input(ROOT, &args, &text).await.refused();
    assert!(refused.contains("you are in more than 1000 groups") && refused.contains("ask your administrator"), "{refused}");
}

impl Department<'_> {
    /// Waits until somebody may do something with requests and decisions, or may not.
    async fn may_becomes(&self, who: &str, verb: &str, resource: &str, want: bool) {
        let args = ["auth", "can-i", verb, &format!("{resource}.entitlement.dev"), "-n", &self.catalog()].map(str::to_owned);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        eventually(&format!("{who} may {verb} {resource}: {want}"), WITHIN, async || {
            let said = self.plane.kubectl(who, &args).await.stdout;
            if (said.trim() == "yes") == want { Ok(()) } else { Err(said) }
        })
        .await;
    }
}

#[tokio::test]
async fn who_may_ask_and_decide_follows_from_the_policies() {
    let office = department("may-ask").await;
    office.may_becomes(ALICE, "create", "accessrequests", false).await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    office.may_becomes(ALICE, "create", "accessrequests", true).await;
    office.may_becomes(BOB, "create", "approvaldecisions", true).await;
    for (who, verb, resource) in [
        (PETER, "create", "accessrequests"),
        (OLGA, "list", "accesspackages"),
        (ALICE, "create", "approvaldecisions"),
        (ALICE, "list", "accessrequests"),
    ] {
        office.may_becomes(who, verb, resource, false).await;
    }
    // Whoever may decide what waits can list and decide it, although the policy is gone.
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    office.person(CAROL).await.delete("Policy", &office.catalog(), "engineers").await.unwrap();
    office.may_becomes(ALICE, "create", "accessrequests", false).await;
    office.may_becomes(BOB, "list", "accessrequests", true).await;
    let decision = office.decides(BOB, &request, "Deny").await;
    office.counts(&decision, "True Decided").await;
    office.may_becomes(BOB, "create", "approvaldecisions", false).await;
    office.is_right().await;
}

#[tokio::test]
async fn somebody_under_a_disabled_policy_can_still_read_and_withdraw() {
    let office = department("disabled").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    office.carol_changes("Policy", "engineers", json!({"spec": {"enabled": false}})).await;
    let alice = office.person(ALICE).await;
    alice.get("AccessRequest", &office.catalog(), &request).await.expect("her own request");
    alice
        .patch("AccessRequest", &office.catalog(), &request, json!({"spec": {"cancelled": true}}))
        .await
        .expect("she withdraws it");
    office.request_is(&request, "Cancelled").await;
    office.may_becomes(ALICE, "create", "accessrequests", false).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_service_account_asks_only_where_a_policy_names_it() {
    let office = department("accounts").await;
    let mut everybody = at_once().spec(ONCALL);
    everybody["requestors"] = json!({"scope": "AllMembers"});
    office.write(CAROL, "Policy", "everybody", everybody).await;
    let mut named = at_once().spec(ONCALL);
    named["requestors"]["subjects"] = json!([{"kind": "ServiceAccount", "namespace": office.name, "name": "named"}]);
    office.write(CAROL, "Policy", "robots", named).await;
    office.becomes("Policy", &office.catalog(), "robots", "Ready", "True Available").await;
    for name in ["named", "other"] {
        office.make(ROOT, json!({"kind": "ServiceAccount", "metadata": {"name": name, "namespace": office.name}})).await;
    }
    let asks = async |account: &str, name: &str| {
        let person = Person { client: operator::account(office.plane, &office.name, account).await };
        let metadata = json!({"name": name, "namespace": office.catalog()});
        person.create(json!({"kind": "AccessRequest", "metadata": metadata, "spec": {"accessPackage": ONCALL}})).await
    };
    eventually("the account that is named asks", WITHIN, async || {
        asks("named", "by-robot").await.map(|_| ()).map_err(|r| r.to_string())
    })
    .await;
    office.request_is("by-robot", "Delivered").await;
    let refusal = asks("other", "by-other").await.expect_err("must be refused");
    assert!(refusal.message.contains("no policy of the catalog"), "{refusal}");
    office.is_right().await;
}
