//! Provider documents (section 3), problem documents (section 5) and grants (section 8) at their edges.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use drawbridge_mtp::{
    document::{DocumentFault, Endpoint, Limits, MAX_DOCUMENT_BYTES, ProviderDocument, Software},
    grant::{GrantClaims, GrantFault, MAX_GRANT_BYTES, UnverifiedGrant},
    id::Provider,
    keys::{JwkFault, SecretKey},
    problem::{Code, Problem, ReceivedProblem},
    time::Timestamp,
};
use serde_json::{Value, json};

fn provider(text: &str) -> Provider {
    text.parse().unwrap()
}

fn jwk(seed: u8) -> Value {
    serde_json::to_value(SecretKey::from_seed([seed; 32]).public()).unwrap()
}

fn document() -> Value {
    json!({
        "provider": "home.example",
        "versions": ["0", "1", "2"],
        "endpoint": "https://mtp.home.example:8448/mtp/v1",
        "keys": {"keys": [jwk(1)]},
    })
}

fn parse(document: &Value) -> Result<ProviderDocument, DocumentFault> {
    ProviderDocument::parse(document.to_string().as_bytes(), &provider("home.example"))
}

fn with(member: &str, value: Value) -> Value {
    let mut document = document();
    document[member] = value;
    document
}

#[test]
fn the_least_document_is_read_and_written() {
    let read = parse(&document()).unwrap();
    assert_eq!(read.limits, Limits::default());
    assert_eq!(read.keys.iter().count(), 1);
    let whole = ProviderDocument {
        software: Some(Software { name: "drawbridge".into(), version: Some("0.1.0".into()) }),
        contact: Some("mailto:postmaster@home.example".into()),
        ..read
    };
    assert_eq!(ProviderDocument::parse(&whole.to_json(), &provider("home.example")), Ok(whole));
}

#[test]
fn limits_that_are_not_there_have_their_values() {
    let read = parse(&with("limits", json!({"pull_wait_s": 20, "unknown": "x"}))).unwrap();
    assert_eq!(read.limits, Limits { pull_wait_s: 20, ..Limits::default() });
}

#[test]
fn what_is_not_required_is_as_absent_where_it_is_empty_or_ill_typed() {
    let least = parse(&document()).unwrap();
    for odd in [
        with("limits", json!({"pull_wait_s": "20"})),
        with("limits", json!({"pull_wait_s": -1})),
        with("limits", json!({"pull_wait_s": 20.0})),
        with("limits", json!({"pull_wait_s": null, "pull_events": {}})),
        with("limits", json!({"event_bytes": 9_007_199_254_740_992_u64})),
        with("limits", json!({})),
        with("limits", json!([])),
        with("limits", json!(null)),
        with("contact", json!("")),
        with("contact", json!(null)),
        with("contact", json!(["mailto:postmaster@home.example"])),
        with("software", json!({})),
        with("software", json!(null)),
        with("software", json!("drawbridge")),
        with("software", json!({"name": "", "version": "1"})),
        with("software", json!({"name": 1})),
    ] {
        assert_eq!(parse(&odd), Ok(least.clone()), "{odd}");
    }
    let half = parse(&with("limits", json!({"pull_wait_s": "20", "pull_events": 7}))).unwrap();
    assert_eq!(half.limits, Limits { pull_events: 7, ..Limits::default() }, "each limit is read by itself");
    let software = |version: Value| parse(&with("software", json!({"name": "x", "version": version})));
    let nameless = Some(Software { name: "x".into(), version: None });
    assert_eq!(software(json!({})).unwrap().software, nameless);
    assert_eq!(software(json!("")).unwrap().software, nameless);
    let twice = document().to_string().replacen('{', r#"{"software":{"a":1,"a":2},"#, 1);
    let fault = ProviderDocument::parse(twice.as_bytes(), &provider("home.example"));
    assert!(fault.is_err(), "but it is well-formed");
}

#[test]
fn a_document_that_breaks_a_rule_is_refused() {
    for odd in [
        with("provider", json!("other.example")),
        with("provider", json!("Home.example")),
        with("versions", json!(["2"])),
        with("versions", json!("1")),
        with("versions", json!([1])),
        with("endpoint", json!("http://home.example/mtp/v1")),
        with("keys", json!({"keys": []})),
        with("keys", json!([jwk(1)])),
        with("keys", json!({"keys": ["x"]})),
    ] {
        assert!(parse(&odd).is_err(), "{odd}");
    }
    for member in ["provider", "versions", "endpoint", "keys"] {
        let mut document = document();
        document.as_object_mut().unwrap().remove(member);
        assert!(matches!(parse(&document), Err(DocumentFault::Malformed(_))), "without {member}");
    }
    let twice = document().to_string().replacen('{', r#"{"contact":"a","contact":"b","#, 1);
    let marked = format!("\u{feff}{}", document());
    for odd in [twice, marked] {
        assert!(ProviderDocument::parse(odd.as_bytes(), &provider("home.example")).is_err(), "{odd}");
    }
}

#[test]
fn a_document_of_64_kib_is_the_most() {
    let mut bytes = document().to_string().into_bytes();
    bytes.resize(MAX_DOCUMENT_BYTES, b' ');
    assert!(ProviderDocument::parse(&bytes, &provider("home.example")).is_ok());
    bytes.push(b' ');
    let fault = ProviderDocument::parse(&bytes, &provider("home.example"));
    assert_eq!(fault, Err(DocumentFault::TooLarge(MAX_DOCUMENT_BYTES + 1)));
}

#[test]
fn keys_of_other_kinds_are_skipped() {
    let changed = |member: &str, value: Value| {
        let mut jwk = jwk(2);
        jwk[member] = value;
        jwk
    };
    let skipped = [
        json!({}),
        json!({"kty": "RSA", "n": "…", "e": "AQAB"}),
        changed("crv", json!("X25519")),
        changed("alg", json!("ES256")),
        changed("use", json!("enc")),
        changed("use", json!(["sig"])),
        changed("kid", json!(null)),
    ];
    for other in skipped {
        let read = parse(&with("keys", json!({"keys": [other, jwk(1), jwk(1)]}))).unwrap();
        assert_eq!(read.keys.len(), 1, "{other}");
        assert_eq!(parse(&with("keys", json!({"keys": [other]}))), Err(DocumentFault::NoKey));
    }
}

#[test]
fn a_key_of_our_form_with_another_name_refuses_the_whole() {
    let mut renamed = jwk(2);
    renamed["kid"] = jwk(1)["kid"].clone();
    let fault = parse(&with("keys", json!({"keys": [jwk(1), renamed]}))).unwrap_err();
    assert!(matches!(fault, DocumentFault::Key(JwkFault::OtherKid(_))), "{fault}");

    for x in ["AA".to_owned(), "A".repeat(43), format!("AQ{}", "A".repeat(41))] {
        let mut unusable = jwk(2);
        unusable["x"] = json!(x);
        let fault = parse(&with("keys", json!({"keys": [jwk(1), unusable]}))).unwrap_err();
        assert!(matches!(fault, DocumentFault::Key(JwkFault::Unusable)), "{x}: {fault}");
    }
}

#[test]
fn an_endpoint_is_what_can_be_signed_as_it_is_sent() {
    for (fine, origin, path) in [
        ("https://home.example/mtp/v1", "https://home.example", "/mtp/v1"),
        ("https://home.example", "https://home.example", ""),
        ("https://[::1]:9101/~a/%7Eb", "https://[::1]:9101", "/~a/%7Eb"),
        ("https://127.0.0.1:9101/mtp", "https://127.0.0.1:9101", "/mtp"),
    ] {
        let endpoint: Endpoint = fine.parse().unwrap();
        assert_eq!((endpoint.origin(), endpoint.path(), endpoint.to_string().as_str()), (origin, path, fine));
        assert_eq!(endpoint.url("/feed?after=1"), format!("{fine}/feed?after=1"));
    }
    for odd in [
        "",
        "home.example",
        "HTTPS://home.example",
        "http://home.example",
        "https://",
        "https:///mtp",
        "https://home.example/",
        "https://home.example/mtp/",
        "https://home.example:443/mtp",
        "https://Home.example/mtp",
        "https://user@home.example/mtp",
        "https://home.example/mtp?x",
        "https://home.example?x",
        "https://home.example/mtp#x",
        "https://home.example//mtp",
        "https://home.example/./mtp",
        "https://home.example/mtp/..",
        "https://home.example/%2e%2E/mtp",
        "https://home.example/a b",
        "https://home.example/%zz",
        "https://home.example/%2",
        "https://home.example/é",
        "https://home.example/\\",
    ] {
        assert!(odd.parse::<Endpoint>().is_err(), "{odd}");
    }
}

#[test]
fn every_code_is_told_and_read() {
    for code in Code::ALL {
        let told = ReceivedProblem::parse(&Problem::new(*code, "why").to_json()).unwrap();
        assert_eq!((told.known(), told.detail.as_deref()), (Some(*code), Some("why")));
        assert!((400..=503).contains(&code.status().as_u16()));
    }
}

#[test]
fn a_problem_is_a_document_of_rfc_9457() {
    let id = "0198d0a0-1111-7000-8000-000000000001";
    let problem = Problem::new(Code::FeedReset, "Start anew.").with_feed(id.parse().unwrap(), 3, 9);
    let told: Value = serde_json::from_slice(&problem.to_json()).unwrap();
    let expected = json!({
        "type": "urn:mtp:error:feed-reset", "title": "Feed reset", "status": 409, "detail": "Start anew.",
        "code": "feed-reset", "generation": id, "first": 3, "head": 9,
    });
    assert_eq!(told, expected);
    assert_eq!(ReceivedProblem::parse(&problem.to_json()).unwrap().members, problem.members);
}

#[test]
fn a_peers_problem_is_read_as_far_as_it_goes() {
    let read = |text: &str| ReceivedProblem::parse(text.as_bytes());
    let later = read(r#"{"code":"moon-in-the-wrong-phase","limit":"much","now":5,"epoch":7}"#).unwrap();
    assert_eq!((later.code.as_str(), later.known()), ("moon-in-the-wrong-phase", None));
    assert_eq!((later.members.limit, later.members.now, later.members.epoch), (None, None, Some(7)));
    assert_eq!(read(r#"{"type":"urn:mtp:error:gone"}"#).unwrap().known(), Some(Code::Gone));
    for odd in ["", "[]", "{}", r#"{"code":5}"#, "<html>"] {
        assert!(read(odd).is_err(), "{odd}");
    }
}

// Grants

const GIVEN: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

fn claims() -> GrantClaims {
    GrantClaims {
        iss: provider("b.example"),
        aud: provider("a.example"),
        sub: "mimi://b.example/u/bob".parse().unwrap(),
        adder: "mimi://c.example/u/carol".parse().unwrap(),
        group: "mimi://a.example/g/club".parse().unwrap(),
        jti: "0198d0a0-1111-7000-8000-000000000001".parse().unwrap(),
        iat: GIVEN,
        exp: GIVEN + DAY,
    }
}

fn judge(jws: &str, now: Timestamp) -> Result<GrantClaims, GrantFault> {
    let grant = UnverifiedGrant::parse(jws)?.verify(&issuer().public(), &provider("a.example"), now)?;
    Ok(grant.claims().clone())
}

fn issuer() -> SecretKey {
    SecretKey::from_seed([3; 32])
}

/// Any header and claims, signed with the issuer's key.
fn signed(header: &str, claims: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let signed =
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(issuer().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[test]
fn a_grant_holds_until_its_end() {
    let jws = claims().sign(&issuer());
    let at = |millis| judge(&jws, Timestamp::from_millis(millis));
    assert_eq!(at(GIVEN * 1_000), Ok(claims()));
    assert_eq!(at((GIVEN - 300) * 1_000), Ok(claims()));
    assert!(matches!(at((GIVEN - 300) * 1_000 - 1), Err(GrantFault::NotYet { .. })));
    assert_eq!(at((GIVEN + DAY) * 1_000 - 1), Ok(claims()));
    assert!(matches!(at((GIVEN + DAY) * 1_000), Err(GrantFault::Expired { .. })));
}

#[test]
fn a_grant_lives_thirty_days_at_most() {
    let now = Timestamp::from_secs(GIVEN);
    let living = |seconds| judge(&GrantClaims { exp: GIVEN + seconds, ..claims() }.sign(&issuer()), now);
    assert!(living(30 * DAY).is_ok());
    assert_eq!(living(30 * DAY + 1), Err(GrantFault::TooLong));
}

#[test]
fn a_grant_fits_into_the_hash_of_an_event() {
    let padded = |length: usize| {
        let header = json!({"alg": "EdDSA", "kid": issuer().public().thumbprint(), "typ": "mtp-grant+jwt"});
        let mut body = serde_json::to_value(claims()).unwrap();
        body["x"] = json!("x".repeat(length));
        signed(&header.to_string(), &body.to_string())
    };
    let least = padded(0).len();
    let fits = padded((MAX_GRANT_BYTES - least) / 4 * 3);
    let now = Timestamp::from_secs(GIVEN);
    assert!((MAX_GRANT_BYTES - 4..=MAX_GRANT_BYTES).contains(&fits.len()), "{}", fits.len());
    assert_eq!(judge(&fits, now), Ok(claims()));
    assert!(matches!(judge(&padded(MAX_GRANT_BYTES), now), Err(GrantFault::Malformed(_))));
}

#[test]
fn a_grants_header_has_three_members_and_its_claims_all_of_theirs() {
    let kid = issuer().public().thumbprint().to_string();
    let header = json!({"alg": "EdDSA", "kid": kid, "typ": "mtp-grant+jwt"});
    let body = serde_json::to_value(claims()).unwrap();
    let now = Timestamp::from_secs(GIVEN);
    assert_eq!(judge(&signed(&header.to_string(), &body.to_string()), now), Ok(claims()));

    let mut more = body.clone();
    more["nbf"] = json!("whatever");
    assert_eq!(
        judge(&signed(&header.to_string(), &more.to_string()), now),
        Ok(claims()),
        "other claims are ignored"
    );

    for (member, value) in [
        ("crit", json!([])),
        ("jwk", json!({})),
        ("alg", json!("eddsa")),
        ("typ", json!("mtp-grant+JWT")),
        ("kid", json!(null)),
    ] {
        let mut header = header.clone();
        header[member] = value;
        assert!(judge(&signed(&header.to_string(), &body.to_string()), now).is_err(), "{header}");
    }
    for member in ["iss", "aud", "sub", "adder", "group", "jti", "iat", "exp"] {
        let mut less = body.clone();
        less.as_object_mut().unwrap().remove(member);
        assert!(judge(&signed(&header.to_string(), &less.to_string()), now).is_err(), "without {member}");
    }
    for (member, value) in
        [("iat", json!(1.5)), ("exp", json!("soon")), ("iat", json!(-1)), ("aud", json!(["a.example"]))]
    {
        let mut odd = body.clone();
        odd[member] = value;
        assert!(judge(&signed(&header.to_string(), &odd.to_string()), now).is_err(), "{odd}");
    }
    let twice = body.to_string().replacen('{', r#"{"exp":1,"#, 1);
    assert!(judge(&signed(&header.to_string(), &twice), now).is_err(), "one claim twice");
}

#[test]
fn a_grant_has_one_spelling() {
    let jws = claims().sign(&issuer());
    let now = Timestamp::from_secs(GIVEN);
    let flipped = if jws.ends_with('A') { "B" } else { "A" };
    for odd in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{jws}."),
        format!("{jws}="),
        format!(" {jws}"),
        format!("{}{flipped}", &jws[..jws.len() - 1]),
        jws.replace('.', ".."),
        jws.rsplit_once('.').unwrap().0.to_owned(),
        jws.rsplit_once('.').unwrap().0.to_owned() + ".",
    ] {
        assert!(judge(&odd, now).is_err(), "{odd}");
    }
}
