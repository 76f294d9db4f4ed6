//! Chance that can be repeated: the same seed throws the same numbers.

use std::time::Duration;

/// SplitMix64 by Steele, Lea and Flood: small, and good enough to choose instants with.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throw() % end.max(1)
    }

    /// A time from `shortest` to `longest`.
    pub fn within(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let width = longest.saturating_sub(shortest).as_micros() as u64;
        shortest + Duration::from_micros(self.below(width + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_numbers() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            [0; 4].map(|_| dice.throw())
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
    }

    #[test]
    fn times_lie_within_their_bounds() {
        let (shortest, longest) = (Duration::from_millis(3), Duration::from_millis(5));
        let mut dice = Dice::new(1);
        for _ in 0..1000 {
            let time = dice.within(shortest, longest);
            assert!(shortest <= time && time <= longest);
        }
    }
}
