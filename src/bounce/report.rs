//! The fields of a delivery report (RFC 3464, RFC 6533), where they should stand and where they were damaged to.

use super::address;
use super::{Action, Status};

/// What a report says of one recipient.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub final_recipient: Option<String>,
    pub original_recipient: Option<String>,
    /// Of an address that was forwarded to; Sendmail.
    pub actual_recipient: Option<String>,
    pub action: Option<Action>,
    pub status: Option<Status>,
    /// The server's words: of the Diagnostic-Code, without its type, and the remark in Status.
    pub words: String,
    pub remark: String,
    is_named: bool,
}

impl Block {
    /// The name that the sender used comes first.
    pub fn address(&self) -> Option<String> {
        let fields = [
            &self.original_recipient,
            &self.final_recipient,
            &self.actual_recipient,
        ];
        fields.into_iter().flatten().next().cloned()
    }

    /// Every name that the report has for the recipient.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [
            &self.original_recipient,
            &self.final_recipient,
            &self.actual_recipient,
        ]
        .into_iter()
        .flatten()
        .map(String::as_str)
    }

    fn says_something(&self) -> bool {
        self.is_named && (self.action.is_some() || self.status.is_some() || !self.words.is_empty())
    }
}

/// The recipients of a report's text, in order. Text around the fields, fields in a strange order and empty lines amid
/// them do no harm: a recipient begins where one of its own fields comes again.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut block = Block::default();
    let mut after_empty = false;
    for (name, value) in fields(text) {
        if name.is_empty() {
            after_empty = true;
            continue;
        }
        let begins = match name.as_str() {
            "final-recipient" => {
                block.final_recipient.is_some() || (after_empty && block.says_something())
            }
            "original-recipient" => {
                block.original_recipient.is_some() || (after_empty && block.says_something())
            }
            "action" => block.action.is_some(),
            _ => false,
        };
        if begins {
            blocks.push(std::mem::take(&mut block));
        }
        take(&mut block, &name, &value);
        after_empty = false;
    }
    blocks.push(block);
    blocks.retain(Block::says_something);
    blocks
}

/// The first enhanced status code in a text, and what follows it.
pub(super) fn status(text: &str) -> Option<(Status, &str)> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find_map(|at| {
        let is_inside = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'.');
        if !matches!(bytes[at], b'2' | b'4' | b'5') || is_inside {
            return None;
        }
        let rest = text[at + 1..].strip_prefix('.')?;
        let (subject, rest) = number(rest)?;
        let (detail, rest) = number(rest.strip_prefix('.')?)?;
        let goes_on = rest.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            || (rest.starts_with('.')
                && rest[1..].starts_with(|letter: char| letter.is_ascii_digit()));
        (!goes_on).then_some(((bytes[at] - b'0', subject, detail), rest))
    })
}

/// A number of one to three digits.
fn number(text: &str) -> Option<(u16, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits.min(4)].parse().ok()?;
    (digits <= 3).then_some((number, &text[digits..]))
}

fn take(block: &mut Block, name: &str, value: &str) {
    match name {
        "final-recipient" => {
            block.is_named = true;
            block.final_recipient = address::of_field(value);
        }
        "original-recipient" => {
            block.is_named = true;
            block.original_recipient = address::of_field(value);
        }
        "x-actual-recipient" => block.actual_recipient = address::of_field(value),
        "action" => block.action = block.action.or(action(value)),
        "status" => {
            if let Some((found, remark)) = status(value) {
                block.status = Some(found);
                let remark = remark.trim().trim_matches(['(', ')']);
                block.remark = remark.to_owned();
            }
        }
        "diagnostic-code" => {
            let (kind, words) = value.split_once(';').unwrap_or(("", value));
            let is_kind = kind.len() <= 40 && !kind.trim().contains(char::is_whitespace);
            let words = if is_kind { words } else { value };
            if !block.words.is_empty() {
                block.words.push(' ');
            }
            block.words.push_str(words.trim());
        }
        _ => {}
    }
}

fn action(value: &str) -> Option<Action> {
    let word: String = value
        .trim()
        .chars()
        .take_while(|letter| letter.is_ascii_alphabetic())
        .collect();
    match word.to_ascii_lowercase().as_str() {
        "failed" | "failure" | "expired" | "deleted" => Some(Action::Failed),
        "delayed" | "delay" | "deferred" => Some(Action::Delayed),
        "delivered" => Some(Action::Delivered),
        "relayed" => Some(Action::Relayed),
        "expanded" => Some(Action::Expanded),
        _ => None,
    }
}

/// Names and values of a text's lines, unfolded; an empty name for an empty line.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let is_folded = line.starts_with([' ', '\t']);
        let trimmed = line.trim();
        match (known(trimmed), fields.last_mut()) {
            _ if trimmed.is_empty() => fields.push(Default::default()),
            (Some((name, value)), _) => fields.push((name, value.trim().to_owned())),
            (None, Some((name, value))) if !name.is_empty() && is_folded && value.len() < 4096 => {
                value.push(' ');
                value.push_str(trimmed);
            }
            // Prose, or a field of which nothing is wanted: what is folded below it belongs to it.
            _ => fields.push((".".to_owned(), String::new())),
        }
    }
    fields
}

fn known(line: &str) -> Option<(String, &str)> {
    const KNOWN: [&str; 6] = [
        "final-recipient",
        "original-recipient",
        "x-actual-recipient",
        "action",
        "status",
        "diagnostic-code",
    ];
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end().to_ascii_lowercase();
    KNOWN.contains(&name.as_str()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_told_apart_with_and_without_empty_lines() {
        let text = "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\nStatus: 5.1.1 (no)\n\
                    Diagnostic-Code: smtp; 550 5.1.1\n  unknown\nRemote-MTA: dns; x\n  folded\n\n\
                    Action: delayed\nFinal-Recipient: rfc822; d@e.f\nStatus: 4.4.7\n\
                    Final-Recipient: rfc822; g@h.i\nAction: failed\n";
        let blocks = blocks(text);
        assert_eq!(blocks.len(), 3, "{blocks:?}");
        assert_eq!(blocks[0].address().as_deref(), Some("a@b.c"));
        assert_eq!(blocks[0].words, "550 5.1.1 unknown");
        assert_eq!(blocks[0].remark, "no");
        assert_eq!(blocks[1].action, Some(Action::Delayed));
        assert_eq!(blocks[1].status, Some((4, 4, 7)));
        assert_eq!(blocks[2].address().as_deref(), Some("g@h.i"));
    }

    #[test]
    fn prose_about_fields_is_no_report() {
        assert!(blocks("Status: we are fine\n\nAction: none needed\n").is_empty());
        assert!(
            blocks("Final-Recipient: rfc822; a@b.c\n").is_empty(),
            "it says nothing"
        );
    }

    #[test]
    fn status_codes_are_found_and_addresses_of_hosts_are_not() {
        let found = |text| status(text).map(|found| found.0);
        assert_eq!(found("550 5.1.1 unknown"), Some((5, 1, 1)));
        assert_eq!(found("550-5.7.26 x"), Some((5, 7, 26)));
        assert_eq!(found("(#4.4.2)"), Some((4, 4, 2)));
        assert_eq!(found("host 5.1.1.9 and 192.5.1.1 and v5.1.1a"), None);
        assert_eq!(found("5.1234.1"), None);
    }
}
