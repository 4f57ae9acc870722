//! Asks the router by UPnP (Internet Gateway Device, versions 1 and 2).
//!
//! It is our own few requests: what there is as a crate (`igd-next`) believes whoever answers first, asks at whatever URL that one
//! names, reads without bound, and takes XML apart by recursion. Here only the router is asked that this computer's packets go by.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::gateway::Gateway;
use super::standing::{ExternalAddress, RouterCode, RouterFault};
use super::wanted::{LEASE, WantedPort};
use super::xml::each_element;
use crate::readable::readable;

/// Where UPnP devices are looked for: this group of addresses, and the router itself, whose answer a firewall on this computer lets
/// pass where it was asked.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
const SEARCH_PORT: u16 = 1900;
/// What is looked for.
const DEVICES: [&str; 2] = [
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
];
/// The services that open ports.
const SERVICES: [&str; 3] = [
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];
/// Answers come within the time that the request names, two seconds.
const SEARCH_TIME: Duration = Duration::from_secs(3);
/// So many descriptions are read in one search: a router has one.
const DESCRIPTIONS: usize = 4;
/// And so many datagrams: each device in the network may answer some.
const DATAGRAMS: usize = 256;
/// An HTTP request has to be answered within this.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// What is read of one answer, in octets. Descriptions have a few thousand.
const LARGEST_ANSWER: usize = 128 * 1024;

/// The router's service that opens ports. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Igd {
    client: reqwest::Client,
    control: Url,
    service: &'static str,
    own: Ipv4Addr,
}

/// What became of asking for a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It is led here for this long.
    For(Duration),
    /// It is led here until it is taken back: this router knows nothing else.
    UntilTakenBack,
}

/// An error that the router has answered with.
struct Said {
    code: u16,
    text: String,
}

impl Igd {
    /// Looks for it at the router.
    ///
    /// # Errors
    ///
    /// The router does not answer, or not as one does that opens ports.
    pub(super) async fn find(gateway: Gateway) -> Result<Self, RouterFault> {
        let client = client(gateway.own).map_err(|fault| silent(format!("it cannot be asked: {fault}")))?;
        let unheard =
            |fault: std::io::Error| silent(format!("no router can be looked for in this network: {fault}"));
        let socket = UdpSocket::bind((gateway.own, 0)).await.map_err(unheard)?;
        for device in DEVICES {
            for to in [GROUP, gateway.router] {
                let search = format!(
                    "M-SEARCH * HTTP/1.1\r\nHOST: {GROUP}:{SEARCH_PORT}\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: {device}\r\n\r\n"
                );
                // Where one of the two ways is closed, the other may be open.
                let _ = socket.send_to(search.as_bytes(), (to, SEARCH_PORT)).await;
            }
        }
        let (end, mut seen, mut datagram) = (Instant::now() + SEARCH_TIME, Vec::new(), [0; 2048]);
        let mut fault = silent("the router does not answer UPnP");
        for _ in 0..DATAGRAMS {
            if seen.len() == DESCRIPTIONS {
                break;
            }
            let Ok(received) = tokio::time::timeout_at(end, socket.recv_from(&mut datagram)).await else {
                break;
            };
            // A system tells so of a datagram before that nobody took.
            let Ok((length, from)) = received else { continue };
            if from.ip() != IpAddr::from(gateway.router) {
                continue;
            }
            let place = location(&datagram[..length], gateway.router);
            let Some(place) = place.filter(|place| !seen.contains(place)) else { continue };
            seen.push(place.clone());
            match read_answer(client.get(place.clone())).await {
                Ok(description) => match control(&description, &place, gateway.router) {
                    Some((service, control)) => {
                        return Ok(Self { client, control, service, own: gateway.own });
                    }
                    None => fault = silent("the router has UPnP, but nothing in it that opens ports"),
                },
                Err(why) => fault = silent(format!("the router's UPnP does not answer: {why}")),
            }
        }
        Err(fault)
    }

    /// The one that is asked at `control`.
    #[cfg(test)]
    pub(super) fn at(control: Url, own: Ipv4Addr) -> Self {
        Self { client: client(own).unwrap(), control, service: SERVICES[0], own }
    }

    /// The router's address as others see it.
    pub(super) async fn external_address(&self) -> Result<ExternalAddress, RouterFault> {
        let said = self.ask("GetExternalIPAddress", "").await?.map_err(|said| said.fault("its address"))?;
        Ok(external(&said))
    }

    /// Has the router lead `port` here.
    pub(super) async fn open(&self, port: WantedPort) -> Result<Opened, RouterFault> {
        match self.add(port, LEASE).await? {
            Ok(()) => Ok(Opened::For(LEASE)),
            // It opens ports for good or not at all.
            Err(Said { code: 725, .. }) => match self.add(port, Duration::ZERO).await? {
                Ok(()) => Ok(Opened::UntilTakenBack),
                Err(said) => Err(said.fault(&format!("port {}", port.external))),
            },
            Err(Said { code: 718, .. }) => Err(self.taken(port).await),
            Err(said) => Err(said.fault(&format!("port {}", port.external))),
        }
    }

    /// Takes the port back.
    pub(super) async fn close(&self, external: u16) -> Result<(), RouterFault> {
        let asked = self.ask("DeletePortMapping", &named(external)).await?;
        match asked {
            // It has closed it by itself.
            Ok(_) | Err(Said { code: 714, .. }) => Ok(()),
            Err(said) => Err(said.fault(&format!("port {external}"))),
        }
    }

    /// Takes the port back after this computer has come to have the address `next`: by its address before, and where it has that no more by
    /// the new one. Says whether the router has done so.
    pub(super) async fn close_from(&self, next: Ipv4Addr, external: u16) -> bool {
        if self.close(external).await.is_ok() {
            return true;
        }
        let Ok(client) = client(next) else { return false };
        Self { client, ..self.clone() }.close(external).await.is_ok()
    }

    async fn add(&self, port: WantedPort, lease: Duration) -> Result<Result<(), Said>, RouterFault> {
        let arguments = format!(
            "{}<NewInternalPort>{}</NewInternalPort><NewInternalClient>{}</NewInternalClient><NewEnabled>1</NewEnabled>\
             <NewPortMappingDescription>Drawbridge</NewPortMappingDescription><NewLeaseDuration>{}</NewLeaseDuration>",
            named(port.external.get()),
            port.local,
            self.own,
            lease.as_secs()
        );
        Ok(self.ask("AddPortMapping", &arguments).await?.map(drop))
    }

    /// That another computer has the port, and which, where the router says so.
    async fn taken(&self, port: WantedPort) -> RouterFault {
        let asked = self.ask("GetSpecificPortMappingEntry", &named(port.external.get())).await;
        let whom = match asked {
            Ok(Ok(said)) => said.get("NewInternalClient").and_then(|whom| whom.parse::<IpAddr>().ok()),
            _ => None,
        };
        let whom = whom.map(|whom| format!(", {whom}")).unwrap_or_default();
        RouterFault::of(
            RouterCode::PortTaken,
            format!("the router leads port {} to another computer already{whom}", port.external),
        )
    }

    /// Has the service do `action`, and returns what it has answered, by name.
    async fn ask(
        &self,
        action: &str,
        arguments: &str,
    ) -> Result<Result<HashMap<String, String>, Said>, RouterFault> {
        let service = self.service;
        let content = format!(
            "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{action} xmlns:u=\"{service}\">{arguments}\
             </u:{action}></s:Body></s:Envelope>"
        );
        let request = self
            .client
            .post(self.control.clone())
            .header(http::header::CONTENT_TYPE, "text/xml; charset=\"utf-8\"")
            .header("SOAPAction", format!("\"{service}#{action}\""))
            .body(content);
        let answer = read_answer(request).await;
        let answer = answer.map_err(|why| silent(format!("the router's UPnP does not answer: {why}")))?;
        said(&answer, action).ok_or_else(|| {
            RouterFault::of(
                RouterCode::Refuses,
                format!("the router has answered {action} with what is no answer"),
            )
        })
    }
}

impl Said {
    /// Why it does not do what it was asked for `what`.
    fn fault(self, what: &str) -> RouterFault {
        let Self { code, text } = self;
        let why = match code {
            501 | 704 => "it cannot do so at the moment",
            606 => "it does not allow this computer to open ports",
            724 => "it leads a port to the same port alone; choose [mtp] listen with that port",
            728 => "it has no room for more",
            _ => "it says why",
        };
        let text = if text.is_empty() { code.to_string() } else { format!("{code}, {text}") };
        RouterFault::of(RouterCode::Refuses, format!("the router does not give {what}: {why} ({text})"))
    }
}

fn silent(text: impl Into<String>) -> RouterFault {
    RouterFault::of(RouterCode::Silent, text)
}

/// By which argument a port is named.
fn named(external: u16) -> String {
    format!(
        "<NewRemoteHost></NewRemoteHost><NewExternalPort>{external}</NewExternalPort><NewProtocol>TCP</NewProtocol>"
    )
}

/// Asks over HTTP alone, nobody but whom it is told to, and as the computer that has the address `own`: a router gives nobody a port for
/// another.
fn client(own: Ipv4Addr) -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| fault.to_string())?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .local_address(IpAddr::from(own))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWER_TIME)
        .build()
        .map_err(|fault| fault.to_string())
}

/// The answer's content, whatever its status: a refusal comes with 500.
async fn read_answer(request: reqwest::RequestBuilder) -> Result<String, String> {
    let mut answer = request.send().await.map_err(|fault| fault.to_string())?;
    let mut content = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|fault| fault.to_string())? {
        if content.len() + piece.len() > LARGEST_ANSWER {
            return Err("its answer is too large".into());
        }
        content.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// Where the answer to a search says that the description is, where that is at the router.
fn location(datagram: &[u8], router: Ipv4Addr) -> Option<Url> {
    let text = std::str::from_utf8(datagram).ok()?;
    let named = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("location").then(|| value.trim())
    })?;
    Url::parse(named).ok().filter(|url| is_at(url, router))
}

/// Whether `url` is one of the router's own, over HTTP.
fn is_at(url: &Url, router: Ipv4Addr) -> bool {
    let port = url.port_or_known_default();
    let at: Option<SocketAddr> = url
        .host_str()
        .and_then(|host| host.parse().ok())
        .zip(port)
        .map(|(host, port): (IpAddr, u16)| (host, port).into());
    url.scheme() == "http" && at.is_some_and(|at| at.ip() == IpAddr::from(router) && at.port() != 0)
}

/// The service of a description that opens ports, and where it is asked, where that is at the router.
fn control(description: &str, place: &Url, router: Ipv4Addr) -> Option<(&'static str, Url)> {
    let (mut base, mut kind, mut path) = (None, None, None);
    let mut found: Vec<(&'static str, Url)> = Vec::new();
    let read = each_element(description, |names, own| match names {
        [_, name] if name == "URLBase" => base = Url::parse(own).ok().filter(|url| is_at(url, router)),
        [.., service, name] if service == "service" && name == "serviceType" => {
            kind = SERVICES.into_iter().find(|known| *known == own);
        }
        [.., service, name] if service == "service" && name == "controlURL" => path = Some(own.to_owned()),
        [.., name] if name == "service" => {
            let asked = path.take().and_then(|path| base.as_ref().unwrap_or(place).join(&path).ok());
            let asked = asked.filter(|url| is_at(url, router));
            found.extend(kind.take().zip(asked));
        }
        _ => {}
    });
    read.ok()?;
    let rank = |kind: &str| SERVICES.iter().position(|known| *known == kind);
    found.into_iter().min_by_key(|(kind, _)| rank(kind))
}

/// What the router has answered to `action`, by name, or its error; none where it is neither.
fn said(answer: &str, action: &str) -> Option<Result<HashMap<String, String>, Said>> {
    let (mut values, mut is_done) = (HashMap::new(), false);
    let response = format!("{action}Response");
    each_element(answer, |names, own| match names {
        [.., name] if *name == response => is_done = true,
        [.., name] => drop(values.insert(name.clone(), readable(own))),
        [] => {}
    })
    .ok()?;
    if is_done {
        return Some(Ok(values));
    }
    let code = values.get("errorCode")?.parse().ok()?;
    Some(Err(Said { code, text: values.remove("errorDescription").unwrap_or_default() }))
}

/// The address that it has named.
fn external(said: &HashMap<String, String>) -> ExternalAddress {
    match said.get("NewExternalIPAddress").and_then(|address| address.parse::<Ipv4Addr>().ok()) {
        Some(address) if !address.is_unspecified() => ExternalAddress::Named(address),
        _ => ExternalAddress::Unnamed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    fn place() -> Url {
        Url::parse("http://192.168.1.1:49000/igd/desc.xml").unwrap()
    }

    fn description(service: &str, control: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList><service><serviceType>\
             urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/l3f</controlURL></service></serviceList>\
             <deviceList><device><serviceList><service><serviceType>{service}</serviceType><controlURL>{control}</controlURL>\
             </service></serviceList></device></deviceList></device></root>"
        )
    }

    #[test]
    fn only_the_router_itself_is_asked() {
        let at =
            |url: &str| location(format!("HTTP/1.1 200 OK\r\nLOCATION: {url}\r\n\r\n").as_bytes(), ROUTER);
        assert_eq!(at("http://192.168.1.1:49000/igd/desc.xml"), Some(place()));
        for elsewhere in [
            "http://192.168.1.2:49000/desc.xml",
            "http://127.0.0.1:9103/admin/v1/status",
            "https://192.168.1.1/desc.xml",
            "http://router.example/desc.xml",
            "http://192.168.1.1:0/desc.xml",
            "file:///etc/passwd",
            "",
        ] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
        let asked = |control: &str| super::control(&description(SERVICES[1], control), &place(), ROUTER);
        assert_eq!(asked("/ctl?a=1&amp;b=2").unwrap().1.as_str(), "http://192.168.1.1:49000/ctl?a=1&b=2");
        assert_eq!(asked("http://192.168.1.2/ctl"), None);
        assert_eq!(asked("//192.168.1.2/ctl"), None);
    }

    #[test]
    fn the_service_is_found_in_each_version() {
        for service in SERVICES {
            let (found, url) = control(&description(service, "ctl"), &place(), ROUTER).unwrap();
            assert_eq!((found, url.as_str()), (service, "http://192.168.1.1:49000/igd/ctl"));
        }
        assert_eq!(
            control(&description("urn:schemas-upnp-org:service:Printing:1", "/ctl"), &place(), ROUTER),
            None
        );
    }

    #[test]
    fn answers_and_errors_are_told_apart() {
        let named = |content: &str| {
            format!(
                "<s:Envelope xmlns:s=\"e\"><s:Body><u:GetExternalIPAddressResponse xmlns:u=\"u\">{content}\
                     </u:GetExternalIPAddressResponse></s:Body></s:Envelope>"
            )
        };
        let address = |content: &str| {
            let said = said(&named(content), "GetExternalIPAddress").unwrap();
            external(&said.unwrap_or_default())
        };
        let nine = "<NewExternalIPAddress>9.9.9.9</NewExternalIPAddress>";
        assert_eq!(address(nine), ExternalAddress::Named(Ipv4Addr::new(9, 9, 9, 9)));
        for none in ["<NewExternalIPAddress/>", "<NewExternalIPAddress>0.0.0.0</NewExternalIPAddress>", ""] {
            assert_eq!(address(none), ExternalAddress::Unnamed, "{none}");
        }
        let refused = "<s:Envelope xmlns:s=\"e\"><s:Body><s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>606\
                       </errorCode><errorDescription>Action not authorized</errorDescription></UPnPError></detail></s:Fault></s:Body>\
                       </s:Envelope>";
        let Some(Err(refused)) = said(refused, "AddPortMapping") else { panic!() };
        let fault = refused.fault("port 443");
        assert_eq!(fault.code, RouterCode::Refuses);
        assert!(fault.text.ends_with("(606, Action not authorized)"), "{fault}");
        assert!(said("<html><body>Sign in</body></html>", "AddPortMapping").is_none());
    }

    proptest! {
        #[test]
        fn whatever_comes_in_the_place_of_an_answer_is_read_or_refused(
            octets in proptest::collection::vec(any::<u8>(), 0..600),
            code in "[0-9]{0,8}",
            text in ".{0,600}",
        ) {
            let _ = location(&octets, ROUTER);
            let written = String::from_utf8_lossy(&octets);
            if let Some(url) = location(format!("LOCATION: http://192.168.1.1{written}").as_bytes(), ROUTER) {
                prop_assert_eq!(url.host_str(), Some("192.168.1.1"));
            }
            let _ = control(&written, &place(), ROUTER);
            if let Some((_, url)) = control(&description(SERVICES[0], &format!("<![CDATA[{text}]]>")), &place(), ROUTER) {
                prop_assert!(is_at(&url, ROUTER));
            }
            let answer = format!("<a><errorCode>{code}</errorCode><errorDescription><![CDATA[{text}]]></errorDescription></a>");
            if let Some(Err(refused)) = said(&answer, "AddPortMapping") {
                prop_assert!(refused.fault("port 443").text.chars().count() < 4096);
            }
        }
    }
}
