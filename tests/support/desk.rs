//! A desk at which the commands are typed: a folder of its own, and the settings of its environment.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::root;

pub struct Desk {
    pub folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Desk {
    /// With a SQLite file in the folder, unless there is another database.
    pub fn new(database: Option<String>, relay: &str) -> Desk {
        let folder = TempDir::new().unwrap();
        let database = database
            .unwrap_or_else(|| format!("sqlite://{}", folder.path().join("b.db").display()));
        let settings = [
            ("DATABASE_URL", database.as_str()),
            ("SMTP_URL", relay),
            ("SENDER_FROM", "Research News <news@example.org>"),
            ("SENDER_REPLY_TO", "editor@example.org"),
            ("SENDER_POSTAL_ADDRESS", "1 Sample Street"),
            ("SENDER_CONTACT", "editor@example.org"),
        ];
        Desk {
            folder,
            settings: settings
                .map(|(name, value)| (name, value.to_owned()))
                .into(),
        }
    }

    /// The same with one more setting, by its name in the environment without `BULLETIN_`.
    pub fn with(mut self, name: &'static str, value: &str) -> Desk {
        self.settings.push((name, value.to_owned()));
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bulletin"));
        command.args(arguments).current_dir(self.folder.path());
        for (name, value) in &self.settings {
            command.env(format!("BULLETIN_{name}"), value);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must end well, and gives what it printed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what must fail with these words.
    pub fn refused(&self, arguments: &[&str], words: &str) {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }

    /// The document that the command prints; it must be the only thing on standard output.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{arguments:?}: {error}: {text} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        name.to_owned()
    }
}

/// An archive page with three months on it, the newest 2022-11.
pub fn page() -> String {
    root()
        .join("tests/fixtures/pages/plain.txt")
        .display()
        .to_string()
}
