//! What can happen.

mod chances;

use entitlement_operator::api::access_request::RequestType;

pub use chances::{acts, deeds, world};

use super::operator::How;

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Act {
    /// Somebody asks; `apt`: for a first stay only without one, for a longer one only with one.
    Ask {
        who: u8,
        package: u8,
        kind: RequestType,
        subject: Option<u8>,
        policy: Option<u8>,
        wish: Wish,
        complete: bool,
        apt: bool,
    },
    /// Somebody asks for more, or less, of what they hold.
    AskAgain {
        assignment: u8,
        kind: RequestType,
        wish: Wish,
    },
    /// Somebody whom the open stage names decides.
    Vote {
        request: u8,
        approver: u8,
        yes: bool,
    },
    /// Anybody decides anything.
    Decide {
        request: u8,
        who: u8,
        yes: bool,
        stage: Option<u8>,
        reason: bool,
        old_uid: bool,
    },
    Cancel {
        request: u8,
    },
    DeleteRequest {
        request: u8,
    },
    ApplyPolicy {
        slot: u8,
        terms: Terms,
    },
    DeletePolicy {
        slot: u8,
    },
    SwitchCatalog {
        which: u8,
    },
    Owners {
        which: u8,
        owners: u8,
    },
    ApplyPackage {
        slot: u8,
        roles: u8,
        foe: Option<u8>,
        group: bool,
    },
    DeletePackage {
        slot: u8,
    },
    Join {
        who: u8,
        group: u8,
    },
    Assign {
        policy: u8,
        subject: u8,
        start: i64,
        end: Option<i64>,
    },
    /// Somebody writes what only the operator may write, while nothing keeps them from it.
    Forge {
        request: u8,
        subject: Option<u8>,
    },
    /// The admission policies are put in force anew: nobody knows who wrote what before.
    Rearm,
    Reschedule {
        assignment: u8,
        start: Option<i64>,
        end: Option<i64>,
    },
    Revoke {
        assignment: u8,
    },
    DeleteAssignment {
        assignment: u8,
    },
    /// The author of a resource may bind its roles, may not, or nobody knows.
    Author {
        resource: u8,
        answer: u8,
    },
    Close {
        place: u8,
    },
    Tamper {
        binding: u8,
        how: u8,
    },
    Pass {
        seconds: i64,
    },
    Look {
        thing: u8,
        how: How,
    },
    /// A reconciliation that stops half way, and then a whole one: compared with one that is not disturbed.
    Crash {
        thing: u8,
        writes: usize,
    },
    LookAtBoth {
        first: u8,
        second: u8,
    },
    /// A few rounds of reconciling everything but one kind of things.
    Rounds {
        order: u64,
        without: u8,
    },
    /// All is reconciled, again and again, until nothing is left to do.
    Settle {
        order: u64,
    },
    /// And then nothing happens until somebody wants to be woken.
    Sleep {
        order: u64,
    },
}

/// A period that somebody wishes, in seconds from now.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    Nothing,
    Start(i64),
    End(i64),
    Lasting(i64),
    Period(i64, i64),
}

/// The terms of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub scope: u8,
    pub stages: u8,
    pub expiration: u8,
    pub enabled: bool,
    pub custom: bool,
    pub extendable: bool,
    pub approve_extensions: bool,
    pub on_behalf: bool,
    pub asking: bool,
}
