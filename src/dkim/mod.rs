//! DKIM signatures (RFC 6376, and RFC 8463 for Ed25519), made with ring, or with aws-lc-rs where
//! that is built in: the same bytes, at half the cost where the processor has AVX-512 IFMA.
//!
//! Always relaxed/relaxed and never with `l=`: a relay may fold a header or drop a trailing blank
//! line on the way, and a body length would let anybody add text below ours.

mod canonical;
mod configured;
mod key;

#[cfg(feature = "aws-lc")]
use aws_lc_rs as crypto;
#[cfg(not(feature = "aws-lc"))]
use ring as crypto;

use chrono::{DateTime, Utc};
use data_encoding::BASE64;

use self::canonical::{Field, body_hash, fields, split};
pub use self::configured::KeyFileError;
use self::key::Key;

/// Why a key cannot sign; the text says what to do about it and shows nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    #[error("the DKIM key is not a PEM private key; `openssl genrsa 2048` makes one")]
    NotPem(#[source] rustls::pki_types::pem::Error),
    #[error("the DKIM key is refused ({0}): use RSA of 2048 to 4096 bits or Ed25519 (PKCS#8)")]
    Refused(crypto::error::KeyRejected),
    #[error("the DKIM key is an elliptic curve key: use RSA of 2048 bits or more, or Ed25519")]
    Unsupported,
    #[error("`{name}` cannot be a DKIM {what}: letters, digits, hyphens and dots only")]
    Name { what: &'static str, name: String },
    #[error("two DKIM keys have the selector `{0}`: a DNS record holds one key")]
    SameSelector(String),
}

/// A domain's signing keys. A message is signed by each of them: by RSA for the receivers that know
/// nothing else, by Ed25519 for those to come (RFC 8463 section 6).
pub struct Signer {
    domain: String,
    keys: Vec<Selected>,
}

/// A TXT record to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where receivers look the public key up.
    pub name: String,
    /// For RSA it is longer than the 255 bytes of one DNS string: a zone file wants it in several
    /// quoted strings, most providers' forms split it themselves.
    pub value: String,
}

/// A key and what its record is called.
struct Selected {
    selector: String,
    key: Key,
}

impl Signer {
    /// The signer for `selector._domainkey.domain`, from a private key as PEM.
    pub fn from_pem(domain: &str, selector: &str, pem: &[u8]) -> Result<Signer, DkimError> {
        let signer = Signer {
            domain: dns_name("domain", domain)?,
            keys: Vec::new(),
        };
        signer.and(selector, pem)
    }

    /// The same with one more key, whose signature stands below the others.
    pub fn and(mut self, selector: &str, pem: &[u8]) -> Result<Signer, DkimError> {
        let selector = dns_name("selector", selector)?;
        if self.keys.iter().any(|key| key.selector == selector) {
            return Err(DkimError::SameSelector(selector));
        }
        let key = Key::from_pem(pem)?;
        self.keys.push(Selected { selector, key });
        Ok(self)
    }

    /// The `DKIM-Signature` fields, folded and each ended by CRLF, to be put before `message`.
    ///
    /// A signature of the same message at the same time is the same for either kind of key, so a
    /// retry stays the same message. The body is hashed once, however many keys sign.
    pub fn sign(&self, message: &[u8], at: DateTime<Utc>) -> String {
        let (header, body) = split(message);
        let mut signed = Vec::with_capacity(header.len() + 1024);
        let listed = choose(&fields(header), &mut signed);
        let covered = signed.len();
        let body_hash = BASE64.encode(body_hash(body).as_ref());
        let mut written = String::with_capacity(1024 * self.keys.len());
        for key in &self.keys {
            let start = written.len();
            self.unsigned(&mut written, key, &listed, &body_hash, at);
            signed.truncate(covered);
            Field::new(&written.as_bytes()[start..]).relaxed(&mut signed);
            fold_anywhere(&mut written, &key.key.sign(&signed));
            written.push_str("\r\n");
        }
        written
    }

    /// What to publish, a record for each key.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.keys.iter().map(|key| Record {
            name: self.record_name(key),
            value: key.key.public_record(),
        })
    }

    fn record_name(&self, key: &Selected) -> String {
        format!("{}._domainkey.{}", key.selector, self.domain)
    }

    /// Adds a key's field with an empty `b=`, as it is hashed itself (RFC 6376 section 3.7).
    fn unsigned(
        &self,
        field: &mut String,
        Selected { selector, key }: &Selected,
        listed: &[&str],
        body_hash: &str,
        at: DateTime<Utc>,
    ) {
        field.push_str("DKIM-Signature: v=1; a=");
        field.push_str(key.algorithm());
        field.push_str("; c=relaxed/relaxed;");
        for (tag, value) in [
            ("d=", self.domain.as_str()),
            ("s=", selector),
            ("t=", &at.timestamp().to_string()),
        ] {
            fold_before(field, &[tag, value, ";"], true);
        }
        for (nth, name) in listed.iter().enumerate() {
            let start = if nth == 0 { "h=" } else { "" };
            let end = if nth + 1 == listed.len() { ";" } else { ":" };
            fold_before(field, &[start, name, end], nth == 0);
        }
        fold_before(field, &["bh=", body_hash, ";"], true);
        fold_before(field, &["b="], true);
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_list();
        for key in &self.keys {
            shown.entry(&format_args!(
                "{}, {}",
                self.record_name(key),
                key.key.algorithm()
            ));
        }
        shown.finish()
    }
}

/// The fields worth a signature, in the order of `h=`, and whether each is listed once more than
/// it is present: then nobody can add a second one that a reader's program shows in place of ours
/// (RFC 6376 section 8.15). A field that is absent is listed too, so that nobody can add a first one.
const SIGNED: [(&str, bool); 19] = [
    ("from", true),
    ("to", true),
    ("cc", false),
    ("reply-to", true),
    ("subject", true),
    ("date", true),
    ("message-id", false),
    ("mime-version", false),
    ("content-type", false),
    ("content-transfer-encoding", false),
    ("list-id", false),
    ("list-unsubscribe", true),
    ("list-unsubscribe-post", true),
    ("list-help", false),
    ("list-owner", false),
    ("list-archive", false),
    ("precedence", false),
    ("auto-submitted", false),
    ("feedback-id", false),
];

/// The longest line of the field, without its CRLF.
const COLUMNS: usize = 78;

/// Writes the canonical form of the fields to sign, and gives the names for `h=`.
///
/// Of several fields with one name the last counts as the first (RFC 6376 section 5.4.2).
fn choose(fields: &[Field<'_>], signed: &mut Vec<u8>) -> Vec<&'static str> {
    let mut listed = Vec::with_capacity(SIGNED.len() + 8);
    for (name, once_more) in SIGNED {
        let before = listed.len();
        for field in fields.iter().rev().filter(|field| field.is_named(name)) {
            field.relaxed(signed);
            signed.extend_from_slice(b"\r\n");
            listed.push(name);
        }
        if once_more || listed.len() == before {
            listed.push(name);
        }
    }
    listed
}

/// Appends the pieces of one part to a field, on a new line where they would not fit; `spaced`
/// parts are set off by a space when they stay.
fn fold_before(field: &mut String, part: &[&str], spaced: bool) {
    let length: usize = part.iter().map(|piece| piece.len()).sum();
    if column(field) + usize::from(spaced) + length > COLUMNS {
        field.push_str("\r\n ");
    } else if spaced {
        field.push(' ');
    }
    part.iter().for_each(|piece| field.push_str(piece));
}

/// Appends base64, folded wherever a line is full (RFC 6376 section 3.5 ignores the folds).
fn fold_anywhere(field: &mut String, value: &str) {
    let mut rest = value;
    while !rest.is_empty() {
        let room = COLUMNS.saturating_sub(column(field));
        let (line, tail) = rest.split_at(room.min(rest.len()));
        field.push_str(line);
        rest = tail;
        if !rest.is_empty() {
            field.push_str("\r\n ");
        }
    }
}

/// How long the last line is.
fn column(field: &str) -> usize {
    field.len() - field.rfind('\n').map_or(0, |at| at + 1)
}

fn dns_name(what: &'static str, name: &str) -> Result<String, DkimError> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        let name = name.escape_debug().to_string();
        return Err(DkimError::Name { what, name });
    }
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8463 appendix A.1, as OpenSSL would write it.
    const PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

    /// The signature was checked once with an independent verifier; Ed25519 always gives the same.
    #[test]
    fn a_signature_stays_the_one_that_was_verified() {
        let signer = Signer::from_pem("News.example.org", "s2026", PEM).unwrap();
        let message = b"From: News <news@news.example.org>\r\nTo: reader@peer.example\r\n\
            Subject: Ants\r\n walk\r\nDate: Sun, 22 Nov 2026 06:16:08 +0000\r\n\
            List-Unsubscribe: <https://news.example.org/u/abc>\r\n\
            List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nThey  walk. \r\n\r\n";
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(
            signer.sign(message, at),
            concat!(
                "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=news.example.org;\r\n",
                " s=s2026; t=1790000000; h=from:from:to:to:cc:reply-to:subject:subject:date:\r\n",
                " date:message-id:mime-version:content-type:content-transfer-encoding:list-id:\r\n",
                " list-unsubscribe:list-unsubscribe:list-unsubscribe-post:\r\n",
                " list-unsubscribe-post:list-help:list-owner:list-archive:precedence:\r\n",
                " auto-submitted:feedback-id; bh=IWNTRHzYuQjR9NgtNU9jbD+3fM9poNSjPXmU+leb4Ns=;\r\n",
                " b=/lIEKVNREEU5fxeIKUMO4m1/oeNCeyy8nRk/G920ri0Nvii1ICiunwHp3Q0RPu5A+fXdP0fMM9m\r\n",
                " lMIn3WTAXAg==\r\n",
            )
        );
        let record = Record {
            name: "s2026._domainkey.news.example.org".to_owned(),
            value: "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned(),
        };
        assert_eq!(signer.records().collect::<Vec<_>>(), [record]);
    }

    #[test]
    fn each_key_signs_for_itself() {
        let rsa = include_bytes!("../../tests/fixtures/dkim-for-tests.pem");
        let message = b"From: a@b.test\r\nSubject: Ants\r\n\r\nThey walk.\r\n";
        let alone = [("r1", &rsa[..]), ("e1", PEM)]
            .map(|(selector, pem)| Signer::from_pem("b.test", selector, pem).unwrap());
        let both = Signer::from_pem("b.test", "r1", rsa).unwrap();
        let both = both.and("e1", PEM).unwrap();
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(
            both.sign(message, at),
            alone.map(|one| one.sign(message, at)).concat()
        );
        assert!(matches!(
            both.and("R1", PEM),
            Err(DkimError::SameSelector(selector)) if selector == "r1"
        ));
    }

    #[test]
    fn a_bad_key_or_name_is_refused() {
        assert!(matches!(
            Signer::from_pem("a.test", "s", b"no key"),
            Err(DkimError::NotPem(_))
        ));
        for (domain, selector) in [
            ("a.test; x", "s"),
            ("a..test", "s"),
            ("", "s"),
            ("a", "s s"),
        ] {
            assert!(matches!(
                Signer::from_pem(domain, selector, PEM),
                Err(DkimError::Name { .. })
            ));
        }
        let shown = format!("{:?}", Signer::from_pem("a.test", "s", PEM).unwrap());
        assert_eq!(shown, "[s._domainkey.a.test, ed25519-sha256]");
    }
}
