//! Everything that is read from JSON: what is read can be written, and reads back as it was.

#![no_main]

use std::fmt::Debug;

use drawbridge_mtp::{
    document::ProviderDocument,
    message::{
        AskToAdd, AskToConnect, Asked, AuthorizationReply, AuthorizationRequest, CheckpointReply, ClaimReply,
        ClaimRequest, ClientClaimRequest, ConnectionReply, ConnectionRequest, FeedPage, GroupInfoReply,
        GroupStatus, Item, KeyPackageStock, LogPage, Me, OwnGroups, PeeringReply, PeeringRequest, Ping,
        PublishKeyPackages, ReceivedSubmission, RegisterGroup, Roster, ShownAuthorizations, ShownConnections,
        SubmissionResults, Submissions, SubmitReply, SubmitRequest,
    },
    problem::ReceivedProblem,
    wire::{Encoding, decode, encode},
};
use libfuzzer_sys::fuzz_target;

fn read<T>(data: &[u8])
where
    T: serde::Serialize + serde::de::DeserializeOwned + Debug + PartialEq,
{
    if let Ok(message) = decode::<T>(Encoding::Json, data) {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(decode::<T>(encoding, &encode(encoding, &message)).as_ref(), Ok(&message));
        }
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
    if let Ok(SubmitRequest { groups }) = decode::<SubmitRequest>(Encoding::Json, data) {
        let received = decode::<SubmitRequest<ReceivedSubmission>>(Encoding::Json, data).unwrap();
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
    let _ = ReceivedProblem::parse(data);
    let asked = "home.example".parse().unwrap();
    if let Ok(document) = ProviderDocument::parse(data, &asked) {
        assert_eq!(ProviderDocument::parse(&document.to_json(), &asked), Ok(document));
    }
});
