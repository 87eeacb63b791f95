//! Who waits for whom when the API server is busy: by which FlowSchema it takes what people and the operator ask.

use axum::http::Request;
use k8s_openapi::api::flowcontrol::v1::FlowSchema;
use kube::{Api, Client};

use crate::person::{ALICE, CAROL};
use crate::support::wait::eventually;
use crate::world::{WITHIN, operator_itself, world};

/// The uid of the FlowSchema that judged a request, as the API server says it in a header of every answer.
async fn taken_by(client: &Client, method: &str, path: &str, body: &str) -> String {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let answer = client.send(request.body(body.to_owned().into_bytes().into()).expect("a request")).await.expect("an answer");
    let uid = answer.headers().get("x-kubernetes-pf-flowschema-uid").expect("flow control is on");
    uid.to_str().expect("text").to_owned()
}

#[tokio::test]
async fn people_have_places_of_their_own_and_the_operator_does_not_wait_behind_other_accounts() {
    let plane = &world().await.plane;
    let schemas: Api<FlowSchema> = Api::all(plane.admin().await);
    let requests = "/apis/entitlement.dev/v1alpha1/namespaces/default/accessrequests";
    let catalogs = "/apis/entitlement.dev/v1alpha1/catalogs?dryRun=All";
    let operator = operator_itself(plane).await.client;
    let (alice, carol) = (plane.user(ALICE).await, plane.user(CAROL).await);
    // (Who, what, and which FlowSchema takes it.)
    let expected = [
        (&alice, "POST", requests, "entitlement-people"),
        (&carol, "POST", catalogs, "entitlement-people"),
        (&alice, "GET", requests, "global-default"),
        (&operator, "POST", requests, "entitlement-operator"),
        (&operator, "GET", "/api/v1/namespaces", "entitlement-operator"),
    ];
    for (client, method, path, name) in expected {
        let wanted = schemas.get(name).await.expect("it is installed").metadata.uid.expect("a uid");
        eventually(&format!("{method} {path} is taken by {name}"), WITHIN, async || {
            let taken = taken_by(client, method, path, "{}").await;
            if taken == wanted { Ok(()) } else { Err(format!("by the FlowSchema with uid {taken}")) }
        })
        .await;
    }
}
