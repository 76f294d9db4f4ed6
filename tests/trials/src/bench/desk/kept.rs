//! Filled databases, which are made once and kept: filling one takes minutes. The next run takes a copy.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use super::fill::{self, Size};
use crate::bench::Bench;
use crate::ground::{Kind, succeed};
use crate::lab::{Lab, Setup};
use crate::store::Store;

/// To be raised when what is filled in, or the tables, become others in a way that an upgrade does not mend.
const EDITION: u32 = 1;

/// A service on a copy of the database that is kept; it is filled first where there is none, or one that is of no use any
/// more.
pub fn filled<'g>(bench: &Bench<'g>, kind: Kind, size: Size) -> anyhow::Result<Lab<'g>> {
    let folder = bench.options.kept();
    let folder = folder.join(format!(
        "{kind}-{}-{}-{EDITION}",
        size.readers, size.deliveries
    ));
    if folder.join("whole").exists() {
        let lab = empty(bench, kind)?;
        match take(&lab, &folder) {
            Ok(()) => return Ok(lab),
            Err(error) => eprintln!("{} is made anew: {error:#}", folder.display()),
        }
    }
    let lab = empty(bench, kind)?;
    fill::fill(&lab, size)?;
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    keep(&lab, &folder)?;
    fs::write(folder.join("whole"), "")?;
    Ok(lab)
}

fn empty<'g>(bench: &Bench<'g>, kind: Kind) -> anyhow::Result<Lab<'g>> {
    let setup = Setup {
        readers: 0,
        ..Setup::default()
    };
    Lab::new(bench.services.ground, kind, &setup)
}

/// The address of the lab's database, as in `database.url`.
pub fn url(lab: &Lab<'_>) -> String {
    match &lab.store {
        Store::Sqlite(path) => format!("sqlite://{}", path.display()),
        Store::Postgres(url) => url.clone(),
    }
}

fn keep(lab: &Lab<'_>, folder: &std::path::Path) -> anyhow::Result<()> {
    fs::copy(lab.folder.join("bulletin.key"), folder.join("bulletin.key"))?;
    match &lab.store {
        Store::Sqlite(path) => fs::copy(path, folder.join("bulletin.db")).map(drop)?,
        Store::Postgres(url) => {
            let mut dump = Command::new("pg_dump");
            dump.args(["-Fd", "-Z1", "-j2", "-f"])
                .arg(folder.join("dump"));
            succeed(dump.arg("-d").arg(url)).context("pg_dump")?;
        }
    }
    Ok(())
}

fn take(lab: &Lab<'_>, folder: &std::path::Path) -> anyhow::Result<()> {
    eprintln!("a copy of {} is taken", folder.display());
    fs::copy(folder.join("bulletin.key"), lab.folder.join("bulletin.key"))?;
    match &lab.store {
        Store::Sqlite(path) => {
            for tail in ["-wal", "-shm"] {
                let mut beside = path.clone().into_os_string();
                beside.push(tail);
                let _ = fs::remove_file(PathBuf::from(beside));
            }
            fs::copy(folder.join("bulletin.db"), path)?;
        }
        Store::Postgres(url) => {
            // The tables that are there may be newer than those of the copy.
            for sql in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
                lab.on_store(lab.store.execute(sql))?;
            }
            let mut restore = Command::new("pg_restore");
            restore.args(["-j2", "--no-owner", "-d"]).arg(url);
            succeed(restore.arg(folder.join("dump"))).context("pg_restore")?;
            lab.on_store(lab.store.execute("VACUUM ANALYZE"))?;
        }
    }
    // Migrations that have come since.
    lab.run(&["campaign", "list", "--json"]).map(drop)
}
