//! What stories stand on: databases, a relay, and a news service to tell them with.

pub mod databases;
pub mod desk;
pub mod dice;
pub mod dovecot;
pub mod dump;
pub mod editor;
pub mod log;
pub mod news;
pub mod pages;
pub mod program;
pub mod relay;
pub mod scripted;

use std::io::Write;
use std::path::PathBuf;

pub use self::news::News;
pub use self::relay::Peer;

/// Makes two tests of one story: on a SQLite file, and on a PostgreSQL database of its own.
macro_rules! each_database {
    ($story:ident) => {
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let database = crate::support::databases::sqlite().await;
                super::$story(database.db.clone()).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(database) = crate::support::databases::postgres().await {
                    super::$story(database.db.clone()).await;
                }
            }
        }
    };
}
pub(crate) use each_database;

/// The project's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What lies beside the project for its developers, if it is there; says when it is not.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    left_out(&format!("../shared/{what} is not here"));
    None
}

/// Says that something was not tested. Where everything is required, that is a failure.
pub fn left_out(why: &str) {
    assert!(
        std::env::var_os("BULLETIN_TEST_ALL").is_none(),
        "nothing may be left out, but {why}"
    );
    // Written past the test runner, which shows nothing of a test that passes.
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}

/// How much a test tries, and where it begins, as its caller says.
#[expect(
    clippy::disallowed_methods,
    reason = "how thorough a test is, is no setting of the service"
)]
pub fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let value = text.parse().ok();
    Some(value.unwrap_or_else(|| panic!("{name} cannot be {text}")))
}
