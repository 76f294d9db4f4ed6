//! One run: somebody sends so many messages into a sink, and is measured.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::case::{By, Case, Service, Signed, Sink};
use super::edition::MONTH;
use super::measure::{Measured, Usage};
use super::peers::{FastSink, Heard, SmtpSink};
use super::services::{PAUSE_ON_BOUNCES, Wanted, hold_accepted};
use super::{Bench, smtp_source};
use crate::checker::{self, Moment};
use crate::ground::need;
use crate::lab::Lab;

const PATIENCE: Duration = Duration::from_secs(1200);

const SMTPLIB_LOOP: &str = include_str!("smtplib_loop.py");

/// What came of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Messages a second from the first to the last, as the relay saw them; with `smtp-sink`, of the whole run.
    pub rate: f64,
    /// Messages a second from the start of the program to its end.
    pub whole_rate: f64,
    /// Of the sender, for each message.
    pub cpu_micros: f64,
    /// Percent of the sender's CPU time that was spent in SQLite's threads.
    pub percent_in_sqlite: f64,
    /// In MiB, of the largest process.
    pub memory: f64,
    /// From the start of the program to the first message, in seconds.
    pub first: f64,
    /// How large the messages were in the middle, in bytes on the wire.
    pub bytes: f64,
    /// The rate in the last quarter of the messages over that in the second: below one, it grows slower.
    pub steadiness: f64,
    /// How many connections the messages came over.
    pub connections: f64,
}

impl Case {
    pub fn run(&self, bench: &Bench<'_>) -> anyhow::Result<Sample> {
        let lab = match self.by {
            By::Service(service) => Some(bench.services.planned(self.wanted(service))?),
            _ => None,
        };
        let (sample, heard) = match self.into {
            Sink::SmtpSink => {
                let sink = SmtpSink::start()?;
                let (usage, _) = self.send(bench, lab.as_deref(), sink.address)?;
                (self.sample(usage), None)
            }
            Sink::Relay { delay, reject } => {
                let sink = FastSink::start(&bench.services.folder, delay, reject)?;
                let (usage, began) = self.send(bench, lab.as_deref(), sink.address)?;
                let heard = sink.end()?;
                let mut sample = self.sample(usage);
                sample.hear(&heard, self.messages);
                let first = heard.first.map(|at| at.saturating_duration_since(began));
                sample.first = first.unwrap_or_default().as_secs_f64();
                (sample, Some(heard))
            }
        };
        self.judge(bench, lab.as_deref(), heard.as_ref());
        Ok(sample)
    }

    fn wanted(&self, service: Service) -> Wanted {
        Wanted {
            kind: service.kind,
            readers: self.messages,
            one_domain: service.one_domain,
        }
    }

    /// Sends, and tells what the senders used, the longest time and the largest memory of them, and when they began.
    fn send(
        &self,
        bench: &Bench<'_>,
        lab: Option<&Lab<'_>>,
        sink: SocketAddr,
    ) -> anyhow::Result<(Usage, Instant)> {
        let senders = match self.by {
            By::Service(service) => service.senders,
            _ => 1,
        };
        let command = self.command(bench, sink)?;
        let folder = &bench.services.folder;
        let running: Vec<Measured> = (0..senders)
            .map(|number| {
                Measured::start(folder, &format!("run-{number}"), &command, |wrapped| {
                    if let (Some(lab), By::Service(service)) = (lab, self.by) {
                        lab.dress(wrapped);
                        wrapped.envs(self.settings(bench, lab, service, sink));
                    }
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let began = running[0].began;
        let mut all = Usage::default();
        for one in running {
            let usage = one.end(PATIENCE)?;
            all.seconds = all.seconds.max(usage.seconds);
            all.cpu += usage.cpu;
            all.memory = all.memory.max(usage.memory);
            all.in_sqlite += usage.in_sqlite;
        }
        Ok((all, began))
    }

    fn command(&self, bench: &Bench<'_>, sink: SocketAddr) -> anyhow::Result<Vec<String>> {
        let folder = bench.services.folder.display();
        let (connections, messages) = (self.connections.to_string(), self.messages.to_string());
        let command = match self.by {
            By::Source => smtp_source(sink, self.connections, self.messages, bench.source_bytes)?,
            By::Client => {
                let ourselves = std::env::current_exe()?.display().to_string();
                let mail = format!("{folder}/mail.eml");
                vec![
                    ourselves,
                    "client".into(),
                    sink.to_string(),
                    connections,
                    messages,
                    mail,
                ]
            }
            By::Smtplib => {
                let python = need("python3")?.display().to_string();
                let (port, mail) = (sink.port().to_string(), format!("{folder}/preview.json"));
                vec![
                    python,
                    "-c".into(),
                    SMTPLIB_LOOP.into(),
                    port,
                    messages,
                    mail,
                ]
            }
            By::Service(service) => {
                let program = bench.program(service.signed)?;
                let program = program.display().to_string();
                [&program, "send", MONTH, "--wait", "--json"]
                    .map(String::from)
                    .into()
            }
        };
        Ok(command)
    }

    fn settings(
        &self,
        bench: &Bench<'_>,
        lab: &Lab<'_>,
        service: Service,
        sink: SocketAddr,
    ) -> Vec<(String, String)> {
        let mut settings = vec![
            ("SMTP_URL".to_owned(), format!("smtp://{sink}")),
            ("SMTP_CONNECTIONS".to_owned(), self.connections.to_string()),
        ];
        let key = match service.signed {
            Signed::Not => None,
            Signed::Ed25519 => Some("ed25519.pem"),
            Signed::Rsa | Signed::RsaFastest => Some("rsa.pem"),
        };
        if let Some(key) = key {
            let file = bench.services.folder.join(key).display().to_string();
            settings.push(("DKIM_DOMAIN".to_owned(), "example.org".to_owned()));
            settings.push(("DKIM_SELECTOR".to_owned(), "bench".to_owned()));
            settings.push(("DKIM_KEY_FILE".to_owned(), file));
        }
        let rejects = matches!(self.into, Sink::Relay { reject: 1.., .. });
        if rejects && bench.services.pauses_on_bounces(lab) {
            settings.push((PAUSE_ON_BOUNCES.to_owned(), "false".to_owned()));
        }
        settings.extend(bench.options.set.iter().cloned());
        let name = |(name, value)| (format!("BULLETIN_{name}"), value);
        settings.into_iter().map(name).collect()
    }

    fn sample(&self, usage: Usage) -> Sample {
        let rate = self.messages as f64 / usage.seconds;
        Sample {
            rate,
            whole_rate: rate,
            cpu_micros: usage.cpu * 1e6 / self.messages as f64,
            percent_in_sqlite: 100.0 * usage.in_sqlite / usage.cpu.max(1e-9),
            memory: usage.memory,
            ..Sample::default()
        }
    }

    /// Holds the service's record against the sink's log, and books what is found.
    fn judge(&self, bench: &Bench<'_>, lab: Option<&Lab<'_>>, heard: Option<&Heard>) {
        let Some(lab) = lab else { return };
        let name = self.to_string();
        let Some(heard) = heard else {
            return bench.account.borrow_mut().note(&name, hold_accepted(lab));
        };
        let judged = lab
            .rows(MONTH)
            .map(|rows| checker::judge(&rows, &heard.log, Moment::End));
        let mut account = bench.account.borrow_mut();
        match judged {
            Ok(verdict) => {
                account.lost += verdict.lost.len();
                account.doubles += verdict.doubles;
                let wrong = [&verdict.never_taken, &verdict.denied, &verdict.differing];
                account.wrong += wrong.iter().map(|rows| rows.len()).sum::<usize>();
                let refuses = matches!(self.into, Sink::Relay { reject: 1.., .. });
                let held = if refuses {
                    verdict.hold(0)
                } else {
                    verdict.hold_for_everyone(0)
                };
                account.note(&name, held);
            }
            Err(error) => account.note(&name, Err(error)),
        }
    }
}

impl Sample {
    fn hear(&mut self, heard: &Heard, messages: usize) {
        self.rate = messages as f64 / heard.stretch.max(1e-6);
        let mut sizes: Vec<u64> = heard.log.iter().map(|taken| taken.bytes).collect();
        sizes.sort_unstable();
        self.bytes = sizes.get(sizes.len() / 2).copied().unwrap_or(0) as f64;
        self.steadiness = steadiness(heard.log.iter().map(|taken| taken.micros).collect());
        let highest = heard.log.iter().map(|taken| taken.connection).max();
        self.connections = highest.unwrap_or(0) as f64;
    }
}

/// The first quarter is left out: it has the start in it.
fn steadiness(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    let (quarter, count) = (times.len() / 4, times.len());
    if quarter == 0 {
        return 1.0;
    }
    let took = |from: usize| (times[from + quarter] - times[from]).max(1) as f64;
    took(quarter) / took(count - 1 - quarter)
}

#[cfg(test)]
mod tests {
    use super::steadiness;

    #[test]
    fn what_grows_slower_has_a_steadiness_below_one() {
        let even = (0..100).map(|number| number * 10).collect();
        assert_eq!(steadiness(even), 1.0);
        let slower = (0..100).map(|number| number * number).collect();
        assert!(steadiness(slower) < 0.5);
        assert_eq!(steadiness(Vec::new()), 1.0);
    }
}
