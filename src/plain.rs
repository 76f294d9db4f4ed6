//! A stranger's text as it may be shown: what a server, a mail or a form says may hold what a terminal obeys.

/// Whether a letter shows itself and does no more: it is no control code, ends no line, and is none of those that turn the
/// direction of what follows, with which a text can pose as another.
pub fn is_plain(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    !letter.is_control() && !turns
}

/// The text with a space for each letter that is not plain, line ends among them.
pub fn plain(text: &str) -> String {
    text.replace(|letter| !is_plain(letter), " ")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_terminal_obeys_is_no_part_of_a_plain_text() {
        let told = "550 \u{1b}]0;owned\u{7}\r\nforged \u{202e}enil\u{9b}31m";
        assert_eq!(plain(told), "550  ]0;owned   forged  enil 31m");
        assert_eq!(plain("a\u{2028}b\u{2029}"), "a b ");
        assert_eq!(plain("Zoë, 宛先 ‑ “no” 🐜"), "Zoë, 宛先 ‑ “no” 🐜");
    }
}
