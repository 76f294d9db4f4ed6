//! Readers: looked for, shown, added, changed, and let go. No address stands in the address of a call, for those are
//! written down on the way.

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::ROOT;
use super::call::Call;
use super::forms::{ADDRESS, COUNT, ID, LINE, NAME, SLUGS, SOURCE, TIME, ZONE};
use super::operation::{Answer, Body, Content, Operation, Reply};
use super::paging::{LIMIT, MOST};
use super::problem::Problem;
use super::schema::{Field, Schema, field, optional};
use crate::audit::Deed;
use crate::campaign::DeliveryState;
use crate::db::Tx;
use crate::feedback::timeline::Moment;
use crate::feedback::{self, timeline};
use crate::readers::entry::{self, Entered, Entry};
use crate::readers::{self, Filter, Order, Place, Wanted};
use crate::record::What;
use crate::request::{Form, Kind};
use crate::subscriber::{self, Address, Delivered, Subscriber};
use crate::subscription::{self, Act, Choice, Format, Frequency, Language, Preferences, State};
use crate::suppression;
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{ReadersRead as Read, ReadersWrite as Write};
    const READER_PATH: &str = "/readers/{id}";
    vec![
        Operation::new(Method::GET, "/readers", Read, ["reader_list", "Every reader, the newest first"], list)
            .query(&[AFTER, LIMIT])
            .gives(&Schema::List(&READER, MOST)),
        Operation::new(
            Method::POST,
            "/readers/search",
            Read,
            ["reader_search", "Readers by a part of the address, by what they asked for, or both"],
            search,
        )
        .about("Changes nothing; what is looked for stands in the body, so that no address stands in a log.")
        .query(&[AFTER, LIMIT])
        .takes(Body::Json(&WANTED))
        .gives(&Schema::List(&READER, MOST)),
        Operation::new(Method::GET, READER_PATH, Read, ["reader_get", "Everything that matters of one reader"], show)
            .gives(&READER_WHOLE),
        Operation::new(Method::POST, "/readers", Write, ["reader_add", "Add a reader, or ask somebody whether they want to be one"], add)
            .about(
                "With `consent`, which was given elsewhere, the reader is added at once. Without it a mail asks the \
                 address to confirm, and the answer is the same whoever has it.",
            )
            .takes(Body::Json(&NEW))
            .gives_as(201, Content::Json(&READER), "The reader was added.")
            .gives_as(202, Content::Json(&ASKED), "The address is asked, unless it was lately."),
        Operation::new(Method::PATCH, READER_PATH, Write, ["reader_change", "Change what a reader is called and gets"], change)
            .about("What is not named stays as it is.")
            .takes(Body::Json(&CHANGED))
            .gives(&READER),
        Operation::new(
            Method::POST,
            "/readers/{id}/unsubscribe",
            Write,
            ["reader_unsubscribe", "End a subscription, for what is queued too"],
            unsubscribe,
        )
        .gives(&READER),
        Operation::new(Method::DELETE, READER_PATH, Write, ["reader_erase", "Forget a reader"], erase)
            .about("Only a keyed hash of the address stays, so that no import brings them back.")
            .gives_as(204, Content::Nothing, "Nothing is left of the reader."),
    ]
}

const AFTER: Field = optional("after", ID, "Goes on behind this reader.");

const STATE: Schema = Schema::Word(|| State::ALL.iter().map(|word| word.as_str()).collect());
const FREQUENCY: Schema =
    Schema::Word(|| Frequency::ALL.iter().map(|word| word.as_str()).collect());
const FORMAT: Schema = Schema::Word(|| Format::ALL.iter().map(|word| word.as_str()).collect());
const LANGUAGE: Schema = Schema::Word(|| Language::ALL.iter().map(|word| word.as_str()).collect());
const DELIVERY: Schema = Schema::Word(|| {
    DeliveryState::ALL
        .iter()
        .map(|word| word.as_str())
        .collect()
});
const ACT: Schema = Schema::Word(|| Act::ALL.iter().map(|word| word.as_str()).collect());

const TOPICS: Schema = Schema::List(&Schema::Topic, 36);
const TYPES: Schema = Schema::List(&Schema::ResearchType, 36);

const WANTED: Schema = Schema::Named(
    "ReadersWanted",
    &Schema::Object(&[&[
        optional(
            "part",
            Schema::Text { least: 1, most: 60 },
            "Of the address; upper and lower case are the same.",
        ),
        optional("state", STATE, ""),
        optional(
            "topic",
            Schema::Topic,
            "They get summaries on it, for they chose it or everything.",
        ),
        optional("research_type", Schema::ResearchType, ""),
        optional("language", LANGUAGE, ""),
        optional("frequency", FREQUENCY, ""),
        optional("format", FORMAT, ""),
        optional("since", TIME, "Their consent was given then or later."),
        optional("before", TIME, "Their consent was given earlier."),
        optional(
            "suppressed",
            Schema::Flag,
            "Whether their address gets no mail.",
        ),
        optional(
            "bounced",
            Schema::Flag,
            "Whether a mail came back because of their mailbox.",
        ),
        optional(
            "paused",
            Schema::Flag,
            "Whether they want no digests for a while.",
        ),
    ]]),
);

/// What a reader may choose.
const CHOSEN: &[Field] = &[
    optional("name", NAME, "What they are called; empty when not told."),
    optional("topics", TOPICS, "None: all of them."),
    optional("research_types", TYPES, "None: all of them."),
    optional("frequency", FREQUENCY, ""),
    optional("format", FORMAT, "Of their mails."),
    optional("language", LANGUAGE, "Of the frame around the summaries."),
];

const NEW: Schema = Schema::Named(
    "ReaderNew",
    &Schema::Object(&[
        CHOSEN,
        &[
            field("address", ADDRESS, ""),
            optional("time_zone", ZONE, "Taken where a consent is given."),
            optional("consent", CONSENT, "The consent that they gave elsewhere."),
        ],
    ]),
);

const CONSENT: Schema = Schema::Object(&[&[
    field(
        "source",
        SOURCE,
        "How it was given: a form of paper, a list of a conference.",
    ),
    optional("at", TIME, "When it was given, if not now."),
    optional("until", TIME, "When it runs out, if it was only implied."),
]]);

const CHANGED: Schema = Schema::Named(
    "ReaderChange",
    &Schema::Object(&[CHOSEN, &[optional("time_zone", ZONE, "")]]),
);

const ASKED: Schema = Schema::Object(&[&[field("asked", Schema::Flag, "Always true.")]]);

const READER_FIELDS: &[Field] = &[
    field("id", ID, ""),
    field("address", LINE, ""),
    field("name", LINE, ""),
    field("state", STATE, "`pending`: not confirmed yet."),
    field("topics", SLUGS, "None: all of them."),
    field("research_types", SLUGS, "None: all of them."),
    field("frequency", FREQUENCY, ""),
    field("format", FORMAT, ""),
    field("language", LANGUAGE, ""),
    field("time_zone", LINE, "Empty when not told."),
    field(
        "since",
        TIME,
        "When the consent was given that is acted on.",
    ),
    optional("paused_until", TIME, "Digests come again from then on."),
    optional(
        "consent_until",
        TIME,
        "When a consent that was only implied runs out.",
    ),
];

const READER: Schema = Schema::Named("Reader", &Schema::Object(&[READER_FIELDS]));

const READER_WHOLE: Schema = Schema::Named(
    "ReaderWhole",
    &Schema::Object(&[
        READER_FIELDS,
        &[
            optional(
                "consents",
                Schema::List(&CONSENTED, 100_000),
                "The record of consents.",
            ),
            optional(
                "deliveries",
                Schema::List(&DELIVERED, 100_000),
                "The newest issue first.",
            ),
            optional("suppressed", LINE, "Why the address gets no mail."),
            optional(
                "timeline",
                Schema::List(&MOMENT, 1_000_000),
                "What became of them, moment by moment.",
            ),
        ],
    ]),
);

const CONSENTED: Schema = Schema::Object(&[&[
    field("act", ACT, ""),
    field("at", TIME, ""),
    field("source", LINE, ""),
]]);

const DELIVERED: Schema = Schema::Object(&[&[
    field("month", LINE, ""),
    field("state", DELIVERY, ""),
    field("attempts", COUNT, ""),
    field("reply", Schema::Maybe(&LINE), "The relay's last words."),
]]);

const MOMENT: Schema = Schema::Object(&[&[
    field("at", TIME, ""),
    field(
        "message",
        Schema::Maybe(&LINE),
        "The month of the issue, or `letter`.",
    ),
    field("what", LINE, ""),
    field("words", LINE, ""),
]]);

/// A reader as `bulletin subscriber show --json` has one.
#[derive(Serialize)]
struct Shown {
    id: Uuid,
    address: String,
    name: String,
    state: State,
    topics: Vec<String>,
    research_types: Vec<String>,
    frequency: Frequency,
    format: Format,
    language: Language,
    time_zone: String,
    since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_until: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    reader: Shown,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<Consented>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<Delivered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Moment>,
}

#[derive(Serialize)]
struct Consented {
    act: Act,
    at: DateTime<Utc>,
    source: String,
}

#[derive(Deserialize)]
struct Asked {
    part: Option<String>,
    state: Option<State>,
    topic: Option<String>,
    research_type: Option<String>,
    language: Option<Language>,
    frequency: Option<Frequency>,
    format: Option<Format>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    suppressed: Option<bool>,
    bounced: Option<bool>,
    paused: Option<bool>,
}

/// What is to be; what is not named stays, or is the usual.
#[derive(Deserialize)]
struct Chosen {
    name: Option<String>,
    topics: Option<Vec<String>>,
    research_types: Option<Vec<String>>,
    frequency: Option<Frequency>,
    format: Option<Format>,
    language: Option<Language>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
struct NewReader {
    address: String,
    #[serde(flatten)]
    chosen: Chosen,
    consent: Option<Consent>,
}

#[derive(Deserialize)]
struct Consent {
    source: String,
    at: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// The address that a program wrote, whose form has been looked at.
pub(super) fn address_of(written: &str) -> Result<Address, Problem> {
    Address::parse(written)
        .map_err(|error| Problem::does_not_fit("body /address", error.to_string()))
}

async fn list(call: Call) -> Answer {
    listed(&call, Wanted::default()).await
}

async fn search(call: Call) -> Answer {
    let asked: Asked = call.body()?;
    let wanted = Wanted {
        part: asked.part.clone(),
        filter: asked.filter(),
    };
    if !wanted.is_fit() {
        return Err(Problem::does_not_fit(
            "body /part",
            "no address has so long a part",
        ));
    }
    listed(&call, wanted).await
}

async fn listed(call: &Call, wanted: Wanted) -> Answer {
    let place = Place {
        order: Order::Newest,
        after: call.text("after").and_then(|id| id.parse().ok()),
        most: usize::try_from(call.limit()).unwrap_or(MOST),
    };
    let mut tx = call.reading().await?;
    let found = readers::list(&mut tx, &call.desk.book, &wanted, place, call.now).await?;
    drop(tx);
    call.note(What::Subscribers, None, found.readers.len())
        .await?;
    let shown: Vec<Shown> = found.readers.into_iter().map(shown).collect();
    Ok(call.part(shown, found.next.map(|id| id.to_string())))
}

async fn show(call: Call) -> Answer {
    let id = call.id()?;
    let known = subscriber::by_id(&mut call.reading().await?, id).await?;
    let known = known.map(|reader| reader.id);
    call.note(What::Subscriber, known, usize::from(known.is_some()))
        .await?;
    let mut tx = call.reading().await?;
    let reader = of_id(&mut tx, id).await?;
    Ok(Reply::json(whole(&mut tx, reader).await?))
}

async fn whole(tx: &mut Tx, reader: Subscriber) -> sqlx::Result<Whole> {
    let consents = subscription::consents(tx, &reader.address_hash).await?;
    let suppressed = suppression::of(tx, &reader.address_hash).await?;
    let suppressed = suppressed.map(|found| {
        let since = found.since.to_rfc3339();
        format!("{} since {since}: {}", found.reason, found.note)
    });
    let consents = consents.into_iter().map(|consent| Consented {
        act: consent.act,
        at: consent.at,
        source: consent.source,
    });
    Ok(Whole {
        consents: consents.collect(),
        deliveries: subscriber::deliveries(tx, reader.id).await?,
        suppressed,
        timeline: timeline::of(tx, &reader).await?,
        reader: shown(reader),
    })
}

async fn add(call: Call) -> Answer {
    let new: NewReader = call.body()?;
    let address = address_of(&new.address)?;
    match &new.consent {
        Some(consent) => enter(&call, &address, &new.chosen, consent).await,
        None => ask(&call, &address, new.chosen).await,
    }
}

/// Somebody is to confirm first. The same is done and answered whoever has the address.
async fn ask(call: &Call, address: &Address, chosen: Chosen) -> Answer {
    let form = Form {
        name: chosen.name.unwrap_or_default(),
        topics: chosen.topics.unwrap_or_default(),
        research_types: chosen.research_types.unwrap_or_default(),
        frequency: chosen.frequency.unwrap_or(Frequency::Monthly),
        format: chosen.format.unwrap_or(Format::Html),
        language: chosen.language.unwrap_or(Language::English),
        page: format!("{ROOT}/readers"),
        text: String::new(),
    };
    let mut tx = call.begin().await?;
    call.audit(&mut tx, Deed::ReaderAsked, "", 1).await?;
    let site = &call.desk.site;
    site.ask(tx, Kind::SignUp, address, form, None).await?;
    Ok(Reply::json(json!({ "asked": true })).status(202))
}

async fn enter(call: &Call, address: &Address, chosen: &Chosen, consent: &Consent) -> Answer {
    let at = consent.at.unwrap_or(call.now);
    if at > call.now {
        let says = "lies in the future: a consent was given before it is acted on";
        return Err(Problem::does_not_fit("body /consent/at", says));
    }
    if consent.until.is_some_and(|until| until <= call.now) {
        let says = "is past: this consent has run out";
        return Err(Problem::does_not_fit("body /consent/until", says));
    }
    let site = &call.desk.site;
    let entry = Entry {
        id: (site.new_id)(),
        address,
        name: chosen.name.as_deref().unwrap_or_default(),
        preferences: &chosen.preferences(None),
        consent_source: &consent.source,
        consent_at: at,
        consent_until: consent.until,
    };
    let mut tx = call.begin().await?;
    match entry::enter(&mut tx, &site.keys, &entry, call.now).await? {
        Entered::Added => {}
        Entered::Known(id, state) => {
            let says = format!(
                "a reader has this address: GET {ROOT}/readers/{id}; the subscription is {state}"
            );
            return Err(Problem::does_not_fit("body /address", says));
        }
        Entered::Suppressed(reason) => {
            let says = format!(
                "this address gets no mail ({reason}); its owner can sign up on the site, or the suppression be lifted"
            );
            return Err(Problem::does_not_fit("body /address", says));
        }
    }
    if let Some(zone) = &chosen.time_zone {
        subscriber::describe(&mut tx, entry.id, entry.name, zone).await?;
    }
    call.audit(&mut tx, Deed::ReaderAdded, "", 1).await?;
    let reader = of_id(&mut tx, entry.id).await?;
    tx.commit().await?;
    let location = format!("{ROOT}/readers/{}", reader.id);
    Ok(Reply::json(shown(reader))
        .status(201)
        .field("location", location))
}

async fn change(call: Call) -> Answer {
    let (id, chosen) = (call.id()?, call.body::<Chosen>()?);
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, id).await?;
    subscription::prefer(&mut tx, id, &chosen.preferences(Some(&reader))).await?;
    let name = chosen.name.as_ref().unwrap_or(&reader.name);
    let zone = chosen.time_zone.as_ref().unwrap_or(&reader.time_zone);
    subscriber::describe(&mut tx, id, name, zone).await?;
    let source = format!("changed over the API by {}", call.token.who());
    let hash = &reader.address_hash;
    subscription::record(&mut tx, hash, Act::Changed, &source, call.now).await?;
    call.audit(&mut tx, Deed::ReaderChanged, "", 1).await?;
    let reader = of_id(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Reply::json(shown(reader)))
}

async fn unsubscribe(call: Call) -> Answer {
    let id = call.id()?;
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, id).await?;
    let source = format!("over the API by {}", call.token.who());
    let was_active = feedback::leave(&mut tx, &reader, &source, false, call.now).await?;
    if was_active {
        call.audit(&mut tx, Deed::ReaderUnsubscribed, "", 1).await?;
    }
    let reader = of_id(&mut tx, id).await?;
    tx.commit().await?;
    if was_active {
        call.desk.site.metrics.unsubscribed();
    }
    Ok(Reply::json(shown(reader)))
}

async fn erase(call: Call) -> Answer {
    let mut tx = call.begin().await?;
    let reader = of_id(&mut tx, call.id()?).await?;
    feedback::erase(&mut tx, &reader, call.now).await?;
    call.audit(&mut tx, Deed::ReaderErased, "", 1).await?;
    tx.commit().await?;
    Ok(Reply::nothing())
}

async fn of_id(tx: &mut Tx, id: Uuid) -> Result<Subscriber, Problem> {
    let reader = subscriber::by_id(tx, id).await?;
    reader.ok_or_else(|| Problem::not_found("there is no such reader; they may have been erased"))
}

impl Asked {
    /// All of what is asked has to hold.
    fn filter(self) -> Option<Filter> {
        let whether = |is: Option<bool>, filter: Filter| {
            is.map(|is| match is {
                true => filter,
                false => Filter::Not(Box::new(filter)),
            })
        };
        let parts = [
            self.state.map(Filter::State),
            self.topic.map(Filter::Topic),
            self.research_type.map(Filter::ResearchType),
            self.language.map(Filter::Language),
            self.frequency.map(Filter::Frequency),
            self.format.map(Filter::Format),
            self.since.map(Filter::Since),
            self.before.map(Filter::Before),
            whether(self.suppressed, Filter::Suppressed),
            whether(self.bounced, Filter::Bounced),
            whether(self.paused, Filter::Paused),
        ];
        let parts: Vec<Filter> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then_some(Filter::All(parts))
    }
}

impl Chosen {
    /// With what a reader has already, where there is one.
    fn preferences(&self, reader: Option<&Subscriber>) -> Preferences {
        let slugs = |given: &Option<Vec<String>>, had: Option<&Vec<String>>| {
            given.clone().or_else(|| had.cloned()).unwrap_or_default()
        };
        let topics = slugs(&self.topics, reader.map(|reader| &reader.topics.0));
        let types = slugs(
            &self.research_types,
            reader.map(|reader| &reader.research_types.0),
        );
        let frequency = self.frequency.or(reader.map(|reader| reader.frequency));
        let format = self.format.or(reader.map(|reader| reader.format));
        let language = self.language.or(reader.map(|reader| reader.language));
        Preferences {
            choice: Choice::new(topics, types),
            frequency: frequency.unwrap_or(Frequency::Monthly),
            format: format.unwrap_or(Format::Html),
            language: language.unwrap_or(Language::English),
            on_nothing: reader.and_then(|reader| reader.on_nothing),
        }
    }
}

fn shown(reader: Subscriber) -> Shown {
    Shown {
        id: reader.id,
        address: reader.address,
        name: reader.name,
        state: reader.state,
        topics: reader.topics.0,
        research_types: reader.research_types.0,
        frequency: reader.frequency,
        format: reader.format,
        language: reader.language,
        time_zone: reader.time_zone,
        since: reader.since,
        paused_until: reader.paused_until,
        consent_until: reader.consent_until,
    }
}
