use std::sync::Mutex;

use chrono::DateTime;
use kube::client::Body;
use serde_json::Value;
use tower::service_fn;

use super::*;
use crate::runtime::clock::ManualClock;

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that stores what is posted, except in the namespace `denied`, and never answers in `slow`.
fn server() -> (Client, Seen) {
    let seen = Seen::default();
    let store = seen.clone();
    let service = service_fn(move |request: axum::http::Request<Body>| {
        let store = store.clone();
        async move {
            let path = request.uri().path().to_owned();
            if path.contains("/slow/") {
                std::future::pending::<()>().await;
            }
            let body = request.into_body().collect_bytes().await.unwrap();
            let status = if path.contains("/denied/") { 403 } else { 201 };
            store.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
            Ok::<_, tower::BoxError>(axum::http::Response::builder().status(status).body(Body::from(body.to_vec())).unwrap())
        }
    });
    (Client::new(service, "default"), seen)
}

fn notice(namespace: Option<&str>, name: &str) -> Announcement {
    Announcement {
        regarding: ObjectReference {
            api_version: Some("entitlement.dev/v1alpha1".into()),
            kind: Some("Assignment".into()),
            name: Some(name.into()),
            namespace: namespace.map(Into::into),
            ..ObjectReference::default()
        },
        kind: EventType::Warning,
        reason: "EndReached".into(),
        action: "Revoke".into(),
        message: "access ended".into(),
    }
}

fn events(capacity: usize) -> (Recorder, impl Future<Output = ()> + Send, Arc<Metrics>, Seen) {
    let (client, seen) = server();
    let metrics = Arc::new(Metrics::new());
    let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_767_225_600, 0).unwrap()));
    let (events, task) = Recorder::new(client, clock, metrics.clone(), "pod-1_5af3", capacity);
    (events, task, metrics, seen)
}

fn dropped(metrics: &Metrics) -> Option<u64> {
    let text = metrics.encode().unwrap();
    text.lines().find_map(|line| line.strip_prefix("entitlement_events_dropped_total ")).map(|count| count.parse().unwrap())
}

#[tokio::test]
async fn events_go_where_their_object_is() {
    let (events, task, metrics, seen) = events(10);
    events.publish(notice(Some("catalog-payments"), "a1"));
    events.publish(notice(None, "payments"));
    drop(events);
    task.await;
    let seen = seen.lock().unwrap();
    let [(first_path, first), (second_path, second)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(first_path, "/apis/events.k8s.io/v1/namespaces/catalog-payments/events");
    assert_eq!(second_path, "/apis/events.k8s.io/v1/namespaces/default/events");
    assert_eq!(second["metadata"]["namespace"], "default");
    assert!(first["metadata"]["name"].as_str().unwrap().starts_with("a1."));
    for (field, value) in [
        ("type", "Warning"),
        ("reason", "EndReached"),
        ("action", "Revoke"),
        ("note", "access ended"),
        ("eventTime", "2026-01-01T00:00:00.000000Z"),
        ("reportingController", "entitlement.dev/entitlement-operator"),
        ("reportingInstance", "pod-1_5af3"),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    assert_eq!(first["regarding"]["name"], "a1");
    assert_eq!(dropped(&metrics), Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_refused_or_slow_is_dropped_and_counted() {
    let (events, task, metrics, seen) = events(3);
    for namespace in ["denied", "slow", "fine", "one-too-many"] {
        events.publish(notice(Some(namespace), "a"));
    }
    assert_eq!(dropped(&metrics), Some(1));
    drop(events);
    task.await;
    assert_eq!(dropped(&metrics), Some(3));
    assert!(seen.lock().unwrap().iter().any(|(path, _)| path.contains("/fine/")));
}

#[test]
fn texts_are_cut_between_characters() {
    assert_eq!(cut("short".into(), 128), "short");
    assert_eq!(cut("x".repeat(1024), NOTE).len(), 1024);
    for text in ["é".repeat(600), format!("x{}", "é".repeat(600)), "🦀".repeat(400)] {
        let cut = cut(text, NOTE);
        assert!((1020..=1024).contains(&cut.len()) && cut.ends_with('…'), "{}", cut.len());
    }
}
