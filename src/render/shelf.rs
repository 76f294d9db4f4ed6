//! Renderings, kept for the readers who share them, in memory that does not grow with the list.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::parts::{Encoded, Piece, length};
use crate::content::Selection;
use crate::subscription::{Frequency, Language};

/// Bytes of renderings that are kept: some 300 digests. A month seldom has more, but the orders in which many
/// summaries can stand have no bound.
const MOST_BYTES: usize = 16 << 20;

/// What readers with the same rendering have in common besides their selection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Edition {
    pub campaign: i64,
    pub frequency: Frequency,
    pub language: Language,
}

/// A rendering, its pieces encoded for the wire.
pub(super) struct Prepared {
    /// Header fields that are the same for all of its readers.
    pub headers: Encoded,
    pub html: Vec<Piece>,
    pub text: Vec<Piece>,
}

/// Where a piece of a rendering stands.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Headers,
    Html(usize),
    Text(usize),
}

/// The renderings asked for lately.
#[derive(Default)]
pub(super) struct Shelf(RwLock<Generations>);

/// When the young have filled their half of the room, they become the old ones, and the old ones that nobody has asked
/// for meanwhile are gone.
#[derive(Default)]
struct Generations {
    young: Renderings,
    old: Renderings,
    bytes_of_young: usize,
}

/// Nested, so that to look one up takes no copy of the selection.
type Renderings = HashMap<Edition, HashMap<Selection, Arc<Prepared>>>;

impl Shelf {
    pub(super) fn get(&self, edition: Edition, selection: &Selection) -> Option<Arc<Prepared>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let find = |among: &Renderings| among.get(&edition)?.get(selection).cloned();
        if let Some(prepared) = find(&known.young) {
            return Some(prepared);
        }
        let prepared = find(&known.old)?;
        drop(known);
        self.put(edition, selection, prepared.clone());
        Some(prepared)
    }

    pub(super) fn put(&self, edition: Edition, selection: &Selection, prepared: Arc<Prepared>) {
        let bytes = prepared.length();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.bytes_of_young + bytes > MOST_BYTES / 2 {
            known.old = std::mem::take(&mut known.young);
            known.bytes_of_young = 0;
        }
        let young = known.young.entry(edition).or_default();
        if young.insert(selection.clone(), prepared).is_none() {
            known.bytes_of_young += bytes;
        }
    }
}

impl Prepared {
    /// The piece at a place where there is one, and no hole.
    pub(super) fn at(&self, place: Place) -> &Encoded {
        let piece = match place {
            Place::Headers => return &self.headers,
            Place::Html(index) => &self.html[index],
            Place::Text(index) => &self.text[index],
        };
        match piece {
            Piece::Encoded(encoded) => encoded,
            Piece::Hole(_) => unreachable!("a hole has no text of its own"),
        }
    }

    fn length(&self) -> usize {
        self.headers.text.len() + length(&self.html) + length(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITION: Edition = Edition {
        campaign: 1,
        frequency: Frequency::Monthly,
        language: Language::English,
    };

    fn prepared(bytes: usize) -> Arc<Prepared> {
        Arc::new(Prepared {
            headers: "x".repeat(bytes).into(),
            html: Vec::new(),
            text: Vec::new(),
        })
    }

    fn selection(position: usize) -> Selection {
        position.to_string().parse().unwrap()
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let shelf = Shelf::default();
        let tenth = MOST_BYTES / 10;
        for position in 0..100 {
            shelf.put(EDITION, &selection(position), prepared(tenth));
            assert!(shelf.get(EDITION, &selection(0)).is_some());
        }
        let kept = (0..100).filter(|position| {
            let known = shelf.0.read().unwrap();
            let holds = |among: &Renderings| among[&EDITION].contains_key(&selection(*position));
            holds(&known.young) || holds(&known.old)
        });
        assert!((4..=10).contains(&kept.count()));
        let other = Edition {
            campaign: 2,
            ..EDITION
        };
        assert!(shelf.get(other, &selection(0)).is_none());
    }

    #[test]
    fn a_rendering_larger_than_the_room_is_kept_alone() {
        let shelf = Shelf::default();
        shelf.put(EDITION, &selection(1), prepared(2 * MOST_BYTES));
        shelf.put(EDITION, &selection(2), prepared(2 * MOST_BYTES));
        shelf.put(EDITION, &selection(3), prepared(1));
        assert!(shelf.get(EDITION, &selection(1)).is_none());
    }
}
