//! What may happen to a resource, to the ground it stands on, and to the people around it.

use entitlement_operator::api::catalog_resource::RoleKind;
use proptest::prelude::*;

pub const AUTHORS: [&str; 3] = ["carol", "olga", "root"];
pub const NAMESPACES: [&str; 2] = ["payments", "jobs"];
pub const BOUND: [(RoleKind, &str); 4] = [
    (RoleKind::ClusterRole, "view"),
    (RoleKind::ClusterRole, "cluster-admin"),
    (RoleKind::Role, "deployer"),
    (RoleKind::Role, "ghost"),
];

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Act {
    WriteRole {
        name: u8,
        bound: usize,
        who: usize,
    },
    RemoveRole {
        name: u8,
    },
    WritePlaces {
        places: u8,
        who: usize,
    },
    /// The resource moves to a thing behind a Connector, or back into this cluster.
    Exchange {
        who: usize,
    },
    Describe,
    DeleteResource,
    Namespace {
        which: usize,
        gone: bool,
    },
    Role {
        which: usize,
        gone: bool,
    },
    Catalog {
        gone: bool,
    },
    Power {
        who: usize,
        place: usize,
        bound: usize,
    },
    Holder {
        who: u8,
    },
    /// The operator reads and asks; what it found may be written later.
    Ask,
    Write,
    Grant {
        name: u8,
        writes: usize,
    },
    Settle,
}

pub fn acts() -> impl Strategy<Value = Vec<Act>> {
    let often = || proptest::bool::weighted(0.3);
    let act = prop_oneof![
        3 => (0..2_u8, 0..4_usize, 0..3_usize).prop_map(|(name, bound, who)| Act::WriteRole { name, bound, who }),
        1 => (0..2_u8).prop_map(|name| Act::RemoveRole { name }),
        2 => (1..4_u8, 0..3_usize).prop_map(|(places, who)| Act::WritePlaces { places, who }),
        1 => (0..3_usize).prop_map(|who| Act::Exchange { who }),
        1 => Just(Act::Describe),
        1 => Just(Act::DeleteResource),
        2 => (0..2_usize, often()).prop_map(|(which, gone)| Act::Namespace { which, gone }),
        2 => (0..4_usize, often()).prop_map(|(which, gone)| Act::Role { which, gone }),
        1 => often().prop_map(|gone| Act::Catalog { gone }),
        3 => (0..3_usize, 0..2_usize, 0..4_usize).prop_map(|(who, place, bound)| Act::Power { who, place, bound }),
        1 => (0..2_u8).prop_map(|who| Act::Holder { who }),
        4 => Just(Act::Ask),
        4 => Just(Act::Write),
        5 => (0..2_u8, prop_oneof![2 => Just(usize::MAX), 1 => 0..3_usize]).prop_map(|(name, writes)| Act::Grant { name, writes }),
        2 => Just(Act::Settle),
    ];
    proptest::collection::vec(act, 1..40)
}
