//! What a desk of ten years has behind it: readers, issues, deliveries, and what came back.

use std::fmt;
use std::fmt::Write as _;

use crate::bench::pages::import_archive;
use crate::dice::Dice;
use crate::ground::Kind;
use crate::lab::Lab;

/// The months of the archive end with this one; it and the one before were planned for everybody.
pub const NEWEST: &str = "1959-12";
const BEFORE: &str = "1959-11";

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub readers: usize,
    pub months: usize,
    pub deliveries: usize,
}

impl Size {
    pub fn of(quick: bool) -> Size {
        match quick {
            true => Size {
                readers: 20_000,
                months: 120,
                deliveries: 60_000,
            },
            false => Size {
                readers: 1_000_000,
                months: 120,
                deliveries: 3_000_000,
            },
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size {
            readers,
            months,
            deliveries,
        } = self;
        write!(
            f,
            "{readers} readers, {months} issues, {deliveries} deliveries"
        )
    }
}

const FIRST: [&str; 24] = [
    "anna", "ben", "carla", "david", "emma", "felix", "greta", "hugo", "ines", "jean", "karin",
    "luc", "marie", "noah", "olga", "paul", "quinn", "rosa", "sophie", "tina", "vera", "will",
    "yann", "zoe",
];

const LAST: [&str; 24] = [
    "smith", "jones", "tremblay", "gagnon", "roy", "cote", "bouchard", "gauthier", "morin",
    "lavoie", "fortin", "nguyen", "singh", "wong", "chen", "zhang", "kim", "mueller", "schmidt",
    "garcia", "rossi", "novak", "ivanov", "sato",
];

const BIG_DOMAINS: [&str; 5] = [
    "gmail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.ca",
    "videotron.ca",
];

const TOPICS: [&str; 6] = [
    "attachment",
    "empathy",
    "training",
    "depression-and-depressive-symptoms",
    "therapist-factors",
    "outcomes-and-deterioration",
];

/// Fills an empty service: lists and pages by its own commands, years of deliveries by SQL.
pub fn fill(lab: &Lab<'_>, size: Size) -> anyhow::Result<()> {
    eprintln!(
        "filling a database on {} with {size}: once, for it is kept",
        lab.kind
    );
    import_archive(lab, size.months)?;
    std::fs::write(lab.folder.join("many.csv"), list(size.readers))?;
    lab.run(&["subscriber", "import", "many.csv"])?;
    std::fs::remove_file(lab.folder.join("many.csv"))?;
    for month in [BEFORE, NEWEST] {
        lab.plan(month)?;
    }
    for sql in statements(lab.kind, size) {
        lab.on_store(lab.store.execute(&sql))?;
    }
    Ok(())
}

/// Some choose everything, most some topics; a few read French, want text, or a round-up each quarter.
fn list(readers: usize) -> String {
    let mut dice = Dice::new(31);
    let mut csv =
        "address,name,topics,frequency,format,language,consent_kind,consent_at,consent_source\n"
            .to_owned();
    let mut below = |end: usize| dice.below(end as u64) as usize;
    for number in 0..readers {
        let (first, last) = (FIRST[below(FIRST.len())], LAST[below(LAST.len())]);
        let domain = match below(10) {
            0..6 => BIG_DOMAINS[below(BIG_DOMAINS.len())].to_owned(),
            _ => format!("dept-{}{}.example", LAST[below(LAST.len())], below(2_000)),
        };
        let topics = match below(4) {
            0 => String::new(),
            some => (0..some)
                .map(|_| TOPICS[below(TOPICS.len())])
                .collect::<Vec<_>>()
                .join(";"),
        };
        let rarely = |every: usize, word: &'static str| match number % every {
            0 => word,
            _ => "",
        };
        let consent = format!("2026-{:02}-{:02}", 1 + number % 10, 1 + number % 28);
        let _ = writeln!(
            csv,
            "{last}.{first}{number}@{domain},{},{topics},{},{},{},{},{consent},form",
            rarely(3, "A Reader"),
            rarely(10, "quarterly"),
            rarely(20, "text"),
            rarely(5, "fr"),
            rarely(50, "implied"),
        );
    }
    csv
}

/// Older campaigns to a part of the list each, the outcomes of all, and what follows from some.
fn statements(kind: Kind, size: Size) -> Vec<String> {
    let time = |text: &str| match kind {
        Kind::Sqlite => text.to_owned(),
        Kind::Postgres => format!("CAST({text} AS timestamptz)"),
    };
    let ended_at = time("'2026-10-06T09:00:00+00:00'");
    let each = (size.deliveries.saturating_sub(size.readers * 2) / (size.months - 2)).max(1);
    let newest = "(SELECT max(id) FROM campaign)";
    let start = time("i.month || '-05T09:00:00+00:00'");
    vec![
        format!(
            "INSERT INTO campaign (issue_id, state, content, fingerprint, on_unknown, planned_at, start_at) \
             SELECT i.id, 'running', c.content, c.fingerprint, 'retry', {start}, {start} FROM issue i \
             CROSS JOIN (SELECT content, fingerprint FROM campaign WHERE id = {newest}) c \
             WHERE i.month < '{BEFORE}' ORDER BY i.month"
        ),
        format!(
            "INSERT INTO delivery (campaign_id, subscriber_id, content, state, attempts, changed_at) \
             SELECT c.id, s.id, '1', 'waiting', 0, c.start_at \
             FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM subscriber) s \
             JOIN (SELECT id, start_at, row_number() OVER (ORDER BY id) - 1 AS m FROM campaign \
                   WHERE id NOT IN (SELECT campaign_id FROM delivery)  AND id <> 0) c ON s.n / {each} = c.m"
        ),
        format!(
            "UPDATE delivery SET attempts = 1, due_at = NULL, first_tried_at = changed_at, \
             state = CASE WHEN id % 97 = 0 THEN 'bounced' WHEN id % 89 = 0 THEN 'suppressed' ELSE 'accepted' END, \
             reply = CASE WHEN id % 97 = 0 THEN '550 5.1.1 no such user' ELSE '250 2.0.0 Ok: queued as 4F2A' END, \
             changed_at = {ended_at}"
        ),
        "UPDATE campaign SET planned = (SELECT count(*) FROM delivery d WHERE d.campaign_id = campaign.id)".to_owned(),
        "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at) \
         SELECT campaign_id, 1, sum(CASE state WHEN 'accepted' THEN 1 ELSE 0 END), \
         sum(CASE state WHEN 'bounced' THEN 1 ELSE 0 END), sum(CASE state WHEN 'bounced' THEN 1 ELSE 0 END), \
         min(changed_at), max(changed_at) FROM delivery GROUP BY campaign_id"
            .to_owned(),
        format!(
            "INSERT INTO returned (mark, at, way, kind, class, reason, because, status, delivery_id, subscriber_id, \
             domain, words, did, note) SELECT 'relay ' || d.id, {ended_at}, 'relay', 'bounce', \
             CASE d.id % 2 WHEN 0 THEN 'hard' ELSE 'soft' END, 'no_such_mailbox', 'code', '5.1.1', d.id, d.subscriber_id, \
             'example.test', '550 5.1.1 no such user', 'suppressed', '' FROM delivery d WHERE d.state = 'bounced'"
        ),
        format!(
            "INSERT INTO suppression (address_hash, reason, note, since) SELECT DISTINCT s.address_hash, 'hard_bounce', '', \
             {ended_at} FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id \
             WHERE d.state = 'bounced' AND d.id % 2 = 0"
        ),
        format!(
            "UPDATE subscriber SET paused_until = {} WHERE id IN (SELECT subscriber_id FROM delivery WHERE id % 401 = 0)",
            time("'2099-01-01T00:00:00+00:00'")
        ),
        "UPDATE subscriber SET state = 'ended' WHERE id IN (SELECT subscriber_id FROM delivery WHERE id % 83 = 0)".to_owned(),
        format!(
            "INSERT INTO consent (address_hash, act, at, source, recorded_at) SELECT address_hash, 'withdrawn', \
             {ended_at}, 'page', {ended_at} FROM subscriber WHERE state = 'ended'"
        ),
        format!(
            "INSERT INTO kept (mark, at, way, why, bytes, mail) VALUES ('bench', {ended_at}, 'pipe', 'a reply', 22, {})",
            match kind {
                Kind::Sqlite => "x'48656c6c6f'",
                Kind::Postgres => "decode('48656c6c6f', 'hex')",
            }
        ),
        match kind {
            Kind::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
            Kind::Postgres => "VACUUM ANALYZE".to_owned(),
        },
    ]
}
