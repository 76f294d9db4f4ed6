//! Who sends, and where the readers' pages are.

use lettre::Address;
use lettre::message::Mailbox;

use crate::config::Config;

/// Who sends and where the readers' pages are: the same in every message.
#[derive(Clone, Debug)]
pub struct House {
    pub site_url: String,
    pub site_name: String,
    pub from: Mailbox,
    pub reply_to: Mailbox,
    pub postal_address: String,
    pub contact: String,
    pub bounce_domain: String,
    /// Whether what is written to that domain reaches this service, and not only a person.
    pub bounces_reach_us: bool,
}

impl House {
    /// `None` while the sender's identity is incomplete; then nothing may be sent.
    pub fn of(config: &Config) -> Option<House> {
        let from = config.sender.from.clone()?;
        let bounce_domain = config
            .bounce_domain
            .clone()
            .unwrap_or_else(|| from.email.domain().to_owned());
        Some(House {
            site_url: config.site_url.clone(),
            site_name: config.site_name.clone(),
            reply_to: config.sender.reply_to.clone()?,
            postal_address: config.sender.postal_address.clone()?,
            contact: config.sender.contact.clone()?,
            from,
            bounce_domain,
            bounces_reach_us: config.bounce.reaches_us(),
        })
    }
}

impl House {
    /// For looking only: what is not set yet is named in its place.
    pub fn draft(config: &Config) -> House {
        let nobody = || {
            Mailbox::new(
                None,
                Address::new("digest", "example.org").expect("it is an address"),
            )
        };
        let from = config.sender.from.clone().unwrap_or_else(nobody);
        let or_named = |set: &Option<String>, key: &str| {
            set.clone().unwrap_or_else(|| format!("[{key} is not set]"))
        };
        House {
            site_url: config.site_url.clone(),
            site_name: config.site_name.clone(),
            reply_to: config.sender.reply_to.clone().unwrap_or_else(nobody),
            postal_address: or_named(&config.sender.postal_address, "sender.postal_address"),
            contact: or_named(&config.sender.contact, "sender.contact"),
            bounce_domain: from.email.domain().to_owned(),
            bounces_reach_us: false,
            from,
        }
    }
}
