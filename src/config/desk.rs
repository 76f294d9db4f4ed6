//! Settings of the editor's desk.

use super::reader::Reader;

/// What the desk asks of who sends.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    /// Whether a second person has to agree before anything is sent.
    pub second_person: bool,
    /// How many readers may be sent to by orders of one day; 0: any number.
    pub most_per_day: i64,
    /// From so many readers on, their number has to be typed; 0: never.
    pub typed_from: i64,
}

pub(super) fn desk(from: &mut Reader<'_>) -> Option<Desk> {
    let number = |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0);
    let second_person = from.optional("desk.second_person", "true or false");
    let most_per_day = from.parsed("desk.most_per_day", "a number of readers, or 0", number);
    let typed_from = from.parsed("desk.typed_from", "a number of readers, or 0", number);
    Some(Desk {
        second_person: second_person?,
        most_per_day: most_per_day?,
        typed_from: typed_from?,
    })
}
