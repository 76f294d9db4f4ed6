//! Mails cut off and damaged at random: read without a panic, and in bounded time.
//!
//! `BULLETIN_BOUNCE_CUTS` says how often each mail is cut off and damaged; `all` cuts at every tenth byte.
//! `BULLETIN_BOUNCE_SEED` says where to begin; a failure names the mail and the seed.

use std::time::{Duration, Instant};

use bulletin::bounce;
use bulletin::secret::Keys;

use super::{mails, samples, shared};
use crate::support::desk::Desk;
use crate::support::dice::Dice;
use crate::support::setting;

/// What any mail may take. A build without optimisation takes ten times as long, and shares its processor with other
/// tests: what it is to catch takes minutes.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });

#[test]
fn no_cut_and_no_damage_makes_a_reader_panic_or_take_long() {
    let keys = Keys::passing();
    let cuts: Option<String> = setting("BULLETIN_BOUNCE_CUTS");
    let seed: u64 = setting("BULLETIN_BOUNCE_SEED").unwrap_or(1);
    let mut all = samples();
    if let Some(folder) = shared("bounces/messages") {
        all.extend(mails(&folder));
    }
    let mut reads = 0;
    for (number, (name, mail)) in all.iter().enumerate() {
        let step = match cuts.as_deref() {
            Some("all") => 10,
            other => mail.len() / other.map_or(5, |cuts| cuts.parse().unwrap()) + 1,
        };
        for end in (0..mail.len()).step_by(step) {
            read(&mail[..end], &keys, &format!("{name}, cut off at {end}"));
            let mut dice = Dice::new(seed + (number * 100_000 + end) as u64);
            let damaged = damaged(mail, &mut dice);
            read(
                &damaged,
                &keys,
                &format!("{name}, BULLETIN_BOUNCE_SEED={seed}, at {end}"),
            );
            reads += 2;
        }
    }
    eprintln!("{reads} damaged mails read");
}

/// Mails that are made to take long or much.
fn bombs() -> [(&'static str, String); 16] {
    let nested = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(20_000);
    let returned = "Content-Type: message/rfc822\n\n".repeat(30_000);
    let parts = format!(
        "Content-Type: multipart/report; boundary=b\n\n{}",
        "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n\n".repeat(10_000)
    );
    let notice =
        |text: &str| format!("From: mailer-daemon@x.test\nSubject: failure notice\n\n{text}");
    let many: String = (0..30_000)
        .map(|number| format!("<a{number}@b.test>:\n550 no\n"))
        .collect();
    let recipients = notice(&many);
    let addresses = notice(&"a@b.c ".repeat(170_000));
    let signs = notice(&"@".repeat(1_000_000));
    let letters = notice(&"a".repeat(1_000_000));
    let words = format!("Subject: {}\n\n", "=?utf-8?q?".repeat(6_000));
    let lines = "\n".repeat(1_000_000);
    let fields = "A:\n".repeat(300_000);
    let escapes = notice(&"\u{1b}$B".repeat(300_000));
    let phrases = notice(&"user does not account mailbox ".repeat(30_000));
    let quoted = notice(&"\"a@".repeat(300_000));
    let numbers = notice(&"\\303".repeat(250_000));
    let html = format!(
        "From: mailer-daemon@x.test\nContent-Type: text/html\n\n{}",
        "<style><a&lt;".repeat(70_000)
    );
    let boundaries = format!(
        "Content-Type: multipart/mixed\n\n{}",
        "--aaaaaa\nContent-Type: multipart/mixed\n\n".repeat(20_000)
    );
    [
        ("nested", nested),
        ("returned", returned),
        ("parts", parts),
        ("recipients", recipients),
        ("addresses", addresses),
        ("signs", signs),
        ("letters", letters),
        ("words", words),
        ("lines", lines),
        ("fields", fields),
        ("escapes", escapes),
        ("phrases", phrases),
        ("html", html),
        ("quoted", quoted),
        ("boundaries", boundaries),
        ("numbers", numbers),
    ]
}

#[test]
fn bombs_take_no_longer_than_mails() {
    let keys = Keys::passing();
    for (name, bomb) in bombs() {
        let recipients = read(bomb.as_bytes(), &keys, name);
        assert!(recipients <= 100, "{name}: {recipients} recipients");
    }
}

/// T15. The program itself, with all that it holds besides.
#[test]
fn no_bomb_takes_64_megabytes() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    std::fs::create_dir(desk.folder.path().join("bombs")).unwrap();
    for (name, bomb) in bombs() {
        desk.write(&format!("bombs/{name}.eml"), &bomb);
    }
    let read = desk.command(&["bounce", "read", "bombs"]);
    let mut within = std::process::Command::new("sh");
    // In kilobytes: what the program may have of memory that it writes to.
    within.args(["-c", "ulimit -d 65536 && exec \"$@\"", "sh"]);
    within.arg(read.get_program()).args(read.get_args());
    let output = within.current_dir(desk.folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = String::from_utf8_lossy(&output.stdout);
    assert_eq!(read.matches("bombs/").count(), bombs().len(), "{read}");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        bounce::read(&bytes, None, &Keys::passing());
    }

    #[test]
    fn no_reply_makes_the_judgement_panic(code in 0_u16..1000, words in "\\PC*") {
        bounce::judge(code, None, &words);
    }
}

/// Reads a mail and says how many recipients it named.
fn read(mail: &[u8], keys: &Keys, what: &str) -> usize {
    let began = Instant::now();
    let reading = std::panic::catch_unwind(|| bounce::read(mail, None, keys));
    let reading = reading.unwrap_or_else(|_| panic!("panicked at {what}"));
    let took = began.elapsed();
    assert!(took < LONGEST, "{what} took {took:?}");
    for recipient in &reading.recipients {
        assert!(recipient.words.chars().count() <= 512, "{what}");
    }
    reading.recipients.len()
}

/// The mail with some bytes changed, some pieces lost, doubled or put elsewhere.
fn damaged(mail: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut damaged = mail.to_vec();
    for _ in 0..=dice.below(8) {
        if damaged.is_empty() {
            break;
        }
        let at = dice.below(damaged.len());
        let length = dice.below(200).min(damaged.len() - at);
        match dice.below(5) {
            0 => damaged[at] = dice.below(256) as u8,
            1 => drop(damaged.drain(at..at + length)),
            2 => {
                let piece = damaged[at..at + length].to_vec();
                let to = dice.below(damaged.len());
                damaged.splice(to..to, piece);
            }
            3 => damaged[at..at + length]
                .iter_mut()
                .for_each(|byte| *byte ^= 0x80),
            _ => {
                let odd: [&[u8]; 8] = [
                    b"\n\n",
                    b"=?",
                    b"--",
                    b"@",
                    b";",
                    b"\x1b$B",
                    b"\xff\xfe",
                    b"\"",
                ];
                damaged.splice(at..at, odd[dice.below(odd.len())].iter().copied());
            }
        }
    }
    damaged
}
