//! The table of guards in `src/domain/guards.rs` says what the lists below it say.

use std::collections::BTreeMap;

/// The lists, in the order of the table's columns.
const LISTS: [&str; 4] = ["AT_SUBMIT", "AGAIN", "AT_REMOVAL", "DIRECT"];

/// The guards of a list, in their order.
fn listed(text: &str, list: &str) -> Vec<String> {
    let (_, rest) = text.split_once(&format!("const {list}: ")).expect("the list is there");
    let (_, rest) = rest.split_once("= [").expect("it is a list");
    let (all, _) = rest.split_once("];").expect("it ends");
    all.split(',').map(|guard| guard.trim().to_owned()).filter(|guard| !guard.is_empty()).collect()
}

#[test]
fn the_table_of_guards_is_what_is_asked() {
    let text = include_str!("../../../src/domain/guards.rs");
    let mut told: [BTreeMap<usize, String>; LISTS.len()] = Default::default();
    for row in text.lines().filter_map(|line| line.strip_prefix("//! | `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let guard = cells[0].trim_matches('`').to_owned();
        for (column, numbers) in told.iter_mut().enumerate() {
            if let Ok(number) = cells[2 + column].parse() {
                numbers.insert(number, guard.clone());
            }
        }
    }
    for (list, numbers) in LISTS.into_iter().zip(told) {
        let asked: BTreeMap<usize, String> = (1..).zip(listed(text, list)).collect();
        assert_eq!(numbers, asked, "{list}");
    }
}
