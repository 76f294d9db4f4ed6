//! The commands, as they are typed: what they print, and how they end.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::desk::{Desk, page};
use crate::support::{Peer, databases};

const READERS: &str = "address,name,topics,consent_at,consent_source\n\
    a@peer.test,A,*,2020-01-01,form\n550.gone@peer.test,B,*,2020-01-01,form\n\
    452.full@peer.test,C,*,2020-01-01,form\nnobody,D,*,2020-01-01,form\n";

/// From an empty folder to a balanced account, as the README has it.
fn the_whole_way(database: Option<String>, relay: &str) {
    let desk = Desk::new(database, relay);
    let imported = desk.json(&["import", &page()]);
    assert_eq!(imported["files"][0]["issues"].as_array().unwrap().len(), 3);
    assert_eq!(
        desk.json(&["import", &page()])["changes"],
        Value::Array(Vec::new())
    );
    let shown = desk.json(&["issue", "show", "2022-11"]);
    for key in [
        "title",
        "citation",
        "authors",
        "year",
        "journal",
        "doi",
        "summary",
        "implications",
        "topics",
        "suggested_topics",
        "research_type",
    ] {
        assert!(shown["summaries"][0].get(key).is_some(), "{key}");
    }
    desk.write("readers.csv", READERS);
    let output = desk.run(&["subscriber", "import", "readers.csv"]);
    assert_eq!(output.status.code(), Some(1), "one line was refused");
    let refused = std::fs::read_to_string(desk.folder.path().join("readers.refused.csv")).unwrap();
    assert!(
        refused.contains("5,the address has no '@',nobody"),
        "{refused}"
    );
    let plan = desk.json(&["plan", "2022-11"]);
    assert_eq!(plan["recipients"], 3);
    assert_eq!(plan["variants"][0]["subscribers"], 3);
    let stale = desk.run(&["send", "2022-11", "--plan", "0000"]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&stale.stderr).contains("the plan has changed"));
    let fingerprint = plan["fingerprint"].as_str().unwrap();
    let account = desk.json(&["send", "2022-11", "--plan", fingerprint, "--wait"]);
    let count = |name: &str| account[name].as_i64().unwrap();
    assert_eq!(
        (
            count("planned"),
            count("accepted"),
            count("bounced"),
            count("deferred")
        ),
        (3, 1, 1, 1)
    );
    assert_eq!(account["campaign"], "2022-11");
    assert!(account["seconds"].is_number());
    let again = desk.json(&["send", "2022-11", "--wait"]);
    assert_eq!(
        (again["accepted"].as_i64(), again["planned"].as_i64()),
        (Some(1), Some(3))
    );
    let reader = desk.json(&["subscriber", "show", "550.gone@peer.test"]);
    assert!(
        reader["suppressed"]
            .as_str()
            .unwrap()
            .starts_with("hard_bounce")
    );
    assert_eq!(desk.json(&["campaign", "status", "2022-11"])["bounced"], 1);
    assert_eq!(
        desk.run(&["subscriber", "erase", "a@peer.test"])
            .status
            .code(),
        Some(0)
    );
    assert_eq!(
        desk.run(&["subscriber", "show", "a@peer.test"])
            .status
            .code(),
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_goes_by_commands_on_sqlite() {
    let peer = Peer::start().await;
    the_whole_way(None, &format!("smtp://{}", peer.address));
    assert_eq!(peer.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_goes_by_commands_on_postgres() {
    let Some(url) = databases::new_postgres_url() else {
        return;
    };
    let peer = Peer::start().await;
    the_whole_way(Some(url), &format!("smtp://{}", peer.address));
    assert_eq!(peer.taken().len(), 1);
}

#[test]
fn the_demo_ends_with_an_account_that_balances() {
    let folder = TempDir::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bulletin"))
        .args(["demo", "--once", "--dir", "here"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = |name: &str| -> i64 {
        let line = text
            .lines()
            .rev()
            .find(|line| line.trim_start().starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        line.split_whitespace().last().unwrap().parse().unwrap()
    };
    let settled = [
        "accepted",
        "waiting",
        "deferred",
        "in flight",
        "bounced",
        "suppressed",
        "unknown",
    ]
    .map(count);
    assert_eq!(settled.iter().sum::<i64>(), count("planned"));
    assert!(count("accepted") > 50 && count("bounced") > 0 && count("deferred") > 0);
    assert!(folder.path().join("here/bulletin.db").exists());
}

#[test]
fn the_demo_as_json_is_its_account_alone() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    let account = desk.json(&["demo", "--once", "--dir", "here"]);
    assert!(account["accepted"].as_i64().unwrap() > 50, "{account}");
}

#[test]
fn mistakes_are_named_with_their_mend_and_nothing_is_done() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    let fails = |arguments: &[&str], code: i32, words: &str| {
        let output = desk.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    };
    fails(&["send"], 2, "MONTH");
    fails(&["plan", "december"], 2, "write it as 2020-12");
    fails(&["plan", "2020-12"], 1, "bulletin issue list");
    fails(&["import", "nothing.txt"], 1, "nothing.txt");
    fails(
        &["issue", "show", "2020-12"],
        1,
        "there is no issue 2020-12",
    );
    fails(&["subscriber", "import", "nobody.csv"], 1, "nobody.csv");
    fails(&["subscriber", "show", "x"], 1, "no '@'");
    fails(&["campaign", "pause", "2020-12"], 1, "has not been sent");
    desk.write("page.txt", "No month anywhere.\n");
    fails(&["import", "page.txt"], 1, "refused");
    desk.write("month.md", "+++\nmonth = \"2026-02\"\n+++\n\n# A title\n\nTopics: ants\n\nText.\n\n## Practice implications\n\nMore.\n");
    fails(&["import", "month.md"], 1, "there is no topic 'ants'");
    assert_eq!(
        desk.json(&["issue", "list"]),
        Value::Array(Vec::new()),
        "a refused file leaves nothing"
    );
    let output = desk
        .command(&["plan", "2020-12"])
        .env("BULLETIN_DATABASE_URL", "mysql://x")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("sqlite:// or postgres://"));
}

#[test]
fn nothing_is_sent_while_the_senders_identity_is_incomplete() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    desk.run(&["import", &page()]);
    let output = desk
        .command(&["send", "2022-11"])
        .env_remove("BULLETIN_SENDER_POSTAL_ADDRESS")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("set sender.postal_address"));
    assert_eq!(desk.json(&["campaign", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_preview_comes_in_every_form() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    desk.run(&["import", &page()]);
    let preview = |form: &str| {
        let output = desk.run(&[
            "preview",
            "2022-11",
            "--topics",
            "depression,alliance",
            "--format",
            form,
        ]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(preview("html").starts_with("<!DOCTYPE html>"));
    assert!(preview("text").starts_with("Subject: "));
    assert!(preview("eml").contains("List-Unsubscribe:"));
}

#[test]
fn a_preview_wants_no_identity_yet_but_names_what_is_missing() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    desk.run(&["import", &page()]);
    let mut preview = desk.command(&["preview", "2022-11"]);
    for key in ["FROM", "REPLY_TO", "POSTAL_ADDRESS", "CONTACT"] {
        preview.env_remove(format!("BULLETIN_SENDER_{key}"));
    }
    let text = String::from_utf8(preview.output().unwrap().stdout).unwrap();
    assert!(
        text.contains("[sender.postal_address is not set]"),
        "{text}"
    );
}

#[test]
fn the_key_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::MetadataExt;
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    desk.run(&["issue", "list"]);
    let key = std::fs::metadata(Path::new(desk.folder.path()).join("bulletin.key")).unwrap();
    assert_eq!(key.mode() & 0o777, 0o600);
}
