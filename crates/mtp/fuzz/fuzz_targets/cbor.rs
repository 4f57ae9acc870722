//! Everything that is read from CBOR: what is read can be written, and reads back as it was.

#![no_main]

use std::fmt::Debug;

use drawbridge_mtp::{
    message::{
        AuthorizationReply, AuthorizationRequest, ConnectionReply, ConnectionRequest, FeedPage, Item,
        PeeringReply, PeeringRequest, Ping,
    },
    wire::{Encoding, decode, encode},
};
use libfuzzer_sys::fuzz_target;

fn read<T>(data: &[u8])
where
    T: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq,
{
    if let Ok(message) = decode::<T>(Encoding::Cbor, data) {
        // Not in JSON, which forbids some texts that CBOR does not.
        let bytes = encode(Encoding::Cbor, &message);
        assert_eq!(decode::<T>(Encoding::Cbor, &bytes).as_ref(), Ok(&message));
    }
}

fuzz_target!(|data: &[u8]| {
    read::<FeedPage>(data);
    read::<Item>(data);
    read::<PeeringRequest>(data);
    read::<PeeringReply>(data);
    read::<Ping>(data);
    read::<ConnectionRequest>(data);
    read::<ConnectionReply>(data);
    read::<AuthorizationRequest>(data);
    read::<AuthorizationReply>(data);
});
