//! What the checks say, in both languages.

use super::Visit;
use super::steps::Step;
use crate::preflight::{Check, Finding, Level};

/// A line of the list in words.
pub(super) struct Words<'a> {
    pub says: String,
    /// What it is about, and what to do.
    pub mend: Option<String>,
    /// Where it is mended.
    pub place: Option<(Step, &'a str)>,
}

/// What was found, and what to do about it.
pub(super) fn words<'a>(visit: &'a Visit, finding: &Finding) -> Words<'a> {
    let is_pass = finding.level == Level::Pass;
    let [says, mend] = match is_pass {
        true => [passes(visit, finding), None],
        false => [says(visit, finding), mends(visit, finding)],
    };
    let listed = match is_pass {
        true => None,
        false => listed(finding),
    };
    let mend: Vec<String> = [listed, mend].into_iter().flatten().collect();
    Words {
        says: says.unwrap_or_default(),
        mend: (!mend.is_empty()).then(|| mend.join(" — ")),
        place: if is_pass {
            None
        } else {
            place(visit, finding.check)
        },
    }
}

/// What a finding names, where that is a list of things.
fn listed(finding: &Finding) -> Option<String> {
    use Check::{
        Citations, Dkim, Dmarc, Dois, Identity, Implications, Links, LinksAnswer, OneClick, Parity,
        Placeholders, Repeats, Site, Spf, Subject, Syntax, Topics,
    };
    let is_list = matches!(
        finding.check,
        Citations
            | Dois
            | Dkim
            | Dmarc
            | Identity
            | Implications
            | Links
            | LinksAnswer
            | OneClick
            | Parity
            | Placeholders
            | Repeats
            | Site
            | Spf
            | Subject
            | Syntax
            | Topics
    );
    let about: Vec<&str> = finding
        .about
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    (is_list && !about.is_empty()).then(|| about.join("; "))
}

fn about(finding: &Finding, place: usize) -> &str {
    finding.about.get(place).map_or("", String::as_str)
}

fn passes(visit: &Visit, finding: &Finding) -> Option<String> {
    let (english, french) = match finding.check {
        Check::Kept => (
            "The archive has the month as it was written last",
            "Les archives ont le mois tel qu’il a été rédigé en dernier",
        ),
        Check::Settled => ("The campaign is settled", "L’envoi est arrêté"),
        Check::Topics => (
            "Every summary has topics that you confirmed",
            "Chaque résumé a des thèmes que vous avez confirmés",
        ),
        Check::Implications => (
            "Every summary has its practice implications",
            "Chaque résumé a ses implications pour la pratique",
        ),
        Check::Citations => (
            "Every summary has a citation or a DOI",
            "Chaque résumé a une référence ou un DOI",
        ),
        Check::Dois => ("Every DOI is well formed", "Chaque DOI est bien formé"),
        Check::Repeats => (
            "No study of this month went out before",
            "Aucune étude de ce mois n’est déjà partie",
        ),
        Check::Placeholders => (
            "Nothing is left to be filled in",
            "Rien ne reste à compléter",
        ),
        Check::Teaser => ("A line announces the month", "Une ligne annonce le mois"),
        Check::Subject => (
            "Every subject line has a good length",
            "Chaque objet a une bonne longueur",
        ),
        Check::Links => (
            "Every link is whole and says where it leads",
            "Chaque lien est entier et dit où il mène",
        ),
        Check::Parity => (
            "The text part says what the HTML says",
            "La partie texte dit ce que dit le HTML",
        ),
        Check::Syntax => (
            "The bytes are as mail servers want them",
            "Les octets sont tels que les serveurs les veulent",
        ),
        Check::OneClick => (
            "One click ends a subscription (RFC 8058)",
            "Un clic suffit pour se désabonner (RFC 8058)",
        ),
        Check::Identity => (
            "Who sends is told completely",
            "L’expéditeur est entièrement indiqué",
        ),
        Check::Site => (
            "The readers’ pages are at a safe address",
            "Les pages des lecteurs sont à une adresse sûre",
        ),
        Check::Signature => ("Mails are signed (DKIM)", "Les messages sont signés (DKIM)"),
        Check::LinksAnswer => ("Every link answers", "Chaque lien répond"),
        Check::Size
        | Check::Readers
        | Check::Nothing
        | Check::Unlike
        | Check::Dkim
        | Check::Spf
        | Check::Dmarc => {
            return Some(counted(visit, finding));
        }
    };
    Some(visit.say(english, french).to_owned())
}

/// Sentences with something in them.
fn counted(visit: &Visit, finding: &Finding) -> String {
    let (first, second, third) = (about(finding, 0), about(finding, 1), about(finding, 2));
    let (english, french) = match finding.check {
        Check::Size => (
            format!("The largest mail has {first} KB of HTML; Gmail cuts at about 100"),
            format!("Le plus gros message compte {first} Ko de HTML\u{A0}; Gmail coupe vers 100"),
        ),
        Check::Readers => (
            format!("Readers who get a mail: {first}; distinct mails: {second}"),
            format!(
                "Lecteurs qui reçoivent un message\u{A0}: {first}\u{A0}; messages distincts\u{A0}: {second}"
            ),
        ),
        Check::Nothing => (
            format!("Nothing matched for {first} of {second} readers"),
            format!("Rien ne convient à {first} des {second} lecteurs"),
        ),
        Check::Unlike => (
            format!("{first} readers, where {second} had {third}"),
            format!("{first} lecteurs, contre {third} en {second}"),
        ),
        Check::Dkim => (
            format!("DKIM record {first}: {}", second_or_fine(visit, second)),
            format!(
                "Enregistrement DKIM {first}\u{A0}: {}",
                second_or_fine(visit, second)
            ),
        ),
        Check::Spf => (
            format!("SPF record of {first}: {}", second_or_fine(visit, second)),
            format!(
                "Enregistrement SPF de {first}\u{A0}: {}",
                second_or_fine(visit, second)
            ),
        ),
        Check::Dmarc => (
            format!(
                "DMARC policy for {first}: {}",
                second_or_fine(visit, second)
            ),
            format!(
                "Politique DMARC pour {first}\u{A0}: {}",
                second_or_fine(visit, second)
            ),
        ),
        _ => (String::new(), String::new()),
    };
    visit.say(&english, &french).to_owned()
}

fn second_or_fine<'a>(visit: &'a Visit, said: &'a str) -> &'a str {
    match said {
        "" => visit.say("in order", "en ordre"),
        "no record" => visit.say("there is none", "il n’y en a pas"),
        "another key" => visit.say(
            "it holds another key than the one that signs",
            "il contient une autre clé que celle qui signe",
        ),
        "two records" => visit.say(
            "there are two, which counts as none",
            "il y en a deux, ce qui compte pour aucun",
        ),
        "+all" => visit.say(
            "it lets everybody send in your name",
            "il laisse n’importe qui écrire en votre nom",
        ),
        "could not ask" => visit.say("could not be asked", "n’a pas pu être interrogé"),
        other => other,
    }
}

fn says(visit: &Visit, finding: &Finding) -> Option<String> {
    let (english, french) = match finding.check {
        Check::Kept => match finding.level {
            Level::Block => (
                "The archive does not have this month yet",
                "Les archives n’ont pas encore ce mois",
            ),
            _ => (
                "The draft is ahead of the archive",
                "Le brouillon est en avance sur les archives",
            ),
        },
        Check::Settled => (
            "The campaign is settled: what goes out cannot be changed any more",
            "L’envoi est arrêté\u{A0}: ce qui part ne peut plus changer",
        ),
        Check::Topics => (
            "Topics are only suggested",
            "Les thèmes ne sont que suggérés",
        ),
        Check::Implications => match finding.level {
            Level::Block => ("There is no summary", "Il n’y a aucun résumé"),
            _ => (
                "No practice implications",
                "Pas d’implications pour la pratique",
            ),
        },
        Check::Citations => ("Neither citation nor DOI", "Ni référence ni DOI"),
        Check::Dois => ("A DOI is damaged", "Un DOI est abîmé"),
        Check::Repeats => ("A study went out before", "Une étude est déjà partie"),
        Check::Placeholders => (
            "Something looks as if it was to be filled in",
            "Quelque chose semble rester à compléter",
        ),
        Check::Teaser => (
            "No line announces the month",
            "Aucune ligne n’annonce le mois",
        ),
        Check::Subject => (
            "A subject line is very short or very long",
            "Un objet est très court ou très long",
        ),
        Check::Links => (
            "A link leads nowhere, or does not say where",
            "Un lien ne mène nulle part, ou ne dit pas où",
        ),
        Check::Parity => (
            "The text part lacks something",
            "Il manque quelque chose à la partie texte",
        ),
        Check::Syntax => (
            "Mail servers would refuse the bytes",
            "Les serveurs refuseraient les octets",
        ),
        Check::OneClick => (
            "The mail lacks what one-click unsubscribing needs",
            "Il manque ce qu’exige le désabonnement en un clic",
        ),
        Check::Identity => (
            "Who sends is not told completely, and the law wants it",
            "L’expéditeur n’est pas entièrement indiqué, et la loi l’exige",
        ),
        Check::Site => (
            "The readers’ pages are not at an https address",
            "Les pages des lecteurs ne sont pas à une adresse https",
        ),
        Check::Signature => (
            "Mails are not signed here",
            "Les messages ne sont pas signés ici",
        ),
        Check::LinksAnswer => (
            "Some links did not answer",
            "Certains liens n’ont pas répondu",
        ),
        Check::Size
        | Check::Readers
        | Check::Nothing
        | Check::Unlike
        | Check::Dkim
        | Check::Spf
        | Check::Dmarc => {
            return Some(counted(visit, finding));
        }
    };
    Some(visit.say(english, french).to_owned())
}

fn mends(visit: &Visit, finding: &Finding) -> Option<String> {
    let (english, french) = match finding.check {
        Check::Kept => (
            "Keep the draft in the archive: that is what goes out.",
            "Versez le brouillon aux archives\u{A0}: c’est ce qui part.",
        ),
        Check::Settled => (
            "Changes reach the archive and its pages alone.",
            "Les changements ne touchent que les archives et le site.",
        ),
        Check::Topics => (
            "Tick what is right: readers get a summary by its topics.",
            "Cochez ce qui convient\u{A0}: les lecteurs reçoivent un résumé d’après ses thèmes.",
        ),
        Check::Implications | Check::Citations | Check::Dois | Check::Placeholders => {
            ("See to it where you write.", "Corrigez-le à la rédaction.")
        }
        Check::Repeats => (
            "Who had it does not get it again.",
            "Qui l’a déjà reçue ne la recevra pas de nouveau.",
        ),
        Check::Teaser => (
            "One can be made from the titles.",
            "On peut en composer une avec les titres.",
        ),
        Check::Size => (
            "Shorten the longest summaries.",
            "Raccourcissez les résumés les plus longs.",
        ),
        Check::Subject => (
            "The first title makes it: change that.",
            "Il vient du premier titre\u{A0}: changez-le.",
        ),
        Check::Links | Check::Parity | Check::Syntax | Check::OneClick => (
            "Tell whoever runs this service.",
            "Signalez-le à qui exploite ce service.",
        ),
        Check::Identity => ("The operator sets these.", "L’exploitant doit les régler."),
        Check::Site => (
            "Inboxes want https for one-click unsubscribing; the operator sets site.url.",
            "Les messageries exigent https pour le désabonnement en un clic\u{A0}; l’exploitant règle site.url.",
        ),
        Check::Signature => (
            "Then the relay must sign (DKIM); the operator knows.",
            "Le relais doit alors signer (DKIM)\u{A0}; l’exploitant le sait.",
        ),
        Check::Readers => (
            "Nobody gets this issue: look at its topics.",
            "Personne ne reçoit ce numéro\u{A0}: revoyez ses thèmes.",
        ),
        Check::Nothing => (
            "Perhaps its topics are too few.",
            "Ses thèmes sont peut-être trop rares.",
        ),
        Check::Unlike => ("Is that what you expect?", "Est-ce ce que vous attendez ?"),
        Check::LinksAnswer => (
            "Try them by hand; some sites do not answer machines.",
            "Essayez-les à la main\u{A0}; certains sites ne répondent pas aux machines.",
        ),
        Check::Dkim | Check::Spf | Check::Dmarc => (
            "Whoever keeps the domain’s DNS can mend it; `bulletin doctor` tells what belongs there.",
            "Qui gère le DNS du domaine peut le corriger\u{A0}; `bulletin doctor` dit ce qui doit y figurer.",
        ),
    };
    Some(visit.say(english, french).to_owned())
}

fn place(visit: &Visit, check: Check) -> Option<(Step, &str)> {
    match check {
        Check::Kept
        | Check::Topics
        | Check::Implications
        | Check::Citations
        | Check::Dois
        | Check::Repeats
        | Check::Placeholders
        | Check::Teaser
        | Check::Size
        | Check::Subject
        | Check::LinksAnswer => Some((
            Step::Write,
            visit.say("To where it is written", "Vers la rédaction"),
        )),
        Check::Readers | Check::Nothing | Check::Unlike => Some((
            Step::Look,
            visit.say("To who gets what", "Vers qui reçoit quoi"),
        )),
        Check::Settled => Some((Step::Send, visit.say("To the campaign", "Vers l’envoi"))),
        _ => None,
    }
}
