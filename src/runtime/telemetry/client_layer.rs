//! A layer around the Kubernetes client that counts every call by what it asks for, never by what it is about, and reads the date of
//! every answer.

mod path;

pub use self::path::KINDS;

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http;
use futures::future::BoxFuture;
use tower::{Layer, Service};

use super::Request;
use super::metrics::{Answer, Metrics};
use super::skew::Skew;
use crate::runtime::clock::Clock;

/// The layer for `kube::client::ClientBuilder::with_layer`. Retries that the client makes by itself are inside: a call counts once,
/// with the code that it ended with.
#[derive(Clone)]
pub struct CountRequests {
    metrics: Arc<Metrics>,
    skew: Skew,
}

impl CountRequests {
    /// Counts into `metrics`, and compares `clock` with the API server's.
    pub fn new(metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Self {
        let skew = Skew::new(clock, metrics.clone());
        Self { metrics, skew }
    }
}

impl<S> Layer<S> for CountRequests {
    type Service = CountedRequests<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountedRequests { inner, metrics: self.metrics.clone(), skew: self.skew.clone() }
    }
}

/// The service that [`CountRequests`] makes.
#[derive(Clone)]
pub struct CountedRequests<S> {
    inner: S,
    metrics: Arc<Metrics>,
    skew: Skew,
}

impl<S, B, R> Service<http::Request<B>> for CountedRequests<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let mut count = Count {
            metrics: self.metrics.clone(),
            request: path::request(request.method(), request.uri().path(), request.uri().query()),
            answer: Answer::Abandoned,
        };
        let (response, skew) = (self.inner.call(request), self.skew.clone());
        Box::pin(async move {
            let response = response.await;
            count.end(match &response {
                Ok(response) => {
                    skew.note(response.headers());
                    Answer::Code(response.status().as_u16())
                }
                Err(_) => Answer::Error,
            });
            response
        })
    }
}

/// Counts when it is dropped, so that a call which somebody stops waiting for counts too.
struct Count {
    metrics: Arc<Metrics>,
    request: Request,
    answer: Answer,
}

impl Count {
    /// A method, because a future that only assigns a field would capture a copy of that field and not the count.
    fn end(&mut self, answer: Answer) {
        self.answer = answer;
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.metrics.requested(self.request, self.answer);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;
    use crate::runtime::clock::SystemClock;

    fn get(path: &str) -> http::Request<()> {
        http::Request::get(path).body(()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn counts_calls_answered_failed_and_abandoned() {
        let metrics = Arc::new(Metrics::new());
        let service = ServiceBuilder::new().layer(CountRequests::new(metrics.clone(), Arc::new(SystemClock))).service(
            service_fn(async |request: http::Request<()>| match request.uri().path() {
                "/api/v1/namespaces/slow" => std::future::pending().await,
                "/api/v1/namespaces/down" => Err("no route"),
                _ => Ok(http::Response::builder().status(404).body(()).unwrap()),
            }),
        );
        for path in ["/api/v1/namespaces/a", "/api/v1/namespaces/b", "/api/v1/namespaces/down", "/api/v1/namespaces/slow"] {
            let _ = tokio::time::timeout(Duration::from_secs(1), service.clone().oneshot(get(path))).await;
        }
        let text = metrics.encode().unwrap();
        for (code, count) in [("404", 2), ("error", 1), ("abandoned", 1)] {
            let line =
                format!(r#"entitlement_api_requests_total{{verb="get",kind="namespaces",subresource="",code="{code}"}} {count}"#);
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
}
