//! Tables. Where the page is too narrow for one, it is moved sideways.

use maud::{Markup, html};

/// What stands at the head of a column, and whether numbers stand beneath it.
pub(super) enum Column<'a> {
    Text(&'a str),
    Number(&'a str),
}

pub(super) use self::Column::{Number, Text};

/// A table with these rows.
pub(super) fn plain(title: &str, columns: &[Column<'_>], rows: Markup) -> Markup {
    of_class(None, title, columns, rows)
}

/// The same with long cells: on a narrow page they stand one beneath the other.
pub(super) fn stacked(title: &str, columns: &[Column<'_>], rows: Markup) -> Markup {
    of_class(Some("stack"), title, columns, rows)
}

fn of_class(class: Option<&str>, title: &str, columns: &[Column<'_>], rows: Markup) -> Markup {
    html! {
        div.table-scroll tabindex="0" role="region" aria-label=(title) {
            table class=[class] {
                thead { tr {
                    @for column in columns {
                        @match column {
                            Text(name) => th scope="col" { (name) },
                            Number(name) => th.number scope="col" { (name) },
                        }
                    }
                } }
                tbody { (rows) }
            }
        }
    }
}
