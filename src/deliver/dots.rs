//! Dots at a line's beginning are doubled on the way, for a lone one ends the message.

use memchr::memchr_iter;

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
