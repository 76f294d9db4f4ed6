//! One mail, as inboxes show it: at several widths, on light and dark screens, without images, as text, as its source.

use axum::extract::{Path, RawQuery};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use maud::{Markup, html};
use uuid::Uuid;

use super::super::table::{self, Text};
use super::steps::{Step, ahead_notice, steps};
use super::{Answer, DeskError, MENU, Visit, current, month_of, path};
use crate::admin::Role;
use crate::content::{Content, Occasion, Selection};
use crate::db::Tx;
use crate::draft::{self, Current};
use crate::issue::Month;
use crate::look::{self, INBOXES, Mail};
use crate::plan;
use crate::record::What;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{Choice, Frequency, Language};

/// What a framed mail may do: nothing. It has an origin of its own, runs no script, sends no form, opens no window, and
/// loads nothing; its styles stand in it, as mail has them.
const FRAME_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const FRAME_POLICY_WITHOUT_IMAGES: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const WIDTHS: [u32; 3] = [360, 600, 1000];

/// Which mail is wanted, and how it is shown; all of it stands in the page's address.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    selection: Option<String>,
    reader: Option<Uuid>,
    topics: Vec<String>,
    quarterly: bool,
    language: Option<Language>,
    part: Part,
    width: u32,
    screen: Screen,
    no_images: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Part {
    #[default]
    Html,
    Text,
    Source,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Screen {
    #[default]
    Light,
    /// A client that leaves colours to the mail.
    Dark,
    /// A client that turns them over by itself.
    Forced,
}

impl Wanted {
    pub(super) fn of_selection(selection: &str) -> Wanted {
        Wanted {
            selection: Some(selection.to_owned()),
            ..Wanted::default()
        }
    }

    pub(super) fn of_reader(reader: Uuid) -> Wanted {
        Wanted {
            reader: Some(reader),
            ..Wanted::default()
        }
    }

    /// What an address says; whatever it says otherwise is passed over.
    pub(super) fn read(query: Option<&str>) -> Wanted {
        const MOST: usize = 200;
        let mut wanted = Wanted::default();
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(MOST);
        for (key, value) in pairs {
            match &*key {
                "s" => wanted.selection = Some(value.into_owned()),
                "reader" => wanted.reader = value.parse().ok(),
                "topic" => wanted.topics.push(value.into_owned()),
                "often" => wanted.quarterly = value == "quarterly",
                "language" => wanted.language = value.parse().ok(),
                "width" => wanted.width = value.parse().unwrap_or(0),
                "images" => wanted.no_images = value == "off",
                "part" => {
                    wanted.part = match &*value {
                        "text" => Part::Text,
                        "source" => Part::Source,
                        _ => Part::Html,
                    }
                }
                "screen" => {
                    wanted.screen = match &*value {
                        "dark" => Screen::Dark,
                        "forced" => Screen::Forced,
                        _ => Screen::Light,
                    }
                }
                _ => {}
            }
        }
        if !WIDTHS.contains(&wanted.width) {
            wanted.width = 600;
        }
        wanted
    }

    pub(super) fn selection(&self) -> Option<&str> {
        self.selection.as_deref()
    }

    /// Where it is shown.
    pub(super) fn address(&self, month: Month, page: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(selection) = &self.selection {
            query.append_pair("s", selection);
        }
        if let Some(reader) = self.reader {
            query.append_pair("reader", &reader.to_string());
        }
        for topic in &self.topics {
            query.append_pair("topic", topic);
        }
        if self.quarterly {
            query.append_pair("often", "quarterly");
        }
        if let Some(language) = self.language {
            query.append_pair("language", language.as_str());
        }
        if self.width != 0 && self.width != 600 {
            query.append_pair("width", &self.width.to_string());
        }
        match self.part {
            Part::Html => {}
            Part::Text => drop(query.append_pair("part", "text")),
            Part::Source => drop(query.append_pair("part", "source")),
        }
        match self.screen {
            Screen::Light => {}
            Screen::Dark => drop(query.append_pair("screen", "dark")),
            Screen::Forced => drop(query.append_pair("screen", "forced")),
        }
        if self.no_images {
            query.append_pair("images", "off");
        }
        match query.finish().as_str() {
            "" => path(month, page),
            query => format!("{}?{query}", path(month, page)),
        }
    }
}

/// What there is to look at.
struct Looked {
    current: Current,
    reader: Subscriber,
    selection: Option<Selection>,
    mail: Option<Mail>,
}

/// The page around a mail.
pub(super) async fn show(
    visit: Visit,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let month = month_of(&month)?;
    let wanted = Wanted::read(query.as_deref());
    let looked = look_at(&visit, month, &wanted).await?;
    let title = visit.say("One of the mails", "Un des messages");
    Ok(visit.page(format!("{title} – {}", visit.month_heading(month))).under(MENU).wide().show(html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) {
            a href=(MENU) { (visit.say("Issues", "Numéros")) } " › "
            a href=(path(month, "")) { (visit.month_heading(month)) } " › "
            a href=(Step::Look.path(month)) { (Step::Look.name(&visit)) }
        }
        h1 { (title) }
        (steps(&visit, month, Some(Step::Look)))
        (ahead_notice(&visit, month, &looked.current))
        p.lead { (whose(&visit, &wanted, &looked)) }
        @match &looked.mail {
            None => p { (visit.say("This reader gets no mail this month.", "Ce lecteur ne reçoit pas de message ce mois-ci.")) },
            Some(mail) => {
                (ways(&visit, month, &wanted, &looked))
                (part(&visit, month, &wanted, mail))
                (inboxes(&visit, mail))
            },
        }
    }))
}

/// The mail alone, for the page's frame.
pub(super) async fn frame(
    visit: Visit,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let month = month_of(&month)?;
    let wanted = Wanted::read(query.as_deref());
    let looked = look_at(&visit, month, &wanted).await?;
    let mail = looked.mail.ok_or(DeskError::NotFound)?;
    let policy = match wanted.no_images {
        true => FRAME_POLICY_WITHOUT_IMAGES,
        false => FRAME_POLICY,
    };
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    Ok((headers, on_screen(&mail.html, wanted.screen)).into_response())
}

/// The mail as a screen of that kind shows it, whatever screen the editor has.
fn on_screen(html: &str, screen: Screen) -> String {
    let scheme = "name=\"color-scheme\" content=\"light dark\"";
    let (wanted, style) = match screen {
        Screen::Light => ("light", ":root{color-scheme:light;background:#fff}"),
        Screen::Dark => ("dark", ":root{color-scheme:dark}"),
        Screen::Forced => (
            "light",
            ":root{color-scheme:light;background:#fff;filter:invert(1) hue-rotate(180deg)}",
        ),
    };
    let scheme_wanted = format!("name=\"color-scheme\" content=\"{wanted}\"");
    let html = html.replacen(scheme, &scheme_wanted, 1);
    html.replacen("</head>", &format!("<style>{style}</style></head>"), 1)
}

async fn look_at(visit: &Visit, month: Month, wanted: &Wanted) -> Result<Looked, DeskError> {
    let mut reader = reader(visit, wanted).await?;
    if let Some(language) = wanted.language {
        reader.language = language;
    }
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let content = content(&mut tx, visit, month, &current).await?;
    let usual = visit.desk.config.on_nothing;
    let selection = match wanted.selection() {
        Some(written) => Some(look::read_selection(&content, written).ok_or(DeskError::NotFound)?),
        None => look::selection(&content, &reader, usual),
    };
    let empty = content.items.is_empty();
    let mail = match &selection {
        Some(selection) if !empty => {
            let renderer = &visit.desk.renderer;
            let mail = look::mail(renderer, &content, selection, &reader, visit.now);
            Some(mail.map_err(|_| DeskError::NotFound)?)
        }
        _ => None,
    };
    Ok(Looked {
        current,
        reader,
        selection,
        mail,
    })
}

/// The month's content as it would go out, were the draft kept now.
pub(super) async fn content(
    tx: &mut Tx,
    visit: &Visit,
    month: Month,
    current: &Current,
) -> Result<Content, DeskError> {
    let kept = draft::as_kept(&current.text, month, &visit.desk.suggester);
    Ok(plan::freeze(tx, &kept).await?)
}

/// Whose mail it is. That a reader's was looked at is written down first, and only editors may.
async fn reader(visit: &Visit, wanted: &Wanted) -> Result<Subscriber, DeskError> {
    let often = match wanted.quarterly {
        true => Frequency::Quarterly,
        false => Frequency::Monthly,
    };
    let Some(id) = wanted.reader else {
        let known = &visit.desk.site.vocabulary.topics;
        let topics = wanted.topics.iter();
        let topics = topics.filter(|slug| known.iter().any(|topic| topic.slug == **slug));
        let choice = Choice::new(topics.cloned().collect(), Vec::new());
        return Ok(look::somebody(&choice, often, visit.language(), visit.now));
    };
    if !visit.may(Role::Editor) {
        return Err(DeskError::NotAllowed);
    }
    let mut tx = visit.begin().await?;
    let reader = subscriber::by_id(&mut tx, id).await?;
    let reader = reader.ok_or(DeskError::NotFound)?;
    visit.note(&mut tx, What::Preview, Some(id), 1).await?;
    tx.commit().await?;
    Ok(reader)
}

fn whose(visit: &Visit, wanted: &Wanted, looked: &Looked) -> String {
    let mut says = match (&wanted.reader, wanted.topics.len()) {
        (Some(_), _) => {
            let address = subscriber::Address::parse(&looked.reader.address);
            let masked = address.map_or_else(|_| String::new(), |address| address.masked());
            format!(
                "{} {masked}.",
                visit.say("As it goes to", "Tel qu’il part à")
            )
        }
        (None, 0) => visit
            .say(
                "As somebody gets it for whom this mail is.",
                "Tel que le reçoit une personne concernée.",
            )
            .to_owned(),
        (None, _) => {
            let language = visit.language();
            let names = visit.desk.site.topic_names(language, &wanted.topics);
            let chose = visit.say(
                "As somebody gets it who chose: ",
                "Tel que le reçoit quelqu’un qui a choisi\u{A0}: ",
            );
            format!("{chose}{}.", names.join(", "))
        }
    };
    let occasion = looked
        .selection
        .as_ref()
        .map(|selection| selection.occasion);
    match occasion {
        Some(Occasion::Note) => says.push_str(visit.say(
            " Nothing matches: a note says so.",
            " Rien ne convient\u{A0}: un mot le dit.",
        )),
        Some(Occasion::Pick) => says.push_str(visit.say(
            " Nothing matches: the editor’s pick goes out.",
            " Rien ne convient\u{A0}: le choix de la rédaction part.",
        )),
        _ => {}
    }
    says
}

/// The choices of how it is shown, as links.
fn ways(visit: &Visit, month: Month, wanted: &Wanted, looked: &Looked) -> Markup {
    let to = |change: &dyn Fn(&mut Wanted)| {
        let mut other = wanted.clone();
        change(&mut other);
        other.address(month, "mail")
    };
    let language = looked.reader.language;
    let link = |text: &str, is_here: bool, address: String| {
        html! { li { a href=(address) aria-current=[is_here.then_some("true")] { (text) } } }
    };
    let parts = [
        (Part::Html, "HTML"),
        (Part::Text, visit.say("Text", "Texte")),
        (Part::Source, visit.say("Source", "Source")),
    ];
    let screens = [
        (Screen::Light, visit.say("Light", "Clair")),
        (Screen::Dark, visit.say("Dark", "Sombre")),
        (Screen::Forced, visit.say("Forced dark", "Sombre forcé")),
    ];
    html! {
        div.ways {
            ul aria-label=(visit.say("Part", "Partie")) { @for (part, name) in parts { (link(name, wanted.part == part, to(&|w| w.part = part))) } }
            ul aria-label=(visit.say("Language", "Langue")) {
                @for (one, name) in [(Language::English, "English"), (Language::French, "Français")] {
                    (link(name, language == one, to(&|w| w.language = Some(one))))
                }
            }
            @if wanted.part == Part::Html {
                ul aria-label=(visit.say("Width", "Largeur")) { @for width in WIDTHS { (link(&format!("{width} px"), wanted.width == width, to(&|w| w.width = width))) } }
                ul aria-label=(visit.say("Screen", "Écran")) { @for (screen, name) in screens { (link(name, wanted.screen == screen, to(&|w| w.screen = screen))) } }
                ul aria-label=(visit.say("Images", "Images")) {
                    (link(visit.say("Images on", "Avec images"), !wanted.no_images, to(&|w| w.no_images = false)))
                    (link(visit.say("Images off", "Sans images"), wanted.no_images, to(&|w| w.no_images = true)))
                }
            }
        }
    }
}

fn part(visit: &Visit, month: Month, wanted: &Wanted, mail: &Mail) -> Markup {
    let width = match wanted.width {
        360 => "narrow",
        1000 => "broad",
        _ => "middle",
    };
    let label = visit.say("The mail", "Le message");
    html! {
        p.subject-line { span.about { (visit.say("Subject", "Objet")) } " " strong { (mail.subject) } }
        @match wanted.part {
            Part::Html => div.table-scroll tabindex="0" role="region" aria-label=(label) {
                iframe.mail .(width) sandbox="" title=(label) src=(wanted.address(month, "mail/frame")) {}
            },
            Part::Text => pre.source tabindex="0" role="region" aria-label=(label) { (mail.text) },
            Part::Source => pre.source tabindex="0" role="region" aria-label=(label) { (String::from_utf8_lossy(&mail.source)) },
        }
    }
}

/// Subject and first words as inboxes cut them.
fn inboxes(visit: &Visit, mail: &Mail) -> Markup {
    let preheader = look::preheader(&mail.html);
    let title = visit.say("How inboxes announce it", "Comment les boîtes l’annoncent");
    html! {
        h2 { (title) }
        (table::plain(title, &[
            Text(visit.say("Inbox", "Boîte")), Text(visit.say("Subject", "Objet")),
            Text(visit.say("First words", "Premiers mots")),
        ], html! {
            @for inbox in INBOXES {
                tr {
                    th scope="row" { (inbox.name) }
                    td { (look::cut(&mail.subject, inbox.subject)) }
                    td { (look::cut(&preheader, inbox.preheader)) }
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_same_when_it_is_read_again() {
        let month = "2026-03".parse().unwrap();
        let query = "s=2%2C1&topic=a&topic=b&often=quarterly&language=fr&width=360&part=source&screen=forced&images=off";
        let wanted = Wanted::read(Some(query));
        assert_eq!(
            wanted.address(month, "mail"),
            format!("/desk/issues/2026-03/mail?{query}")
        );
        assert_eq!(Wanted::read(Some("width=7&part=x&s")).width, 600);
    }

    #[test]
    fn a_mail_is_shown_as_on_a_screen_of_that_kind() {
        let html = "<head><meta name=\"color-scheme\" content=\"light dark\"></head><body>";
        assert!(on_screen(html, Screen::Forced).contains("invert(1)"));
        assert!(on_screen(html, Screen::Dark).contains("content=\"dark\""));
        assert!(!on_screen(html, Screen::Light).contains("light dark"));
    }
}
