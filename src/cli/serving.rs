//! `serve`, `worker` and `doctor`.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use bulletin::admin;
use bulletin::audit::{self, Verdict};
use bulletin::clock;
use bulletin::config::Config;
use bulletin::db::Db;
use bulletin::deliver::relay::Relay;
use bulletin::dkim::Signer;
use bulletin::feedback::requests::Requests;
use bulletin::retention::{self, Retention};
use bulletin::secret::Keys;
use bulletin::suggest::Suggester;
use bulletin::teller::{Reach, Teller};
use bulletin::web::api;
use bulletin::web::desk::{self, Desk};
use bulletin::web::hooks;
use bulletin::web::server::{self, Patience};
use bulletin::web::status::{self, Status};
use bulletin::web::{self, Privacy, Publisher, Site};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Done;
use super::app::{App, new_id, stop_on_signal};
use super::returned;
use super::scheduling::{self, Duty};

/// The site and the delivery, until told to stop.
pub async fn serve(app: &App) -> anyhow::Result<Done> {
    let stop = stop_on_signal();
    let at = app.config.site_listen;
    let listener = TcpListener::bind(at).await.with_context(|| {
        format!("site.listen {at} cannot be had; is another `bulletin serve` running?")
    })?;
    show_status(app, &stop).await?;
    let doors = returned::open_doors(app, &stop).await?;
    let mut sending = tokio::spawn(send(app, stop.clone())?);
    tracing::info!(%at, "serving");
    let site = site(app);
    let settling = requests(app, &site).run(stop.clone());
    tokio::spawn(app.standing.watched("the settling of requests", settling));
    keep_retention(app, &stop);
    tell_hooks(app, &stop)?;
    let desk = desk(app, site.clone())?;
    let errands = desk.errands().run(stop.clone());
    tokio::spawn(app.standing.watched("changes of many readers", errands));
    work_for(app, &desk, &stop);
    let pages = web::routes(site)
        .merge(desk::routes(desk.clone()))
        .merge(api::routes(desk))
        .merge(status::public_routes(status(app)));
    let pages = match returned::hooks(app)? {
        Some(hooks) => pages.merge(hooks::routes(hooks)),
        None => pages,
    };
    let pages = web::guarded(pages);
    let serving = server::serve(listener, pages, Patience::default(), stop.clone());
    let mut served = tokio::spawn(serving);
    tokio::select! {
        served = &mut served => served.context("the site failed")?,
        sent = &mut sending => {
            sent??;
            served.await.context("the site failed")?;
            close(doors).await?;
            return Ok(Done::Wholly);
        }
    }
    stop.cancel();
    sending.await??;
    close(doors).await?;
    Ok(Done::Wholly)
}

/// Waits for what is being taken at the doors, which were told to close.
async fn close(mut doors: returned::Doors) -> anyhow::Result<()> {
    while let Some(closed) = doors.join_next().await {
        closed?.context("a door for bounces failed")?;
    }
    Ok(())
}

/// Delivery and schedule beside the site. While nothing may be sent, the site stands alone.
fn send(
    app: &App,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + Send + 'static> {
    let missing = app.config.missing_identity();
    let duty = match missing.is_empty() {
        true => Some(Duty::of(app, true)?),
        false => {
            let why = format!(
                "nothing is sent before these are set: {}",
                missing.join(", ")
            );
            tracing::warn!("{why}");
            app.standing.hold(Some(&why));
            None
        }
    };
    Ok(async move {
        match duty {
            Some(duty) => duty.run(stop).await,
            None => {
                stop.cancelled().await;
                Ok(())
            }
        }
    })
}

/// Delivery and schedule alone, until told to stop.
pub async fn worker(app: &App) -> anyhow::Result<Done> {
    let stop = stop_on_signal();
    let duty = Duty::of(app, false)?;
    show_status(app, &stop).await?;
    keep_retention(app, &stop);
    tell_hooks(app, &stop)?;
    tracing::info!("delivering");
    duty.run(stop).await?;
    Ok(Done::Wholly)
}

/// Tells other programs what happened.
fn tell_hooks(app: &App, stop: &CancellationToken) -> anyhow::Result<()> {
    let teller = Teller {
        db: app.db.clone(),
        keys: app.keys.clone(),
        clock: clock::system(),
        reach: Reach::world()?,
    };
    let telling = teller.run(stop.clone());
    tokio::spawn(app.standing.watched("the telling of hooks", telling));
    Ok(())
}

/// Sees once a day to what is needed no more.
fn keep_retention(app: &App, stop: &CancellationToken) {
    let keeping = Retention {
        db: app.db.clone(),
        terms: app.config.retention,
        clock: clock::system(),
    };
    let keeping = keeping.run(stop.clone());
    tokio::spawn(app.standing.watched("the tidying of each day", keeping));
}

/// Tells at status.listen how this process is, where that is set.
async fn show_status(app: &App, stop: &CancellationToken) -> anyhow::Result<()> {
    let Some(at) = app.config.status_listen else {
        return Ok(());
    };
    let listener = TcpListener::bind(at).await.with_context(|| {
        format!("status.listen {at} cannot be had; is another process of ours running?")
    })?;
    let told = web::guarded(status::routes(status(app)));
    tokio::spawn(server::serve(
        listener,
        told,
        Patience::default(),
        stop.clone(),
    ));
    Ok(())
}

fn status(app: &App) -> Status {
    Status::new(
        app.db.clone(),
        clock::system(),
        app.standing.clone(),
        app.metrics.clone(),
    )
}

/// What the pages need.
pub fn site(app: &App) -> Site {
    Site {
        db: app.db.clone(),
        keys: app.keys.clone(),
        vocabulary: Arc::new(app.vocabulary.clone()),
        name: app.config.site_name.clone(),
        publisher: publisher(&app.config),
        clock: clock::system(),
        new_id,
        asked: Arc::default(),
        limits: Arc::default(),
        goodbye: app.config.goodbye,
        trusted_proxies: app.config.trusted_proxies.clone().into(),
        retention: app.config.retention,
        metrics: app.metrics.clone(),
    }
}

/// What the editor's desk needs.
pub fn desk(app: &App, site: Site) -> anyhow::Result<Desk> {
    let suggester = Suggester::new(&app.vocabulary);
    Ok(Desk::new(
        site,
        app.config.clone(),
        suggester,
        app.draft_renderer()?,
    ))
}

/// Settles what is ordered at a desk, and counts what it shows.
pub fn work_for(app: &App, desk: &Desk, stop: &CancellationToken) {
    let orders = desk.orders().run(stop.clone());
    tokio::spawn(app.standing.watched("the settling of orders", orders));
    let counting = desk.counting().run(stop.clone());
    tokio::spawn(app.standing.watched("the counting of figures", counting));
}

/// What settles the requests of that site.
pub fn requests(app: &App, site: &Site) -> Requests {
    Requests {
        db: app.db.clone(),
        keys: app.keys.clone(),
        clock: clock::system(),
        new_id,
        asked: site.asked.clone(),
    }
}

fn publisher(config: &Config) -> Publisher {
    let sender = &config.sender;
    let name = sender.from.as_ref().and_then(|from| from.name.clone());
    let [officer, processors, complaints] = config.privacy.clone();
    Publisher {
        name: name.unwrap_or_else(|| config.site_name.clone()),
        postal_address: sender.postal_address.clone().unwrap_or_default(),
        contact: sender.contact.clone().unwrap_or_default(),
        site_url: config.site_url.clone(),
        privacy: Privacy {
            officer,
            processors,
            complaints,
        },
    }
}

/// One thing that `doctor` looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    fine: bool,
    says: String,
}

/// Looks at everything that sending needs, and says what to mend.
pub async fn doctor(config: Config, json: bool) -> anyhow::Result<Done> {
    let findings = vec![
        identity(&config),
        database(&config).await,
        key_file(&config),
        signature(&config),
        finding(
            "this copy of the database",
            scheduling::examine_copy(&config).await,
        ),
        finding("the schedule", scheduling::examine(&config).await),
        finding("what comes back", returned::examine(&config).await),
        finding("what is kept of readers", kept(&config).await),
        finding("the editor's desk", examine_desk(&config).await),
        relay(&config).await,
    ];
    if json {
        say!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            say!(
                "{:<5} {}: {}",
                if finding.fine { "fine" } else { "mend" },
                finding.what,
                finding.says
            );
        }
    }
    let fit = findings.iter().all(|finding| finding.fine);
    Ok(if fit {
        Done::Wholly
    } else {
        Done::PartlyRefused
    })
}

fn finding(what: &'static str, looked: anyhow::Result<String>) -> Finding {
    match looked {
        Ok(says) => Finding {
            what,
            fine: true,
            says,
        },
        Err(error) => Finding {
            what,
            fine: false,
            says: format!("{error:#}"),
        },
    }
}

fn identity(config: &Config) -> Finding {
    let missing = config.missing_identity();
    finding(
        "the sender's identity",
        match missing.is_empty() {
            true => Ok(
                "complete; each part must go on reaching you for sixty days after the last mail that names it"
                    .to_owned(),
            ),
            false => Err(anyhow::anyhow!("set {}", missing.join(", "))),
        },
    )
}

async fn database(config: &Config) -> Finding {
    let opened = Db::open(&config.database_url.0).await;
    finding(
        "the database",
        opened
            .map(|_| "opens, and its tables are up to date".to_owned())
            .map_err(Into::into),
    )
}

fn key_file(config: &Config) -> Finding {
    let look = || -> anyhow::Result<String> {
        Keys::open(&config.key_file)?;
        let mode = std::fs::metadata(&config.key_file)?.permissions().mode() & 0o777;
        let path = config.key_file.display();
        anyhow::ensure!(
            mode & 0o077 == 0,
            "{path} can be read by others (mode {mode:o}); `chmod 600 {path}` mends it"
        );
        Ok("there, and its owner's alone; keep a copy, for every link already mailed depends on it".to_owned())
    };
    finding("the key of links", look())
}

fn signature(config: &Config) -> Finding {
    let look = || -> anyhow::Result<String> {
        let Some(signer) = Signer::of(config)? else {
            return Ok("none here: the relay signs, or nobody does".to_owned());
        };
        let records = signer.records().map(|record| {
            format!(
                "publish this TXT record at {}: {}",
                record.name, record.value
            )
        });
        Ok(records.collect::<Vec<_>>().join("; and "))
    };
    finding("the signature", look())
}

/// Who can sign in, whether a password may go to the site's address, and whether the record of deeds is whole.
async fn examine_desk(config: &Config) -> anyhow::Result<String> {
    let db = Db::open(&config.database_url.0).await?;
    let mut tx = db.read().await?;
    let owners = admin::owners(&mut tx).await?;
    let verdict = audit::verify(&mut tx, &Keys::open(&config.key_file)?).await?;
    drop(tx);
    db.close().await;
    let Verdict::Whole(lines) = verdict else {
        anyhow::bail!(
            "the record of what was done there is not as it was written: {verdict:?}; compare it with a backup"
        );
    };
    anyhow::ensure!(
        desk::may_take_passwords(&config.site_url),
        "it takes no password at {}: set site.url to an https address",
        config.site_url
    );
    Ok(match owners {
        0 => "nobody can sign in as its owner yet; `bulletin admin create ADDRESS --name NAME` prints a link".to_owned(),
        _ => format!("owners who can sign in: {owners}; its record of {lines} lines is whole"),
    })
}

/// A process of ours sees to it each day; one that has not for days does not run.
async fn kept(config: &Config) -> anyhow::Result<String> {
    const LATE_DAYS: i64 = 3;
    let db = Db::open(&config.database_url.0).await?;
    let last = retention::last(&mut db.read().await?).await;
    db.close().await;
    let Some(run) = last? else {
        return Ok(
            "not seen to yet: `bulletin serve` and `bulletin worker` do it once a day".to_owned(),
        );
    };
    let went = format!(
        "on {} the data of {} readers who left went, {} deliveries named nobody any more, {} requests and {} lines of \
         consent went, and {} readers were asked to confirm an implied consent",
        run.day, run.readers, run.deliveries, run.requests, run.consents, run.reminded
    );
    anyhow::ensure!(
        (clock::now() - run.ran_at).num_days() < LATE_DAYS,
        "{went}; nothing since: `bulletin serve` or `bulletin worker` must run"
    );
    Ok(went)
}

async fn relay(config: &Config) -> Finding {
    let look = async {
        let session = Relay::of(config)?.connect().await?;
        session.quit().await;
        anyhow::Ok("answers, and lets us in".to_owned())
    };
    finding("the relay", look.await)
}
