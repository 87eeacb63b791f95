//! Texts that a schema may take and a program may stumble over.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use serde_json::{Value, json};

use super::written::verbatim;

/// Names that mean something in the department where the objects are created, and some that mean much elsewhere.
const KNOWN: [&str; 20] = [
    "oncall",
    "one",
    "two",
    "three",
    "asked",
    "production",
    "viewer",
    "engineers",
    "engineering",
    "alice@example.com",
    "carol@example.com",
    "lead",
    "ticket",
    "default",
    "view",
    "cluster-admin",
    "system:authenticated",
    "system:node:one",
    "no-such",
    "kube-system",
];
/// Texts with an edge: for the reader, for a regular expression, for a terminal, for the writer of a message.
const SHARP: [&str; 20] = [
    " ",
    ".",
    "..",
    "-",
    "a/b",
    "null",
    "true",
    "0",
    "2027-06-01T08:00:00Z",
    "1d12h",
    "(",
    "[^a]{1,1000}{1,1000}",
    "(?i)\\p{Greek}(a|b)*?$",
    "\u{0}\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}",
    "a\r\nb\tc\u{2028}d",
    "\u{202e}kcatta\u{200b}",
    "e\u{301}\u{fdfa}",
    "\u{10ffff}\u{fffe}\u{feff}",
    "{{.}} %s ${x} $(x)",
    "\"'`\\",
];
/// What is no text for a strict reader, as it is written.
const BROKEN: [&str; 4] = ["\"\\ud800\"", "\"a\\udc00b\"", "\"\\ude00\\ud83d\"", "\"\\u0000\""];
/// Lengths of time at the edge of their grammar, within and without.
const SPANS: [&str; 16] = [
    "1s",
    "0s",
    "999999s",
    "1000000s",
    "99y9999w99999d999999h999999m999999s",
    "99y",
    "100y",
    "9999w",
    "999999h",
    "2w",
    "1y1s",
    "1s1y",
    "01d",
    "1d ",
    "1d\n",
    "1D",
];

/// A text for a schema of type string.
pub fn text(schema: &Value) -> BoxedStrategy<Value> {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => instant(),
        (_, Some(pattern)) => patterned(schema, pattern),
        _ => free(schema),
    }
}

fn most(schema: &Value) -> usize {
    schema["maxLength"].as_u64().map_or(64, |most| usize::try_from(most).expect("a short text"))
}

fn least(schema: &Value) -> usize {
    schema["minLength"].as_u64().map_or(0, |least| usize::try_from(least).expect("a short text"))
}

fn free(schema: &Value) -> BoxedStrategy<Value> {
    let (least, most) = (least(schema), most(schema));
    let length = select(vec![least, least.saturating_sub(1), most, most, most + 1]);
    let letter = select(vec!["a", "0", "\u{1f980}", "\u{301}", "\u{0}", "\"", "<"]);
    prop_oneof![
        8 => select(&KNOWN[..]).prop_map(Value::from),
        4 => select(&SHARP[..]).prop_map(Value::from),
        2 => (letter, length).prop_map(|(letter, times)| json!(letter.repeat(times))),
        2 => any::<String>().prop_map(Value::from),
        1 => select(&BROKEN[..]).prop_map(verbatim),
    ]
    .boxed()
}

fn patterned(schema: &Value, pattern: &str) -> BoxedStrategy<Value> {
    let (least, most) = (least(schema), most(schema));
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    let matching = string_regex(bare).expect("a pattern without anchors");
    let matching = matching.prop_map(move |text| json!(text.chars().take(most).collect::<String>()));
    let length = select(vec![least, most, most + 1]);
    let edge = if pattern.contains("[0-9]{0,1}y") {
        select(&SPANS[..]).prop_map(Value::from).boxed()
    } else {
        length.prop_map(|times| json!("a".repeat(times))).boxed()
    };
    prop_oneof![
        6 => matching,
        3 => edge,
        3 => select(&KNOWN[..]).prop_map(Value::from),
        1 => free(schema),
    ]
    .boxed()
}

/// Mostly the usual, now and then something else.
fn part(usual: &'static [&'static str], odd: &'static [&'static str]) -> BoxedStrategy<&'static str> {
    prop_oneof![7 => select(usual), 2 => select(odd)].boxed()
}

/// An instant in all the spellings that a reader of RFC 3339 may or may not take.
fn instant() -> BoxedStrategy<Value> {
    let parts = (
        part(
            &["2020", "2027", "1970", "8999"],
            &["0000", "0001", "1677", "1969", "2262", "2263", "9000", "9999", "10000", "+2027"],
        ),
        part(&["-06-01", "-01-01", "-12-31"], &["-02-29", "-02-30", "-13-01", "-00-00", "0601", "-6-1"]),
        part(&["T"], &["t", " ", "_", "TT"]),
        part(&["08", "00", "23"], &["24", "8"]),
        part(&[":00", ":59"], &[":60", "", ":0"]),
        part(&[":00", ":59"], &[":60", ":61", "", ":0"]),
        part(&["", ".5"], &[",5", ".123456789", ".999999999999", ".0", ".", "x5", ".000000000000000000000000000001"]),
        part(&["Z", "+02:00"], &["z", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "+99:99", "-99:99", "+0200", "", "UTC"]),
        part(&[""], &["T", "trash", " ", "\n"]),
    );
    let spelled = parts.prop_map(|p| json!([p.0, p.1, p.2, p.3, p.4, p.5, p.6, p.7, p.8].concat()));
    // Kubernetes takes a list for a string that has a format.
    let lists = select(vec![json!([]), json!([null]), json!(["2027-06-01T08:00:00Z"]), json!([{"a": 1}])]);
    prop_oneof![12 => spelled, 1 => lists].boxed()
}

/// A text for where there is no schema.
pub fn any_text() -> BoxedStrategy<String> {
    prop_oneof![2 => select(&SHARP[..]).prop_map(str::to_owned), 1 => any::<String>()].boxed()
}
