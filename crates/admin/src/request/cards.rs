use std::net::IpAddr;

use drawbridge_mtp::id::Provider;
use drawbridge_node::identity::Fingerprint;
use drawbridge_node::typed::de_as;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

records! {
    /// `read-card`: what somebody has pasted to add a provider: its card, or its name alone.
    ReadCard {
        /// As it was pasted.
        text: String,
    }

    /// `read-card`.
    CardRead {
        /// The provider.
        #[ts(type = "string")]
        provider: Provider,
        /// The thumbprint of its key, where it is a card.
        key: Option<String>,
        /// The fingerprint of its certificate, where the card has one.
        certificate: Option<String>,
    }

    /// `add-by-card`: lets in a provider, which is the one with the key and the certificate on its card.
    AddByCard {
        /// The card, as a link.
        link: String,
    }

    /// `allow-addresses`: allows private addresses at which a peer is now for that peer, in the place of those before; without any, none
    /// any more.
    AllowAddresses {
        /// Whose.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
        /// Which, of `met-addresses`.
        #[ts(type = "string[]")]
        addresses: Vec<IpAddr>,
    }

    /// `trust-certificate`: trusts a certificate for one provider, in the place of any before it; without `fingerprint` none any more.
    TrustCertificate {
        /// Whose.
        #[ts(type = "string")]
        #[serde(deserialize_with = "de_as::provider")]
        provider: Provider,
        /// Which, by its SHA-256.
        #[serde(default)]
        #[ts(optional, type = "string")]
        fingerprint: Option<Fingerprint>,
    }
}
