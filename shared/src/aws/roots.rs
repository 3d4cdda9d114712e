//! Whom TLS trusts.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::config::{ConfigError, Environment};

/// The variable that names a file of certificates to trust instead.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Mozilla's certificate authorities, which come with the binary: reading a machine's own costs milliseconds of each
/// start. `AWS_CA_BUNDLE` names a file of others, in PEM, which are then the only ones.
pub fn roots(environment: &Environment) -> Result<Arc<RootCertStore>, ConfigError> {
    let Some(path) = environment.optional(BUNDLE) else {
        return Ok(Arc::new(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        }));
    };
    let wrong = |problem: String| ConfigError::Invalid {
        name: BUNDLE,
        value: path.to_owned(),
        problem,
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(wrong("there is no certificate in it".to_owned()));
    }
    Ok(Arc::new(store))
}

/// TLS 1.2 and 1.3 by ring, without a client's certificate.
#[must_use]
pub fn tls(roots: Arc<RootCertStore>) -> ClientConfig {
    ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_bundle_the_roots_are_those_of_the_binary() {
        assert!(roots(&Environment::default()).unwrap().len() > 100);
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
        let folder = std::env::temp_dir();
        let empty = folder.join("longshore-empty-bundle.pem");
        std::fs::write(&empty, "no certificate\n").unwrap();
        for (path, problem) in [
            (empty.to_str().unwrap(), "there is no certificate in it"),
            ("/nowhere/bundle.pem", "No such file"),
        ] {
            let error = roots(&[(BUNDLE, path)].into()).unwrap_err().to_string();
            assert!(error.contains(path) && error.contains(problem), "{error}");
        }
    }
}
