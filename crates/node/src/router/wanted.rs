//! What the router is asked for: which ports, and for how long.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::ground::config::{AcmeChallenge, Config};

/// For how long a port is asked for at a time. A program that is lost leaves it open for no longer.
pub(super) const LEASE: Duration = Duration::from_secs(3600);
/// A port is asked for again after this part of its time, so that one that a router has forgotten, as after a restart, is open again
/// soon.
pub(super) const RENEWED_PART: u32 = 4;

/// A port that the router is to lead here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedPort {
    /// The one that others come to.
    pub(super) external: NonZeroU16,
    /// The one of this computer that it leads to.
    pub(super) local: NonZeroU16,
}

/// The ports that others come to: the one that our name leads to, and the one of ACME's challenge. `listening` is the port that we
/// listen on for other providers.
pub(crate) fn wanted_ports(config: &Config, named: u16, listening: Option<u16>) -> Vec<WantedPort> {
    let challenge = config.acme.as_ref().and_then(|acme| match acme.challenge {
        AcmeChallenge::TlsAlpn01 => Some((443, listening?)),
        AcmeChallenge::Http01 => Some((80, acme.http_listen.port())),
        AcmeChallenge::Dns01 => None,
    });
    let mut wanted: Vec<WantedPort> = Vec::new();
    for (external, local) in listening.map(|listening| (named, listening)).into_iter().chain(challenge) {
        let pair = NonZeroU16::new(external).zip(NonZeroU16::new(local));
        let is_new = |external: NonZeroU16| !wanted.iter().any(|port| port.external == external);
        if let Some((external, local)) = pair.filter(|(external, _)| is_new(*external)) {
            wanted.push(WantedPort { external, local });
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::ground::config::AcmeConfig;

    #[test]
    fn the_ports_that_others_come_to_are_wanted() {
        let wanted = |named, listening, challenge: Option<AcmeChallenge>| {
            let listen = SocketAddr::from(([0, 0, 0, 0], 8443));
            let mut config = Config::new("home.example".parse().unwrap(), "data".into(), listen);
            config.acme = challenge.map(|challenge| AcmeConfig { challenge, ..AcmeConfig::default() });
            let ports = wanted_ports(&config, named, listening);
            ports.into_iter().map(|port| (port.external.get(), port.local.get())).collect::<Vec<_>>()
        };
        assert_eq!(wanted(443, Some(8443), None), [(443, 8443)]);
        assert_eq!(wanted(443, Some(8443), Some(AcmeChallenge::TlsAlpn01)), [(443, 8443)]);
        assert_eq!(wanted(8444, Some(8443), Some(AcmeChallenge::TlsAlpn01)), [(8444, 8443), (443, 8443)]);
        assert_eq!(wanted(8444, Some(8443), Some(AcmeChallenge::Http01)), [(8444, 8443), (80, 80)]);
        assert_eq!(wanted(8444, Some(8443), Some(AcmeChallenge::Dns01)), [(8444, 8443)]);
        assert!(wanted(443, None, None).is_empty());
    }
}
