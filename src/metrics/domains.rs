//! Outcomes by receiving domain, for the domains that many readers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::OUTCOMES;
use crate::campaign::DeliveryState;

/// A domain with fewer outcomes has no label of its own: one with a single reader is nearly an address.
const FEWEST: u32 = 10;

/// So many labels at most, the first that reach `FEWEST`: the large domains do so soon.
const MOST_LABELS: usize = 200;

/// So many domains at most are counted towards a label; then counting begins anew.
const MOST_CANDIDATES: usize = 10_000;

/// What stands for all domains without a label.
const OTHER: &str = "other";

type Labels = [(&'static str, Arc<str>); 2];

#[derive(Debug)]
pub(super) struct Domains {
    family: Family<Labels, Counter>,
    other: Labelled,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    labelled: HashMap<Arc<str>, Labelled>,
    candidates: HashMap<Box<str>, u32>,
}

/// A label with its counter for each state.
#[derive(Clone, Debug)]
struct Labelled {
    name: Arc<str>,
    counts: [Counter; 4],
}

impl Domains {
    pub(super) fn register(to: &mut Registry) -> Domains {
        let family = Family::default();
        let help = "Attempts, by receiving domain where many readers share it, and by the state they led to";
        to.register("domain_outcomes", help, family.clone());
        let other = Labelled::new(&family, OTHER.into());
        Domains {
            family,
            other,
            known: Mutex::default(),
        }
    }

    /// Counts an outcome and gives the label that it was counted under.
    pub(super) fn count(&self, domain: &str, state: DeliveryState) -> Arc<str> {
        let mut known = self
            .known
            .lock()
            .expect("nothing panics while it holds the domains");
        let labelled = known.labelled.get(domain).unwrap_or(&self.other);
        if let Some(place) = OUTCOMES.iter().position(|outcome| *outcome == state) {
            labelled.counts[place].inc();
        }
        let name = labelled.name.clone();
        let is_candidate = Arc::ptr_eq(&name, &self.other.name);
        if is_candidate && known.labelled.len() < MOST_LABELS && known.has_many(domain) {
            let name: Arc<str> = domain.into();
            let labelled = Labelled::new(&self.family, name.clone());
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
    fn new(family: &Family<Labels, Counter>, name: Arc<str>) -> Labelled {
        let counts = OUTCOMES.map(|state| {
            let labels = [("domain", name.clone()), ("state", state.as_str().into())];
            family.get_or_create_owned(&labels)
        });
        Labelled { name, counts }
    }
}
