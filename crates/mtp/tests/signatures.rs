//! Signed requests and responses at their edges (section 4), beyond what the vectors show.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use drawbridge_mtp::{
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    id::Provider,
    keys::{KeySet, SecretKey},
    problem::{Code, Problem, ReceivedProblem},
    signature::{
        RequestBinding, ResponseFault, SignatureFault, SignedRequest, Signer, Stamp, UnverifiedRequest,
        VerifiedRequest, is_meant_for_another, verify_response,
    },
    time::Timestamp,
};

const CREATED: u64 = 1_790_000_000;
const URI: &str = "https://b.example/mtp/v1/peering";
const BODY: &[u8] = b"{}";

fn provider(text: &str) -> Provider {
    text.parse().unwrap()
}

fn alpha() -> Signer {
    Signer::new(provider("a.example"), SecretKey::from_seed([1; 32]))
}

fn beta() -> Signer {
    Signer::new(provider("b.example"), SecretKey::from_seed([2; 32]))
}

fn stamp() -> Stamp {
    Stamp { created: CREATED, lifetime_s: 300, nonce: [7; 16] }
}

/// A request of alpha's that is in order.
fn introduction() -> SignedRequest {
    alpha().sign_request(
        &Method::POST,
        URI,
        &provider("b.example"),
        Some(("application/json", BODY)),
        stamp(),
    )
}

fn judge_at(headers: &HeaderMap, now: Timestamp) -> Result<VerifiedRequest, SignatureFault> {
    let request = UnverifiedRequest::parse(&Method::POST, URI, headers, true)?.at(now)?;
    let key = alpha().key().public();
    let key = (request.kid() == key.thumbprint()).then_some(key);
    request.verify(key.as_ref(), BODY)
}

fn judge(headers: &HeaderMap) -> Result<VerifiedRequest, SignatureFault> {
    judge_at(headers, Timestamp::from_secs(CREATED))
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(name, HeaderValue::from_str(value).unwrap());
}

fn changed(name: &'static str, from: &str, to: &str) -> HeaderMap {
    let mut headers = introduction().headers;
    let value = headers[name].to_str().unwrap().to_owned();
    assert!(value.contains(from), "{name} has no {from}");
    set(&mut headers, name, &value.replace(from, to));
    headers
}

#[test]
fn a_verified_request_tells_whose_it_is() {
    let verified = judge(&introduction().headers).unwrap();
    assert_eq!(verified.signer(), &provider("a.example"));
    assert_eq!(verified.kid(), alpha().key().public().thumbprint());
    assert_eq!(
        (verified.created(), verified.expires(), verified.nonce()),
        (CREATED, CREATED + 300, &[7; 16])
    );
}

#[test]
fn a_signature_holds_from_300_s_before_until_30_s_after() {
    let headers = introduction().headers;
    let at = |millis| judge_at(&headers, Timestamp::from_millis(millis)).map(|_| ());
    let (first, last) = ((CREATED - 300) * 1_000, (CREATED + 300 + 30) * 1_000);
    assert_eq!(at(first), Ok(()));
    assert_eq!(at(first - 1).unwrap_err().code(), Code::ClockSkew);
    assert_eq!(at(last), Ok(()));
    assert_eq!(at(last + 1).unwrap_err().code(), Code::SignatureExpired);
    assert_eq!(at(0).unwrap_err().code(), Code::ClockSkew);
    assert_eq!(judge_at(&headers, Timestamp::MAX).unwrap_err().code(), Code::SignatureExpired);
}

#[test]
fn who_is_late_is_told_the_time() {
    let now = Timestamp::from_secs(CREATED + 1_000);
    let fault = judge_at(&introduction().headers, now).unwrap_err();
    let told = ReceivedProblem::parse(&Problem::from(&fault).to_json()).unwrap();
    assert_eq!(told.known(), Some(Code::SignatureExpired));
    assert_eq!(told.members.now, Some(now));
}

#[test]
fn a_life_of_1_to_300_s_is_in_form() {
    let living = |lifetime_s| {
        let stamp = Stamp { lifetime_s, ..stamp() };
        alpha().sign_request(
            &Method::POST,
            URI,
            &provider("b.example"),
            Some(("application/json", BODY)),
            stamp,
        )
    };
    for (asked, given) in [(0, 1), (1, 1), (300, 300), (301, 300), (u16::MAX, 300)] {
        assert_eq!(judge(&living(asked).headers).unwrap().expires(), CREATED + given);
    }
    for expires in [CREATED - 1, CREATED, CREATED + 301] {
        let headers =
            changed("signature-input", &format!("expires={}", CREATED + 300), &format!("expires={expires}"));
        assert_eq!(judge(&headers).unwrap_err().code(), Code::SignatureMissing, "{expires}");
    }
}

#[test]
fn another_form_is_as_good_as_no_signature() {
    let nonce = "BwcHBwcHBwcHBwcHBwcHBw";
    for (from, to) in [
        ("mtp=(", "sig1=("),
        ("mtp=(", "mtp=\"x\", other=("),
        ("\"@method\" \"@target-uri\"", "\"@target-uri\" \"@method\""),
        ("\"mtp-to\"", "\"mtp-to\" \"date\""),
        ("\"mtp-to\"", "\"mtp-to\";sf"),
        ("\"@method\"", "\"@method\";req"),
        ("\"@method\"", "@method"),
        (" \"content-digest\"", ""),
        (" \"content-type\" \"content-digest\"", ""),
        (&format!(";expires={}", CREATED + 300), ""),
        (&format!(";created={CREATED}"), ""),
        (&format!("created={CREATED}"), "created=-1"),
        (&format!("created={CREATED}"), &format!("created={CREATED}.0")),
        (&format!("created={CREATED}"), &format!("created=\"{CREATED}\"")),
        (&format!("created={CREATED}"), &format!("created=@{CREATED}")),
        (nonce, "BwcHBwcHBwcHBwcHBwcHBw=="),
        (nonce, "BwcHBwcHBwcHBwcHBwcHBx"),
        (nonce, "BwcHBwcHBwcHBwcHBwcH"),
        (nonce, "BwcHBwcHBwcHBwcHBwcHBwcH"),
        (nonce, ""),
        ("keyid=\"a.example#", "keyid=\"a.example"),
        ("keyid=\"a.example#", "keyid=\"A.example#"),
        ("keyid=\"a.example#", "keyid=\"a.example##"),
        ("keyid=\"", "keyid=\"#"),
        ("alg=\"ed25519\"", "alg=\"hmac-sha256\""),
        ("alg=\"ed25519\"", "alg=ed25519"),
        (";alg=\"ed25519\";tag=\"mtp\"", ";tag=\"mtp\";alg=\"ed25519\""),
        ("tag=\"mtp\"", "tag=\"other\""),
        (";tag=\"mtp\"", ""),
        (";tag=\"mtp\"", ";tag=\"mtp\";x"),
        (";tag=\"mtp\"", ";tag=\"mtp\", )("),
    ] {
        let fault = judge(&changed("signature-input", from, to)).unwrap_err();
        assert_eq!(fault.code(), Code::SignatureMissing, "{from} → {to}");
    }
    for (from, to) in [("mtp=:", "mtp=\":"), ("mtp=:", "other=:"), ("mtp=:", "mtp=("), ("==:", "==:;x=1")] {
        assert_eq!(
            judge(&changed("signature", from, to)).unwrap_err().code(),
            Code::SignatureMissing,
            "{from} → {to}"
        );
    }
    for name in ["mtp-to", "content-type", "content-digest", "signature-input", "signature"] {
        let mut headers = introduction().headers;
        headers.remove(name);
        assert_eq!(judge(&headers).unwrap_err().code(), Code::SignatureMissing, "without {name}");
    }
}

#[test]
fn content_and_its_fields_come_together() {
    let signed = alpha().sign_request(&Method::POST, URI, &provider("b.example"), None, stamp());
    let with_content = UnverifiedRequest::parse(&Method::POST, URI, &signed.headers, true);
    assert_eq!(with_content.unwrap_err().code(), Code::SignatureMissing, "content that is not covered");
    let without = UnverifiedRequest::parse(&Method::POST, URI, &introduction().headers, false);
    assert_eq!(without.unwrap_err().code(), Code::SignatureMissing, "covered content that is not there");

    let empty =
        alpha().sign_request(&Method::POST, URI, &provider("b.example"), Some(("text/plain", b"")), stamp());
    assert!(!empty.headers.contains_key("content-type"), "no octets are no content");
    let late = UnverifiedRequest::parse(&Method::POST, URI, &signed.headers, false).unwrap();
    let late = late.at(Timestamp::from_secs(CREATED)).unwrap();
    let fault = late.verify(Some(&alpha().key().public()), b"x").unwrap_err();
    assert_eq!(fault.code(), Code::DigestMismatch, "content that comes after all");
}

#[test]
fn the_same_form_in_other_spellings_is_the_same_signature() {
    for (from, to) in
        [("(\"@method\" \"@target-uri\"", "(  \"@method\"   \"@target-uri\""), (";nonce", ";  nonce")]
    {
        judge(&changed("signature-input", from, to)).unwrap();
    }
    let mut labels = introduction().headers;
    for (name, other) in
        [("signature-input", "sig1=(\"@authority\");created=1, x"), ("signature", "sig1=:AAAA:, x")]
    {
        let ours = labels[name].to_str().unwrap().to_owned();
        set(&mut labels, name, &format!("{other}, {ours}"));
    }
    judge(&labels).expect("other labels are others' business");

    let mut lines = introduction().headers;
    for name in ["signature-input", "signature"] {
        lines.append(name, HeaderValue::from_static("sig1=?1"));
    }
    judge(&lines).expect("a field may come in lines");

    let mut spaced = introduction().headers;
    set(&mut spaced, "content-type", " application/json\t");
    judge(&spaced).expect("space around a value is not part of it");
}

#[test]
fn a_repeated_field_is_covered_as_a_whole() {
    for name in ["mtp-to", "content-type"] {
        let mut headers = introduction().headers;
        let line = headers[name].clone();
        headers.append(name, line);
        assert_eq!(judge(&headers).unwrap_err().code(), Code::SignatureInvalid, "{name}");
    }
    let mut headers = introduction().headers;
    headers.append("mtp-to", HeaderValue::from_static("b.example"));
    assert!(is_meant_for_another(&headers, &provider("b.example")), "and is not us twice");
    assert!(!is_meant_for_another(&HeaderMap::new(), &provider("b.example")));
}

#[test]
fn faults_are_told_in_the_order_of_the_contract() {
    let old = Timestamp::from_secs(CREATED + 1_000);
    let now = Timestamp::from_secs(CREATED);
    let request = |headers: &HeaderMap| UnverifiedRequest::parse(&Method::POST, URI, headers, true);
    let broken = changed("signature", "mtp=:", "mtp=:AAAA");

    assert_eq!(
        request(&broken).unwrap().at(old).unwrap_err().code(),
        Code::SignatureExpired,
        "before the key"
    );
    let timely = request(&broken).unwrap().at(now).unwrap();
    assert_eq!(
        timely.clone().verify(None, b"other").unwrap_err().code(),
        Code::KeyUnknown,
        "before the signature"
    );
    let wrong = beta().key().public();
    assert_eq!(timely.clone().verify(Some(&wrong), b"other").unwrap_err().code(), Code::KeyUnknown);
    let key = alpha().key().public();
    assert_eq!(
        timely.verify(Some(&key), b"other").unwrap_err().code(),
        Code::SignatureInvalid,
        "before the digest"
    );
    let timely = request(&introduction().headers).unwrap().at(now).unwrap();
    assert_eq!(timely.verify(Some(&key), b"other").unwrap_err().code(), Code::DigestMismatch);
}

#[test]
fn a_digest_is_sha_256_alone() {
    let right = introduction().headers["content-digest"].to_str().unwrap().to_owned();
    for digest in [
        format!("{right}, sha-512=:AAAA:"),
        right.replace("sha-256", "sha-512"),
        right.replace("sha-256", "SHA-256"),
        right.replace(":=", "=").replace("=:", "=\""),
        "sha-256".to_owned(),
        "sha-256=:AAAA:".to_owned(),
        "nonsense(".to_owned(),
        String::new(),
    ] {
        // Alpha itself signs such a digest.
        let mut headers = introduction().headers;
        set(&mut headers, "content-digest", &digest);
        let request = UnverifiedRequest::parse(&Method::POST, URI, &headers, true).unwrap();
        let signature = alpha().key().sign(request.signature_base());
        use base64::{Engine, prelude::BASE64_STANDARD};
        set(&mut headers, "signature", &format!("mtp=:{}:", BASE64_STANDARD.encode(signature)));
        assert_eq!(judge(&headers).unwrap_err().code(), Code::DigestMismatch, "{digest}");
    }
}

// Responses

fn answer(binding: &RequestBinding, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    beta().sign_response(StatusCode::OK, &mut headers, body, binding, stamp());
    headers
}

fn believe(
    headers: &HeaderMap,
    body: &[u8],
    binding: &RequestBinding,
    now: u64,
) -> Result<(), ResponseFault> {
    let keys: KeySet = [beta().key().public()].into_iter().collect();
    let now = Timestamp::from_secs(now);
    verify_response(StatusCode::OK, headers, body, binding, &provider("b.example"), &keys, now).map(|_| ())
}

#[test]
fn an_answer_is_believed_for_its_own_request_only() {
    let request = introduction();
    let headers = answer(&request.binding, BODY);
    assert_eq!(believe(&headers, BODY, &request.binding, CREATED), Ok(()));
    let received = RequestBinding::of(&Method::POST, URI, &request.headers);
    assert_eq!(received, request.binding, "both sides see one request");

    let other = alpha().sign_request(&Method::GET, URI, &provider("b.example"), None, stamp());
    assert_eq!(believe(&headers, BODY, &other.binding, CREATED), Err(ResponseFault::Invalid));
}

#[test]
fn who_signed_a_request_wants_its_signature_covered() {
    let request = introduction();
    let unsigned = RequestBinding::of(&Method::POST, URI, &HeaderMap::new());
    assert!(!unsigned.is_signed());
    let headers = answer(&unsigned, BODY);
    assert_eq!(
        believe(&headers, BODY, &unsigned, CREATED),
        Ok(()),
        "without a signature there is none to cover"
    );
    assert!(matches!(believe(&headers, BODY, &request.binding, CREATED), Err(ResponseFault::Missing { .. })));
    let covering = answer(&request.binding, BODY);
    assert!(matches!(believe(&covering, BODY, &unsigned, CREATED), Err(ResponseFault::Missing { .. })));
}

#[test]
fn a_wrong_clock_is_told_only_where_it_is_the_only_fault() {
    let request = introduction();
    let headers = answer(&request.binding, BODY);
    for now in [CREATED - 301, CREATED + 331] {
        let fault = believe(&headers, BODY, &request.binding, now).unwrap_err();
        assert!(matches!(fault, ResponseFault::Times { .. }), "{fault}");
        assert_eq!(believe(&headers, b"[]", &request.binding, now), Err(ResponseFault::DigestMismatch));
    }
}

#[test]
fn an_answer_is_the_responders_by_a_key_of_its_document() {
    let request = introduction();
    let headers = answer(&request.binding, BODY);
    let now = Timestamp::from_secs(CREATED);
    let ask = |responder: &str, keys: &KeySet| {
        verify_response(StatusCode::OK, &headers, BODY, &request.binding, &provider(responder), keys, now)
    };
    let kid = *beta().key().public().thumbprint();
    assert_eq!(ask("b.example", &KeySet::default()).unwrap_err(), ResponseFault::KeyUnknown { kid });
    let keys: KeySet = [beta().key().public()].into_iter().collect();
    assert!(matches!(ask("c.example", &keys).unwrap_err(), ResponseFault::OtherResponder { .. }));
    assert_eq!(ask("b.example", &keys).unwrap().kid(), &kid);
}

#[test]
fn content_without_a_type_is_given_one() {
    let binding = introduction().binding;
    let mut headers = HeaderMap::new();
    beta().sign_response(StatusCode::OK, &mut headers, b"x", &binding, stamp());
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(believe(&headers, b"x", &binding, CREATED), Ok(()));
    headers.remove("content-type");
    assert!(matches!(believe(&headers, b"x", &binding, CREATED), Err(ResponseFault::Missing { .. })));
}
