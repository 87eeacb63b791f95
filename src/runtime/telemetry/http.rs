//! The HTTP server for probes and scrapes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{Metrics, Readiness};

/// What the metrics are encoded as.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves `/healthz`, `/readyz` and `/metrics` until it is dropped.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, readiness: Readiness) -> std::io::Result<()> {
    let router = Router::new()
        // Alive means that this answers at all. What makes the operator unready must not make it be killed.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(scrape).with_state(metrics));
    axum::serve(listener, router).await
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let missing = readiness.missing();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, OPENMETRICS)], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], format!("{error}\n")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn readiness_names_what_is_missing_and_health_does_not_care() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (metrics, readiness) = (Arc::new(Metrics::new()), Readiness::new(&["caches", "admission"]));
        tokio::spawn(serve(listener, metrics.clone(), readiness.clone()));

        readiness.misses("admission", "no policy\nstamps identities");
        let answer = get(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nadmission: no policy stamps identities\ncaches: not started\n"), "{answer}");
        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));

        readiness.holds("admission");
        readiness.holds("caches");
        assert!(readiness.is_ready() && get(address, "/readyz").await.starts_with("HTTP/1.1 200"));

        metrics.set_leader(true);
        metrics.transitioned("Assignment", "Expired", "EndReached");
        metrics.revoked(0.04);
        let answer = get(address, "/metrics").await;
        assert!(answer.contains("application/openmetrics-text"), "{answer}");
        for line in [
            "entitlement_leader 1",
            r#"entitlement_transitions_total{kind="Assignment",phase="Expired",reason="EndReached"} 1"#,
            r#"entitlement_revocation_lateness_seconds_bucket{le="0.05"} 1"#,
            "entitlement_oldest_overdue_revocation_seconds 0.0",
            "entitlement_panics_total 0",
            "# EOF",
        ] {
            assert!(answer.contains(line), "{line}\n{answer}");
        }
    }
}
