//! How often what happens.

use entitlement_operator::api::access_request::RequestType;
use proptest::prelude::*;

use super::{Act, Terms, Wish};
use crate::life::operator::How;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn while_() -> impl Strategy<Value = i64> {
    prop_oneof![
        20 => 1..5_i64,
        8 => Just(30 * MINUTE),
        8 => Just(HOUR),
        8 => Just(9 * HOUR),
        8 => Just(DAY),
        4 => Just(8 * DAY),
        2 => Just(31 * DAY),
        1 => Just(100 * DAY),
        1 => Just(400 * DAY),
        1 => Just(3_650 * DAY),
    ]
}

fn span() -> impl Strategy<Value = i64> {
    prop_oneof![Just(2), Just(HOUR), Just(8 * HOUR), Just(2 * DAY), Just(30 * DAY), Just(60 * DAY)]
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        6 => Just(Wish::Nothing),
        1 => span().prop_map(Wish::Start),
        1 => span().prop_map(Wish::End),
        1 => span().prop_map(Wish::Lasting),
        2 => (span(), span()).prop_map(|(start, length)| Wish::Period(start, length)),
    ]
}

/// Any terms, most of them generous.
fn terms() -> impl Strategy<Value = Terms> {
    let often = || proptest::bool::weighted(0.9);
    let expiration = prop_oneof![6 => Just(0_u8), 1 => Just(1_u8), 2 => Just(2_u8), 3 => Just(3_u8), 8 => Just(4_u8)];
    (0..5_u8, 0..9_u8, expiration, often(), often(), often(), any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1))
        .prop_map(|(scope, stages, expiration, enabled, custom, extendable, approve_extensions, on_behalf, asking)| Terms {
            scope,
            stages,
            expiration,
            enabled,
            custom,
            extendable,
            approve_extensions,
            on_behalf,
            asking,
        })
}

fn how() -> impl Strategy<Value = How> {
    let writes = prop_oneof![3 => Just(usize::MAX), 1 => 0..4_usize];
    let slow = prop_oneof![6 => Just(0_i64), 1 => 1..4_i64];
    (writes, slow, proptest::bool::weighted(0.05)).prop_map(|(writes, slow, lagging)| How { writes, slow, lagging })
}

fn kind() -> impl Strategy<Value = RequestType> {
    prop_oneof![5 => Just(RequestType::Add), 4 => Just(RequestType::Extend), 1 => Just(RequestType::Remove)]
}

fn rarely<T: Clone + std::fmt::Debug + 'static>(value: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Option<T>> {
    prop_oneof![4 => Just(None), 1 => value.prop_map(Some)].boxed()
}

fn people() -> impl Strategy<Value = Act> {
    let often = || proptest::bool::weighted(0.9);
    let ask = (0..5_u8, 0..8_u8, kind(), rarely(0..7_u8), rarely(0..2_u8), wish(), often(), often());
    let ask = ask.prop_map(|(who, package, kind, subject, policy, wish, complete, apt)| {
        // Most stories are about few people and one package: so they meet.
        let package = [0, 0, 0, 0, 0, 1, 2, 3][usize::from(package)];
        Act::Ask { who: [0, 0, 0, 1, 2][usize::from(who)], package, kind, subject, policy, wish, complete, apt }
    });
    let decide = (any::<u8>(), 0..5_u8, any::<bool>(), rarely(0..4_u8), any::<bool>(), proptest::bool::weighted(0.1));
    let decide =
        decide.prop_map(|(request, who, yes, stage, reason, old_uid)| Act::Decide { request, who, yes, stage, reason, old_uid });
    let again = prop_oneof![4 => Just(RequestType::Extend), 1 => Just(RequestType::Remove)];
    prop_oneof![
        6 => ask,
        4 => (any::<u8>(), again, wish()).prop_map(|(assignment, kind, wish)| Act::AskAgain { assignment, kind, wish }),
        8 => (any::<u8>(), 0..4_u8, proptest::bool::weighted(0.85)).prop_map(|(request, approver, yes)| Act::Vote { request, approver, yes }),
        2 => decide,
        1 => any::<u8>().prop_map(|request| Act::Cancel { request }),
        1 => (0..5_u8, 0..3_u8).prop_map(|(who, group)| Act::Join { who, group }),
    ]
}

fn managers() -> impl Strategy<Value = Act> {
    let shift = || prop_oneof![Just(-DAY), Just(0_i64), span()];
    prop_oneof![
        6 => (0..4_u8, terms()).prop_map(|(slot, terms)| Act::ApplyPolicy { slot, terms }),
        1 => (0..4_u8).prop_map(|slot| Act::DeletePolicy { slot }),
        1 => (0..2_u8).prop_map(|which| Act::SwitchCatalog { which }),
        2 => (0..2_u8, 0..4_u8).prop_map(|(which, owners)| Act::Owners { which, owners }),
        6 => (0..4_u8, any::<u8>(), proptest::option::of(0..4_u8), proptest::bool::weighted(0.1))
            .prop_map(|(slot, roles, foe, group)| Act::ApplyPackage { slot, roles, foe, group }),
        1 => (0..4_u8).prop_map(|slot| Act::DeletePackage { slot }),
        3 => (0..4_u8, 0..7_u8, shift(), proptest::option::of(span())).prop_map(|(policy, subject, start, end)| Act::Assign { policy, subject, start, end }),
        6 => (any::<u8>(), rarely(shift()), proptest::option::weighted(0.8, shift()))
            .prop_map(|(assignment, start, end)| Act::Reschedule { assignment, start, end }),
        1 => any::<u8>().prop_map(|assignment| Act::Revoke { assignment }),
        1 => any::<u8>().prop_map(|assignment| Act::DeleteAssignment { assignment }),
        2 => any::<u8>().prop_map(|request| Act::DeleteRequest { request }),
        1 => (any::<u8>(), rarely(0..5_u8)).prop_map(|(request, subject)| Act::Forge { request, subject }),
        1 => Just(Act::Rearm),
        1 => (0..3_u8, 0..3_u8).prop_map(|(resource, answer)| Act::Author { resource, answer }),
        1 => any::<u8>().prop_map(|place| Act::Close { place }),
        2 => (any::<u8>(), 0..5_u8).prop_map(|(binding, how)| Act::Tamper { binding, how }),
    ]
}

fn operator() -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => (any::<u8>(), how()).prop_map(|(thing, how)| Act::Look { thing, how }),
        3 => (any::<u8>(), 0..4_usize).prop_map(|(thing, writes)| Act::Crash { thing, writes }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(first, second)| Act::LookAtBoth { first, second }),
        3 => (any::<u64>(), 0..4_u8).prop_map(|(order, without)| Act::Rounds { order, without }),
        3 => any::<u64>().prop_map(|order| Act::Settle { order }),
        2 => any::<u64>().prop_map(|order| Act::Sleep { order }),
    ]
}

/// A life.
pub fn acts(longest: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => people(),
        3 => managers(),
        3 => while_().prop_map(|seconds| Act::Pass { seconds }),
        11 => operator(),
    ];
    proptest::collection::vec(act, 1..longest)
}

/// What people do, while everything else stands still.
pub fn deeds(longest: usize) -> impl Strategy<Value = Vec<Act>> {
    let ends = prop_oneof![
        2 => any::<u8>().prop_map(|assignment| Act::Revoke { assignment }),
        1 => any::<u8>().prop_map(|assignment| Act::DeleteAssignment { assignment }),
        1 => any::<u8>().prop_map(|request| Act::DeleteRequest { request }),
        1 => (0..4_u8).prop_map(|slot| Act::DeletePackage { slot }),
    ];
    proptest::collection::vec(prop_oneof![2 => people(), 2 => managers(), 1 => ends], 1..longest)
}

/// The terms under which two packages can be had at first, and which package the first of them excludes.
pub fn world() -> impl Strategy<Value = (Terms, Terms, Option<u8>)> {
    (terms(), terms(), proptest::option::of(1..3_u8))
}
