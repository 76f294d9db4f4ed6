//! What a person types into a form, brought into the form in which an import stores it: so that an issue is the same
//! whichever way it came.

use super::blocks::{self, normal};

/// One line: a title, a citation. Line ends within it are spaces.
pub fn line(typed: &str) -> String {
    let parts: Vec<String> = typed.split(['\r', '\n']).map(normal).collect();
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

/// Paragraphs, with an empty line between two of them. A line that begins with '- ' is a paragraph of its own.
pub fn paragraphs(typed: &str) -> Vec<String> {
    let typed = typed.replace("\r\n", "\n").replace('\r', "\n");
    let mut paragraphs: Vec<String> = Vec::new();
    let mut before = 0;
    for block in blocks::lines(&typed) {
        let is_apart = block.line > before + 1;
        before = block.line;
        match paragraphs.last_mut() {
            Some(paragraph) if !is_apart && !block.text.starts_with("- ") => {
                paragraph.push(' ');
                paragraph.push_str(&block.text);
            }
            _ => paragraphs.push(block.text),
        }
    }
    paragraphs
}

/// Paragraphs as `paragraphs` reads them again.
pub fn text(paragraphs: &[String]) -> String {
    paragraphs.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_what_an_import_gives() {
        assert_eq!(
            line("  A title\r\nin two\u{a0}lines \n"),
            "A title in two lines"
        );
        assert_eq!(
            paragraphs("One line\r\nand more.\r\n\r\n\r\nTwo.\n- a\n- b\nof it\n"),
            ["One line and more.", "Two.", "- a", "- b of it"]
        );
        assert_eq!(paragraphs(" \n\n "), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn what_was_read_once_is_read_the_same_again(typed in "[a-z\\- \n\r\u{a0}]{0,60}") {
            let once = paragraphs(&typed);
            proptest::prop_assert_eq!(paragraphs(&text(&once)), once);
        }
    }
}
