//! What every mail of ours has around its content, and how things in it look.
//!
//! Styles are written on each element, since several clients drop a style sheet; the sheet in the
//! head has only what they can do without: the colours of a dark screen. Tables hold the column
//! because Outlook on Windows gives width and padding to nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Language;

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
                style { (PreEscaped(DARK)) }
            }
            body class="paper" style=(BODY) {
                div class="paper" lang=(lang) dir="ltr" role="article"
                    aria-roledescription="email" aria-label=(title) style=(PAPER) {
                    table role="presentation" align="center" width="600" cellpadding="0"
                        cellspacing="0" border="0" style=(COLUMN) {
                        tbody { (rows) }
                    }
                }
            }
        }
    }
}

/// A row of the column, with a line above it.
pub(crate) fn row(content: &Markup) -> Markup {
    html! { tr { td class="ink line" style=(ROW) { (content) } } }
}

/// The row a mail begins with.
pub(crate) fn first_row(content: &Markup) -> Markup {
    html! { tr { td class="ink" style=(FIRST_ROW) { (content) } } }
}

/// A panel set apart by its ground and a bar at its side.
pub(crate) fn panel(content: &Markup) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
            style=(PANEL_TABLE) {
            tbody { tr { td class="ink panel" style=(PANEL) { (content) } } }
        }
    }
}

/// A link in the run of small text.
pub(crate) fn link(url: &str, text: &str) -> Markup {
    html! { a class="link" href=(url) style=(LINK) { (text) } }
}

/// The colours of a dark screen. The light ones stand on each element, so these must insist.
const DARK: &str = "\
@media (prefers-color-scheme: dark) {\
 .paper { background-color: #16191b !important; }\
 .ink { color: #e4e2dc !important; }\
 .quiet { color: #a8aeb0 !important; }\
 .link { color: #86cdc1 !important; }\
 .line { border-color: #363c3e !important; }\
 .panel { background-color: #1f2a29 !important; border-color: #5aa99b !important; }\
 }";

const BODY: &str = "margin:0;padding:0;background-color:#fcfbf8";
const PAPER: &str = "background-color:#fcfbf8";
const COLUMN: &str = "width:100%;max-width:600px;margin:0 auto;table-layout:fixed";

macro_rules! serif {
    ($($style:literal)*) => {
        concat!("font-family:Georgia,Cambria,'Times New Roman',serif;", $($style),*)
    };
}

macro_rules! sans {
    ($($style:literal)*) => {
        concat!("font-family:'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;", $($style),*)
    };
}

const FIRST_ROW: &str = serif!("padding:24px 20px 32px;color:#23282a;word-wrap:break-word");
const ROW: &str =
    serif!("padding:32px 20px;border-top:1px solid #dcd9d0;color:#23282a;word-wrap:break-word");
const PANEL_TABLE: &str = "width:100%;margin:24px 0;table-layout:fixed";
const PANEL: &str = serif!(
    "padding:18px 20px 4px;border-left:4px solid #2b7a6f;background-color:#edf4f1;color:#23282a;"
    "word-wrap:break-word"
);
const LINK: &str = "color:#17655b;text-decoration:underline";

pub(crate) const OPENING: &str =
    sans!("margin:0 0 28px;font-size:15px;line-height:23px;color:#565e61");
pub(crate) const MASTHEAD: &str =
    "margin:0;font-size:31px;line-height:38px;font-weight:bold;color:#23282a";
pub(crate) const PERIOD: &str = "margin:6px 0 0;font-size:18px;line-height:26px;color:#565e61";
pub(crate) const KIND: &str =
    sans!("margin:0 0 8px;font-size:14px;line-height:20px;font-weight:bold;color:#17655b");
pub(crate) const TITLE: &str =
    "margin:0 0 14px;font-size:24px;line-height:31px;font-weight:bold;color:#23282a";
pub(crate) const TITLE_LINK: &str = "color:#23282a;text-decoration:underline";
pub(crate) const CITATION: &str =
    sans!("margin:0 0 22px;font-size:14px;line-height:22px;color:#565e61");
pub(crate) const TEXT: &str = "margin:0 0 18px;font-size:17px;line-height:28px";
pub(crate) const PRACTICE: &str =
    sans!("margin:0 0 10px;font-size:16px;line-height:24px;font-weight:bold;color:#17655b");
pub(crate) const SMALL: &str =
    sans!("margin:0 0 16px;font-size:14px;line-height:22px;color:#565e61");
pub(crate) const SECTION: &str =
    "margin:0 0 16px;font-size:20px;line-height:28px;font-weight:bold;color:#23282a";
pub(crate) const LIST: &str = "margin:0;padding:0 0 0 20px";
pub(crate) const ITEM: &str = "margin:0 0 12px;font-size:17px;line-height:26px";
pub(crate) const ASIDE: &str = sans!("font-size:14px;line-height:22px;color:#565e61");
