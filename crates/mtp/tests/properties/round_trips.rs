//! What is written reads back as it was.

use std::{fmt::Debug, str::FromStr};

use drawbridge_mtp::{
    chain::Head,
    document::ProviderDocument,
    grant::UnverifiedGrant,
    id::{ClientUri, GroupUri, Id, UserUri},
    message::{Body, EventKind, FeedQuery, LogQuery},
    octets::Hash32,
    policy::Policy,
    problem::ReceivedProblem,
    time::Timestamp,
    wire::{Encoding, decode, encode},
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::arbitrary::{self, clients, groups, written};

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
    fn peerings(reply in written::peering_reply(), ping in written::ping()) {
        on_the_wire(&reply)?;
        on_the_wire(&ping)?;
    }

    #[test]
    fn consents(
        connection in written::connection_reply(), request in written::authorization_request(),
        reply in written::authorization_reply(),
    ) {
        on_the_wire(&connection)?;
        on_the_wire(&request)?;
        on_the_wire(&reply)?;
    }

    #[test]
    fn submissions_and_what_becomes_of_them(
        submissions in groups::submissions(), results in groups::results(), problem in groups::received_problem(),
    ) {
        on_the_wire(&submissions)?;
        on_the_wire(&results)?;
        on_the_wire(&problem)?;
    }

    #[test]
    fn requests_of_many_groups_and_their_answers(
        request in groups::submit_request(), reply in groups::submit_reply(),
    ) {
        on_the_wire(&request)?;
        on_the_wire(&reply)?;
    }

    #[test]
    fn what_is_told_of_a_group(
        status in groups::status(), roster in groups::roster(), log in groups::log_page(), info in groups::info(),
        checkpoint in groups::checkpoint_reply(),
    ) {
        on_the_wire(&status)?;
        on_the_wire(&roster)?;
        on_the_wire(&log)?;
        on_the_wire(&info)?;
        on_the_wire(&checkpoint)?;
    }

    #[test]
    fn claims(request in groups::claim_request(), reply in groups::claim_reply()) {
        on_the_wire(&request)?;
        on_the_wire(&reply)?;
    }

    #[test]
    fn what_clients_ask(
        publish in clients::publish(), connect in clients::ask_to_connect(), add in clients::ask_to_add(),
        claim in clients::claim_request(), register in clients::register(),
    ) {
        on_the_wire(&publish)?;
        on_the_wire(&connect)?;
        on_the_wire(&add)?;
        on_the_wire(&claim)?;
        on_the_wire(&register)?;
    }

    #[test]
    fn what_clients_are_told(
        me in clients::me(), stock in clients::stock(), asked in clients::asked(), connections in clients::connections(),
        authorizations in clients::authorizations(), groups in clients::groups(),
    ) {
        on_the_wire(&me)?;
        on_the_wire(&stock)?;
        on_the_wire(&asked)?;
        on_the_wire(&connections)?;
        on_the_wire(&authorizations)?;
        on_the_wire(&groups)?;
    }

    #[test]
    fn policies(policy in groups::policy()) {
        let read = Policy::from_cbor(&policy.to_cbor());
        prop_assert_eq!(read.as_ref(), Ok(&policy));
    }

    #[test]
    fn queries(query in arbitrary::query(), log in groups::log_query()) {
        prop_assert_eq!(FeedQuery::parse(&query.to_query()), Ok(query));
        prop_assert_eq!(FeedQuery::parse_of_client(&query.to_query()), Ok(query));
        prop_assert_eq!(LogQuery::parse(&log.to_query()), Ok(log));
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
