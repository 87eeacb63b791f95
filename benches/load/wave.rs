//! One request, a burst of them, one deadline, and a thousand in the same second.

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entitlement_operator::domain::schedule::show;

use crate::Figure;
use crate::raw::{MANY, Raw, quantiles};
use crate::site::{CATALOG, ENDING, Site, each, user};

/// How often a single thing is measured.
const TIMES: usize = 100;
const DEADLINES: usize = 20;

/// From a request to the binding, nothing else going on.
pub async fn latency(site: &Site, raw: &Raw) -> Vec<Figure> {
    let mut times = Vec::new();
    for number in 0..TIMES {
        let who = user("single", number);
        site.rests().await;
        let begin = Instant::now();
        site.ask(CATALOG, &format!("single-{number}"), &who).await;
        let bound = site.board.until("the subject is bound", |seen| seen.held.contains_key(&who)).await;
        times.push(bound - begin);
    }
    let (half, most) = quantiles(times);
    vec![
        Figure::times("request to binding, idle, p50 (raw: one create)", half, raw.create, "<= 4x"),
        Figure::times("request to binding, idle, p99", most, raw.create, "<= 8x"),
    ]
}

/// A thousand requests at once.
pub async fn burst(site: &Site, raw: &Raw) -> Vec<Figure> {
    site.rests().await;
    let delivered = |seen: &crate::board::Seen| seen.in_phase("AccessRequest", "Delivered");
    let before = site.board.look(delivered);
    let begin = Instant::now();
    each(MANY, |number| async move { site.ask(CATALOG, &format!("burst-{number}"), &user("burst", number)).await }).await;
    let end = site.board.until("all are delivered", |seen| delivered(seen) >= before + MANY).await;
    vec![Figure::speeds("1,000 requests at once: delivered", MANY, end - begin, raw.requests, ">= 0.6x")]
}

/// The instant of a whole second, on the monotonic clock.
pub fn instant(at: DateTime<Utc>) -> Instant {
    Instant::now() + (at - Utc::now()).to_std().unwrap_or_default()
}

/// How late a single end comes.
pub async fn deadline(site: &Site) -> Vec<Figure> {
    let mut late = Vec::new();
    for number in 0..DEADLINES {
        let (who, end) = (user("late", number), (Utc::now() + TimeDelta::seconds(4)).trunc_subsecs(0));
        site.give(ENDING, &format!("late-{number}"), &who, Some(&show(end))).await;
        site.board.until("the subject is bound", |seen| seen.held.contains_key(&who)).await;
        site.rests().await;
        let due = instant(end);
        let gone = site.board.until("the subject is gone", |seen| !seen.held.contains_key(&who)).await;
        late.push(gone.saturating_duration_since(due));
    }
    late.sort();
    let (half, most) = (late[late.len() / 2], late[late.len() - 1]);
    vec![
        Figure::alone("a single deadline, idle: lateness p50", format!("{half:.1?}"), "<= 50 ms"),
        Figure::alone("a single deadline, idle: lateness max", format!("{most:.1?}"), "<= 250 ms"),
    ]
}

/// A thousand ends in the same second.
pub async fn ends(site: &Site, raw: &Raw) -> Vec<Figure> {
    site.rests().await;
    let given = |seen: &crate::board::Seen| seen.in_phase("Assignment", "Delivered") + seen.in_phase("Assignment", "Expired");
    let expired = site.board.look(|seen| seen.in_phase("Assignment", "Expired"));
    let before = site.board.look(given);
    let end = (Utc::now() + TimeDelta::seconds(60)).trunc_subsecs(0);
    let until = show(end);
    let until = &until;
    each(MANY, |number| async move {
        site.give(ENDING, &format!("end-{number}"), &user("end", number), Some(until)).await;
    })
    .await;
    site.board.until("all are delivered", |seen| given(seen) >= before + MANY).await;
    site.rests().await;
    let due = instant(end);
    assert!(due > Instant::now() + Duration::from_secs(1), "the deadline is too near for this machine");
    let nobody = |seen: &crate::board::Seen| !seen.held.keys().any(|who| who.starts_with("end-"));
    let out = site.board.until("the last subject is out", nobody).await;
    let told = site.board.until("all are Expired", |seen| seen.in_phase("Assignment", "Expired") >= expired + MANY).await;
    vec![
        Figure::times("1,000 ends in one second: last subject out (raw: deletes)", out - due, raw.deletions, "<= 0.25x"),
        Figure::times("1,000 ends in one second: last status (raw: statuses)", told - due, raw.statuses, "<= 1.5x"),
    ]
}
