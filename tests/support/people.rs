//! Everybody who acts in the tests.

/// The same file makes the users of the control plane.
const PEOPLE: &str = include_str!("people.csv");

/// One line of `people.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name the API server knows.
    pub name: String,
    /// Empty for a user with a client certificate.
    pub uid: String,
    /// Without `system:authenticated`, which the API server adds.
    pub groups: Vec<String>,
}

/// Everybody, in the order of the file.
pub fn people() -> Vec<Person> {
    PEOPLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(person).collect()
}

fn person(line: &str) -> Person {
    let fields: Vec<&str> = line.splitn(4, ',').collect();
    let [_credential, name, uid, groups] = fields[..] else {
        panic!("people.csv: want token,user,uid,\"groups\", got {line}");
    };
    let groups = groups.trim_matches('"').split(',');
    Person { name: name.to_owned(), uid: uid.to_owned(), groups: groups.filter(|g| !g.is_empty()).map(str::to_owned).collect() }
}
