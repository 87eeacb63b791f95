//! Whole elections under paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::server::{Fate, Server};
use crate::runtime::clock::{Clock, ManualClock};
use crate::runtime::lease::{Election, Ended, Leadership};

const LASTS: Duration = Duration::from_secs(15);

/// A candidate that runs until it loses or is told to release.
struct Candidate {
    leadership: Leadership,
    release: Option<oneshot::Sender<()>>,
    task: JoinHandle<Ended>,
}

impl Candidate {
    fn start(server: &Arc<Server>, identity: &str) -> Self {
        // The wall clock stands still: nothing may depend on it.
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(DateTime::from_timestamp(1_767_225_600, 0).unwrap()));
        let (election, leadership) = Election::new(server.client(), "entitlement-system", identity, LASTS, clock);
        let (release, released) = oneshot::channel();
        let task = tokio::spawn(election.run(async move { drop(released.await) }));
        Self { leadership, release: Some(release), task }
    }

    async fn stop(mut self) -> Ended {
        drop(self.release.take());
        (&mut self.task).await.unwrap()
    }
}

/// Ends a candidate's task without a word, as SIGKILL would.
impl Drop for Candidate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_at_once_and_a_release_passes_it_on_within_seconds() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    let second = Candidate::start(&server, "b");
    pass(120).await;
    assert!(first.leadership.is_leader() && !second.leadership.is_leader());
    assert_eq!(first.stop().await, Ended::Released);
    let start = Instant::now();
    second.leadership.acquired().await;
    assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
    let lease = server.lease.lock().unwrap().clone().unwrap().spec.unwrap();
    assert_eq!((lease.holder_identity.as_deref(), lease.lease_transitions), (Some("b"), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_is_followed_when_its_lease_is_over_and_not_earlier() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    let second = Candidate::start(&server, "b");
    pass(60).await;
    drop(first);
    let start = Instant::now();
    second.leadership.acquired().await;
    let waited = start.elapsed();
    assert!(waited > Duration::from_secs(10) && waited < Duration::from_secs(18), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_under_the_same_name_waits_as_a_stranger_would() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    let twin = Candidate::start(&server, "a");
    pass(60).await;
    assert!(first.leadership.is_leader() && !twin.leadership.is_leader());
}

#[tokio::test(start_paused = true)]
async fn a_leader_cut_off_gives_up_before_anybody_takes_over() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    pass(7).await;
    *server.down.lock().unwrap() = true;
    let start = Instant::now();
    let leadership = first.leadership.clone();
    let mut first = first;
    assert_eq!((&mut first.task).await.unwrap(), Ended::Lost("not renewed in time"));
    assert!(start.elapsed() <= LASTS * 2 / 3, "{:?}", start.elapsed());
    assert!(!leadership.is_leader());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_or_a_foreign_edit_does_not_end_leadership() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    pass(12).await;
    server.fates.lock().unwrap().push(Fate::AnswerLost);
    pass(30).await;
    if let Some(lease) = server.lease.lock().unwrap().as_mut() {
        lease.metadata.resource_version = Some("edited".into());
    }
    pass(30).await;
    assert!(first.leadership.is_leader() && !first.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_taken_away_or_deleted_never_makes_two_leaders() {
    let server = Arc::new(Server::default());
    let first = Candidate::start(&server, "a");
    first.leadership.acquired().await;
    let second = Candidate::start(&server, "b");
    pass(20).await;
    *server.lease.lock().unwrap() = None;
    for _ in 0..40 {
        pass(1).await;
        assert!(!second.leadership.is_leader());
    }
    assert!(first.leadership.is_leader(), "it created the lease again");
    if let Some(spec) = server.lease.lock().unwrap().as_mut().and_then(|lease| lease.spec.as_mut()) {
        spec.holder_identity = Some("somebody".into());
    }
    if let Some(lease) = server.lease.lock().unwrap().as_mut() {
        lease.metadata.resource_version = Some("edited".into());
    }
    let mut first = first;
    assert_eq!((&mut first.task).await.unwrap(), Ended::Lost("somebody else holds the lease"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_costs_few_requests() {
    let server = Arc::new(Server::default());
    let candidate = Candidate::start(&server, "a");
    candidate.leadership.acquired().await;
    let before = *server.requests.lock().unwrap();
    pass(300).await;
    assert!((59..=61).contains(&(*server.requests.lock().unwrap() - before)));
}

#[test]
fn without_an_election_one_always_leads() {
    assert!(Leadership::always().is_leader());
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => (0..200_u64, 0..200_u64).prop_map(|(there, back)| Fate::Slow(there, back)),
        2 => (0..30_000_u64, 0..30_000_u64).prop_map(|(there, back)| Fate::Slow(there, back)),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Refused),
    ];
    proptest::collection::vec(fate, 0..80)
}

/// Three replicas that are started again whenever they lose; at every tenth of a second at most one of them leads, and when the
/// faults are over somebody does.
async fn replicas(fates: Vec<Fate>, killed: Vec<u8>) -> Result<(), TestCaseError> {
    let server = Arc::new(Server::default());
    *server.fates.lock().unwrap() = fates;
    let count = Mutex::new(0);
    let start = || {
        let mut count = count.lock().unwrap();
        *count += 1;
        Candidate::start(&server, &format!("replica-{count}"))
    };
    let mut candidates = [start(), start(), start()];
    for tick in 0..1_500_u32 {
        sleep(Duration::from_millis(100)).await;
        let leaders = candidates.iter().filter(|candidate| candidate.leadership.is_leader()).count();
        prop_assert!(leaders <= 1, "{} leaders after {} ms", leaders, tick * 100);
        for (index, candidate) in candidates.iter_mut().enumerate() {
            let kill =
                tick < 1_000 && tick % 50 == 0 && killed.get(tick as usize / 50).is_some_and(|who| usize::from(*who) == index);
            if kill || candidate.task.is_finished() {
                *candidate = start();
            }
        }
        if server.fates.lock().unwrap().is_empty() && tick == 1_499 {
            prop_assert_eq!(leaders, 1);
            prop_assert!(server.holder().is_some());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn two_never_lead_at_once(fates in fates(), killed in proptest::collection::vec(0..6_u8, 20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        runtime.block_on(replicas(fates, killed))?;
    }
}
