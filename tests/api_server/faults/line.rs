//! The line between an operator and the API server: a proxy that lets everything through until it is told otherwise.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode, header};
use futures::{StreamExt, stream};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Plane, eventually, kubeconfig, operator};

/// What the line does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    None,
    /// The next write never arrives, and nothing after it.
    LosesNextWrite,
    /// The next write arrives and its answer never comes back; nothing after it arrives.
    LosesNextAnswer,
    /// Writes to such a path that say such words wait; everything else passes.
    Holds { path: &'static str, saying: &'static str },
    /// Every request is answered with this status code.
    Answers(u16),
    /// Every request of this method to such a path is answered with this status code.
    Refuses { method: &'static str, path: &'static str, code: u16 },
    /// Every watch is told that its version is too old (410).
    Outdated,
    /// Nothing is answered any more, now or later: connections stay open and are good for nothing.
    Dead,
}

/// A line; dropped it is cut for good.
pub struct Line {
    port: u16,
    ends: Arc<Ends>,
    server: JoinHandle<()>,
}

struct Ends {
    client: Client,
    fault: watch::Sender<Fault>,
    /// Counted up to cut everything that streams.
    cuts: watch::Sender<u64>,
    /// How many writes came, whatever became of them.
    writes: AtomicUsize,
    /// Writes that reached the point at which the line failed, and status codes of writes that were held.
    lost: Mutex<Vec<String>>,
    late: Mutex<Vec<(String, u16)>>,
}

impl Line {
    /// A line for an operator with the shipped rights.
    pub async fn open(plane: &Plane) -> Self {
        let path = plane.dir().join("line.kubeconfig");
        operator::write_kubeconfig(plane, &path).await;
        let options = KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig::read(&path), &options).await.expect("a kubeconfig");
        config.default_retry = false; // a line repeats nothing
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let ends = Arc::new(Ends {
            client: Client::try_from(config).expect("a client"),
            fault: watch::Sender::new(Fault::None),
            cuts: watch::Sender::new(0),
            writes: AtomicUsize::new(0),
            lost: Mutex::default(),
            late: Mutex::default(),
        });
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new().fallback(pass).with_state(Arc::clone(&ends));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the line stands") });
        Self { port, ends, server }
    }

    /// What an operator has to be told to speak through this line.
    pub fn kubeconfig(&self) -> Kubeconfig {
        let config = json!({
            "clusters": [{"name": "line", "cluster": {"server": format!("http://127.0.0.1:{}", self.port)}}],
            "users": [{"name": "line", "user": {}}],
            "contexts": [{"name": "line", "context": {"cluster": "line", "user": "line"}}],
            "current-context": "line",
        });
        serde_json::from_value(config).expect("a kubeconfig")
    }

    /// From now on this is wrong.
    pub fn has(&self, fault: Fault) {
        self.ends.lost.lock().expect("no panic").clear();
        self.ends.fault.send_replace(fault);
    }

    /// Cuts every watch, and every answer that is on its way.
    pub fn cuts_streams(&self) {
        self.ends.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many writes came so far.
    pub fn writes(&self) -> usize {
        self.ends.writes.load(Ordering::Relaxed)
    }

    /// The write at which the line failed, if it has.
    pub fn lost(&self) -> Option<String> {
        self.ends.lost.lock().expect("no panic").first().cloned()
    }

    /// Waits until a write is held.
    pub async fn holds_a_write(&self) {
        eventually("a write is held", Duration::from_secs(30), async || self.lost().ok_or_else(|| "none".to_owned())).await;
    }

    /// What became of the writes that were held, once they went through.
    pub async fn late_answers(&self) -> Vec<(String, u16)> {
        eventually("what was held went through", Duration::from_secs(30), async || {
            let late = self.ends.late.lock().expect("no panic").clone();
            if late.is_empty() { Err("nothing yet".to_owned()) } else { Ok(late) }
        })
        .await
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What came, read to its end.
struct Sent {
    head: Parts,
    body: Bytes,
}

impl Sent {
    async fn whole(request: Request) -> Self {
        let (head, body) = request.into_parts();
        Self { head, body: to_bytes(body, usize::MAX).await.unwrap_or_default() }
    }

    /// In words, if it changes something that has to be right after a crash; reads, leases, events and questions do not.
    fn write(&self) -> Option<String> {
        let (path, query) = (self.head.uri.path(), self.head.uri.query().unwrap_or_default());
        let harmless = ["/leases", "/events", "/subjectaccessreviews"].iter().any(|part| path.contains(part));
        let reads = self.head.method == Method::GET || harmless || query.contains("dryRun=");
        let tail: Vec<&str> = path.rsplit('/').take(3).collect();
        (!reads).then(|| format!("{} {}", self.head.method, tail.into_iter().rev().collect::<Vec<_>>().join("/")))
    }

    fn is_watch(&self) -> bool {
        self.head.uri.query().is_some_and(|query| query.contains("watch=true"))
    }

    fn says(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(words)
    }
}

async fn pass(State(ends): State<Arc<Ends>>, request: Request) -> Response<Body> {
    let sent = Sent::whole(request).await;
    let write = sent.write();
    ends.writes.fetch_add(usize::from(write.is_some()), Ordering::Relaxed);
    let fault = *ends.fault.borrow();
    match (fault, write) {
        (Fault::Dead, _) => std::future::pending().await,
        (Fault::LosesNextWrite, Some(write)) => {
            ends.fault.send_replace(Fault::Dead);
            ends.lost.lock().expect("no panic").push(write);
            std::future::pending().await
        }
        (Fault::LosesNextAnswer, Some(write)) => {
            ends.fault.send_replace(Fault::Dead);
            let answer = ends.forward(sent).await;
            ends.lost.lock().expect("no panic").push(format!("{write} {}", answer.status()));
            std::future::pending().await
        }
        (Fault::Holds { path, saying }, Some(write)) if write.contains(path) && sent.says(saying) => ends.hold(sent, write).await,
        (Fault::Answers(code), _) => status(code),
        (Fault::Refuses { method, path, code }, _) if sent.head.method == method && sent.head.uri.path().contains(path) => {
            status(code)
        }
        (Fault::Outdated, _) if sent.is_watch() => status(410),
        _ => ends.forward(sent).await,
    }
}

fn status(code: u16) -> Response<Body> {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "the line is faulty", "reason": "Faulty", "code": code});
    let answer = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    answer.body(Body::from(body.to_string())).expect("an answer")
}

impl Ends {
    /// Sends a write when the line is whole again, whoever waits for it or not.
    async fn hold(self: Arc<Self>, held: Sent, write: String) -> Response<Body> {
        self.lost.lock().expect("no panic").push(write.clone());
        let sent = tokio::spawn(async move {
            self.fault.subscribe().wait_for(|fault| *fault == Fault::None).await.expect("a line");
            let answer = self.forward(held).await;
            self.late.lock().expect("no panic").push((write, answer.status().as_u16()));
            answer
        });
        sent.await.expect("no panic")
    }

    async fn forward(&self, sent: Sent) -> Response<Body> {
        let Sent { mut head, body } = sent;
        for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        match self.client.send(axum::http::Request::from_parts(head, kube::client::Body::from(body))).await {
            Ok(answer) => answer.map(|body| self.until_cut(Body::new(body))),
            Err(error) => {
                let mut answer = status(StatusCode::BAD_GATEWAY.as_u16());
                *answer.body_mut() = Body::from(error.to_string());
                answer
            }
        }
    }

    /// A body that breaks off when the line is cut.
    fn until_cut(&self, body: Body) -> Body {
        let mut cuts = self.cuts.subscribe();
        let cut = async move {
            cuts.changed().await.ok();
        };
        let chunks = body.into_data_stream().map(|chunk| chunk.map_err(std::io::Error::other));
        let broken = self.cuts.subscribe();
        let end = stream::once(async move {
            if broken.has_changed().unwrap_or(true) { Err(std::io::Error::other("the line is cut")) } else { Ok(Bytes::new()) }
        });
        Body::from_stream(chunks.take_until(Box::pin(cut)).chain(end))
    }
}
