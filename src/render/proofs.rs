//! A digest that is sent to be looked at: the same as readers get, marked in its subject.

use uuid::Uuid;

use super::parts::{alternatives, encoded, text_part};
use super::shelf::{Place, Prepared};
use super::{Edition, Frozen, Message, RenderError, Renderer, header, of_frame};
use crate::content::Selection;
use crate::subscriber::Subscriber;
use crate::subscription::Format;
use crate::verp;

/// What a proof's subject begins with.
pub const MARK: &str = "[Test]";

/// No delivery has this number: what comes back of a proof is about nobody.
const NO_DELIVERY: i64 = 0;

impl Renderer {
    /// Makes a proof in the place of what was in `message`. `number` tells it from every other one.
    pub fn compose_proof(
        &self,
        frozen: &Frozen,
        selection: &Selection,
        subscriber: &Subscriber,
        number: Uuid,
        message: &mut Message,
    ) -> Result<(), RenderError> {
        let (frequency, language) = (subscriber.frequency, subscriber.language);
        let template = self.template(frozen, selection, frequency, language)?;
        let subject = format!("{MARK} {}", template.subject);
        let edition = Edition {
            campaign: frozen.campaign,
            frequency,
            language,
        };
        let links = self.links(subscriber.id);
        let personal = self.personal(subscriber, &links, of_frame(language));
        let leave_name = verp::leave(&self.keys, NO_DELIVERY);
        let message_id = format!("test.{}", number.simple());
        let prepared = Prepared {
            headers: header::shared(&self.house, frozen, &subject, edition).into(),
            html: encoded(&template.html),
            text: encoded(&template.text),
        };
        message.return_path = verp::return_path(&self.keys, NO_DELIVERY, &self.house.bounce_domain);
        message.recipient.clone_from(&subscriber.address);
        message.write(None, |to| {
            let house = &self.house;
            let own = to.own();
            header::personal(own, house, subscriber, &message_id, &links[1], &leave_name);
            to.add(&prepared, Place::Headers);
            match subscriber.format {
                Format::Text => text_part(to, &prepared, Some(&personal)),
                Format::Html => alternatives(to, &prepared, Some(&personal)),
            }
        });
        if let Some(signer) = &self.signer {
            let signatures = signer.sign(message.bytes(), frozen.date);
            message.put_before(&signatures);
        }
        Ok(())
    }
}
