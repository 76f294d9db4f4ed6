//! The benchmark: the service beside Postfix's `smtp-source`, a loop over smtplib and its own client, on the same
//! sinks, in the same rounds, with mails of the same size. What counts are ratios within a round.

pub mod client;
pub mod ledger;

mod bounces;
mod bound;
mod case;
mod desk;
mod edition;
mod figures;
mod goals;
mod large;
mod machine;
mod measure;
mod pages;
mod peers;
mod report;
mod runs;
mod services;
mod signatures;
mod wire;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use self::case::{By, Case, Signed, Sink};
use self::edition::MAIL_BYTES;
use self::goals::Line;
use self::peers::FastSink;
use self::report::Report;
use self::services::{Services, Wanted};
use crate::ground::{Ground, Kind, need};

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How often everything is run, interleaved
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many mails a quick run has; slow ones have a quarter of them
    #[arg(long, default_value_t = 20_000)]
    readers: usize,
    /// How many readers the large list has, for planning and memory
    #[arg(long, default_value_t = 1_000_000)]
    list: usize,
    /// A glance: 2 rounds, 2,000 mails, a list of 50,000
    #[arg(long)]
    quick: bool,
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// A build of the program with the fastest signer
    #[arg(long, value_name = "FILE")]
    fastest: Option<PathBuf>,
    /// Where filled databases are kept for the next run [default: a folder among the temporary files]
    #[arg(long, value_name = "FOLDER")]
    kept: Option<PathBuf>,
    /// A setting of the service for every run, by its name in the environment without BULLETIN_
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

/// What the benchmark consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// P1 and P4: into smtp-sink
    Sink,
    /// P2, P5, P6, P10: into our relay, which is faster
    Fast,
    /// P3 and P4: where replies take 5 and 30 ms
    Delay,
    /// P12: every tenth recipient refused
    Rejects,
    /// Several senders on one PostgreSQL
    Workers,
    /// P7: what the strict bound costs, and results by themselves
    Bound,
    /// P8, P9: a large list is imported, planned and sent
    Large,
    /// The site with 2,000 summaries and 100,000 readers
    Pages,
    /// Mails that came back, read
    Bounces,
    /// Every page of the desk with 1,000,000 readers, 120 issues and 3,000,000 deliveries
    Desk,
}

/// What a part has to go by.
pub struct Bench<'g> {
    pub options: Options,
    pub services: Services<'g>,
    pub account: RefCell<Account>,
    pub report: RefCell<Report>,
    /// What `smtp-source -l` is told, so that its messages are as large as ours.
    pub source_bytes: usize,
}

/// What the checker found in all runs together (P11).
#[derive(Debug, Default)]
pub struct Account {
    pub runs: usize,
    pub lost: usize,
    pub doubles: usize,
    pub wrong: usize,
    pub failures: Vec<String>,
    /// Parts that came to no end, which says nothing of the mails.
    pub broken: Vec<String>,
}

impl Account {
    pub fn note(&mut self, run: &str, held: anyhow::Result<()>) {
        self.runs += 1;
        if let Err(error) = held {
            eprintln!("WRONG {run}: {error:#}");
            self.failures.push(format!("{run}: {error:#}"));
        }
    }
}

/// Runs the benchmark and prints its tables; says whether nothing was lost and every part came to its end.
pub fn run(options: Options, ground: &Ground) -> anyhow::Result<bool> {
    let options = options.settled()?;
    let services = Services::new(ground)?;
    let machine = machine::describe();
    let sync = machine::sync_times(&services.folder)?;
    let parts = match options.only.as_slice() {
        [] => Part::value_variants().to_vec(),
        only => only.to_vec(),
    };
    let mut bench = Bench {
        options,
        services,
        account: RefCell::default(),
        report: RefCell::default(),
        source_bytes: 0,
    };
    if parts.iter().any(|part| part.sends()) {
        bench.fit_source()?;
    }
    for part in parts {
        eprintln!("== {part:?}");
        match part.run(&bench) {
            Ok(lines) => bench.report.borrow_mut().goals.extend(lines),
            Err(error) => bench
                .account
                .borrow_mut()
                .broken
                .push(format!("the part {part:?} came to no end: {error:#}")),
        }
    }
    let (report, account) = (bench.report.into_inner(), bench.account.into_inner());
    print!("{}", report.show(&bench.options, &machine, &sync, &account));
    Ok(account.failures.is_empty() && account.broken.is_empty())
}

impl Options {
    fn settled(mut self) -> anyhow::Result<Options> {
        if self.quick {
            (self.rounds, self.readers, self.list) = (2, 2_000, 50_000);
        }
        if let Some(fastest) = &mut self.fastest {
            // The service runs in folders of its own.
            *fastest = fastest
                .canonicalize()
                .with_context(|| format!("{} is not there", fastest.display()))?;
        }
        Ok(self)
    }

    /// Where filled databases are kept.
    pub fn kept(&self) -> PathBuf {
        let beside = || std::env::temp_dir().join("bulletin-bench-kept");
        self.kept.clone().unwrap_or_else(beside)
    }

    /// How many mails a run has that waits or signs.
    pub fn fewer(&self) -> usize {
        (self.readers / 4).max(200)
    }
}

impl Part {
    /// Whether mails go out in it.
    fn sends(self) -> bool {
        !matches!(self, Part::Pages | Part::Bounces | Part::Desk)
    }

    fn run(self, bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
        match self {
            Part::Sink => wire::sink(bench),
            Part::Fast => wire::fast(bench),
            Part::Delay => wire::delay(bench),
            Part::Rejects => wire::rejects(bench),
            Part::Workers => wire::workers(bench),
            Part::Bound => bound::bound(bench),
            Part::Large => large::large(bench),
            Part::Pages => pages::pages(bench),
            Part::Bounces => bounces::bounces(bench),
            Part::Desk => desk::pages(bench),
        }
    }
}

impl Bench<'_> {
    /// Runs every case once in each round, every other round from the end, and keeps what came of it.
    pub fn play(&self, cases: &[Case]) -> anyhow::Result<Vec<Series>> {
        self.play_rounds(cases, self.options.rounds)
    }

    /// One run alone, for what takes minutes and is no matter of speed.
    pub fn once(&self, case: &Case) -> anyhow::Result<Series> {
        Ok(self.play_rounds(&[*case], 1)?.remove(0))
    }

    fn play_rounds(&self, cases: &[Case], rounds: usize) -> anyhow::Result<Vec<Series>> {
        let mut all = vec![Series::default(); cases.len()];
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..cases.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for at in order {
                let case = &cases[at];
                let sample = case.run(self).with_context(|| case.to_string())?;
                eprintln!(
                    "{}/{rounds} {case}: {:.0}/s, {:.0} CPU us",
                    round + 1,
                    sample.rate,
                    sample.cpu_micros
                );
                all[at].push(sample);
            }
        }
        let runs = cases.iter().copied().zip(all.iter().cloned());
        self.report.borrow_mut().runs.extend(runs);
        Ok(all)
    }

    /// The program for this signature.
    pub fn program(&self, signed: Signed) -> anyhow::Result<&Path> {
        match signed {
            Signed::RsaFastest => {
                let fastest = self.options.fastest.as_deref();
                fastest.context("there is no program with the fastest signer")
            }
            _ => Ok(&self.services.ground.bulletin),
        }
    }

    /// The signatures that can be tried.
    pub fn rsa(&self) -> Vec<Signed> {
        let fastest = self.options.fastest.as_ref().map(|_| Signed::RsaFastest);
        [Signed::Rsa].into_iter().chain(fastest).collect()
    }

    /// Finds out what `smtp-source` is to be told, from a mail of ours and one of its own.
    fn fit_source(&mut self) -> anyhow::Result<()> {
        let wanted = Wanted {
            kind: Kind::Sqlite,
            readers: 200,
            one_domain: false,
        };
        self.services.planned(wanted)?;
        // Both as the relay sees them: a preview has shorter links than a mail.
        let ours = Case::new(By::service(Kind::Sqlite), Sink::RELAY, 1, 200).run(self)?;
        let sink = FastSink::start(&self.services.folder, 0, 0)?;
        let command = smtp_source(sink.address, 1, 1, MAIL_BYTES)?;
        let sent = std::process::Command::new(&command[0])
            .args(&command[1..])
            .status()?;
        ensure!(sent.success(), "smtp-source cannot send into the relay");
        let heard = sink.end()?;
        let theirs = heard.log.first().context("smtp-source sent nothing")?.bytes as usize;
        self.source_bytes = (MAIL_BYTES + ours.bytes as usize)
            .checked_sub(theirs)
            .context("smtp-source has too long a header")?;
        Ok(())
    }
}

/// What came of a case, round by round.
pub type Series = Vec<runs::Sample>;

/// Postfix's load generator: -d keeps its connections, -N gives each message a recipient of its own.
pub fn smtp_source(
    sink: SocketAddr,
    sessions: usize,
    messages: usize,
    bytes: usize,
) -> anyhow::Result<Vec<String>> {
    let numbers = [("-s", sessions), ("-m", messages), ("-l", bytes)];
    let mut command = vec![
        need("smtp-source")?.display().to_string(),
        "-d".to_owned(),
        "-N".to_owned(),
    ];
    for (option, number) in numbers {
        command.extend([option.to_owned(), number.to_string()]);
    }
    command.extend(["-f", "news@example.org", "-t", "r@d.test"].map(str::to_owned));
    command.push(sink.to_string());
    Ok(command)
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
