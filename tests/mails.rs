//! The message on the wire: its header, its parts, its links.

use std::collections::BTreeSet;
use std::path::Path;

use bulletin::db::Db;
use bulletin::dkim::Signer;
use bulletin::feedback::{self, staying};
use bulletin::render::Renderer;
use bulletin::request::{Form, Kind};
use bulletin::secret::Purpose;
use bulletin::subscription::Language;
use bulletin::verp;
use mail_parser::{MessageParser, MimeHeaders};
use ring::signature::Ed25519KeyPair;

use crate::support::news::{ATTACHMENT, DEPRESSION, form, house, issue};
use crate::support::{News, each_database, root};

/// The only message that the relay took.
async fn only_message(news: &News) -> (String, String) {
    news.plan("2026-03").await;
    news.deliver_all().await;
    let taken = news.peer.taken();
    assert_eq!(taken.len(), 1);
    (
        taken[0].return_path.clone(),
        String::from_utf8(taken[0].message.clone()).unwrap(),
    )
}

fn field<'a>(message: &'a str, name: &str) -> Vec<String> {
    let header: &'a str = message.split("\r\n\r\n").next().unwrap();
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let start = format!("{name}: ").to_lowercase();
    let fields = unfolded
        .split("\r\n")
        .filter(|line| line.to_lowercase().starts_with(&start));
    fields
        .map(|line| line[start.len()..].trim().to_owned())
        .collect()
}

each_database!(a_digest_has_every_field_that_senders_owe);
async fn a_digest_has_every_field_that_senders_owe(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[ATTACHMENT]]))
        .await;
    let (return_path, message) = only_message(&news).await;
    let one = |name: &str| {
        let found = field(&message, name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0].clone()
    };
    assert_eq!(one("From"), "\"Research News\" <news@example.org>");
    assert_eq!(one("To"), "\"A Reader\" <a@peer.test>");
    assert_eq!(one("Reply-To"), "editor@example.org");
    assert_eq!(one("Date"), "Tue, 3 Mar 2026 14:00:00 +0000");
    assert_eq!(one("List-Id"), "\"Research News\" <digest.example.org>");
    assert_eq!(one("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(one("List-Archive"), "<https://news.example.org/issues>");
    assert_eq!(
        (one("Precedence"), one("Auto-Submitted")),
        ("bulk".into(), "auto-generated".into())
    );
    assert_eq!(one("Feedback-ID"), "2026-03:monthly:en:exampleorgbulle");
    let reader = news.reader("a@peer.test").await;
    let leave = news.keys.link(Purpose::Unsubscribe, reader.id);
    let delivery = verp::delivery(&news.keys, &return_path).unwrap();
    let by_mail = verp::leave(&news.keys, delivery);
    assert_eq!(
        one("List-Unsubscribe"),
        format!("<https://news.example.org/u/{leave}>, <mailto:{by_mail}@bounce.example.org>")
    );
    assert!(one("Message-ID").ends_with("@example.org>"));
    assert!(
        verp::delivery(&news.keys, &return_path).is_some(),
        "the return path names the delivery"
    );
    assert!(return_path.ends_with("@bounce.example.org"));
    let long: Vec<&str> = message.lines().filter(|line| line.len() > 78).collect();
    assert!(long.is_empty(), "{long:?}");
    assert!(message.is_ascii());
    assert!(
        !message.contains(&reader.id.to_string()),
        "no reader's id is shown"
    );
}

each_database!(both_parts_hold_the_summaries_and_only_the_links_differ_from_reader_to_reader);
async fn both_parts_hold_the_summaries_and_only_the_links_differ_from_reader_to_reader(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[ATTACHMENT]]))
        .await;
    let (_, message) = only_message(&news).await;
    let parsed = MessageParser::default().parse(&message).unwrap();
    let kinds: Vec<_> = parsed
        .parts
        .iter()
        .filter_map(|part| part.content_type()?.subtype())
        .collect();
    assert_eq!(kinds, ["alternative", "plain", "html"]);
    let reader = news.reader("a@peer.test").await;
    let [preferences, unsubscribe] = news.renderer.links(reader.id);
    for body in [parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap()] {
        for wanted in [
            "What was found in Study 1 of 2026-03.",
            "Study 2 of 2026-03",
            &preferences,
            &unsubscribe,
        ] {
            assert!(body.contains(wanted), "{wanted} in {body}");
        }
        assert!(
            !body.contains("What was found in Study 2"),
            "only its title is listed"
        );
        assert!(
            !body.contains(|c: char| ('\u{FDD0}'..='\u{FDEF}').contains(&c)),
            "no hole is left open"
        );
    }
}

/// What follows each `mark` in a page, up to what ends an attribute's value.
fn behind<'a>(html: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let rests = html.split(mark).skip(1);
    rests.map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', ' ']);
        rest.split(['"', '\'', '>', ')']).next().unwrap()
    })
}

/// What a mail program would fetch by itself as soon as it shows the mail.
fn fetched(html: &str) -> BTreeSet<&str> {
    let marks = [
        "src=",
        "srcset=",
        "background=",
        "poster=",
        "data=",
        "url(",
        "@import",
        "<link",
        "<iframe",
        "<script",
    ];
    let found = marks.into_iter().flat_map(|mark| behind(html, mark));
    found.collect()
}

each_database!(no_mail_tells_by_what_it_fetches_or_links_who_reads_it);
async fn no_mail_tells_by_what_it_fetches_or_links_who_reads_it(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[DEPRESSION]).await;
    news.subscribe("ben@peer.test", &[DEPRESSION]).await;
    let mut study = issue("2026-03", &[&[DEPRESSION]]);
    study.summaries[0].doi = Some("10.1000/182".to_owned());
    news.publish(&study).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    let ours = "https://news.example.org/";
    let mut seen = Vec::new();
    for address in ["ann@peer.test", "ben@peer.test"] {
        let mail = news.peer.mails_to(address).concat();
        for receipt in [
            "Disposition-Notification-To",
            "Return-Receipt-To",
            "X-Confirm-Reading-To",
        ] {
            assert!(field(&mail, receipt).is_empty(), "{receipt}");
        }
        let parsed = MessageParser::default().parse(&mail).unwrap();
        let html = parsed.body_html(0).unwrap();
        let fetched: BTreeSet<String> = fetched(&html).into_iter().map(str::to_owned).collect();
        assert!(
            fetched.iter().all(|url| url.starts_with(ours)),
            "{fetched:?}"
        );
        let links = behind(&html, "href=").map(str::to_owned);
        let elsewhere: BTreeSet<String> = links.filter(|url| !url.starts_with(ours)).collect();
        assert!(
            elsewhere.contains("https://doi.org/10.1000/182"),
            "{elsewhere:?}"
        );
        seen.push((fetched, elsewhere));
    }
    assert_eq!(seen[0], seen[1], "neither tells one reader from another");
}

#[test]
fn what_a_mail_fetches_is_found_however_it_is_written() {
    let html = "<img src=\"https://a.test/1\"><td background='https://a.test/2'><p style=\"background:url(https://a.test/3)\">\
                <style>@import 'https://a.test/4'</style><link rel=x><a href=\"https://a.test/5\">";
    let found = fetched(html).into_iter().collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            "https://a.test/1",
            "https://a.test/2",
            "https://a.test/3",
            "https://a.test/4",
            "rel=x"
        ]
    );
}

each_database!(who_wants_text_alone_gets_text_alone);
async fn who_wants_text_alone_gets_text_alone(db: Db) {
    let news = News::start(db).await;
    news.subscribe_with("a@peer.test", &[], ",,text,fr").await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let (_, message) = only_message(&news).await;
    assert_eq!(
        field(&message, "Content-Type"),
        ["text/plain; charset=utf-8"]
    );
    assert!(!message.contains("<html"));
}

each_database!(a_local_part_in_another_script_is_mailed_as_it_is);
async fn a_local_part_in_another_script_is_mailed_as_it_is(db: Db) {
    let news = News::start(db).await;
    news.subscribe("用户@例え.jp", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let (_, message) = only_message(&news).await;
    assert!(field(&message, "To")[0].ends_with("<用户@xn--r8jz45g.jp>"));
}

each_database!(hostile_names_and_titles_add_no_field_and_no_tag);
async fn hostile_names_and_titles_add_no_field_and_no_tag(db: Db) {
    let news = News::start(db).await;
    let csv = "address,name,consent_at,consent_source\na@peer.test,\"<script>x</script>, \"\"Bcc: x@y.z\"\"\",2026-01-01,form\n";
    assert_eq!(news.enrol(csv).await.0.added, 1);
    let mut hostile = issue("2026-03", &[&[DEPRESSION]]);
    hostile.summaries[0].title = "<script>alert(1)</script>\r\nBcc: x@y.z".to_owned();
    hostile.summaries[0].doi = Some("10.1/\"><script>".to_owned());
    news.publish(&hostile).await;
    let (_, message) = only_message(&news).await;
    assert!(field(&message, "Bcc").is_empty());
    let parsed = MessageParser::default().parse(&message).unwrap();
    assert!(!parsed.body_html(0).unwrap().contains("<script"));
}

each_database!(a_signature_stands_above_everything_it_covers);
async fn a_signature_stands_above_everything_it_covers(db: Db) {
    let mut news = News::start(db).await;
    let signer = Signer::from_pem("example.org", "s1", &ed25519_key()).unwrap();
    news.renderer = Renderer::new(
        house(),
        news.keys.clone(),
        Some(signer),
        news.vocabulary.clone(),
    )
    .into();
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let (_, message) = only_message(&news).await;
    let signature = field(&message, "DKIM-Signature");
    assert_eq!(signature.len(), 1);
    let signed = signature[0].replace(' ', "");
    let covered: Vec<&str> = signed
        .split(";h=")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .split(':')
        .collect();
    for name in [
        "from",
        "to",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "list-help",
        "list-owner",
        "list-archive",
        "precedence",
        "auto-submitted",
        "feedback-id",
    ] {
        assert!(covered.contains(&name), "{name} in {covered:?}");
    }
    for twice in [
        "from",
        "to",
        "subject",
        "date",
        "reply-to",
        "list-unsubscribe",
        "list-unsubscribe-post",
    ] {
        assert_eq!(
            covered.iter().filter(|name| **name == twice).count(),
            2,
            "{twice} cannot be added"
        );
    }
}

fn ed25519_key() -> Vec<u8> {
    let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let base64 = data_encoding::BASE64.encode(document.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n").into_bytes()
}

/// Writes every kind of mail into a folder, for the checks of `tests/inbox` and for eyes.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_mail_can_be_written_out_for_the_inbox_checks() {
    let folder = root().join("target/mails");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let database = crate::support::databases::sqlite().await;
    let mut news = News::start(database.db.clone()).await;
    let pem = std::fs::read(root().join("tests/fixtures/dkim-for-tests.pem")).unwrap();
    let signer = Signer::from_pem("example.org", "s1", &pem).unwrap();
    let signer = signer.and("s2", &ed25519_key()).unwrap();
    let records = signer
        .records()
        .map(|record| format!("{} {}\n", record.name, record.value));
    std::fs::write(folder.join("key.txt"), records.collect::<String>()).unwrap();
    let vocabulary = news.vocabulary.clone();
    news.renderer = Renderer::new(house(), news.keys.clone(), Some(signer), vocabulary).into();
    let mut issues = bulletin::demo::issues().unwrap();
    for fixture in ["long.md", "french.md"] {
        let bytes = std::fs::read(root().join("tests/fixtures").join(fixture)).unwrap();
        issues.extend(bulletin::import::read(fixture, &bytes).unwrap().issues);
    }
    for issue in &issues {
        news.publish(issue).await;
    }
    let kinds = [
        ("all", "*", ",,html,en"),
        ("two", "depression;alliance", ",,html,en"),
        ("fr", "*", ",,html,fr"),
    ];
    for (name, topics, more) in kinds
        .into_iter()
        .chain([("text", "*", ",,text,en"), ("quarter", "*", ",quarterly,,")])
    {
        let topics = if topics == "*" { "" } else { topics };
        news.subscribe_with(
            &format!("{name}@peer.test"),
            &topics
                .split(';')
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>(),
            more,
        )
        .await;
    }
    for month in ["2020-12", "2022-11", "2031-01", "2031-02"] {
        news.plan(month).await;
    }
    news.deliver_all().await;
    let digests = news.peer.taken();
    assert!(digests.len() >= 15, "{}", digests.len());
    for received in &digests {
        let message = std::str::from_utf8(&received.message).unwrap();
        let month = &field(message, "Feedback-ID")[0][..7];
        let reader = received.recipients[0].split('@').next().unwrap();
        write_out(&folder, &format!("{month}-{reader}"), &received.message);
    }
    for (language, code) in [(Language::English, "en"), (Language::French, "fr")] {
        ask_for_every_letter(&news, language, code).await;
    }
    let letters = &news.peer.taken()[digests.len()..];
    assert_eq!(letters.len(), 18, "nine kinds, each in two languages");
    for (number, received) in letters.iter().enumerate() {
        write_out(&folder, &format!("letter-{number}"), &received.message);
    }
}

/// A reader who signs up twice, asks for everything there is, moves and leaves; and one whose implied consent ends soon.
async fn ask_for_every_letter(news: &News, language: Language, code: &str) {
    let (old, new) = (format!("l.{code}@peer.test"), format!("n.{code}@peer.test"));
    let asked = || Form {
        language,
        ..form(&[DEPRESSION, ATTACHMENT])
    };
    let sign_up = news.ask(Kind::SignUp, &old, asked(), None).await;
    news.confirm(sign_up).await;
    news.wait(chrono::Duration::hours(25));
    for kind in [Kind::SignUp, Kind::Manage, Kind::Data] {
        news.ask(kind, &old, asked(), None).await;
    }
    let id = news.reader(&old).await.id;
    let moving = news.ask(Kind::Address, &new, asked(), Some(id)).await;
    news.confirm(moving).await;
    let reader = news.reader(&new).await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::goodbye(&mut tx, &reader, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let consented = (news.now() - chrono::Duration::days(710)).format("%Y-%m-%d");
    news.enrol(&format!(
        "address,language,consent_at,consent_source,consent_kind\ni.{code}@peer.test,{code},{consented},a seat,implied\n"
    ))
    .await;
    staying::ask(&news.db, news.now()).await.unwrap();
    news.deliver_all().await;
}

/// A mail and its parts, as the checks want them.
fn write_out(folder: &Path, name: &str, message: &[u8]) {
    let parsed = MessageParser::default().parse(message).unwrap();
    let subject = parsed.subject().unwrap_or_default();
    assert!((10..=78).contains(&subject.chars().count()), "{subject}");
    let path = |ending: &str| folder.join(format!("{name}.{ending}"));
    std::fs::write(path("eml"), message).unwrap();
    std::fs::write(path("txt"), parsed.body_text(0).unwrap().as_bytes()).unwrap();
    let is_html = |part: &mail_parser::MessagePart<'_>| {
        part.content_type()
            .is_some_and(|kind| kind.subtype() == Some("html"))
    };
    if parsed.parts.iter().any(is_html) {
        let html = parsed.body_html(0).unwrap();
        assert!(
            html.len() < 60_000,
            "{name} has {} bytes of HTML",
            html.len()
        );
        std::fs::write(path("html"), html.as_bytes()).unwrap();
    }
}
