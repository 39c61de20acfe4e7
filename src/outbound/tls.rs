//! HTTPS to other servers: one cryptography, and one rule for whose certificates count.

use reqwest::{Certificate, ClientBuilder};
use rustls::pki_types::CertificateDer;

/// The beginning of an HTTP client that believes the system's certificate authorities
/// and these.
///
/// # Errors
/// When one of them is no certificate.
pub fn client(authorities: &[CertificateDer<'static>]) -> reqwest::Result<ClientBuilder> {
    // An error says that it is there already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let authorities = authorities.iter().map(|der| Certificate::from_der(der));
    let authorities = authorities.collect::<reqwest::Result<Vec<_>>>()?;
    Ok(ClientBuilder::new().tls_certs_merge(authorities))
}
