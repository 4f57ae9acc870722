//! Asks the router by PCP (RFC 6887) or NAT-PMP (RFC 6886).

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use crab_nat::{
    GATEWAY_PORT, InternetProtocol, MappingFailure, PortMapping, PortMappingOptions, PortMappingType,
    TimeoutConfig, natpmp, pcp,
};
use tokio::net::UdpSocket;

use super::gateway::Gateway;
use super::standing::{ExternalAddress, RouterCode, RouterFault};
use super::wanted::{LEASE, WantedPort};

/// A router that has not answered within three seconds does not speak it.
const TIMING: TimeoutConfig = TimeoutConfig {
    initial_timeout: Duration::from_millis(250),
    max_retries: 3,
    max_retry_timeout: Some(Duration::from_secs(1)),
};

/// What asks for a TCP port, and for any by PCP, and the number of TCP.
const NAT_PMP_MAP_TCP: u8 = 2;
const PCP_MAP: u8 = 1;
const TCP: u8 = 6;
/// Octets of the largest answer (RFC 6887, section 7).
const LARGEST_ANSWER: usize = 1100;

/// The router's address as others see it.
///
/// # Errors
///
/// It does not speak either of the two.
pub(super) async fn external_address(gateway: Gateway) -> Result<ExternalAddress, RouterFault> {
    match natpmp::external_address(gateway.router.into(), Some(TIMING)).await {
        Ok(address) if address.is_unspecified() => Ok(ExternalAddress::Unnamed),
        Ok(address) => Ok(ExternalAddress::Named(address)),
        Err(natpmp::Failure::NetworkFailure) => Ok(ExternalAddress::Unnamed),
        // One that speaks PCP alone names it with the port.
        Err(natpmp::Failure::UnsupportedVersion(_)) => Ok(ExternalAddress::Unknown),
        Err(fault) => Err(read(&fault.into())),
    }
}

/// Has the router lead `port` here, or goes on with `before`, in whose place this is.
///
/// # Errors
///
/// It does not, or offers another port in its place, which is no use: the port belongs to the name.
pub(super) async fn open(
    gateway: Gateway,
    port: WantedPort,
    before: Option<&PortMapping>,
) -> Result<PortMapping, RouterFault> {
    let mapping = match before {
        Some(before) => {
            let mut mapping = before.clone();
            mapping.renew().await.map(|()| mapping)
        }
        None => {
            let options = PortMappingOptions {
                external_port: Some(port.external),
                lifetime_seconds: Some(LEASE.as_secs().try_into().unwrap_or(u32::MAX)),
                timeout_config: Some(TIMING),
            };
            let (router, own) = (gateway.router.into(), gateway.own.into());
            PortMapping::new(router, own, InternetProtocol::Tcp, port.local, options).await
        }
    };
    let mapping = mapping.map_err(|fault| read(&fault))?;
    if mapping.lifetime() == 0 {
        // To ask for it again by that would ask for its end.
        let text = format!("the router has opened port {} for no time at all", port.external);
        return Err(RouterFault::of(RouterCode::Refuses, text));
    }
    let offered = mapping.external_port();
    if offered == port.external {
        return Ok(mapping);
    }
    close(mapping).await;
    let text = format!(
        "the router offers port {offered} in the place of port {}, which it leads elsewhere",
        port.external
    );
    Err(RouterFault::of(RouterCode::PortTaken, text))
}

/// For how long the router leads it here.
pub(super) fn lifetime(mapping: &PortMapping) -> Duration {
    Duration::from_secs(mapping.lifetime().into())
}

/// The router's address that PCP has named with the port.
pub(super) fn external_of(mapping: &PortMapping) -> Option<Ipv4Addr> {
    match mapping.mapping_type() {
        PortMappingType::Pcp { external_ip, .. } => match external_ip.to_canonical() {
            IpAddr::V4(address) if !address.is_unspecified() => Some(address),
            _ => None,
        },
        PortMappingType::NatPmp => None,
    }
}

/// Gives the port back.
pub(super) async fn close(mapping: PortMapping) {
    let port: NonZeroU16 = mapping.external_port();
    if let Err((fault, _)) = mapping.try_drop().await {
        tracing::debug!(%fault, %port, "the router has not closed the port, which it does by itself in time");
    }
}

/// Gives the port back by the address that this computer had before, as long as it still has it too, and says whether the router has
/// closed it.
///
/// A router takes that from this address alone: NAT-PMP has no other name for whom a port leads to (RFC 6886, section 3.4), and where PCP
/// names another address than the datagram comes from, it is refused (RFC 6887, section 8.2, `ADDRESS_MISMATCH`). The crate sends from
/// whatever address the system chooses, which is the new one, so the datagram is written here. Where the address is gone, nobody can
/// give the port back any more, and the router ends it when its time is over.
pub(super) async fn close_from(before: Gateway, mapping: &PortMapping) -> bool {
    let Ok(socket) = UdpSocket::bind((before.own, 0)).await else { return false };
    if socket.connect((before.router, GATEWAY_PORT)).await.is_err() {
        return false;
    }
    let asked = end_of(before, mapping);
    let mut answer = [0; LARGEST_ANSWER];
    for turn in 0..=TIMING.max_retries {
        let pause = TIMING.initial_timeout.saturating_mul(1 << turn.min(2));
        if socket.send(&asked).await.is_err() {
            return false;
        }
        // A router that is not there at this port says so at once, by which the next turn would too.
        match tokio::time::timeout(pause, socket.recv(&mut answer)).await {
            Ok(Ok(length)) => return has_ended(&asked, answer.get(..length).unwrap_or_default()),
            Ok(Err(_)) => return false,
            Err(_) => {}
        }
    }
    false
}

/// The request that ends `mapping`: for no time at all (RFC 6886, section 3.4; RFC 6887, section 15).
fn end_of(before: Gateway, mapping: &PortMapping) -> Vec<u8> {
    let internal = mapping.internal_port().get().to_be_bytes();
    match mapping.mapping_type() {
        PortMappingType::NatPmp => [&[0, NAT_PMP_MAP_TCP, 0, 0][..], &internal, &[0; 6]].concat(),
        PortMappingType::Pcp { nonce, .. } => {
            let client = before.own.to_ipv6_mapped().octets();
            let nonce: Vec<u8> = nonce.iter().flat_map(|word| word.to_be_bytes()).collect();
            let unspecified = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets();
            let head = [&[2, PCP_MAP, 0, 0, 0, 0, 0, 0][..], &client].concat();
            [&head[..], &nonce[..], &[TCP, 0, 0, 0], &internal, &[0, 0], &unspecified].concat()
        }
    }
}

/// Whether `answer` says that what was `asked` is done: the same version and operation, success, and of the same port.
fn has_ended(asked: &[u8], answer: &[u8]) -> bool {
    let Some((version, operation)) = asked.first().zip(asked.get(1)) else { return false };
    // Of PCP, the nonce, the protocol and our port come back as they were sent.
    let (result, sent, told) = match version {
        2 => (answer.get(3..4), asked.get(24..42), answer.get(24..42)),
        _ => (answer.get(2..4), asked.get(4..6), answer.get(8..10)),
    };
    answer.first() == Some(version)
        && answer.get(1) == Some(&(operation | 0x80))
        && result.is_some_and(|result| result.iter().all(|octet| *octet == 0))
        && told.is_some()
        && sent == told
}

fn read(fault: &MappingFailure) -> RouterFault {
    use MappingFailure::{NatPmp, Pcp};
    let (code, text) = match fault {
        NatPmp(natpmp::Failure::Timeout | natpmp::Failure::Socket(_))
        | Pcp(pcp::Failure::Timeout | pcp::Failure::Socket(_)) => {
            (RouterCode::Silent, "the router does not answer NAT-PMP".into())
        }
        NatPmp(natpmp::Failure::NotAuthorized) | Pcp(pcp::Failure::NotAuthorized(_)) => (
            RouterCode::Refuses,
            "the router does not allow this computer to open ports (not authorized)".into(),
        ),
        NatPmp(natpmp::Failure::NetworkFailure) | Pcp(pcp::Failure::NetworkFailure(_)) => (
            RouterCode::Refuses,
            "the router opens no port, since it has no address of the Internet (network failure)".into(),
        ),
        Pcp(pcp::Failure::CannotProvideExternal(_)) => {
            (RouterCode::PortTaken, "the router cannot give this port (cannot provide external)".into())
        }
        other => (RouterCode::Refuses, format!("the router has answered: {other}")),
    };
    RouterFault::of(code, text)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::UdpSocket;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    /// What a router answers with.
    #[derive(Clone, Debug)]
    enum Answers {
        /// These octets, whatever was asked.
        Octets(Vec<u8>),
        /// What looks right, with this result code, port and lifetime.
        Like { result: u8, port: u16, lifetime: u32, rest: [u8; 4] },
    }

    fn answer(answers: &Answers, asked: &[u8]) -> Vec<u8> {
        match answers {
            Answers::Octets(octets) => octets.clone(),
            Answers::Like { result, port, lifetime, rest } => {
                let operation = asked.get(1).copied().unwrap_or_default() | 0x80;
                if asked.first() == Some(&2) && asked.len() >= 60 {
                    let head = [&[2, operation, 0, *result][..], &lifetime.to_be_bytes(), &[0; 16]].concat();
                    // The nonce, the protocol and the internal port come back as they were sent.
                    let external = Ipv4Addr::from(*rest).to_ipv6_mapped().octets();
                    [&head[..], &asked[24..42], &port.to_be_bytes(), &external].concat()
                } else if asked.len() == 2 {
                    [&[0, operation, 0, *result][..], &[0; 4], rest].concat()
                } else {
                    let internal = asked.get(4..6).unwrap_or(&[0, 0]);
                    let ports = [internal, &port.to_be_bytes(), &lifetime.to_be_bytes()].concat();
                    [&[0, operation, 0, *result][..], &[0; 4], &ports].concat()
                }
            }
        }
    }

    #[test]
    fn whatever_a_router_answers_is_read_or_refused() {
        // An address of this process's own, at the one port that routers have.
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let router = Ipv4Addr::new(127, 1 + (high & 0x7f), middle, low);
        let socket = UdpSocket::bind((router, GATEWAY_PORT)).unwrap();
        let answers = Arc::new(Mutex::new(Answers::Octets(Vec::new())));
        let given = answers.clone();
        std::thread::spawn(move || {
            let mut asked = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut asked) {
                let answer = answer(&given.lock().clone(), &asked[..length]);
                let _ = socket.send_to(&answer, from);
            }
        });
        let octets = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..80),
            // What begins as an answer does.
            (prop_oneof![Just(0_u8), Just(2)], 0x80..0x84_u8, proptest::collection::vec(any::<u8>(), 0..70))
                .prop_map(|(version, operation, rest)| [&[version, operation][..], &rest].concat()),
        ];
        let like = (0..16_u8, prop_oneof![Just(443_u16), any::<u16>()], any::<u32>(), any::<[u8; 4]>())
            .prop_map(|(result, port, lifetime, rest)| Answers::Like { result, port, lifetime, rest });
        let all = prop_oneof![octets.prop_map(Answers::Octets), like];

        let gateway = Gateway { router, own: Ipv4Addr::LOCALHOST };
        let external = NonZeroU16::new(443).unwrap();
        let port = WantedPort { external, local: NonZeroU16::new(8443).unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut runner = TestRunner::new(Config { cases: 256, ..Config::default() });
        runner
            .run(&all, |said| {
                *answers.lock() = said;
                runtime.block_on(async {
                    let _ = external_address(gateway).await;
                    if let Ok(mapping) = open(gateway, port, None).await {
                        prop_assert_eq!(mapping.external_port(), external);
                        let _ = external_of(&mapping);
                        let again = open(gateway, port, Some(&mapping)).await;
                        prop_assert!(again.is_ok_and(|again| again.external_port() == external));
                        close(mapping).await;
                    }
                    Ok(())
                })
            })
            .unwrap();
    }
}
