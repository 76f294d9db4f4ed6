//! Every page of the editor's desk, with a long list, a long archive and years of deliveries behind it.

mod fill;
mod kept;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use bulletin::admin::{self, New, Role, session};
use bulletin::clock;
use bulletin::db::Db;
use bulletin::secret::{Keys, random_token};
use bulletin::subscriber::Address;
use bulletin::subscription::Language;
use bulletin::web::desk::{self, Who};

pub use self::fill::Size;
use super::Bench;
use super::figures::Figures;
use super::goals::Limit::{self, AtMost};
use super::goals::Line;
use super::pages::{free_address, wait_for};
use crate::ground::Kind::{self, Postgres, Sqlite};
use crate::lab::{Lab, PATIENCE};

/// How often each page is asked for, beside twice before that.
const REQUESTS: usize = 15;

/// A page whose first answer takes as long as this is asked for but a few times more.
const TOO_LONG_MS: f64 = 2_000.0;

/// What is asked for beside the pages as they are: searches and filters, of few and of many.
const MORE: [&str; 14] = [
    "/desk/readers?q=tremblay.sophie",
    "/desk/readers?q=sophie",
    "/desk/readers?q=gmail.com",
    "/desk/readers?q=xq",
    "/desk/readers?q=a",
    "/desk/readers?q=nobody.has.this",
    "/desk/readers?q=sophie&language=fr",
    "/desk/readers?q=gmail&frequency=quarterly",
    "/desk/readers?language=fr",
    "/desk/readers?state=ended",
    "/desk/readers?topic=attachment",
    "/desk/readers?suppressed=yes",
    "/desk/readers?paused=yes",
    "/desk/readers?bounced=yes",
];

/// What holes in addresses are filled with.
struct Holes {
    admin: String,
    reader: String,
    campaign: String,
    summary: String,
}

pub fn pages(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let size = Size::of(bench.options.quick);
    let mut lines: Vec<(String, Line)> = Vec::new();
    for kind in [Sqlite, Postgres] {
        let mut lab = kept::filled(bench, kind, size)?;
        let (at, cookie, holes) = open(&mut lab)?;
        let mut service = lab.start(&["serve"])?;
        wait_for(at, || service.is_running())?;
        for path in addresses() {
            let asked = holes.fill(&path);
            let figures = match ask(at, &asked, &cookie) {
                Ok(figures) => figures,
                Err(error) => {
                    eprintln!("{path} on {kind} is left out: {error:#}");
                    continue;
                }
            };
            eprintln!("{path} on {kind}: {figures} ms");
            let line = match lines.iter_mut().find(|(known, _)| *known == path) {
                Some((_, line)) => line,
                None => {
                    let line = Line::new("", format!("{path}: ms, {size}"), limit(&path));
                    lines.push((path, line));
                    &mut lines.last_mut().expect("one was added").1
                }
            };
            *line = line.clone().on(kind, figures);
        }
        service.stop(PATIENCE)?;
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// A search alone is to be quicker than a page may be.
fn limit(path: &str) -> Limit {
    let is_search = path.contains("?q=") && !path.contains('&');
    AtMost(if is_search { 50.0 } else { 100.0 })
}

/// All pages that are looked at by who is signed in.
fn addresses() -> Vec<String> {
    let table = desk::table().into_iter();
    let pages = table.filter(|route| route.method() == "GET" && route.who != Who::Anyone);
    let pages = pages.map(|route| route.path.to_owned());
    pages.chain(MORE.map(str::to_owned)).collect()
}

impl Holes {
    fn fill(&self, path: &str) -> String {
        let id = match path {
            path if path.starts_with("/desk/people") => &self.admin,
            path if path.starts_with("/desk/campaigns") => &self.campaign,
            path if path.contains("summar") => &self.summary,
            _ => &self.reader,
        };
        path.replace("{month}", fill::NEWEST)
            .replace("{campaign}", &self.campaign)
            .replace("{summary}", &self.summary)
            .replace("{admin}", &self.admin)
            .replace("{number}", "1")
            .replace("{id}", id)
    }
}

/// Signs an owner in, and points the service at an address.
fn open(lab: &mut Lab<'_>) -> anyhow::Result<(SocketAddr, String, Holes)> {
    let at = free_address()?;
    lab.set("SITE_LISTEN", &at.to_string());
    lab.set("SITE_URL", &format!("http://{at}"));
    // Nothing that was filled in is to go by itself.
    for what in ["LEFT", "HISTORY", "REQUESTS", "CONSENTS"] {
        lab.set(&format!("RETENTION_{what}"), "20000d");
    }
    let cookie = random_token();
    let url = kept::url(lab);
    let keys = Keys::open(&lab.folder.join("bulletin.key"))?;
    let admin = lab
        .ground
        .runtime
        .block_on(sign_in(&url, &keys, &cookie))
        .context("nobody can be signed in")?;
    let text = |sql: &str| lab.on_store(lab.store.text(sql));
    let holes = Holes {
        admin,
        reader: text(match lab.kind {
            Kind::Sqlite => {
                "SELECT lower(hex(subscriber_id)) FROM delivery WHERE subscriber_id IS NOT NULL ORDER BY id DESC LIMIT 1"
            }
            Kind::Postgres => {
                "SELECT CAST(subscriber_id AS text) FROM delivery WHERE subscriber_id IS NOT NULL ORDER BY id DESC LIMIT 1"
            }
        })?,
        campaign: text("SELECT CAST(max(id) AS text) FROM campaign")?,
        summary: text("SELECT CAST(max(id) AS text) FROM summary")?,
    };
    Ok((at, cookie, holes))
}

/// An owner with a second factor, who has proved just now who they are; gives their id.
async fn sign_in(url: &str, keys: &Keys, cookie: &str) -> anyhow::Result<String> {
    let db = Db::open(url).await?;
    let (now, id) = (clock::now(), uuid::Uuid::new_v4());
    let address = Address::parse(&format!("{}@desk.test", id.simple()))?;
    let new = New {
        id,
        address: &address,
        name: &format!("Owner {}", &id.simple().to_string()[..8]),
        role: Role::Owner,
        language: Language::English,
        time_zone: chrono_tz::America::Toronto,
    };
    let mut tx = db.begin().await?;
    ensure!(
        admin::add(&mut tx, &new, now).await?,
        "the account is known"
    );
    admin::set_password(&mut tx, id, "none that fits").await?;
    admin::set_second(&mut tx, keys, id, Some(&[7; 20]), 0).await?;
    session::begin(&mut tx, id, cookie, now).await?;
    tx.commit().await?;
    db.close().await;
    Ok(id.to_string())
}

/// Milliseconds from the request to the last byte, over one connection.
fn ask(at: SocketAddr, path: &str, cookie: &str) -> anyhow::Result<Figures> {
    let mut stream = BufReader::new(TcpStream::connect(at)?);
    stream.get_ref().set_nodelay(true)?;
    stream.get_ref().set_read_timeout(Some(PATIENCE))?;
    once(&mut stream, path, cookie)?;
    let second = once(&mut stream, path, cookie)?;
    let times = match second > TOO_LONG_MS {
        true => 3,
        false => REQUESTS,
    };
    let mut figures = Figures::default();
    for _ in 0..times {
        figures.add(once(&mut stream, path, cookie)?);
    }
    Ok(figures)
}

fn once(stream: &mut BufReader<TcpStream>, path: &str, cookie: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: desk={cookie}\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let (status, length) = head(stream)?;
    let Some(length) = length else {
        bail!("it answers {status} without an end");
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    ensure!(status == "200", "it answers {status}");
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

/// The status, and the length of the body where it is told.
fn head(stream: &mut BufReader<TcpStream>) -> anyhow::Result<(String, Option<usize>)> {
    let (mut length, mut line) = (None, String::new());
    stream.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .context("there is no answer")?
        .to_owned();
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the answer was cut off");
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            return Ok((status, length));
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
}
