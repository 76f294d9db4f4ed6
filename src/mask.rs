//! A text without the addresses in it: what a relay, a database or a library says may quote one, and a log must not.

use std::borrow::Cow;

/// What stands where an address was.
const MASK: &str = "(address)";

/// The text with every word around an `@` replaced; borrowed when there is none, which is nearly always.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let begins = rest[..at].rfind(ends_a_word).map_or(0, |before| {
            before + rest[before..].chars().next().map_or(1, char::len_utf8)
        });
        let ends = rest[at..]
            .find(ends_a_word)
            .map_or(rest.len(), |after| at + after);
        clean.push_str(&rest[..begins]);
        clean.push_str(MASK);
        rest = &rest[ends..];
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// What no address has in it when it stands unquoted (RFC 5321 section 4.1.2), and what JSON needs to stay JSON.
fn ends_a_word(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || "\"\\<>()[]{},;:".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn addresses_go_and_the_rest_stays() {
        for (text, clean) in [
            (
                "550 5.1.1 <a.b+c@peer.test>: no such user",
                "550 5.1.1 <(address)>: no such user",
            ),
            ("x@y.z", "(address)"),
            ("@", "(address)"),
            ("a@b,c@d é@ü.example é", "(address),(address) (address) é"),
            ("nothing to hide", "nothing to hide"),
            (r#"{"error":"a@b.c\n d"}"#, r#"{"error":"(address)\n d"}"#),
        ] {
            assert_eq!(masked(text), clean);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_keeps_an_at_sign(text in "\\PC*") {
            let clean = masked(&text);
            assert!(!clean.contains('@'));
        }
    }
}
