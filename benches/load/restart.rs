//! The operator is killed and started anew, and something has ended meanwhile.

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entitlement_operator::domain::schedule::show;
use entitlement_operator::kinds::{self, EachKind};
use entitlement_operator::observe::Kind;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use tokio::time::timeout;

use crate::board::Board;
use crate::site::{Offer, Site, user};

/// As the operator lists.
const PAGE: u32 = 500;
/// How far ahead the end lies, in seconds: so far that the access is there before.
const AHEAD: [i64; 5] = [5, 10, 20, 40, 80];
/// What a start takes.
pub struct Start {
    /// Until it is ready.
    pub ready: Duration,
    /// Until what ended meanwhile is revoked.
    pub first_end: Duration,
    /// What listing alone takes, one kind after the other, while no operator runs.
    pub listing: Duration,
}

/// All kinds that the operator lists when it starts.
pub fn all_kinds() -> Vec<ApiResource> {
    #[derive(Default)]
    struct All(Vec<ApiResource>);
    impl EachKind for All {
        fn kind<K: Kind>(&mut self) {
            self.0.push(ApiResource::erase::<K>(&()));
        }
    }
    let mut all = All::default();
    kinds::each(&mut all);
    all.0
}

/// Kills the operator, waits for the end of an assignment, which is named `name`, and starts the operator anew.
pub async fn measure(site: &mut Site, offer: Offer, board: &Board, name: &str, kinds: &[ApiResource]) -> Start {
    let (who, end) = soon_ending(site, offer, board, name).await;
    // It is killed at rest, if it comes to rest at all.
    timeout(until(end), site.rests()).await.ok();
    site.operator = None;
    tokio::time::sleep(until(end)).await;
    let listing = list(site, kinds).await;
    let begin = Instant::now();
    site.launch().await;
    let ready = async {
        site.is_ready().await;
        begin.elapsed()
    };
    let gone = board.until("the overdue subject is gone", |seen| !seen.held.contains_key(&who));
    let (ready, gone) = tokio::join!(ready, gone);
    Start { ready, first_end: gone - begin, listing }
}

fn until(end: DateTime<Utc>) -> Duration {
    (end - Utc::now()).to_std().unwrap_or_default()
}

/// Somebody who has access, and when it ends.
async fn soon_ending(site: &Site, offer: Offer, board: &Board, name: &str) -> (String, DateTime<Utc>) {
    for ahead in AHEAD {
        let (name, end) = (format!("{name}-{ahead}"), (Utc::now() + TimeDelta::seconds(ahead)).trunc_subsecs(0));
        let who = user(&name, 0);
        site.give(offer, &name, &who, Some(&show(end))).await;
        let bound = board.until("the subject is bound", |seen| seen.held.contains_key(&who));
        if timeout(until(end), bound).await.is_ok() {
            return (who, end);
        }
    }
    panic!("nobody is bound within {AHEAD:?} seconds");
}

async fn list(site: &Site, kinds: &[ApiResource]) -> Duration {
    let begin = Instant::now();
    for kind in kinds {
        list_all(&Api::all_with(site.root.clone(), kind)).await;
    }
    begin.elapsed()
}

async fn list_all(api: &Api<DynamicObject>) {
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.expect("everything can be listed");
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => return,
        }
    }
}
