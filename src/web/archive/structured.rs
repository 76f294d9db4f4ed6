//! What machines read of a summary's page (schema.org).

use serde_json::{Value, json};

use super::super::Site;
use crate::archive::Kept;
use crate::citation::{Reference, doi};
use crate::issue::Month;
use crate::subscription::Language;

/// A review of a scholarly article.
pub(super) fn review(site: &Site, language: Language, month: Month, kept: &Kept) -> Value {
    let summary = &kept.summary;
    let url = |path: &str| site.url(&language.path(path));
    let topics = summary.topics.iter();
    let topics = topics.filter_map(|slug| site.vocabulary.topic(slug));
    let about: Vec<&str> = topics
        .map(|topic| language.pick(topic.name.as_str(), topic.name_fr.as_str()))
        .collect();
    let text = summary.summary.iter().chain(&summary.implications);
    let organisation =
        json!({"@type": "Organization", "name": site.publisher.name, "url": url("/")});
    json!({
        "@context": "https://schema.org",
        "@type": "Review",
        "@id": url(&format!("/summaries/{}", kept.id)),
        "url": url(&format!("/summaries/{}", kept.id)),
        "name": summary.title,
        "inLanguage": summary.language,
        "datePublished": month.to_string(),
        "author": organisation,
        "publisher": organisation,
        "about": about,
        "reviewBody": text.map(String::as_str).collect::<Vec<_>>().join("\n\n"),
        "isPartOf": {
            "@type": "PublicationIssue",
            "name": language.month(month),
            "url": url(&format!("/issues/{month}")),
            "isPartOf": {"@type": "Periodical", "name": site.name, "url": url("/")},
        },
        "itemReviewed": article(kept),
    })
}

/// The study, as far as its citation tells.
fn article(kept: &Kept) -> Value {
    let summary = &kept.summary;
    let citation = summary.citation.as_deref().unwrap_or_default();
    let study = Reference::read(citation, summary.doi.as_deref());
    let mut article = json!({"@type": "ScholarlyArticle", "name": summary.title});
    if let Some(study) = &study {
        article["name"] = json!(study.title);
        article["author"] = study.authors.iter().map(author).collect();
        article["datePublished"] = json!(study.year);
        if let Some(journal) = &study.journal {
            article["isPartOf"] = json!({"@type": "Periodical", "name": journal});
        }
    }
    if let Some(doi) = &summary.doi {
        article["sameAs"] = json!(doi::url(doi));
        article["identifier"] =
            json!({"@type": "PropertyValue", "propertyID": "DOI", "value": doi});
    }
    article
}

fn author(author: &crate::citation::Author) -> Value {
    match author.given.is_empty() {
        true => json!({"@type": "Organization", "name": author.family}),
        false => json!({"@type": "Person", "familyName": author.family, "givenName": author.given,
            "name": format!("{} {}", author.given, author.family)}),
    }
}
