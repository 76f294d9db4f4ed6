//! Rendering: a delivery becomes an envelope and a message, the same bytes each time it is tried.

mod configured;
mod header;
mod house;
mod letters;
mod message;
mod parts;
mod proofs;
mod shelf;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Datelike, Utc};
use emails::{Also, Digest, Period, Personal, Reader, Sender, Summary};
use uuid::Uuid;

pub use self::configured::NotReady;
pub use self::house::House;
pub use self::message::Message;
use self::parts::{alternatives, encoded, text_part};
use self::shelf::{Edition, Place, Prepared, Shelf};
use crate::content::{Content, Item, Occasion, Selection};
use crate::dkim::Signer;
use crate::issue::Month;
use crate::secret::{Keys, Purpose};
use crate::subscriber::Subscriber;
use crate::subscription::{Format, Frequency, Language};
use crate::topic::Vocabulary;
use crate::verp;

/// Campaigns whose content is kept in memory.
const MOST_CAMPAIGNS: usize = 8;

/// A campaign's frozen content, as rendering needs it.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub campaign: i64,
    pub content: Content,
    /// The date that every message of the campaign bears.
    pub date: DateTime<Utc>,
}

/// Makes messages. Each content is rendered and encoded once for each language; readers' own parts are set in.
pub struct Renderer {
    house: House,
    keys: Keys,
    signer: Option<Signer>,
    vocabulary: Vocabulary,
    frozen: RwLock<HashMap<i64, Arc<Frozen>>>,
    prepared: Shelf,
}

/// Why a delivery cannot become a message.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the delivery's selection cannot be read")]
    Selection(#[from] crate::content::SelectionError),
    #[error("the campaign's month cannot be read")]
    Month(#[from] crate::issue::MonthError),
}

impl Renderer {
    pub fn new(
        house: House,
        keys: Keys,
        signer: Option<Signer>,
        vocabulary: Vocabulary,
    ) -> Renderer {
        Renderer {
            house,
            keys,
            signer,
            vocabulary,
            frozen: RwLock::default(),
            prepared: Shelf::default(),
        }
    }

    /// The message of `delivery`: the part of `frozen` that `selection` names, for this subscriber.
    pub fn message(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
        delivery: i64,
    ) -> Result<Message, RenderError> {
        let mut message = Message::default();
        self.compose(frozen, selection, subscriber, delivery, &mut message)?;
        Ok(message)
    }

    /// The same into `message`, in the place of what was there: a connection keeps one, and its memory.
    pub fn compose(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
        delivery: i64,
        message: &mut Message,
    ) -> Result<(), RenderError> {
        let prepared = self.prepared(frozen, selection, subscriber)?;
        message.return_path = verp::return_path(&self.keys, delivery, &self.house.bounce_domain);
        message.recipient.clone_from(&subscriber.address);
        // A signature is made of the whole.
        let shared = self.signer.is_none().then_some(&prepared);
        message.write(shared, |to| {
            self.write(&prepared, subscriber, delivery, to);
        });
        if let Some(signer) = &self.signer {
            let signatures = signer.sign(message.bytes(), frozen.date);
            message.put_before(&signatures);
        }
        Ok(())
    }

    /// Subject, HTML and text as the reader will see them.
    pub fn email(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
    ) -> Result<emails::Email, RenderError> {
        let template =
            self.template(frozen, selection, subscriber.frequency, subscriber.language)?;
        let links = self.links(subscriber.id);
        let language = of_frame(subscriber.language);
        Ok(template.fill(&self.personal(subscriber, &links, language)))
    }

    /// A campaign's content, if it has been asked for before.
    pub fn frozen(&self, campaign: i64) -> Option<Arc<Frozen>> {
        let known = self.frozen.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&campaign).cloned()
    }

    /// Remembers a campaign's content: it never changes.
    pub fn remember(&self, frozen: Frozen) -> Arc<Frozen> {
        let frozen = Arc::new(frozen);
        let mut known = self.frozen.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_CAMPAIGNS {
            known.clear();
        }
        known.insert(frozen.campaign, frozen.clone());
        frozen
    }

    /// Where a reader changes what they get, and where they leave. Short, so that a header line can hold them.
    pub fn links(&self, reader: Uuid) -> [String; 2] {
        [("p", Purpose::Preferences), ("u", Purpose::Unsubscribe)].map(|(page, purpose)| {
            format!(
                "{}/{page}/{}",
                self.house.site_url,
                self.keys.link(purpose, reader)
            )
        })
    }

    /// Where a reader wishes for more or fewer like a summary, which is named behind it.
    fn wish_url(&self, reader: Uuid) -> String {
        let token = self.keys.link(Purpose::Feedback, reader);
        format!("{}/s/{token}", self.house.site_url)
    }

    fn prepared(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
    ) -> Result<Arc<Prepared>, RenderError> {
        let edition = Edition {
            campaign: frozen.campaign,
            frequency: subscriber.frequency,
            language: subscriber.language,
        };
        if let Some(prepared) = self.prepared.get(edition, selection) {
            return Ok(prepared);
        }
        let template = self.template(frozen, selection, edition.frequency, edition.language)?;
        let prepared = Arc::new(Prepared {
            headers: header::shared(&self.house, frozen, &template.subject, edition).into(),
            html: encoded(&template.html),
            text: encoded(&template.text),
        });
        self.prepared.put(edition, selection, prepared.clone());
        Ok(prepared)
    }

    fn template(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        frequency: Frequency,
        language: Language,
    ) -> Result<emails::Template, RenderError> {
        let content = &frozen.content;
        let month: Month = content.month.parse()?;
        let url = |item: &Item| format!("{}/summaries/{}", self.house.site_url, item.summary_id);
        let covers = covers(content, frequency);
        let full: Vec<(&Item, String)> = selection
            .full
            .iter()
            .filter_map(|p| content.item(*p))
            .map(|item| (item, url(item)))
            .collect();
        let rest: Vec<(&Item, String)> = content
            .rest(selection, covers)
            .into_iter()
            .map(|item| (item, url(item)))
            .collect();
        let view_url = format!("{}/issues/{}", self.house.site_url, content.month);
        let archive_url = format!("{}/issues", self.house.site_url);
        Ok(emails::digest(&Digest {
            language: of_frame(language),
            publication: &self.house.site_name,
            period: period(month, frequency),
            teaser: content
                .teaser
                .as_deref()
                .filter(|_| frequency == Frequency::Monthly),
            summaries: full
                .iter()
                .map(|(item, url)| self.in_full(item, url, language))
                .collect(),
            also: rest
                .iter()
                .map(|(item, url)| self.by_title(item, url, language))
                .collect(),
            occasion: match selection.occasion {
                Occasion::Matched => emails::Occasion::Matched,
                Occasion::Note => emails::Occasion::NothingMatched,
                Occasion::Pick => emails::Occasion::EditorsPick,
            },
            sender: self.sender(),
            view_url: &view_url,
            archive_url: &archive_url,
        }))
    }

    fn sender(&self) -> Sender<'_> {
        let house = &self.house;
        Sender {
            name: house.from.name.as_deref().unwrap_or(&house.site_name),
            postal_address: &house.postal_address,
            contact: &house.contact,
        }
    }

    fn in_full<'a>(&'a self, item: &'a Item, url: &'a str, language: Language) -> Summary<'a> {
        let summary = &item.summary;
        Summary {
            id: Some(item.summary_id),
            title: &summary.title,
            url,
            citation: summary.citation.as_deref(),
            doi: summary.doi.as_deref(),
            research_type: self.type_name(summary.research_type.as_deref(), language),
            summary: summary.summary.iter().map(String::as_str).collect(),
            implications: summary.implications.iter().map(String::as_str).collect(),
            topics: self.topic_names(&summary.topics, language),
            language: &summary.language,
        }
    }

    fn by_title<'a>(&'a self, item: &'a Item, url: &'a str, language: Language) -> Also<'a> {
        Also {
            title: &item.summary.title,
            url,
            research_type: self.type_name(item.summary.research_type.as_deref(), language),
            language: &item.summary.language,
        }
    }

    fn topic_names<'a>(&'a self, slugs: &'a [String], language: Language) -> Vec<&'a str> {
        slugs
            .iter()
            .map(|slug| match (self.vocabulary.topic(slug), language) {
                (Some(topic), Language::English) => topic.name.as_str(),
                (Some(topic), Language::French) => topic.name_fr.as_str(),
                (None, _) => slug,
            })
            .collect()
    }

    fn type_name<'a>(&'a self, slug: Option<&'a str>, language: Language) -> Option<&'a str> {
        let slug = slug?;
        Some(match (self.vocabulary.research_type(slug), language) {
            (Some(kind), Language::English) => kind.name.as_str(),
            (Some(kind), Language::French) => kind.name_fr.as_str(),
            (None, _) => slug,
        })
    }

    /// Header and body, unsigned.
    fn write(&self, prepared: &Prepared, subscriber: &Subscriber, delivery: i64, to: &mut Message) {
        let links = self.links(subscriber.id);
        let message_id = self.keys.delivery_name("message-id", delivery);
        let leave_name = verp::leave(&self.keys, delivery);
        let house = &self.house;
        let own = to.own();
        header::personal(own, house, subscriber, &message_id, &links[1], &leave_name);
        to.add(prepared, Place::Headers);
        let language = of_frame(subscriber.language);
        let personal = self.personal(subscriber, &links, language);
        match subscriber.format {
            Format::Text => text_part(to, prepared, Some(&personal)),
            Format::Html => alternatives(to, prepared, Some(&personal)),
        }
    }

    /// What goes into the holes for this reader.
    fn personal(
        &self,
        subscriber: &Subscriber,
        [preferences, unsubscribe]: &[String; 2],
        language: emails::Language,
    ) -> Personal {
        let topics = self.topic_names(&subscriber.topics, subscriber.language);
        let research_types: Vec<&str> = subscriber
            .research_types
            .iter()
            .filter_map(|slug| self.type_name(Some(slug), subscriber.language))
            .collect();
        let reader = Reader {
            topics: &topics,
            research_types: &research_types,
            since: Some(day(subscriber.since)),
            source: None,
            wish_url: &self.wish_url(subscriber.id),
            preferences_url: preferences,
            unsubscribe_url: unsubscribe,
        };
        reader.personal(language)
    }
}

/// The day of a moment, by UTC.
fn day(at: DateTime<Utc>) -> emails::Date {
    emails::Date {
        year: at.year(),
        month: at.month(),
        day: at.day(),
    }
}

/// How many of the content's items concern readers of this frequency.
pub fn covers(content: &Content, frequency: Frequency) -> usize {
    match frequency {
        Frequency::Monthly => content.this_month,
        Frequency::Quarterly => content.items.len(),
    }
}

fn period(month: Month, frequency: Frequency) -> Period {
    let of = |month: Month| emails::Month {
        year: month.year,
        month: month.month,
    };
    match frequency {
        Frequency::Monthly => Period::Month(of(month)),
        Frequency::Quarterly => Period::Quarter {
            first: of(Month {
                month: month.month.saturating_sub(2).max(1),
                ..month
            }),
            last: of(month),
        },
    }
}

fn of_frame(language: Language) -> emails::Language {
    match language {
        Language::English => emails::Language::English,
        Language::French => emails::Language::French,
    }
}
