//! Addresses in fields and in running text.

use std::ops::Range;

/// Longer than RFC 5321 section 4.5.3.1 allows, for what stands in angle brackets is not always careful.
const LONGEST: usize = 320;

/// The address in a field such as `Final-Recipient: rfc822; <a@b.c>` (RFC 3464), its `utf-8` form (RFC 6533), or in
/// one that forgot the type. `None` where it holds a program, a file or an X.400 name.
pub(super) fn of_field(value: &str) -> Option<String> {
    let value = value.trim();
    let (kind, rest) = match value.split_once(';') {
        Some((kind, rest)) if !kind.contains('@') => {
            (kind.trim().to_ascii_lowercase(), rest.trim())
        }
        _ => (String::new(), value),
    };
    if rest.starts_with(['|', '/']) || matches!(kind.as_str(), "x400" | "x.400" | "system") {
        return None;
    }
    let rest = match kind.as_str() {
        "utf-8" | "utf8" => &unescaped(rest),
        _ => rest,
    };
    let found = find(rest, true).next()?;
    Some(rest[found].to_owned())
}

/// Every address of a field such as `To`.
pub(super) fn all_of(value: &str) -> impl Iterator<Item = &str> {
    find(value, true).map(|range| &value[range])
}

/// Where addresses stand in `text`. In running text a domain needs a dot, unless brackets tell where it ends.
pub(super) fn find(text: &str, is_field: bool) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(at) = text[from..].find('@').map(|at| from + at) {
            // Nothing before it: most of what looks like a flood of addresses is none.
            if text[from..at].ends_with(|letter: char| letter.is_whitespace()) || at == from {
                from = at + 1;
                continue;
            }
            let begin = local_begins(text, from, at);
            let end = domain_ends(text, at + 1);
            from = end.max(at + 1);
            let domain = &text[at + 1..end];
            let in_brackets = text[end..].starts_with('>') && text[..begin].ends_with('<');
            let is_domain = domain.contains('.') || is_field || in_brackets;
            if begin < at && !domain.is_empty() && is_domain && end - begin <= LONGEST {
                return Some(begin..end);
            }
        }
        None
    })
}

/// Whether two addresses are the same as far as mail servers tell: case and quotes aside.
pub(super) fn same(one: &str, other: &str) -> bool {
    let bare = |address: &str| address.replace('"', "").to_lowercase();
    one.eq_ignore_ascii_case(other) || bare(one) == bare(other)
}

/// Whether a mail system speaks under this address, and no reader does.
pub(super) fn is_of_the_system(address: &str) -> bool {
    let local = address
        .split('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let local = local.replace(['_', '.', '-'], "");
    [
        "mailerdaemon",
        "postmaster",
        "maildaemon",
        "poostmaster",
        "doublebounce",
        "mailadministrator",
    ]
    .iter()
    .any(|name| local == *name)
}

fn local_begins(text: &str, from: usize, at: usize) -> usize {
    let before = &text[from..at];
    if let Some(quoted) = before.strip_suffix('"')
        && let Some(open) = quoted.rfind('"')
        && !quoted[open + 1..].contains('\n')
        && quoted.len() - open <= 66
    {
        return from + open;
    }
    let begin = before
        .char_indices()
        .rev()
        .take_while(|(_, letter)| is_local(*letter))
        .last()
        .map_or(at, |(begin, _)| from + begin);
    let begin_word = &text[begin..at];
    let key = [
        "smtp=",
        "to=",
        "rcpt=",
        "recipient=",
        "address=",
        "user=",
        "for=",
    ]
    .iter()
    .find(|key| {
        begin_word
            .get(..key.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(key))
    });
    if let Some(key) = key {
        return begin + key.len();
    }
    begin
        + (begin_word.len()
            - begin_word
                .trim_start_matches(['\'', '.', '*', '`', '|', '/'])
                .len())
}

fn domain_ends(text: &str, begin: usize) -> usize {
    if text[begin..].starts_with('[')
        && let Some(end) = text[begin..].find(']').filter(|end| *end < 64)
    {
        return begin + end + 1;
    }
    let domain: &str = &text[begin..];
    let length = domain
        .find(|letter: char| {
            !(letter.is_ascii_alphanumeric()
                || matches!(letter, '-' | '.' | '_')
                || (!letter.is_ascii() && letter.is_alphabetic() && !is_of_a_sentence(letter)))
        })
        .unwrap_or(domain.len());
    begin + domain[..length].trim_end_matches(['.', '-', '_']).len()
}

fn is_local(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~.".contains(letter)
        || (!letter.is_ascii()
            && !letter.is_whitespace()
            && !letter.is_control()
            && !is_of_a_sentence(letter))
}

/// Letters of scripts that write no spaces: where they touch an address, the sentence goes on.
fn is_of_a_sentence(letter: char) -> bool {
    matches!(letter, '\u{2010}'..='\u{206f}' | '\u{3000}'..='\u{30ff}' | '\u{ff00}'..='\u{ffef}' | '\u{ab}' | '\u{bb}')
}

/// `\x{1F408}` of RFC 6533 section 3 as the letter that it stands for.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        plain.push_str(before);
        let letter = after.split_once('}').and_then(|(digits, behind)| {
            let letter = u32::from_str_radix(digits, 16)
                .ok()
                .and_then(char::from_u32)?;
            Some((letter, behind))
        });
        match letter {
            Some((letter, behind)) => {
                plain.push(letter);
                rest = behind;
            }
            None => {
                plain.push_str("\\x{");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_give_their_address_in_any_dress() {
        for (field, address) in [
            ("rfc822; a@b.c", Some("a@b.c")),
            ("RFC822;<a+b@b.c>", Some("a+b@b.c")),
            ("a@b", Some("a@b")),
            ("utf-8; \\x{1F408}@b.c", Some("🐈@b.c")),
            (
                "rfc822; =?utf-8?B?8J+QiA==?=@example.org",
                Some("=?utf-8?B?8J+QiA==?=@example.org"),
            ),
            (r#"rfc822; "a b"@c.d"#, Some(r#""a b"@c.d"#)),
            ("rfc822;|/usr/bin/x a@b.c", None),
            ("x400; /c=ca/s=x@y/", None),
            ("rfc822; nobody", None),
            ("", None),
        ] {
            assert_eq!(of_field(field).as_deref(), address, "{field}");
        }
    }

    #[test]
    fn running_text_gives_addresses_without_what_surrounds_them() {
        let found = |text: &'static str| find(text, false).map(|at| &text[at]).collect::<Vec<_>>();
        assert_eq!(found("<a@b.c>: to=x@y.example."), ["a@b.c", "x@y.example"]);
        assert_eq!(found("'a@b.c', rfc822;d@e.f..."), ["a@b.c", "d@e.f"]);
        assert_eq!(found("<a@host> and b@host"), ["a@host"]);
        assert_eq!(found("宛先<é@b.c>は、a@b.cへ"), ["é@b.c", "a@b.c"]);
        assert_eq!(found("@ @@ a@ @b"), Vec::<&str>::new());
    }
}
