//! A message's body: pieces encoded once, with what is the reader's own set in between.

use emails::{Hole, Part, Personal};

use super::message::Message;
use super::shelf::{Place, Prepared};
use crate::mime;
use crate::pieces::Seen;

pub(super) enum Piece {
    Encoded(Encoded),
    Hole(Hole),
}

/// A text as it goes over the wire, and what was seen in it.
#[derive(Default)]
pub(super) struct Encoded {
    pub text: String,
    pub seen: Option<Seen>,
}

impl From<String> for Encoded {
    fn from(mut text: String) -> Encoded {
        text.shrink_to_fit();
        let seen = Seen::of(text.as_bytes());
        Encoded { text, seen }
    }
}

pub(super) fn encoded(parts: &[Part]) -> Vec<Piece> {
    let end = parts.len().saturating_sub(1);
    let piece = |(place, part): (usize, &Part)| match part {
        Part::Hole(hole) => Some(Piece::Hole(*hole)),
        Part::Fixed(text) if text.is_empty() => None,
        Part::Fixed(text) => {
            let mut encoded = set_in(text);
            if place == end {
                end_softly(&mut encoded);
            }
            Some(Piece::Encoded(encoded.into()))
        }
    };
    parts.iter().enumerate().filter_map(piece).collect()
}

/// Bytes in memory, but for the holes.
pub(super) fn length(pieces: &[Piece]) -> usize {
    let of_one = |piece: &Piece| match piece {
        Piece::Encoded(encoded) => encoded.text.len(),
        Piece::Hole(_) => 0,
    };
    pieces.iter().map(of_one).sum()
}

/// Without anything personal, a hole stays empty.
pub(super) fn text_part(to: &mut Message, prepared: &Prepared, personal: Option<&Personal>) {
    let fill = |hole| personal.map_or_else(String::new, |personal| personal.text(hole));
    part(
        to,
        "text/plain",
        prepared,
        Place::Text,
        &prepared.text,
        fill,
    );
}

pub(super) fn alternatives(to: &mut Message, prepared: &Prepared, personal: Option<&Personal>) {
    let boundary = mime::BOUNDARY;
    to.own().extend([
        "Content-Type: multipart/alternative; boundary=\"",
        boundary,
        "\"\r\n\r\n--",
        boundary,
        "\r\n",
    ]);
    text_part(to, prepared, personal);
    to.own().extend(["\r\n--", boundary, "\r\n"]);
    let fill = |hole| personal.map_or_else(String::new, |personal| personal.html(hole));
    part(to, "text/html", prepared, Place::Html, &prepared.html, fill);
    to.own().extend(["\r\n--", boundary, "--\r\n"]);
}

/// The same stands in many holes: it is encoded once.
fn part(
    to: &mut Message,
    kind: &str,
    prepared: &Prepared,
    place: fn(usize) -> Place,
    pieces: &[Piece],
    fill: impl Fn(Hole) -> String,
) {
    to.own().extend([
        "Content-Type: ",
        kind,
        "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    ]);
    let mut fillings = [const { None::<String> }; Hole::ALL.len()];
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Encoded(_) => to.add(prepared, place(index)),
            Piece::Hole(hole) => {
                let filling = &mut fillings[*hole as usize];
                let filling = filling.get_or_insert_with(|| set_in(&fill(*hole)));
                to.own().push_str(filling);
            }
        }
    }
    if let Some(Piece::Hole(_)) = pieces.last() {
        end_softly(to.own());
    }
}

/// A text as it stands between others, each beginning a line.
fn set_in(text: &str) -> String {
    let mut encoded = mime::quoted_printable(text);
    mime::soft_break(&mut encoded);
    encoded
}

/// A soft break at the very end would join the boundary's line to the text.
fn end_softly(encoded: &mut String) {
    if encoded.ends_with("=\r\n") {
        encoded.truncate(encoded.len() - 3);
        encoded.push_str("\r\n");
    }
}
