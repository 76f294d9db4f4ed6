//! What is set, and where: the environment before the file before the default; and every mistake, kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use super::KEYS;

/// The settings as they are written, and what was found wrong with them so far.
pub(super) struct Reader<'a> {
    pub(super) name: &'a Path,
    pub(super) table: &'a toml::Table,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) mistakes: Vec<String>,
}

impl Reader<'_> {
    /// Only within our sections: `BULLETIN_SERVICE_HOST` and the like are set by those who run us.
    pub(super) fn refuse_unknown_variables(&mut self) {
        let known: BTreeSet<String> = KEYS.iter().map(|(key, _)| variable(key)).collect();
        let is_of_a_section = |name: &str| {
            KEYS.iter()
                .filter_map(|(key, _)| key.split_once('.'))
                .any(|(section, _)| {
                    name.strip_prefix("BULLETIN_")
                        .and_then(|rest| rest.strip_prefix(&section.to_uppercase()))
                        .is_some_and(|rest| rest.starts_with('_'))
                })
        };
        for name in self.environment.keys().filter(|name| is_of_a_section(name)) {
            if !known.contains(name) {
                self.mistakes.push(format!(
                    "{name} is set in the environment, but there is no such setting"
                ));
            }
        }
    }

    pub(super) fn refuse_unknown_keys(&mut self) {
        let known: BTreeSet<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        for (section, value) in self.table {
            let Some(keys) = value.as_table() else {
                self.mistakes.push(format!(
                    "{}: '{section}' must be a section, as in [{section}]",
                    self.name.display()
                ));
                continue;
            };
            for key in keys.keys().map(|key| format!("{section}.{key}")) {
                if !known.contains(key.as_str()) {
                    self.mistakes.push(format!(
                        "{}: there is no setting '{key}'{}",
                        self.name.display(),
                        nearest(&key)
                    ));
                }
            }
        }
    }

    /// What `key` is set to and where, the environment before the file before the default.
    pub(super) fn found(&self, key: &str) -> Option<(String, String)> {
        let (section, name) = key.split_once('.')?;
        let variable = variable(key);
        if let Some(value) = self
            .environment
            .get(&variable)
            .cloned()
            .filter(|value| !value.trim().is_empty())
        {
            return Some((value, variable));
        }
        let place = format!("{}: {key}", self.name.display());
        match self
            .table
            .get(section)
            .and_then(|section| section.get(name))
        {
            Some(toml::Value::String(text)) if !text.trim().is_empty() => {
                Some((text.clone(), place))
            }
            Some(value) if !value.is_str() => Some((value.to_string(), place)),
            _ => KEYS
                .iter()
                .find(|(known, _)| *known == key)
                .and_then(|(_, default)| default.map(|default| (default.to_owned(), place))),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.found(key).map(|(value, _)| value.trim().to_owned())
    }

    /// The texts of keys that make sense only together; `None` when none of them is set.
    pub(super) fn together<const N: usize>(&mut self, keys: [&str; N]) -> Option<[String; N]> {
        let found: Vec<String> = keys.iter().filter_map(|key| self.text(key)).collect();
        if !found.is_empty() && found.len() < N {
            self.mistakes.push(format!(
                "{} must be set together, or none of them",
                keys.join(", ")
            ));
        }
        found.try_into().ok()
    }

    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        like: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (value, place) = self.found(key)?;
        let parsed = parse(value.trim());
        if parsed.is_none() {
            self.mistakes
                .push(format!("{place} cannot be understood; write {like}"));
        }
        parsed
    }

    pub(super) fn optional<T: FromStr>(&mut self, key: &str, like: &str) -> Option<T> {
        self.parsed(key, like, |text| text.parse().ok())
    }
}

/// The environment's name of a key.
fn variable(key: &str) -> String {
    format!("BULLETIN_{}", key.replace('.', "_").to_uppercase())
}

/// ' (did you mean …?)' when a known key looks much like `wrong`.
fn nearest(wrong: &str) -> String {
    let shared = |known: &str| {
        known
            .bytes()
            .zip(wrong.bytes())
            .filter(|(a, b)| a == b)
            .count()
    };
    KEYS.iter()
        .map(|(key, _)| (shared(key), *key))
        .max()
        .filter(|(shared, key)| shared * 3 >= key.len() * 2)
        .map(|(_, key)| format!(" (did you mean '{key}'?)"))
        .unwrap_or_default()
}
