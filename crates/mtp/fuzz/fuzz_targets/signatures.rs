//! Requests and responses with any fields. What nobody signed never verifies.
//!
//! The input is lines: a method, a request target, then `name: value` fields, an empty line, and the content.

#![no_main]

use drawbridge_mtp::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    keys::{KeySet, SecretKey},
    signature::{RequestBinding, Signer, Stamp, UnverifiedRequest, UnverifiedResponse, is_meant_for_another},
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_790_000_000;

struct Message<'a> {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: &'a [u8],
}

fn message(data: &[u8]) -> Option<Message<'_>> {
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let mut lines = head.split(|byte| *byte == b'\n');
    let method = Method::from_bytes(lines.next()?).ok()?;
    let uri = format!("https://b.example{}", std::str::from_utf8(lines.next()?).ok()?);
    let mut headers = HeaderMap::new();
    for line in lines.take(32) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    Some(Message { method, uri, headers, body: body.get(2..).unwrap_or_default() })
}

fuzz_target!(|data: &[u8]| {
    let Some(Message { method, uri, mut headers, body }) = message(data) else { return };
    let (alpha, beta) = ("a.example".parse().unwrap(), "b.example".parse().unwrap());
    let key = SecretKey::from_seed([1; 32]).public();
    let keys: KeySet = [key.clone()].into_iter().collect();
    let now = Timestamp::from_secs(NOW);
    let _ = is_meant_for_another(&headers, &beta);

    if let Ok(request) = UnverifiedRequest::parse(&method, &uri, &headers, !body.is_empty()) {
        assert!((1..=300).contains(&(request.expires() - request.created())));
        if let Ok(timely) = request.at(now) {
            assert!(timely.verify(Some(&key), body).is_err(), "verified what nobody signed");
        }
    }

    // As a response, to a request like itself.
    let binding = RequestBinding::of(&method, &uri, &headers);
    if let Ok(response) = UnverifiedResponse::parse(StatusCode::OK, &headers, !body.is_empty(), &binding) {
        assert!(response.verify(body, &alpha, &keys, now).is_err(), "verified what nobody signed");
    }

    // Whatever was asked, an answer to it can be signed and is believed.
    let signer = Signer::new(alpha.clone(), SecretKey::from_seed([1; 32]));
    let stamp = Stamp { created: NOW, lifetime_s: 300, nonce: [0; 16] };
    signer.sign_response(StatusCode::OK, &mut headers, body, &binding, stamp);
    let answer = UnverifiedResponse::parse(StatusCode::OK, &headers, !body.is_empty(), &binding).unwrap();
    let is_ascii = answer.signature_base().is_ascii();
    assert_eq!(answer.verify(body, &alpha, &keys, now).is_ok(), is_ascii);
});
