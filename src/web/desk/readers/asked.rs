//! What a list of readers was asked for, as its address says it: every word of a closed list, or a text that is bound.

use chrono::{NaiveDate, NaiveTime, TimeZone};
use data_encoding::BASE64URL_NOPAD;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::super::Visit;
use crate::admin::Role;
use crate::enrol::ConsentKind;
use crate::readers::{Filter, Order, Wanted};

/// Under this label a part of an address is sealed.
const SEALED: &str = "part of an address";

/// The fields of the search, each empty where nothing was chosen. What is none of its words counts as empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// A part of the address.
    pub q: String,
    /// The same, illegible: an address may not stand in an address of the web, which logs and histories keep.
    part: String,
    pub state: String,
    pub topic: String,
    pub kind: String,
    pub language: String,
    pub frequency: String,
    pub format: String,
    pub consent: String,
    /// The consent was given on that day or later.
    pub since: String,
    pub suppressed: String,
    pub bounced: String,
    pub paused: String,
    pub order: String,
    pub after: String,
    pub done: String,
}

impl Asked {
    /// As an address of ours says it, with the part of the address made legible.
    pub fn opened(mut self, visit: &Visit) -> Asked {
        let keys = &visit.desk.site.keys;
        let sealed = BASE64URL_NOPAD.decode(self.part.as_bytes()).ok();
        let part = sealed.and_then(|sealed| keys.open_sealed(SEALED, &sealed));
        if let Some(part) = part.and_then(|part| String::from_utf8(part).ok()) {
            self.q = part;
        }
        self.sealed(visit)
    }

    fn sealed(mut self, visit: &Visit) -> Asked {
        let part = self.q.trim();
        self.part = match part.is_empty() {
            true => String::new(),
            false => BASE64URL_NOPAD.encode(&visit.desk.site.keys.seal(SEALED, part.as_bytes())),
        };
        self
    }

    /// Whom it means. Who may not see addresses cannot look for a part of one.
    pub fn wanted(&self, visit: &Visit) -> Wanted {
        let part = self.q.trim();
        let part = Some(part).filter(|part| !part.is_empty() && visit.may(Role::Editor));
        let filters = self.filters(visit);
        let filter = match filters.len() {
            0 => None,
            _ => Some(Filter::All(filters)),
        };
        let part = part.map(str::to_owned);
        Wanted { part, filter }
    }

    pub fn order(&self) -> Order {
        self.order.parse().unwrap_or(Order::Newest)
    }

    pub fn after(&self) -> Option<Uuid> {
        self.after.parse().ok()
    }

    fn filters(&self, visit: &Visit) -> Vec<Filter> {
        let vocabulary = &visit.desk.site.vocabulary;
        let mut filters = Vec::new();
        filters.extend(self.state.parse().ok().map(Filter::State));
        let topic = vocabulary
            .topics
            .iter()
            .find(|known| known.slug == self.topic);
        filters.extend(topic.map(|known| Filter::Topic(known.slug.clone())));
        let kind = vocabulary
            .research_types
            .iter()
            .find(|known| known.slug == self.kind);
        filters.extend(kind.map(|known| Filter::ResearchType(known.slug.clone())));
        filters.extend(self.language.parse().ok().map(Filter::Language));
        filters.extend(self.frequency.parse().ok().map(Filter::Frequency));
        filters.extend(self.format.parse().ok().map(Filter::Format));
        filters.extend(
            self.consent
                .parse::<ConsentKind>()
                .ok()
                .map(Filter::Consent),
        );
        let day = self.since.parse::<NaiveDate>().ok();
        let begins = day.map(|day| day.and_time(NaiveTime::MIN));
        let at = begins.and_then(|at| visit.zone().from_local_datetime(&at).earliest());
        filters.extend(at.map(|at| Filter::Since(at.to_utc())));
        for (word, filter) in [
            (&self.suppressed, Filter::Suppressed),
            (&self.bounced, Filter::Bounced),
            (&self.paused, Filter::Paused),
        ] {
            match word.as_str() {
                "yes" => filters.push(filter),
                "no" => filters.push(Filter::Not(Box::new(filter))),
                _ => {}
            }
        }
        filters
    }

    /// Whether anything but a part of the address was chosen.
    pub fn has_filters(&self) -> bool {
        self.fields()
            .iter()
            .any(|(name, value)| *name != "q" && !value.is_empty())
    }

    /// An address with these fields, of which the empty ones are left out.
    pub fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let fields = self.fields();
        for (name, value) in fields.iter().chain(more) {
            match *name {
                _ if value.is_empty() => {}
                "q" => drop(query.append_pair("part", &self.part)),
                name => drop(query.append_pair(name, value)),
            }
        }
        match query.finish() {
            empty if empty.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// The same as hidden fields of a form.
    pub fn hidden(&self) -> Markup {
        let fields = self.fields();
        let told = fields.iter().filter(|(_, value)| !value.is_empty());
        html! { @for (name, value) in told { input type="hidden" name=(name) value=(value); } }
    }

    /// What came back of `hidden`, or of the form of the search.
    pub fn posted(visit: &Visit, posted: &super::super::Posted) -> Asked {
        let get = |name: &str| posted.get(name).to_owned();
        let asked = Asked {
            q: get("q"),
            state: get("state"),
            topic: get("topic"),
            kind: get("kind"),
            language: get("language"),
            frequency: get("frequency"),
            format: get("format"),
            consent: get("consent"),
            since: get("since"),
            suppressed: get("suppressed"),
            bounced: get("bounced"),
            paused: get("paused"),
            order: get("order"),
            ..Asked::default()
        };
        asked.sealed(visit)
    }

    /// All that says who is meant, and in which order.
    fn fields(&self) -> [(&str, &str); 13] {
        [
            ("q", self.q.trim()),
            ("state", &self.state),
            ("topic", &self.topic),
            ("kind", &self.kind),
            ("language", &self.language),
            ("frequency", &self.frequency),
            ("format", &self.format),
            ("consent", &self.consent),
            ("since", &self.since),
            ("suppressed", &self.suppressed),
            ("bounced", &self.bounced),
            ("paused", &self.paused),
            ("order", &self.order),
        ]
    }
}
