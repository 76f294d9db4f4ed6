//! `token`: by what other programs come in over the API.

use anyhow::{Context, ensure};
use bulletin::audit::{self, Deed, Done as Deeded};
use bulletin::clock;
use bulletin::db::Tx;
use bulletin::token::{self, LONGEST_NAME, New, Scope, Token};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Done;
use super::app::{App, new_id};

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, this once
    Add(Add),
    /// Every token, without what is secret about it
    List,
    /// End a token at once
    Revoke { name: String },
}

#[derive(Args)]
pub struct Add {
    /// What the program is called in the records
    name: String,
    /// What it may do, such as issues:read; as often as wanted
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// After how many days it ends by itself
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
}

pub async fn token(app: &App, command: TokenCommand) -> anyhow::Result<Done> {
    match command {
        TokenCommand::Add(add) => self::add(app, &add).await,
        TokenCommand::List => list(app).await,
        TokenCommand::Revoke { name } => revoke(app, &name).await,
    }
}

async fn add(app: &App, add: &Add) -> anyhow::Result<Done> {
    let (name, now) = (add.name.trim(), clock::now());
    ensure!(
        token::is_a_name(name),
        "a name has 1 to {LONGEST_NAME} characters on one line"
    );
    let new = New {
        id: new_id(),
        name,
        scopes: &add.scopes,
        made_by: &app.who(),
        ends_at: add
            .days
            .map(|days| now + chrono::Duration::days(days.into())),
    };
    let mut tx = app.db.begin().await?;
    let made = token::add(&mut tx, &new, now).await?;
    let made = made.context("another token has this name; `bulletin token revoke NAME` ends it")?;
    note(app, &mut tx, Deed::TokenMade, name).await?;
    tx.commit().await?;
    app.show(&json!({"name": name, "token": made}), || {
        say!("{made}");
        say!("It is shown only now. Programs send it as 'Authorization: Bearer TOKEN'.");
    })?;
    Ok(Done::Wholly)
}

async fn list(app: &App) -> anyhow::Result<Done> {
    let tokens = token::list(&mut app.db.read().await?).await?;
    let now = clock::now();
    app.show(&tokens, || {
        for token in &tokens {
            let state = match (token.counts(now), token.revoked_at) {
                (true, _) => "works",
                (false, Some(_)) => "revoked",
                (false, None) => "ended",
            };
            say!("{state:<8}{:<24}{}", token.name, token.scopes);
        }
        if tokens.is_empty() {
            say!("There are no tokens; `bulletin token add NAME --scope SCOPE` makes one.");
        }
    })?;
    Ok(Done::Wholly)
}

async fn revoke(app: &App, name: &str) -> anyhow::Result<Done> {
    let mut tx = app.db.begin().await?;
    let tokens = token::list(&mut tx).await?;
    let is_meant = |token: &&Token| token.name == name && token.revoked_at.is_none();
    let found = tokens.iter().find(is_meant);
    let found =
        found.context("there is no such token; `bulletin token list` shows those there are")?;
    token::revoke(&mut tx, found.id, clock::now()).await?;
    note(app, &mut tx, Deed::TokenRevoked, name).await?;
    tx.commit().await?;
    app.show(&json!({"revoked": name}), || {
        say!("{name} is worth nothing any more.")
    })?;
    Ok(Done::Wholly)
}

async fn note(app: &App, tx: &mut Tx, deed: Deed, name: &str) -> sqlx::Result<()> {
    let who = app.who();
    let done = Deeded {
        who: &who,
        deed,
        subject: name,
        count: 1,
    };
    audit::add(tx, &app.keys, &done, clock::now()).await
}
