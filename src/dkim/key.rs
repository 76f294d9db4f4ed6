//! A private key: read from PEM, signing, and its public half as DNS wants it.

use data_encoding::BASE64;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::DkimError;
use super::crypto::digest::{SHA256, digest};
use super::crypto::rand::SystemRandom;
use super::crypto::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

pub(super) enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub(super) fn from_pem(pem: &[u8]) -> Result<Key, DkimError> {
        match PrivateKeyDer::from_pem_slice(pem).map_err(DkimError::NotPem)? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(Key::Rsa)
                .map_err(DkimError::Refused),
            PrivateKeyDer::Pkcs8(der) => Key::from_pkcs8(der.secret_pkcs8_der()),
            _ => Err(DkimError::Unsupported),
        }
    }

    /// PKCS#8 holds either kind. OpenSSL writes Ed25519 keys without their public half, which
    /// ring takes only when asked to.
    fn from_pkcs8(der: &[u8]) -> Result<Key, DkimError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Key::Ed25519(pair));
        }
        RsaKeyPair::from_pkcs8(der)
            .map(Key::Rsa)
            .map_err(DkimError::Refused)
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// The signature in base64. For either kind of key, the same text always gives the same.
    pub(super) fn sign(&self, signed: &[u8]) -> String {
        match self {
            Key::Rsa(pair) => {
                let mut signature = vec![0; modulus_length(pair)];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    signed,
                    &mut signature,
                )
                .expect("a key that was accepted signs, into a buffer of its length");
                BASE64.encode(&signature)
            }
            // RFC 8463 section 3: Ed25519 over the SHA-256 of what RSA would hash.
            Key::Ed25519(pair) => {
                BASE64.encode(pair.sign(digest(&SHA256, signed).as_ref()).as_ref())
            }
        }
    }

    /// The content of the TXT record.
    pub(super) fn public_record(&self) -> String {
        let (kind, key) = match self {
            Key::Rsa(pair) => ("rsa", subject_public_key_info(pair.public_key().as_ref())),
            // RFC 8463 section 4.2: the 32 bytes of the key itself.
            Key::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
        };
        format!("v=DKIM1; k={kind}; p={}", BASE64.encode(&key))
    }
}

/// How long the signatures of an RSA key are, in bytes. The one thing that ring and AWS-LC name differently.
fn modulus_length(pair: &RsaKeyPair) -> usize {
    #[cfg(feature = "aws-lc")]
    return pair.public_modulus_len();
    #[cfg(not(feature = "aws-lc"))]
    return pair.public().modulus_len();
}

/// An RSA key comes as PKCS#1; DNS wants it wrapped with its algorithm (RFC 5280 section 4.1.2.7),
/// which is what `openssl rsa -pubout` writes.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    /// SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
    const RSA_ENCRYPTION: [u8; 15] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = [&[0], pkcs1].concat();
    let parts = [&RSA_ENCRYPTION[..], &der(0x03, &bits)].concat();
    der(0x30, &parts)
}

/// One DER element. The keys that are accepted need at most two bytes of length.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    let mut element = match content.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    element.extend_from_slice(content);
    element
}
