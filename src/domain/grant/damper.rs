//! Another program that undoes what the operator writes, as fast as it is written, is answered more and more slowly. Only what gives waits:
//! what takes away never does.

use chrono::{DateTime, TimeDelta, Utc};

/// Repairs that are done at once.
const AT_ONCE: u32 = 5;
/// The longest pause between two repairs, in seconds.
const LONGEST: i64 = 60;
/// After so long without one all is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::minutes(2);

/// The repairs of one grant of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damper {
    count: u32,
    last: DateTime<Utc>,
}

impl Damper {
    /// Nothing was repaired yet.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { count: 0, last: now }
    }

    /// Whether nothing was repaired for so long that it is forgotten.
    pub fn is_calm(&self, now: DateTime<Utc>) -> bool {
        now - self.last > FORGOTTEN_AFTER
    }

    /// Asks for a repair: now, or not before an instant.
    pub fn repair(&mut self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if self.is_calm(now) {
            *self = Self::new(now);
        }
        let pause = match self.count.checked_sub(AT_ONCE) {
            None => 0,
            Some(more) => LONGEST.min(1_i64.checked_shl(more).unwrap_or(LONGEST)),
        };
        let due = self.last + TimeDelta::seconds(pause);
        if now < due {
            return Err(due);
        }
        self.count = (self.count + 1).min(AT_ONCE + 16);
        self.last = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap_or_default()
    }

    #[test]
    fn some_repairs_are_done_at_once_and_then_the_pauses_double_up_to_a_minute() {
        let (mut damper, mut now, mut pauses) = (Damper::new(at(0)), at(0), Vec::new());
        for _ in 0..14 {
            let before = now;
            while let Err(due) = damper.repair(now) {
                now = due;
            }
            pauses.push((now - before).num_seconds());
        }
        assert_eq!(pauses, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(damper.repair(now + TimeDelta::seconds(121)), Ok(()), "forgotten after some calm");
        assert_eq!(damper.repair(now + TimeDelta::seconds(121)), Ok(()));
    }
}
