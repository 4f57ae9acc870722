use serde::{Deserialize, Serialize};
use ts_rs::TS;

records! {
    /// `look-at-set-up`, `set-up`: the answers of the first start, as they were typed. What is left out has a default.
    SetUp {
        /// The name that others will know the provider by.
        provider: String,
        /// The first account.
        user: String,
        /// How others reach it.
        #[serde(default)]
        #[ts(as = "Option<ReachedBy>", optional)]
        reached_by: ReachedBy,
        /// Address and port to listen on for other providers, or for the proxy.
        #[serde(default)]
        #[ts(optional)]
        listen: Option<String>,
        /// With `acme` and `files`: whether the router of this computer's network is asked to lead the port here.
        #[serde(default)]
        #[ts(as = "Option<bool>", optional)]
        open_port: bool,
        /// Address and port to listen on for the clients of the users.
        #[serde(default)]
        #[ts(optional)]
        clients: Option<String>,
        /// With `files`: the file with the certificate chain.
        #[serde(default)]
        #[ts(optional)]
        tls_cert: Option<String>,
        /// With `files`: the file with its key.
        #[serde(default)]
        #[ts(optional)]
        tls_key: Option<String>,
        /// With `acme`: whether the operator agrees to the terms of who issues the certificate.
        #[serde(default)]
        #[ts(as = "Option<bool>", optional)]
        agree_terms: bool,
        /// With `acme`: where who issues the certificate may write to.
        #[serde(default)]
        #[ts(optional)]
        contact: Option<String>,
        /// With `acme`: how it is seen that the name is ours.
        #[serde(default)]
        #[ts(as = "Option<AcmeChallenge>", optional)]
        challenge: AcmeChallenge,
        /// With `acme` and `dns-01`: the program that sets a record in the DNS.
        #[serde(default)]
        #[ts(optional)]
        dns_command: Option<String>,
        /// With `acme`: `letsencrypt`, `staging` or the URL of another directory.
        #[serde(default)]
        #[ts(optional)]
        directory: Option<String>,
        /// The codes of what `look-at-set-up` wants to be confirmed, and was.
        #[serde(default)]
        #[ts(optional, type = "string[]")]
        confirmed: Option<Vec<String>>,
    }
}

/// How other providers reach a provider, and whose certificate they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ReachedBy {
    /// By a domain; the certificate is got by ACME.
    Acme,
    /// By a domain; the certificate is in files of the operator's own.
    Files,
    /// By a proxy on this computer, which has the certificate.
    Proxy,
    /// By whoever is told the fingerprint of the certificate, which has signed itself.
    #[default]
    Network,
}

/// How who issues a certificate sees that a name is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub enum AcmeChallenge {
    /// By a TLS handshake at port 443.
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a request at port 80.
    #[serde(rename = "http-01")]
    Http01,
    /// By a record in the DNS.
    #[serde(rename = "dns-01")]
    Dns01,
}
