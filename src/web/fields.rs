//! Fields of forms: each with its label, what helps to fill it in, and what is wrong about what stands in it.

use maud::{Markup, html};

/// A line to write in.
#[derive(Default)]
pub(super) struct Line<'a> {
    pub name: &'a str,
    /// `text` where none is named.
    pub kind: Option<&'a str>,
    /// What a browser may fill in by itself (HTML, autofill field names).
    pub autocomplete: &'a str,
    pub label: &'a str,
    pub hint: Option<&'a str>,
    pub value: &'a str,
    /// What has to be mended.
    pub wrong: Option<&'a str>,
    /// The id of a list of what may be meant.
    pub list: Option<&'a str>,
    pub required: bool,
}

impl Line<'_> {
    /// For a mail address, as one is entered everywhere.
    pub(super) fn address<'a>(label: &'a str, value: &'a str, wrong: Option<&'a str>) -> Line<'a> {
        Line {
            name: "address",
            kind: Some("email"),
            autocomplete: "email",
            label,
            value,
            wrong,
            required: true,
            ..Line::default()
        }
    }

    pub(super) fn markup(&self) -> Markup {
        let (name, hint, wrong) = (self.name, self.hint, self.wrong);
        let told = [
            hint.map(|_| format!("{name}-hint")),
            wrong.map(|_| format!("{name}-wrong")),
        ];
        let told = told.into_iter().flatten().collect::<Vec<_>>().join(" ");
        html! {
            div.field {
                label for=(name) { (self.label) }
                @if let Some(hint) = hint { p.about id=(format!("{name}-hint")) { (hint) } }
                @if let Some(wrong) = wrong { p.wrong id=(format!("{name}-wrong")) role="alert" { (wrong) } }
                input id=(name) type=(self.kind.unwrap_or("text")) name=(name) value=(self.value) maxlength="254"
                    autocomplete=(self.autocomplete) required[self.required] list=[self.list]
                    aria-describedby=[(!told.is_empty()).then_some(told)] aria-invalid=[wrong.map(|_| "true")];
            }
        }
    }
}

/// One box to tick, or not.
pub(super) fn tick(name: &str, value: &str, label: &str, about: &Markup, chosen: bool) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value=(value) checked[chosen];
            span { span.name { (breakable(label)) } @if !about.0.is_empty() { span.about { (about) } } }
        }
    }
}

/// A name of two words may break where its slash stands.
fn breakable(name: &str) -> Markup {
    let mut words = name.split('/');
    html! {
        (words.next().unwrap_or_default())
        @for word in words { "/" wbr; (word) }
    }
}

/// One of several. `says` gives a value's word in the form, and what is read.
pub(super) fn radios<'a, T: Copy + PartialEq>(
    name: &str,
    legend: &str,
    values: &[T],
    chosen: T,
    says: impl Fn(T) -> (&'a str, &'a str),
) -> Markup {
    html! {
        fieldset {
            legend { (legend) }
            @for value in values {
                @let (word, label) = says(*value);
                label.choice {
                    input type="radio" name=(name) value=(word) checked[*value == chosen];
                    span { span.name { (label) } }
                }
            }
        }
    }
}
