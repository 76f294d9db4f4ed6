//! A news service of one test: readers, issues, a relay, and a clock that the test turns.

use std::sync::{Arc, Mutex};

use bulletin::alarm::Allowed;
use bulletin::campaign::{self, Account};
use bulletin::clock::Clock;
use bulletin::config::{OnNothing, OnUnknown, Retention};
use bulletin::db::{Db, Tx};
use bulletin::deliver::queue;
use bulletin::deliver::quota::Quota;
use bulletin::deliver::relay::Relay;
use bulletin::deliver::round::{Claimed, Due, Round};
use bulletin::deliver::settled::Settled;
use bulletin::deliver::smtp::Outcome;
use bulletin::deliver::{SendError, Sender, Until};
use bulletin::enrol::{Enrolled, Enrolment, Refused};
use bulletin::feedback::acting::Terms;
use bulletin::feedback::requests::{self, Confirmed, Requests};
use bulletin::issue::{Issue, Month, Summary};
use bulletin::metrics::Metrics;
use bulletin::plan::{self, Plan, Settings};
use bulletin::receive::Receiver;
use bulletin::render::{House, Renderer};
use bulletin::request::{self, Form, Kind, Request};
use bulletin::returned::score::Limit;
use bulletin::secret::Keys;
use bulletin::standing::Standing;
use bulletin::subscriber::{self, Address, Subscriber};
use bulletin::subscription::{Format, Frequency, Language};
use bulletin::suggest::Suggester;
use bulletin::topic::Vocabulary;
use bulletin::{archive, subscription, suppression, verp};
use chrono::{DateTime, Duration, Utc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Peer;

pub struct News {
    pub db: Db,
    pub keys: Keys,
    pub vocabulary: Vocabulary,
    pub peer: Peer,
    pub settings: Settings,
    pub renderer: Arc<Renderer>,
    pub metrics: Metrics,
    pub standing: Standing,
    pub quota: Quota,
    /// By what rules it is acted on what comes back.
    pub terms: Terms,
    clock: Arc<Mutex<DateTime<Utc>>>,
    _folder: TempDir,
}

impl News {
    pub async fn start(db: Db) -> News {
        let folder = TempDir::new().expect("a temporary folder");
        let keys = Keys::open(&folder.path().join("key")).expect("a key is made");
        let vocabulary = Vocabulary::built_in();
        let now: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().expect("a time");
        News {
            db,
            renderer: Arc::new(Renderer::new(
                house(),
                keys.clone(),
                None,
                vocabulary.clone(),
            )),
            keys,
            vocabulary,
            peer: Peer::start().await,
            metrics: Metrics::default(),
            standing: Standing::default(),
            quota: Quota::default(),
            terms: Terms {
                valid: Duration::days(30),
                soft: Limit {
                    score: 3,
                    half_life: Duration::days(180),
                },
                storm: Some(Allowed::default()),
                goodbye: true,
            },
            settings: Settings {
                on_nothing: OnNothing::Skip,
                on_unknown: OnUnknown::Retry,
                now,
                start_at: now,
                readers_time: None,
            },
            clock: Arc::new(Mutex::new(now)),
            _folder: folder,
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().expect("the clock is not broken")
    }

    pub fn wait(&self, time: Duration) {
        *self.clock.lock().expect("the clock is not broken") += time;
    }

    /// A reader of these topics; none means all.
    pub async fn subscribe(&self, address: &str, topics: &[&str]) {
        self.subscribe_with(address, topics, "").await;
    }

    /// `more` is what follows the topics in the CSV: research_types,frequency,format,language.
    pub async fn subscribe_with(&self, address: &str, topics: &[&str], more: &str) {
        let more = if more.is_empty() { ",,," } else { more };
        let csv = format!(
            "address,name,topics,research_types,frequency,format,language,consent_at,consent_source\n\
             {address},A Reader,{},{more},2026-01-01,form\n",
            topics.join(";")
        );
        let (enrolled, refused) = self.enrol(&csv).await;
        assert_eq!(enrolled.added, 1, "{refused:?}");
    }

    pub async fn enrol(&self, csv: &str) -> (Enrolled, Vec<Refused>) {
        let mut refused = Vec::new();
        let new_id = Uuid::new_v4;
        let enrolment = Enrolment {
            implied_life: Duration::days(730),
            db: &self.db,
            keys: &self.keys,
            vocabulary: &self.vocabulary,
            now: self.now(),
            new_id: &new_id,
        };
        let keep = |line| {
            refused.push(line);
            Ok(())
        };
        let enrolled = enrolment
            .run("readers.csv", csv.as_bytes(), keep, |_| {})
            .await
            .expect("the file can be read");
        (enrolled, refused)
    }

    /// Takes an issue in; gives the changes in words.
    pub async fn publish(&self, issue: &Issue) -> Vec<String> {
        let mut tx = self.db.begin().await.expect("the database is there");
        let suggester = Suggester::new(&self.vocabulary);
        let changes = archive::keep(&mut tx, issue, &suggester, self.now())
            .await
            .expect("the issue is kept");
        tx.commit().await.expect("it commits");
        changes.iter().map(ToString::to_string).collect()
    }

    /// What would be settled; changes nothing.
    pub async fn preview(&self, month: &str) -> Plan {
        let mut tx = self.db.begin().await.expect("the database is there");
        plan::settle(
            &mut tx,
            month.parse().expect("a month"),
            &self.settings_now(),
        )
        .await
        .expect("it can be planned")
        .1
    }

    pub async fn plan(&self, month: &str) -> Plan {
        let mut tx = self.db.begin().await.expect("the database is there");
        let settled = plan::settle(
            &mut tx,
            month.parse().expect("a month"),
            &self.settings_now(),
        )
        .await;
        tx.commit().await.expect("it commits");
        settled.expect("it can be planned").1
    }

    fn settings_now(&self) -> Settings {
        Settings {
            now: self.now(),
            start_at: self.now(),
            ..self.settings
        }
    }

    /// The real sender. Its clock is the test's, but goes on by itself: what has no room is put off for moments.
    pub fn sender(&self) -> Sender {
        let (clock, began) = (self.clock.clone(), std::time::Instant::now());
        Sender {
            db: self.db.clone(),
            relay: Relay::parse(&format!("smtp://{}", self.peer.address)).expect("an address"),
            renderer: self.renderer.clone(),
            connections: 3,
            connections_per_domain: None,
            quota: self.quota.clone(),
            lease: std::time::Duration::from_secs(30),
            life: Duration::days(5),
            first_pause: std::time::Duration::from_millis(1),
            storm: self.terms.storm,
            soft: self.terms.soft,
            metrics: self.metrics.clone(),
            standing: self.standing.clone(),
            clock: Arc::new(move || {
                let elapsed = Duration::microseconds(began.elapsed().as_micros() as i64);
                *clock.lock().expect("the clock is not broken") + elapsed
            }),
        }
    }

    /// What is kept of readers: the settings' own defaults.
    pub fn retention(&self) -> Retention {
        Retention {
            left: Duration::days(28),
            unreachable: Duration::days(180),
            history: Duration::days(365),
            requests: Duration::days(365),
            consents: Duration::days(1096),
        }
    }

    /// What settles requests, as beside the site.
    pub fn requests(&self) -> Requests {
        Requests {
            db: self.db.clone(),
            keys: self.keys.clone(),
            clock: self.clock(),
            new_id: Uuid::new_v4,
            asked: Arc::default(),
        }
    }

    /// What takes what comes back.
    pub fn receiver(&self) -> Receiver {
        Receiver {
            db: self.db.clone(),
            keys: self.keys.clone(),
            terms: self.terms.clone(),
            clock: self.clock(),
            metrics: self.metrics.clone(),
            patience: std::time::Duration::ZERO,
        }
    }

    /// The newest delivery that this address was sent, by its signed return path.
    pub fn delivery_to(&self, address: &str) -> i64 {
        let taken = self.peer.taken().into_iter().rev();
        let mut sent = taken.filter(|one| one.recipients.iter().any(|known| known == address));
        let path = sent.next().expect("it got a mail").return_path;
        verp::delivery(&self.keys, &path).expect("it is signed")
    }

    /// Asks as a page does, settles it, and sends what it led to; gives the request's id.
    pub async fn ask(&self, kind: Kind, address: &str, form: Form, of: Option<Uuid>) -> Uuid {
        let id = Uuid::new_v4();
        let address = Address::parse(address).expect("an address");
        let request = Request {
            subscriber_id: of,
            ..Request::new(id, kind, &address, &self.keys, form, self.now())
        };
        let mut tx = self.db.begin().await.expect("the database is there");
        request::add(&mut tx, &request).await.expect("it is kept");
        tx.commit().await.expect("it commits");
        self.requests().settle().await.expect("it is settled");
        self.deliver_all().await;
        id
    }

    /// Uses the link of the request's letter.
    pub async fn confirm(&self, request: Uuid) -> Confirmed {
        let mut tx = self.db.begin().await.expect("the database is there");
        let confirmed = requests::confirm(&mut tx, &self.keys, request, self.now())
            .await
            .expect("it can be confirmed");
        tx.commit().await.expect("it commits");
        self.deliver_all().await;
        confirmed
    }

    /// The clock that the test turns, for the service.
    pub fn clock(&self) -> Clock {
        let clock = self.clock.clone();
        Arc::new(move || *clock.lock().expect("the clock is not broken"))
    }

    /// The real sender, until nothing is due.
    pub async fn deliver_all(&self) {
        self.try_deliver_all().await.expect("the sender ends well");
    }

    pub async fn try_deliver_all(&self) -> Result<(), SendError> {
        self.sender()
            .run(random(), Until::NothingDue, CancellationToken::new())
            .await
    }

    /// What a sender of this number would claim now.
    pub async fn claim(&self, tx: &mut Tx, sender: i64, limit: usize) -> Vec<Claimed> {
        let campaigns = queue::campaigns_with_due(tx, self.now())
            .await
            .expect("they can be read");
        let Some(campaign) = campaigns.first() else {
            return Vec::new();
        };
        let round = Round {
            sender,
            settled: &[],
            campaign: *campaign,
            wanted: limit,
            now: self.now(),
        };
        let done = round.within(tx).await.expect("it can be claimed");
        done.claimed
    }

    /// Writes down what became of what a sender of this number held. Gives how many were its own.
    pub async fn settle(&self, tx: &mut Tx, sender: i64, outcomes: &[(Due, Outcome)]) -> usize {
        let now = self.now();
        let settled: Vec<Settled> = outcomes
            .iter()
            .map(|(due, outcome)| Settled::by(due, outcome, chrono::Duration::days(5), now))
            .collect();
        let round = Round {
            sender,
            settled: &settled,
            campaign: 0,
            wanted: 0,
            now,
        };
        let done = round.within(tx).await.expect("it can be written down");
        done.written
    }

    /// The account of everything; that it balances is checked each time.
    pub async fn account(&self) -> Account {
        let mut tx = self.db.read().await.expect("the database is there");
        let account = campaign::account(&mut tx, None)
            .await
            .expect("it can be counted");
        assert_eq!(account.sum(), account.planned, "{account:?}");
        account
    }

    pub async fn reader(&self, address: &str) -> Subscriber {
        let hash = Address::parse(address)
            .expect("an address")
            .hash(&self.keys);
        let mut tx = self.db.read().await.expect("the database is there");
        subscriber::by_address(&mut tx, &hash)
            .await
            .expect("it can be read")
            .expect("there is this reader")
    }

    /// The same within a transaction that is open.
    pub async fn reader_in(&self, tx: &mut Tx, address: &str) -> Subscriber {
        let hash = Address::parse(address)
            .expect("an address")
            .hash(&self.keys);
        subscriber::by_address(tx, &hash)
            .await
            .expect("it can be read")
            .expect("there is this reader")
    }

    pub async fn is_suppressed(&self, address: &str) -> bool {
        let hash = Address::parse(address)
            .expect("an address")
            .hash(&self.keys);
        let mut tx = self.db.read().await.expect("the database is there");
        suppression::of(&mut tx, &hash)
            .await
            .expect("it can be read")
            .is_some()
    }

    pub async fn consents(&self, address: &str) -> Vec<subscription::Consent> {
        let hash = Address::parse(address)
            .expect("an address")
            .hash(&self.keys);
        let mut tx = self.db.read().await.expect("the database is there");
        subscription::consents(&mut tx, &hash)
            .await
            .expect("it can be read")
    }
}

/// A sign-up form with these topics.
pub fn form(topics: &[&str]) -> Form {
    Form {
        name: "Ann Other".to_owned(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        research_types: Vec::new(),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language: Language::English,
        page: "/subscribe".to_owned(),
        text: "1".to_owned(),
    }
}

pub fn house() -> House {
    House {
        site_url: "https://news.example.org".to_owned(),
        site_name: "Research News".to_owned(),
        from: "Research News <news@example.org>"
            .parse()
            .expect("a mailbox"),
        reply_to: "editor@example.org".parse().expect("a mailbox"),
        postal_address: "1 Sample Street, Ottawa".to_owned(),
        contact: "editor@example.org".to_owned(),
        bounce_domain: "bounce.example.org".to_owned(),
        bounces_reach_us: true,
    }
}

pub fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// An issue with one summary for each list of topics; titles are `Study 1 of 2026-03` and so on.
pub fn issue(of: &str, topics: &[&[&str]]) -> Issue {
    let summaries = (1..)
        .zip(topics)
        .map(|(number, topics)| summary(&format!("Study {number} of {of}"), topics));
    Issue {
        month: month(of),
        teaser: None,
        summaries: summaries.collect(),
    }
}

pub fn summary(title: &str, topics: &[&str]) -> Summary {
    Summary {
        title: title.to_owned(),
        citation: None,
        doi: None,
        summary: vec![format!("What was found in {title}.")],
        implications: vec![format!("What {title} means for practice.")],
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        research_type: Some("survey".to_owned()),
        language: "en".to_owned(),
    }
}

pub fn random() -> i64 {
    (Uuid::new_v4().as_u64_pair().0 >> 1) as i64
}

/// Slugs that tests use.
pub const DEPRESSION: &str = "depression-and-depressive-symptoms";
pub const ATTACHMENT: &str = "attachment";
pub const EMPATHY: &str = "empathy";
pub const TRAINING: &str = "training";
