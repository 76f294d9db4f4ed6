//! Lists that are told in parts: behind a key, and with the address of the next part in the header (RFC 8288).

use super::ROOT;
use super::call::Call;
use super::operation::Reply;
use super::schema::{Field, Schema, optional};

/// How many entries a part has, if nothing is said, and at most.
const USUAL: i64 = 100;
pub const MOST: usize = 1_000;

pub const LIMIT: Field = optional(
    "limit",
    Schema::Whole {
        least: 1,
        most: MOST as i64,
    },
    "How many at most; 100 if nothing is said.",
);

impl Call {
    /// How many are wanted.
    pub(super) fn limit(&self) -> i64 {
        self.number("limit").unwrap_or(USUAL)
    }

    /// A part of a list; `next` is the key of its last entry, where there is more.
    pub(super) fn part(&self, list: impl serde::Serialize, next: Option<String>) -> Reply {
        let reply = Reply::json(list);
        let Some(next) = next else { return reply };
        let mut query = form_urlencoded::Serializer::new(String::new());
        let others = self.query.iter().filter(|(name, _)| *name != "after");
        for (name, value) in others {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            query.append_pair(name, &text);
        }
        query.append_pair("after", &next);
        let link = format!("<{ROOT}{}?{}>; rel=\"next\"", self.path, query.finish());
        reply.field("link", link)
    }
}

/// Splits off what shows that there is more than `limit`.
pub fn cut<T>(list: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(MOST);
    let is_more = list.len() > limit;
    list.truncate(limit);
    is_more
}
