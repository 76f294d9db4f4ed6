//! Figures from several rounds: the middle one, and how far they lie apart.

use std::fmt;

/// One figure for each round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<f64>);

impl Figures {
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one, or the mean of the two in the middle; `None` where there is none.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(sorted[middle]),
            _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        }
    }

    /// Round by round, these as a multiple of those: what slows a whole round down cancels out.
    pub fn over(&self, those: &Figures) -> Figures {
        let pairs = self.0.iter().zip(&those.0);
        Figures(pairs.map(|(this, that)| this / that).collect())
    }

    /// Round by round, how much more those are, for each of `steps`.
    pub fn growth_to(&self, those: &Figures, steps: f64) -> Figures {
        let pairs = self.0.iter().zip(&those.0);
        Figures(pairs.map(|(this, that)| (that - this) / steps).collect())
    }

    /// Each by the same function.
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Figures {
        Figures(self.0.iter().map(|figure| change(*figure)).collect())
    }

    fn extremes(&self) -> (f64, f64) {
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (least, most)
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<T: IntoIterator<Item = f64>>(figures: T) -> Figures {
        Figures(figures.into_iter().collect())
    }
}

/// The median, and where there are several, the least and the most.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(median) = self.median() else {
            return f.write_str("-");
        };
        f.write_str(&short(median))?;
        let (least, most) = self.extremes();
        if self.0.len() > 1 {
            write!(f, " ({}-{})", short(least), short(most))?;
        }
        Ok(())
    }
}

/// Three digits that count, or all of a larger number's.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        size if size >= 0.0995 || size == 0.0 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(all: &[f64]) -> Figures {
        all.iter().copied().collect()
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(figures(&[]).median(), None);
        assert_eq!(figures(&[3.0, 1.0, 9.0]).median(), Some(3.0));
        assert_eq!(figures(&[4.0, 1.0]).median(), Some(2.5));
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let ratio = figures(&[10.0, 30.0]).over(&figures(&[5.0, 10.0]));
        assert_eq!(ratio.to_string(), "2.50 (2.00-3.00)");
        assert_eq!(figures(&[1234.4]).to_string(), "1234");
        assert_eq!(figures(&[]).to_string(), "-");
    }
}
