//! The passage of a text in which a search found something, with the words marked.

use super::words::{Terms, words};

/// Words of a passage.
const LENGTH: usize = 44;

/// Words of it that stand before the first one found.
const LEAD: usize = 8;

/// A piece of a passage, and whether it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    pub is_found: bool,
}

/// A part of a longer text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage<'a> {
    pub pieces: Vec<Piece<'a>>,
    /// Something was left out before it.
    pub is_cut_before: bool,
    pub is_cut_after: bool,
}

/// The whole of a text with what was looked for marked.
pub fn marked<'a>(text: &'a str, terms: &Terms) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut end = 0;
    for (place, word) in words(text) {
        if terms.place(&word).is_some() {
            pieces.push(plain(&text[end..place.start]));
            end = place.end;
            pieces.push(Piece {
                text: &text[place],
                is_found: true,
            });
        }
    }
    pieces.push(plain(&text[end..]));
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The passage with the most of the terms in it, the first one of several; the opening when there is none.
pub fn passage<'a>(paragraphs: &'a [String], terms: &Terms) -> Option<Passage<'a>> {
    let mut best: Option<(usize, Passage<'a>)> = None;
    for text in paragraphs.iter().filter(|text| !text.trim().is_empty()) {
        let (found, passage) = best_of(text, terms);
        if best.as_ref().is_none_or(|(most, _)| found > *most) {
            best = Some((found, passage));
        }
        if found == terms.len() {
            break;
        }
    }
    best.map(|(_, passage)| passage)
}

fn best_of<'a>(text: &'a str, terms: &Terms) -> (usize, Passage<'a>) {
    // An opening is all that is shown where nothing is looked for.
    let read = match terms.is_empty() {
        true => LENGTH + 1,
        false => usize::MAX,
    };
    let words: Vec<_> = words(text).take(read).collect();
    let places: Vec<(usize, usize)> = words
        .iter()
        .enumerate()
        .filter_map(|(at, (_, word))| Some((at, terms.place(word)?)))
        .collect();
    let distinct = |places: &[(usize, usize)]| {
        let mut seen = vec![false; terms.len()];
        let within = |at: usize| at < places[0].0 + LENGTH - LEAD;
        for (_, term) in places.iter().take_while(|(at, _)| within(*at)) {
            seen[*term] = true;
        }
        seen.iter().filter(|seen| **seen).count()
    };
    let mut best = (0, 0);
    for from in 0..places.len() {
        let count = distinct(&places[from..]);
        if count > best.0 {
            best = (count, places[from].0);
        }
        if count == terms.len() {
            break;
        }
    }
    let last = words.len().saturating_sub(LENGTH);
    let first = best.1.saturating_sub(LEAD).min(last);
    let start = match first {
        0 => 0,
        first => words[first].0.start,
    };
    let is_cut_after = first + LENGTH < words.len();
    let end = match is_cut_after {
        true => words[first + LENGTH - 1].0.end,
        false => text.len(),
    };
    let passage = Passage {
        pieces: marked(&text[start..end], terms),
        is_cut_before: start > 0,
        is_cut_after,
    };
    (best.0, passage)
}

fn plain(text: &str) -> Piece<'_> {
    Piece {
        text,
        is_found: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece<'_>]) -> String {
        let piece = |piece: &Piece<'_>| match piece.is_found {
            true => format!("[{}]", piece.text),
            false => piece.text.to_owned(),
        };
        pieces.iter().map(piece).collect()
    }

    #[test]
    fn words_that_were_looked_for_are_marked_as_they_stand() {
        let terms = Terms::read("alliances ete");
        let text = "L’Alliance de l’<b>ÉTÉ</b>, et l’étendue.";
        assert_eq!(
            shown(&marked(text, &terms)),
            "L’[Alliance] de l’<b>[ÉTÉ]</b>, et l’étendue."
        );
    }

    #[test]
    fn a_passage_is_where_most_terms_stand_together() {
        let far: String = (0..100).map(|n| format!("w{n} ")).collect();
        let text = format!("alone {far} both alone and together {far}");
        let paragraphs = ["nothing".to_owned(), text];
        let terms = Terms::read("alone together");
        let passage = passage(&paragraphs, &terms).unwrap();
        assert!(passage.is_cut_before && passage.is_cut_after);
        let shown = shown(&passage.pieces);
        assert!(shown.contains("both [alone] and [together] w0"), "{shown}");
        assert_eq!(words(&shown).count(), LENGTH);
    }

    #[test]
    fn without_anything_found_it_is_the_opening() {
        let paragraphs = ["One two.".to_owned(), "Three.".to_owned()];
        let passage = passage(&paragraphs, &Terms::default()).unwrap();
        assert_eq!(shown(&passage.pieces), "One two.");
        assert!(!passage.is_cut_after);
        assert_eq!(super::passage(&[], &Terms::default()), None);
    }

    proptest::proptest! {
        #[test]
        fn a_marked_text_is_the_same_text(text in ".{0,80}", query in ".{0,12}") {
            let terms = Terms::read(&query);
            let all: String = marked(&text, &terms).iter().map(|piece| piece.text).collect();
            proptest::prop_assert_eq!(&all, &text);
            passage(&[text], &terms);
        }
    }
}
