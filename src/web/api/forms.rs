//! The forms of texts that the API takes and gives, and the schemas that several operations share.

use chrono::DateTime;
use uuid::Uuid;

use super::schema::{Form, Schema};
use crate::issue::Month;
use crate::plan::wall;
use crate::readers::entry;
use crate::subscriber::{self, Address};

pub const MONTH: Schema = Schema::Form(&Form {
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$",
    format: None,
    most: 7,
    is: |text| text.parse::<Month>().is_ok(),
    mend: "must be a month, written as 2020-12",
});

pub const ID: Schema = Schema::Form(&Form {
    pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    format: Some("uuid"),
    most: 36,
    is: |text| text.len() == 36 && text.parse::<Uuid>().is_ok(),
    mend: "must be an id such as 01890a5d-ac96-774b-bcce-b302099a8057",
});

pub const TIME: Schema = Schema::Form(&Form {
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].*$",
    format: Some("date-time"),
    most: 64,
    is: |text| DateTime::parse_from_rfc3339(text).is_ok(),
    mend: "must be a moment with its offset, written as 2026-12-01T09:00:00Z",
});

/// A time on some clock that is not named.
pub const WALL: Schema = Schema::Form(&Form {
    pattern: "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]$",
    format: None,
    most: 16,
    is: |text| wall(text).is_some(),
    mend: "must be a day and a time without an offset, written as 2026-12-01T09:00",
});

pub const ADDRESS: Schema = Schema::Form(&Form {
    pattern: "^[A-Za-z0-9_+-]{1,31}(\\.[A-Za-z0-9_+-]{1,31})?@([A-Za-z0-9]{1,30}(-[A-Za-z0-9]{1,30})?\\.){1,2}[A-Za-z]{2,20}$",
    format: None,
    most: 254,
    is: |text| Address::parse(text).is_ok(),
    mend: "must be one mail address, such as ada@example.org",
});

pub const NAME: Schema = Schema::Form(&Form {
    pattern: "^[^\\u0000-\\u001f\\u007f-\\u00a0\\u061c\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff]*$",
    format: None,
    most: 200,
    is: subscriber::is_a_name,
    mend: "must be one line of at most 200 characters, with no other white space than spaces",
});

/// How a consent was given, or why something was done.
pub const SOURCE: Schema = Schema::Form(&Form {
    pattern: "^[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000-\\u001f\\u007f-\\u009f]*$",
    format: None,
    most: 200,
    is: entry::is_a_source,
    mend: "must be one line of 1 to 200 characters",
});

pub const ZONE: Schema = Schema::Named(
    "TimeZone",
    &Schema::Word(|| {
        let zones = chrono_tz::TZ_VARIANTS.iter();
        zones.map(|zone| zone.name()).collect()
    }),
);

pub const DOI: Schema = Schema::Form(&Form {
    pattern: "^10\\.[0-9]{4,9}/[!-~]+$",
    format: None,
    most: 300,
    is: |text| {
        let rest = text
            .strip_prefix("10.")
            .and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(number, name)| {
            (4..=9).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_graphic())
        })
    },
    mend: "must be a DOI without anything before it, such as 10.1037/pst0000123",
});

pub const LANGUAGE_CODE: Schema = Schema::Form(&Form {
    pattern: "^[a-z]{2}$",
    format: None,
    most: 2,
    is: |text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase()),
    mend: "must be a language by two letters (ISO 639-1), such as en",
});

pub const FINGERPRINT: Schema = Schema::Form(&Form {
    pattern: "^[0-9a-f]{16}$",
    format: None,
    most: 16,
    is: is_hex::<16>,
    mend: "must be the fingerprint of a plan: 16 hexadecimal digits",
});

pub const HASH: Schema = Schema::Form(&Form {
    pattern: "^[0-9a-f]{64}$",
    format: None,
    most: 64,
    is: is_hex::<64>,
    mend: "must be 64 hexadecimal digits",
});

/// What a program thinks up so that what it asks is done once.
pub const KEY: Schema = Schema::Form(&Form {
    pattern: "^[A-Za-z0-9_-]{8,64}$",
    format: None,
    most: 64,
    is: |text| {
        (8..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    },
    mend: "must be 8 to 64 letters, digits, - or _; a UUID is one",
});

/// A line that is only shown.
pub const LINE: Schema = Schema::Text {
    least: 0,
    most: 10_000,
};

pub const COUNT: Schema = Schema::Whole {
    least: 0,
    most: 1_000_000_000_000,
};

pub const SLUGS: Schema = Schema::List(&LINE, 1_000);

/// What stands for this name in a path.
pub fn of_path(name: &str) -> &'static Schema {
    match name {
        "month" => &MONTH,
        _ => &ID,
    }
}

fn is_hex<const DIGITS: usize>(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == DIGITS && text.bytes().all(is_digit)
}
