//! What programs send and are told of readers.

use super::super::forms::{ADDRESS, COUNT, ID, LINE, NAME, SLUGS, SOURCE, TIME, ZONE};
use super::super::schema::{Field, Schema, field, fields, optional};
use crate::campaign::DeliveryState;
use crate::subscription::{Act, Format, Frequency, Language, State};

pub(super) const AFTER: Field = optional("after", ID, "Goes on behind this reader.");

pub(super) const WANTED: Schema = Schema::Named(
    "ReadersWanted",
    &Schema::Object(&[fields! {
        optional part: Schema::Text { least: 1, most: 60 }, "Of the address; upper and lower case are the same.";
        optional state: STATE;
        optional topic: Schema::Topic, "They get summaries on it, for they chose it or everything.";
        optional research_type: Schema::ResearchType;
        optional language: LANGUAGE;
        optional frequency: FREQUENCY;
        optional format: FORMAT;
        optional since: TIME, "Their consent was given then or later.";
        optional before: TIME, "Their consent was given earlier.";
        optional suppressed: Schema::Flag, "Whether their address gets no mail.";
        optional bounced: Schema::Flag, "Whether a mail came back because of their mailbox.";
        optional paused: Schema::Flag, "Whether they want no digests for a while.";
    }]),
);

pub(super) const NEW: Schema = Schema::Named(
    "ReaderNew",
    &Schema::Object(&[
        CHOSEN,
        fields! {
            field address: ADDRESS;
            optional time_zone: ZONE, "Taken where a consent is given.";
            optional consent: CONSENT, "The consent that they gave elsewhere.";
        },
    ]),
);

pub(super) const CHANGED: Schema = Schema::Named(
    "ReaderChange",
    &Schema::Object(&[
        CHOSEN,
        fields! {
            optional time_zone: ZONE;
        },
    ]),
);

pub(super) const ASKED: Schema = Schema::Object(&[fields! {
    field asked: Schema::Flag, "Always true.";
}]);

pub(super) const READER: Schema = Schema::Named("Reader", &Schema::Object(&[READER_FIELDS]));

pub(super) const READER_WHOLE: Schema = Schema::Named(
    "ReaderWhole",
    &Schema::Object(&[
        READER_FIELDS,
        fields! {
            optional consents: Schema::List(&CONSENTED, 100_000), "The record of consents.";
            optional deliveries: Schema::List(&DELIVERED, 100_000), "The newest issue first.";
            optional suppressed: LINE, "Why the address gets no mail.";
            optional timeline: Schema::List(&MOMENT, 1_000_000), "What became of them, moment by moment.";
        },
    ]),
);

/// What a reader may choose.
const CHOSEN: &[Field] = fields! {
    optional name: NAME, "What they are called; empty when not told.";
    optional topics: TOPICS, "None: all of them.";
    optional research_types: TYPES, "None: all of them.";
    optional frequency: FREQUENCY;
    optional format: FORMAT, "Of their mails.";
    optional language: LANGUAGE, "Of the frame around the summaries.";
};

const CONSENT: Schema = Schema::Object(&[fields! {
    field source: SOURCE, "How it was given: a form of paper, a list of a conference.";
    optional at: TIME, "When it was given, if not now.";
    optional until: TIME, "When it runs out, if it was only implied.";
}]);

const READER_FIELDS: &[Field] = fields! {
    field id: ID;
    field address: LINE;
    field name: LINE;
    field state: STATE, "`pending`: not confirmed yet.";
    field topics: SLUGS, "None: all of them.";
    field research_types: SLUGS, "None: all of them.";
    field frequency: FREQUENCY;
    field format: FORMAT;
    field language: LANGUAGE;
    field time_zone: LINE, "Empty when not told.";
    field since: TIME, "When the consent was given that is acted on.";
    optional paused_until: TIME, "Digests come again from then on.";
    optional consent_until: TIME, "When a consent that was only implied runs out.";
};

const CONSENTED: Schema = Schema::Object(&[fields! {
    field act: ACT;
    field at: TIME;
    field source: LINE;
}]);

const DELIVERED: Schema = Schema::Object(&[fields! {
    field month: LINE;
    field state: DELIVERY;
    field attempts: COUNT;
    field reply: Schema::Maybe(&LINE), "The relay's last words.";
}]);

const MOMENT: Schema = Schema::Object(&[fields! {
    field at: TIME;
    field message: Schema::Maybe(&LINE), "The month of the issue, or `letter`.";
    field what: LINE;
    field words: LINE;
}]);

const STATE: Schema = Schema::Word(State::words);
const FREQUENCY: Schema = Schema::Word(Frequency::words);
const FORMAT: Schema = Schema::Word(Format::words);
const LANGUAGE: Schema = Schema::Word(Language::words);
const DELIVERY: Schema = Schema::Word(DeliveryState::words);
const ACT: Schema = Schema::Word(Act::words);
const TOPICS: Schema = Schema::List(&Schema::Topic, 36);
const TYPES: Schema = Schema::List(&Schema::ResearchType, 36);
