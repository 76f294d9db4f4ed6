//! The form of a reader's choices: shown as they are, and read from what a browser sends.

use std::collections::HashSet;

use chrono_tz::{TZ_VARIANTS, Tz};
use maud::{Markup, html};

use super::Words;
use crate::config::OnNothing;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{Choice, Format, Frequency, Language, Preferences};
use crate::topic::Vocabulary;
use crate::web::fields::{Line, radios, tick};

/// What stands in the form.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    pub preferences: Preferences,
    pub name: String,
    pub time_zone: String,
}

/// What has to be mended before the form can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Name,
    TimeZone,
}

impl Filled {
    /// What the reader has chosen.
    pub(super) fn of(reader: &Subscriber) -> Filled {
        Filled {
            preferences: reader.preferences(),
            name: reader.name.clone(),
            time_zone: reader.time_zone.clone(),
        }
    }

    /// What came from the form of this reader's page; `None` when a value is none of the form's.
    pub(super) fn read(
        vocabulary: &Vocabulary,
        reader: &Subscriber,
        body: &[u8],
    ) -> Option<Filled> {
        let mut filled = Filled::of(reader);
        let (mut topics, mut research_types) = (Vec::new(), Vec::new());
        let mut named = HashSet::new();
        filled.preferences.on_nothing = None;
        for (name, value) in form_urlencoded::parse(body) {
            let preferences = &mut filled.preferences;
            match name.as_ref() {
                "topics" => topics.push(vocabulary.topic(&value)?.slug.clone()),
                "research_types" => {
                    research_types.push(vocabulary.research_type(&value)?.slug.clone());
                }
                "frequency" => preferences.frequency = value.parse().ok()?,
                "format" => preferences.format = value.parse().ok()?,
                "language" => preferences.language = value.parse().ok()?,
                "on_nothing" if value.is_empty() => {}
                "on_nothing" => preferences.on_nothing = Some(value.parse().ok()?),
                "name" => filled.name = value.split_whitespace().collect::<Vec<_>>().join(" "),
                "time_zone" => filled.time_zone = value.trim().to_owned(),
                _ => return None,
            }
            named.insert(name);
        }
        // A form that came without these was cut on its way; taking it would reset what the reader chose.
        let is_whole = ["frequency", "format", "language"];
        if !is_whole.iter().all(|name| named.contains(*name)) {
            return None;
        }
        filled.preferences.choice = Choice::new(topics, research_types);
        Some(filled)
    }

    /// The zone as it is kept; what is to be mended where something is.
    pub(super) fn checked(&self) -> Result<Filled, Wrong> {
        if !subscriber::is_a_name(&self.name) {
            return Err(Wrong::Name);
        }
        Ok(Filled {
            time_zone: zone(&self.time_zone).ok_or(Wrong::TimeZone)?.to_owned(),
            ..self.clone()
        })
    }
}

/// The fields, each with what stands in it.
pub(super) fn fields(
    vocabulary: &Vocabulary,
    words: Words,
    filled: &Filled,
    wrong: Option<Wrong>,
) -> Markup {
    let preferences = &filled.preferences;
    html! {
        (topics(vocabulary, words, &preferences.choice))
        (types(vocabulary, words, &preferences.choice))
        div.side-by-side {
            (radios("frequency", words.0.how_often(), Frequency::ALL, preferences.frequency, |value| (value.as_str(), words.0.often(value))))
            (radios("format", words.0.form_of_mail(), Format::ALL, preferences.format, |value| (value.as_str(), words.0.form(value))))
            (radios("on_nothing", words.on_nothing(), &RULES, preferences.on_nothing, |value| (value.map_or("", OnNothing::as_str), words.then(value))))
            (radios("language", words.0.language_of_mail(), Language::ALL, preferences.language, |value| (value.as_str(), value.own_name())))
        }
        fieldset {
            legend { (words.about_you()) }
            (name(words, filled, wrong))
            (time_zone(words, filled, wrong))
            datalist #zones { @for zone in places() { option value=(zone); } }
        }
    }
}

fn name(words: Words, filled: &Filled, wrong: Option<Wrong>) -> Markup {
    Line {
        name: "name",
        autocomplete: "name",
        label: words.name(),
        value: &filled.name,
        wrong: (wrong == Some(Wrong::Name)).then(|| words.0.name_too_long()),
        ..Line::default()
    }
    .markup()
}

fn time_zone(words: Words, filled: &Filled, wrong: Option<Wrong>) -> Markup {
    Line {
        name: "time_zone",
        autocomplete: "off",
        label: words.time_zone(),
        hint: Some(words.time_zone_hint()),
        value: &filled.time_zone,
        wrong: (wrong == Some(Wrong::TimeZone)).then(|| words.not_a_zone()),
        list: Some("zones"),
        ..Line::default()
    }
    .markup()
}

const RULES: [Option<OnNothing>; 4] = [
    None,
    Some(OnNothing::Skip),
    Some(OnNothing::Note),
    Some(OnNothing::Pick),
];

fn topics(vocabulary: &Vocabulary, words: Words, choice: &Choice) -> Markup {
    let all = &vocabulary.topics;
    let chosen = all
        .iter()
        .filter(|topic| choice.topics().contains(&topic.slug));
    html! {
        fieldset {
            legend { (words.topics()) }
            p.about { (words.chosen(chosen.count(), all.len())) }
            div.choices {
                @for topic in all {
                    (tick("topics", &topic.slug, words.0.pick(&topic.name, &topic.name_fr), &html! { (words.0.pick(&topic.description, &topic.description_fr)) }, choice.topics().contains(&topic.slug)))
                }
            }
        }
    }
}

fn types(vocabulary: &Vocabulary, words: Words, choice: &Choice) -> Markup {
    let all = &vocabulary.research_types;
    let is_chosen = |slug: &String| choice.research_types().contains(slug);
    let chosen = all.iter().filter(|kind| is_chosen(&kind.slug));
    html! {
        fieldset {
            legend { (words.types()) }
            p.about { (words.chosen(chosen.count(), all.len())) }
            div.choices {
                @for kind in all {
                    (tick("research_types", &kind.slug, words.0.pick(&kind.name, &kind.name_fr), &html! { (words.0.pick(&kind.description, &kind.description_fr)) }, is_chosen(&kind.slug)))
                }
            }
        }
    }
}

/// Zones that are named after places, and none of the old names for them.
fn places() -> impl Iterator<Item = &'static str> {
    const REGIONS: [&str; 10] = [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    names.filter(|name| REGIONS.iter().any(|region| name.starts_with(region)))
}

/// The IANA name of a zone as a person writes it; empty for none. `None` where there is no such zone.
fn zone(written: &str) -> Option<&'static str> {
    if written.is_empty() {
        return Some("");
    }
    let written = written.replace(' ', "_");
    let mut zones = TZ_VARIANTS.iter().copied().map(Tz::name);
    zones.find(|name| name.eq_ignore_ascii_case(&written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_as_people_write_it() {
        assert_eq!(zone(""), Some(""));
        assert_eq!(zone("america/toronto"), Some("America/Toronto"));
        assert_eq!(zone("America/New York"), Some("America/New_York"));
        assert_eq!(zone("Mars/Olympus"), None);
        assert!(places().any(|name| name == "Europe/Paris"));
    }
}
