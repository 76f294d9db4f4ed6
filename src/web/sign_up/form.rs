//! The sign-up form: read from what a browser sends, and shown again as it was filled in.

use maud::{Markup, html};

use crate::request::Form;
use crate::subscriber::{self, Address};
use crate::subscription::{Format, Frequency, Language};
use crate::topic::Vocabulary;
use crate::web::Site;
use crate::web::asking::{Carried, NotYet};
use crate::web::fields::{Line, radios, tick};
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
    pub carried: Carried,
    /// The button was the one that only shows.
    pub only_shows: bool,
}

/// What has to be mended before the form can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Address,
    Name,
    NotYet(NotYet),
}

impl Wrong {
    fn words(self, language: Language) -> &'static str {
        match self {
            Wrong::Address => language.not_an_address(),
            Wrong::Name => language.name_too_long(),
            Wrong::NotYet(why) => why.words(language),
        }
    }

    /// What nothing in the form can mend.
    pub(super) fn not_yet(self) -> Option<NotYet> {
        match self {
            Wrong::NotYet(why) => Some(why),
            Wrong::Address | Wrong::Name => None,
        }
    }
}

impl Filled {
    /// The form as it opens. Nothing is ticked beforehand but the topics that the link named.
    pub(super) fn empty(language: Language, topics: Vec<String>, carried: Carried) -> Filled {
        Filled {
            address: String::new(),
            name: String::new(),
            topics,
            research_types: Vec::new(),
            frequency: Frequency::Monthly,
            format: Format::Html,
            language,
            carried,
            only_shows: false,
        }
    }

    /// `None` when a value is none of the form's.
    pub(super) fn read(body: &[u8], vocabulary: &Vocabulary, of_page: Language) -> Option<Filled> {
        let mut filled = Filled::empty(of_page, Vec::new(), Carried::default());
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
                "action" => filled.only_shows = value == "show",
                _ => filled.carried.take(&name, &value),
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
                @if let Some(why) = self.wrong.and_then(Wrong::not_yet) {
                    div.wrong role="alert" { p { (why.words(language)) } }
                }
                (filled.carried.fields(language))
                (self.address())
                (self.name())
                (self.topics())
                details open[!filled.research_types.is_empty()] {
                    summary { (language.more_choices()) }
                    (self.types())
                    (radios("frequency", language.how_often(), Frequency::ALL, filled.frequency, |value| (value.as_str(), language.often(value))))
                    (radios("format", language.form_of_mail(), Format::ALL, filled.format, |value| (value.as_str(), language.form(value))))
                    (radios("language", language.language_of_mail(), Language::ALL, filled.language, |value| (value.as_str(), value.own_name())))
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

    fn address(&self) -> Markup {
        let wrong =
            (self.wrong == Some(Wrong::Address)).then(|| Wrong::Address.words(self.language));
        let label = self.language.address();
        let hint = Some(self.language.address_hint());
        Line {
            hint,
            ..Line::address(label, &self.filled.address, wrong)
        }
        .markup()
    }

    fn name(&self) -> Markup {
        Line {
            name: "name",
            autocomplete: "name",
            label: self.language.your_name(),
            value: &self.filled.name,
            wrong: (self.wrong == Some(Wrong::Name)).then(|| Wrong::Name.words(self.language)),
            ..Line::default()
        }
        .markup()
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
                        (tick("topics", &topic.slug, language.pick(&topic.name, &topic.name_fr), &html! {
                            (language.pick(&topic.description, &topic.description_fr))
                            @let count = of(&topic.slug);
                            @if count > 0 { " " span.count { (language.in_the_last_year(count)) } }
                        }, self.filled.topics.contains(&topic.slug)))
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
                        (tick("research_types", &kind.slug, language.pick(&kind.name, &kind.name_fr), &html! {
                            (language.pick(&kind.description, &kind.description_fr))
                        }, self.filled.research_types.contains(&kind.slug)))
                    }
                }
            }
        }
    }
}
