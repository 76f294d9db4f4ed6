//! Header fields: what each reader has for themselves, and what all readers of a rendering share.

use chrono::{DateTime, Utc};

use super::{Edition, Frozen, House};
use crate::mime;
use crate::subscriber::Subscriber;

/// Adds the fields of one reader. `message_id` is its part before the `@`; `leave` is the link that ends the subscription,
/// `leave_name` what does so by mail.
pub(super) fn personal(
    to: &mut String,
    house: &House,
    subscriber: &Subscriber,
    message_id: &str,
    leave: &str,
    leave_name: &str,
) {
    mime::mailbox_field(to, "To", &subscriber.name, &subscriber.address);
    let message_id = format!("<{message_id}@{}>", house.from.email.domain());
    mime::list_field(to, "Message-ID", &[&message_id]);
    // Signed either way, so that nobody can have another reader unsubscribed.
    let by_mail = match house.bounces_reach_us {
        true => format!("<mailto:{leave_name}@{}>", house.bounce_domain),
        false => format!("<mailto:{}?subject={leave_name}>", house.reply_to.email),
    };
    mime::list_field(to, "List-Unsubscribe", &[&format!("<{leave}>"), &by_mail]);
    mime::list_field(to, "List-Unsubscribe-Post", &["List-Unsubscribe=One-Click"]);
}

/// The fields that are the same in every message of a rendering.
pub(super) fn shared(house: &House, frozen: &Frozen, subject: &str, edition: Edition) -> String {
    let owner = house.reply_to.email.to_string();
    let mut headers = String::new();
    let to = &mut headers;
    from_us(to, house, subject, frozen.date);
    mime::mailbox_field(
        to,
        "List-Id",
        &house.site_name,
        &format!("digest.{}", house.from.email.domain()),
    );
    mime::list_field(
        to,
        "List-Help",
        &[&format!("<mailto:{owner}?subject=help>")],
    );
    mime::list_field(to, "List-Owner", &[&format!("<mailto:{owner}>")]);
    mime::list_field(
        to,
        "List-Archive",
        &[&format!("<{}/issues>", house.site_url)],
    );
    mime::list_field(to, "Precedence", &["bulk"]);
    mime::list_field(to, "Auto-Submitted", &["auto-generated"]);
    let sender_id = sender_id(house.from.email.domain());
    let feedback = format!(
        "{}:{}:{}:{sender_id}",
        frozen.content.month, edition.frequency, edition.language
    );
    mime::list_field(to, "Feedback-ID", &[&feedback]);
    mime::list_field(to, "MIME-Version", &["1.0"]);
    headers
}

/// All fields of a letter: it is nobody's list mail, and so has no list's fields.
pub(super) fn of_letter(
    to: &mut String,
    house: &House,
    subscriber: &Subscriber,
    message_id: &str,
    subject: &str,
    date: DateTime<Utc>,
) {
    mime::mailbox_field(to, "To", &subscriber.name, &subscriber.address);
    let message_id = format!("<{message_id}@{}>", house.from.email.domain());
    mime::list_field(to, "Message-ID", &[&message_id]);
    from_us(to, house, subject, date);
    mime::list_field(to, "Auto-Submitted", &["auto-generated"]);
    mime::list_field(to, "MIME-Version", &["1.0"]);
}

fn from_us(to: &mut String, house: &House, subject: &str, date: DateTime<Utc>) {
    let from_name = house.from.name.as_deref().unwrap_or(&house.site_name);
    mime::mailbox_field(to, "From", from_name, house.from.email.as_ref());
    let reply_to = house.reply_to.name.as_deref().unwrap_or_default();
    mime::mailbox_field(to, "Reply-To", reply_to, house.reply_to.email.as_ref());
    mime::text_field(to, "Subject", subject);
    mime::list_field(to, "Date", &[&date.to_rfc2822()]);
}

/// Gmail's SenderId: 5 to 15 letters and digits, the same in all mail of the sender.
fn sender_id(domain: &str) -> String {
    let letters = domain
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase());
    letters.chain("bulletin".chars()).take(15).collect()
}
