//! Outcomes, and what came back, by receiving domain, for the domains that many readers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Back, OUTCOMES};
use crate::campaign::DeliveryState;

/// A domain of which less was counted has no label of its own: one with a single reader is nearly an address.
const FEWEST: u32 = 10;

/// So many labels at most, the first that reach `FEWEST`: the large domains do so soon.
const MOST_LABELS: usize = 200;

/// So many domains at most are counted towards a label; then counting begins anew.
const MOST_CANDIDATES: usize = 10_000;

/// What stands for all domains without a label.
const OTHER: &str = "other";

/// What came back that is told by domain: what an operator has to see to there.
const DISLIKES: [Back; 2] = [Back::Block, Back::Complaint];

type Labels = [(&'static str, Arc<str>); 2];

#[derive(Debug)]
pub(super) struct Domains {
    families: Families,
    other: Labelled,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Families {
    outcomes: Family<Labels, Counter>,
    dislikes: Family<Labels, Counter>,
}

#[derive(Debug, Default)]
struct Known {
    labelled: HashMap<Arc<str>, Labelled>,
    candidates: HashMap<Box<str>, u32>,
}

/// A label with its counters.
#[derive(Clone, Debug)]
struct Labelled {
    name: Arc<str>,
    outcomes: [Counter; 4],
    dislikes: [Counter; 2],
}

impl Domains {
    pub(super) fn register(to: &mut Registry) -> Domains {
        let families = Families::default();
        let help = "Attempts, by receiving domain where many readers share it, and by the state they led to";
        to.register("domain_outcomes", help, families.outcomes.clone());
        let help = "What came back as refused for the sender's sake or as a complaint, by receiving domain";
        to.register("domain_came_back", help, families.dislikes.clone());
        let other = Labelled::new(&families, OTHER.into());
        Domains {
            families,
            other,
            known: Mutex::default(),
        }
    }

    /// Counts an outcome and gives the label that it was counted under.
    pub(super) fn count(&self, domain: &str, state: DeliveryState) -> Arc<str> {
        let place = OUTCOMES.iter().position(|outcome| *outcome == state);
        self.add(domain, |labelled| {
            place.map(|place| &labelled.outcomes[place])
        })
    }

    /// Counts what came back, if it is told by domain.
    pub(super) fn came_back(&self, domain: &str, what: Back) {
        if let Some(place) = DISLIKES.iter().position(|dislike| *dislike == what) {
            self.add(domain, |labelled| Some(&labelled.dislikes[place]));
        }
    }

    fn add(&self, domain: &str, counter: impl Fn(&Labelled) -> Option<&Counter>) -> Arc<str> {
        let mut known = self
            .known
            .lock()
            .expect("nothing panics while it holds the domains");
        let labelled = known.labelled.get(domain).unwrap_or(&self.other);
        if let Some(counter) = counter(labelled) {
            counter.inc();
        }
        let name = labelled.name.clone();
        let is_candidate = Arc::ptr_eq(&name, &self.other.name);
        if is_candidate && known.labelled.len() < MOST_LABELS && known.has_many(domain) {
            let name: Arc<str> = domain.into();
            let labelled = Labelled::new(&self.families, name.clone());
            known.labelled.insert(name, labelled);
        }
        name
    }
}

impl Known {
    /// Counts a domain towards a label of its own; whether it has come that far.
    fn has_many(&mut self, domain: &str) -> bool {
        if let Some(count) = self.candidates.get_mut(domain) {
            *count += 1;
            return *count >= FEWEST && self.candidates.remove(domain).is_some();
        }
        if self.candidates.len() >= MOST_CANDIDATES {
            self.candidates.clear();
        }
        self.candidates.insert(domain.into(), 1);
        false
    }
}

impl Labelled {
    fn new(families: &Families, name: Arc<str>) -> Labelled {
        let with = |label, word: &str| [("domain", name.clone()), (label, word.into())];
        let outcomes = |state: DeliveryState| {
            let labels = with("state", state.as_str());
            families.outcomes.get_or_create_owned(&labels)
        };
        let dislikes = |what: Back| {
            let labels = with("what", what.as_str());
            families.dislikes.get_or_create_owned(&labels)
        };
        Labelled {
            outcomes: OUTCOMES.map(outcomes),
            dislikes: DISLIKES.map(dislikes),
            name,
        }
    }
}
