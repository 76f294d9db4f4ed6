//! Adding one reader: with a consent that they gave elsewhere, or by asking them by mail.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use maud::{Markup, html};

use super::super::{Answer, Posted, Visit};
use super::choices::Choices;
use super::{crumb, words};
use crate::audit::Deed;
use crate::enrol::ConsentKind;
use crate::readers::entry::{self, Entered, Entry};
use crate::request::{self, Form, Kind, Request};
use crate::subscriber::Address;
use crate::web::fields::Line;
use crate::web::words::CONSENT_TEXT;

pub(super) async fn show(visit: Visit) -> Answer {
    let filled = Filled::new(&visit);
    Ok(page(&visit, &filled, None))
}

/// What stands in the form.
struct Filled {
    address: String,
    choices: Choices,
    source: String,
    day: String,
    kind: ConsentKind,
}

/// What was told of a consent that was given elsewhere.
struct Consent {
    source: String,
    at: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl Filled {
    fn new(visit: &Visit) -> Filled {
        Filled {
            address: String::new(),
            choices: Choices::new(visit),
            source: String::new(),
            day: String::new(),
            kind: ConsentKind::Express,
        }
    }

    /// The consent, or what has to be mended.
    fn consent(&self, visit: &Visit) -> Result<Consent, String> {
        let source = self.source.trim();
        if !entry::is_a_source(source) {
            let why = visit.say(
                "Say how the consent was given, in at most 200 characters: ‘paper form at the spring meeting’.",
                "Dites comment le consentement a été donné, en 200 caractères au plus : « formulaire papier au congrès ».",
            );
            return Err(why.to_owned());
        }
        let day = self.day.parse::<NaiveDate>().ok();
        let begins = day.map(|day| day.and_time(NaiveTime::MIN));
        let at = begins.and_then(|at| visit.zone().from_local_datetime(&at).earliest());
        let Some(at) = at.map(|at| at.to_utc()).filter(|at| *at <= visit.now) else {
            let why = visit.say(
                "Say on which day the consent was given; it cannot lie ahead.",
                "Indiquez le jour où le consentement a été donné ; il ne peut pas être à venir.",
            );
            return Err(why.to_owned());
        };
        let until = match self.kind {
            ConsentKind::Express => None,
            ConsentKind::Implied => Some(at + visit.desk.config.implied_life),
        };
        if until.is_some_and(|until| until <= visit.now) {
            let why = visit.say(
                "A consent that was only implied on that day has run out: ask them by mail.",
                "Un consentement tacite de ce jour a expiré : demandez-le par courriel.",
            );
            return Err(why.to_owned());
        }
        let source = format!("{source} (entered at the desk by {})", visit.admin.name);
        Ok(Consent { source, at, until })
    }
}

fn page(visit: &Visit, filled: &Filled, wrong: Option<&str>) -> Response {
    let title = visit.say("Add a reader", "Ajouter un lecteur");
    let page = visit.page(title).under("/desk/readers").wide();
    page.refused(wrong.is_some()).show(html! {
        (crumb(visit))
        h1 { (title) }
        form method="post" action="/desk/readers/add" {
            (visit.token())
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            (Line {
                autocomplete: "off",
                ..Line::address(visit.say("Address", "Adresse"), &filled.address, None)
            }.markup())
            (filled.choices.fields(visit))
            h2 { (visit.say("How do we know that they want it?", "Comment savons-nous qu’il le souhaite ?")) }
            (asking(visit))
            (telling(visit, filled))
        }
    })
}

fn asking(visit: &Visit) -> Markup {
    html! {
        fieldset {
            legend { (visit.say("Ask them by mail", "Le lui demander par courriel")) }
            p { (visit.say(
                "They get one mail with a link, and nothing else before they have used it. This is the safe way.",
                "Un seul message part, avec un lien ; rien d’autre avant qu’il ait été utilisé. C’est la voie sûre.",
            )) }
            button name="how" value="ask" { (visit.say("Send the question", "Envoyer la demande")) }
        }
    }
}

fn telling(visit: &Visit, filled: &Filled) -> Markup {
    let kinds = [
        (
            ConsentKind::Express,
            visit.say(
                "In so many words: it holds until it is withdrawn",
                "Exprès : valable jusqu’à son retrait",
            ),
        ),
        (
            ConsentKind::Implied,
            visit.say(
                "Implied, by a purchase for instance: it runs out by itself",
                "Tacite, par un achat par exemple : il expire de lui-même",
            ),
        ),
    ];
    html! {
        fieldset {
            legend { (visit.say("They have told you", "Il vous l’a dit")) }
            (Line {
                name: "source", autocomplete: "off",
                label: visit.say("How, and where the proof lies", "Comment, et où se trouve la preuve"),
                hint: Some(visit.say("For instance: paper form, spring meeting, folder 12", "Par exemple : formulaire papier, congrès de printemps, classeur 12")),
                value: &filled.source, ..Line::default()
            }.markup())
            div.field {
                label for="day" { (visit.say("On which day", "Quel jour")) }
                input #day type="date" name="day" value=(filled.day);
            }
            @for (kind, label) in kinds {
                label.choice {
                    input type="radio" name="kind" value=(kind) checked[kind == filled.kind];
                    span { span.name { (label) } }
                }
            }
            p.buttons { button.quiet name="how" value="told" { (visit.say("Add with this consent", "Ajouter avec ce consentement")) } }
        }
    }
}

pub(super) async fn add(visit: Visit, posted: Posted) -> Answer {
    let (choices, wrong) = Choices::read(&visit, &posted);
    let filled = Filled {
        address: posted.get("address").trim().to_owned(),
        choices,
        source: posted.get("source").to_owned(),
        day: posted.get("day").to_owned(),
        kind: posted.get("kind").parse().unwrap_or(ConsentKind::Express),
    };
    if let Some(wrong) = wrong {
        return Ok(page(&visit, &filled, Some(&wrong)));
    }
    let Ok(address) = Address::parse(&filled.address) else {
        let wrong = visit.say(
            "This is no whole address: it should look like ann@example.org.",
            "Cette adresse est incomplète : elle devrait ressembler à ann@example.org.",
        );
        return Ok(page(&visit, &filled, Some(wrong)));
    };
    match posted.get("how") {
        "told" => told(&visit, &filled, &address).await,
        _ => ask(&visit, &filled, &address).await,
    }
}

/// As if they had signed up on the site: what comes of it is settled afterwards, and told to nobody but them.
async fn ask(visit: &Visit, filled: &Filled, address: &Address) -> Answer {
    let (site, preferences) = (&visit.desk.site, &filled.choices.preferences);
    let form = Form {
        name: filled.choices.name.clone(),
        topics: preferences.choice.topics().to_vec(),
        research_types: preferences.choice.research_types().to_vec(),
        frequency: preferences.frequency,
        format: preferences.format,
        language: preferences.language,
        page: "/desk/readers/add".to_owned(),
        text: CONSENT_TEXT.to_owned(),
    };
    let id = (site.new_id)();
    let asked = Request::new(id, Kind::SignUp, address, &site.keys, form, visit.now);
    let mut tx = visit.begin().await?;
    request::add(&mut tx, &asked).await?;
    visit.audit(&mut tx, Deed::ReaderAsked, "", 1).await?;
    tx.commit().await?;
    site.asked.notify_one();
    let title = visit.say("The question is on its way", "La demande est partie");
    Ok(visit.page(title).under("/desk/readers").show(html! {
        (crumb(visit))
        h1 { (title) }
        p.lead { (visit.say(
            "If the address may be asked, a mail with a link goes out now. They are a reader once they have used it; the link works for a week.",
            "Si l’adresse peut être sollicitée, un message avec un lien part maintenant. L’abonnement commence quand le lien est utilisé ; il fonctionne une semaine.",
        )) }
        p { (visit.say(
            "An address is asked once a day at most, and not at all if it complained.",
            "Une adresse est sollicitée une fois par jour au plus, et jamais après un signalement.",
        )) }
        p { a.button href="/desk/readers/add" { (visit.say("Add another", "En ajouter un autre")) } }
    }))
}

async fn told(visit: &Visit, filled: &Filled, address: &Address) -> Answer {
    let consent = match filled.consent(visit) {
        Ok(consent) => consent,
        Err(wrong) => return Ok(page(visit, filled, Some(&wrong))),
    };
    let site = &visit.desk.site;
    let entry = Entry {
        id: (site.new_id)(),
        address,
        name: &filled.choices.name,
        preferences: &filled.choices.preferences,
        consent_source: &consent.source,
        consent_at: consent.at,
        consent_until: consent.until,
    };
    let mut tx = visit.begin().await?;
    match entry::enter(&mut tx, &site.keys, &entry, visit.now).await? {
        Entered::Added => {
            let (id, zone) = (entry.id, &filled.choices.time_zone);
            crate::subscriber::describe(&mut tx, id, entry.name, zone).await?;
            visit.audit(&mut tx, Deed::ReaderAdded, "", 1).await?;
            tx.commit().await?;
            Ok(visit.back_to(&format!("/desk/readers/{id}?done=added")))
        }
        Entered::Known(id, state) => {
            let mut shown = known(visit, id, words::state(visit, state));
            *shown.status_mut() = StatusCode::CONFLICT;
            Ok(shown)
        }
        Entered::Suppressed(reason) => {
            let wrong = format!(
                "{} ({}). {}",
                visit.say("This address gets no mail", "Cette adresse ne reçoit rien"),
                words::reason(visit, reason),
                visit.say(
                    "Nobody is added over that. Ask them by mail: what they answer counts.",
                    "On n’ajoute personne par-dessus. Demandez-le par courriel : sa réponse compte.",
                ),
            );
            Ok(page(visit, filled, Some(&wrong)))
        }
    }
}

fn known(visit: &Visit, id: uuid::Uuid, state: &str) -> Response {
    let title = visit.say(
        "This address is known already",
        "Cette adresse est déjà connue",
    );
    visit.page(title).under("/desk/readers").show(html! {
        (crumb(visit))
        h1 { (title) }
        p { (visit.say("It is a reader’s: ", "C’est celle d’un lecteur : ")) span.state { (state) } }
        p { a.button href=(format!("/desk/readers/{id}")) { (visit.say("Open this reader", "Ouvrir sa fiche")) } }
    })
}
