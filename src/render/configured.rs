//! A renderer by the settings.

use super::{House, Renderer};
use crate::config::Config;
use crate::dkim::{KeyFileError, Signer};
use crate::secret::Keys;
use crate::topic::Vocabulary;

/// Why no real mail can be made.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error(
        "the sender's identity is incomplete, and the law asks for it: set {}",
        .0.join(", ")
    )]
    NoIdentity(Vec<&'static str>),
    #[error(transparent)]
    Signer(#[from] KeyFileError),
}

impl Renderer {
    /// A renderer that makes real mail: only with a complete identity of the sender.
    pub fn of(config: &Config, keys: &Keys, vocabulary: &Vocabulary) -> Result<Renderer, NotReady> {
        let house = House::of(config);
        let house = house.ok_or_else(|| NotReady::NoIdentity(config.missing_identity()))?;
        Ok(Renderer::by(house, config, keys, vocabulary)?)
    }

    /// A renderer to look with, while the sender's identity may still be incomplete.
    pub fn draft(
        config: &Config,
        keys: &Keys,
        vocabulary: &Vocabulary,
    ) -> Result<Renderer, KeyFileError> {
        Renderer::by(House::draft(config), config, keys, vocabulary)
    }

    fn by(
        house: House,
        config: &Config,
        keys: &Keys,
        vocabulary: &Vocabulary,
    ) -> Result<Renderer, KeyFileError> {
        let signer = Signer::of(config)?;
        Ok(Renderer::new(
            house,
            keys.clone(),
            signer,
            vocabulary.clone(),
        ))
    }
}
