//! Dots at a line's beginning are doubled on the way, for a lone one ends the message.

use memchr::memchr_iter;

/// The message as it travels, without its final dot (RFC 5321 section 4.5.2): the same bytes when
/// no line of it begins with a dot, else a copy of them in `room`.
///
/// None for a message with a CR or LF of its own, which another server could take for a line end
/// and read what follows a dot there as commands.
pub fn stuffed<'m>(message: &'m [u8], room: &'m mut Vec<u8>) -> Option<&'m [u8]> {
    let found = look_through(message);
    if found.lone_ends {
        return None;
    }
    if !found.dots {
        return Some(message);
    }
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
    Some(room)
}

struct Found {
    /// A CR without its LF, or an LF without its CR.
    lone_ends: bool,
    /// A line that begins with a dot.
    dots: bool,
}

/// Pair by pair and without a branch, so that the compiler looks at many at a time: a message's
/// lines are too short for a search from one end to the next to be fast.
fn look_through(message: &[u8]) -> Found {
    let (mut lone_ends, mut dots) = (0_u8, 0_u8);
    for (one, next) in message.iter().zip(message.iter().skip(1)) {
        lone_ends |= u8::from(*one == b'\r') ^ u8::from(*next == b'\n');
        dots |= u8::from(*one == b'\n') & u8::from(*next == b'.');
    }
    Found {
        lone_ends: lone_ends != 0 || message.starts_with(b"\n") || message.ends_with(b"\r"),
        dots: dots != 0 || message.starts_with(b"."),
    }
}
