//! A reader's own pages: choosing, leaving, coming back, taking one's data along, being forgotten.

mod choosing;
mod fresh_links;
mod leaving;
mod one_click;

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::secret::Purpose;
use bulletin::suppression::{self, Reason};

use crate::support::news::{ATTACHMENT, EMPATHY, form, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

async fn path(news: &News, page: &str, purpose: Purpose, address: &str) -> String {
    let token = news.keys.link(purpose, news.reader(address).await.id);
    format!("/{page}/{token}")
}

async fn centre(news: &News, address: &str) -> String {
    path(news, "p", Purpose::Preferences, address).await
}

async fn leaving(news: &News, address: &str) -> String {
    path(news, "u", Purpose::Unsubscribe, address).await
}

/// Asks for a fresh link and gives its path.
async fn fresh(news: &News, kind: Kind, address: &str) -> String {
    let request = news.ask(kind, address, form(&[]), None).await;
    format!("/m/{}", news.keys.link(Purpose::Manage, request))
}

async fn suppress(news: &News, address: &str, reason: Reason, note: &str) {
    let hash = news.reader(address).await.address_hash;
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &hash, reason, note, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn all_of(page: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(page.contains(words), "'{words}' is missing in\n{page}");
    }
}

each_database!(a_french_reader_reads_french_on_every_page_of_theirs);
async fn a_french_reader_reads_french_on_every_page_of_theirs(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue("2026-03", &[&[EMPATHY]])).await;
    news.subscribe_with("ann@peer.test", &[ATTACHMENT], ",,,fr")
        .await;
    let manage = fresh(&news, Kind::Manage, "ann@peer.test").await;
    let centre = centre(&news, "ann@peer.test").await;
    let leave = leaving(&news, "ann@peer.test").await;
    let like = path(&news, "s", Purpose::Feedback, "ann@peer.test").await;
    let rest = format!("topics={EMPATHY}&frequency=monthly&format=html&language=fr&name=A");
    for (method, path, body, words) in [
        ("GET", centre.clone(), "", "Ce que vous recevez"),
        (
            "POST",
            format!("{centre}/preview"),
            &rest,
            "Du numéro de mars 2026",
        ),
        (
            "POST",
            centre.clone(),
            &rest,
            "Thèmes ajoutés\u{A0}: Empathie",
        ),
        (
            "POST",
            format!("{centre}/link"),
            "for=data",
            "Regardez maintenant votre courrier",
        ),
        (
            "GET",
            format!("{like}/1/fewer"),
            "",
            "Ce sont tous vos thèmes",
        ),
        (
            "POST",
            format!("{like}/1/fewer"),
            "",
            "Retirés de vos thèmes",
        ),
        ("POST", format!("{like}/1/more"), "", "Ajoutés à vos thèmes"),
        ("GET", manage.clone(), "", "Le bulletin est envoyé à"),
        (
            "POST",
            format!("{manage}/address"),
            "address=x",
            "Cette adresse ne permet pas",
        ),
        (
            "POST",
            format!("{manage}/address"),
            "address=new%40peer.test",
            "dans les sept jours",
        ),
        ("GET", leave.clone(), "", "Se désabonner"),
        (
            "POST",
            leave.clone(),
            "leave=page",
            "Votre abonnement a pris fin",
        ),
        ("GET", centre.clone(), "", "Recevoir de nouveau le bulletin"),
        (
            "POST",
            format!("{leave}/why"),
            "why=other",
            "Merci de nous l’avoir dit",
        ),
        ("POST", format!("{leave}/undo"), "", "Bon retour parmi nous"),
        (
            "GET",
            format!("{manage}/erase"),
            "",
            "Voulez-vous que nous vous oubliions",
        ),
        (
            "POST",
            format!("{manage}/erase"),
            "",
            "Vos données sont effacées",
        ),
    ] {
        let (status, _, page) = pages.ask(method, &path, body).await;
        assert_eq!(status, 200, "{method} {path}\n{page}");
        all_of(&page, &["<html lang=\"fr\">", words]);
    }
}
