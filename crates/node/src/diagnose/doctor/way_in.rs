//! Of ourselves: how others come in from the Internet to a computer at home, by what its router says and by what our name leads to.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use super::report::{Evidence, Step, StepName};
use super::{Checkup, Progress};
use crate::peers::{host_text, is_public};
use crate::router::{self, ExternalAddress, RouterCode, RouterStanding};

impl Checkup<'_> {
    /// Asks the router now, where it is in the way: where it is asked for something in any case, or where this computer has no public
    /// address itself and is meant for the Internet. Else there is nothing to tell.
    pub(super) async fn look_at_way_in(&self, progress: &Progress) {
        let began = Instant::now();
        let (endpoint, guard) = (&self.ground.endpoint, self.peers.outbound.guard());
        let addresses = guard.look_up(endpoint.host()).await.unwrap_or_default();
        let own = self.ground.ambient.own_addresses();
        let standing = match self.router {
            Some(router) => router.ask_now().await,
            None if is_behind_router(own, &addresses) => router::ask_once().await,
            None => RouterStanding::default(),
        };
        if let Some(step) = judge(&standing, &host_text(endpoint.host()), &addresses) {
            progress.tell(step.since(began));
        }
    }
}

/// Whether others come to `addresses` from the Internet, and by a router to this computer.
fn is_behind_router(own: [Option<IpAddr>; 2], addresses: &[IpAddr]) -> bool {
    let is_v4 = |address: &IpAddr| address.to_canonical().is_ipv4();
    let is_meant_for_all = addresses.iter().any(|address| is_v4(address) && is_public(*address));
    is_meant_for_all && own.iter().flatten().any(|own| is_v4(own) && !is_public(*own))
}

/// What is to be said of it.
fn judge(standing: &RouterStanding, name: &str, addresses: &[IpAddr]) -> Option<Step> {
    let is_v6_alone = !addresses.is_empty()
        && addresses.iter().all(|address| !address.to_canonical().is_ipv4() && is_public(*address));
    let is_asked = standing.looked.is_some();
    let step = match router::trouble(standing, name, addresses) {
        // A router that is asked for nothing but this may well say nothing: then others are the only ones who can tell.
        Some(fault)
            if standing.ports.is_empty()
                && matches!(fault.code, RouterCode::Missing | RouterCode::Silent) =>
        {
            Step::skipped(
                StepName::WayIn,
                format!("{fault}, so it does not say by which address others see it"),
            )
        }
        Some(fault) => {
            let code = fault.code.as_str();
            Step::warn(StepName::WayIn, code, fault.text)
        }
        None if is_v6_alone => Step::warn(
            StepName::WayIn,
            "ipv6-only",
            format!(
                "{name} leads to IPv6 addresses alone, so providers that have only IPv4 do not reach this one"
            ),
        ),
        None if !is_asked => return None,
        None => Step::pass(StepName::WayIn, well(standing)),
    };
    Some(step.with(evidence(standing)))
}

fn well(standing: &RouterStanding) -> String {
    let open: Vec<_> =
        standing.ports.iter().filter(|port| port.is_open).map(|port| port.external.to_string()).collect();
    match (standing.own_public, standing.external) {
        (Some(own), _) => {
            format!("this computer has the public address {own} itself, so no router has to lead here")
        }
        (None, ExternalAddress::Named(address)) if open.is_empty() => {
            format!("the router's public address is {address}")
        }
        (None, ExternalAddress::Named(address)) => {
            format!("the router leads port {} of {address} here", open.join(" and "))
        }
        (None, _) if open.is_empty() => "the router has answered".into(),
        (None, _) => format!("the router leads port {} here", open.join(" and ")),
    }
}

fn evidence(standing: &RouterStanding) -> Vec<Evidence> {
    let external = match standing.external {
        ExternalAddress::Unknown => None,
        ExternalAddress::Unnamed => Some("none that it names".to_owned()),
        ExternalAddress::Named(address) => Some(address.to_string()),
    };
    let router = standing.router.map(|router: Ipv4Addr| router.to_string());
    let by = standing.by.map(|by| by.to_string());
    [("router", router), ("its public address", external), ("asked by", by)]
        .into_iter()
        .filter_map(|(what, value)| Some(Evidence::new(what, value?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use drawbridge_mtp::time::Timestamp;

    use super::*;
    use crate::router::RouterFault;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn code(standing: &RouterStanding, at: &[&str]) -> Option<Option<String>> {
        judge(standing, "home.example", &addresses(at)).map(|step| step.code.map(Into::into))
    }

    #[test]
    fn only_a_computer_behind_a_router_that_is_meant_for_all_asks_it() {
        let own = |v4: &str| [Some(v4.parse().unwrap()), None];
        assert!(is_behind_router(own("192.168.1.7"), &addresses(&["9.9.9.9"])));
        assert!(!is_behind_router(own("9.9.9.9"), &addresses(&["9.9.9.9"])));
        assert!(!is_behind_router(own("192.168.1.7"), &addresses(&["127.0.0.1"])));
        assert!(!is_behind_router(own("192.168.1.7"), &addresses(&["2a00:1450::1"])));
        assert!(!is_behind_router([None, None], &addresses(&["9.9.9.9"])));
    }

    #[test]
    fn carrier_nat_and_ipv6_alone_are_told() {
        let looked = Some(Timestamp::from_millis(1));
        let at = |address: &str| ExternalAddress::Named(address.parse().unwrap());
        let shared = RouterStanding { looked, external: at("100.64.7.7"), ..RouterStanding::default() };
        assert_eq!(code(&shared, &["9.9.9.9"]), Some(Some("router-address-shared".into())));
        assert_eq!(code(&shared, &["2a00:1450::1"]), Some(Some("ipv6-only".into())));
        assert_eq!(code(&RouterStanding::default(), &["2a00:1450::1"]), Some(Some("ipv6-only".into())));
        let own = RouterStanding { looked, external: at("9.9.9.9"), ..RouterStanding::default() };
        assert_eq!(code(&own, &["9.9.9.9"]), Some(None));
        assert_eq!(code(&own, &["8.8.8.8"]), Some(Some("router-address-other".into())));
        assert_eq!(code(&RouterStanding::default(), &["127.0.0.1"]), None);
        assert_eq!(code(&RouterStanding::default(), &["::1"]), None);
    }

    #[test]
    fn that_a_router_says_nothing_is_no_fault_where_it_was_asked_for_nothing() {
        let fault = Some(RouterFault { code: RouterCode::Silent, text: "it says nothing".into() });
        let silent =
            RouterStanding { looked: Some(Timestamp::from_millis(1)), fault, ..RouterStanding::default() };
        assert_eq!(code(&silent, &["9.9.9.9"]), Some(None));
    }
}
