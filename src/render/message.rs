//! A message as it goes over the wire, in memory that is used again for the next one.

use std::sync::Arc;

use super::shelf::{Place, Prepared};
use crate::pieces::Body;

/// What is left free before a message for its signatures, which are written last and stand first: enough for RSA of
/// 4096 bits beside Ed25519. Longer ones move the message along.
const ROOM: &str = match std::str::from_utf8(&[b' '; 4096]) {
    Ok(blank) => blank,
    Err(_) => "",
};

/// A message as it goes over the wire.
#[derive(Clone, Default)]
pub struct Message {
    /// The envelope's sender; names the delivery.
    pub return_path: String,
    /// The envelope's recipient.
    pub recipient: String,
    /// The message, behind what is left of the room, but for what it shares with others.
    text: String,
    start: usize,
    shares: bool,
    shared: Option<Shared>,
}

/// Pieces of a rendering, each with how far the message's own text goes before it.
#[derive(Clone)]
struct Shared {
    prepared: Arc<Prepared>,
    stand: Vec<(usize, Place)>,
}

impl Message {
    /// For messages that are sent at once: what they share with others is not copied into them, as long as nothing has to
    /// be made of the whole.
    pub fn sharing() -> Message {
        Message {
            shares: true,
            ..Message::default()
        }
    }

    /// Header and body, as they are signed and sent. For messages that share nothing.
    pub fn bytes(&self) -> &[u8] {
        &self.text.as_bytes()[self.start..]
    }

    /// The same piece by piece, for any message.
    pub fn body(&self) -> Body<'_> {
        let (mut body, mut start) = (Body::default(), self.start);
        let own = |from: usize, until: usize| &self.text.as_bytes()[from..until];
        if let Some(shared) = &self.shared {
            for (until, place) in &shared.stand {
                body.add_new(own(start, *until));
                let piece = shared.prepared.at(*place);
                body.add(piece.text.as_bytes(), piece.seen);
                start = *until;
            }
        }
        body.add_new(own(start, self.text.len()));
        body
    }

    /// Replaces header and body by what `write` appends. Of `prepared`, pieces can be set in by their place.
    pub(super) fn write(
        &mut self,
        prepared: Option<&Arc<Prepared>>,
        write: impl FnOnce(&mut Message),
    ) {
        self.text.clear();
        self.text.push_str(ROOM);
        self.start = ROOM.len();
        // The list's memory is used again, too.
        let mut stand = self
            .shared
            .take()
            .map_or_else(Vec::new, |shared| shared.stand);
        stand.clear();
        self.shared = prepared.filter(|_| self.shares).map(|prepared| Shared {
            prepared: prepared.clone(),
            stand,
        });
        write(self);
    }

    /// What is this message's own, to be added to.
    pub(super) fn own(&mut self) -> &mut String {
        &mut self.text
    }

    /// Adds a piece of what the message is made from.
    pub(super) fn add(&mut self, prepared: &Prepared, place: Place) {
        match &mut self.shared {
            Some(shared) => shared.stand.push((self.text.len(), place)),
            None => self.text.push_str(&prepared.at(place).text),
        }
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
            message.write(None, |to| to.own().push_str("Subject: a\r\n\r\nb\r\n"));
            assert_eq!(message.bytes(), b"Subject: a\r\n\r\nb\r\n");
            message.put_before(&fields);
            let whole = fields + "Subject: a\r\n\r\nb\r\n";
            assert_eq!(message.bytes(), whole.as_bytes(), "{length}");
        }
    }
}
