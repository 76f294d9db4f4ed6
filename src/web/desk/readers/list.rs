//! The list of readers, with what it can be searched and filtered by.

use axum::extract::Query;
use maud::{Markup, html};

use super::super::table::{self, Text};
use super::super::{Answer, Posted, Visit};
use super::asked::Asked;
use super::words;
use crate::admin::Role;
use crate::readers::{self, Count, Listed, Order, Place};
use crate::record::What;
use crate::subscriber::{Address, Subscriber};
use crate::subscription::{Format, Frequency, Language, State};
use crate::suppression;

/// Readers on a page.
const PAGE: usize = 50;

/// Leads to the list: what is looked for goes there sealed.
pub(super) async fn find(visit: Visit, posted: Posted) -> Answer {
    let asked = Asked::posted(&visit, &posted);
    Ok(visit.back_to(&asked.link("/desk/readers", &[])))
}

pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let asked = asked.opened(&visit);
    let wanted = asked.wanted(&visit);
    let place = Place {
        order: asked.order(),
        after: asked.after(),
        most: PAGE,
    };
    let (listed, suppressed) = {
        let mut tx = visit.read().await?;
        if !wanted.is_fit() {
            let why = visit.say(
                "What you look for is longer than any address.",
                "Ce que vous cherchez est plus long que toute adresse.",
            );
            return Err(super::DeskError::BadForm(why.to_owned()));
        }
        let listed = readers::list(&mut tx, &visit.desk.book, &wanted, place, visit.now).await?;
        let hashes = listed
            .readers
            .iter()
            .map(|reader| reader.address_hash.clone());
        let suppressed = suppression::suppressed(&mut tx, &hashes.collect::<Vec<_>>()).await?;
        (listed, suppressed)
    };
    if visit.may(Role::Editor) && !listed.readers.is_empty() {
        let mut tx = visit.begin().await?;
        let shown = listed.readers.len() as i64;
        visit.note(&mut tx, What::Subscribers, None, shown).await?;
        tx.commit().await?;
    }
    let title = visit.say("Readers", "Lecteurs");
    let page = visit.page(title).under("/desk/readers").wide();
    let page = page.done(done(&visit, &asked.done));
    Ok(page.show(html! {
        h1 { (title) }
        p.lead { (lead(&visit, &asked, listed.count)) }
        @if visit.may(Role::Editor) { (ways(&visit)) }
        (search(&visit, &asked))
        (table(&visit, &listed, &suppressed))
        (onwards(&visit, &asked, &listed))
        @if visit.may(Role::Editor) && listed.count.least() > 0 { (together(&visit, &asked, listed.count)) }
    }))
}

fn done<'a>(visit: &'a Visit, word: &str) -> Option<&'a str> {
    match word {
        "erased" => Some(visit.say(
            "The reader is erased. Only a code made from the address stays, so that no list brings them back.",
            "Le lecteur est effacé. Seul un code tiré de l’adresse reste, pour qu’aucune liste ne le ramène.",
        )),
        _ => None,
    }
}

fn lead(visit: &Visit, asked: &Asked, count: Count) -> Markup {
    let number = words::count(visit, count);
    let is_all = asked.q.trim().is_empty() && !asked.has_filters();
    html! {
        strong { (number) }
        @if is_all { (visit.say(" in all.", " en tout.")) }
        @else { (visit.say(" found.", " trouvés.")) }
    }
}

fn ways(visit: &Visit) -> Markup {
    html! {
        div.acts {
            a.button href="/desk/readers/add" { (visit.say("Add a reader", "Ajouter un lecteur")) }
            a.button.quiet href="/desk/readers/import" { (visit.say("Import a list", "Importer une liste")) }
            a href="/desk/suppressions" { (visit.say("Addresses that get no mail", "Adresses sans envoi")) }
            a href="/desk/kept" { (visit.say("Mails kept aside", "Messages mis de côté")) }
        }
    }
}

fn search(visit: &Visit, asked: &Asked) -> Markup {
    html! {
        form.readers-search method="post" action="/desk/readers" role="search" {
            (visit.token())
            @if visit.may(Role::Editor) {
                div.field {
                    label for="q" { (visit.say("A part of the address", "Une partie de l’adresse")) }
                    div.line {
                        input #q type="search" name="q" value=(asked.q) maxlength="254" autocomplete="off" spellcheck="false";
                        button { (visit.say("Search", "Chercher")) }
                    }
                }
            }
            details open[asked.has_filters()] {
                summary { (visit.say("Filters and order", "Filtres et ordre")) }
                div.side-by-side { (filters(visit, asked)) }
                p.buttons {
                    button.quiet { (visit.say("Show these", "Afficher")) }
                    a href="/desk/readers" { (visit.say("Show all again", "Tout afficher")) }
                }
            }
        }
    }
}

fn filters(visit: &Visit, asked: &Asked) -> Markup {
    let vocabulary = &visit.desk.site.vocabulary;
    let language = visit.language();
    let topics = vocabulary.topics.iter().map(|topic| {
        let name = language.pick(&topic.name, &topic.name_fr);
        (topic.slug.as_str(), name.as_str())
    });
    let kinds = vocabulary.research_types.iter().map(|kind| {
        let name = language.pick(&kind.name, &kind.name_fr);
        (kind.slug.as_str(), name.as_str())
    });
    let states = State::ALL
        .iter()
        .map(|one| (one.as_str(), words::state(visit, *one)));
    let often = Frequency::ALL
        .iter()
        .map(|one| (one.as_str(), words::frequency(visit, *one)));
    let forms = Format::ALL
        .iter()
        .map(|one| (one.as_str(), words::format(visit, *one)));
    let languages = Language::ALL
        .iter()
        .map(|one| (one.as_str(), one.own_name()));
    let consents = [
        ("express", visit.say("in so many words", "exprès")),
        (
            "implied",
            visit.say("implied, runs out", "tacite, à durée limitée"),
        ),
    ];
    let yes_no = || {
        [
            ("yes", visit.say("yes", "oui")),
            ("no", visit.say("no", "non")),
        ]
    };
    let orders = [
        (
            "newest",
            visit.say("the newest first", "les plus récents d’abord"),
        ),
        (
            "oldest",
            visit.say("the oldest first", "les plus anciens d’abord"),
        ),
    ];
    let any = visit.say("any", "indifférent");
    html! {
        (select("state", visit.say("Subscription", "Abonnement"), any, &asked.state, states))
        (select("topic", visit.say("Gets the topic", "Reçoit le thème"), any, &asked.topic, topics))
        (select("kind", visit.say("Gets the type of research", "Reçoit le type de recherche"), any, &asked.kind, kinds))
        (select("language", visit.say("Language", "Langue"), any, &asked.language, languages))
        (select("frequency", visit.say("How often", "Fréquence"), any, &asked.frequency, often))
        (select("format", visit.say("Form of the mails", "Forme des messages"), any, &asked.format, forms))
        (select("consent", visit.say("Consent", "Consentement"), any, &asked.consent, consents))
        div.field {
            label for="since" { (visit.say("Consent given since", "Consentement donné depuis")) }
            input #since type="date" name="since" value=(asked.since);
        }
        (select("suppressed", visit.say("Address gets no mail", "Adresse sans envoi"), any, &asked.suppressed, yes_no()))
        (select("bounced", visit.say("A mail came back", "Un message est revenu"), any, &asked.bounced, yes_no()))
        (select("paused", visit.say("Has paused", "En pause"), any, &asked.paused, yes_no()))
        (select("order", visit.say("Order", "Ordre"), orders[0].1, &asked.order, orders.into_iter().skip(1)))
    }
}

/// One of several words, or none of them.
pub(super) fn select<'a>(
    name: &str,
    label: &str,
    none: &str,
    chosen: &str,
    all: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { (none) }
                @for (value, says) in all { option value=(value) selected[value == chosen] { (says) } }
            }
        }
    }
}

fn table(visit: &Visit, listed: &Listed, suppressed: &[Vec<u8>]) -> Markup {
    let title = visit.say("Readers", "Lecteurs");
    let mut columns = vec![
        Text(visit.say("Address", "Adresse")),
        Text(visit.say("Name", "Nom")),
        Text(visit.say("State", "État")),
        Text(visit.say("Topics", "Thèmes")),
        Text(visit.say("Language", "Langue")),
        Text(visit.say("Consent of", "Consentement du")),
    ];
    if !visit.may(Role::Editor) {
        columns.remove(1);
    }
    html! {
        @if listed.readers.is_empty() {
            p { (visit.say("Nobody is like that.", "Personne ne correspond.")) }
        } @else {
            (table::stacked(title, &columns, html! {
                @for reader in &listed.readers { (row(visit, reader, suppressed)) }
            }))
        }
    }
}

fn row(visit: &Visit, reader: &Subscriber, suppressed: &[Vec<u8>]) -> Markup {
    let masked =
        || Address::parse(&reader.address).map_or_else(|_| "•••".to_owned(), |one| one.masked());
    html! {
        tr {
            th.plain scope="row" {
                @if visit.may(Role::Editor) {
                    a href=(format!("/desk/readers/{}", reader.id)) { (reader.address) }
                } @else { (masked()) }
            }
            @if visit.may(Role::Editor) { td { (reader.name) } }
            td { (standing(visit, reader, suppressed.contains(&reader.address_hash))) }
            td data-label=(visit.say("Topics", "Thèmes")) {
                @match reader.topics.len() {
                    0 => (visit.say("all", "tous")),
                    some => (some),
                }
            }
            td { (reader.language.own_name()) }
            td data-label=(visit.say("Consent of", "Consentement du")) { (visit.day(reader.since)) }
        }
    }
}

/// Whether they get mail, and why not.
pub(super) fn standing(visit: &Visit, reader: &Subscriber, is_suppressed: bool) -> Markup {
    let pauses = reader.paused_until.is_some_and(|until| until > visit.now);
    html! {
        span.state { (words::state(visit, reader.state)) }
        @if pauses && reader.state == State::Active { " " span.state { (visit.say("pauses", "en pause")) } }
        @if is_suppressed { " " span.state.grave { (visit.say("gets no mail", "sans envoi")) } }
    }
}

fn onwards(visit: &Visit, asked: &Asked, listed: &Listed) -> Markup {
    let next = listed.next.map(|id| id.to_string());
    html! {
        @if next.is_some() || !asked.after.is_empty() {
            nav.pages aria-label=(visit.say("Pages of the list", "Pages de la liste")) {
                @if !asked.after.is_empty() {
                    a href=(asked.link("/desk/readers", &[])) { (visit.say("To the beginning", "Au début")) }
                }
                @if let Some(next) = &next {
                    a href=(asked.link("/desk/readers", &[("after", next)])) {
                        @match asked.order() {
                            Order::Newest => (visit.say("Older ones", "Plus anciens")),
                            Order::Oldest => (visit.say("Newer ones", "Plus récents")),
                        }
                    }
                }
            }
        }
    }
}

/// What can be done with all of those who were found.
fn together(visit: &Visit, asked: &Asked, count: Count) -> Markup {
    html! {
        h2 { (visit.say("All of these together", "Tous ensemble")) }
        div.acts {
            a.button.quiet href=(asked.link("/desk/readers/export", &[])) {
                (visit.say("Take out: ", "Exporter : ")) (words::count(visit, count))
            }
            a.button.quiet href=(asked.link("/desk/readers/bulk", &[])) {
                (visit.say("Change: ", "Modifier : ")) (words::count(visit, count))
            }
        }
        p.means { (visit.say(
            "Nothing happens yet: the next page says what, and to how many.",
            "Rien ne se passe encore : la page suivante dit quoi, et pour combien de lecteurs.",
        )) }
    }
}
