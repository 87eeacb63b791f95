//! Many holders of one package: memory, start, rest, and an edit that reaches all of them.

use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;

use crate::raw::{Raw, statuses_and_bindings};
use crate::site::{CATALOG, CROWDED, ENDING, Site, each, resource, user};
use crate::support::metrics::sum;
use crate::{Figure, memory, restart};

/// How long a resting operator is watched.
const REST: Duration = Duration::from_secs(10);

/// Everything that is measured with many holders.
pub async fn figures(site: &mut Site, raw: &Raw, holders: usize) -> Vec<Figure> {
    site.rests().await;
    let before = site.board.look(|seen| seen.in_phase("Assignment", "Delivered"));
    let small = memory_after_start(site).await;
    each(holders, |number| assign(site, number)).await;
    let all = before + holders;
    site.board.until("all are delivered", |seen| seen.in_phase("Assignment", "Delivered") >= all).await;
    site.rests().await;
    let mut figures = vec![start(site).await];
    site.rests().await;
    let large = resident(site);
    let each_one = format!("{} B", large.saturating_sub(small) / holders.max(1));
    figures.push(Figure::alone("memory: resident after start", format!("{} MiB", large >> 20), "<= 250 MiB with 100,000"));
    figures.push(Figure::alone("memory: for each holder", each_one, "<= 2,560 B"));
    figures.push(rest(site).await);
    figures.push(edit(site, raw, holders).await);
    figures
}

async fn assign(site: &Site, number: usize) {
    site.give(CROWDED, &format!("crowd-{number}"), &user("crowd", number), None).await;
}

fn resident(site: &Site) -> usize {
    memory::resident(site.running().pid())
}

async fn memory_after_start(site: &mut Site) -> usize {
    site.operator = None;
    site.start().await;
    site.rests().await;
    resident(site)
}

/// The time until what ended meanwhile is revoked, against the time that listing all takes.
async fn start(site: &mut Site) -> Figure {
    let board = site.board.clone();
    let start = restart::measure(site, ENDING, &board, "overdue", &[resource("Assignment")]).await;
    Figure::times("start until the first overdue end (raw: listing)", start.first_end, start.listing, "<= 1.5x")
}

async fn requests(site: &Site) -> f64 {
    let (page, all) = (site.running().metrics().await, "entitlement_api_requests_total");
    sum(&page, all, &[]) - sum(&page, all, &["kind=\"leases\""])
}

async fn rest(site: &Site) -> Figure {
    let before = requests(site).await;
    tokio::time::sleep(REST).await;
    let sent = requests(site).await - before;
    Figure::alone("requests sent in 10 s of rest, the lease aside", format!("{sent}"), "0")
}

/// The package gains a role.
async fn edit(site: &Site, raw: &Raw, holders: usize) -> Figure {
    let api: Api<DynamicObject> = Api::namespaced_with(site.root.clone(), CATALOG, &resource("AccessPackage"));
    let roles = json!([{"resource": "production", "role": "crowded"}, {"resource": "production", "role": "edited"}]);
    let change = Patch::Merge(json!({"spec": {"resourceRoles": roles}}));
    let before = site.board.look(|seen| seen.subjects);
    let begin = Instant::now();
    api.patch("crowded", &PatchParams::default(), &change).await.expect("a package can be edited");
    let bound = site.board.until("all hold both roles", |seen| seen.subjects >= before + holders).await;
    println!("(after the edit all {holders} hold the new role within {:.1?})", bound - begin);
    site.rests().await;
    let took = begin.elapsed();
    Figure::speeds(
        "edit of their package: holders whose status says so",
        holders,
        took,
        statuses_and_bindings(raw, holders),
        ">= 0.6x",
    )
}
