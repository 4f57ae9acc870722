//! Everything that is read from CBOR: what is read can be written, and reads back as it was.

#![no_main]

use std::fmt::Debug;

use drawbridge_mtp::{
    message::{
        AskToAdd, AskToConnect, Asked, AuthorizationReply, AuthorizationRequest, CheckpointReply, ClaimReply,
        ClaimRequest, ClientClaimRequest, ConnectionReply, ConnectionRequest, FeedPage, GroupInfoReply,
        GroupStatus, Item, KeyPackageStock, LogPage, Me, OwnGroups, PeeringReply, PeeringRequest, Ping,
        PublishKeyPackages, ReceivedSubmission, RegisterGroup, Roster, ShownAuthorizations, ShownConnections,
        SubmissionResults, Submissions, SubmitReply, SubmitRequest,
    },
    policy::Policy,
    problem::ReceivedProblem,
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
    read::<Submissions>(data);
    read::<SubmissionResults>(data);
    read::<SubmitRequest>(data);
    read::<SubmitReply>(data);
    if let Ok(SubmitRequest { groups }) = decode::<SubmitRequest>(Encoding::Cbor, data) {
        let received = decode::<SubmitRequest<ReceivedSubmission>>(Encoding::Cbor, data).unwrap();
        let sent = groups.into_iter().flat_map(|group| group.events).map(Ok);
        assert!(sent.eq(received.groups.into_iter().flat_map(|group| group.events).map(|event| event.0)));
    }
    read::<ReceivedProblem>(data);
    read::<GroupStatus>(data);
    read::<Roster>(data);
    read::<LogPage>(data);
    read::<GroupInfoReply>(data);
    read::<CheckpointReply>(data);
    read::<ClaimRequest>(data);
    read::<ClaimReply>(data);
    read::<Me>(data);
    read::<PublishKeyPackages>(data);
    read::<KeyPackageStock>(data);
    read::<AskToConnect>(data);
    read::<AskToAdd>(data);
    read::<Asked>(data);
    read::<ShownConnections>(data);
    read::<ShownAuthorizations>(data);
    read::<ClientClaimRequest>(data);
    read::<RegisterGroup>(data);
    read::<OwnGroups>(data);
    if let Ok(policy) = Policy::from_cbor(data) {
        assert_eq!(Policy::from_cbor(&policy.to_cbor()), Ok(policy));
    }
});
