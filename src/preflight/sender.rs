//! What must be told of the sender before anything goes out.

use super::{Check, Finding, Level};
use crate::config::Config;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let missing = config.missing_identity();
    let level = match missing.is_empty() {
        true => Level::Pass,
        false => Level::Block,
    };
    let missing = missing.into_iter().map(str::to_owned).collect();
    let is_safe = config.site_url.starts_with("https://");
    let safe = match is_safe {
        true => Level::Pass,
        false => Level::Warn,
    };
    let signed = match config.dkim.is_some() {
        true => Level::Pass,
        false => Level::Warn,
    };
    vec![
        Finding::new(Check::Identity, level, missing),
        Finding::new(Check::Site, safe, vec![config.site_url.clone()]),
        Finding::new(Check::Signature, signed, Vec::new()),
    ]
}
