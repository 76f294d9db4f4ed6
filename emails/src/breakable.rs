use maud::{Escaper, Markup, PreEscaped};
use std::fmt::Write;

/// The longest unbroken run that fits a column 280 pixels wide (a phone of 320, less the
/// margins), by the size of the text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Masthead,
    Title,
    Text,
    Small,
}

/// Text for the HTML part whose words may all be broken: into one too long for a narrow screen
/// come `wbr` elements, which leave the text as it is where it is copied or searched. The style
/// properties for this fail in several clients, in tables most of all.
pub(crate) fn breakable(text: &str, size: Size) -> Markup {
    let longest = match size {
        Size::Masthead => 14,
        Size::Title => 17,
        Size::Text => 22,
        Size::Small => 30,
    };
    let mut broken = String::with_capacity(text.len());
    for run in text.split_inclusive(ends_a_run) {
        push_run(&mut broken, run, longest);
    }
    PreEscaped(broken)
}

/// Breaks the run into halves of the longest, so that wide letters fit too.
fn push_run(broken: &mut String, run: &str, longest: usize) {
    if run.trim_end().chars().count() <= longest {
        push_escaped(broken, run);
        return;
    }
    for (index, letter) in run.chars().enumerate() {
        if index > 0 && index % (longest / 2) == 0 {
            broken.push_str("<wbr>");
        }
        push_escaped(broken, letter.encode_utf8(&mut [0; 4]));
    }
}

fn push_escaped(broken: &mut String, text: &str) {
    Escaper::new(broken)
        .write_str(text)
        .expect("a String takes everything");
}

/// Where clients break lines of themselves: at spaces, and around the characters of East Asia.
/// They break after a hyphen or a slash too, but not before a digit.
fn ends_a_run(letter: char) -> bool {
    crate::clean::is_break(letter) || matches!(letter, '\u{2E80}'..='\u{D7A3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_too_long_are_broken() {
        let broken = |text| breakable(text, Size::Masthead).into_string();
        assert_eq!(
            broken("Practice Research & Care"),
            "Practice Research &amp; Care"
        );
        assert_eq!(broken("12345678901234"), "12345678901234");
        assert_eq!(
            broken("of 123456789012345 letters"),
            "of 1234567<wbr>8901234<wbr>5 letters"
        );
        let japanese = "研究は患者の生活の質を調べました研究は患者";
        assert_eq!(broken(japanese), japanese);
    }
}
