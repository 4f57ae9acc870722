//! Every message there is, as it is written.

use drawbridge_mtp::{
    message::{AuthorizationReply, AuthorizationRequest, ConnectionReply, PeeringReply, Ping, Title},
    wire::{Encoding, encode},
};
use proptest::{option, prelude::*, strategy::Union};
use serde::Serialize;

use super::{clients, connection_request, connection_state, group, groups, id, page, peer_state, time, user};

/// One message of any type, in JSON and in CBOR.
pub(crate) fn written() -> impl Strategy<Value = [(Encoding, Vec<u8>); 2]> {
    fn of<T: Serialize + std::fmt::Debug + 'static>(
        message: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<[(Encoding, Vec<u8>); 2]> {
        message
            .prop_map(|message| {
                [Encoding::Json, Encoding::Cbor].map(|encoding| (encoding, encode(encoding, &message)))
            })
            .boxed()
    }
    Union::new([
        of(page()),
        of(connection_request()),
        of(peering_reply()),
        of(ping()),
        of(connection_reply()),
        of(authorization_request()),
        of(authorization_reply()),
        of(groups::submissions()),
        of(groups::results()),
        of(groups::submit_request()),
        of(groups::submit_reply()),
        of(groups::received_problem()),
        of(groups::status()),
        of(groups::roster()),
        of(groups::log_page()),
        of(groups::info()),
        of(groups::checkpoint_reply()),
        of(groups::claim_request()),
        of(groups::claim_reply()),
        of(clients::me()),
        of(clients::publish()),
        of(clients::stock()),
        of(clients::ask_to_connect()),
        of(clients::ask_to_add()),
        of(clients::asked()),
        of(clients::connections()),
        of(clients::authorizations()),
        of(clients::claim_request()),
        of(clients::register()),
        of(clients::groups()),
    ])
}

pub(crate) fn peering_reply() -> impl Strategy<Value = PeeringReply> {
    (peer_state(), option::of(time())).prop_map(|(state, since)| PeeringReply { state, since })
}

pub(crate) fn ping() -> impl Strategy<Value = Ping> {
    (time(), peer_state(), any::<std::net::IpAddr>()).prop_map(|(now, state, address)| Ping {
        now,
        state,
        your_address: address.to_canonical(),
    })
}

pub(crate) fn connection_reply() -> impl Strategy<Value = ConnectionReply> {
    (id(), connection_state()).prop_map(|(id, state)| ConnectionReply { id, state })
}

pub(crate) fn title() -> impl Strategy<Value = Title> {
    any::<String>().prop_filter_map("shows nothing", |name| Title::of_name(&name))
}

pub(crate) fn authorization_request() -> impl Strategy<Value = AuthorizationRequest> {
    (id(), group(), option::of(title()), user(), user(), time()).prop_map(
        |(id, group, title, adder, user, expires)| AuthorizationRequest {
            id,
            group,
            title,
            adder,
            user,
            expires,
        },
    )
}

pub(crate) fn authorization_reply() -> impl Strategy<Value = AuthorizationReply> {
    (id(), connection_state(), option::of(groups::jws())).prop_map(|(id, state, grant)| AuthorizationReply {
        id,
        state,
        grant,
    })
}
