//! From a server's words and codes to a verdict.

use super::rules::{self, Codes, Rule, Table};
use super::words::{self, Stage};
use super::{Class, Status, Verdict};

/// What is known of one recipient's failure, the surest words first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence<'a> {
    /// What the server said, by the report.
    pub reply: &'a str,
    /// The lines about this recipient.
    pub about: &'a str,
    /// Everything that the mail system says.
    pub whole: &'a str,
    /// The code that was given beside the words.
    pub code: Option<u16>,
    /// The status that the report gives.
    pub status: Option<Status>,
    pub stage: Stage,
}

/// The verdict, and the status that tells most.
pub(super) fn verdict(evidence: &Evidence<'_>) -> (Verdict, Option<Status>) {
    let table = rules::table();
    let said_first = [evidence.reply, evidence.about, evidence.whole]
        .into_iter()
        .find(|words| words::code(words).is_some() || words::status(words).is_some())
        .unwrap_or(evidence.about);
    let reply_status = words::status(said_first);
    let codes = Codes {
        code: evidence.code.or_else(|| words::code(said_first)),
        statuses: [reply_status, evidence.status],
        stage: stage(evidence),
    };
    let rule = rule(table, evidence, &codes);
    let class = match rule.class {
        Class::Hard if is_temporary(&codes) => Class::Soft,
        class => class,
    };
    let verdict = Verdict {
        class,
        reason: &rule.reason,
        because: &rule.name,
    };
    (verdict, telling(reply_status, evidence.status))
}

fn rule(table: &'static Table, evidence: &Evidence<'_>, codes: &Codes) -> &'static Rule {
    let by_words = |words: &str| {
        let said = table.said(&words::folded(words));
        table.by_words(&said, codes)
    };
    by_words(evidence.reply)
        .or_else(|| by_words(evidence.about))
        .or_else(|| table.by_status(codes).filter(|_| evidence.status.is_some()))
        .or_else(|| by_words(evidence.whole))
        .or_else(|| table.by_status(codes))
        .or_else(|| table.by_code(codes))
        .expect("the last built-in rule asks for nothing")
}

/// Whether anybody speaks of a failure that may pass: the report's status, or else the reply's own code.
fn is_temporary(codes: &Codes) -> bool {
    let [reply, report] = codes.statuses.map(|status| status.map(|status| status.0));
    report == Some(4) || codes.code.map_or(reply == Some(4), |code| code < 500)
}

/// The report's status, unless the reply's says more.
fn telling(reply: Option<Status>, report: Option<Status>) -> Option<Status> {
    match (reply, report) {
        (Some(reply), Some(report))
            if (report.1, report.2) == (0, 0) && (reply.1, reply.2) != (0, 0) =>
        {
            Some(reply)
        }
        (reply, report) => report.or(reply),
    }
}

/// What the server was answering, by the nearest words that tell.
fn stage(evidence: &Evidence<'_>) -> Stage {
    if evidence.stage != Stage::Unknown {
        return evidence.stage;
    }
    let words = [evidence.reply, evidence.about, evidence.whole];
    let stage = words
        .into_iter()
        .map(of_words)
        .find(|stage| *stage != Stage::Unknown)
        .unwrap_or_default();
    let none_left = |words: &&str| super::signs::SIGNS.stages.none_left(&words::folded(words));
    match stage {
        Stage::Message if words.iter().any(none_left) => Stage::Recipient,
        stage => stage,
    }
}

fn of_words(text: &str) -> Stage {
    match transcript(text) {
        Stage::Unknown => super::signs::SIGNS.stages.of(&words::folded(text)),
        stage => stage,
    }
}

/// The command before the first refusal, where the text shows the session: `>>> RCPT To:<..>`, `<<< 550 ..`.
fn transcript(text: &str) -> Stage {
    let mut stage = Stage::Unknown;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(command) = line.strip_prefix(">>>") {
            stage = of_command(command);
        } else if let Some(reply) = line.strip_prefix("<<<")
            && reply.trim_start().starts_with(['4', '5'])
        {
            return stage;
        }
    }
    Stage::Unknown
}

fn of_command(command: &str) -> Stage {
    let command = command.trim_start();
    let command = command.get(..4).unwrap_or(command).to_ascii_uppercase();
    match command.as_str() {
        "RCPT" => Stage::Recipient,
        "MAIL" => Stage::Sender,
        "DATA" | "BDAT" | "." => Stage::Message,
        "EHLO" | "HELO" | "STAR" => Stage::Connect,
        _ => Stage::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(words: &str, status: Option<Status>) -> (Class, &'static str) {
        let evidence = Evidence {
            reply: words,
            status,
            ..Evidence::default()
        };
        let (verdict, _) = verdict(&evidence);
        (verdict.class, verdict.reason)
    }

    #[test]
    #[rustfmt::skip]
    fn words_decide_where_the_code_contradicts_them() {
        for (words, class, reason) in [
            ("550 5.1.1 mailbox is full", Class::Soft, "mailbox_full"),
            ("550 5.1.1 IP address blacklisted by recipient", Class::Block, "blocked"),
            ("550 5.1.1 <a@b.c> has sent to too many recipients this hour", Class::Soft, "rate_limited"),
            ("550 5.7.26 unauthenticated, DMARC policy", Class::Block, "auth_failure"),
            ("550 5.2.1 <a@b.c>... User unknown", Class::Soft, "filtered"),
            ("450 4.1.1 <a@b.c> User unknown", Class::Soft, "filtered"),
            ("550 5.1.1 <a@b.c> nothing that anybody knows", Class::Hard, "user_unknown"),
            ("554 5.0.0 nothing that anybody knows", Class::Soft, "undefined"),
        ] {
            assert_eq!(judged(words, words::status(words)), (class, reason), "{words}");
        }
        let reported = Some((5, 1, 1));
        assert_eq!(judged("550 5.7.1 IP address blacklisted by recipient", reported).0, Class::Block);
    }

    #[test]
    #[rustfmt::skip]
    fn an_unknown_user_counts_as_one_where_the_recipient_was_being_answered() {
        for (words, class) in [
            ("550 User unknown (in reply to RCPT TO command)", Class::Hard),
            (">>> DATA\n<<< 550 User unknown", Class::Soft),
            (">>> RCPT To:<a@b.c>\n<<< 550 User unknown", Class::Hard),
            ("550 User unknown", Class::Soft),
            ("550 5.1.0 Sender address rejected: User unknown (in reply to RCPT TO command)", Class::Block),
        ] {
            assert_eq!(judged(words, None).0, class, "{words}");
        }
    }
}
