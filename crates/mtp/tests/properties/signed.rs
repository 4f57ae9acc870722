//! A signature holds for exactly what was signed.

use drawbridge_mtp::{
    checkpoint::{CheckpointClaims, UnverifiedCheckpoint},
    grant::UnverifiedGrant,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    id::Provider,
    keys::{KeySet, PublicKey, SecretKey},
    signature::{RequestBinding, Signer, Stamp, UnverifiedRequest, verify_response},
    time::Timestamp,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::arbitrary::{self, groups};

#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn method() -> impl Strategy<Value = Method> {
    select(vec![Method::GET, Method::POST, Method::PUT, Method::DELETE])
}

fn uri() -> impl Strategy<Value = String> {
    "https://b\\.example/mtp/v1/[a-z/]{0,12}(\\?[a-z0-9=&%]{0,12})?"
}

/// One way in which a message may be changed on its way.
#[derive(Clone, Debug)]
enum Mutation {
    Remove(prop::sample::Index),
    Set(prop::sample::Index, String),
    Append(prop::sample::Index, String),
    Byte(prop::sample::Index, prop::sample::Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let value = || {
        prop_oneof![
            "[ -~]{0,60}",
            "mtp=[ -~]{0,60}",
            "mtp=\\(\\);[a-z=\";]{0,40}",
            "mtp=:[A-Za-z0-9+/=]{0,90}:"
        ]
    };
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Mutation::Remove),
        (any::<prop::sample::Index>(), value()).prop_map(|(field, value)| Mutation::Set(field, value)),
        (any::<prop::sample::Index>(), value()).prop_map(|(field, value)| Mutation::Append(field, value)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0x20..0x7f_u8)
            .prop_map(|(field, place, byte)| Mutation::Byte(field, place, byte)),
    ]
}

impl Mutation {
    fn make(&self, headers: &mut HeaderMap) {
        let names: Vec<HeaderName> = headers.keys().cloned().collect();
        let Some(last) = names.len().checked_sub(1) else { return };
        let name = |index: &prop::sample::Index| names[index.index(last + 1)].clone();
        match self {
            Self::Remove(field) => drop(headers.remove(name(field))),
            Self::Set(field, value) => {
                drop(headers.insert(name(field), HeaderValue::from_str(value).unwrap()))
            }
            Self::Append(field, value) => {
                headers.append(name(field), HeaderValue::from_str(value).unwrap());
            }
            Self::Byte(field, place, byte) => {
                let mut value = headers[name(field)].as_bytes().to_vec();
                if !value.is_empty() {
                    let place = place.index(value.len());
                    value[place] = *byte;
                    headers.insert(name(field), HeaderValue::from_bytes(&value).unwrap());
                }
            }
        }
    }
}

fn verify(sent: &Sent, key: &PublicKey, now: Timestamp) -> bool {
    let parsed = UnverifiedRequest::parse(&sent.method, &sent.uri, &sent.headers, !sent.body.is_empty());
    parsed.and_then(|request| request.at(now)?.verify(Some(key), &sent.body)).is_ok()
}

fn send(
    signer: &Signer,
    method: Method,
    uri: String,
    body: Vec<u8>,
    to: &Provider,
    stamp: Stamp,
) -> (Sent, RequestBinding) {
    let signed = signer.sign_request(&method, &uri, to, Some(("application/json", &body)), stamp);
    (Sent { method, uri, headers: signed.headers, body }, signed.binding)
}

/// What a signature means, by the parts of the RFC that allow several spellings: the same fields, in other words.
fn meaning(sent: &Sent) -> Option<Vec<u8>> {
    let parsed =
        UnverifiedRequest::parse(&sent.method, &sent.uri, &sent.headers, !sent.body.is_empty()).ok()?;
    Some(parsed.signature_base().to_vec())
}

/// What a checkpoint says where `key` signed it.
fn believed(jws: &str, key: &PublicKey) -> Option<CheckpointClaims> {
    UnverifiedCheckpoint::parse(jws).ok()?.verify(key)
}

proptest! {
    #[test]
    fn a_checkpoint_holds_as_it_was_signed(
        claims in groups::checkpoint(), key in arbitrary::key(), other in arbitrary::key(), place in any::<prop::sample::Index>(),
        put in "[A-Za-z0-9_.-]",
    ) {
        let (jws, public) = (claims.sign(&key), key.public());
        let read = UnverifiedCheckpoint::parse(&jws).unwrap();
        prop_assert_eq!((read.issuer(), read.kid()), (&claims.iss, public.thumbprint()));
        prop_assert_eq!(believed(&jws, &public), Some(claims.clone()));
        if other.public() != public {
            prop_assert_eq!(believed(&jws, &other.public()), None);
            prop_assert_eq!(believed(&claims.sign(&other), &public), None);
        }

        let place = place.index(jws.len());
        let mut changed = jws.clone();
        changed.replace_range(place..=place, &put);
        prop_assume!(changed != jws);
        prop_assert_eq!(believed(&changed, &public), None);
    }

    #[test]
    fn a_checkpoint_of_another_providers_group_says_nothing(
        claims in groups::checkpoint(), key in arbitrary::key(), iss in arbitrary::provider(),
    ) {
        prop_assume!(iss != claims.iss);
        prop_assert_eq!(believed(&CheckpointClaims { iss, ..claims }.sign(&key), &key.public()), None);
    }

    #[test]
    fn neither_a_grant_nor_a_checkpoint_is_taken_for_the_other(
        checkpoint in groups::checkpoint(), grant in arbitrary::claims(), key in arbitrary::key(),
    ) {
        prop_assert!(UnverifiedGrant::parse(&checkpoint.sign(&key)).is_err());
        prop_assert!(UnverifiedCheckpoint::parse(&grant.sign(&key)).is_err());
    }

    #[test]
    fn what_is_signed_verifies(
        key in arbitrary::key(), from in arbitrary::provider(), to in arbitrary::provider(), method in method(),
        uri in uri(), body in vec(any::<u8>(), 0..40), stamp in arbitrary::stamp(),
    ) {
        let public = key.public();
        let signer = Signer::new(from.clone(), key);
        let (sent, binding) = send(&signer, method, uri, body, &to, stamp);
        let now = Timestamp::from_secs(stamp.created);
        prop_assert!(verify(&sent, &public, now));
        prop_assert_eq!(RequestBinding::of(&sent.method, &sent.uri, &sent.headers), binding);
    }

    #[test]
    fn what_is_changed_on_its_way_does_not(
        key in arbitrary::key(), from in arbitrary::provider(), to in arbitrary::provider(), stamp in arbitrary::stamp(),
        body in vec(any::<u8>(), 0..40), changes in vec(mutation(), 1..4),
    ) {
        let public = key.public();
        let signer = Signer::new(from, key);
        let (sent, _) = send(&signer, Method::POST, "https://b.example/mtp/v1/peering".into(), body, &to, stamp);
        let mut changed = sent.clone();
        for change in &changes {
            change.make(&mut changed.headers);
        }
        let now = Timestamp::from_secs(stamp.created);
        // Verified all the same, it says all the same: only what is not covered, or its spelling, was changed.
        if verify(&changed, &public, now) {
            prop_assert_eq!(meaning(&changed), meaning(&sent));
        }
        let mut other = sent.clone();
        other.body.push(0);
        prop_assert!(!verify(&other, &public, now));
        let mut other = sent.clone();
        other.uri.push('/');
        prop_assert!(!verify(&other, &public, now));
        let mut other = sent;
        other.method = Method::PUT;
        prop_assert!(!verify(&other, &public, now));
    }

    #[test]
    fn an_answer_verifies_as_it_was_made(
        key in arbitrary::key(), from in arbitrary::provider(), status in 200..599_u16, stamp in arbitrary::stamp(),
        body in vec(any::<u8>(), 0..40), encoding in select(vec![None, Some("gzip"), Some("zstd")]),
        asked in vec(any::<u8>(), 0..3), changes in vec(mutation(), 1..4), to in arbitrary::provider(),
    ) {
        let asker = Signer::new(to.clone(), SecretKey::from_seed([9; 32]));
        let (_, binding) = send(&asker, Method::POST, "https://b.example/x".into(), asked, &from, stamp);
        let keys: KeySet = [key.public()].into_iter().collect();
        let signer = Signer::new(from.clone(), key);
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert("content-encoding", HeaderValue::from_static(encoding));
        }
        signer.sign_response(status, &mut headers, &body, &binding, stamp);
        let now = Timestamp::from_secs(stamp.created);
        let verify = |status, headers: &HeaderMap, body: &[u8]| {
            verify_response(status, headers, body, &binding, &from, &keys, now).is_ok()
        };
        prop_assert!(verify(status, &headers, &body));
        let other = StatusCode::from_u16(status.as_u16() ^ 1).unwrap();
        prop_assert!(!verify(other, &headers, &body));
        let mut longer = body.clone();
        longer.push(0);
        prop_assert!(!verify(status, &headers, &longer));
        for change in &changes {
            change.make(&mut headers);
            verify(status, &headers, &body);
        }
    }
}
