//! Rendering: a delivery becomes an envelope and a message, the same bytes each time it is tried.

mod house;
mod parts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Datelike, Utc};
use emails::{Also, Digest, Period, Reader, Sender, Summary};
use uuid::Uuid;

pub use self::house::House;
use self::parts::{Piece, alternatives, encoded, text_part};
use crate::content::{Content, Item, Occasion, Selection};
use crate::dkim::Signer;
use crate::issue::Month;
use crate::mime;
use crate::secret::{Keys, Purpose};
use crate::subscriber::Subscriber;
use crate::subscription::{Format, Frequency, Language};
use crate::topic::Vocabulary;
use crate::verp;

/// A message as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Message {
    /// The envelope's sender; names the delivery.
    pub return_path: String,
    /// The envelope's recipient.
    pub recipient: String,
    pub bytes: Vec<u8>,
}

/// Campaigns whose content and renderings are kept in memory.
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
    frozen: Mutex<HashMap<i64, Arc<Frozen>>>,
    prepared: Mutex<HashMap<Shared, Arc<Prepared>>>,
}

/// Why a delivery cannot become a message.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the delivery's selection cannot be read")]
    Selection(#[from] crate::content::SelectionError),
    #[error("the campaign's month cannot be read")]
    Month(#[from] crate::issue::MonthError),
}

/// What readers with the same rendering have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shared {
    campaign: i64,
    selection: Selection,
    frequency: Frequency,
    language: Language,
}

/// A rendering, its pieces encoded for the wire.
struct Prepared {
    /// Header fields that are the same for all of its readers.
    headers: String,
    html: Vec<Piece>,
    text: Vec<Piece>,
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
            frozen: Mutex::default(),
            prepared: Mutex::default(),
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
        let prepared = self.prepared(frozen, selection, subscriber)?;
        let bytes = self.compose(&prepared, subscriber, delivery);
        let mut signed = match &self.signer {
            Some(signer) => signer.sign(bytes.as_bytes(), frozen.date),
            None => String::new(),
        };
        signed.push_str(&bytes);
        Ok(Message {
            return_path: verp::return_path(&self.keys, delivery, &self.house.bounce_domain),
            recipient: subscriber.address.clone(),
            bytes: signed.into_bytes(),
        })
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
        Ok(self.for_reader(subscriber, |reader| template.fill(reader)))
    }

    /// A campaign's content, if it has been asked for before.
    pub fn frozen(&self, campaign: i64) -> Option<Arc<Frozen>> {
        self.frozen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&campaign)
            .cloned()
    }

    /// Remembers a campaign's content: it never changes.
    pub fn remember(&self, frozen: Frozen) -> Arc<Frozen> {
        let frozen = Arc::new(frozen);
        let mut known = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_CAMPAIGNS {
            known.clear();
            self.prepared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
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

    fn prepared(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
    ) -> Result<Arc<Prepared>, RenderError> {
        let shared = Shared {
            campaign: frozen.campaign,
            selection: selection.clone(),
            frequency: subscriber.frequency,
            language: subscriber.language,
        };
        let known = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = known().get(&shared) {
            return Ok(prepared.clone());
        }
        let template = self.template(frozen, selection, shared.frequency, shared.language)?;
        let prepared = Arc::new(Prepared {
            headers: self.shared_headers(frozen, &template.subject, &shared),
            html: encoded(&template.html),
            text: encoded(&template.text),
        });
        known().insert(shared, prepared.clone());
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
            sender: Sender {
                name: self
                    .house
                    .from
                    .name
                    .as_deref()
                    .unwrap_or(&self.house.site_name),
                postal_address: &self.house.postal_address,
                contact: &self.house.contact,
            },
            view_url: &view_url,
            archive_url: &archive_url,
        }))
    }

    fn in_full<'a>(&'a self, item: &'a Item, url: &'a str, language: Language) -> Summary<'a> {
        let summary = &item.summary;
        Summary {
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

    fn shared_headers(&self, frozen: &Frozen, subject: &str, shared: &Shared) -> String {
        let house = &self.house;
        let owner = house.reply_to.email.to_string();
        let mut headers = String::new();
        let to = &mut headers;
        let from_name = house.from.name.as_deref().unwrap_or(&house.site_name);
        mime::mailbox_field(to, "From", from_name, house.from.email.as_ref());
        mime::mailbox_field(
            to,
            "Reply-To",
            house.reply_to.name.as_deref().unwrap_or_default(),
            &owner,
        );
        mime::text_field(to, "Subject", subject);
        mime::list_field(to, "Date", &[&frozen.date.to_rfc2822()]);
        mime::mailbox_field(
            to,
            "List-Id",
            &house.site_name,
            &format!("digest.{}", house.from.email.domain()),
        );
        mime::list_field(
            to,
            "List-Help",
            &[&format!("<mailto:{owner}?subject=help>")],
        );
        mime::list_field(to, "List-Owner", &[&format!("<mailto:{owner}>")]);
        mime::list_field(
            to,
            "List-Archive",
            &[&format!("<{}/issues>", house.site_url)],
        );
        mime::list_field(to, "Precedence", &["bulk"]);
        mime::list_field(to, "Auto-Submitted", &["auto-generated"]);
        let sender_id = sender_id(house.from.email.domain());
        let feedback = format!(
            "{}:{}:{}:{sender_id}",
            frozen.content.month, shared.frequency, shared.language
        );
        mime::list_field(to, "Feedback-ID", &[&feedback]);
        mime::list_field(to, "MIME-Version", &["1.0"]);
        headers
    }

    fn compose(&self, prepared: &Prepared, subscriber: &Subscriber, delivery: i64) -> String {
        let [_, leave] = self.links(subscriber.id);
        let mut message = String::with_capacity(64 * 1024);
        let to = &mut message;
        mime::mailbox_field(to, "To", &subscriber.name, &subscriber.address);
        let domain = self.house.from.email.domain();
        let message_id = format!(
            "<{}@{domain}>",
            self.keys.delivery_name("message-id", delivery)
        );
        mime::list_field(to, "Message-ID", &[&message_id]);
        let by_mail = format!("<mailto:{}?subject=unsubscribe>", self.house.reply_to.email);
        mime::list_field(to, "List-Unsubscribe", &[&format!("<{leave}>"), &by_mail]);
        mime::list_field(to, "List-Unsubscribe-Post", &["List-Unsubscribe=One-Click"]);
        to.push_str(&prepared.headers);
        self.for_reader(subscriber, |reader| match subscriber.format {
            Format::Text => text_part(to, &prepared.text, |hole| {
                reader.text(hole, of_frame(subscriber.language))
            }),
            Format::Html => alternatives(
                to,
                &prepared.html,
                &prepared.text,
                reader,
                of_frame(subscriber.language),
            ),
        });
        message
    }

    fn for_reader<T>(&self, subscriber: &Subscriber, use_reader: impl FnOnce(&Reader) -> T) -> T {
        let [preferences, unsubscribe] = self.links(subscriber.id);
        let topics = self.topic_names(&subscriber.topics, subscriber.language);
        let research_types: Vec<&str> = subscriber
            .research_types
            .iter()
            .filter_map(|slug| self.type_name(Some(slug), subscriber.language))
            .collect();
        use_reader(&Reader {
            topics: &topics,
            research_types: &research_types,
            since: Some(emails::Date {
                year: subscriber.since.year(),
                month: subscriber.since.month(),
                day: subscriber.since.day(),
            }),
            source: None,
            preferences_url: &preferences,
            unsubscribe_url: &unsubscribe,
        })
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

/// Gmail's SenderId: 5 to 15 letters and digits, the same in all mail of the sender.
fn sender_id(domain: &str) -> String {
    let letters = domain
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase());
    letters.chain("bulletin".chars()).take(15).collect()
}
