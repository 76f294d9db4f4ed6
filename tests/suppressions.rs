//! The commands about what came back: suppressions, a mail server's pipe, mails for a person, domains, a reader's timeline.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::desk::{Desk, page};
use crate::support::{Peer, databases};

/// Gives a mail to `bounce receive`.
fn pipe(desk: &Desk, arguments: &[&str], mail: &str) -> Output {
    let mut command = desk.command(&[&["bounce", "receive"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(mail.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn report(of: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.peer.test\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
         Message-ID: <1@mx.peer.test>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\n\nIt could not be delivered.\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.peer.test\n\nFinal-Recipient: rfc822; {of}\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{of}>: user unknown in virtual mailbox table\n\n--b--\n"
    )
}

fn the_whole_way_back(database: Option<String>, peer: &Peer) {
    let desk = Desk::new(database, &format!("smtp://{}", peer.address));
    desk.json(&["import", &page()]);
    desk.write(
        "readers.csv",
        "address,consent_at,consent_source\na@peer.test,2020-01-01,form\nb@peer.test,2020-01-01,form\n",
    );
    desk.run(&["subscriber", "import", "readers.csv"]);
    desk.json(&["send", "2022-11", "--wait"]);
    let taken = peer.taken();
    let sent = taken.iter().find(|mail| mail.recipients == ["a@peer.test"]);
    let to = sent.unwrap().return_path.clone();
    let took = |output: Output, code: i32| -> Value {
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let arguments = ["--json", "--to", &to];
    let mail = report("a@peer.test");
    assert_eq!(took(pipe(&desk, &["--json"], &mail), 0)["taken"], "noted");
    assert_eq!(
        took(pipe(&desk, &arguments, &mail), 0)["taken"],
        "suppressed"
    );
    assert_eq!(took(pipe(&desk, &arguments, &mail), 0)["taken"], "again");
    assert_eq!(took(pipe(&desk, &arguments, "\0\u{7}"), 0)["taken"], "kept");
    assert_eq!(took(pipe(&desk, &arguments, ""), 0)["taken"], "kept");

    let kept = desk.json(&["bounce", "kept", "list"]);
    assert_eq!(kept.as_array().unwrap().len(), 2);
    let number = kept[0]["id"].to_string();
    let shown = desk.run(&["bounce", "kept", "show", &number]);
    assert_eq!(shown.stdout, b"\0\x07");
    desk.json(&["bounce", "kept", "drop", &number]);
    let gone = desk.run(&["bounce", "kept", "show", &number]);
    assert_eq!(gone.status.code(), Some(1));

    let reader = desk.json(&["subscriber", "show", "a@peer.test"]);
    let moments = reader["timeline"].as_array().unwrap();
    let told: Vec<_> = moments
        .iter()
        .map(|moment| moment["what"].as_str().unwrap())
        .collect();
    let wanted = [
        "planned",
        "offered",
        "the relay said",
        "came back",
        "suppressed",
    ];
    assert_eq!(told, wanted);
    let words = moments[3]["words"].as_str().unwrap();
    assert!(
        words.contains("user unknown in virtual mailbox table"),
        "{words}"
    );
    let account = desk.json(&["campaign", "status", "2022-11"]);
    assert_eq!(
        (&account["accepted"], &account["bounced"]),
        (&json!(1), &json!(1))
    );
    let domains = desk.json(&["domain", "list"]);
    assert_eq!(
        (&domains[0]["accepted"], &domains[0]["bounced"]),
        (&json!(1), &json!(1))
    );
    let words = domains[0]["last_words"].as_str().unwrap();
    assert!(
        words.contains("(address)") && !words.contains("a@peer"),
        "{words}"
    );

    suppressions(&desk);
}

fn suppressions(desk: &Desk) {
    let listed = desk.json(&["suppression", "list"]);
    assert_eq!(listed[0]["address"], "a@peer.test");
    assert_eq!(listed[0]["reason"], "hard_bounce");
    desk.json(&[
        "suppression",
        "add",
        "never@peer.test",
        "--note",
        "=asked by never@peer.test",
    ]);
    let export = desk.run(&["suppression", "export"]);
    let csv = String::from_utf8(export.stdout).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.contains("\"'=asked by (address)\""), "{csv}");
    assert!(
        !csv.contains("never@"),
        "who is no subscriber is known by a hash alone: {csv}"
    );
    for why in [None, Some("")] {
        let mut command = vec!["suppression", "release", "a@peer.test"];
        command.extend(why.iter().flat_map(|why| ["--note", why]));
        assert_ne!(desk.run(&command).status.code(), Some(0));
    }
    let note = ["--note", "a@peer.test works again"];
    desk.json(&[&["suppression", "release", "a@peer.test"], &note[..]].concat());
    let twice = desk.run(&[&["suppression", "release", "a@peer.test"], &note[..]].concat());
    assert_eq!(twice.status.code(), Some(1));
    let reader = desk.json(&["subscriber", "show", "a@peer.test"]);
    let last = reader["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["what"], &last["words"]),
        (&json!("released"), &json!("(address) works again"))
    );
    desk.write(
        "back.csv",
        &(csv + "\"nobody\",\"\",\"\",\"\",\"\"\n\"c@peer.test\",\"\",\"spam\",\"\",\"\"\n"),
    );
    let output = desk.run(&["suppression", "import", "back.csv", "--json"]);
    assert_eq!(output.status.code(), Some(1), "two lines were refused");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["added"], 2);
    let lines: Vec<_> = told["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["line"])
        .collect();
    assert_eq!(lines, [&json!(4), &json!(5)]);
    let listed = desk.json(&["suppression", "list", "--reason", "manual"]);
    assert_eq!(listed[0]["note"], "=asked by (address)", "as it was");
    let since = desk.json(&["suppression", "list", "--reason", "hard_bounce"]);
    assert_eq!(since[0]["address"], "a@peer.test");
    assert_eq!(since[0]["note"], "5.1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_back_goes_by_commands_on_sqlite() {
    the_whole_way_back(None, &Peer::start().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_back_goes_by_commands_on_postgres() {
    if let Some(url) = databases::new_postgres_url() {
        the_whole_way_back(Some(url), &Peer::start().await);
    }
}

#[test]
fn while_the_database_or_the_settings_are_away_the_mail_is_to_come_again() {
    let desk = Desk::new(
        Some("postgres://nobody@127.0.0.1:1/nowhere".to_owned()),
        "smtp://127.0.0.1:1",
    );
    let output = pipe(&desk, &[], "From: x\n\nhello\n");
    assert_eq!(output.status.code(), Some(75));
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    desk.write("bulletin.toml", "[bounce]\nvalid = 'never'\n");
    let output = pipe(&desk, &[], "From: x\n\nhello\n");
    assert_eq!(output.status.code(), Some(75));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("bounce.valid"), "{error}");
}
