//! T18. What is asked of a database is put together only where somebody has looked.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::root;

/// In these modules a statement is put together out of texts: of constants and of words of ours, and each has been looked at
/// for a text of somebody else's. No page does it. (Elsewhere the library takes no statement that is made while the program
/// runs.)
const PUT_TOGETHER: [&str; 20] = [
    "admin",
    "archive",
    "campaign",
    "db",
    "deliver",
    "enrol",
    "errand",
    "feedback",
    "figures",
    "outbox",
    "plan",
    "readers",
    "request",
    "returned",
    "sending",
    "slot",
    "subscriber",
    "subscription",
    "suppression",
    "token",
];

#[test]
fn statements_are_put_together_only_where_somebody_has_looked() {
    let mut found = BTreeSet::new();
    gather(&root().join("src"), &mut found);
    let known: BTreeSet<String> = PUT_TOGETHER.iter().map(|name| (*name).to_owned()).collect();
    let new: Vec<&String> = found.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "look at {new:?}; {gone:?} do not any more"
    );
}

fn gather(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.contains("AssertSqlSafe(") {
            let within = path.strip_prefix(root().join("src")).unwrap();
            let module = within.iter().next().unwrap().to_string_lossy();
            found.insert(module.trim_end_matches(".rs").to_owned());
        }
    }
}
