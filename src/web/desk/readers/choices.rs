//! The fields of a form with what a reader chose, as an editor fills it in.

use chrono_tz::Tz;
use maud::{Markup, html};

use super::super::{Posted, Visit};
use super::words;
use crate::config::OnNothing;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{Choice, Format, Frequency, Language, Preferences};
use crate::web::fields::{Line, radios, tick};

/// What stands in the form.
#[derive(Clone)]
pub(super) struct Choices {
    pub name: String,
    pub time_zone: String,
    pub preferences: Preferences,
}

const RULES: [Option<OnNothing>; 4] = [
    None,
    Some(OnNothing::Skip),
    Some(OnNothing::Note),
    Some(OnNothing::Pick),
];

impl Choices {
    /// Everything, each month, in the editor's own language.
    pub fn new(visit: &Visit) -> Choices {
        Choices {
            name: String::new(),
            time_zone: String::new(),
            preferences: Preferences::usual(visit.language()),
        }
    }

    pub fn of(reader: &Subscriber) -> Choices {
        Choices {
            name: reader.name.clone(),
            time_zone: reader.time_zone.clone(),
            preferences: reader.preferences(),
        }
    }

    /// What was sent, and what has to be mended in it, if anything.
    pub fn read(visit: &Visit, posted: &Posted) -> (Choices, Option<String>) {
        let vocabulary = &visit.desk.site.vocabulary;
        let topics = vocabulary.topics.iter().map(|known| &known.slug);
        let kinds = vocabulary.research_types.iter().map(|known| &known.slug);
        let [chosen, types] = [posted.all("topics"), posted.all("research_types")];
        let mut choices = Choices::new(visit);
        choices.preferences.choice = Choice::new(
            topics
                .filter(|slug| chosen.contains(&slug.as_str()))
                .cloned()
                .collect(),
            kinds
                .filter(|slug| types.contains(&slug.as_str()))
                .cloned()
                .collect(),
        );
        let preferences = &mut choices.preferences;
        let words = (
            posted.get("frequency").parse(),
            posted.get("format").parse(),
            posted.get("language").parse(),
        );
        let is_whole = match words {
            (Ok(frequency), Ok(format), Ok(language)) => {
                (
                    preferences.frequency,
                    preferences.format,
                    preferences.language,
                ) = (frequency, format, language);
                true
            }
            _ => false,
        };
        preferences.on_nothing = posted.get("on_nothing").parse().ok();
        choices.name = posted
            .get("name")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        choices.time_zone = posted.get("time_zone").trim().replace(' ', "_");
        let wrong = choices.wrong(visit, is_whole);
        (choices, wrong)
    }

    fn wrong(&self, visit: &Visit, is_whole: bool) -> Option<String> {
        let zone = &self.time_zone;
        let why = if !is_whole {
            visit.say(
                "The form came in part only. Go back, load the page anew and try again.",
                "Le formulaire est arrivé incomplet. Revenez en arrière, rechargez la page et réessayez.",
            )
        } else if !subscriber::is_a_name(&self.name) {
            visit.say(
                "The name is longer than 200 characters, or holds signs that no name has.",
                "Le nom dépasse 200 caractères ou contient des signes qu’aucun nom ne comporte.",
            )
        } else if !zone.is_empty() && zone.parse::<Tz>().is_err() {
            visit.say(
                "There is no such time zone: write it as America/Toronto, or leave it empty.",
                "Ce fuseau horaire n’existe pas : écrivez America/Toronto par exemple, ou laissez vide.",
            )
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    pub fn fields(&self, visit: &Visit) -> Markup {
        let preferences = &self.preferences;
        html! {
            div.side-by-side {
                (Line { name: "name", autocomplete: "off", label: visit.say("Name", "Nom"), value: &self.name, ..Line::default() }.markup())
                (Line {
                    name: "time_zone", autocomplete: "off", label: visit.say("Time zone", "Fuseau horaire"),
                    hint: Some(visit.say("As America/Toronto; empty for the publication’s", "Par exemple America/Toronto ; vide pour celui de la publication")),
                    value: &self.time_zone, ..Line::default()
                }.markup())
            }
            (self.slugs(visit))
            div.side-by-side {
                (radios("frequency", visit.say("How often", "Fréquence"), Frequency::ALL, preferences.frequency, |one| (one.as_str(), words::frequency(visit, one))))
                (radios("format", visit.say("Form of the mails", "Forme des messages"), Format::ALL, preferences.format, |one| (one.as_str(), words::format(visit, one))))
                (radios("language", visit.say("Language of the mails", "Langue des messages"), Language::ALL, preferences.language, |one| (one.as_str(), one.own_name())))
                (radios("on_nothing", visit.say("When nothing matches", "Quand rien ne correspond"), &RULES, preferences.on_nothing, |one| (one.map_or("", OnNothing::as_str), rule(visit, one))))
            }
        }
    }

    fn slugs(&self, visit: &Visit) -> Markup {
        let (language, vocabulary) = (visit.language(), &visit.desk.site.vocabulary);
        let choice = &self.preferences.choice;
        let about = visit.say(
            "None ticked means all of them.",
            "Aucune case cochée : tous.",
        );
        html! {
            fieldset {
                legend { (visit.say("Topics", "Thèmes")) }
                p.about { (about) }
                div.choices {
                    @for one in &vocabulary.topics {
                        (tick("topics", &one.slug, language.pick(&one.name, &one.name_fr), &html! {}, choice.topics().contains(&one.slug)))
                    }
                }
            }
            fieldset {
                legend { (visit.say("Types of research", "Types de recherche")) }
                p.about { (about) }
                div.choices {
                    @for one in &vocabulary.research_types {
                        (tick("research_types", &one.slug, language.pick(&one.name, &one.name_fr), &html! {}, choice.research_types().contains(&one.slug)))
                    }
                }
            }
        }
    }
}

fn rule(visit: &Visit, rule: Option<OnNothing>) -> &str {
    match rule {
        None => visit.say("as the publication does", "comme la publication"),
        Some(OnNothing::Skip) => visit.say("no mail", "aucun message"),
        Some(OnNothing::Note) => visit.say("a line that says so", "une ligne qui le dit"),
        Some(OnNothing::Pick) => visit.say("the editor’s pick", "le choix de la rédaction"),
    }
}
