//! What is written reads back as it was.

use std::{fmt::Debug, str::FromStr};

use drawbridge_mtp::{
    chain::Head,
    document::ProviderDocument,
    grant::UnverifiedGrant,
    id::{ClientUri, GroupUri, Id, UserUri},
    message::{Body, EventKind, FeedQuery},
    octets::Hash32,
    problem::ReceivedProblem,
    time::Timestamp,
    wire::{Encoding, decode, encode},
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::arbitrary;

fn on_the_wire<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let bytes = encode(encoding, value);
        let read = decode(encoding, &bytes);
        prop_assert_eq!(read.as_ref(), Ok(value), "{:?}", encoding);
    }
    Ok(())
}

fn as_text<T: ToString + FromStr<Err: Debug + PartialEq> + PartialEq + Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    let read = value.to_string().parse();
    prop_assert_eq!(read.as_ref(), Ok(value));
    Ok(())
}

proptest! {
    #[test]
    fn identifiers(user in arbitrary::user(), client in arbitrary::client(), group in arbitrary::group()) {
        as_text(user.provider())?;
        as_text(&user)?;
        as_text(&client)?;
        as_text(&group)?;
        on_the_wire(&user)?;
        on_the_wire(&client)?;
        on_the_wire(&group)?;
        prop_assert!(client.as_str().parse::<UserUri>().is_err() && client.as_str().parse::<GroupUri>().is_err());
        prop_assert!(user.as_str().parse::<ClientUri>().is_err() && user.as_str().parse::<GroupUri>().is_err());
    }

    #[test]
    fn times_and_ids(time in arbitrary::time(), id in arbitrary::id(), later in any::<std::time::Duration>()) {
        as_text(&time)?;
        on_the_wire(&time)?;
        as_text(&id)?;
        on_the_wire(&id)?;
        prop_assert_eq!(Id::from_bytes(id.as_bytes()), Ok(id));
        prop_assert!(time.plus(later) >= time && time.plus(later) <= Timestamp::MAX);
        prop_assert_eq!(time.to_string().len(), 24);
    }

    /// So that times can be compared as the texts that they are on the wire.
    #[test]
    fn times_order_as_their_texts(one in arbitrary::time(), other in arbitrary::time()) {
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn pages(page in arbitrary::page()) {
        on_the_wire(&page)?;
    }

    #[test]
    fn connection_requests(request in arbitrary::connection_request()) {
        on_the_wire(&request)?;
    }

    #[test]
    fn queries(query in arbitrary::query()) {
        prop_assert_eq!(FeedQuery::parse(&query.to_query()), Ok(query));
    }

    #[test]
    fn documents(document in arbitrary::document()) {
        let read = ProviderDocument::parse(&document.to_json(), &document.provider);
        prop_assert_eq!(read.as_ref(), Ok(&document));
    }

    #[test]
    fn problems(problem in arbitrary::problem()) {
        let told = ReceivedProblem::parse(&problem.to_json()).unwrap();
        prop_assert_eq!(told.known(), Some(problem.code));
        prop_assert_eq!(told.detail, Some(problem.detail));
        prop_assert_eq!(told.members, problem.members);
    }

    #[test]
    fn grants(claims in arbitrary::claims(), key in arbitrary::key()) {
        let grant = UnverifiedGrant::parse(&claims.sign(&key)).unwrap();
        let public = key.public();
        prop_assert_eq!(grant.kid(), public.thumbprint());
        let grant = grant.verify(&public, &claims.aud, Timestamp::from_secs(claims.iat)).unwrap();
        prop_assert_eq!(grant.claims(), &claims);
    }

    #[test]
    fn a_grant_with_one_character_changed_does_not_hold(
        claims in arbitrary::claims(), key in arbitrary::key(), place in any::<prop::sample::Index>(), put in "[A-Za-z0-9_.-]",
    ) {
        let jws = claims.sign(&key);
        let place = place.index(jws.len());
        let mut changed = jws.clone();
        changed.replace_range(place..=place, &put);
        prop_assume!(changed != jws);
        let now = Timestamp::from_secs(claims.iat);
        let judged = UnverifiedGrant::parse(&changed).and_then(|grant| grant.verify(&key.public(), &claims.aud, now));
        prop_assert!(judged.is_err());
    }

    /// Each event made from the one before follows it, and none follows where any member was changed.
    #[test]
    fn chains(mut event in arbitrary::event(), seq in 1..1_000_u64, other in arbitrary::event()) {
        let head = Head { seq: seq - 1, hash: event.prev };
        event.seq = seq;
        (event.kind, event.epoch) = if seq == 1 { (EventKind::Created, 0) } else { (EventKind::Commit, event.epoch) };
        if let Some(Body::Here(bytes)) = &event.body {
            event.body_hash = Hash32::of(bytes.as_slice());
        } else if let Some(Body::Object(object)) = &event.body {
            event.body_hash = object.sha256;
        }
        event.hash = event.computed_hash();
        let chained = event.clone().follow(&event.group, &head).unwrap();
        prop_assert_eq!(chained.head(), Head { seq, hash: event.hash });

        let mut forged = vec![event.clone(); 7];
        forged[0].group = other.group.clone();
        forged[1].seq = seq + 1;
        forged[2].epoch = event.epoch ^ 1;
        forged[3].sender = other.sender.clone();
        forged[4].time = other.time;
        forged[5].prev = other.prev;
        forged[6].body = Some(Body::of(other.hash.as_bytes().to_vec()));
        for forged in forged.into_iter().filter(|forged| *forged != event) {
            prop_assert!(forged.clone().follow(&event.group, &head).is_err(), "{:?}", forged);
        }
    }
}
