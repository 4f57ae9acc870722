//! A link by which another device, such as a phone, opens the pages.

use std::net::IpAddr;
use std::time::Duration;

use drawbridge_node::config::Origin;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::error::AdminError;
use crate::host::Host;
use crate::pages_at::{PagesAt, PagesCertificate};
use crate::qr::qr;
use crate::request::{Empty, LinkDevice, OtherSessions};
use crate::sessions::DeviceToken;
use crate::view::{DeviceLink, DeviceObstacle, DevicePlace, Event};

/// An address that has not been reached from here within this is offered last.
const REACHED_WITHIN: Duration = Duration::from_secs(3);

/// An address of the pages.
struct Place {
    origin: Origin,
    self_signed: bool,
    reached: bool,
}

pub(crate) async fn link_device(host: &Host, ask: LinkDevice) -> Result<DeviceLink, AdminError> {
    let pages = host.pages().ok_or_else(|| {
        AdminError::new("no-pages", "this program shows its pages in a window, and serves them to no browser")
    })?;
    let asked_at = ask.origin.and_then(|text| text.parse::<Origin>().ok());
    let (here, mut elsewhere): (Vec<_>, Vec<_>) =
        places(pages, asked_at.as_ref()).into_iter().partition(|place| place.origin.is_loopback());
    look(&mut elsewhere, asked_at.as_ref()).await;
    elsewhere.sort_by_key(|place| (Some(&place.origin) != asked_at.as_ref(), !place.reached));
    let obstacle = match (elsewhere.is_empty(), &pages.certificate) {
        (true, _) if !host.is_configured() => Some(DeviceObstacle::Run),
        (true, None) => Some(DeviceObstacle::Loopback),
        (true, Some(_)) => Some(DeviceObstacle::Certificate),
        (false, _) if elsewhere.iter().all(|place| !place.reached) => Some(DeviceObstacle::Unreached),
        (false, _) => None,
    };
    let DeviceToken { token, ends } = host.sessions().device_link();
    let is_for_here = elsewhere.is_empty();
    let shown = if is_for_here { here } else { elsewhere };
    let places = shown.into_iter().map(|Place { origin, self_signed, reached }| {
        let link = format!("{origin}/#token={token}");
        // A camera that finds a code for this computer is in another device.
        let qr = if is_for_here { None } else { qr(&link) };
        DevicePlace { origin: origin.to_string(), qr, link, reached, self_signed }
    });
    Ok(DeviceLink { places: places.collect(), ends, obstacle, listen: pages.listen.to_string() })
}

pub(crate) async fn end_other_sessions(host: &Host, ask: OtherSessions) -> Result<Empty, AdminError> {
    host.sessions().end_others(&ask.keep)?;
    host.publish(Event::Settings);
    Ok(Empty {})
}

/// Where the pages can be opened: where the operator has said, where they listen, and where who asks has them open, unless nothing
/// there is ours.
fn places(pages: &PagesAt, asked_at: Option<&Origin>) -> Vec<Place> {
    let PagesAt { listen, certificate, origins } = pages;
    let named = origins.iter().cloned().map(|origin| Place { origin, self_signed: false, reached: false });
    let mut places: Vec<_> = named.collect();
    let mut add = |host: &str, self_signed: bool| {
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let Ok(origin) = format!("{scheme}://{host}:{}", listen.port()).parse::<Origin>() else { return };
        if places.iter().all(|place| place.origin != origin) {
            places.push(Place { origin, self_signed, reached: false });
        }
    };
    match certificate {
        None => add(&listen.ip().to_string(), false),
        Some(PagesCertificate { names, self_signed }) => {
            // An address that the certificate is for may be another one of this computer.
            let listens_at = |name: &str| {
                name.parse().map_or(true, |ip: IpAddr| listen.ip().is_unspecified() || ip == listen.ip())
            };
            for name in names.iter().filter(|name| !name.starts_with('*') && listens_at(name)) {
                add(name, *self_signed);
            }
            // With TLS the pages are served under any name, such as one that a wildcard is for.
            if let Some(asked_at) = asked_at.filter(|asked_at| asked_at.port() == listen.port()) {
                add(asked_at.hostname(), *self_signed);
            }
        }
    }
    places
}

/// Looks which of `places` are reached from here, all at once. The one where the asker has the pages open is.
async fn look(places: &mut [Place], asked_at: Option<&Origin>) {
    let mut looks = JoinSet::new();
    for (index, place) in places.iter_mut().enumerate() {
        if Some(&place.origin) == asked_at {
            place.reached = true;
            continue;
        }
        let (host, port) = (place.origin.hostname().to_owned(), place.origin.port());
        looks.spawn(async move {
            let connected = tokio::time::timeout(REACHED_WITHIN, TcpStream::connect((host, port))).await;
            (index, matches!(connected, Ok(Ok(_))))
        });
    }
    while let Some(looked) = looks.join_next().await {
        if let Ok((index, reached)) = looked {
            places[index].reached = reached;
        }
    }
}
