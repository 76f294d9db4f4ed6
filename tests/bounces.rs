//! Mails that came back, read: our own samples of what is sent, and the real ones that lie beside the project.

mod damage;
mod disguise;
mod table;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bulletin::bounce::{self, Class, Kind, Reading, Stage};
use bulletin::plain::is_plain;
use bulletin::secret::{Keys, Purpose};
use bulletin::verp;
use uuid::Uuid;

use crate::support::desk::Desk;
use crate::support::{root, shared};

/// Every mail of a folder by its name.
pub(crate) fn mails(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths
        .iter()
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect()
}

fn samples() -> Vec<(String, Vec<u8>)> {
    mails(&root().join("tests/fixtures/bounces"))
}

fn sample(name: &str) -> String {
    let path = root().join(format!("tests/fixtures/bounces/{name}.eml"));
    std::fs::read_to_string(path).unwrap()
}

/// What a reading says, without what may be worded otherwise tomorrow.
fn said(reading: &Reading) -> String {
    let mut said = format!("{} by {}", reading.kind, reading.because);
    for recipient in &reading.recipients {
        let status = recipient.status.map(|(a, b, c)| format!("{a}.{b}.{c}"));
        write!(
            said,
            "\n    {} {} {} {} {} by {}",
            recipient.address.as_deref().unwrap_or("nobody"),
            recipient.action,
            recipient.verdict.class,
            recipient.verdict.reason,
            status.as_deref().unwrap_or("-"),
            recipient.verdict.because,
        )
        .unwrap();
    }
    said
}

#[test]
fn each_sample_is_read_as_it_was_meant() {
    let keys = Keys::passing();
    let mut read = String::new();
    for (name, mail) in samples() {
        let reading = bounce::read(&mail, None, &keys);
        writeln!(read, "{name}: {}", said(&reading)).unwrap();
    }
    insta::assert_snapshot!(read);
}

#[test]
fn our_return_path_names_the_delivery_wherever_it_is_found() {
    let keys = Keys::passing();
    let ours = verp::return_path(&keys, 77, "bounces.example.org");
    let mail = sample("qmail-text");
    let delivery = |mail: &str, to: Option<&str>| bounce::read(mail.as_bytes(), to, &keys).delivery;
    assert_eq!(delivery(&mail, None), None, "the sample's are nobody's");
    assert_eq!(delivery(&mail, Some(&ours)), Some(77), "the envelope");
    assert_eq!(delivery(&mail, Some(&ours.to_uppercase())), Some(77));
    for field in ["Delivered-To", "X-Original-To", "Envelope-To"] {
        assert_eq!(
            delivery(&format!("{field}: {ours}\n{mail}"), None),
            Some(77),
            "{field}"
        );
    }
    let quoted = mail.replace("<b-aaaa@bounces.example.org>", &format!("<{ours}>"));
    assert_eq!(delivery(&quoted, None), Some(77), "the returned mail's");
    let id = keys.delivery_name("message-id", 78);
    let answered = mail.replace("<abc@example.org>", &format!("<{id}@example.org>"));
    assert_eq!(delivery(&answered, None), Some(78), "our Message-ID");
}

#[test]
fn return_paths_of_others_are_not_ours() {
    let (ours, others) = (Keys::passing(), Keys::passing());
    let forged = verp::return_path(&others, 77, "bounces.example.org");
    let cut = &verp::return_path(&ours, 77, "x.test")[1..];
    let link = ours.link(Purpose::Unsubscribe, Uuid::from_u128(5));
    for to in [&*forged, cut, &format!("b-{link}@x.test"), "", "@", "b-@x"] {
        let mail = format!("Delivered-To: {to}\n{}", sample("exim-text"));
        assert_eq!(
            bounce::read(mail.as_bytes(), Some(to), &ours).delivery,
            None,
            "{to}"
        );
    }
}

#[test]
fn a_reply_at_smtp_time_gets_the_judgement_of_a_report() {
    for (code, status, words, class, reason) in [
        (
            550,
            Some((5, 1, 1)),
            "User unknown",
            Class::Hard,
            "user_unknown",
        ),
        (550, None, "No such user here", Class::Hard, "user_unknown"),
        (
            550,
            Some((5, 7, 1)),
            "Client host blocked using zen.spamhaus.org",
            Class::Block,
            "blocked",
        ),
        (
            550,
            Some((5, 1, 1)),
            "Mailbox full",
            Class::Soft,
            "mailbox_full",
        ),
        (
            552,
            Some((5, 2, 2)),
            "over quota",
            Class::Soft,
            "mailbox_full",
        ),
        (
            450,
            Some((4, 1, 1)),
            "User unknown",
            Class::Soft,
            "user_unknown",
        ),
        (
            451,
            Some((4, 7, 1)),
            "Greylisted, try again in 5 minutes",
            Class::Soft,
            "rate_limited",
        ),
        (554, None, "", Class::Soft, "undefined"),
    ] {
        let verdict = bounce::judge(code, status, words);
        assert_eq!(
            (verdict.class, verdict.reason),
            (class, reason),
            "{code} {words}"
        );
    }
    let after_data = bounce::judge_at(Stage::Message, 550, None, "No such user here");
    assert_eq!(after_data.class, Class::Soft, "it had taken the recipient");
}

#[test]
fn the_command_says_what_each_file_is_and_needs_no_database() {
    let desk = Desk::new(
        Some("sqlite:///nowhere/at/all.db".to_owned()),
        "smtp://127.0.0.1:1",
    );
    let folder = root().join("tests/fixtures/bounces");
    let output = desk.run(&["bounce", "read", "--json", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), samples().len());
    let full = lines.iter().find(|line| {
        line["file"]
            .as_str()
            .unwrap()
            .contains("postfix-mailbox-full")
    });
    let full = full.unwrap();
    assert_eq!(full["kind"], "bounce");
    assert_eq!(full["recipients"][0]["address"], "ann@reader.example");
    assert_eq!(full["recipients"][0]["class"], "soft");
    assert_eq!(full["recipients"][0]["status"], "5.2.2");
    assert_eq!(full["recipients"][0]["reason"], "mailbox_full");
    assert_eq!(full["recipients"][0]["action"], "failed");
    let missing = desk.run(&["bounce", "read", "nowhere.eml"]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    let left: Vec<_> = std::fs::read_dir(desk.folder.path()).unwrap().collect();
    assert!(left.is_empty(), "it makes nothing: {left:?}");
}

/// T31. A mail's address and words may hold codes that a terminal obeys, in any of its fields.
#[test]
fn nothing_that_a_terminal_obeys_is_shown_of_a_mail() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    let hostile = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}<script>";
    std::fs::create_dir(desk.folder.path().join("mails")).unwrap();
    for (number, (name, mail)) in samples().into_iter().enumerate() {
        let Ok(text) = String::from_utf8(mail) else {
            continue;
        };
        let text = text.replace("550 ", &format!("550 {hostile} "));
        let text = text.replace("reader.example", &format!("reader.example{hostile}"));
        desk.write(&format!("mails/{number}-{name}.eml"), &text);
    }
    let output = desk.run(&["bounce", "read", "mails"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.matches("<script>").count() > 5, "{shown}");
    let obeyed = |letter: char| letter != '\n' && !is_plain(letter);
    assert!(!shown.contains(obeyed), "{shown:?}");
}

#[test]
fn an_operators_own_rule_comes_before_the_built_in_ones() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    let own = "[[rule]]\nname = \"ours\"\nclass = \"block\"\nreason = \"policy_violation\"\nsays = [\"over quota\"]\n";
    let broken = "[[rule]]\nname = \"ours\"\nclass = \"harsh\"\nreason = \"x\"\n";
    let mail = root().join("tests/fixtures/bounces/postfix-mailbox-full.eml");
    let read = |rules: &str| {
        desk.write("rules.toml", rules);
        let mut command = desk.command(&["bounce", "read", "--json", mail.to_str().unwrap()]);
        command
            .env("BULLETIN_BOUNCE_RULES", "rules.toml")
            .output()
            .unwrap()
    };
    let output = String::from_utf8(read(own).stdout).unwrap();
    let line: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(line["recipients"][0]["because"], "ours", "{line}");
    let refused = read(broken);
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("rules.toml") && why.contains("harsh"), "{why}");
}

#[test]
fn nothing_that_is_no_bounce_is_counted() {
    let keys = Keys::passing();
    for (name, mail) in samples() {
        let kind = bounce::read(&mail, None, &keys).kind;
        let counts = matches!(kind, Kind::Bounce | Kind::Complaint | Kind::Unsubscribe);
        let is_none = [
            "ordinary",
            "vacation",
            "challenge",
            "dmarc-aggregate",
            "tls-",
            "read-",
            "success",
            "arf-auth",
        ];
        let is_none = is_none.iter().any(|none| name.starts_with(none));
        assert_eq!(counts, !is_none, "{name}: {kind}");
    }
}
