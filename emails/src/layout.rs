//! What every mail of ours has around its content, and how things in it look.
//!
//! There is no style sheet, since several clients drop it or a part of it: every style stands on
//! its element. Dark screens are served by leaving the ground, the text and the links to the
//! reader's client, and by one accent that is read on both. (The system's colours would say the
//! same, and a spam filter that knows neither takes them for text in the colour of its ground.)
//! Tables hold the column because Outlook on Windows gives width and padding to nothing else.

use maud::{DOCTYPE, Markup, html};

use crate::Language;
use crate::breakable::{Size, breakable};

/// The one colour of ours. It has 4.3 to 1 or more on white and on the dark grounds of clients,
/// which is enough for large bold text (WCAG 1.4.3) and for bars, and not for small text.
macro_rules! accent {
    () => {
        "#26877a"
    };
}

/// A mail: its title, and the rows of its one column.
pub(crate) fn layout(language: Language, title: &str, rows: &Markup) -> Markup {
    let lang = language.code();
    html! {
        (DOCTYPE)
        html lang=(lang) dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (title) }
            }
            body style=(BODY) {
                div lang=(lang) dir="ltr" role="article" aria-roledescription="email"
                    aria-label=(title) {
                    table role="presentation" align="center" width="600" cellpadding="0"
                        cellspacing="0" border="0" style=(COLUMN) {
                        tbody { (rows) }
                    }
                }
            }
        }
    }
}

/// The row a mail begins with.
pub(crate) fn first_row(content: &Markup) -> Markup {
    html! { tr { td style=(FIRST_ROW) { (content) } } }
}

/// A row with a line above it.
pub(crate) fn row(content: &Markup) -> Markup {
    html! { tr { td style=(ROW) { (content) } } }
}

/// A panel set apart by a bar at its side.
pub(crate) fn panel(content: &Markup) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
            style=(PANEL_TABLE) {
            tbody { tr { td style=(PANEL) { (content) } } }
        }
    }
}

/// What a letter wants done, as a link that looks like a button and can be pressed all over.
///
/// The ground stands on the cell, in both ways, since Outlook on Windows gives a link none, and no
/// padding either: there the cell has it. Dark modes leave white on the accent as it is.
pub(crate) fn button(url: &str, label: &str) -> Markup {
    let pressed = html! { a href=(url) style=(BUTTON_LINK) { (label) } };
    html! {
        table role="presentation" cellpadding="0" cellspacing="0" border="0" style=(BUTTON_TABLE) {
            tbody { tr { td bgcolor=(accent!()) style=(BUTTON) { (pressed) } } }
        }
    }
}

/// A link in the run of a text, told by its underline.
pub(crate) fn link(url: &str, text: &str) -> Markup {
    html! { a href=(url) style=(LINK) { (breakable(text, Size::Small)) } }
}

macro_rules! serif {
    ($($style:expr),*) => {
        concat!("font-family:Georgia,Cambria,'Times New Roman',serif;", $($style),*)
    };
}

macro_rules! sans {
    ($($style:expr),*) => {
        concat!("font-family:'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;", $($style),*)
    };
}

const BODY: &str = "margin:0;padding:0";
const COLUMN: &str = "width:100%;max-width:600px;margin:0 auto";
const FIRST_ROW: &str = serif!("padding:22px 20px 28px;border-top:6px solid ", accent!());
const ROW: &str = serif!("padding:30px 20px 22px;border-top:1px solid #8c9694");
const PANEL_TABLE: &str = "width:100%;margin:26px 0";
const PANEL: &str = serif!("padding:14px 0 0 20px;border-left:5px solid ", accent!());
const BUTTON_TABLE: &str = "margin:28px 0";
const BUTTON: &str = concat!("mso-padding-alt:14px 26px;background-color:", accent!());
const BUTTON_LINK: &str = sans!(
    "display:block;padding:14px 26px;font-size:19px;line-height:28px;font-weight:bold;",
    "text-decoration:underline;color:#ffffff"
);
pub(crate) const LINK: &str = "color:inherit;text-decoration:underline";

pub(crate) const OPENING: &str = sans!("margin:0 0 26px;font-size:15px;line-height:23px");
pub(crate) const MASTHEAD: &str = "margin:0;font-size:28px;line-height:36px;font-weight:bold";
pub(crate) const PERIOD: &str = "margin:4px 0 0;font-size:18px;line-height:26px";
pub(crate) const KIND: &str =
    sans!("margin:0 0 6px;font-size:14px;line-height:20px;font-weight:bold");
pub(crate) const TITLE: &str = concat!(
    "margin:0 0 12px;font-size:23px;line-height:30px;font-weight:bold;color:",
    accent!()
);
pub(crate) const TITLE_LINK: &str = concat!("text-decoration:underline;color:", accent!());
pub(crate) const CITATION: &str = sans!("margin:0 0 22px;font-size:14px;line-height:22px");
pub(crate) const TEXT: &str = "margin:0 0 18px;font-size:17px;line-height:28px";
pub(crate) const PRACTICE: &str = concat!(
    "margin:0 0 8px;font-size:19px;line-height:26px;font-weight:bold;color:",
    accent!()
);
pub(crate) const SMALL: &str = sans!("margin:0 0 16px;font-size:14px;line-height:22px");
pub(crate) const SECTION: &str = "margin:0 0 14px;font-size:20px;line-height:28px;font-weight:bold";
pub(crate) const LIST: &str = "margin:0;padding:0 0 0 20px";
pub(crate) const ITEM: &str = "margin:0 0 12px;font-size:17px;line-height:26px";
pub(crate) const ASIDE: &str = sans!("font-size:14px;line-height:22px");
