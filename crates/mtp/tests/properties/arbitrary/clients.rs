//! What only a user's own clients say and are told.

use drawbridge_mtp::message::{
    AskToAdd, AskToConnect, Asked, ClientClaimRequest, KeyPackageStock, Me, OwnGroup, OwnGroups,
    PublishKeyPackages, RegisterGroup, ShownAuthorization, ShownAuthorizations, ShownConnection,
    ShownConnections, SuiteStock,
};
use proptest::{collection::vec, option, prelude::*};

use super::{client, connection_state, group, id, integer, octets, time, user, written::title};

pub(crate) fn me() -> impl Strategy<Value = Me> {
    (client(), vec(any::<u16>(), 0..4)).prop_map(|(client, cipher_suites)| Me {
        provider: client.provider().clone(),
        user: client.user().clone(),
        client,
        cipher_suites,
    })
}

pub(crate) fn publish() -> impl Strategy<Value = PublishKeyPackages> {
    (vec(octets(), 0..3), option::of(octets()))
        .prop_map(|(key_packages, last_resort)| PublishKeyPackages { key_packages, last_resort })
}

pub(crate) fn stock() -> impl Strategy<Value = KeyPackageStock> {
    let suites = vec((any::<u16>(), integer()), 0..4).prop_map(|suites| {
        suites.into_iter().map(|(cipher_suite, available)| SuiteStock { cipher_suite, available }).collect()
    });
    (integer(), any::<bool>(), suites, any::<bool>()).prop_map(|(available, last_resort, suites, renew)| {
        KeyPackageStock { renew, available, last_resort, suites }
    })
}

pub(crate) fn ask_to_connect() -> impl Strategy<Value = AskToConnect> {
    user().prop_map(|to| AskToConnect { to })
}

pub(crate) fn ask_to_add() -> impl Strategy<Value = AskToAdd> {
    (group(), option::of(title()), user()).prop_map(|(group, title, user)| AskToAdd { group, title, user })
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    (id(), connection_state()).prop_map(|(id, state)| Asked { id, state })
}

pub(crate) fn connections() -> impl Strategy<Value = ShownConnections> {
    let connection = (id(), user(), user(), connection_state(), time(), time(), time()).prop_map(
        |(id, from, to, state, created, expires, time)| ShownConnection {
            id,
            from,
            to,
            state,
            created,
            expires,
            time,
        },
    );
    vec(connection, 0..3).prop_map(|connections| ShownConnections { connections })
}

pub(crate) fn authorizations() -> impl Strategy<Value = ShownAuthorizations> {
    let authorization =
        (id(), group(), option::of(title()), user(), user(), connection_state(), time(), time()).prop_map(
            |(id, group, title, adder, user, state, expires, time)| ShownAuthorization {
                id,
                group,
                title,
                adder,
                user,
                state,
                expires,
                time,
            },
        );
    vec(authorization, 0..3).prop_map(|authorizations| ShownAuthorizations { authorizations })
}

pub(crate) fn claim_request() -> impl Strategy<Value = ClientClaimRequest> {
    (group(), vec(user(), 0..3), vec(any::<u16>(), 0..3))
        .prop_map(|(group, users, cipher_suites)| ClientClaimRequest { group, users, cipher_suites })
}

pub(crate) fn register() -> impl Strategy<Value = RegisterGroup> {
    (group(), octets(), octets()).prop_map(|(group, group_info, ratchet_tree)| RegisterGroup {
        group,
        group_info,
        ratchet_tree,
    })
}

pub(crate) fn groups() -> impl Strategy<Value = OwnGroups> {
    let own = (group(), integer(), integer(), integer()).prop_map(|(group, epoch, head, members)| OwnGroup {
        owner: group.provider().clone(),
        group,
        epoch,
        head,
        members,
    });
    vec(own, 0..3).prop_map(|groups| OwnGroups { groups })
}
