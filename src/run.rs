//! Start and end of the operator: client, caches, workers, probes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::api::Api;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DeserializeGuard;
use kube::runtime::watcher;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info};

use crate::admission::{ADMISSION, Admission};
use crate::config::Config;

use crate::admission::shipped::Shipped;
use crate::domain::Key;
use crate::domain::grant::mass_revocation::MassRevocation;
use crate::domain::request::Bounds;
use crate::kinds::{self, Context, DEFAULT_CATALOG, EachKind, Settings};
use crate::observe::figures;
use crate::observe::watch::watch;
use crate::observe::{Cache, Kind, WorkItem};
use crate::runtime::clock::{Clock, SystemClock};
use crate::runtime::lease::{Election, Ended, Leadership};
use crate::runtime::queue::Queue;
use crate::runtime::recorder::Recorder;
use crate::runtime::telemetry::{CountRequests, Metrics, Readiness, serve};
use crate::runtime::worker;
use crate::writer::Writer;

/// Why the operator could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The kubeconfig cannot be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// No configuration of a cluster was found.
    #[error("no cluster to connect to: {0}")]
    Infer(#[from] kube::config::InferConfigError),
    /// The client cannot be built.
    #[error("client: {0}")]
    Client(#[from] kube::Error),
    /// The address of the probes cannot be used.
    #[error("--listen {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Signals cannot be received.
    #[error("signals: {0}")]
    Signal(std::io::Error),
    /// The admission policies built into this binary cannot be read.
    #[error("shipped admission policies: {0}")]
    Shipped(#[from] serde_yaml::Error),
    /// Another process leads now.
    #[error("the lease was lost: {0}")]
    LeaseLost(String),
    /// A watch ended, which it never should.
    #[error("a watch ended")]
    WatchEnded,
}

/// Readiness: the caches hold everything.
const CACHES: &str = "caches";
/// Events that may wait to be posted.
const EVENTS: usize = 4_096;

/// Runs until a signal asks it to stop.
pub async fn run(config: Config) -> Result<(), Failure> {
    run_by(config, Arc::new(SystemClock)).await
}

/// The same, by another clock.
pub async fn run_by(config: Config, clock: Arc<dyn Clock>) -> Result<(), Failure> {
    let metrics = Arc::new(Metrics::new());
    let readiness = Readiness::new(&[CACHES, ADMISSION]);
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|source| Failure::Listen { address: config.listen, source })?;
    tokio::spawn(serve(listener, metrics.clone(), readiness.clone()));

    let client = client(&config, metrics.clone(), clock.clone()).await?;
    let (events, post_events) = Recorder::new(client.clone(), clock.clone(), metrics.clone(), &config.identity, EVENTS);
    let posting = tokio::spawn(post_events);
    let (release, released) = oneshot::channel();
    let (leadership, election) = elect(&config, &client, clock.clone(), released);
    let context = context(&config, &client, leadership.clone(), events, metrics, clock, readiness.clone())?;

    let (synced, mut watches) = start_watches(&client, &context.cache);
    let mut electing = tokio::spawn(election);
    tokio::select! {
        () = synced => {}
        _ = watches.join_next() => return Err(Failure::WatchEnded),
        stopped = stop_signal() => return stopped,
    }
    readiness.holds(CACHES);
    if config.leader_elect {
        readiness.holds(ADMISSION); // a standby is ready to take over; the leader judges the policies
    }
    let figures = tokio::spawn(count(context.clone()));
    let ended = lead(&context, config.concurrency, &readiness, &leadership, &mut electing, &mut watches).await?;
    figures.abort();
    let _ = figures.await;
    let _ = release.send(());
    let _ = electing.await;
    watches.shutdown().await;
    drop(context);
    let _ = posting.await;
    ended
}

/// Everything that reconciliations work with.
fn context(
    config: &Config,
    client: &Client,
    leadership: Leadership,
    events: Recorder,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
) -> Result<Arc<Context>, Failure> {
    let cache = Cache::new(Queue::new(clock.clone(), config.share()), kinds::dependents);
    let writer = Writer { client: client.clone(), cache, request_timeout: config.request_timeout, leadership };
    let admission = Admission::new(Shipped::read()?, readiness, config.allow_unenforced_identity, config.namespace.clone());
    let mass_revocation =
        MassRevocation { count: config.mass_revocation_count, percent: usize::from(config.mass_revocation_share) };
    let bounds = Bounds { open: config.open_requests, recent: config.recent_requests };
    let settings = Settings { retention: config.retention.delta(), bounds, mass_revocation };
    Ok(Arc::new(Context::new(writer, events, metrics, clock, settings, admission)))
}

/// Works as soon as this process leads, until a signal asks it to stop or a watch ends, which is the inner result, and what is in flight is finished.
///
/// # Errors
/// The lease was lost: whoever lost it must not finish anything, for another one acts already.
async fn lead(
    context: &Arc<Context>,
    concurrency: usize,
    readiness: &Readiness,
    leadership: &Leadership,
    electing: &mut JoinHandle<Ended>,
    watches: &mut JoinSet<()>,
) -> Result<Result<(), Failure>, Failure> {
    context.cache.queue.push(WorkItem::Admission);
    context.cache.queue.push(WorkItem::Catalog(Key::new("", DEFAULT_CATALOG)));
    // A standby has warm caches and waits here.
    let mut working = None;
    let ended = loop {
        tokio::select! {
            () = leadership.acquired(), if working.is_none() => {
                info!("leading");
                context.metrics.set_leader(true);
                context.begin();
                working = Some(tokio::spawn(worker::run(context.clone(), concurrency)));
            }
            lost = &mut *electing => return Err(Failure::LeaseLost(format!("{lost:?}"))),
            _ = watches.join_next() => break Err(Failure::WatchEnded),
            stopped = stop_signal() => break stopped,
        }
    };
    readiness.misses(CACHES, "stopping");
    info!("stopping; what is in flight is finished");
    context.cache.queue.close();
    if let Some(working) = working
        && working.await.is_err()
    {
        error!("the workers ended by a panic");
    }
    Ok(ended)
}

/// Takes part in the election for a leader, or leads alone. The future ends when the lease is released or lost.
fn elect(config: &Config, client: &Client, clock: Arc<dyn Clock>, released: oneshot::Receiver<()>) -> (Leadership, Electing) {
    let release = async {
        let _ = released.await;
    };
    if !config.leader_elect {
        let alone = async {
            release.await;
            Ended::Released
        };
        return (Leadership::always(), Box::pin(alone));
    }
    let (election, leadership) = Election::new(client.clone(), &config.namespace, &config.identity, config.lease_duration, clock);
    (leadership, Box::pin(election.run(release)))
}

type Electing = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// Pause between two counts of everything that is cached.
const COUNT: Duration = Duration::from_secs(15);

async fn count(context: Arc<Context>) {
    let mut pause = tokio::time::interval(COUNT);
    loop {
        pause.tick().await;
        figures::show(&context.cache.read(), &context.metrics, &*context.clock);
    }
}

async fn stop_signal() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signal)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

async fn client(config: &Config, metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Result<Client, Failure> {
    let mut cluster = match &config.kubeconfig {
        Some(path) => kube::Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?,
        None => kube::Config::infer().await?,
    };
    // Without it a list on a dead connection would be waited for without an end, and the cache would stand still.
    cluster.read_timeout = Some(config.silence_timeout);
    Ok(ClientBuilder::try_from(cluster)?.with_layer(&CountRequests::new(metrics, clock)).build())
}

type Synced = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts one watch per kind. The future ends when every cache holds its first list.
fn start_watches(client: &Client, cache: &Arc<Cache>) -> (Synced, JoinSet<()>) {
    let mut all = Watches { client: client.clone(), cache: cache.clone(), tasks: JoinSet::new(), synced: Vec::new() };
    kinds::each(&mut all);
    let synced = all.synced;
    let wait = async move {
        for one in synced {
            let _ = one.await;
        }
    };
    (Box::pin(wait), all.tasks)
}

struct Watches {
    client: Client,
    cache: Arc<Cache>,
    tasks: JoinSet<()>,
    synced: Vec<oneshot::Receiver<()>>,
}

impl EachKind for Watches {
    fn kind<K: Kind>(&mut self) {
        let (sender, receiver) = oneshot::channel();
        let api: Api<DeserializeGuard<K>> = Api::all(self.client.clone());
        self.tasks.spawn(watch(api, watcher::Config::default(), self.cache.clone(), sender));
        self.synced.push(receiver);
    }
}
