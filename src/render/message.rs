//! A message as it goes over the wire, in memory that is used again for the next one.

/// What is left free before a message for its signatures, which are written last and stand first: enough for RSA of
/// 4096 bits beside Ed25519. Longer ones move the message along.
const ROOM: &str = match std::str::from_utf8(&[b' '; 4096]) {
    Ok(blank) => blank,
    Err(_) => "",
};

/// A message as it goes over the wire.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The envelope's sender; names the delivery.
    pub return_path: String,
    /// The envelope's recipient.
    pub recipient: String,
    /// The message, behind what is left of the room.
    text: String,
    start: usize,
}

impl Message {
    /// Header and body, as they are signed and sent.
    pub fn bytes(&self) -> &[u8] {
        &self.text.as_bytes()[self.start..]
    }

    /// Replaces header and body by what `write` appends.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut String)) {
        self.text.clear();
        self.text.push_str(ROOM);
        self.start = ROOM.len();
        write(&mut self.text);
    }

    /// Puts whole fields before those that are there.
    pub(super) fn put_before(&mut self, fields: &str) {
        let start = self.start.saturating_sub(fields.len());
        self.text.replace_range(start..self.start, fields);
        self.start = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_before_a_message_stands_before_it_whatever_its_length() {
        let mut message = Message::default();
        for length in [0, 1, ROOM.len() - 1, ROOM.len(), ROOM.len() + 1, 3] {
            let fields = "é".repeat(length / 2) + &"x".repeat(length % 2);
            message.write(|to| to.push_str("Subject: a\r\n\r\nb\r\n"));
            assert_eq!(message.bytes(), b"Subject: a\r\n\r\nb\r\n");
            message.put_before(&fields);
            let whole = fields + "Subject: a\r\n\r\nb\r\n";
            assert_eq!(message.bytes(), whole.as_bytes(), "{length}");
        }
    }
}
