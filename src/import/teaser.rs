//! 'This month … I blog about …': the line that announces a month, and which month it fits.

use std::collections::HashSet;

use crate::issue::Summary;

use super::blocks::Block;

/// The announcing line among `blocks`, as published, with its line in the file. Where the sentence
/// breaks off at a comma, the next line belongs to it.
pub(super) fn find(blocks: &[Block]) -> Option<(usize, String)> {
    let at = blocks
        .iter()
        .position(|block| subject(&block.text).is_some())?;
    let mut teaser = blocks[at].text.clone();
    if let Some(next) = blocks.get(at + 1).filter(|_| teaser.ends_with(',')) {
        teaser = format!("{teaser} {}", next.text);
    }
    Some((blocks[at].line, teaser))
}

/// Whether the teaser announces these summaries: more than half of its items share a word with a
/// title. On a page of older months it announces a month that the page does not hold.
pub(super) fn fits(teaser: &str, summaries: &[Summary]) -> bool {
    let titles: HashSet<String> = summaries
        .iter()
        .flat_map(|s| distinctive(&s.title))
        .collect();
    let items: Vec<Vec<String>> = subject(teaser)
        .unwrap_or_default()
        .split([',', ';'])
        .filter(|item| item.contains(char::is_alphabetic))
        .map(distinctive)
        .collect();
    let fitting = items
        .iter()
        .filter(|words| words.iter().any(|word| titles.contains(word)));
    fitting.count() * 2 > items.len()
}

/// What the teaser is about; nothing if the line is not a teaser.
fn subject(line: &str) -> Option<&str> {
    const VERBS: [&str; 6] = [
        "blog",
        "blogged",
        "write",
        "wrote",
        "summarize",
        "summarise",
    ];
    let head = &line[..line.floor_char_boundary(60)];
    let lower = head.to_ascii_lowercase().replace("this month", "");
    let mut words = lower
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty());
    let is_opened = matches!(words.next(), Some("i" | "we"));
    let verb = words.next().filter(|verb| VERBS.contains(verb));
    if !is_opened || verb.is_none() {
        return None;
    }
    match words.next() {
        Some("about" | "on") => head
            .to_ascii_lowercase()
            .find(if lower.contains(" about") {
                " about"
            } else {
                " on"
            })
            .and_then(|at| line[at + 1..].split_once(' '))
            .map(|(_, subject)| subject),
        _ => None,
    }
}

/// Stems that every study of the field could have, so that they tell no title from another.
const EVERYDAY: &str = "about after among and are aspect based best between both can client clinical clinici different \
    disorde does during effect effecti efficac evidenc finding for from health how important into \
    interve less mental meta analysi more most need new not outcome patient people practic psychol \
    psychot really respond research researc result study studie than that the their them therape \
    therapi therapy these they this those treatme treat use useful using versus what when which who \
    whom why will with work";

/// The words that set a title apart in this field, cut to a stem.
fn distinctive(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphabetic())
        .map(|word| word.to_lowercase())
        .map(|word| word.strip_suffix('s').unwrap_or(&word).to_owned())
        .map(|word| word.chars().take(7).collect::<String>())
        .filter(|word| {
            word.chars().count() >= 3 && !EVERYDAY.split(' ').any(|everyday| everyday == word)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> Summary {
        Summary {
            title: title.to_owned(),
            ..Summary::default()
        }
    }

    #[test]
    fn the_announcing_line_is_known_in_its_forms() {
        for line in [
            "…I blog about alliance, and empathy.",
            "... I blog about alliance, and empathy.",
            "This month...I blog about alliance, and empathy.",
            "This month I write about alliance, and empathy.",
            "This month, we blog about alliance, and empathy.",
        ] {
            assert_eq!(subject(line), Some("alliance, and empathy."), "{line}");
        }
        assert_eq!(subject("The network's blog began in 2013."), None);
        assert_eq!(subject("I blogged yesterday."), None);
    }

    #[test]
    fn a_teaser_fits_the_month_whose_titles_it_announces() {
        let teaser = "…I blog about burnout in therapists, telepsychology, and patient outcomes.";
        let announced = [
            titled("Therapist Burnout"),
            titled("The Telepsychology Revolution"),
        ];
        assert!(fits(teaser, &announced));
        assert!(!fits(
            teaser,
            &[
                titled("Patient Outcomes of Psychotherapy"),
                titled("Burnout")
            ]
        ));
        assert!(!fits("…I blog about", &announced));
    }
}
