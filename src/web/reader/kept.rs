//! What became of a form that was kept: said in words, with something to read on the topics that came.

use maud::{Markup, html};

use super::Words;
use super::form::Filled;
use crate::archive::{self, Entry, Filter};
use crate::db::Tx;
use crate::subscription::Language;
use crate::topic::Topic;
use crate::web::Site;

/// Summaries that are offered for each new topic.
const OFFERED: i64 = 3;

/// With more new topics, what is offered is folded away.
const MOST_OPEN: usize = 3;

/// What differs between what was chosen and what is.
pub(super) struct Changes {
    lines: Vec<String>,
    /// Slugs of topics that were not chosen before.
    added: Vec<String>,
}

impl Changes {
    pub(super) fn between(site: &Site, words: Words, before: &Filled, after: &Filled) -> Changes {
        let [was, is] = [before, after].map(|filled| &filled.preferences);
        let (old, new) = (was.choice.topics(), is.choice.topics());
        let names = |slugs: &[String]| site.topic_names(words.0, slugs);
        let mut lines = listed(words, words.topics(), old, new, names);
        let added = if old.is_empty() {
            Vec::new()
        } else {
            missing(new, old)
        };
        let (old, new) = (was.choice.research_types(), is.choice.research_types());
        let names = |slugs: &[String]| type_names(site, words.0, slugs);
        lines.extend(listed(words, words.types(), old, new, names));
        let mut say = |what, differs: bool, to: &str| {
            if differs {
                lines.push(words.changed(what, to));
            }
        };
        say(
            words.0.how_often(),
            was.frequency != is.frequency,
            words.0.often(is.frequency),
        );
        say(
            words.on_nothing(),
            was.on_nothing != is.on_nothing,
            words.then(is.on_nothing),
        );
        say(
            words.0.form_of_mail(),
            was.format != is.format,
            words.0.form(is.format),
        );
        say(
            words.0.language_of_mail(),
            was.language != is.language,
            is.language.own_name(),
        );
        let or_none = |text: &'_ str| {
            if text.is_empty() {
                words.none().to_owned()
            } else {
                text.to_owned()
            }
        };
        say(
            words.name_is(),
            before.name != after.name,
            &or_none(&after.name),
        );
        say(
            words.zone_is(),
            before.time_zone != after.time_zone,
            &or_none(&after.time_zone),
        );
        Changes { lines, added }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Said at the head of the page. `gets_mail`: whether a digest will follow it.
    pub(super) fn said(&self, words: Words, gets_mail: bool) -> Markup {
        html! {
            div.done role="status" {
                p { (words.kept(gets_mail)) }
                @if self.is_empty() { p { (words.nothing_was_different()) } } @else {
                    ul { @for line in &self.lines { li { (line) } } }
                }
            }
        }
    }

    /// The newest on each topic that was added.
    pub(super) async fn to_begin_with(
        &self,
        site: &Site,
        tx: &mut Tx,
        words: Words,
        token: &str,
    ) -> sqlx::Result<Markup> {
        if self.added.is_empty() {
            return Ok(html! {});
        }
        let offered = newest(site, tx, &self.added).await?;
        let is_open = offered.len() <= MOST_OPEN;
        Ok(html! {
            section.to-begin-with {
                h2 { (words.to_begin_with()) }
                p { (words.newest_on()) }
                @for (topic, entries) in &offered {
                    details open[is_open] {
                        summary { (words.0.pick(&topic.name, &topic.name_fr)) }
                        (titles(words, entries))
                    }
                }
                @if offered.iter().any(|(_, entries)| !entries.is_empty()) {
                    form.buttons method="post" action=(format!("/p/{token}/newest")) aria-label=(words.mail_them_to_me()) {
                        @for topic in &self.added { input type="hidden" name="topics" value=(topic); }
                        button.quiet { (words.mail_them_to_me()) }
                    }
                }
            }
        })
    }
}

/// The newest summaries on each of these topics, in the vocabulary's order.
pub(super) async fn newest<'a>(
    site: &'a Site,
    tx: &mut Tx,
    slugs: &[String],
) -> sqlx::Result<Vec<(&'a Topic, Vec<Entry>)>> {
    let topics = site.vocabulary.topics.iter();
    let mut newest = Vec::new();
    for topic in topics.filter(|topic| slugs.contains(&topic.slug)) {
        let filter = Filter {
            topics: vec![topic.slug.clone()],
            ..Filter::default()
        };
        newest.push((topic, archive::entries(tx, &filter, OFFERED, 0).await?));
    }
    Ok(newest)
}

fn titles(words: Words, entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() { p { (words.nothing_on_it_yet()) } } @else {
            ul.titles {
                @for entry in entries {
                    li {
                        a href=(words.0.path(&format!("/summaries/{}", entry.id))) lang=(entry.language) { (entry.title) }
                        " " span.about { (words.0.month(entry.month)) }
                    }
                }
            }
        }
    }
}

/// What became of one of the two lists, of which an empty one stands for everything.
fn listed(
    words: Words,
    what: &str,
    was: &[String],
    is: &[String],
    names: impl Fn(&[String]) -> Vec<String>,
) -> Vec<String> {
    let say = |how: &str, slugs: &[String]| {
        let named = (!slugs.is_empty()).then(|| names(slugs).join(", "));
        named.map(|names| words.changed(&format!("{what} {how}"), &names))
    };
    let said = match (was.is_empty(), is.is_empty()) {
        (true, true) => [None, None],
        (false, true) => [Some(words.changed(what, words.all_of_them())), None],
        (true, false) => [say(words.only(), is), None],
        (false, false) => [
            say(words.added(), &missing(is, was)),
            say(words.taken_out(), &missing(was, is)),
        ],
    };
    said.into_iter().flatten().collect()
}

/// What of `these` is not among `those`.
fn missing(these: &[String], those: &[String]) -> Vec<String> {
    let left = these.iter().filter(|slug| !those.contains(slug));
    left.cloned().collect()
}

fn type_names(site: &Site, language: Language, slugs: &[String]) -> Vec<String> {
    let types = site.vocabulary.research_types.iter();
    types
        .filter(|kind| slugs.contains(&kind.slug))
        .map(|kind| language.pick(&kind.name, &kind.name_fr).clone())
        .collect()
}
