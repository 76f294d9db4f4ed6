//! `admin`, who may use the editor's desk, and `audit`, what they did.

use anyhow::{Context, bail, ensure};
use bulletin::admin::{self, Admin, LINK_LIFE, LONGEST_NAME, New, Role};
use bulletin::audit::{self, Deed, Done as Deeded, Verdict};
use bulletin::clock;
use bulletin::db::Tx;
use bulletin::subscriber::Address;
use bulletin::subscription::Language;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Done;
use super::app::{App, new_id};

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Add an account, and print a link by which its owner sets a password
    Create(Create),
    /// Everybody with an account
    List,
    /// Print a new link for a password
    Link { address: String },
    /// Take the second factor away of who lost it and the codes put by
    ForgetSecond { address: String },
    /// End an account and its sessions
    End { address: String },
}

#[derive(Args)]
pub struct Create {
    address: String,
    /// How they are called on the desk and in its record
    #[arg(long)]
    name: String,
    /// owner, editor or viewer [default: owner for the first account, editor for others]
    #[arg(long)]
    role: Option<Role>,
    /// en or fr
    #[arg(long, default_value = "en")]
    language: Language,
    /// In which they read and write times
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    time_zone: chrono_tz::Tz,
}

#[derive(Subcommand)]
pub enum AuditCommand {
    /// What was done, the newest first
    List {
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
    /// Whether every line stands as it was written
    Verify,
}

pub async fn admin(app: &App, command: AdminCommand) -> anyhow::Result<Done> {
    match command {
        AdminCommand::Create(create) => self::create(app, create).await,
        AdminCommand::List => list(app).await,
        AdminCommand::Link { address } => {
            let mut tx = app.db.begin().await?;
            let admin = of(&mut tx, &address).await?;
            ensure!(!admin.has_ended(), "this account has ended");
            let link = link(app, &mut tx, &admin).await?;
            tx.commit().await?;
            show_link(app, &admin, &link)
        }
        AdminCommand::ForgetSecond { address } => {
            let mut tx = app.db.begin().await?;
            let admin = of(&mut tx, &address).await?;
            admin::set_second(&mut tx, &app.keys, admin.id, None, 0).await?;
            note(app, &mut tx, Deed::SecondFactorRemoved, &admin).await?;
            tx.commit().await?;
            shown(
                app,
                &admin,
                "signs in with the password alone until a new second factor is set",
            )
        }
        AdminCommand::End { address } => {
            let mut tx = app.db.begin().await?;
            let admin = of(&mut tx, &address).await?;
            admin::set_ended(&mut tx, admin.id, Some(clock::now())).await?;
            note(app, &mut tx, Deed::AdminEnded, &admin).await?;
            tx.commit().await?;
            shown(app, &admin, "has no access any more")
        }
    }
}

async fn create(app: &App, create: Create) -> anyhow::Result<Done> {
    let address = Address::parse(&create.address)?;
    let name = create.name.trim();
    ensure!(
        admin::is_a_name(name),
        "--name says how they are called, in 1 to {LONGEST_NAME} characters on one line"
    );
    let mut tx = app.db.begin().await?;
    let is_first = admin::list(&mut tx).await?.is_empty();
    let role = create.role.unwrap_or(match is_first {
        true => Role::Owner,
        false => Role::Editor,
    });
    let new = New {
        id: new_id(),
        address: &address,
        name,
        role,
        language: create.language,
        time_zone: create.time_zone,
    };
    ensure!(
        !admin::is_taken(&mut tx, name, new.id).await?,
        "another account has this name; `bulletin admin list` shows who has one"
    );
    if !admin::add(&mut tx, &new, clock::now()).await? {
        bail!(
            "this address has an account; `bulletin admin link ADDRESS` makes a new link for its password"
        );
    }
    let admin = of(&mut tx, &create.address).await?;
    note(app, &mut tx, Deed::AdminAdded, &admin).await?;
    let link = link(app, &mut tx, &admin).await?;
    tx.commit().await?;
    show_link(app, &admin, &link)
}

async fn of(tx: &mut Tx, address: &str) -> anyhow::Result<Admin> {
    let address = Address::parse(address)?;
    let admin = admin::of_address(tx, &address).await?;
    admin.context("this address has no account; `bulletin admin list` shows who has")
}

async fn link(app: &App, tx: &mut Tx, admin: &Admin) -> anyhow::Result<String> {
    note(app, tx, Deed::PasswordLinkMade, admin).await?;
    let link = admin::new_link(tx, admin.id, clock::now()).await?;
    let path = admin::link_path(&app.keys, link);
    Ok(format!("{}{path}", app.config.site_url))
}

async fn note(app: &App, tx: &mut Tx, deed: Deed, admin: &Admin) -> anyhow::Result<()> {
    let done = Deeded {
        who: &app.who(),
        deed,
        subject: &admin.name,
        count: 1,
    };
    Ok(audit::add(tx, &app.keys, &done, clock::now()).await?)
}

fn show_link(app: &App, admin: &Admin, link: &str) -> anyhow::Result<Done> {
    app.show(
        &json!({"name": admin.name, "role": admin.role, "link": link}),
        || {
            say!("{} ({}) sets a password here:", admin.name, admin.role);
            say!("  {link}");
            say!(
                "It works once, within {} hours, and is shown only now.",
                LINK_LIFE.num_hours()
            );
        },
    )?;
    Ok(Done::Wholly)
}

fn shown(app: &App, admin: &Admin, what: &str) -> anyhow::Result<Done> {
    app.show(&json!({"name": admin.name, "now": what}), || {
        say!("{} {what}.", admin.name)
    })?;
    Ok(Done::Wholly)
}

async fn list(app: &App) -> anyhow::Result<Done> {
    let admins = admin::list(&mut app.db.read().await?).await?;
    app.show(&admins, || {
        for admin in &admins {
            let state = match (
                admin.has_ended(),
                admin.password.is_some(),
                admin.second.is_some(),
            ) {
                (true, _, _) => "ended",
                (_, false, _) => "no password yet",
                (_, true, false) => "password alone",
                (_, true, true) => "password and code",
            };
            say!(
                "{:<8}{:<24}{:<32}{state}",
                admin.role,
                admin.name,
                admin.address
            );
        }
        if admins.is_empty() {
            say!("Nobody yet; `bulletin admin create ADDRESS --name NAME` adds the first.");
        }
    })?;
    Ok(Done::Wholly)
}

pub async fn audit(app: &App, command: AuditCommand) -> anyhow::Result<Done> {
    let mut tx = app.db.read().await?;
    match command {
        AuditCommand::List { limit } => {
            let lines = audit::newest(&mut tx, None, limit).await?;
            app.show(&lines, || {
                for line in &lines {
                    let at = line.at.format("%Y-%m-%d %H:%M:%S");
                    say!(
                        "{:>6}  {at}  {}: {} {} ({})",
                        line.id,
                        line.who,
                        line.deed,
                        line.subject,
                        line.count
                    );
                }
                if lines.is_empty() {
                    say!("Nothing has been done yet.");
                }
            })?;
            Ok(Done::Wholly)
        }
        AuditCommand::Verify => {
            let verdict = audit::verify(&mut tx, &app.keys).await?;
            app.show(&verdict, || match verdict {
                Verdict::Whole(lines) => say!("All {lines} lines stand as they were written."),
                Verdict::Broken(line) => {
                    say!("Line {line} is not as it was written, or one is missing before it.")
                }
                Verdict::CutOff(lines) => say!("Lines are missing at the end: there were {lines}."),
            })?;
            Ok(match verdict {
                Verdict::Whole(_) => Done::Wholly,
                Verdict::Broken(_) | Verdict::CutOff(_) => Done::PartlyRefused,
            })
        }
    }
}
