//! The frame that all pages share.

use maud::{DOCTYPE, Markup, html};

use super::Site;

/// A page of the site.
pub fn page(site: &Site, title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (site.name) }
                meta name="description" content=(format!("{title}: {}, a monthly digest of research.", site.name));
                link rel="stylesheet" href="/style.css";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header { p { a href="/" { (site.name) } } }
                main #content { (content) }
                footer { p { a href="/issues" { "All issues" } } }
            }
        }
    }
}
