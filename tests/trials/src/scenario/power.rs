//! What a power cut would find: nothing is said on a connection before its last outcome is on the disk.

use std::process::Command;

use anyhow::{Context, ensure};

use super::Trial;
use crate::checker::Moment;
use crate::ground::need;
use crate::lab::{Lab, MONTH, PATIENCE, Setup};
use crate::trace::{self, Order};

/// One connection has commits of its own, twenty share them.
const CONNECTIONS: [usize; 3] = [1, 4, 20];

/// A send under strace, whose trace is read afterwards. That is stricter than a machine without power: a cut shows
/// what was lost at one moment, the order of the calls what could have been lost at any.
pub fn power_cut(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    need("strace")?;
    let mut told = Vec::new();
    for connections in CONNECTIONS {
        let name = format!(
            "the order of calls with {connections} connections on {}",
            trial.kind
        );
        let mut seen = Order::default();
        let result = traced_send(trial, connections).map(|order| seen = order);
        trial.tally.count(&name, result);
        told.push(format!(
            "{connections}: {} replies, {} commits, MAIL after {}",
            seen.replies, seen.commits, seen.followed
        ));
    }
    let told = told.join("; ");
    Ok(Some(format!(
        "by connections, each outcome durable before the next MAIL: {told}"
    )))
}

fn traced_send(trial: &Trial<'_>, connections: usize) -> anyhow::Result<Order> {
    let mut setup = Setup {
        readers: trial.readers(1000),
        connections,
        ..Setup::default()
    };
    // So that connections are at different points when one of them commits.
    setup.manners.delay = 1;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let path = lab.folder.join("trace");
    let mut traced = Command::new("setpriv");
    traced
        .args(["--pdeathsig", "KILL", "--"])
        .arg(need("strace")?);
    traced.args(["-f", "-y", "-qq", "-s", trace::LONGEST_TEXT, "-o"]);
    traced.arg(&path).arg("-e");
    traced.arg(format!("trace={}", trace::CALLS));
    traced.arg(&lab.ground.bulletin);
    traced.args(["send", MONTH, "--wait", "--json"]);
    lab.dress(&mut traced);
    let mut sender = lab.start_command(traced)?;
    let status = sender.end(10 * PATIENCE)?;
    ensure!(status.success(), "{}", sender.last_words());
    lab.judge(MONTH, Moment::End)?.hold_for_everyone(0)?;
    // A message may hold bytes that are no UTF-8, but strace escapes them.
    let calls = std::fs::read_to_string(&path).context("strace wrote no trace")?;
    let order = trace::judge(&calls)?;
    ensure!(
        order.replies == lab.readers && order.followed + order.connections >= lab.readers,
        "the trace does not show the whole send of {}: {order:?}",
        lab.readers
    );
    Ok(order)
}
