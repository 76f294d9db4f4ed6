//! Visitors at the receiving side who say anything in any order and in any pieces: no panic, an end in bounded time, and
//! no mail but what a strict reading of their bytes finds.
//!
//! `BULLETIN_DOOR_VISITS` says how many come; `BULLETIN_DOOR_SEED` says where to begin, and a failure names the seed.

use std::sync::Mutex;
use std::time::Duration;

use bulletin::listen::{Answer, Limits, Mailbox, Received, Settings, Step, session};
use bulletin::receive::door::Door;
use bulletin::verp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::dice::Dice;
use crate::support::{News, databases, setting};

const OURS: &str = "b-1@bounce.test";

fn limits() -> Limits {
    Limits {
        message_bytes: 2000,
        recipients: 3,
        line_bytes: 200,
        errors: 10,
        idle: Duration::from_secs(300),
        message: Duration::from_secs(600),
        life: Duration::from_secs(1800),
        ..Limits::default()
    }
}

/// No visit lasts longer: a whole life, one more message, and an answer that is not read.
const LONGEST: Duration = Duration::from_secs(1800 + 600 + 2 * 300);

/// Takes mail for one address, and remembers it.
#[derive(Default)]
struct Ours(Mutex<Vec<Received>>);

impl Mailbox for Ours {
    async fn answer(&self, step: Step<'_>) -> Answer {
        match step {
            Step::Rcpt(to) if to != OURS => Answer::reply("550 5.1.1 No"),
            Step::Message(received) => {
                self.0.lock().unwrap().push(received.clone());
                Answer::usual()
            }
            _ => Answer::usual(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_visitor_makes_the_door_panic_hang_or_take_what_was_not_sent_so() {
    let first = setting("BULLETIN_DOOR_SEED").unwrap_or(1);
    let visits = setting("BULLETIN_DOOR_VISITS").unwrap_or(1000);
    let mut taken = 0;
    for seed in (first..).take(visits as usize) {
        let mut dice = Dice::new(seed);
        let says = visit(&mut dice);
        let received = receive(&says, &mut dice, seed).await;
        taken += received.len();
        judge(&received, &says, seed);
    }
    eprintln!("{visits} visits left {taken} mails");
    assert!(taken as u64 * 10 > visits, "some of them say it right");
}

/// Lets the visitor say it in pieces, with and without pauses and listening, and gives what was taken.
async fn receive(says: &[u8], dice: &mut Dice, seed: u64) -> Vec<Received> {
    let settings = Settings {
        limits: limits(),
        ..Settings::default()
    };
    let (ours, stop) = (Ours::default(), CancellationToken::new());
    let (client, server) = duplex(1 + dice.below(5000));
    let (mut hears, mut writes) = tokio::io::split(client);
    let listens = !dice.one_in(20);
    let hangs_up = !dice.one_in(3);
    let largest = dice.pick(&[1, 7, 100, 10_000]);
    let pauses = dice.pick(&[0, 0, 1, 40]);
    let talking = async {
        let mut rest = says;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(1 + dice.below(largest)));
            rest = after;
            if dice.one_in(10) {
                tokio::time::sleep(Duration::from_secs(pauses)).await;
            }
            if writes.write_all(piece).await.is_err() {
                break;
            }
        }
        if hangs_up {
            let _ = writes.shutdown().await;
        }
        std::future::pending::<()>().await
    };
    let listening = async {
        let mut said = Vec::new();
        if listens {
            let _ = hears.read_to_end(&mut said).await;
        }
        std::future::pending::<()>().await
    };
    let serving = timeout(LONGEST, session(server, &ours, &settings, &stop));
    tokio::select! {
        // That a visitor could not be answered any more is an end like another.
        ended = serving => drop(ended.unwrap_or_else(|_| panic!("BULLETIN_DOOR_SEED={seed} hangs"))),
        () = talking => {}
        () = listening => {}
    }
    ours.0.into_inner().unwrap()
}

/// Every mail stands in what was said, behind a line DATA and before the first lone dot that CRLF surrounds; and none
/// begins before the end of the one before it.
fn judge(received: &[Received], says: &[u8], seed: u64) {
    let mut from = 0;
    for mail in received {
        assert!(mail.message.len() <= 2000, "BULLETIN_DOOR_SEED={seed}");
        assert!(mail.recipients.iter().all(|to| to == OURS) && mail.recipients.len() <= 3);
        let end = begins(says)
            .filter(|begin| *begin >= from)
            .find_map(|begin| {
                let (message, end) = strictly(says, begin)?;
                (message == mail.message).then_some(end)
            });
        from = end.unwrap_or_else(|| {
            panic!(
                "BULLETIN_DOOR_SEED={seed}: {:?} was never sent so",
                String::from_utf8_lossy(&mail.message)
            )
        });
    }
}

/// Where a message may begin: behind each line that says DATA.
fn begins(says: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    says.split_inclusive(|byte| *byte == b'\n')
        .filter_map(move |line| {
            at += line.len();
            let word = line.trim_ascii();
            word.eq_ignore_ascii_case(b"data").then_some(at)
        })
}

/// The message from there on, as RFC 5321 section 4.5.2 has it, and where it ends.
fn strictly(says: &[u8], begin: usize) -> Option<(Vec<u8>, usize)> {
    let mut message = Vec::new();
    let mut at = begin;
    loop {
        let rest = &says[at..];
        let length = rest.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let line = &rest[..length];
        at += length;
        if line == b".\r\n" {
            return Some((message, at));
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
}

/// What a visitor says: mostly commands in an order that makes sense, and then again not.
fn visit(dice: &mut Dice) -> Vec<u8> {
    let mut says = Vec::new();
    if !dice.one_in(5) {
        says.extend_from_slice(
            dice.pick(&["EHLO c\r\n", "LHLO c\r\n", "HELO c\r\n"])
                .as_bytes(),
        );
    }
    for _ in 0..dice.below(12) {
        match dice.below(8) {
            0..=3 => mail(&mut says, dice),
            4 | 5 => command(&mut says, dice),
            6 => noise(&mut says, dice, 400),
            _ => {
                let long = 1 + dice.below(30_000);
                says.extend(std::iter::repeat_n(dice.pick(b"a \0.\r\n@<"), long));
            }
        }
    }
    says
}

fn mail(says: &mut Vec<u8>, dice: &mut Dice) {
    says.extend_from_slice(b"MAIL FROM:<>\r\n");
    for _ in 0..=dice.below(4) {
        let to = dice.pick(&[OURS, OURS, OURS, "b-2@bounce.test", "root@bounce.test", ""]);
        says.extend_from_slice(format!("RCPT TO:<{to}>\r\n").as_bytes());
    }
    says.extend_from_slice(b"DATA\r\n");
    for _ in 0..dice.below(12) {
        match dice.below(10) {
            0..=3 => says.extend_from_slice(b"Subject: x"),
            4 => says.extend_from_slice(
                b"MAIL FROM:<>\r\nRCPT TO:<b-1@bounce.test>\r\nDATA\r\nsmuggled\r\n",
            ),
            5 => noise(says, dice, 30),
            6 => says.extend(std::iter::repeat_n(b'x', dice.below(3000))),
            _ => {}
        }
        says.extend_from_slice(dice.pick(&END_LIKE).as_bytes());
    }
    if !dice.one_in(4) {
        says.extend_from_slice(b"\r\n.\r\n");
    }
}

/// Ends of lines, and what a careless server takes for the end of a message.
const END_LIKE: [&str; 16] = [
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r\n.\r",
    "\r.\r\n",
    "\r\n.\r\r\n",
    "\r\n..\r\n",
    "\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n.\r\n",
];

fn command(says: &mut Vec<u8>, dice: &mut Dice) {
    let word = dice.pick(&[
        "EHLO c",
        "LHLO c",
        "HELO c",
        "MAIL FROM:<>",
        "MAIL FROM:<a@b.test> SIZE=99999",
        "MAIL FROM:<a@b.test> BODY=8BITMIME",
        "RCPT TO:<b-1@bounce.test>",
        "RCPT TO:<\"b-1@bounce.test\"@x.test>",
        "RCPT TO:<@x.test:b-1@bounce.test>",
        "RCPT TO:<",
        "DATA",
        "data ",
        "BDAT 10 LAST",
        "BURL x",
        "STARTTLS",
        "AUTH PLAIN AA==",
        "AUTH LOGIN",
        "RSET",
        "NOOP",
        "VRFY x",
        "EXPN x",
        "HELP",
        "ETRN x",
        "QUIT",
        "",
    ]);
    says.extend_from_slice(word.as_bytes());
    says.extend_from_slice(
        dice.pick(&["\r\n", "\r\n", "\r\n", "\n", "\r", "\0\r\n", " \r\n"])
            .as_bytes(),
    );
}

fn noise(says: &mut Vec<u8>, dice: &mut Dice, most: usize) {
    let length = dice.below(most);
    says.extend((0..length).map(|_| match dice.one_in(4) {
        true => dice.pick(b"\r\n.\0 <>@:"),
        false => dice.below(256) as u8,
    }));
}

/// Return paths and addresses to leave by, with a letter changed, lost, doubled or added: only the same one, in letters
/// of any case and at any host, is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_damaged_address_is_taken_for_one_of_ours() {
    let database = databases::sqlite().await;
    let news = News::start(database.db.clone()).await;
    let door = Door {
        receiver: news.receiver(),
    };
    let mut dice = Dice::new(setting("BULLETIN_DOOR_SEED").unwrap_or(1));
    let mut let_in = 0;
    for number in 0..2000 {
        let real = match number % 2 {
            0 => verp::return_path(&news.keys, number, "bounce.test"),
            _ => format!("{}@bounce.test", verp::leave(&news.keys, number)),
        };
        let (name, host) = real.split_once('@').unwrap();
        let damaged = damaged(name, &mut dice);
        let is_let_in = asks(&door, &format!("{damaged}@{host}")).await;
        assert_eq!(
            is_let_in,
            damaged.eq_ignore_ascii_case(name),
            "{damaged}, of {name}"
        );
        let_in += usize::from(is_let_in);
    }
    assert!((100..1000).contains(&let_in), "{let_in} were the same");
}

fn damaged(name: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<u8> = name.bytes().collect();
    let at = dice.below(letters.len());
    match dice.below(5) {
        0 => letters[at] = letters[at].to_ascii_uppercase(),
        1 => letters[at] = dice.pick(b"abcdefghijklmnopqrstuvwxyz234567"),
        2 => drop(letters.remove(at)),
        3 => letters.insert(at, letters[at]),
        _ => letters.push(dice.pick(b"ab7")),
    }
    String::from_utf8(letters).unwrap()
}

/// Whether the door takes mail for that address.
async fn asks(door: &Door, address: &str) -> bool {
    let (mut client, server) = duplex(4096);
    let says = format!("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{address}>\r\nQUIT\r\n");
    client.write_all(says.as_bytes()).await.unwrap();
    let (settings, stop) = (Settings::default(), CancellationToken::new());
    session(server, door, &settings, &stop).await.unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    said.contains("250 2.1.5")
}
