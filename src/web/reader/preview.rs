//! What choices bring: the newest issue as it would go out for them.

use maud::{Markup, html};

use super::Words;
use super::form::Filled;
use crate::config::OnNothing;
use crate::content::{Content, Item};
use crate::db::Tx;
use crate::plan;
use crate::render;
use crate::web::Site;

/// The newest issue for what stands in the form.
pub(super) async fn preview(
    site: &Site,
    tx: &mut Tx,
    words: Words,
    filled: &Filled,
) -> sqlx::Result<Markup> {
    let Some((month, content)) = plan::newest(tx).await? else {
        return Ok(section(words.0.nothing_published(), html! {}));
    };
    Ok(section(
        &words.these_would_bring(month),
        brought(site, words, filled, &content),
    ))
}

fn section(heading: &str, content: Markup) -> Markup {
    html! {
        section #preview.preview tabindex="-1" aria-labelledby="preview-heading" {
            h2 #preview-heading { (heading) }
            (content)
        }
    }
}

fn brought(site: &Site, words: Words, filled: &Filled, content: &Content) -> Markup {
    let preferences = &filled.preferences;
    let covers = render::covers(content, preferences.frequency);
    let items: Vec<&Item> = content.matching(&preferences.choice, covers).collect();
    let rule = preferences.on_nothing;
    let pick = match (items.is_empty(), rule) {
        (true, Some(OnNothing::Pick)) => content.item(1),
        _ => None,
    };
    let shown: Vec<&Item> = items.iter().copied().chain(pick).collect();
    html! {
        p.about { (words.not_kept_yet()) }
        @if items.is_empty() { p { (words.nothing_matches(rule)) } }
        @if !shown.is_empty() { ul.titles { @for item in shown { (line(site, words, item)) } } }
    }
}

fn line(site: &Site, words: Words, item: &Item) -> Markup {
    let summary = &item.summary;
    let topics = site.topic_names(words.0, &summary.topics);
    html! {
        li {
            a href=(words.0.path(&format!("/summaries/{}", item.summary_id))) lang=(summary.language) { (summary.title) }
            @if !topics.is_empty() { " " span.about { (topics.join(" · ")) } }
        }
    }
}
