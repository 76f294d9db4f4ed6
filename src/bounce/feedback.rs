//! What readers and receivers report: complaints and opt-outs (ARF, RFC 5965, and mails like it), and reports about no
//! reader (RFC 6591, RFC 7489, RFC 8460).

use super::Kind;
use super::address;
use super::header::Header;
use super::part::{Mail, Part};

/// A report, whom it names and why.
pub(super) struct Feedback {
    pub kind: Kind,
    pub because: &'static str,
    pub reason: &'static str,
    pub recipients: Vec<String>,
}

/// The feedback that a mail is, if it is any.
pub(super) fn read(mail: &Mail) -> Option<Feedback> {
    let about_nobody = |because| Feedback {
        kind: Kind::Report,
        because,
        reason: "report",
        recipients: Vec::new(),
    };
    if let Some(fields) = arf_fields(mail) {
        return Some(arf(mail, &fields));
    }
    if is_tls_report(mail) {
        return Some(about_nobody("tls-report"));
    }
    if is_dmarc_report(mail) {
        return Some(about_nobody("dmarc-report"));
    }
    if is_complaint_without_arf(mail) {
        return Some(Feedback {
            kind: Kind::Complaint,
            because: "complaint-without-arf",
            reason: "abuse",
            recipients: complained(mail, &Header::default()),
        });
    }
    None
}

/// The fields of the report's second part; also where it came under another content type.
fn arf_fields(mail: &Mail) -> Option<Header> {
    let parts = || mail.own().chain(mail.parts.iter());
    let named = parts().find(|part| part.kind == "message/feedback-report");
    let is_arf = mail.report_type().1 == "feedback-report";
    let unnamed = || mail.own().find(|part| has_feedback_type(&part.text));
    let part = named.or_else(unnamed);
    match (part, is_arf) {
        (Some(part), _) => Some(fields_of(part)),
        (None, true) => Some(Header::default()),
        (None, false) => None,
    }
}

fn has_feedback_type(text: &str) -> bool {
    let field = |name: &str| {
        text.lines().any(|line| {
            line.get(..name.len())
                .is_some_and(|line| line.eq_ignore_ascii_case(name))
        })
    };
    field("feedback-type:") && field("user-agent:")
}

fn fields_of(part: &Part) -> Header {
    let begins = part.text.lines().position(|line| {
        ["feedback-type:", "user-agent:", "version:"]
            .iter()
            .any(|name| line.to_ascii_lowercase().starts_with(name))
    });
    let lines: Vec<&str> = part
        .text
        .lines()
        .skip(begins.unwrap_or(0))
        .take(400)
        .collect();
    Header::split(lines.join("\n").as_bytes()).0
}

fn arf(mail: &Mail, fields: &Header) -> Feedback {
    let kind = fields
        .get("feedback-type")
        .unwrap_or("abuse")
        .trim()
        .to_ascii_lowercase();
    let (kind, because, reason) = match kind.as_str() {
        "auth-failure" | "dmarc" | "dkim" | "spf" => {
            (Kind::Report, "arf-auth-failure", "auth_failure")
        }
        "not-spam" => (Kind::Report, "arf-not-spam", "not_spam"),
        "opt-out" | "opt-out-list" | "unsubscribe" => (Kind::Unsubscribe, "arf-opt-out", "opt_out"),
        "fraud" => (Kind::Complaint, "arf", "fraud"),
        "virus" => (Kind::Complaint, "arf", "virus"),
        "abuse" | "complaint" | "spam" => (Kind::Complaint, "arf", "abuse"),
        _ if fields.has("auth-failure") => (Kind::Report, "arf-auth-failure", "auth_failure"),
        _ => (Kind::Complaint, "arf", "other"),
    };
    let recipients = match kind {
        Kind::Report => Vec::new(),
        _ => complained(mail, fields),
    };
    Feedback {
        kind,
        because,
        reason,
        recipients,
    }
}

/// Who complained: by the report's fields, else whom the returned mail was for.
fn complained(mail: &Mail, fields: &Header) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |value: &str| {
        for address in address::all_of(value).take(50) {
            if !found.iter().any(|known| address::same(known, address)) {
                found.push(address.to_owned());
            }
        }
    };
    for name in [
        "original-rcpt-to",
        "removal-recipient",
        "x-original-rcpt-to",
        "original-recipient",
    ] {
        fields.all(name).for_each(&mut add);
    }
    for name in ["x-hmxmroriginalrecipient", "x-original-recipient"] {
        mail.header.all(name).for_each(&mut add);
    }
    if found.is_empty() {
        found = super::returned::recipients(&mail.returned);
        found.truncate(1);
    }
    found
}

/// Reports of a complaint that are older than ARF or never heard of it: the mail complained of, under a plain sentence.
fn is_complaint_without_arf(mail: &Mail) -> bool {
    let says = [
        "complaint about message from",
        "email feedback report for ip",
        "spam complaint",
        "abuse complaint",
        "complaint report",
    ];
    let sends = [
        "staff@hotmail.com",
        "feedback@arf.",
        "fbl@",
        "scomp@aol",
        "feedbackloop@",
        "feedback-loop@",
        "complaints@",
    ];
    let header = &mail.header;
    !mail.returned.is_empty() && (header.says("subject", &says) || header.says("from", &sends))
}

fn is_tls_report(mail: &Mail) -> bool {
    mail.report_type().1 == "tlsrpt"
        || mail.header.has("tls-report-domain")
        || mail
            .own()
            .any(|part| part.kind.starts_with("application/tlsrpt"))
}

fn is_dmarc_report(mail: &Mail) -> bool {
    let subject = mail.header.folded("subject");
    let subject: Vec<&str> = subject.split_whitespace().collect();
    let subject = subject.join(" ");
    let names_a_domain = (subject.contains("report domain:") || subject.contains("report domain "))
        && subject.contains("submitter");
    let has_archive = mail.parts.iter().any(|part| {
        let is_archive = [
            "zip",
            "gzip",
            "xml",
            "octet-stream",
            "x-zip-compressed",
            "x-gzip",
        ]
        .iter()
        .any(|kind| part.kind.ends_with(kind));
        // RFC 7489 section 7.2.1.1: receiver!domain!begin!end.
        is_archive
            && (part.file.matches('!').count() >= 3 || names_a_domain || subject.contains("dmarc"))
    });
    has_archive
        || names_a_domain
        || mail.own().any(|part| {
            part.text.contains("<feedback>") && part.text.contains("<policy_published>")
        })
}
