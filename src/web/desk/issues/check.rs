//! Preflight: every check with what it found, and the way to where it is mended.

use std::time::Duration;

use axum::extract::Path;
use maud::{Markup, html};

use super::check_words::{Words, words};
use super::mail;
use super::steps::{Step, ahead_notice, crumb, onward, steps};
use super::{Answer, MENU, Visit, current, month_of};
use crate::admin::Role;
use crate::dkim::Signer;
use crate::draft::Current;
use crate::issue::Month;
use crate::plan::{Plan, When};
use crate::preflight::network::{self, Asking, Question};
use crate::preflight::{self, Asked, Finding, Level};

/// How long the page waits for a count of the readers.
const PATIENCE: Duration = Duration::from_millis(30);

/// The list.
pub(super) async fn show(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let look = visit
        .desk
        .forecasts
        .look(month, When::Now, PATIENCE)
        .await?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let known = look.known.as_ref().map(|known| &known.plan);
    let asked = asked(&visit, month, &current, known);
    let mut found = preflight::look(&mut tx, &asked).await?;
    let network = network::kept(&mut tx, month).await?;
    found.extend(network.iter().flat_map(|asked| asked.found.clone()));
    let count = |level: Level| found.iter().filter(|one| one.level == level).count();
    let (blocks, warns) = (count(Level::Block), count(Level::Warn));
    let title = visit.say("Checks before sending", "Vérifications avant l’envoi");
    let mut frame = visit
        .page(format!("{title} – {}", visit.month_heading(month)))
        .under(MENU)
        .wide();
    if look.known.is_none() && look.counting_since.is_some() {
        frame = frame.refresh(3);
    }
    Ok(frame.show(html! {
        (crumb(&visit, month))
        h1 { (title) }
        (steps(&visit, month, Some(Step::Check)))
        (ahead_notice(&visit, month, &current))
        p.lead { (verdict(&visit, blocks, warns)) }
        (list(&visit, month, &found, Level::Block, visit.say("To be mended first", "À corriger d’abord")))
        (list(&visit, month, &found, Level::Warn, visit.say("To be looked at", "À regarder")))
        section.checks {
            h2 { (visit.say("Links and the sender’s domain", "Liens et domaine d’expédition")) }
            p { @match &network {
                Some(asked) => { (visit.say("Asked on the network ", "Interrogés sur le réseau le ")) (visit.shown(asked.at)) "." },
                None => (visit.say("Not asked yet. Without it nobody knows whether links lead anywhere, and whether the domain’s records are right.", "Pas encore interrogés. Sans cela, nul ne sait si les liens mènent quelque part ni si le domaine est bien réglé.")),
            } }
            @if visit.may(Role::Editor) {
                form method="post" action=(Step::Check.path(month)) {
                    (visit.token())
                    button.quiet { (visit.say("Ask the network", "Interroger le réseau")) }
                    p.means { (visit.say("It takes up to twenty seconds. Each link is asked once whether it is there.", "Cela prend jusqu’à vingt secondes. Chaque lien est interrogé une fois.")) }
                }
            }
        }
        (list(&visit, month, &found, Level::Pass, visit.say("In order", "En ordre")))
        (onward(&visit, month, Step::Test, visit.say(
            "A test to your own inbox shows what no machine can.",
            "Un test dans votre propre boîte montre ce qu’aucune machine ne voit.",
        )))
    }))
}

pub(super) fn asked<'a>(
    visit: &'a Visit,
    month: Month,
    current: &'a Current,
    plan: Option<&'a Plan>,
) -> Asked<'a> {
    let desk = &visit.desk;
    Asked {
        month,
        current,
        config: &desk.config,
        renderer: &desk.renderer,
        suggester: &desk.suggester,
        plan,
        now: visit.now,
    }
}

fn verdict(visit: &Visit, blocks: usize, warns: usize) -> String {
    let things = |number: usize, one: (&str, &str), many: (&str, &str)| {
        let (english, french) = match number {
            1 => one,
            _ => many,
        };
        format!("{number} {}", visit.say(english, french))
    };
    let to_mend = things(
        blocks,
        ("thing to mend", "point à corriger"),
        ("things to mend", "points à corriger"),
    );
    let to_see = things(
        warns,
        ("thing to look at", "point à regarder"),
        ("things to look at", "points à regarder"),
    );
    let can = visit.say(
        "It can go out. To do first, if you like",
        "L’envoi est possible. À voir d’abord, si vous voulez",
    );
    let cannot = visit.say("It should not go out yet", "Ne pas encore envoyer");
    let (gap, and) = (visit.say(": ", "\u{A0}: "), visit.say("and", "et"));
    match (blocks, warns) {
        (0, 0) => visit
            .say("Everything is in order.", "Tout est en ordre.")
            .to_owned(),
        (0, _) => format!("{can}{gap}{to_see}."),
        (_, 0) => format!("{cannot}{gap}{to_mend}."),
        _ => format!("{cannot}{gap}{to_mend} {and} {to_see}."),
    }
}

fn list(visit: &Visit, month: Month, found: &[Finding], level: Level, heading: &str) -> Markup {
    let those = || found.iter().filter(|one| one.level == level);
    html! {
        @if those().next().is_some() {
            section.checks .(level.as_str()) {
                h2 { (heading) }
                ul.plain { @for finding in those() { (line(visit, month, finding)) } }
            }
        }
    }
}

fn line(visit: &Visit, month: Month, finding: &Finding) -> Markup {
    let Words { says, mend, place } = words(visit, finding);
    let mark = match finding.level {
        Level::Pass => visit.say("in order", "en ordre"),
        Level::Warn => visit.say("look", "à voir"),
        Level::Block => visit.say("mend", "à corriger"),
    };
    html! {
        li {
            span.mark .(finding.level.as_str()) { (mark) }
            div {
                p { strong { (says) } }
                @if let Some(mend) = mend { p.means { (mend) } }
                @if let Some((step, text)) = place { p { a href=(step.path(month)) { (text) } } }
            }
        }
    }
}

/// Asks the network, for as long as it takes, and keeps what it said.
pub(super) async fn ask_network(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let content = mail::content(&mut tx, &visit, month, &current).await?;
    drop(tx);
    let config = &visit.desk.config;
    let links = preflight::outer_links(&asked(&visit, month, &current, None), &content);
    let from = config
        .sender
        .from
        .as_ref()
        .map(|from| from.email.domain().to_owned());
    let bounce = config.bounce_domain.clone().or_else(|| from.clone());
    let keys = match Signer::of(config) {
        Ok(Some(signer)) => signer
            .records()
            .map(|record| (record.name, record.value))
            .collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    let question = Question {
        links,
        from,
        bounce,
        keys,
    };
    let dns = Asking {
        servers: network::of_this_machine(),
        new_number: network::number,
    };
    let found = network::ask(&question, &dns).await;
    let mut tx = visit.begin().await?;
    network::keep(&mut tx, month, &found, visit.now).await?;
    tx.commit().await?;
    Ok(visit.back_to(&Step::Check.path(month)))
}
