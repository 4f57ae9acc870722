//! Which side has to change something, by the code of what is wrong.

use crate::words::words;

words! {
    /// Which side has to change something.
    Side {
        /// This one: the reader, or this computer.
        Ours = "ours",
        /// The other provider's operator.
        Theirs = "theirs",
        /// One of the two, which cannot be told apart from here.
        Either = "either",
        /// Nobody: it passes by itself, or waits for a decision.
        Nobody = "nobody",
    }
}

impl Side {
    /// The same at a provider that was never reached: where nothing has proved to be a provider, its name may not be the one that was
    /// meant, or its port.
    pub fn of_unreached(code: &str) -> Self {
        match code {
            "connection-refused"
            | "connect-timeout"
            | "connect-failed"
            | "tls-not-spoken"
            | "tls-version"
            | "tls-timeout"
            | "tls-failed"
            | "certificate-wrong-name"
            | "timeout"
            | "document-missing"
            | "document-redirected"
            | "document-refused"
            | "document-web-page"
            | "document-of-another" => Self::Either,
            _ => Self::of(code),
        }
    }

    /// Who has to act where `code` is wrong between us and a peer.
    pub fn of(code: &str) -> Self {
        match code {
            // This computer's network, its settings, what its operator has decided, and what it has asked.
            "name-malformed"
            | "dns-unavailable"
            | "dns-timeout"
            | "unreachable"
            | "not-asked"
            | "waits-here"
            | "peer-shut-out"
            | "not-listed"
            | "pull-paused"
            | "own-clock"
            | "clock-before-build"
            | "runs-twice"
            | "key-changed"
            | "not-introduced"
            | "own-document"
            | "own-unreached"
            | "own-store"
            | "own-log-forked"
            | "own-network"
            | "ipv6-only"
            | "address-refused"
            | "certificate-replaced" => Self::Ours,
            // What ends by itself.
            "rate-limited" | "unavailable" | "pull-resting" | "feed-reset" | "feed-truncated"
            | "given-up" | "look-back-late" => Self::Nobody,
            // One clock of two, one program of two, or the way between.
            "clock-skew"
            | "clock-off"
            | "slow"
            | "signature-expired"
            | "connection-lost"
            | "malformed"
            | "certificate-unknown-issuer"
            | "certificate-self-signed"
            | "certificate-not-yet-valid"
            | "no-address"
            | "log-differs"
            | "not-kept"
            | "key-unknown"
            | "pull-key-unknown"
            | "not-pulled"
            | "look-back-failed" => Self::Either,
            _ => Self::Theirs,
        }
    }
}
