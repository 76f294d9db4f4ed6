//! A goal, and how far it was met.

use super::Series;
use super::figures::Figures;
use super::runs::Sample;
use crate::ground::Kind;

/// Where a goal lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    AtLeast(f64),
    AtMost(f64),
    /// Shown, and not asked for.
    None,
}

/// One line of the table of goals.
#[derive(Clone, Debug)]
pub struct Line {
    /// As in "P1"; empty where the number is said above.
    pub number: &'static str,
    pub what: String,
    limit: Limit,
    sqlite: Option<Figures>,
    postgres: Option<Figures>,
    /// Where no database takes part.
    neither: Option<Figures>,
}

impl Line {
    pub fn new(number: &'static str, what: impl Into<String>, limit: Limit) -> Line {
        Line {
            number,
            what: what.into(),
            limit,
            sqlite: None,
            postgres: None,
            neither: None,
        }
    }

    pub fn on(mut self, kind: Kind, figures: Figures) -> Line {
        match kind {
            Kind::Sqlite => self.sqlite = Some(figures),
            Kind::Postgres => self.postgres = Some(figures),
        }
        self
    }

    pub fn by_itself(mut self, figures: Figures) -> Line {
        self.neither = Some(figures);
        self
    }

    /// As a row of a Markdown table.
    pub fn row(&self) -> String {
        let show = |figures: &Option<Figures>| {
            figures
                .as_ref()
                .map_or_else(String::new, Figures::to_string)
        };
        let sqlite = match &self.neither {
            Some(figures) => format!("{figures} (no database)"),
            None => show(&self.sqlite),
        };
        format!(
            "| {} | {} | {} | {sqlite} | {} | {} |",
            self.number,
            self.what,
            self.limit_in_words(),
            show(&self.postgres),
            self.met_in_words()
        )
    }

    /// `None` where nothing is asked for.
    pub fn is_met(&self) -> Option<bool> {
        let all = [&self.sqlite, &self.postgres, &self.neither];
        let mut medians = all.into_iter().flatten().filter_map(Figures::median);
        match self.limit {
            Limit::AtLeast(limit) => Some(medians.all(|median| median >= limit)),
            Limit::AtMost(limit) => Some(medians.all(|median| median <= limit)),
            Limit::None => None,
        }
    }

    fn limit_in_words(&self) -> String {
        match self.limit {
            Limit::AtLeast(limit) => format!(">= {limit}"),
            Limit::AtMost(limit) => format!("<= {limit}"),
            Limit::None => String::new(),
        }
    }

    fn met_in_words(&self) -> &'static str {
        match self.is_met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        }
    }
}

/// One figure of each sample.
pub fn of(series: &Series, figure: impl Fn(&Sample) -> f64) -> Figures {
    series.iter().map(figure).collect()
}

pub fn rate(series: &Series) -> Figures {
    of(series, |sample| sample.rate)
}

pub fn cpu(series: &Series) -> Figures {
    of(series, |sample| sample.cpu_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_when_both_databases_meet_it() {
        let line = |sqlite: f64, postgres: f64| {
            Line::new("P1", "faster", Limit::AtLeast(1.0))
                .on(Kind::Sqlite, Figures::from_iter([sqlite]))
                .on(Kind::Postgres, Figures::from_iter([postgres]))
        };
        assert_eq!(line(1.0, 1.2).is_met(), Some(true));
        assert_eq!(line(1.1, 0.9).is_met(), Some(false));
        assert_eq!(
            line(1.1, 0.9).row(),
            "| P1 | faster | >= 1 | 1.10 | 0.90 | **no** |"
        );
    }
}
