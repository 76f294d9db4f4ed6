//! The way of a month, as every one of its pages shows it: where one stands, and what comes next.

use maud::{Markup, html};

use super::{MENU, Visit, path};
use crate::draft::Current;
use crate::issue::Month;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Write,
    Look,
    Check,
    Test,
    Send,
}

impl Step {
    const ALL: [Step; 5] = [Step::Write, Step::Look, Step::Check, Step::Test, Step::Send];

    fn word(self) -> &'static str {
        match self {
            Step::Write => "write",
            Step::Look => "look",
            Step::Check => "check",
            Step::Test => "test",
            Step::Send => "send",
        }
    }

    pub(super) fn name(self, visit: &Visit) -> &str {
        match self {
            Step::Write => visit.say("Write", "Rédiger"),
            Step::Look => visit.say("Look", "Regarder"),
            Step::Check => visit.say("Check", "Vérifier"),
            Step::Test => visit.say("Test", "Tester"),
            Step::Send => visit.say("Send", "Envoyer"),
        }
    }

    pub(super) fn path(self, month: Month) -> String {
        path(month, self.word())
    }
}

/// The way to a page of a month.
pub(super) fn crumb(visit: &Visit, month: Month) -> Markup {
    html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) {
            a href=(MENU) { (visit.say("Issues", "Numéros")) } " › "
            a href=(path(month, "")) { (visit.month_heading(month)) }
        }
    }
}

/// The five steps, one of them being where one stands.
pub(super) fn steps(visit: &Visit, month: Month, here: Option<Step>) -> Markup {
    html! {
        nav.steps aria-label=(visit.say("Steps of this month", "Étapes de ce mois")) {
            ol {
                @for step in Step::ALL {
                    li {
                        a href=(step.path(month)) aria-current=[(here == Some(step)).then_some("step")] { (step.name(visit)) }
                    }
                }
            }
        }
    }
}

/// What stands at the head of a page that is about mails, where these are not those of the text as it is written.
pub(super) fn ahead_notice(visit: &Visit, month: Month, current: &Current) -> Markup {
    let says = match (current.in_archive, &current.ahead) {
        (false, _) => visit.say(
            "This month is a draft: nothing goes out before it is kept in the archive.",
            "Ce mois est un brouillon\u{A0}: rien ne part tant qu’il n’est pas versé aux archives.",
        ),
        (true, Some(_)) => visit.say(
            "The draft is ahead of the archive. What goes out is what the archive has: keep the draft there to send it so.",
            "Le brouillon est en avance sur les archives. Ce qui part est ce qu’elles contiennent\u{A0}: versez-y le brouillon pour l’envoyer ainsi.",
        ),
        (true, None) => return html! {},
    };
    html! {
        div.notice.calm {
            p { (says) }
            p { a href=(Step::Write.path(month)) { (visit.say("To the draft", "Vers le brouillon")) } }
        }
    }
}

/// What to do when a step is done.
pub(super) fn onward(visit: &Visit, month: Month, next: Step, says: &str) -> Markup {
    html! {
        div.onward {
            a.button href=(next.path(month)) { (visit.say("Next: ", "Suite\u{A0}: ")) (next.name(visit)) }
            p.means { (says) }
        }
    }
}
