//! What comes back: `bounce receive` and `bounce kept`, the doors of `serve`, and `domain`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use bulletin::clock;
use bulletin::config::{Config, Webhook};
use bulletin::deliver::tls;
use bulletin::listen;
use bulletin::plain::is_plain;
use bulletin::receive::door::{self, Door};
use bulletin::receive::imap;
use bulletin::receive::{MOST_BYTES, PATIENCE, Receiver, Taken};
use bulletin::record::What;
use bulletin::returned::{Way, domains, kept as mails};
use bulletin::web::hooks::{Certificates, Hooks, Spent};
use bulletin::webhook::{self, Provider, sns};
use clap::Subcommand;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Done;
use super::app::{App, terms};
use super::bounces::use_own_rules;

#[derive(Subcommand)]
pub enum KeptCommand {
    List,
    /// The mail itself, as it came
    Show {
        number: i64,
    },
    /// Forget it
    Drop {
        number: i64,
    },
}

#[derive(Subcommand)]
pub enum DomainCommand {
    /// What became of mail at each receiving domain in the last 90 days, and which begin to dislike us
    List,
}

/// What is open in this process to take what comes back.
pub type Doors = JoinSet<std::io::Result<()>>;

/// `bounce kept`.
pub async fn kept(app: &App, command: KeptCommand) -> anyhow::Result<Done> {
    match command {
        KeptCommand::List => list_kept(app).await,
        KeptCommand::Show { number } => show_kept(app, number).await,
        KeptCommand::Drop { number } => drop_kept(app, number).await,
    }
}

/// `bounce receive`, from the settings on: whatever keeps a mail from being kept, its server is told to bring it again.
pub async fn receive_or_try_again(config: Option<&Path>, json: bool, to: Option<&str>) -> Done {
    let received = async {
        let config = Config::load(config)?;
        use_own_rules(&config)?;
        let app = App::open(config, json).await?;
        let received = receive(&app, to).await;
        app.db.close().await;
        received
    };
    received.await.unwrap_or_else(|error| {
        tracing::error!("the mail is to come again: {error:#}");
        Done::TryAgain
    })
}

async fn receive(app: &App, to: Option<&str>) -> anyhow::Result<Done> {
    let mut mail = Vec::new();
    let most = MOST_BYTES as u64;
    std::io::stdin().lock().take(most).read_to_end(&mut mail)?;
    // A pipe whose reader stops early is a failure for some mail servers.
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    let taken = receiver(app).mail(&mail, to, Way::Pipe).await?;
    let (word, words) = match taken {
        Taken::Acted(did) => (did.as_str(), format!("Acted on: {}.", did.as_str())),
        Taken::Again => ("again", "It came before, and changes nothing.".to_owned()),
        Taken::Kept => (
            "kept",
            "It wants a person: `bulletin bounce kept list` shows it.".to_owned(),
        ),
        Taken::TooEarly => (
            "too_early",
            "Its delivery is being sent just now: let it come again.".to_owned(),
        ),
    };
    app.show(&json!({ "taken": word }), || say!("{words}"))?;
    Ok(match taken {
        Taken::TooEarly => Done::TryAgain,
        _ => Done::Wholly,
    })
}

/// What acts on what comes back.
pub fn receiver(app: &App) -> Receiver {
    Receiver {
        db: app.db.clone(),
        keys: app.keys.clone(),
        terms: terms(&app.config),
        clock: clock::system(),
        metrics: app.metrics.clone(),
        patience: PATIENCE,
    }
}

/// Opens the doors that the settings name; they close on `stop`.
pub async fn open_doors(app: &App, stop: &CancellationToken) -> anyhow::Result<Doors> {
    let bounce = &app.config.bounce;
    let acceptor = match &bounce.tls {
        Some([certificate, key]) => Some(door::starttls(certificate, key)?),
        None => None,
    };
    let name = app.config.bounce_domain.as_deref().unwrap_or("localhost");
    let mut doors = JoinSet::new();
    for (key, at) in [
        ("bounce.listen", bounce.listen),
        ("bounce.lmtp", bounce.lmtp),
    ] {
        let Some(at) = at else { continue };
        let listener = TcpListener::bind(at)
            .await
            .with_context(|| format!("{key} {at} cannot be had; is another process there?"))?;
        let door = Door {
            receiver: receiver(app),
        };
        let settings = door::settings(name, acceptor.clone());
        let serving = listen::serve(listener, door.into(), settings, stop.clone());
        doors.spawn(app.standing.watched("the door for bounces", serving));
        tracing::info!(%at, "taking what comes back");
    }
    for (number, mailbox) in mailboxes(app)?.into_iter().enumerate() {
        let (receiver, stop) = (receiver(app), stop.clone());
        let after = after(app);
        let watching = async move {
            let number = number + 1;
            mailbox.watch(&receiver, &after, number, &stop).await;
            Ok(())
        };
        doors.spawn(app.standing.watched("a mailbox of bounces", watching));
    }
    Ok(doors)
}

fn mailboxes(app: &App) -> anyhow::Result<Vec<imap::Mailbox>> {
    let urls = app.config.bounce.imap.iter().zip(1..);
    let authorities = match &app.config.smtp_ca_file {
        Some(path) => tls::read_authorities(path)?,
        None => Vec::new(),
    };
    let parsed = urls.map(|(url, number)| {
        let mailbox = imap::Mailbox::parse(&url.0);
        let mailbox =
            mailbox.with_context(|| format!("bounce.imap, number {number}, cannot be used"))?;
        Ok(mailbox.trusting(authorities.clone()))
    });
    parsed.collect()
}

fn after(app: &App) -> imap::After {
    let done = app.config.bounce.imap_done.clone();
    done.map_or(imap::After::Delete, imap::After::MoveTo)
}

/// Where providers post their events, if any of them may.
pub fn hooks(app: &App) -> anyhow::Result<Option<Arc<Hooks>>> {
    let Webhook {
        ses_topics,
        keys,
        secrets,
    } = &app.config.webhook;
    let mut agreed = BTreeMap::new();
    let named = |word: &str| word.parse::<Provider>().map_err(anyhow::Error::msg);
    for (word, key) in keys {
        agreed.insert(named(word)?, webhook::Secret::Key(key.0.clone()));
    }
    for (word, secret) in secrets {
        agreed.insert(named(word)?, webhook::Secret::Word(secret.0.clone()));
    }
    if let Some(wrong) = ses_topics.iter().find(|topic| !sns::is_topic(topic)) {
        bail!(
            "webhook.ses_topics: '{wrong}' is no ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME"
        );
    }
    if !ses_topics.is_empty() {
        agreed.insert(Provider::Ses, webhook::Secret::Topics(ses_topics.clone()));
    }
    let hooks = Hooks {
        receiver: receiver(app),
        secrets: agreed,
        certificates: Certificates::default(),
        spent: Spent::default(),
    };
    Ok((!hooks.secrets.is_empty()).then(|| Arc::new(hooks)))
}

/// Looks into each mailbox of bounce.imap once, for who would rather do that at times of their own.
pub async fn fetch(app: &App) -> anyhow::Result<Done> {
    let mailboxes = mailboxes(app)?;
    if mailboxes.is_empty() {
        bail!("bounce.imap names no mailbox");
    }
    let (receiver, after) = (receiver(app), after(app));
    let (mut taken, mut done) = (0, Done::Wholly);
    for (mailbox, number) in mailboxes.iter().zip(1..) {
        match mailbox.empty(&receiver, &after).await {
            Ok(mails) => taken += mails,
            Err(error) => {
                let why = imap::told(&error);
                eprintln!("bounce.imap, number {number}, cannot be looked into: {why}");
                done = Done::PartlyRefused;
            }
        }
    }
    app.show(&json!({ "taken": taken }), || say!("Mails taken: {taken}."))?;
    Ok(done)
}

async fn list_kept(app: &App) -> anyhow::Result<Done> {
    let kept = mails::list(&mut app.db.read().await?).await?;
    app.note(What::KeptMails, None, kept.len() as i64).await?;
    app.show(&kept, || {
        for one in &kept {
            let at = one.at.to_rfc3339();
            say!("{:>6}  {at}  {:>7} bytes  {}", one.id, one.bytes, one.why);
        }
        if kept.is_empty() {
            say!("No mail waits for a person.");
        }
    })?;
    Ok(Done::Wholly)
}

async fn show_kept(app: &App, number: i64) -> anyhow::Result<Done> {
    let Some(mail) = mails::mail(&mut app.db.read().await?, number).await? else {
        bail!("no mail of that number is kept; `bulletin bounce kept list` shows them");
    };
    let writer = mails::reader_of(&mut app.db.read().await?, number).await?;
    app.note(What::KeptMail, writer, 1).await?;
    if app.json {
        let text = String::from_utf8_lossy(&mail);
        app.show(&json!({ "id": number, "mail": text }), || {})?;
    } else if std::io::stdout().is_terminal() {
        // A mail may have codes in it that a terminal obeys.
        let is_shown = |letter| is_plain(letter) || matches!(letter, '\n' | '\t');
        let text = String::from_utf8_lossy(&mail).replace('\r', "");
        say!("{}", text.replace(|letter| !is_shown(letter), "\u{fffd}"));
    } else {
        std::io::stdout().lock().write_all(&mail)?;
    }
    Ok(Done::Wholly)
}

async fn drop_kept(app: &App, number: i64) -> anyhow::Result<Done> {
    let mut tx = app.db.begin().await?;
    if !mails::drop_it(&mut tx, number).await? {
        bail!("no mail of that number is kept; `bulletin bounce kept list` shows them");
    }
    tx.commit().await?;
    app.show(&json!({ "dropped": number }), || say!("Forgotten."))?;
    Ok(Done::Wholly)
}

pub async fn domain(app: &App, command: DomainCommand) -> anyhow::Result<Done> {
    let DomainCommand::List = command;
    let domains = domains::list(&mut app.db.read().await?, clock::now()).await?;
    app.show(&domains, || {
        say!(
            "{:<32}{:>10}{:>10}{:>10}{:>10}{:>12}",
            "domain",
            "accepted",
            "deferred",
            "bounced",
            "blocked",
            "complained"
        );
        for one in &domains {
            say!(
                "{:<32}{:>10}{:>10}{:>10}{:>10}{:>12}",
                one.domain,
                one.accepted,
                one.deferred,
                one.bounced,
                one.blocked,
                one.complained
            );
            if let Some(words) = &one.last_words {
                say!("    last said: {words}");
            }
            if let Some(warning) = &one.warning {
                say!("    warning: {warning}");
            }
        }
    })?;
    Ok(Done::Wholly)
}

/// What `doctor` says of what comes back.
pub async fn examine(config: &Config) -> anyhow::Result<String> {
    let db = bulletin::db::Db::open(&config.database_url.0).await?;
    let mut tx = db.read().await?;
    let domains = domains::list(&mut tx, clock::now()).await?;
    let kept = mails::count(&mut tx).await?;
    drop(tx);
    db.close().await;
    let warnings = domains.iter().filter_map(|one| {
        let warning = one.warning.as_ref()?;
        Some(format!("{}: {warning}", one.domain))
    });
    let warnings: Vec<String> = warnings.collect();
    anyhow::ensure!(warnings.is_empty(), "{}", warnings.join("; "));
    let mut says = match config.bounce.reaches_us() {
        true => "is taken here, and no domain dislikes us".to_owned(),
        false => "does not reach us by bounce.listen or bounce.lmtp; if it does by another way, set bounce.arrives"
            .to_owned(),
    };
    if kept > 0 {
        says += &format!("; {kept} mails want a person: `bulletin bounce kept list`");
    }
    Ok(says)
}
