//! What comes from outside, freed of what no mail may carry.

/// The text as one line without characters that mean nothing in a mail, or harm: control
/// characters; noncharacters, with which our own holes are marked; and what turns the direction of
/// all that follows it, our own words too (UAX #9 section 2.1 to 2.3; the marks of section 2.6 turn
/// nothing but what is beside them, and stay). Runs of white space become one space;
/// spaces that forbid a line break stay as they are.
pub(crate) fn one_line(text: &str) -> String {
    if is_plain_line(text) {
        return text.to_owned();
    }
    let kept: String = text.chars().filter(|c| may_stay(*c)).collect();
    let words = kept.split(is_break).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The lines, each cleaned, without the empty ones.
pub(crate) fn lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let cleaned = lines.into_iter().map(one_line);
    cleaned.filter(|line| !line.is_empty()).collect()
}

/// White space at which a line may be broken.
pub(crate) fn is_break(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{2007}' | '\u{202F}')
}

/// Which way a text runs, by the first letter that says so (as Unicode's rule P2 has it).
pub(crate) fn direction(text: &str) -> &'static str {
    match text.chars().find(|c| c.is_alphabetic()) {
        Some(letter) if is_right_to_left(letter) => "rtl",
        _ => "ltr",
    }
}

/// Whether a text is surely one clean line, as most are: ASCII, with single spaces between words.
fn is_plain_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let gaps = bytes.windows(2).any(|pair| pair == b"  ");
    is_plain && !gaps && !text.starts_with(' ') && !text.ends_with(' ')
}

fn may_stay(c: char) -> bool {
    let noncharacter = matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE;
    let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    !noncharacter && !turns && (!c.is_control() || c.is_whitespace())
}

fn is_right_to_left(letter: char) -> bool {
    matches!(letter,
        '\u{590}'..='\u{8FF}'
        | '\u{FB1D}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFE}'
        | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_goes_and_spaces_become_one() {
        assert_eq!(
            one_line(" a\u{0}\u{FDD0}b\r\n\tc\u{FFFF}\u{1FFFE} "),
            "ab c"
        );
        assert_eq!(one_line("a\u{A0}: b"), "a\u{A0}: b");
        assert_eq!(one_line("\u{202E}gpj\u{2066}.\u{200F}"), "gpj.\u{200F}");
        for spaced in [" a b", "a  b", "a b ", "a\tb"] {
            assert_eq!(one_line(spaced), "a b");
        }
        assert_eq!(lines(["", "\u{FDD1}", "x"]), ["x"]);
    }

    #[test]
    fn the_first_letter_gives_the_direction() {
        assert_eq!(direction("12 עלון"), "rtl");
        assert_eq!(direction("«نشرة»"), "rtl");
        assert_eq!(direction("Études"), "ltr");
        assert_eq!(direction("…"), "ltr");
    }
}
