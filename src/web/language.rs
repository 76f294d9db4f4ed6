//! Which of the two languages a page is in.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

use crate::subscription::Language;

/// Under this path the public pages stand in French.
pub(super) const FRENCH: &str = "/fr";

/// The language of a public page follows from its address alone, so that a link means the same for everybody.
impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Infallible> {
        let whole = parts.extensions.get::<OriginalUri>();
        let path = whole.map_or(parts.uri.path(), |whole| whole.path());
        Ok(Language::of_path(path))
    }
}

impl Language {
    pub(super) fn of_path(path: &str) -> Language {
        let rest = path.strip_prefix(FRENCH);
        match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            true => Language::French,
            false => Language::English,
        }
    }

    /// For a page whose address says nothing of a language, and whose reader is not known: what the browser asks for
    /// first (RFC 9110 section 12.5.4).
    pub fn asked_for(headers: &HeaderMap) -> Language {
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let weight = |language: &str| {
            let ranges = accepted.unwrap_or_default().split(',');
            ranges
                .filter_map(|range| {
                    let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
                    let primary = tag.trim().split('-').next().unwrap_or_default();
                    let weight = rest.trim().strip_prefix("q=");
                    let weight: f32 =
                        weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
                    primary.eq_ignore_ascii_case(language).then_some(weight)
                })
                .fold(0.0, f32::max)
        };
        match weight("fr") > weight("en") {
            true => Language::French,
            false => Language::English,
        }
    }

    /// Where the page of an English path stands in this language.
    pub fn path(self, english: &str) -> String {
        match (self, english) {
            (Language::English, path) => path.to_owned(),
            (Language::French, "/") => FRENCH.to_owned(),
            (Language::French, path) => format!("{FRENCH}{path}"),
        }
    }

    pub fn other(self) -> Language {
        match self {
            Language::English => Language::French,
            Language::French => Language::English,
        }
    }

    /// One of two things, by the language.
    pub(crate) fn pick<T>(self, english: T, french: T) -> T {
        match self {
            Language::English => english,
            Language::French => french,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_language_and_finds_its_twin() {
        for (path, language) in [
            ("/", Language::English),
            ("/issues", Language::English),
            ("/french", Language::English),
            ("/fr", Language::French),
            ("/fr/issues/2020-12", Language::French),
        ] {
            assert_eq!(Language::of_path(path), language, "{path}");
        }
        assert_eq!(Language::French.path("/"), "/fr");
        assert_eq!(Language::French.path("/issues"), "/fr/issues");
        assert_eq!(Language::English.path("/issues"), "/issues");
    }

    #[test]
    fn the_browser_says_what_it_likes_best() {
        for (accepted, language) in [
            ("fr-CA,fr;q=0.9,en;q=0.8", Language::French),
            ("en-US,en;q=0.9,fr;q=0.8", Language::English),
            ("de, FR;q=0.5", Language::French),
            ("fr;q=0", Language::English),
            ("fr;q=x", Language::English),
            ("*", Language::English),
            ("", Language::English),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
            assert_eq!(Language::asked_for(&headers), language, "{accepted}");
        }
        assert_eq!(Language::asked_for(&HeaderMap::new()), Language::English);
    }
}
