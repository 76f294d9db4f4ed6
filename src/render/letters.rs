//! A letter becomes a message. Nothing of it is shared with other readers, so it is made in one piece.

use emails::{Also, Asked, Email, Latest, LetterKind, Part};
use uuid::Uuid;

use super::parts::{Encoded, alternatives, encoded, text_part};
use super::shelf::Prepared;
use super::{Message, RenderError, Renderer, day, header, of_frame};
use crate::issue::Month;
use crate::letter::{self, CONFIRM_DAYS, FRESH_HOURS, Letter, Says};
use crate::secret::Purpose;
use crate::subscriber::Subscriber;
use crate::subscription::{Format, Frequency, Language};
use crate::verp;

impl Renderer {
    /// Makes the message of a letter to this subscriber, in the place of what was in `message`.
    pub fn compose_letter(
        &self,
        letter: &Letter,
        subscriber: &Subscriber,
        delivery: i64,
        message: &mut Message,
    ) -> Result<(), RenderError> {
        let email = self.letter(letter, subscriber)?;
        message.return_path = verp::return_path(&self.keys, delivery, &self.house.bounce_domain);
        message.recipient.clone_from(&subscriber.address);
        let message_id = self.keys.delivery_name("message-id", delivery);
        let [html, text] = [email.html, email.text].map(|part| encoded(&[Part::Fixed(part)]));
        let headers = Encoded::default();
        let prepared = Prepared {
            headers,
            html,
            text,
        };
        message.write(None, |to| {
            header::of_letter(
                to.own(),
                &self.house,
                subscriber,
                &message_id,
                &email.subject,
                letter.at,
            );
            match subscriber.format {
                Format::Text => text_part(to, &prepared, None),
                Format::Html => alternatives(to, &prepared, None),
            }
        });
        if let Some(signer) = &self.signer {
            let signatures = signer.sign(message.bytes(), letter.at);
            message.put_before(&signatures);
        }
        Ok(())
    }

    /// Subject, HTML and text of a letter as the reader will see them.
    pub fn letter(&self, letter: &Letter, subscriber: &Subscriber) -> Result<Email, RenderError> {
        let language = letter.language;
        let show = |kind: LetterKind<'_>| {
            emails::letter(&emails::Letter {
                language: of_frame(language),
                publication: &self.house.site_name,
                sender: self.sender(),
                kind,
            })
        };
        let [preferences_url, unsubscribe_url] = &self.links(subscriber.id);
        let urls = match &letter.says {
            Says::Welcome {
                latest: Some(latest),
            } => self.summary_urls(latest),
            Says::ToBeginWith { summaries } => {
                let ids = summaries.iter().map(|(id, ..)| *id);
                ids.map(|id| self.summary_url(id)).collect()
            }
            _ => Vec::new(),
        };
        let confirm = |request: &Uuid| self.link("c", Purpose::Confirm, *request);
        let manage = |request: &Uuid| self.link("m", Purpose::Manage, *request);
        Ok(match &letter.says {
            Says::Confirm {
                request,
                topics,
                research_types,
                frequency,
            } => show(LetterKind::Confirm {
                asked: Asked {
                    topics: &self.topic_names(topics, language),
                    research_types: &self.type_names(research_types, language),
                    frequency: often(*frequency),
                },
                url: &confirm(request),
                days: CONFIRM_DAYS,
            }),
            Says::AlreadySubscribed => show(LetterKind::AlreadySubscribed {
                url: preferences_url,
            }),
            Says::Welcome { latest } => show(LetterKind::Welcome {
                asked: Asked {
                    topics: &self.topic_names(&subscriber.topics, language),
                    research_types: &self.type_names(&subscriber.research_types, language),
                    frequency: often(subscriber.frequency),
                },
                latest: latest
                    .as_ref()
                    .map(|latest| shown(latest, &urls))
                    .transpose()?,
                preferences_url,
                unsubscribe_url,
            }),
            Says::ToBeginWith { summaries } => {
                let summaries = summaries.iter().zip(&urls);
                show(LetterKind::ToBeginWith {
                    summaries: summaries
                        .map(|((_, title, language), url)| Also {
                            title,
                            url,
                            research_type: None,
                            language,
                        })
                        .collect(),
                    preferences_url,
                    unsubscribe_url,
                })
            }
            Says::Goodbye => show(LetterKind::Goodbye {
                undo_url: unsubscribe_url,
            }),
            Says::FreshLink { request } => show(LetterKind::FreshLink {
                url: &manage(request),
                hours: FRESH_HOURS,
            }),
            Says::ConfirmAddress { request } => show(LetterKind::ConfirmAddress {
                url: &confirm(request),
                days: CONFIRM_DAYS,
            }),
            Says::AddressChanged { new_masked } => show(LetterKind::AddressChanged { new_masked }),
            Says::ConsentEnds { until } => show(LetterKind::ConsentEnds {
                until: day(*until),
                url: preferences_url,
                unsubscribe_url,
            }),
            Says::PasswordLink { link } => show(LetterKind::PasswordLink {
                url: &self.link("desk/set", Purpose::Password, *link),
                hours: FRESH_HOURS,
            }),
            Says::ExportReady { request } => show(LetterKind::ExportReady {
                url: &manage(request),
                hours: FRESH_HOURS,
            }),
        })
    }

    fn link(&self, page: &str, purpose: Purpose, of: Uuid) -> String {
        let token = self.keys.link(purpose, of);
        format!("{}/{page}/{token}", self.house.site_url)
    }

    fn summary_urls(&self, latest: &letter::Latest) -> Vec<String> {
        let ids = latest.summaries.iter().map(|(id, _)| *id);
        ids.map(|id| self.summary_url(id)).collect()
    }

    fn summary_url(&self, id: i64) -> String {
        format!("{}/summaries/{id}", self.house.site_url)
    }

    fn type_names<'a>(&'a self, slugs: &'a [String], language: Language) -> Vec<&'a str> {
        let slugs = slugs.iter();
        slugs
            .filter_map(|slug| self.type_name(Some(slug), language))
            .collect()
    }
}

/// The language of its titles is not kept with a letter: the publication's own is English.
fn shown<'a>(latest: &'a letter::Latest, urls: &'a [String]) -> Result<Latest<'a>, RenderError> {
    let month: Month = latest.month.parse()?;
    let summaries = latest.summaries.iter().zip(urls);
    let also = |((_, title), url): (&'a (i64, String), &'a String)| Also {
        title,
        url,
        research_type: None,
        language: "en",
    };
    Ok(Latest {
        month: emails::Month {
            year: month.year,
            month: month.month,
        },
        summaries: summaries.map(also).collect(),
    })
}

fn often(frequency: Frequency) -> emails::Frequency {
    match frequency {
        Frequency::Monthly => emails::Frequency::Monthly,
        Frequency::Quarterly => emails::Frequency::Quarterly,
    }
}
