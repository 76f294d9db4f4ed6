//! What happens in one simulated session, all of it drawn from one seed.

use std::time::Duration;

use bulletin::deliver::relay::Deadlines;

use crate::support::dice::Dice;

pub const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(30),
    command: Duration::from_secs(300),
    after_dot: Duration::from_secs(600),
};

/// A point at which the server can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    Greeting,
    Hello,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
    Dot,
    /// The lone dot behind a refusal.
    LoneDot,
    Reset,
}

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Another reply than the usual one.
    Say(&'static str),
    /// Bytes that are no reply.
    Raw(&'static [u8]),
    /// The usual reply, and at once another one.
    Extra(&'static str),
    /// The usual reply, and some seconds later another one.
    LateExtra(&'static str),
    /// The usual reply, or a refusal, over several lines.
    Lines(&'static str),
    /// The usual reply in pieces with pauses, all within the deadline.
    Pieces,
    /// Nothing happens for so long; then the server goes on as if nothing had been.
    Pause(Duration),
    /// Hangs up without a word.
    Close,
    /// Hangs up behind the reply.
    SayAndClose(&'static str),
    /// Before the message has come to its end, a refusal of it.
    Early(&'static str),
}

/// One session.
#[derive(Debug)]
pub struct Plan {
    pub messages: usize,
    pub pipelining: bool,
    pub password: bool,
    /// DATA gets its 354 also when no recipient was taken.
    pub lenient: bool,
    /// RCPT is granted also when MAIL was refused.
    pub careless: bool,
    /// How much the network holds in each direction.
    pub pipe_bytes: usize,
    /// The connection ends after so many bytes from the client.
    pub cut_heard: Option<usize>,
    /// The connection ends after so many bytes from the server.
    pub cut_said: Option<usize>,
    /// Where and for which message; the opening of the session belongs to the first one.
    pub faults: Vec<(usize, Point, Fault)>,
    /// For each message, at which time of asking it may not be finished any more.
    pub leases: Vec<Option<usize>>,
    /// The sender drops a message half way.
    pub dropped: Option<(usize, Duration)>,
    pub bodies: Vec<Vec<u8>>,
    /// Whether the server keeps a message that it does not answer.
    pub keeps_silently: bool,
}

impl Plan {
    pub fn draw(dice: &mut Dice) -> Plan {
        let messages = 1 + dice.below(4);
        let longest = dice.pick(&[40, 400, 2_000]);
        let faults = dice.pick(&[0, 1, 1, 1, 2, 2]);
        let cut = dice.below(6);
        let longest_session = 200 + messages * (longest + 120);
        Plan {
            messages,
            pipelining: dice.one_in(2),
            password: dice.one_in(4),
            lenient: dice.one_in(2),
            careless: dice.one_in(4),
            pipe_bytes: dice.pick(&[512, 1024, 64 * 1024]),
            cut_heard: (cut == 0).then(|| dice.below(longest_session)),
            cut_said: (cut == 1).then(|| dice.below(120 + messages * 120)),
            faults: (0..faults)
                .map(|_| {
                    let (point, fault) = fault(dice);
                    (dice.below(messages), point, fault)
                })
                .collect(),
            leases: (0..messages)
                .map(|_| dice.one_in(20).then(|| dice.below(3)))
                .collect(),
            dropped: dice.one_in(30).then(|| {
                (
                    dice.below(messages),
                    Duration::from_secs(dice.below(900) as u64),
                )
            }),
            bodies: (0..messages).map(|nth| body(dice, nth, longest)).collect(),
            keeps_silently: dice.one_in(2),
        }
    }

    pub fn fault(&self, message: usize, point: Point) -> Option<Fault> {
        let here = |known: &&(usize, Point, Fault)| known.0 == message && known.1 == point;
        self.faults.iter().find(here).map(|known| known.2)
    }

    /// Whether nothing at all goes wrong with a message, or has before in a way that may show late.
    pub fn is_clean(&self, message: usize) -> bool {
        let elsewhere = |(nth, _, fault): &(usize, Point, Fault)| {
            *nth != message && !matches!(fault, Fault::Extra(_) | Fault::LateExtra(_))
        };
        let is_cut = self.cut_heard.is_some() || self.cut_said.is_some();
        let is_dropped = self.dropped.is_some_and(|(nth, _)| nth == message);
        !is_cut
            && !is_dropped
            && self.leases[message].is_none()
            && self.faults.iter().all(elsewhere)
    }

    /// Whether replies may not belong to the commands that they follow.
    pub fn misleads(&self) -> bool {
        self.faults.iter().any(|(_, point, fault)| match fault {
            Fault::Extra(_) | Fault::LateExtra(_) | Fault::Early(_) => true,
            Fault::Say(reply) => {
                reply.starts_with('3') || *point != Point::Dot && reply.starts_with('2')
            }
            _ => false,
        })
    }
}

fn fault(dice: &mut Dice) -> (Point, Fault) {
    use Point::*;
    const REFUSALS: [&str; 7] = [
        "421 4.3.2 closing",
        "450 4.2.0 greylisted",
        "452 4.3.1 full",
        "550 5.1.1 nobody",
        "554 5.7.1 no",
        "571 no",
        "550",
    ];
    const NONSENSE: [&[u8]; 7] = [
        b"what?\r\n",
        b"\x00\xff\r\n",
        b"25",
        b"250-one\r\n550 two\r\n",
        b"2x0 ok\r\n",
        b"\r\n",
        b"999 ok\r\n",
    ];
    let point = dice.pick(&[
        Greeting, Hello, Auth, Mail, Mail, Rcpt, Rcpt, Rcpt, Data, Data, Body, Dot, Dot, Dot,
        LoneDot, Reset,
    ]);
    // Ending in three, no sum of them meets a deadline to the second.
    let pause = Duration::from_secs(10 * dice.below(90) as u64 + 3);
    if point == Body {
        let fault = dice.pick(&[
            Fault::Pause(pause),
            Fault::Early("552 5.3.4 too large"),
            Fault::Close,
        ]);
        return (point, fault);
    }
    // A reply that comes unasked and late behind a 354 cannot be told from the answer to the dot.
    let late = match point {
        Data => Fault::Extra(dice.pick(&["250 ok", "354 go", "550 no"])),
        _ => Fault::LateExtra(dice.pick(&["250 ok", "550 no", "421 bye"])),
    };
    let faults = [
        Fault::Say(dice.pick(&REFUSALS)),
        Fault::Say(dice.pick(&REFUSALS)),
        Fault::Say(dice.pick(&["354 go", "250 ok", "334 what"])),
        Fault::Raw(dice.pick(&NONSENSE)),
        Fault::Extra(dice.pick(&["250 ok", "550 no", "421 bye"])),
        late,
        Fault::Lines(dice.pick(&["", "450", "550"])),
        Fault::Pieces,
        Fault::Pause(pause),
        Fault::Pause(Duration::from_secs(3_603)),
        Fault::Close,
        Fault::SayAndClose(dice.pick(&REFUSALS)),
    ];
    (point, dice.pick(&faults))
}

/// Lines of all lengths, some with dots to be doubled.
fn body(dice: &mut Dice, nth: usize, longest: usize) -> Vec<u8> {
    let mut body = format!("Subject: {nth}\r\n\r\n").into_bytes();
    for _ in 0..dice.below(longest) / 10 {
        let line = dice.pick(&[
            "",
            ".",
            "..",
            ".a",
            "word word",
            "a longer line of some words",
        ]);
        body.extend_from_slice(line.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    if dice.one_in(4) {
        body.extend_from_slice(b"no line end");
    }
    body
}
