//! Certificates for the TLS front, as Amazon's endpoints have them: RSA of 2048 bits, a leaf signed by an
//! intermediate that a root signed.

use std::{net::IpAddr, net::Ipv4Addr, sync::Arc};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SanType,
};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey as _, rand_core::OsRng};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

const BITS: usize = 2048;

/// What the front needs, and what clients must trust.
pub(crate) struct Certificates {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) root_pem: String,
}

impl Certificates {
    /// Makes new ones; blocks for as long as it takes to find six primes.
    pub(crate) fn make() -> Result<Self> {
        let root_key = key()?;
        let root = authority("Longshore bench root", &root_key)?;
        let root_pem = root.certificate.pem();
        let intermediate_key = key()?;
        let params = authority_params("Longshore bench RSA 2048 M01");
        let intermediate = params
            .signed_by(&intermediate_key, &root.issuer)
            .context("cannot sign the intermediate")?;
        let issuer = Issuer::new(params, intermediate_key);
        let leaf_key = key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params
            .signed_by(&leaf_key, &issuer)
            .context("cannot sign the leaf")?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .context("no version of TLS")?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), intermediate.der().clone()], key)
            .context("cannot serve with the leaf")?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(server),
            root_pem,
        })
    }
}

struct Authority<'a> {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, &'a KeyPair>,
}

fn authority<'a>(name: &str, key: &'a KeyPair) -> Result<Authority<'a>> {
    let params = authority_params(name);
    let certificate = params.self_signed(key).context("cannot sign the root")?;
    Ok(Authority {
        certificate,
        issuer: Issuer::new(params, key),
    })
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn key() -> Result<KeyPair> {
    let key = RsaPrivateKey::new(&mut OsRng, BITS).context("cannot make a key")?;
    let der = key.to_pkcs8_der().context("cannot write a key")?;
    let der = PrivatePkcs8KeyDer::from(der.as_bytes().to_vec());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).context("cannot use a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_can_be_served() {
        let certificates = Certificates::make().unwrap();
        assert!(certificates.root_pem.starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(certificates.server.alpn_protocols, [b"http/1.1"]);
    }
}
