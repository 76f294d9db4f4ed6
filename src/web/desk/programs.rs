//! What the pages of tokens and of hooks have in common: a list with a form beneath it that adds one more, and a secret
//! that is shown once.

use axum::response::Response;
use maud::{Markup, html};

use super::{Posted, Visit};

/// The entry of the menu under which these pages stand.
pub(super) const MENU: &str = "/desk/tokens";

/// A form as it was filled in, with what is wrong with it.
pub(super) type Wrong<'a> = Option<(&'a Posted, &'a str)>;

/// The page of what there is; `content` ends with the form.
pub(super) fn list_page(
    visit: &Visit,
    title: &str,
    done: Option<&str>,
    wrong: Wrong<'_>,
    content: Markup,
) -> Response {
    let frame = visit.page(title).under(MENU).wide().done(done);
    frame.refused(wrong.is_some()).show(html! {
        h1 { (title) }
        (content)
    })
}

/// The form that adds one more.
pub(super) struct Adding<'a> {
    pub heading: &'a str,
    pub action: &'a str,
    pub wrong: Wrong<'a>,
    pub fields: Markup,
    pub button: &'a str,
    /// What comes of the button.
    pub means: &'a str,
}

impl Adding<'_> {
    pub(super) fn show(&self, visit: &Visit) -> Markup {
        html! {
            h2 { (self.heading) }
            form method="post" action=(self.action) aria-label=(self.heading) {
                (visit.token())
                @if let Some((_, wrong)) = self.wrong { p.wrong role="alert" { (wrong) } }
                (self.fields)
                p.buttons { button { (self.button) } }
                p.means { (self.means) }
            }
        }
    }
}

/// Things to be ticked under one name: the value of each, and what it means. Ticked is what was when the form came.
pub(super) fn ticks<'a>(
    legend: &str,
    name: &str,
    wrong: Wrong<'_>,
    choices: impl Iterator<Item = (&'a str, Markup)>,
) -> Markup {
    let ticked = wrong.map_or(Vec::new(), |(posted, _)| posted.all(name));
    html! {
        fieldset {
            legend { (legend) }
            @for (value, means) in choices {
                label.choice {
                    input type="checkbox" name=(name) value=(value) checked[ticked.contains(&value)];
                    span { (means) }
                }
            }
        }
    }
}

/// Shows a secret once, and leads on to `next`.
pub(super) fn secret_page(
    visit: &Visit,
    title: &str,
    lead: Markup,
    secret: Markup,
    next: &str,
) -> Response {
    visit.page(title).under(MENU).show(html! {
        h1 { (title) }
        p.lead { (lead) }
        (secret)
        p { a.button href=(next) { (visit.say("I have copied it", "Je l’ai copié")) } }
    })
}
