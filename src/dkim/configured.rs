//! The keys of the settings.

use std::io;

use super::{DkimError, Signer};
use crate::config::Config;

/// Why nothing can sign by the settings, with the file it is about.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the DKIM key {path} cannot be read")]
    Unreadable {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the DKIM key {path}")]
    Unfit {
        path: String,
        #[source]
        source: DkimError,
    },
}

impl Signer {
    /// What signs by the settings; `None` where the relay is to sign.
    pub fn of(config: &Config) -> Result<Option<Signer>, KeyFileError> {
        let Some(dkim) = &config.dkim else {
            return Ok(None);
        };
        let mut signer = None;
        for key in &dkim.keys {
            let path = || key.key_file.display().to_string();
            let unreadable = |source| KeyFileError::Unreadable {
                path: path(),
                source,
            };
            let unfit = |source| KeyFileError::Unfit {
                path: path(),
                source,
            };
            let pem = std::fs::read(&key.key_file).map_err(unreadable)?;
            let signs = match signer {
                None => Signer::from_pem(&dkim.domain, &key.selector, &pem),
                Some(signer) => Signer::and(signer, &key.selector, &pem),
            };
            signer = Some(signs.map_err(unfit)?);
        }
        Ok(signer)
    }
}
