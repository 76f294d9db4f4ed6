//! DKIM signatures (RFC 6376, and RFC 8463 for Ed25519), made with ring.
//!
//! Always relaxed/relaxed and never with `l=`: a relay may fold a header or drop a trailing blank
//! line on the way, and a body length would let anybody add text below ours.

use std::io::BufRead;

use chrono::{DateTime, Utc};
use ring::digest::{Context, SHA256};
use ring::rand::SystemRandom;
use ring::signature::{self, Ed25519KeyPair, KeyPair, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// Why a key cannot sign; the text says what to do about it and shows nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum DkimError {
    #[error("the DKIM key is not a PEM private key; `openssl genrsa 2048` makes one")]
    NotPem(#[source] rustls::pki_types::pem::Error),
    #[error("the DKIM key is refused ({0}): use RSA of 2048 to 8192 bits or Ed25519 (PKCS#8)")]
    Refused(ring::error::KeyRejected),
    #[error("the DKIM key is an elliptic curve key: use RSA of 2048 bits or more, or Ed25519")]
    Unsupported,
    #[error("`{name}` cannot be a DKIM {what}: letters, digits, hyphens and dots only")]
    Name { what: &'static str, name: String },
}

/// One domain's signing key; a message with two signatures is signed by two of these.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

impl Signer {
    /// The signer for `selector._domainkey.domain`, from a private key as PEM.
    pub fn from_pem(domain: &str, selector: &str, pem: &[u8]) -> Result<Signer, DkimError> {
        Ok(Signer {
            domain: dns_name("domain", domain)?,
            selector: dns_name("selector", selector)?,
            key: Key::from_pem(pem)?,
        })
    }

    /// The whole `DKIM-Signature` field, folded and ended by CRLF, to be put before `message`.
    ///
    /// A signature of the same message at the same time is the same for either kind of key, so a
    /// retry stays the same message.
    pub fn sign(&self, message: &[u8], at: DateTime<Utc>) -> String {
        let (header, body) = split(message);
        let fields = fields(header);
        let mut signed = Vec::with_capacity(header.len() + 1024);
        let listed = choose(&fields, &mut signed);
        let mut field = self.unsigned(&listed, &body_hash(body), at);
        relaxed_field(field.as_bytes(), &mut signed);
        let value = base64(&self.key.sign(&signed));
        fold_anywhere(&mut field, &value);
        field.push_str("\r\n");
        field
    }

    /// The value of the TXT record to publish at [`Signer::record_name`].
    ///
    /// It is longer than the 255 bytes of one DNS string for RSA: a zone file wants it in several
    /// quoted strings, most providers' forms split it themselves.
    pub fn public_record(&self) -> String {
        let (kind, key) = match &self.key {
            Key::Rsa(pair) => ("rsa", subject_public_key_info(pair.public_key().as_ref())),
            // RFC 8463 section 4.2: the 32 bytes of the key itself.
            Key::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
        };
        format!("v=DKIM1; k={kind}; p={}", base64(&key))
    }

    /// Where receivers look the public key up.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The signature field with an empty `b=`, as it is hashed itself (RFC 6376 section 3.7).
    fn unsigned(&self, listed: &[&str], body_hash: &[u8], at: DateTime<Utc>) -> String {
        let mut field = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;",
            self.key.algorithm()
        );
        let tags = [
            format!("d={};", self.domain),
            format!("s={};", self.selector),
            format!("t={};", at.timestamp()),
        ];
        for tag in &tags {
            fold_before(&mut field, tag, true);
        }
        for (nth, name) in listed.iter().enumerate() {
            let start = if nth == 0 { "h=" } else { "" };
            let end = if nth + 1 == listed.len() { ";" } else { ":" };
            fold_before(&mut field, &format!("{start}{name}{end}"), nth == 0);
        }
        fold_before(&mut field, &format!("bh={};", base64(body_hash)), true);
        fold_before(&mut field, "b=", true);
        field
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Signer({}, {})",
            self.record_name(),
            self.key.algorithm()
        )
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

enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn from_pem(pem: &[u8]) -> Result<Key, DkimError> {
        match PrivateKeyDer::from_pem_slice(pem).map_err(DkimError::NotPem)? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(Key::Rsa)
                .map_err(DkimError::Refused),
            PrivateKeyDer::Pkcs8(der) => Key::from_pkcs8(der.secret_pkcs8_der()),
            _ => Err(DkimError::Unsupported),
        }
    }

    /// PKCS#8 holds either kind. OpenSSL writes Ed25519 keys without their public half, which
    /// ring takes only when asked to.
    fn from_pkcs8(der: &[u8]) -> Result<Key, DkimError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Key::Ed25519(pair));
        }
        RsaKeyPair::from_pkcs8(der)
            .map(Key::Rsa)
            .map_err(DkimError::Refused)
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, signed: &[u8]) -> Vec<u8> {
        match self {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    signed,
                    &mut signature,
                )
                .expect("ring signs with any key it has accepted, into a buffer of its length");
                signature
            }
            // RFC 8463 section 3: Ed25519 over the SHA-256 of what RSA would hash.
            Key::Ed25519(pair) => pair
                .sign(ring::digest::digest(&SHA256, signed).as_ref())
                .as_ref()
                .to_vec(),
        }
    }
}

/// Header and body, parted by the first empty line; without one, all is header.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = message;
    while !rest.is_empty() {
        let line = take_line(&mut rest);
        if matches!(line, b"\r\n" | b"\n") {
            return (&message[..message.len() - rest.len() - line.len()], rest);
        }
    }
    (message, &[])
}

/// The header's fields, each with its folded lines and its line end.
fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::with_capacity(32);
    let (mut start, mut rest) = (0, header);
    while !rest.is_empty() {
        take_line(&mut rest);
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            let end = header.len() - rest.len();
            fields.push(&header[start..end]);
            start = end;
        }
    }
    fields
}

/// Writes the canonical form of the fields to sign, and gives the names for `h=`.
///
/// Of several fields with one name the last counts as the first (RFC 6376 section 5.4.2).
fn choose<'n>(fields: &[&[u8]], signed: &mut Vec<u8>) -> Vec<&'n str> {
    let mut listed = Vec::with_capacity(SIGNED.len() + 8);
    for (name, once_more) in SIGNED {
        let before = listed.len();
        for field in fields.iter().rev().filter(|field| is_named(field, name)) {
            relaxed_field(field, signed);
            signed.extend_from_slice(b"\r\n");
            listed.push(name);
        }
        if once_more || listed.len() == before {
            listed.push(name);
        }
    }
    listed
}

fn is_named(field: &[u8], name: &str) -> bool {
    field
        .split(|byte| *byte == b':')
        .next()
        .is_some_and(|found| found.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()))
}

/// RFC 6376 section 3.4.2: the name in lower case, the value unfolded, with single spaces and none
/// at its ends. The CRLF is left to the caller, as the signature's own field is hashed without.
fn relaxed_field(field: &[u8], out: &mut Vec<u8>) {
    let colon = field
        .iter()
        .position(|byte| *byte == b':')
        .unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let words = value
        .get(1..)
        .unwrap_or_default()
        .split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .filter(|word| !word.is_empty());
    for (nth, word) in words.enumerate() {
        if nth > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// SHA-256 of the body's relaxed form (RFC 6376 section 3.4.4), without making a copy of it.
///
/// Most lines are canonical as they stand, and neighbours among them are hashed in one go.
fn body_hash(body: &[u8]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    let (mut rest, mut run, mut blanks) = (body, &body[..0], 0);
    let mut scratch = Vec::new();
    while !rest.is_empty() {
        let from = body.len() - rest.len();
        let line = take_line(&mut rest);
        if is_blank(line) {
            blanks += 1;
            continue;
        }
        let canonical = is_canonical(line);
        if blanks > 0 || !canonical {
            hash.update(run);
            run = &body[from..from];
        }
        // Blank lines count only once something follows them.
        for _ in 0..std::mem::take(&mut blanks) {
            hash.update(b"\r\n");
        }
        if canonical {
            run = &body[from - run.len()..from + line.len()];
        } else {
            relaxed_line(line, &mut scratch);
            hash.update(&scratch);
            run = &body[from + line.len()..from + line.len()];
        }
    }
    hash.update(run);
    hash.finish().as_ref().to_vec()
}

fn is_blank(line: &[u8]) -> bool {
    text_of(line)
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether a line with text in it is its own relaxed form.
fn is_canonical(line: &[u8]) -> bool {
    let text = text_of(line);
    let ends_well = line.len() == text.len() + 2 && !text.ends_with(b" ");
    // Without an early exit the compiler compares many bytes at once.
    let double_space = text
        .iter()
        .zip(text.iter().skip(1))
        .fold(false, |found, (a, b)| found | (*a == b' ' && *b == b' '));
    let tab = text
        .iter()
        .fold(false, |found, byte| found | (*byte == b'\t'));
    ends_well && !double_space && !tab
}

fn relaxed_line(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for byte in text_of(line) {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            other => out.push(*other),
        }
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out.extend_from_slice(b"\r\n");
}

/// A line without its line end.
fn text_of(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Takes the next line off, with its line end if it has one.
fn take_line<'m>(rest: &mut &'m [u8]) -> &'m [u8] {
    let whole = *rest;
    let length = rest
        .skip_until(b'\n')
        .expect("reading from memory cannot fail");
    &whole[..length]
}

/// Appends `part` to a field, on a new line where it would not fit; `spaced` parts are set off by
/// a space when they stay.
fn fold_before(field: &mut String, part: &str, spaced: bool) {
    let column = field.len() - field.rfind('\n').map_or(0, |at| at + 1);
    if column + usize::from(spaced) + part.len() > COLUMNS {
        field.push_str("\r\n ");
    } else if spaced {
        field.push(' ');
    }
    field.push_str(part);
}

/// Appends base64, folded wherever a line is full (RFC 6376 section 3.5 ignores the folds).
fn fold_anywhere(field: &mut String, value: &str) {
    let mut rest = value;
    while !rest.is_empty() {
        let column = field.len() - field.rfind('\n').map_or(0, |at| at + 1);
        let room = COLUMNS.saturating_sub(column);
        let (line, tail) = rest.split_at(room.min(rest.len()));
        field.push_str(line);
        rest = tail;
        if !rest.is_empty() {
            field.push_str("\r\n ");
        }
    }
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

/// ring gives an RSA key as PKCS#1; DNS wants it wrapped with its algorithm (RFC 5280 section
/// 4.1.2.7), which is what `openssl rsa -pubout` writes.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    /// SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
    const RSA_ENCRYPTION: [u8; 15] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = [&[0], pkcs1].concat();
    let parts = [&RSA_ENCRYPTION[..], &der(0x03, &bits)].concat();
    der(0x30, &parts)
}

/// One DER element. The keys that ring takes need at most two bytes of length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    let mut element = match content.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    element.extend_from_slice(content);
    element
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for nth in 0..4 {
            let six = (bits >> (18 - 6 * nth)) as usize & 63;
            text.push(if nth <= group.len() {
                char::from(ALPHABET[six])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8463 appendix A.1, as OpenSSL would write it.
    const PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

    #[test]
    fn the_canonical_form_is_that_of_the_rfc() {
        // RFC 6376 section 3.4.5, with its tabs and blank lines.
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (header, body) = split(message);
        let mut canonical = Vec::new();
        for field in fields(header) {
            relaxed_field(field, &mut canonical);
            canonical.extend_from_slice(b"\r\n");
        }
        assert_eq!(canonical, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(body_hash(body), sha256(b" C\r\nD E\r\n"));
    }

    #[test]
    fn a_body_is_hashed_as_if_written_out() {
        for (body, canonical) in [
            (&b""[..], &b""[..]),
            (b"\r\n\r\n \t\r\n", b""),
            (b"a", b"a\r\n"),
            (b"a \t", b"a\r\n"),
            (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
            (
                b"a\r\n \r\n\r\nb  c\r\nd\r\n\r\n",
                b"a\r\n\r\n\r\nb c\r\nd\r\n",
            ),
            (b"a\tb\r\nc\r\n  d\r\n", b"a b\r\nc\r\n d\r\n"),
            (b"\x0b\r\n", b"\x0b\r\n"),
        ] {
            assert_eq!(body_hash(body), sha256(canonical), "{body:?}");
        }
    }

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
        assert_eq!(
            signer.public_record(),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        );
        assert_eq!(signer.record_name(), "s2026._domainkey.news.example.org");
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
        assert_eq!(shown, "Signer(s._domainkey.a.test, ed25519-sha256)");
    }

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        ring::digest::digest(&SHA256, bytes).as_ref().to_vec()
    }
}
