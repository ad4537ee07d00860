//! Who a server is, and whom a client trusts.

use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::crypto::{CryptoProvider, ring};
use futures_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use rcgen::{CertificateParams, DnType, KeyPair};
use std::sync::Arc;
use taskgroup::BoxError;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate that was made just now.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) certificate: CertificateDer<'static>,
    /// The certificate, for a file.
    pub(crate) pem: String,
}

impl Identity {
    pub(crate) fn new(issuer: &str) -> Result<Self, BoxError> {
        let mut parameters = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        parameters.distinguished_name.push(DnType::CommonName, issuer);
        let key = KeyPair::generate()?;
        let made = parameters.self_signed(&key)?;
        let certificate = made.der().clone();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate, pem: made.pem() })
    }
}

/// Trusts this certificate and no other.
pub(crate) fn trusting(certificate: &CertificateDer<'static>) -> Result<TlsConnector, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}
