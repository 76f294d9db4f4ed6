//! The documents tell the truth where a test can tell.

use std::collections::BTreeMap;
use std::path::Path;

use bulletin::config::{Config, ConfigError, KEYS};

use crate::support::root;

fn set(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_path_that_the_documents_name_exists() {
    for document in ["ARCHITECTURE.md", "README.md"] {
        for quoted in read(document).split('`').skip(1).step_by(2) {
            let is_path = [
                "src/",
                "emails/",
                "migrations/",
                "tests/",
                "deploy/",
                ".ci/",
            ]
            .iter()
            .any(|top| quoted.starts_with(top));
            if is_path && !quoted.contains([' ', '*', '<']) {
                assert!(root().join(quoted).exists(), "{document} names {quoted}");
            }
        }
    }
}

#[test]
fn the_sample_configuration_loads_and_names_every_setting() {
    let sample = read("deploy/bulletin.toml");
    Config::read(Path::new("deploy/bulletin.toml"), &sample, &BTreeMap::new()).unwrap();
    for (key, default) in KEYS {
        let (section, name) = key.split_once('.').unwrap();
        let from = sample
            .find(&format!("[{section}]"))
            .unwrap_or_else(|| panic!("[{section}] is missing"));
        let part = sample[from..].split("\n[").next().unwrap();
        let set = part.lines().any(|line| {
            line.trim_start_matches(['#', ' '])
                .starts_with(&format!("{name} ="))
        });
        assert!(set, "{key} is missing");
        if let Some(default) = default {
            assert!(
                part.contains(default),
                "{key} does not tell its default {default}"
            );
        }
    }
}

/// Without one of them cargo refuses to read the manifest at all.
#[test]
fn the_container_is_built_with_every_package_of_the_workspace() {
    let container = read("deploy/Containerfile");
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find(|line| line.starts_with("members = "));
    for member in members.unwrap().split('"').skip(1).step_by(2) {
        let copied = format!("\nCOPY {member} {member}\n");
        assert!(container.contains(&copied), "{member} is not copied");
    }
}

#[test]
fn mistakes_in_the_settings_are_reported_together() {
    let text = "[smtp]\nconnections = 0\nspeed = 5\n[sender]\nfrom = 'nobody'\n[dkim]\ndomain = 'a.b'\nsecond_selector = 's'\n";
    let environment = set(&[
        ("BULLETIN_SCHEDULE_TIME_ZONE", "Mars"),
        ("BULLETIN_SMTP_ULR", "x"),
        ("BULLETIN_SERVICE_HOST", "x"),
    ]);
    let Err(ConfigError::Mistakes(mistakes)) =
        Config::read(Path::new("b.toml"), text, &environment)
    else {
        panic!("it must be refused");
    };
    let all = mistakes.join("\n");
    assert!(
        !all.contains("SERVICE_HOST"),
        "others may name their variables after us"
    );
    for words in [
        "b.toml: smtp.connections",
        "no setting 'smtp.speed'",
        "b.toml: sender.from",
        "dkim.domain, dkim.selector",
        "dkim.second_selector, dkim.second_key_file must be set together",
        "BULLETIN_SCHEDULE_TIME_ZONE",
        "BULLETIN_SMTP_ULR is set in the environment, but there is no such setting",
    ] {
        assert!(all.contains(words), "{words} in {all}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_no_secret_is_shown() {
    let environment = set(&[("BULLETIN_SMTP_URL", "smtp://u:hunter2@relay:25")]);
    let config = Config::read(
        Path::new("b.toml"),
        "[smtp]\nurl = 'smtp://file:25'\n",
        &environment,
    )
    .unwrap();
    assert_eq!(config.smtp_url.0, "smtp://u:hunter2@relay:25");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn a_broken_file_is_named_by_line_without_its_text() {
    let text = "[smtp]\nurl = smtps://user:hunter2@relay\n";
    let error = Config::read(Path::new("b.toml"), text, &BTreeMap::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("b.toml:2 is not TOML") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn what_is_left_empty_is_as_if_it_were_not_there() {
    let config =
        Config::read(Path::new("b.toml"), "[site]\nname = ''\n", &BTreeMap::new()).unwrap();
    assert_eq!(config.site_name, "Research digest");
}

#[test]
fn two_keys_may_sign_and_the_second_wants_the_first() {
    let read = |text: &str| Config::read(Path::new("b.toml"), text, &BTreeMap::new());
    let second = "second_selector = 's2'\nsecond_key_file = 'two.pem'\n";
    let first = "domain = 'a.test'\nselector = 's1'\nkey_file = 'one.pem'\n";
    let dkim = read(&format!("[dkim]\n{first}{second}")).unwrap().dkim;
    let selectors: Vec<String> = dkim.unwrap().keys.into_iter().map(|k| k.selector).collect();
    assert_eq!(selectors, ["s1", "s2"]);
    let error = read(&format!("[dkim]\n{second}")).unwrap_err().to_string();
    assert!(error.contains("wants dkim.selector"), "{error}");
}

/// A second provider would make rustls panic at its first connection, unless one is installed by hand.
#[test]
fn tls_keeps_one_provider_whatever_signs() {
    let lock = read("Cargo.lock");
    let packages = lock.split("[[package]]").skip(1);
    let users: Vec<&str> = packages
        .filter(|package| package.contains("\n \"aws-lc-rs\""))
        .filter_map(|package| package.split('"').nth(1))
        .collect();
    assert_eq!(
        users,
        ["bulletin", "trials"],
        "only our signatures, and their benchmark, may use aws-lc-rs"
    );
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| {
        let mut names: Vec<_> = std::fs::read_dir(root().join("migrations").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let listed = read("src/db.rs");
    for name in names("sqlite") {
        assert!(
            listed.contains(name.to_str().unwrap().trim_end_matches(".sql")),
            "{name:?} is not applied"
        );
    }
}
