//! A length of time as people write it: `30d`, `8h`, `1d12h`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The grammar, as the CRD's schema states it: units in falling order, each at most once, at least one. Whatever it matches can be
/// read, so that no stored object is unreadable.
pub const PATTERN: &str =
    r"^([1-9][0-9]{0,1}y)?([1-9][0-9]{0,3}w)?([1-9][0-9]{0,4}d)?([1-9][0-9]{0,5}h)?([1-9][0-9]{0,5}m)?([1-9][0-9]{0,5}s)?$";

/// Units with their length in seconds. A day is 24 h and a year 365 d, whatever the calendar says.
const UNITS: [(char, i64); 6] = [('y', 365 * 86_400), ('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A positive length of time in whole seconds, at most 1000 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Longest span: 1000 years, more than the grammar can express.
const MOST: i64 = 1000 * 365 * 86_400;

/// A text that is not a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write for example 30d, 8h or 1d12h, without zeros in front")]
pub struct NotASpan(String);

impl Span {
    /// 14 days: how long an approval stage waits by default.
    pub const FOURTEEN_DAYS: Self = Self(14 * 86_400);

    /// A span of whole seconds.
    pub fn seconds(seconds: i64) -> Result<Self, NotASpan> {
        match seconds {
            1..=MOST => Ok(Self(seconds)),
            _ => Err(NotASpan(format!("{seconds}s"))),
        }
    }

    /// As chrono's signed difference of instants.
    pub fn delta(self) -> TimeDelta {
        TimeDelta::seconds(self.0)
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let wrong = || NotASpan(text.chars().take(64).collect());
        let mut units = UNITS.iter();
        let (mut total, mut number, mut digits) = (0_i64, 0_i64, 0);
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                digits += 1;
                number = number * 10 + i64::from(digit);
                if digits > 6 {
                    return Err(wrong());
                }
                continue;
            }
            let (_, seconds) = units.find(|(unit, _)| *unit == c).ok_or_else(wrong)?;
            if digits == 0 {
                return Err(wrong());
            }
            total += number * seconds;
            (number, digits) = (0, 0);
        }
        if digits > 0 {
            return Err(wrong());
        }
        Self::seconds(total).map_err(|_| wrong())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        // Weeks are left out when printing: people read 30d more easily than 4w2d.
        for (unit, seconds) in UNITS.iter().filter(|(unit, _)| *unit != 'w') {
            if rest >= *seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 2,
            "maxLength": 42,
            "pattern": PATTERN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_design_names() {
        for (text, seconds) in [
            ("1y", 31_536_000),
            ("2w", 1_209_600),
            ("30d", 2_592_000),
            ("8h", 28_800),
            ("15m", 900),
            ("30s", 30),
            ("1d12h", 129_600),
        ] {
            assert_eq!(text.parse(), Span::seconds(seconds), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_ambiguous_or_nothing() {
        for text in ["", "0s", "1", "12h1d", "1d1d", "-1d", "1.5h", "1 d", "P1D", "1001y", "1000000s", "d", "1D", "٣d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(seconds in 1..=MOST) {
            let span = Span::seconds(seconds)?;
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn reads_all_that_the_schema_admits(text in "([1-9][0-9]{0,1}y)?([1-9][0-9]{0,3}w)?([1-9][0-9]{0,4}d)?([1-9][0-9]{0,5}h)?([1-9][0-9]{0,5}m)?([1-9][0-9]{0,5}s)?") {
            prop_assert!(regex::Regex::new(PATTERN)?.is_match(&text));
            prop_assert_eq!(text.parse::<Span>().is_ok(), !text.is_empty());
        }
    }
}
