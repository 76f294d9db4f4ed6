//! What tests of digests and of letters share.

use emails::Email;
use proptest::prelude::*;

/// The subject and both parts, with the HTML cut into lines that a person can compare.
pub fn shown(email: &Email) -> String {
    let html = email.html.replace('>', ">\n");
    format!("{}\n\n{}\n\n{html}", email.subject, email.text)
}

pub fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Whether a character turns the direction of all that follows it.
pub fn turns(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Text of the kinds that have broken mails before.
pub fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,120}",
        "[a-zé<>&\"'\u{FDD0}-\u{FDD3}\u{0}\r\n\u{202E}\u{2067} ]{0,200}",
        "[研究結果👩\u{200D}\u{1F3FB}\u{301}]{0,200}",
        "[A-Za-z]{70,300}",
        "(https?://x.test/[a-z]{0,90} ?){0,3}",
    ]
}

/// What holds of every mail, whatever was said in it.
pub fn assert_harmless(email: &Email) -> Result<(), TestCaseError> {
    prop_assert!(!email.html.contains("<script") && !email.html.contains("javascript:"));
    for part in [&email.subject, &email.html, &email.text] {
        prop_assert!(!part.contains(is_noncharacter) && !part.contains(turns));
        prop_assert!(!part.contains(['\0', '\r']));
    }
    prop_assert!(email.subject.chars().count() <= 78 && !email.subject.contains('\n'));
    for line in email.text.lines() {
        let is_short = line.chars().count() <= 78;
        prop_assert!(
            is_short || line.contains("://") || line.contains("mailto:"),
            "{}",
            line
        );
    }
    Ok(())
}
