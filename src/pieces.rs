//! A message in pieces, as it goes over the wire: most of them are the same for many readers, and are neither copied nor
//! looked through again for each.

/// What a message's bytes ask of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// A CR without its LF, or an LF without its CR: another server could take it for a line end and read what follows
    /// a dot there as commands.
    pub lone_ends: bool,
    /// A line that begins with a dot.
    pub dots: bool,
    /// A byte beyond ASCII (RFC 6152).
    pub eight_bit: bool,
}

/// What was found in a piece, with its ends: what stands across two of them counts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    within: Found,
    first: u8,
    last: u8,
}

/// A message, piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Body<'m> {
    pieces: Vec<&'m [u8]>,
    bytes: usize,
    seen: Option<Seen>,
}

impl Seen {
    /// Looks through some bytes, if there are any; pair by pair and without a branch, so that the compiler looks at many
    /// at a time: a message's lines are too short for a search from one end to the next to be fast.
    pub fn of(bytes: &[u8]) -> Option<Seen> {
        let ((last, ones), (first, nexts)) = (bytes.split_last()?, bytes.split_first()?);
        let (mut lone_ends, mut dots, mut bits) = (0_u8, 0_u8, *last);
        for (one, next) in ones.iter().zip(nexts) {
            lone_ends |= u8::from(*one == b'\r') ^ u8::from(*next == b'\n');
            dots |= u8::from(*one == b'\n') & u8::from(*next == b'.');
            bits |= *one;
        }
        Some(Seen {
            within: Found {
                lone_ends: lone_ends != 0,
                dots: dots != 0,
                eight_bit: !bits.is_ascii(),
            },
            first: *first,
            last: *last,
        })
    }

    /// What both are together, one behind the other.
    fn then(self, next: Seen) -> Seen {
        let (one, other) = (self.within, next.within);
        let is_torn = (self.last == b'\r') != (next.first == b'\n');
        Seen {
            within: Found {
                lone_ends: one.lone_ends || other.lone_ends || is_torn,
                dots: one.dots || other.dots || self.last == b'\n' && next.first == b'.',
                eight_bit: one.eight_bit || other.eight_bit,
            },
            first: self.first,
            last: next.last,
        }
    }
}

impl<'m> Body<'m> {
    /// Adds a piece in which this was seen.
    pub fn add(&mut self, piece: &'m [u8], seen: Option<Seen>) {
        let Some(seen) = seen else {
            return;
        };
        self.pieces.push(piece);
        self.bytes += piece.len();
        self.seen = Some(self.seen.map_or(seen, |before| before.then(seen)));
    }

    /// Adds a piece that nobody has looked through yet.
    pub fn add_new(&mut self, piece: &'m [u8]) {
        self.add(piece, Seen::of(piece));
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn pieces(&self) -> impl Iterator<Item = &'m [u8]> {
        self.pieces.iter().copied()
    }

    /// What was found in the whole of it.
    pub fn found(&self) -> Found {
        let Some(seen) = self.seen else {
            return Found::default();
        };
        Found {
            lone_ends: seen.within.lone_ends || seen.first == b'\n' || seen.last == b'\r',
            dots: seen.within.dots || seen.first == b'.',
            eight_bit: seen.within.eight_bit,
        }
    }

    /// Whether nothing stands behind its last line end. For one without lone ends.
    pub fn ends_a_line(&self) -> bool {
        self.seen.is_none_or(|seen| seen.last == b'\n')
    }
}

impl<'m> From<&'m [u8]> for Body<'m> {
    fn from(message: &'m [u8]) -> Body<'m> {
        let mut body = Body::default();
        body.add_new(message);
        body
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_whichever_pieces_the_same_is_found(
            bytes in prop::collection::vec(prop::sample::select(b"\r\n.x\xc3".to_vec()), 0..12),
            cuts in prop::collection::vec(0..12_usize, 0..4),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut body = Body::default();
            for cut in cuts.windows(2) {
                let piece = &bytes[cut[0]..cut[1]];
                body.add_new(piece);
            }
            let whole = Body::from(&bytes[..]);
            prop_assert_eq!(body.found(), whole.found());
            prop_assert_eq!(body.ends_a_line(), whole.ends_a_line());
            prop_assert_eq!(body.pieces().collect::<Vec<_>>().concat(), bytes.clone());
            // The slow way.
            let text: Vec<u8> = bytes.iter().copied().chain([b'x']).collect();
            let without_pairs = String::from_utf8_lossy(&text).replace("\r\n", "\u{1}");
            prop_assert_eq!(whole.found().lone_ends, without_pairs.contains(['\r', '\n']));
            let starts = |line: &[u8]| line.starts_with(b".");
            prop_assert_eq!(whole.found().dots, bytes.split(|byte| *byte == b'\n').any(starts));
        }
    }
}
