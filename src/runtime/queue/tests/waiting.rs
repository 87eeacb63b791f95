//! Who waits for work is woken when there is some, and not before.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::at;
use super::{ALL, SHARE};
use crate::runtime::clock::{Clock, ManualClock};
use crate::runtime::queue::{Action, Lane, Queue};

/// A queue whose wall clock is moved by hand and never by itself.
fn queue() -> (Arc<ManualClock>, Arc<Queue<&'static str>>) {
    let clock = Arc::new(ManualClock::new(at(0)));
    (clock.clone(), Arc::new(Queue::new(clock, SHARE)))
}

/// A task that takes one key and says after how long.
fn taker(queue: &Arc<Queue<&'static str>>) -> tokio::task::JoinHandle<(Option<&'static str>, Duration)> {
    let (queue, start) = (queue.clone(), Instant::now());
    tokio::spawn(async move { (queue.next(ALL).await, start.elapsed()) })
}

/// Runs a key once, which then waits for an instant.
async fn hold(queue: &Queue<&'static str>, work: &'static str, seconds: i64) {
    queue.push(work);
    assert_eq!(queue.next(ALL).await, Some(work));
    queue.done(&work, Action::RequeueAt(at(seconds), Lane::Ordinary));
}

#[tokio::test(start_paused = true)]
async fn a_push_wakes_who_waits() {
    let (_, queue) = queue();
    let task = taker(&queue);
    tokio::time::sleep(Duration::from_secs(100)).await;
    queue.push("a");
    assert_eq!(task.await.unwrap(), (Some("a"), Duration::from_secs(100)));
}

#[tokio::test(start_paused = true)]
async fn a_step_of_the_wall_clock_is_noticed_within_a_second() {
    let (clock, queue) = queue();
    hold(&queue, "a", 3_600).await;
    let task = taker(&queue);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(queue.depth() == 0 && !task.is_finished());
    clock.set(at(3_600));
    let (work, after) = task.await.unwrap();
    assert_eq!(work, Some("a"));
    assert!(after <= Duration::from_millis(3_501), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn who_takes_work_leaves_the_watch_to_another() {
    let (clock, queue) = queue();
    hold(&queue, "later", 5).await;
    let (first, second) = (taker(&queue), taker(&queue));
    tokio::time::sleep(Duration::from_secs(1)).await;
    queue.push("now");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_ne!(first.is_finished(), second.is_finished());
    clock.set(at(5));
    let mut works = [first.await.unwrap().0, second.await.unwrap().0];
    works.sort();
    assert_eq!(works, [Some("later"), Some("now")]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_key_comes_back_by_itself() {
    let (_, queue) = queue();
    queue.push("a");
    assert_eq!(queue.next(ALL).await, Some("a"));
    queue.done(&"a", Action::Retry);
    assert_eq!(queue.depth(), 1);
    let (work, after) = taker(&queue).await.unwrap();
    assert_eq!(work, Some("a"));
    assert!((200..=401).contains(&(after.as_millis() as u64)), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_wait_and_gives_out_nothing_more() {
    let (_, queue) = queue();
    let tasks = [taker(&queue), taker(&queue), taker(&queue)];
    tokio::time::sleep(Duration::from_secs(1)).await;
    queue.close();
    for task in tasks {
        assert_eq!(task.await.unwrap().0, None);
    }
    queue.push("a");
    assert_eq!(queue.next(ALL).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_share_the_work() {
    let queue = Arc::new(Queue::new(Arc::new(ManualClock::new(at(0))) as Arc<dyn Clock>, SHARE));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let mut done = Vec::new();
                while let Some(work) = queue.next(ALL).await {
                    tokio::task::yield_now().await;
                    queue.done(&work, Action::AwaitChange);
                    done.push(work);
                }
                done
            })
        })
        .collect();
    for work in 0..5_000_u32 {
        queue.push(work);
    }
    while queue.depth() != 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    queue.close();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..5_000).collect::<Vec<_>>());
}
