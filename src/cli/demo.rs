//! `demo`: everything at once, with nothing to set up.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use bulletin::admin::{self, New, Role};
use bulletin::archive;
use bulletin::campaign;
use bulletin::clock;
use bulletin::config::Config;
use bulletin::deliver::Until;
use bulletin::demo::catcher::Catcher;
use bulletin::demo::pages::{self, Exhibit};
use bulletin::feedback::staying;
use bulletin::listen;
use bulletin::plan;
use bulletin::subscriber::Address;
use bulletin::subscription::Language;
use bulletin::web;
use bulletin::web::api;
use bulletin::web::desk;
use bulletin::web::server::{self, Patience};
use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::app::{App, new_id, sender_number, stop_on_signal};
use super::{Done, campaigns, planning, progress, serving};

#[derive(Args)]
pub struct Demo {
    /// End after the send
    #[arg(long)]
    once: bool,
    /// Where the database is made [default: a new folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The site's port; another is taken when it is not free
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub async fn run(demo: Demo, json: bool) -> anyhow::Result<Done> {
    let folder = folder(&demo)?;
    if !json {
        say!("The demo's files are in {}", folder.display());
    }
    let stop = stop_on_signal();
    let catcher = Arc::new(Catcher::default());
    let smtp = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the mail catcher gets no port")?;
    let site = listener(demo.port).await?;
    let app = App::open(settings(&folder, &smtp, &site)?, json).await?;
    tokio::spawn(listen::serve(
        smtp,
        catcher.clone(),
        listen::Settings::default(),
        stop.clone(),
    ));

    import(&app).await?;
    enrol(&app, &folder).await?;
    let plan = send(&app, &stop).await?;
    if demo.once {
        app.db.close().await;
        return Ok(Done::Wholly);
    }
    show(&app, site, catcher, plan, stop).await?;
    app.db.close().await;
    Ok(Done::Wholly)
}

/// A folder of its own for each run, unless one is named.
fn folder(demo: &Demo) -> anyhow::Result<PathBuf> {
    let folder = demo.dir.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!(
            "bulletin-demo-{}",
            clock::now().format("%Y%m%d-%H%M%S-%6f")
        ))
    });
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

async fn listener(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0")
            .await
            .context("the site gets no port"),
    }
}

fn settings(
    folder: &std::path::Path,
    smtp: &TcpListener,
    site: &TcpListener,
) -> anyhow::Result<Config> {
    let (smtp, site) = (smtp.local_addr()?, site.local_addr()?);
    let path = |name: &str| toml::Value::String(folder.join(name).display().to_string());
    let text = format!(
        "[database]\nurl = {}\n[secret]\nkey_file = {}\n[smtp]\nurl = 'smtp://{smtp}'\nconnections = 4\n\
         [site]\nurl = 'http://{site}'\nlisten = '{site}'\nname = 'Practice Research Digest'\n\
         [sender]\nfrom = 'Practice Research Digest <digest@example.org>'\nreply_to = 'editor@example.org'\n\
         postal_address = \"Practice Research Network\\n1 Sample Street, Ottawa ON K1A 0A1, Canada\"\n\
         contact = 'editor@example.org'\n",
        toml::Value::String(format!("sqlite://{}", folder.join("bulletin.db").display())),
        path("bulletin.key"),
    );
    Ok(Config::read(
        std::path::Path::new("the demo's settings"),
        &text,
        &std::collections::BTreeMap::new(),
    )?)
}

async fn import(app: &App) -> anyhow::Result<()> {
    let issues = bulletin::demo::issues()?;
    let mut tx = app.db.begin().await?;
    for issue in &issues {
        archive::keep(&mut tx, issue, &app.suggester, clock::now()).await?;
    }
    tx.commit().await?;
    let summaries: usize = issues.iter().map(|issue| issue.summaries.len()).sum();
    if !app.json {
        say!(
            "Imported {} months with {summaries} summaries.",
            issues.len()
        );
    }
    Ok(())
}

async fn enrol(app: &App, folder: &std::path::Path) -> anyhow::Result<()> {
    let csv = bulletin::demo::readers(&app.vocabulary, clock::now());
    std::fs::write(folder.join("readers.csv"), &csv).context("readers.csv cannot be written")?;
    let enrolment = app.enrolment();
    let enrolled = enrolment
        .run("readers.csv", csv.as_bytes(), |_| Ok(()), |_| {})
        .await?;
    if !app.json {
        say!("Enrolled {} readers.\n", enrolled.added);
    }
    Ok(())
}

/// Plans the newest issue, sends it, and prints the account.
async fn send(app: &App, stop: &CancellationToken) -> anyhow::Result<plan::Plan> {
    let newest = archive::list(&mut app.db.read().await?)
        .await?
        .into_iter()
        .next()
        .context("there are no samples")?;
    let mut tx = app.db.begin_apart().await?;
    let terms = plan::Terms {
        undo: chrono::Duration::zero(),
        ..plan::Terms::of(&app.config)
    };
    let settings = terms.settings(plan::When::Now, clock::now());
    let (id, plan) = plan::settle(&mut tx, newest.month.parse()?, &settings).await?;
    tx.commit().await?;
    if !app.json {
        planning::print_plan(&plan);
        say!("");
    }
    let watching = CancellationToken::new();
    let watch = tokio::spawn(progress::show(
        app.db.clone(),
        id,
        watching.clone(),
        app.json,
    ));
    let sender = app.sender(Arc::new(app.renderer()?))?;
    let began = std::time::Instant::now();
    let sent = sender
        .run(sender_number(), Until::NothingDue, stop.clone())
        .await;
    watching.cancel();
    watch.await?;
    sent?;
    let account = campaign::account(&mut app.db.read().await?, Some(id)).await?;
    campaigns::show_account(app, &newest.month, &account, began.elapsed())?;
    Ok(plan)
}

/// An editor's account for the desk, and the link by which its password is set.
async fn desk_link(app: &App) -> anyhow::Result<String> {
    let address = Address::parse("editor@example.org")?;
    let editor = New {
        id: new_id(),
        address: &address,
        name: "Demo Editor",
        role: Role::Editor,
        language: Language::English,
        time_zone: chrono_tz::America::Toronto,
    };
    let mut tx = app.db.begin().await?;
    admin::add(&mut tx, &editor, clock::now()).await?;
    let known = admin::of_address(&mut tx, &address).await?;
    let known = known.context("the account was just added")?;
    let link = admin::new_link(&mut tx, known.id, clock::now()).await?;
    tx.commit().await?;
    Ok(admin::link_path(&app.keys, link))
}

/// Serves until told to stop; what was deferred is tried again meanwhile, and letters go out.
async fn show(
    app: &App,
    listener: TcpListener,
    catcher: Arc<Catcher>,
    plan: plan::Plan,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let at = listener.local_addr()?;
    if !app.json {
        say!("\nLook at what was sent:   http://{at}/demo");
        say!("The caught mails:        http://{at}/demo/mails");
        say!("The archive:             http://{at}/issues");
        let link = desk_link(app).await?;
        say!("The editor's desk:       http://{at}{link}");
        say!("                         (choose a password there; the link works once)");
        say!("Ctrl-C ends it.");
    }
    let site = serving::site(app);
    let settling = serving::requests(app, &site).run(stop.clone());
    tokio::spawn(settling);
    staying::ask(&app.db, clock::now()).await?;
    let exhibit = Arc::new(Exhibit {
        site: site.clone(),
        catcher,
        plan,
    });
    let desk = serving::desk(app, site.clone())?;
    tokio::spawn(desk.errands().run(stop.clone()));
    serving::work_for(app, &desk, &stop);
    let pages = web::routes(site)
        .merge(desk::routes(desk.clone()))
        .merge(api::routes(desk))
        .merge(pages::routes(exhibit));
    let pages = web::guarded(pages);
    let sender = app.sender(Arc::new(app.renderer()?))?;
    let sending = tokio::spawn(sender.run(sender_number(), Until::Stopped, stop.clone()));
    server::serve(listener, pages, Patience::default(), stop.clone()).await;
    stop.cancel();
    sending.await??;
    Ok(())
}
