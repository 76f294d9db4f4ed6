//! The second factor: codes of six digits that a telephone makes anew each thirty seconds (RFC 6238).

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use totp_rs::{Algorithm, TOTP};

use crate::secret::{is_same, random};

/// Seconds for which a code is shown.
const STEP: i64 = 30;

/// A new key of 160 bits, as RFC 4226 section 4 recommends.
pub fn new_key() -> Vec<u8> {
    random::<20>().to_vec()
}

/// The step whose code this is, one step early or late allowed for clocks that differ. Each is good once: it must come
/// after `last`, the newest that was taken.
pub fn step_of(key: &[u8], code: &str, last: i64, now: DateTime<Utc>) -> Option<i64> {
    let codes = TOTP::new(Algorithm::SHA1, 6, 0, STEP.unsigned_abs(), key.to_vec()).ok()?;
    let digits: String = code
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let here = now.timestamp().div_euclid(STEP);
    (here - 1..=here + 1)
        .filter(|step| *step > last)
        .find(|step| {
            let right = codes.generate((step * STEP).unsigned_abs());
            is_same(digits.as_bytes(), right.as_bytes())
        })
}

/// The key as it is typed into a telephone: letters and digits in groups of four.
pub fn written(key: &[u8]) -> String {
    let text = BASE32_NOPAD.encode(key);
    let groups: Vec<&str> = text
        .as_bytes()
        .chunks(4)
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(" ")
}

/// What a telephone reads from the picture.
pub fn url(key: &[u8], publication: &str, address: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let [publication, address] =
        [publication, address].map(|text| encoded(text).replace('+', "%20"));
    let key = BASE32_NOPAD.encode(key);
    format!("otpauth://totp/{publication}:{address}?secret={key}&issuer={publication}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc_and_each_is_good_once() {
        let key = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let step = seconds / STEP;
            assert_eq!(step_of(key, code, 0, now), Some(step), "{code}");
            assert_eq!(step_of(key, code, step, now), None, "used: {code}");
            let later = now + chrono::Duration::seconds(2 * STEP);
            assert_eq!(step_of(key, code, 0, later), None, "late: {code}");
        }
        let now = DateTime::from_timestamp(59, 0).unwrap();
        assert_eq!(step_of(key, "287 082", 0, now), Some(1));
        assert_eq!(step_of(key, "", 0, now), None);
    }
}
