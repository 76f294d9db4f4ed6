//! The tables, in Markdown.

use std::fmt::Write as _;

use super::case::Case;
use super::figures::Figures;
use super::goals::{Line, of};
use super::{Account, Options, Series};

/// What is told at the end.
#[derive(Default)]
pub struct Report {
    pub goals: Vec<Line>,
    pub runs: Vec<(Case, Series)>,
    /// What else a part has to say.
    pub remarks: Vec<String>,
}

impl Report {
    pub fn show(
        &self,
        options: &Options,
        machine: &str,
        sync: &Figures,
        account: &Account,
    ) -> String {
        let mut text = format!(
            "# Benchmark\n\n{machine}; fdatasync of 4 KiB {sync} ms.\n\n\
             {} rounds, interleaved; the median (least-most). Ratios are taken within a round. Every mail is its \
             reader's own and about as large as smtp-source's; each outcome is durable before its connection's next \
             mail. Client, sink and database share this machine; the CPU time is that of the \
             sending program alone, without PostgreSQL's server. Memory below some 10 MiB cannot be seen.\n\n\
             | # | goal | asked for | SQLite | PostgreSQL | met |\n|---|---|---|---|---|---|\n",
            options.rounds
        );
        for line in &self.goals {
            let _ = writeln!(text, "{}", line.row());
        }
        let _ = writeln!(text, "{}\n", verdict(account));
        for remark in &self.remarks {
            let _ = writeln!(text, "{remark}\n");
        }
        self.show_runs(&mut text);
        for failure in account.failures.iter().chain(&account.broken) {
            let _ = writeln!(text, "\n**FAILED** {failure}");
        }
        text
    }

    fn show_runs(&self, text: &mut String) {
        text.push_str(
            "## Runs\n\nAbsolute figures: only for within one part, and with the machine's load in mind. The rate is \
             that from the first message to the last where the relay was ours, and the whole run's with smtp-sink.\n\n\
             | run | messages/s | of the whole run | last quarter over second | CPU µs/message | of it in SQLite, % | MiB \
             | bytes |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for (case, series) in &self.runs {
            let _ = writeln!(
                text,
                "| {case} | {} | {} | {} | {} | {} | {} | {} |",
                of(series, |sample| sample.rate),
                of(series, |sample| sample.whole_rate),
                of(series, |sample| sample.steadiness),
                of(series, |sample| sample.cpu_micros),
                of(series, |sample| sample.percent_in_sqlite),
                of(series, |sample| sample.memory),
                of(series, |sample| sample.bytes),
            );
        }
    }
}

/// P11, from all runs of the service.
fn verdict(account: &Account) -> String {
    let Account {
        runs,
        lost,
        doubles,
        wrong,
        failures,
        ..
    } = account;
    let met = if failures.is_empty() && lost + doubles + wrong == 0 {
        "yes"
    } else {
        "**no**"
    };
    format!(
        "| P11 | lost, twice, recorded wrong, in {runs} runs of the service | 0, 0, 0 | {lost}, {doubles}, {wrong} \
         | | {met} |"
    )
}
