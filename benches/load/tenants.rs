//! Two tenants on one site: one floods it, within what schema and admission let its people do, and the other one is measured meanwhile.

mod cases;
mod flood;
mod quiet;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::sleep_until;

use crate::raw::quantiles;
use crate::site::Site;
use crate::{Figure, memory, restart};

use cases::CASES;
use flood::{Sent, Wave};
use quiet::{OFFER, PATIENCE, Quiet, Times};

/// A flood that is absorbed sooner is measured as long as this.
const LEAST: Duration = Duration::from_secs(10);

/// Measures each flood that is named, or all of them, and prints what comes out.
pub async fn run(site: &mut Site, named: &[String]) {
    println!("(what has not happened {PATIENCE:?} after it was due is entered as if it happened then)");
    let quiet = Quiet::open(site).await;
    let is_named = |case: &str| named.iter().any(|name| name == case);
    let any = CASES.into_iter().any(is_named);
    for case in CASES.into_iter().filter(|case| !any || is_named(case)) {
        flood::open(site).await;
        figures(site, &quiet, case).await.iter().for_each(Figure::print);
        let begin = Instant::now();
        flood::close(site).await;
        println!("({case}: all of it is gone again after {:.0?})", begin.elapsed());
    }
}

async fn figures(site: &mut Site, quiet: &Quiet, case: &'static str) -> Vec<Figure> {
    let waves = cases::waves(case, site).await;
    site.operator = None;
    site.start().await;
    site.rests().await;
    let process = site.running().pid();
    let before = memory::resident(process);
    memory::forget_highest(process);
    let times = meanwhile(site, quiet, case, &waves).await;
    let more = memory::highest(process).saturating_sub(before);
    let mut figures = of_times(case, times);
    figures.push(Figure::alone(format!("{case}: memory before"), format!("{} MiB", before >> 20), ""));
    figures.push(Figure::alone(format!("{case}: memory at its highest"), format!("+{} MiB", more >> 20), "<= +64 MiB"));
    let kinds = restart::all_kinds();
    let start = restart::measure(site, OFFER, &quiet.board, &format!("{case}-overdue"), &kinds).await;
    figures.push(Figure::times(format!("{case}: start until ready (raw: listing)"), start.ready, start.listing, ""));
    let what = format!("{case}: start until the first overdue end (raw: listing)");
    figures.push(Figure::times(what, start.first_end, start.listing, "<= 2x"));
    figures
}

/// Sends a flood, and measures until it is absorbed.
async fn meanwhile(site: &Site, quiet: &Quiet, case: &'static str, waves: &[Wave]) -> Times {
    let ends = quiet.assign(site, case).await;
    let (over, is_over) = oneshot::channel();
    let (begin, sent) = (Instant::now(), Mutex::new(Sent::default()));
    let measured = tokio::spawn(quiet.clone().measure(case, ends, is_over));
    for wave in waves {
        flood::send(&site.root, wave, &sent).await;
    }
    let (stored, sent) = (begin.elapsed(), sent.into_inner().expect("no panic"));
    let absorbed = flood::absorbed(site, &sent).await;
    tell(case, &sent, stored, absorbed.map(|at| at - begin));
    sleep_until((begin + LEAST).into()).await;
    let _ = over.send(()); // nobody listens when it has been measured long enough
    measured.await.expect("no panic")
}

fn tell(case: &str, sent: &Sent, stored: Duration, absorbed: Option<Duration>) {
    let absorbed = absorbed.map_or("not absorbed".to_owned(), |took| format!("absorbed after {took:.1?}"));
    let size = sent.bytes / sent.stored.max(1);
    println!("({case}: {} objects of {size} B on average, stored after {stored:.1?}, {absorbed})", sent.stored);
    if let Some(refusal) = &sent.refusal {
        println!("({case}: {} more were refused: {refusal})", sent.refused);
    }
}

fn of_times(case: &str, times: Times) -> Vec<Figure> {
    let undelivered = times.undelivered.to_string();
    let (late, created, shown, decided) = (spread(times.late), spread(times.created), spread(times.shown), spread(times.decided));
    let seconds = |time: Duration| format!("{:.3} s", time.as_secs_f64());
    let mut figures = vec![
        Figure::alone(format!("{case}: how late access ends, p50"), seconds(late.0), ""),
        Figure::alone(format!("{case}: how late access ends, worst"), seconds(late.1), "<= 1 s"),
        Figure::times(format!("{case}: request shown by a watch, worst (raw: worst create)"), shown.1, created.1, ""),
        Figure::times(format!("{case}: request decided, p50 (raw: shown by a watch)"), decided.0, shown.0, ""),
        Figure::times(format!("{case}: request decided, worst (raw: shown by a watch)"), decided.1, shown.1, "<= 2 s"),
    ];
    if !times.delivered.is_empty() {
        let delivered = spread(times.delivered);
        figures.push(Figure::alone(format!("{case}: request delivered, p50"), seconds(delivered.0), ""));
        figures.push(Figure::alone(format!("{case}: request delivered, worst"), seconds(delivered.1), ""));
    }
    figures.push(Figure::alone(format!("{case}: requests not delivered before their access ended"), undelivered, "0"));
    figures
}

/// The middle one, and the worst.
fn spread(times: Vec<Duration>) -> (Duration, Duration) {
    let worst = times.iter().max().copied().expect("something was measured");
    (quantiles(times).0, worst)
}
