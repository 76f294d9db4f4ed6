//! Adding a reader: at once, with a consent that was given elsewhere, or by asking them.

use serde_json::json;

use super::super::ROOT;
use super::super::call::Call;
use super::super::operation::{Answer, Reply};
use super::super::problem::Problem;
use super::given::{Chosen, Consent, NewReader};
use super::shown::shown;
use super::{address_of, of_id};
use crate::audit::Deed;
use crate::readers::entry::{self, Entered, Entry};
use crate::request::{Form, Kind};
use crate::subscriber::{self, Address};
use crate::subscription::{Format, Frequency, Language, Preferences};

pub(super) async fn add(call: Call) -> Answer {
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
        preferences: &chosen.over(Preferences::usual(Language::English)),
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
