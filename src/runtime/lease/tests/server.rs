//! An API server with one lease, which can be slow, lose answers and fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::time::sleep;
use tower::service_fn;

/// What happens to one request.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// Travels for that many milliseconds each way.
    Slow(u64, u64),
    /// Takes effect, but the answer never comes.
    AnswerLost,
    /// Answered with an error, without effect.
    Refused,
}

/// The stored lease with the number of its version, and the fates of the requests to come; after them all is quick.
#[derive(Default)]
pub struct Server {
    pub lease: Mutex<Option<Lease>>,
    version: Mutex<u64>,
    pub fates: Mutex<Vec<Fate>>,
    pub requests: Mutex<u64>,
    pub down: Mutex<bool>,
}

impl Server {
    pub fn client(self: &Arc<Self>) -> Client {
        let server = self.clone();
        Client::new(
            service_fn(move |request| {
                let server = server.clone();
                async move { Ok::<_, tower::BoxError>(server.answer(request).await) }
            }),
            "default",
        )
    }

    pub fn holder(&self) -> Option<String> {
        self.lease.lock().unwrap().as_ref()?.spec.as_ref()?.holder_identity.clone()
    }

    async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        *self.requests.lock().unwrap() += 1;
        let fate = self.fates.lock().unwrap().pop().unwrap_or(Fate::Slow(1, 1));
        let (there, back) = match fate {
            _ if *self.down.lock().unwrap() => return status(StatusCode::INTERNAL_SERVER_ERROR),
            Fate::Refused => return status(StatusCode::INTERNAL_SERVER_ERROR),
            Fate::Slow(there, back) => (there, back),
            Fate::AnswerLost => (1, 1_000_000),
        };
        let method = request.method().clone();
        let body = request.into_body().collect_bytes().await.unwrap();
        // A request that is under way arrives, whether or not somebody still waits for its answer.
        let arrival = tokio::spawn(async move {
            sleep(Duration::from_millis(there)).await;
            self.store(&method, (!body.is_empty()).then(|| serde_json::from_slice(&body).unwrap()))
        });
        let answer = arrival.await.unwrap();
        sleep(Duration::from_millis(back)).await;
        answer
    }

    fn store(&self, method: &Method, body: Option<Lease>) -> Response<Body> {
        let mut stored = self.lease.lock().unwrap();
        match (method, stored.as_ref(), body) {
            (&Method::GET, None, _) | (&Method::PUT, None, _) => return status(StatusCode::NOT_FOUND),
            (&Method::GET, Some(_), _) => {}
            (&Method::POST, Some(_), _) => return status(StatusCode::CONFLICT),
            (&Method::PUT, Some(old), Some(new)) if new.metadata.resource_version != old.metadata.resource_version => {
                return status(StatusCode::CONFLICT);
            }
            (_, _, Some(mut new)) => {
                let mut version = self.version.lock().unwrap();
                *version += 1;
                new.metadata.resource_version = Some(version.to_string());
                *stored = Some(new);
            }
            other => panic!("{other:?}"),
        }
        Response::new(Body::from(serde_json::to_vec(stored.as_ref().unwrap()).unwrap()))
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let reason = match code {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        _ => "InternalError",
    };
    let body = json!({"kind": "Status", "status": "Failure", "reason": reason, "message": reason, "code": code.as_u16()});
    Response::builder().status(code).body(Body::from(serde_json::to_vec(&body).unwrap())).unwrap()
}
