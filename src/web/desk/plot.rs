//! Plots of ours: SVG that takes the width of its page and keeps the size of its letters, with a title and a description.

use maud::{Markup, html};

use super::Visit;

/// A group of bars, one beneath the other.
pub(super) struct Bars<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub description: String,
    /// What the first and the second bar of each row stand for.
    pub series: [&'a str; 2],
    pub rows: Vec<Row>,
}

/// A row with two bars; `None` for what is not told.
pub(super) struct Row {
    pub label: String,
    pub values: [Option<i64>; 2],
    /// The values as they are written.
    pub written: [String; 2],
}

/// Columns side by side: what came upwards, what went downwards.
pub(super) struct Columns<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub description: String,
    pub series: [&'a str; 2],
    /// Label, up, down.
    pub columns: Vec<(String, i64, i64)>,
    /// The largest value as it is written.
    pub most: String,
}

const ROW: i64 = 58;

/// Room to the right for the number behind the longest bar, in percent.
const LONGEST: f64 = 82.0;

/// Fewer columns are no wider than these would be.
const FEWEST_COLUMNS: usize = 12;

/// Half of the columns' height.
const HALF: f64 = 90.0;

impl Bars<'_> {
    pub(super) fn show(&self) -> Markup {
        let values = self.rows.iter().flat_map(|row| row.values);
        let most = values.flatten().max().unwrap_or(0).max(1);
        let height = ROW * self.rows.len() as i64 + 4;
        html! {
            figure.plot {
                (legend(self.series))
                svg role="img" aria-labelledby={ (self.id) "-title " (self.id) "-desc" } width="100%" height=(height) {
                    title #{ (self.id) "-title" } { (self.title) }
                    desc #{ (self.id) "-desc" } { (self.description) }
                    @for (top, row) in (0..).step_by(ROW as usize).zip(&self.rows) {
                        text x="0" y=(top + 14) { (row.label) }
                        @for (number, (value, written)) in row.values.iter().zip(&row.written).enumerate() {
                            @let length = value.unwrap_or(0) as f64 / most as f64 * LONGEST;
                            @let y = top + 20 + 15 * number as i64;
                            rect class={ "series-" (number + 1) } x="0" y=(y) height="12" width=(percent(length)) {}
                            text.value x=(percent(length)) dx="6" y=(y + 11) { (written) }
                        }
                    }
                }
            }
        }
    }
}

impl Columns<'_> {
    pub(super) fn show(&self) -> Markup {
        let most = self.columns.iter().map(|(_, up, down)| *up.max(down)).max();
        let most = most.unwrap_or(0).max(1) as f64;
        let width = 100.0 / self.columns.len().max(FEWEST_COLUMNS) as f64;
        let labelled_each = self.columns.len().div_ceil(6).max(1);
        html! {
            figure.plot {
                (legend(self.series))
                svg role="img" aria-labelledby={ (self.id) "-title " (self.id) "-desc" } width="100%" height="230" {
                    title #{ (self.id) "-title" } { (self.title) }
                    desc #{ (self.id) "-desc" } { (self.description) }
                    text.value x="0" y="14" { (self.most) }
                    line.axis x1="0" x2="100%" y1="110" y2="110" {}
                    @for (number, (label, up, down)) in self.columns.iter().enumerate() {
                        @let x = width * number as f64;
                        @let (up, down) = (*up as f64 / most * HALF, *down as f64 / most * HALF);
                        rect.series-1 x=(percent(x + width * 0.15)) width=(percent(width * 0.7)) y=(pixels(110.0 - up)) height=(pixels(up)) {}
                        rect.series-2 x=(percent(x + width * 0.15)) width=(percent(width * 0.7)) y="110" height=(pixels(down)) {}
                        @if number % labelled_each == 0 { text.value x=(percent(x)) y="224" { (label) } }
                    }
                }
            }
        }
    }
}

/// A plot, and beneath it the same as a table and as a file at `csv`.
pub(super) fn with_numbers(visit: &Visit, plot: Markup, table: Markup, csv: &str) -> Markup {
    html! {
        (plot)
        h2 { (visit.say("The same as a table", "Les mêmes données en tableau")) }
        (table)
        (as_csv(visit, csv))
    }
}

/// Leads to a table as a file.
pub(super) fn as_csv(visit: &Visit, csv: &str) -> Markup {
    html! { p { a href=(csv) { (visit.say("Take it along as CSV", "L’emporter en CSV")) } } }
}

fn legend(series: [&str; 2]) -> Markup {
    html! {
        figcaption aria-hidden="true" {
            @for (number, name) in series.iter().enumerate() {
                span class={ "key series-" (number + 1) } {} " " (name) " "
            }
        }
    }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn pixels(value: f64) -> String {
    format!("{value:.1}")
}
