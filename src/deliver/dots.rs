//! What a message's bytes ask of the way: dots at a line's beginning are doubled, for a lone one ends the message.

use memchr::memchr_iter;

/// What one look through a message finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// A CR without its LF, or an LF without its CR: another server could take it for a line end and read what follows
    /// a dot there as commands.
    pub lone_ends: bool,
    /// A line that begins with a dot.
    pub dots: bool,
    /// A byte beyond ASCII (RFC 6152).
    pub eight_bit: bool,
}

/// Looks through a message, pair by pair and without a branch, so that the compiler looks at many at a time: a message's
/// lines are too short for a search from one end to the next to be fast.
pub fn look_through(message: &[u8]) -> Found {
    let (Some((last, ones)), Some((first, nexts))) = (message.split_last(), message.split_first())
    else {
        return Found {
            lone_ends: false,
            dots: false,
            eight_bit: false,
        };
    };
    let (mut lone_ends, mut dots, mut bits) = (0_u8, 0_u8, *last);
    for (one, next) in ones.iter().zip(nexts) {
        lone_ends |= u8::from(*one == b'\r') ^ u8::from(*next == b'\n');
        dots |= u8::from(*one == b'\n') & u8::from(*next == b'.');
        bits |= *one;
    }
    Found {
        lone_ends: lone_ends != 0 || *first == b'\n' || *last == b'\r',
        dots: dots != 0 || *first == b'.',
        eight_bit: !bits.is_ascii(),
    }
}

/// The message as it travels, without its final dot (RFC 5321 section 4.5.2): a copy in `room`, every dot at a line's
/// beginning doubled.
pub fn stuffed<'m>(message: &[u8], room: &'m mut Vec<u8>) -> &'m [u8] {
    room.clear();
    let mut copied = 0;
    let line_starts = memchr_iter(b'\n', message).map(|at| at + 1);
    for start in std::iter::once(0).chain(line_starts) {
        if message[start..].starts_with(b".") {
            room.extend_from_slice(&message[copied..start]);
            room.push(b'.');
            copied = start;
        }
    }
    room.extend_from_slice(&message[copied..]);
    room
}
