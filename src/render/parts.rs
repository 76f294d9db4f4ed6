//! A message's body: pieces encoded once, with what is the reader's own set in between.

use emails::{Hole, Part, Personal};

use crate::mime;

pub(super) enum Piece {
    Encoded(String),
    Hole(Hole),
}

pub(super) fn encoded(parts: &[Part]) -> Vec<Piece> {
    let piece = |part: &Part| match part {
        Part::Hole(hole) => Piece::Hole(*hole),
        Part::Fixed(text) => {
            let mut encoded = mime::quoted_printable(text);
            mime::soft_break(&mut encoded);
            encoded.shrink_to_fit();
            Piece::Encoded(encoded)
        }
    };
    parts.iter().map(piece).collect()
}

/// Bytes in memory, but for the holes.
pub(super) fn length(pieces: &[Piece]) -> usize {
    let of_one = |piece: &Piece| match piece {
        Piece::Encoded(encoded) => encoded.len(),
        Piece::Hole(_) => 0,
    };
    pieces.iter().map(of_one).sum()
}

/// Without anything personal, a hole stays empty.
pub(super) fn text_part(to: &mut String, pieces: &[Piece], personal: Option<&Personal>) {
    let fill = |hole| personal.map(|personal| personal.text(hole));
    part(to, "text/plain", pieces, |hole| {
        fill(hole).unwrap_or_default()
    });
}

pub(super) fn alternatives(
    to: &mut String,
    html: &[Piece],
    text: &[Piece],
    personal: Option<&Personal>,
) {
    let boundary = mime::BOUNDARY;
    to.push_str(&format!(
        "Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
    ));
    text_part(to, text, personal);
    to.push_str(&format!("\r\n--{boundary}\r\n"));
    let fill = |hole| personal.map(|personal| personal.html(hole));
    part(to, "text/html", html, |hole| fill(hole).unwrap_or_default());
    to.push_str(&format!("\r\n--{boundary}--\r\n"));
}

fn part(to: &mut String, kind: &str, pieces: &[Piece], fill: impl Fn(Hole) -> String) {
    to.push_str(&format!(
        "Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    ));
    let start = to.len();
    for piece in pieces {
        match piece {
            Piece::Encoded(encoded) => to.push_str(encoded),
            Piece::Hole(hole) => {
                to.push_str(&mime::quoted_printable(&fill(*hole)));
                mime::soft_break(to);
            }
        }
    }
    // A soft break at the very end would join the boundary's line to the text.
    if to.len() > start && to.ends_with("=\r\n") {
        to.truncate(to.len() - 3);
        to.push_str("\r\n");
    }
}
