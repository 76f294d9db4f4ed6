//! Recipients in running text: which of the addresses that a mail system mentions are those it could not serve, and
//! what it says of each.

use super::address;
use super::signs::SIGNS;
use super::words;

/// A recipient, and the lines about it.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub address: String,
    pub words: String,
    sure: Sure,
}

/// How plainly an address is named as the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// It is mentioned.
    Mentioned,
    /// It begins a line, or what stands before it speaks of a recipient.
    Listed,
    /// It stands alone on its line, or the server's answer follows it.
    Alone,
    /// `<address>:` at the beginning of a line: the form that most mail systems have for it.
    Headed,
}

/// Lines of a recipient's own that are kept, bytes of a line that are looked at, and bytes of all of them.
const LINES: usize = 24;
const LONGEST_LINE: usize = 2000;
const LONGEST: usize = 16 << 10;
/// Addresses that are looked at in one text; a report about more is no honest one.
const MOST: usize = 200;

/// The recipients that `text` names, in order. `senders` are not among them unless nobody else is; `known` are the
/// recipients of the returned mail.
pub(super) fn recipients(text: &str, senders: &[String], known: &[String]) -> Vec<Named> {
    let lines: Vec<&str> = text.lines().take(4000).collect();
    let mentions = mentions(&lines);
    let is_one = |address: &str, all: &[String]| all.iter().any(|one| address::same(one, address));
    let others: Vec<&Mention> = mentions
        .iter()
        .filter(|mention| !is_one(&mention.address, senders) && !mention.is_contact)
        .collect();
    let best = match others.iter().map(|mention| mention.sure).max() {
        Some(sure) if sure > Sure::Mentioned => others,
        // Nobody else stands where recipients do: whoever writes to himself is one.
        _ => {
            let also: Vec<&Mention> = mentions
                .iter()
                .filter(|mention| !mention.is_contact)
                .filter(|mention| mention.sure > Sure::Listed || is_one(&mention.address, known))
                .collect();
            if also.is_empty() { others } else { also }
        }
    };
    chosen(&lines, best, known)
}

struct Mention {
    address: String,
    /// The name it had before it was forwarded, where the line tells.
    before: Option<String>,
    line: usize,
    sure: Sure,
    is_contact: bool,
    /// The lines about it end with this one instead of beginning with it.
    ends: bool,
}

fn chosen(lines: &[&str], mentions: Vec<&Mention>, known: &[String]) -> Vec<Named> {
    let Some(surest) = mentions.iter().map(|mention| mention.sure).max() else {
        return Vec::new();
    };
    let is_known = |mention: &Mention| known.iter().any(|one| address::same(one, &mention.address));
    let mut chosen: Vec<&Mention> = mentions
        .into_iter()
        .filter(|mention| mention.sure == surest)
        .collect();
    // Where nothing tells plainly, the returned mail is asked whom it was for.
    if surest <= Sure::Listed && chosen.iter().any(|mention| is_known(mention)) {
        chosen.retain(|mention| is_known(mention));
    }
    if surest == Sure::Mentioned {
        chosen.truncate(1);
    }
    let heads: Vec<usize> = chosen.iter().map(|mention| mention.line).collect();
    let mut named: Vec<Named> = Vec::new();
    for mention in chosen {
        let words = words_of(lines, mention, &heads);
        let address = match &mention.before {
            Some(before)
                if surest == Sure::Headed || known.iter().any(|one| address::same(one, before)) =>
            {
                before
            }
            _ => &mention.address,
        };
        match named
            .iter_mut()
            .find(|named| address::same(&named.address, address))
        {
            Some(named) if named.words.len() > LONGEST => {}
            Some(named) => {
                named.words.push('\n');
                named.words.push_str(&words);
            }
            None => named.push(Named {
                address: address.clone(),
                words,
                sure: mention.sure,
            }),
        }
    }
    named
}

impl Named {
    /// Whether the text itself leaves no doubt.
    pub fn is_plain(&self) -> bool {
        self.sure >= Sure::Listed
    }
}

/// The lines about a mention: up to the next one, in one direction.
fn words_of(lines: &[&str], mention: &Mention, heads: &[usize]) -> String {
    let range = if mention.ends {
        let before = heads.iter().filter(|head| **head < mention.line).max();
        let begin = before.map_or(0, |head| head + 1);
        begin.max((mention.line + 1).saturating_sub(LINES))..mention.line + 1
    } else {
        let after = heads.iter().filter(|head| **head > mention.line).min();
        let end = after.copied().unwrap_or(lines.len());
        mention.line..end.min(mention.line + LINES)
    };
    let lines: Vec<&str> = lines[range].iter().map(|line| shortened(line)).collect();
    lines.join("\n")
}

fn shortened(line: &str) -> &str {
    &line[..line.floor_char_boundary(LONGEST_LINE)]
}

fn mentions(lines: &[&str]) -> Vec<Mention> {
    let mut mentions = Vec::new();
    let mut contacts: Vec<String> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let line = shortened(line);
        for at in address::find(line, false) {
            if mentions.len() == MOST {
                break;
            }
            let address = &line[at.clone()];
            let before = words::folded(&format!(
                "{} {}",
                last_words(lines, number),
                &line[..at.start]
            ));
            let before = before.trim_end_matches(['<', '"', '\'', '(', '[', ' ', '>']);
            if address::is_of_the_system(address) {
                continue;
            }
            let prefix = &line[..at.start];
            let begins = words::code(prefix).is_none()
                && words::folded(prefix)
                    .chars()
                    .all(|letter| letter.is_whitespace() || "<>\"'-*•(@,;".contains(letter));
            let is_contact =
                SIGNS.contacts.end(before) && !(begins && line[..at.start].starts_with(' '));
            if is_contact {
                contacts.push(address.to_owned());
            }
            mentions.push(mention(line, number, at, before, begins));
        }
    }
    for mention in &mut mentions {
        mention.is_contact = contacts
            .iter()
            .any(|contact| address::same(contact, &mention.address));
    }
    mentions
}

fn mention(
    line: &str,
    number: usize,
    at: std::ops::Range<usize>,
    before: &str,
    begins: bool,
) -> Mention {
    let after = &line[at.end..];
    let behind = behind_list(after);
    let prefix = line[..at.start].trim().trim_end_matches('<');
    let code = !begins && !prefix.is_empty() && words::folded(prefix).is_empty();
    let introduced = SIGNS.introduces.end(before);
    let behind_trimmed = behind.trim_start();
    let ends_the_line = behind
        .trim_matches(|letter: char| letter.is_whitespace() || ",;.".contains(letter))
        .is_empty();
    let sure = if begins
        && (behind_trimmed.starts_with(':') || behind_trimmed.starts_with("(expanded from"))
    {
        Sure::Headed
    } else if (begins && ends_the_line)
        || ((begins || code) && says_why(behind))
        || (code && behind_trimmed.starts_with(':'))
    {
        Sure::Alone
    } else if introduced || begins || code {
        Sure::Listed
    } else {
        Sure::Mentioned
    };
    Mention {
        address: line[at].to_owned(),
        before: forwarded_from(behind),
        line: number,
        sure,
        is_contact: false,
        ends: code,
    }
}

/// What stands behind an address and those that follow it after commas.
fn behind_list(after: &str) -> &str {
    let mut behind = after.trim_start_matches(['>', '"', '\'', ')', ']']);
    while let Some(rest) = behind.strip_prefix(',') {
        let next = rest.trim_start().trim_start_matches(['<', '"', '\'']);
        match address::find(next, false).next() {
            Some(at) if at.start == 0 => {
                behind = next[at.end..].trim_start_matches(['>', '"', '\'', ')', ']']);
            }
            _ => break,
        }
    }
    behind
}

/// `... User unknown`, `(reason: 550`, `[User unknown]`, `; Action: Delayed`.
fn says_why(behind: &str) -> bool {
    let behind = behind.trim_start();
    [
        "...",
        "(reason",
        "[",
        ";",
        "(unrecoverable",
        "on ",
        " - ",
        "<mailto:",
    ]
    .iter()
    .any(|sign| behind.starts_with(sign))
}

/// The address in `(expanded from <address>)` and its like.
fn forwarded_from(behind: &str) -> Option<String> {
    let rest = behind.split_once("(expanded from")?.1;
    let found = address::find(rest, true).next()?;
    Some(rest[found].to_owned())
}

/// What stands before a line: the one above, as long as it goes on into it.
fn last_words<'a>(lines: &[&'a str], number: usize) -> &'a str {
    lines[..number]
        .iter()
        .rev()
        .take(3)
        .find(|line| !line.trim().is_empty())
        .map_or("", |line| shortened(line).trim())
}
