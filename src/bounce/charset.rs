//! Bytes of a part -> text: transfer encodings as mail servers mangle them, and charsets that are named, not named, or
//! named wrongly.

use std::borrow::Cow;

use data_encoding::{BASE64_NOPAD, Encoding, Specification};
use encoding_rs::{
    EUC_JP, Encoding as Charset, GB18030, ISO_2022_JP, KOI8_R, SHIFT_JIS, UTF_8, WINDOWS_1251,
    WINDOWS_1252,
};
use std::sync::LazyLock;

/// The bytes behind a `Content-Transfer-Encoding`; themselves where it is none that changes them.
pub(super) fn decoded<'a>(bytes: &'a [u8], encoding: &str) -> Cow<'a, [u8]> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => Cow::Owned(base64(bytes)),
        "quoted-printable" => Cow::Owned(quoted_printable(bytes)),
        _ => Cow::Borrowed(bytes),
    }
}

/// The text of these bytes. A charset is believed as long as the bytes bear it out.
pub(super) fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let named = charset.and_then(|name| Charset::for_label(name.trim().as_bytes()));
    if has_escapes(bytes) {
        return ISO_2022_JP.decode_without_bom_handling(bytes).0.into();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    if let Some(named) = named.filter(|named| ![UTF_8, ISO_2022_JP, WINDOWS_1252].contains(named)) {
        let (text, _, is_broken) = named.decode(bytes);
        if !is_broken {
            return text.into_owned();
        }
    }
    guessed(bytes)
}

/// The text of a header field's value, with its encoded words decoded (RFC 2047), however they are misused.
pub(super) fn words(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    let mut follows_a_word = false;
    while let Some(begin) = rest.find("=?") {
        let Some((word, length)) = encoded_word(&rest[begin..]) else {
            text.push_str(&rest[..begin + 2]);
            rest = &rest[begin + 2..];
            follows_a_word = false;
            continue;
        };
        // White space between two encoded words is none (RFC 2047 section 6.2).
        if !(follows_a_word && rest[..begin].trim().is_empty()) {
            text.push_str(&rest[..begin]);
        }
        text.push_str(&word);
        rest = &rest[begin + length..];
        follows_a_word = true;
    }
    text.push_str(rest);
    text
}

/// Letters that a server wrote as octal numbers of their UTF-8 bytes, as Exim does with an address that is not ASCII:
/// `jos\303\251@peer.test`. What is no UTF-8 stays as it is.
pub(super) fn without_octal(text: &str) -> Cow<'_, str> {
    // No letter beyond ASCII begins otherwise: its first byte is at least 0o302.
    const BEGINS: &str = "\\3";
    if !text.contains(BEGINS) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(BEGINS) {
        let (before, numbers) = rest.split_at(begin);
        plain.push_str(before);
        let bytes: Vec<u8> = numbers
            .as_bytes()
            .chunks(4)
            .take(4)
            .map_while(octal)
            .collect();
        let letter = bytes.utf8_chunks().next();
        let length = match letter.and_then(|chunk| chunk.valid().chars().next()) {
            Some(letter) => {
                plain.push(letter);
                4 * letter.len_utf8()
            }
            None => {
                plain.push_str(BEGINS);
                BEGINS.len()
            }
        };
        rest = &numbers[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The byte that `\303` stands for; none for ASCII, which nobody has to write so.
fn octal(number: &[u8]) -> Option<u8> {
    let [
        b'\\',
        high @ b'2'..=b'3',
        middle @ b'0'..=b'7',
        low @ b'0'..=b'7',
    ] = number
    else {
        return None;
    };
    Some((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'))
}

/// The encoded word that `text` begins with, and its length there.
fn encoded_word(text: &str) -> Option<(String, usize)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (body, _) = rest.split_once("?=")?;
    if charset.contains(char::is_whitespace) || encoding.len() != 1 {
        return None;
    }
    let bytes = match encoding.as_bytes()[0].to_ascii_lowercase() {
        b'b' => base64(body.as_bytes()),
        b'q' => quoted_printable(body.replace('_', " ").as_bytes()),
        _ => return None,
    };
    let charset = charset.split('*').next();
    let length =
        "=?".len() + charset_length(text) + encoding.len() + body.len() + "??".len() + "?=".len();
    Some((self::text(&bytes, charset), length))
}

/// Letters between `=?` and the next `?`.
fn charset_length(text: &str) -> usize {
    text[2..].find('?').unwrap_or(0)
}

/// ISO-2022-JP shows itself by its escapes, and is found under any name and under none.
fn has_escapes(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0x1b, bytes).any(|at| {
        matches!(
            bytes.get(at + 1..at + 3),
            Some(b"$B" | b"$@" | b"(J" | b"(I")
        )
    })
}

/// The charset that these bytes are most likely in, by which of a few gives letters that go together. A name for Latin
/// letters or none tells nothing: every byte is one.
fn guessed(bytes: &[u8]) -> String {
    let candidates = [
        SHIFT_JIS,
        EUC_JP,
        GB18030,
        KOI8_R,
        WINDOWS_1251,
        WINDOWS_1252,
    ];
    let sample = &bytes[..bytes.len().min(4096)];
    let plausibility =
        |charset: &&&'static Charset| plausible(&charset.decode_without_bom_handling(sample).0);
    // Accents come one by one; whole words of such bytes are another script.
    let is_another_script = sample
        .windows(3)
        .any(|bytes| bytes.iter().all(|byte| !byte.is_ascii()));
    let best = candidates
        .iter()
        .max_by_key(plausibility)
        .filter(|best| is_another_script && plausibility(best) > 0);
    let best = best.unwrap_or(&WINDOWS_1252);
    best.decode_without_bom_handling(bytes).0.into_owned()
}

/// How much this looks like a language: letters of its own script speak for it, letters that nobody uses against.
fn plausible(text: &str) -> i64 {
    let mut score = 0;
    let mut before = ' ';
    for letter in text.chars().filter(|letter| !letter.is_ascii()) {
        score += match letter {
            '\u{fffd}' => -20,
            '\u{80}'..='\u{9f}' => -10,
            // Hiragana and katakana come often and only in Japanese.
            '\u{3040}'..='\u{30ff}' => 6,
            '\u{4e00}'..='\u{9fff}' => 2,
            '\u{3000}'..='\u{303f}' => 3,
            // Half-width katakana: what Shift_JIS makes of everything.
            '\u{ff61}'..='\u{ff9f}' => -3,
            'а'..='я' | 'ё' => 2,
            // A capital behind a small letter is a wrong Cyrillic charset.
            'А'..='Я' => {
                if before.is_lowercase() {
                    -4
                } else {
                    1
                }
            }
            'à'..='ÿ' | 'ß' => 1,
            'À'..='Þ' => -1,
            _ => -2,
        };
        before = letter;
    }
    score
}

/// Base64 that forgives: what is no letter of it is passed over, and what lacks at its end is no matter.
fn base64(bytes: &[u8]) -> Vec<u8> {
    static FORGIVING: LazyLock<Encoding> = LazyLock::new(|| {
        let mut specification: Specification = BASE64_NOPAD.specification();
        specification.check_trailing_bits = false;
        specification
            .encoding()
            .expect("a change of one flag leaves it sound")
    });
    let mut letters: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        .collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    FORGIVING.decode(&letters).unwrap_or_default()
}

/// Quoted-printable that forgives: a `=` that begins no code stands for itself.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'=', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let after = &rest[at + 1..];
        let spaces = after
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let digit = |at: usize| after.get(at).and_then(|byte| (*byte as char).to_digit(16));
        if let (Some(high), Some(low)) = (digit(0), digit(1)) {
            decoded.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else if after.get(spaces) == Some(&b'\n') {
            rest = &after[spaces + 1..];
        } else {
            decoded.push(b'=');
            rest = after;
        }
    }
    decoded.extend_from_slice(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_is_read_in_each_of_its_charsets_named_or_not() {
        let words = "宛先のメールアドレスが見つかりません。";
        for charset in [SHIFT_JIS, EUC_JP, ISO_2022_JP] {
            let (bytes, _, _) = charset.encode(words);
            for name in [Some(charset.name()), Some("us-ascii"), Some("utf-8"), None] {
                assert_eq!(text(&bytes, name), words, "{} as {name:?}", charset.name());
            }
        }
    }

    #[test]
    fn russian_and_chinese_are_read_named_or_not() {
        let russian = "Почтовый ящик переполнен, письмо не доставлено.";
        for charset in [KOI8_R, WINDOWS_1251] {
            let (bytes, _, _) = charset.encode(russian);
            assert_eq!(text(&bytes, Some(charset.name())), russian);
            assert_eq!(text(&bytes, None), russian, "{}", charset.name());
        }
        let chinese = "收件人邮件地址不存在，邮件无法送达。";
        let (bytes, _, _) = GB18030.encode(chinese);
        assert_eq!(text(&bytes, Some("gb2312")), chinese);
        assert_eq!(text(&bytes, None), chinese);
    }

    #[test]
    fn letters_as_octal_numbers_are_read_and_what_only_looks_so_is_left() {
        for (text, wanted) in [
            (r"gone\303\251\345\256\233@peer.test", "goneé宛@peer.test"),
            (r"\303\303\251 \303 \351 \377\3", r"\303é \303 \351 \377\3"),
            (r"C:\300\344 \101", r"C:\300\344 \101"),
        ] {
            assert_eq!(without_octal(text), wanted);
        }
    }

    #[test]
    fn accents_are_read_under_any_name() {
        let (bytes, _, _) = WINDOWS_1252.encode("Boîte aux lettres pleine, é à");
        for name in [Some("iso-8859-1"), Some("utf-8"), None] {
            assert_eq!(text(&bytes, name), "Boîte aux lettres pleine, é à");
        }
    }

    #[test]
    fn encoded_words_are_decoded_where_they_are_and_left_where_they_are_none() {
        for (value, meant) in [
            ("=?UTF-8?B?w4k=?= a", "É a"),
            ("=?utf-8?q?a_b?=\t=?utf-8?Q?=C3=A9?=", "a bé"),
            ("=?iso-2022-jp?B?GyRCJEskYyE8JHMbKEI=?=", "にゃーん"),
            ("a =? b", "a =? b"),
            ("=?x y?q?z?=", "=?x y?q?z?="),
            ("=?utf-8?x?z?=", "=?utf-8?x?z?="),
        ] {
            assert_eq!(words(value), meant, "{value}");
        }
    }

    #[test]
    fn damaged_transfer_encodings_give_what_is_left() {
        assert_eq!(&*decoded(b"aGVs\nbG8!", "BASE64 "), b"hello");
        assert_eq!(&*decoded(b"aGVsbG8gd29yb", "base64"), b"hello wor");
        assert_eq!(&*decoded(b"a=20b=\nc=x=", "quoted-printable"), b"a bc=x=");
        assert_eq!(&*decoded(b"a=20b", "7bit"), b"a=20b");
    }
}
