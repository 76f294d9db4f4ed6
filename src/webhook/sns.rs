//! Amazon SNS: a post is believed by the signature over its fields, made with a key whose certificate lies on the host of
//! the topic's region. Where that is follows from the operator's own setting; what a body names is only compared with it.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use serde::Deserialize;
use webpki::EndEntityCert;

use super::Refused;

/// SNS offers a post again for an hour at most, as it was signed first.
const WINDOW_MINUTES: i64 = 60;

/// A post of one of our topics, not yet believed.
#[derive(Debug)]
pub struct Post {
    posted: Posted,
    host: String,
}

/// A page on a host of Amazon's, over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub host: String,
    pub path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Posted {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    subject: Option<String>,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe: Option<String>,
}

/// Reads a post, if it is of one of these topics and names a certificate where the topic's region has its own.
pub fn open(body: &[u8], topics: &[String]) -> Result<Post, Refused> {
    let posted: Posted = serde_json::from_slice(body).map_err(|_| Refused::Missing("signature"))?;
    if !topics.contains(&posted.topic_arn) {
        return Err(Refused::OtherTopic);
    }
    let host = host(&posted.topic_arn).ok_or(Refused::OtherTopic)?;
    let post = Post { posted, host };
    match post.certificate() {
        Some(_) => Ok(post),
        None => Err(Refused::Wrong("SigningCertURL")),
    }
}

/// What a notification passes on; `None` for anything else.
pub fn message(body: &[u8]) -> Option<String> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    (posted.r#type == "Notification").then_some(posted.message)
}

/// Whether the text is the ARN of a topic: `arn:aws:sns:eu-west-1:123456789012:bounces`.
pub fn is_topic(arn: &str) -> bool {
    host(arn).is_some()
}

impl Post {
    /// Where the certificate is.
    pub fn certificate(&self) -> Option<Place> {
        let start = format!("https://{}/", self.host);
        let name = self.posted.certificate.strip_prefix(&start)?;
        let hash = name
            .strip_prefix("SimpleNotificationService-")?
            .strip_suffix(".pem")?;
        let is_hash =
            (1..=64).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Place {
            host: self.host.clone(),
            path: format!("/{name}"),
        })
    }

    /// Whether it was signed with the key of this certificate (PEM), of late.
    pub fn check(&self, certificate: &[u8], now: DateTime<Utc>) -> Result<(), Refused> {
        let wrong = || Refused::Wrong("signature");
        let der = CertificateDer::from_pem_slice(certificate).map_err(|_| wrong())?;
        let certificate = EndEntityCert::try_from(&der).map_err(|_| wrong())?;
        let algorithm: &dyn SignatureVerificationAlgorithm =
            match self.posted.signature_version.as_str() {
                "1" => &Rsa(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
                "2" => &Rsa(&RSA_PKCS1_2048_8192_SHA256),
                _ => return Err(Refused::Wrong("SignatureVersion")),
            };
        let signature = BASE64.decode(self.posted.signature.as_bytes());
        let signature = signature.map_err(|_| wrong())?;
        let signed = self.posted.signed().ok_or(Refused::Wrong("Type"))?;
        certificate
            .verify_signature(algorithm, signed.as_bytes(), &signature)
            .map_err(|_| wrong())?;
        let at: Option<DateTime<Utc>> = self.posted.timestamp.parse().ok();
        match at.is_some_and(|at| (now - at).num_minutes().abs() < WINDOW_MINUTES) {
            true => Ok(()),
            false => Err(Refused::Stale),
        }
    }

    /// Where to say that we want what the topic passes on, if that is what it asks. Made from our own topic and the
    /// token, never from the address in the body.
    pub fn confirmation(&self) -> Option<Place> {
        let token = self.posted.token.as_ref()?;
        if self.posted.r#type != "SubscriptionConfirmation" {
            return None;
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "ConfirmSubscription")
            .append_pair("TopicArn", &self.posted.topic_arn)
            .append_pair("Token", token)
            .finish();
        Some(Place {
            host: self.host.clone(),
            path: format!("/?{query}"),
        })
    }
}

impl Posted {
    /// The fields that a signature covers, each after its name on a line of its own.
    fn signed(&self) -> Option<String> {
        let mut fields = vec![("Message", &self.message), ("MessageId", &self.message_id)];
        match self.r#type.as_str() {
            "Notification" => {
                fields.extend(self.subject.as_ref().map(|subject| ("Subject", subject)));
                fields.push(("Timestamp", &self.timestamp));
            }
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                fields.push(("SubscribeURL", self.subscribe.as_ref()?));
                fields.push(("Timestamp", &self.timestamp));
                fields.push(("Token", self.token.as_ref()?));
            }
            _ => return None,
        }
        fields.extend([("TopicArn", &self.topic_arn), ("Type", &self.r#type)]);
        let line = |(name, value): (&str, &String)| format!("{name}\n{value}\n");
        Some(fields.into_iter().map(line).collect())
    }
}

/// The host of the region that a topic is in.
fn host(arn: &str) -> Option<String> {
    let mut parts = arn.split(':');
    let mut part = || parts.next();
    let (arn, partition, service) = (part()?, part()?, part()?);
    let (region, account, topic) = (part()?, part()?, part()?);
    let end = match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        _ => return None,
    };
    let is_word = |word: &str| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !word.is_empty() && word.bytes().all(is_plain)
    };
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_one = arn == "arn" && service == "sns" && is_account && !topic.is_empty();
    (is_one && is_word(region) && parts.next().is_none()).then(|| format!("sns.{region}.{end}"))
}

/// RSA signatures by ring; webpki itself no longer knows SHA-1, which version 1 of SNS's signatures still uses.
#[derive(Debug)]
struct Rsa(&'static RsaParameters);

impl SignatureVerificationAlgorithm for Rsa {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    /// Not asked for when a message's signature is checked.
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PKCS1_SHA256
    }

    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(self.0, public_key)
            .verify(message, signature)
            .map_err(|_| InvalidSignature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_on_its_regions_host_and_nowhere_else() {
        let of = |arn| host(arn);
        let us = of("arn:aws:sns:us-west-2:123456789012:bounces");
        assert_eq!(us.as_deref(), Some("sns.us-west-2.amazonaws.com"));
        let china = of("arn:aws-cn:sns:cn-north-1:1:b");
        assert_eq!(china.as_deref(), Some("sns.cn-north-1.amazonaws.com.cn"));
        for wrong in [
            "",
            "arn:aws:sns:us-west-2:123456789012",
            "arn:aws:sns:us-west-2.evil.test/:1:b",
            "arn:aws:s3:us-west-2:1:b",
            "arn:aws:sns::1:b",
            "arn:aws:sns:us-west-2:1:b:c",
            "arn:other:sns:us-west-2:1:b",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_anywhere_else_is_not_looked_at() {
        let arn = "arn:aws:sns:us-west-2:1:b";
        let open = |url: &str| {
            let body = serde_json::json!({
                "Type": "Notification", "MessageId": "1", "TopicArn": arn, "Message": "{}",
                "Timestamp": "2026-03-03T14:00:00.000Z", "SignatureVersion": "2", "Signature": "",
                "SigningCertURL": url,
            });
            open(body.to_string().as_bytes(), &[arn.to_owned()])
        };
        let good =
            "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
        let place = open(good).unwrap().certificate().unwrap();
        assert_eq!(
            place.path,
            "/SimpleNotificationService-0123456789abcdef.pem"
        );
        for wrong in [
            "",
            "http://sns.us-west-2.amazonaws.com/SimpleNotificationService-01.pem",
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem",
            "https://sns.us-west-2.amazonaws.com.evil.test/SimpleNotificationService-01.pem",
            "https://sns.us-west-2.amazonaws.com@evil.test/SimpleNotificationService-01.pem",
            "https://sns.us-west-2.amazonaws.com:8443/SimpleNotificationService-01.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-01.pem",
            "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-01.pem?x",
            "https://sns.us-west-2.amazonaws.com/../SimpleNotificationService-01.pem",
            "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-/../../x.pem",
            "https://SNS.us-west-2.amazonaws.com/SimpleNotificationService-01.pem",
        ] {
            assert!(open(wrong).is_err(), "{wrong}");
        }
    }
}
