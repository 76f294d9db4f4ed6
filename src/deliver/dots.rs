//! Dots at a line's beginning are doubled on the way, for a lone one ends the message.

use memchr::memchr_iter;

/// The message as it travels, without its final dot (RFC 5321 section 4.5.2): the same bytes when
/// no line of it begins with a dot, else a copy of them in `room`.
///
/// None for a message with a CR or LF of its own, which another server could take for a line end
/// and read what follows a dot there as commands.
pub fn stuffed<'m>(message: &'m [u8], room: &'m mut Vec<u8>) -> Option<&'m [u8]> {
    room.clear();
    if message.starts_with(b".") {
        room.push(b'.');
    }
    let (mut lines, mut copied) = (0, 0);
    for at in memchr_iter(b'\n', message) {
        if !message[..at].ends_with(b"\r") {
            return None;
        }
        lines += 1;
        if message[at + 1..].starts_with(b".") {
            room.extend_from_slice(&message[copied..=at]);
            room.push(b'.');
            copied = at + 1;
        }
    }
    // Every LF has a CR of its own before it: one more CR is one that ends no line.
    if memchr_iter(b'\r', message).count() != lines {
        return None;
    }
    if room.is_empty() {
        return Some(message);
    }
    room.extend_from_slice(&message[copied..]);
    Some(room)
}
