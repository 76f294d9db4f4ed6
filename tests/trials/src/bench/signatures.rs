//! What a bare RSA-2048 signature costs (P6): SHA-256 and PKCS #1 v1.5 over a short text, as DKIM signs.

use anyhow::{Context, anyhow};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

const SIGNATURES: u32 = 200;

/// Short, as the header fields are that a DKIM signature is made over.
const TEXT: [u8; 600] = [b'x'; 600];

/// CPU microseconds of one signature by ring.
pub fn by_ring(pem: &str) -> anyhow::Result<f64> {
    use ring::{rand, signature};
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let key = signature::RsaKeyPair::from_pkcs8(key.secret_der())
        .map_err(|error| anyhow!("the RSA key is refused: {error}"))?;
    let random = rand::SystemRandom::new();
    let mut signed = vec![0; key.public().modulus_len()];
    micros_of_each(|| {
        key.sign(&signature::RSA_PKCS1_SHA256, &random, &TEXT, &mut signed)
            .map_err(|_| anyhow!("ring does not sign"))
    })
}

/// The same by AWS-LC; `None` where it is not built in.
#[cfg(feature = "aws-lc")]
pub fn by_aws_lc(pem: &str) -> anyhow::Result<Option<f64>> {
    use aws_lc_rs::{rand, signature};
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let key = signature::RsaKeyPair::from_pkcs8(key.secret_der())
        .map_err(|error| anyhow!("the RSA key is refused: {error}"))?;
    let random = rand::SystemRandom::new();
    let mut signed = vec![0; key.public_modulus_len()];
    let each = micros_of_each(|| {
        key.sign(&signature::RSA_PKCS1_SHA256, &random, &TEXT, &mut signed)
            .map_err(|_| anyhow!("AWS-LC does not sign"))
    })?;
    Ok(Some(each))
}

#[cfg(not(feature = "aws-lc"))]
pub fn by_aws_lc(_: &str) -> anyhow::Result<Option<f64>> {
    Ok(None)
}

fn micros_of_each(mut sign: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    sign()?;
    let before = cpu_nanos()?;
    for _ in 0..SIGNATURES {
        sign()?;
    }
    Ok((cpu_nanos()? - before) / 1e3 / f64::from(SIGNATURES))
}

/// This thread's CPU time, which neighbours do not lengthen.
fn cpu_nanos() -> anyhow::Result<f64> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = times.split(' ').next().context("schedstat is empty")?;
    Ok(first.parse()?)
}
