//! Services that are ready to send: the issue imported, the readers enrolled, the campaign planned, and all that kept
//! before any sender has run, to be gone back to before each run.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::edition::{self, MONTH};
use crate::ground::{Ground, Kind};
use crate::lab::{Lab, Setup};
use crate::store::Store;

/// A key for tests, which signs nothing in earnest.
pub const RSA: &str = include_str!("../../../fixtures/dkim-for-tests.pem");

/// What a service is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub kind: Kind,
    pub readers: usize,
    /// All at one receiving domain, instead of fifty.
    pub one_domain: bool,
}

/// The services that have been asked for, each made once.
pub struct Services<'g> {
    pub ground: &'g Ground,
    ready: RefCell<Vec<(Wanted, Rc<Lab<'g>>)>>,
    /// A folder for what belongs to no service: keys, the mail, the sinks' logs.
    pub folder: PathBuf,
    tells_bounces: Cell<Option<bool>>,
}

impl<'g> Services<'g> {
    pub fn new(ground: &'g Ground) -> anyhow::Result<Services<'g>> {
        let folder = ground.new_folder()?;
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        fs::write(folder.join("ed25519.pem"), ed25519.serialize_pem())?;
        fs::write(folder.join("rsa.pem"), RSA)?;
        Ok(Services {
            ground,
            folder,
            ready: RefCell::default(),
            tells_bounces: Cell::new(None),
        })
    }

    /// A service that is planned, and stands as if no sender had ever run on it.
    pub fn planned(&self, wanted: Wanted) -> anyhow::Result<Rc<Lab<'g>>> {
        let known = self
            .ready
            .borrow()
            .iter()
            .find_map(|(known, lab)| (*known == wanted).then(|| lab.clone()));
        let lab = match known {
            Some(lab) => lab,
            None => {
                let lab = Rc::new(self.enrolled(wanted)?.0);
                lab.plan(MONTH)?;
                lab.save()?;
                self.ready.borrow_mut().push((wanted, lab.clone()));
                lab
            }
        };
        go_back(&lab)?;
        Ok(lab)
    }

    /// A service with its issue and its readers, and how many of them were imported in a second.
    pub fn enrolled(&self, wanted: Wanted) -> anyhow::Result<(Lab<'g>, f64)> {
        let setup = Setup {
            readers: 0,
            ..Setup::default()
        };
        let mut lab = Lab::new(self.ground, wanted.kind, &setup)?;
        if lab.knows("DELIVERY_UNDO", "0s") {
            // Else a campaign that is planned waits to be called back.
            lab.set("DELIVERY_UNDO", "0s");
        }
        let mail = edition::import(&lab)?;
        fs::write(self.folder.join("mail.eml"), &mail)?;
        fs::write(
            self.folder.join("preview.json"),
            lab.run(&["preview", MONTH, "--json"])?,
        )?;
        let file = lab.folder.join("bench.csv");
        edition::write_readers(&file, wanted.readers, wanted.one_domain)?;
        let began = Instant::now();
        lab.run(&["subscriber", "import", "bench.csv"])?;
        let rate = wanted.readers as f64 / began.elapsed().as_secs_f64();
        fs::remove_file(file)?;
        lab.readers = wanted.readers;
        Ok((lab, rate))
    }

    /// Keeps a service that is planned and saved, to be asked for.
    pub fn keep(&self, wanted: Wanted, lab: Lab<'g>) {
        self.ready.borrow_mut().push((wanted, Rc::new(lab)));
    }

    /// Lets go of services with so many readers: a large one takes room on the disk.
    pub fn forget(&self, readers: usize) {
        self.ready
            .borrow_mut()
            .retain(|(known, _)| known.readers != readers);
    }

    /// Whether the service pauses by itself when many mails bounce, and can be told not to.
    pub fn pauses_on_bounces(&self, lab: &Lab<'_>) -> bool {
        let known = self.tells_bounces.get();
        let known = known.unwrap_or_else(|| lab.knows(PAUSE_ON_BOUNCES, "false"));
        self.tells_bounces.set(Some(known));
        known
    }
}

/// The setting, by its name in the environment without `BULLETIN_`.
pub const PAUSE_ON_BOUNCES: &str = "DELIVERY_PAUSE_ON_BOUNCES";

/// As it was saved; the copying itself is on the disk before anything is measured.
pub fn go_back(lab: &Lab<'_>) -> anyhow::Result<()> {
    lab.restore()?;
    match &lab.store {
        Store::Sqlite(path) => fs::File::open(path)?.sync_all()?,
        Store::Postgres(_) => lab.on_store(lab.store.execute("CHECKPOINT")).map(drop)?,
    }
    Ok(())
}

/// Fails unless everybody's mail is on record as accepted, for sinks that keep no log.
pub fn hold_accepted(lab: &Lab<'_>) -> anyhow::Result<()> {
    let counts = lab.on_store(lab.store.counts(MONTH))?;
    let accepted = counts
        .iter()
        .find(|(state, _)| state == "accepted")
        .map_or(0, |(_, count)| *count);
    let all = i64::try_from(lab.readers).context("too many readers")?;
    ensure!(accepted == all, "accepted {accepted} of {all}: {counts:?}");
    Ok(())
}
