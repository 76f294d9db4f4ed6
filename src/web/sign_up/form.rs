//! The sign-up form: read from what a browser sends, and shown again as it was filled in.

use maud::{Markup, html};

use crate::request::Form;
use crate::subscriber::{self, Address};
use crate::subscription::{Format, Frequency, Language};
use crate::topic::Vocabulary;
use crate::web::Site;
use crate::web::words::CONSENT_TEXT;

/// What stands in the form.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    pub address: String,
    pub name: String,
    pub topics: Vec<String>,
    pub research_types: Vec<String>,
    pub frequency: Frequency,
    pub format: Format,
    pub language: Language,
    /// Nobody sees this field; programs fill in everything.
    pub website: String,
    pub ticket: String,
    pub nonce: String,
    /// The button was the one that only shows.
    pub only_shows: bool,
}

/// What has to be mended before the form can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Address,
    Name,
    PressAgain,
    ManyAreAsking,
}

impl Wrong {
    fn words(self, language: Language) -> &'static str {
        match self {
            Wrong::Address => language.not_an_address(),
            Wrong::Name => language.name_too_long(),
            Wrong::PressAgain => language.press_again(),
            Wrong::ManyAreAsking => language.many_are_asking(),
        }
    }

    /// The field that it is about.
    fn field(self) -> Option<&'static str> {
        match self {
            Wrong::Address => Some("address"),
            Wrong::Name => Some("name"),
            Wrong::PressAgain | Wrong::ManyAreAsking => None,
        }
    }
}

impl Filled {
    /// The form as it opens. Nothing is ticked beforehand but the topics that the link named.
    pub(super) fn empty(language: Language, topics: Vec<String>, ticket: String) -> Filled {
        Filled {
            address: String::new(),
            name: String::new(),
            topics,
            research_types: Vec::new(),
            frequency: Frequency::Monthly,
            format: Format::Html,
            language,
            website: String::new(),
            ticket,
            nonce: String::new(),
            only_shows: false,
        }
    }

    /// `None` when a value is none of the form's.
    pub(super) fn read(body: &[u8], vocabulary: &Vocabulary, of_page: Language) -> Option<Filled> {
        let mut filled = Filled::empty(of_page, Vec::new(), String::new());
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "address" => filled.address = value.trim().to_owned(),
                "name" => filled.name = value.trim().to_owned(),
                "topics" => filled.topics.push(vocabulary.topic(&value)?.slug.clone()),
                "research_types" => {
                    let kind = vocabulary.research_type(&value)?;
                    filled.research_types.push(kind.slug.clone());
                }
                "frequency" => filled.frequency = value.parse().ok()?,
                "format" => filled.format = value.parse().ok()?,
                "language" => filled.language = value.parse().ok()?,
                "website" => filled.website = value.into_owned(),
                "ticket" => filled.ticket = value.into_owned(),
                "nonce" => filled.nonce = value.into_owned(),
                "action" => filled.only_shows = value == "show",
                _ => return None,
            }
        }
        Some(filled)
    }

    /// The address, or what is wrong.
    pub(super) fn address(&self) -> Result<Address, Wrong> {
        match subscriber::is_a_name(&self.name) {
            true => Address::parse(&self.address).map_err(|_| Wrong::Address),
            false => Err(Wrong::Name),
        }
    }

    /// What a request keeps of it.
    pub(super) fn kept(&self, page: &str) -> Form {
        Form {
            name: self.name.clone(),
            topics: self.topics.clone(),
            research_types: self.research_types.clone(),
            frequency: self.frequency,
            format: self.format,
            language: self.language,
            page: page.to_owned(),
            text: CONSENT_TEXT.to_owned(),
        }
    }
}

/// How a form is shown.
pub(super) struct Shown<'a> {
    pub site: &'a Site,
    pub language: Language,
    pub filled: &'a Filled,
    pub wrong: Option<Wrong>,
    /// How many summaries each topic had in the last year.
    pub counts: &'a [(String, i64)],
    /// How many zero bits of work a script is to find.
    pub work: Option<u32>,
}

impl Shown<'_> {
    pub(super) fn markup(&self) -> Markup {
        let (language, filled) = (self.language, self.filled);
        html! {
            form.sign-up method="post" action=(language.path("/subscribe")) data-work=[self.work] {
                (self.complaint())
                input type="hidden" name="ticket" value=(filled.ticket);
                input type="hidden" name="nonce" value=(filled.nonce);
                (self.text_field("address", "email", "email", language.address(), &filled.address, Some(language.address_hint())))
                (self.text_field("name", "text", "name", language.your_name(), &filled.name, None))
                p.trap aria-hidden="true" {
                    label for="website" { (language.leave_this_empty()) }
                    input #website type="text" name="website" value=(filled.website) tabindex="-1" autocomplete="off";
                }
                (self.topics())
                details open[!filled.research_types.is_empty()] {
                    summary { (language.more_choices()) }
                    (self.types())
                    (self.radios("frequency", language.how_often(), &[
                        (Frequency::Monthly.as_str(), language.often(Frequency::Monthly), filled.frequency == Frequency::Monthly),
                        (Frequency::Quarterly.as_str(), language.often(Frequency::Quarterly), filled.frequency == Frequency::Quarterly),
                    ]))
                    (self.radios("format", language.form_of_mail(), &[
                        (Format::Html.as_str(), language.with_layout(), filled.format == Format::Html),
                        (Format::Text.as_str(), language.text_alone(), filled.format == Format::Text),
                    ]))
                    (self.radios("language", language.language_of_mail(), &[
                        (Language::English.as_str(), Language::English.own_name(), filled.language == Language::English),
                        (Language::French.as_str(), Language::French.own_name(), filled.language == Language::French),
                    ]))
                }
                p.small { (language.consent(&self.site.name, &self.site.publisher.name)) }
                p.buttons {
                    button type="submit" { (language.sign_me_up()) }
                    button.quiet type="submit" name="action" value="show" formnovalidate { (language.see_what_you_would_get()) }
                }
            }
            @if self.work.is_some() { script src="/work.js" {} }
        }
    }

    /// What is wrong, first thing in the form, with the way to the field.
    fn complaint(&self) -> Markup {
        let Some(wrong) = self.wrong else {
            return html! {};
        };
        let words = wrong.words(self.language);
        html! {
            div.wrong role="alert" {
                @match wrong.field() {
                    Some(field) => p { a href=(format!("#{field}")) { (words) } },
                    None => p { (words) },
                }
            }
        }
    }

    fn text_field(
        &self,
        name: &str,
        kind: &str,
        autocomplete: &str,
        label: &str,
        value: &str,
        hint: Option<&str>,
    ) -> Markup {
        let is_wrong = self.wrong.and_then(Wrong::field) == Some(name);
        let hint_id = hint.map(|_| format!("{name}-hint"));
        html! {
            div.field {
                label for=(name) { (label) }
                @if let (Some(hint), Some(id)) = (hint, &hint_id) { p.about id=(id) { (hint) } }
                input id=(name) name=(name) type=(kind) value=(value) autocomplete=(autocomplete) maxlength="254"
                    required[name == "address"] aria-invalid=[is_wrong.then_some("true")] aria-describedby=[hint_id];
            }
        }
    }

    fn topics(&self) -> Markup {
        let language = self.language;
        let of = |slug: &str| {
            let counted = self.counts.iter().find(|(topic, _)| topic == slug);
            counted.map_or(0, |(_, count)| *count)
        };
        html! {
            fieldset {
                legend { (language.choose_topics()) }
                p.about { (language.none_means_all()) }
                div.choices {
                    @for topic in &self.site.vocabulary.topics {
                        (choice("checkbox", "topics", &topic.slug, language.pick(&topic.name, &topic.name_fr), self.filled.topics.contains(&topic.slug), html! {
                            (language.pick(&topic.description, &topic.description_fr))
                            @let count = of(&topic.slug);
                            @if count > 0 { " " span.count { (language.in_the_last_year(count)) } }
                        }))
                    }
                }
            }
        }
    }

    fn types(&self) -> Markup {
        let language = self.language;
        html! {
            fieldset {
                legend { (language.choose_types()) }
                p.about { (language.none_means_all_types()) }
                div.choices {
                    @for kind in &self.site.vocabulary.research_types {
                        (choice("checkbox", "research_types", &kind.slug, language.pick(&kind.name, &kind.name_fr), self.filled.research_types.contains(&kind.slug), html! {
                            (language.pick(&kind.description, &kind.description_fr))
                        }))
                    }
                }
            }
        }
    }

    fn radios(&self, name: &str, legend: &str, choices: &[(&str, &str, bool)]) -> Markup {
        html! {
            fieldset {
                legend { (legend) }
                @for (value, label, chosen) in choices {
                    (choice("radio", name, value, label, *chosen, html! {}))
                }
            }
        }
    }
}

fn choice(kind: &str, name: &str, value: &str, label: &str, chosen: bool, about: Markup) -> Markup {
    html! {
        label.choice {
            input type=(kind) name=(name) value=(value) checked[chosen];
            span { span.name { (label) } @if !about.0.is_empty() { span.about { (about) } } }
        }
    }
}
