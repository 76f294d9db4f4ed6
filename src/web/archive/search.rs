//! The search: words, topics and types of research together, as a form that any browser can send.

use axum::extract::{RawQuery, State};
use maud::{Markup, html};

use super::super::{Page, PageError, Site};
use super::entries::{self, PER_PAGE, Place};
use super::topics;
use crate::archive::{self, Counts, Filter, Terms};
use crate::subscription::Language;

/// Letters of what was typed that are looked at and shown again.
const MOST_LETTERS: usize = 200;

/// What the form asked for. Whatever it does not know is passed over.
struct Wanted {
    query: String,
    filter: Filter,
    page: i64,
}

/// One box of a group.
struct Choice<'a> {
    slug: &'a str,
    name: &'a str,
    count: i64,
    is_chosen: bool,
}

pub async fn search(
    State(site): State<Site>,
    language: Language,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let wanted = Wanted::read(&site, query.as_deref().unwrap_or_default());
    let mut tx = site.db.read().await?;
    let counts = archive::counts(&mut tx, &wanted.filter).await?;
    let place = Place::of(wanted.page, counts.total);
    let found = archive::entries(&mut tx, &wanted.filter, PER_PAGE, place.offset()).await?;
    let is_limited = wanted.is_limited();
    let path = wanted.path(place.page);
    let mut page = Page::new(&site, language, language.search_heading())
        .at(path)
        .described(language.search_about(&site.name))
        .wide();
    if is_limited || place.page > 1 {
        page = page.unlisted();
    }
    Ok(page.show(html! {
        h1 { (language.search_heading()) }
        div.columns {
            form.search method="get" action=(language.path("/search")) role="search" {
                (field(language, &wanted.query))
                (filters(&site, language, &wanted.filter, &counts))
            }
            section.results aria-labelledby="found" {
                h2 #found { (language.found(counts.total, is_limited)) }
                @if counts.total == 0 { p { (language.nothing_found()) } }
                (entries::list(&site, language, &found, &wanted.filter.terms))
                (entries::pager(language, place, |page| language.path(&wanted.path(page))))
            }
        }
    }))
}

impl Wanted {
    fn read(site: &Site, query: &str) -> Wanted {
        let mut wanted = Wanted {
            query: String::new(),
            filter: Filter::default(),
            page: 1,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "q" => wanted.query = value.trim().chars().take(MOST_LETTERS).collect(),
                "topic" => {
                    let known = topics::known(site, &value).ok();
                    add(&mut wanted.filter.topics, known.map(|topic| &topic.slug));
                }
                "type" => {
                    let mut types = site.vocabulary.research_types.iter();
                    let known = types.find(|kind| kind.slug == value);
                    add(
                        &mut wanted.filter.research_types,
                        known.map(|kind| &kind.slug),
                    );
                }
                "page" => wanted.page = value.parse().unwrap_or(1),
                _ => {}
            }
        }
        wanted.filter.terms = Terms::read(&wanted.query);
        wanted
    }

    fn is_limited(&self) -> bool {
        let Filter {
            terms,
            topics,
            research_types,
        } = &self.filter;
        !(terms.is_empty() && topics.is_empty() && research_types.is_empty())
    }

    /// The English address of a page of what was found.
    fn path(&self, page: i64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.query.is_empty() {
            query.append_pair("q", &self.query);
        }
        for topic in &self.filter.topics {
            query.append_pair("topic", topic);
        }
        for kind in &self.filter.research_types {
            query.append_pair("type", kind);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/search".to_owned(),
            query => format!("/search?{query}"),
        }
    }
}

fn add(slugs: &mut Vec<String>, slug: Option<&String>) {
    if let Some(slug) = slug.filter(|slug| !slugs.contains(slug)) {
        slugs.push(slug.clone());
    }
}

fn field(language: Language, query: &str) -> Markup {
    html! {
        div.field {
            label for="q" { (language.search_label()) }
            div.row {
                input #q type="search" name="q" value=(query) maxlength=(MOST_LETTERS) aria-describedby="hint" autocomplete="off";
                button { (language.search()) }
            }
            p.small #hint { (language.search_hint()) }
        }
    }
}

fn filters(site: &Site, language: Language, filter: &Filter, counts: &Counts) -> Markup {
    let kinds = site.vocabulary.research_types.iter().map(|kind| Choice {
        slug: &kind.slug,
        name: language.pick(&kind.name, &kind.name_fr),
        count: counts.research_types.get(&kind.slug).copied().unwrap_or(0),
        is_chosen: filter.research_types.contains(&kind.slug),
    });
    let topics = topics::in_order(site, language)
        .into_iter()
        .map(|topic| Choice {
            slug: &topic.slug,
            name: topics::name(language, topic),
            count: counts.topics.get(&topic.slug).copied().unwrap_or(0),
            is_chosen: filter.topics.contains(&topic.slug),
        });
    html! {
        div.filters.not-printed {
            (group(language, "type", language.research_types(), kinds.collect()))
            (group(language, "topic", language.topics(), topics.collect()))
            p.calls {
                button { (language.show_results()) }
                " " a href=(language.path("/search")) { (language.clear()) }
            }
        }
    }
}

/// Boxes that fold away; those that would show nothing are left out.
fn group(language: Language, name: &str, heading: &str, choices: Vec<Choice<'_>>) -> Markup {
    let chosen = choices.iter().filter(|choice| choice.is_chosen).count();
    let useful = |choice: &&Choice<'_>| choice.count > 0 || choice.is_chosen;
    html! {
        details open[chosen > 0] {
            summary { (heading) @if chosen > 0 { " " (language.chosen(chosen)) } }
            div role="group" aria-label=(heading) {
                @for choice in choices.iter().filter(useful) {
                    label.choice {
                        input type="checkbox" name=(name) value=(choice.slug) checked[choice.is_chosen];
                        span { (choice.name) " " span.number { (language.number(choice.count)) } }
                    }
                }
            }
        }
    }
}
