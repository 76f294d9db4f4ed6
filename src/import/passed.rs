//! What of a file went into no issue: so that nobody has to compare the two by eye.

use std::collections::HashSet;

use super::{Note, Read, blocks, html, is_markdown, month};

/// Each line is looked for in all texts, so that a hostile file may not have too many.
const MOST_LOOKED_AT: usize = 1_000;

/// A shorter line is a part of something by chance.
const SHORTEST_PART: usize = 16;

/// The lines of a file, as `read` took it, of which nothing stands in its issues: the site's own navigation on a good
/// day, a lost paragraph on a bad one. Empty for the editor's Markdown, where what is not taken is refused.
pub fn passed_over(name: &str, bytes: &[u8], read: &Read) -> Vec<Note> {
    let text = blocks::decoded(bytes, &mut Vec::new());
    let lines = if is_markdown(name, &text) {
        return Vec::new();
    } else if html::is_html(name, &text) {
        html::blocks(&text)
    } else {
        blocks::lines(&text)
    };
    let taken = Taken::of(read);
    let not_whole = lines
        .into_iter()
        .filter(|block| month::named(&block.text).is_none() && !taken.whole.contains(&block.text));
    let passed = not_whole
        .take(MOST_LOOKED_AT)
        .filter(|block| !taken.has_a_part(&block.text));
    let note = |block: blocks::Block| Note {
        line: block.line,
        text: block.text,
    };
    passed.map(note).collect()
}

/// The texts of issues: whole, for most lines are one, and joined, for some are a part of one.
struct Taken {
    whole: HashSet<String>,
    joined: String,
}

impl Taken {
    fn of(read: &Read) -> Taken {
        let mut texts: Vec<&str> = Vec::new();
        for issue in &read.issues {
            texts.extend(issue.teaser.as_deref());
            for summary in &issue.summaries {
                texts.push(&summary.title);
                texts.extend(summary.citation.as_deref());
                texts.extend(summary.summary.iter().map(String::as_str));
                texts.extend(summary.implications.iter().map(String::as_str));
            }
        }
        Taken {
            whole: texts.iter().map(|text| (*text).to_owned()).collect(),
            joined: texts.join("\n"),
        }
    }

    fn has_a_part(&self, line: &str) -> bool {
        let is_heading = super::kind::is_implications(line);
        is_heading || (line.len() >= SHORTEST_PART && self.joined.contains(line))
    }
}
