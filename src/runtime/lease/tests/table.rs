//! The decision and what it writes, case by case.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;

use crate::runtime::lease::step::{Mark, Seen, Step, duration, held, released, step};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn time(seconds: i64) -> MicroTime {
    MicroTime(Timestamp::from_second(seconds).unwrap())
}

fn mark(holder: &str) -> Mark {
    match holder {
        "-" => Mark::Absent,
        "" => Mark::Held { holder: None, renewed: None },
        name => Mark::Held { holder: Some(name.into()), renewed: Some(time(1)) },
    }
}

#[test]
fn candidates_wait_and_leaders_renew_or_lose() {
    for (leading, holder, changed, watched, expected) in [
        (false, "-", None, 0, Step::Create),
        (false, "-", Some(2), 60, Step::Wait(secs(13))),
        (false, "-", Some(15), 60, Step::Create),
        (false, "", None, 0, Step::Take),
        (false, "", Some(0), 60, Step::Take),
        (false, "other", None, 0, Step::Wait(secs(15))),
        (false, "other", None, 14, Step::Wait(secs(1))),
        (false, "other", None, 15, Step::Take),
        (false, "other", Some(5), 60, Step::Wait(secs(10))),
        (false, "other", Some(15), 60, Step::Take),
        // Our name, written by a process that is not this one as far as we know.
        (false, "me", None, 0, Step::Wait(secs(15))),
        (false, "me", None, 15, Step::Take),
        (true, "me", Some(5), 60, Step::Renew),
        (true, "-", Some(0), 60, Step::Create),
        (true, "", Some(0), 60, Step::Lose),
        (true, "other", Some(0), 60, Step::Lose),
    ] {
        let seen = Seen { mark: &mark(holder), changed: changed.map(secs), watched: secs(watched), duration: secs(15), leading };
        assert_eq!(step(&seen, "me"), expected, "{seen:?}");
    }
}

#[test]
fn a_lease_lasts_as_its_holder_promised() {
    for (seconds, expected) in [(None, 15), (Some(0), 15), (Some(-1), 15), (Some(60), 60)] {
        let spec = Some(LeaseSpec { lease_duration_seconds: seconds, ..LeaseSpec::default() });
        assert_eq!(duration(Some(&Lease { metadata: ObjectMeta::default(), spec }), secs(15)), secs(expected), "{seconds:?}");
    }
    assert_eq!(duration(None, secs(15)), secs(15));
}

#[test]
fn transitions_are_counted_and_renewals_keep_the_time_of_acquisition() {
    let first = held(None, "a", secs(15), time(10));
    assert_eq!(
        (first.lease_transitions, first.acquire_time.clone(), first.lease_duration_seconds),
        (Some(0), Some(time(10)), Some(15))
    );
    let renewed = held(Some(&first), "a", secs(15), time(15));
    assert_eq!((renewed.lease_transitions, renewed.acquire_time, renewed.renew_time), (Some(0), Some(time(10)), Some(time(15))));
    let taken = held(Some(&first), "b", secs(15), time(40));
    assert_eq!(
        (taken.lease_transitions, taken.acquire_time.clone(), taken.holder_identity.as_deref()),
        (Some(1), Some(time(40)), Some("b"))
    );
    let free = released(&taken, time(50));
    assert_eq!((free.lease_transitions, free.holder_identity), (Some(1), None));
}

#[test]
fn renewal_times_only_grow_even_in_one_second_and_when_the_clock_steps_back() {
    let mut spec = held(None, "a", secs(15), time(10));
    for now in [10, 10, 5, 11, 3] {
        let next = held(Some(&spec), "a", secs(15), time(now));
        assert!(next.renew_time > spec.renew_time, "{now}");
        spec = next;
    }
}
