//! The test vectors, from outside the code: every file of the folder that `MTP_VECTORS` names, by default
//! `vectors/` beside this crate. What is expected is in the files; a file that nobody here knows is a failure.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use drawbridge_mtp::{
    chain::Head,
    grant::{GrantFault, UnverifiedGrant},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    id::{ClientUri, GroupUri, Provider, UserUri},
    keys::{KeySet, PublicKey, SecretKey},
    message::Event,
    octets::Hash32,
    signature::{
        self, RequestBinding, ResponseFault, SIGNATURE_INPUT, SignatureFault, Signer, Stamp,
        UnverifiedRequest, UnverifiedResponse,
    },
    time::Timestamp,
    wire::{self, Encoding},
};
use serde_json::Value;

/// What a case says when it does not come out as the file expects.
type Outcome = Result<(), String>;

/// The cases of the folder, run so far.
#[derive(Default)]
struct Ledger {
    run: usize,
    failures: Vec<String>,
}

impl Ledger {
    /// Runs a case; one that panics has failed, under its name.
    fn case(&mut self, name: impl std::fmt::Display, run: impl FnOnce() -> Outcome) {
        self.run += 1;
        match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => self.failures.push(format!("{name}: {why}")),
            Err(_) => self.failures.push(format!("{name}: panicked, as told above")),
        }
    }
}

#[test]
fn every_vector_comes_out_as_its_file_expects() {
    let folder = folder();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());

    let mut ledger = Ledger::default();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        let before = ledger.run;
        match name.as_ref() {
            "identifiers.json" => identifiers(&mut ledger, &read(file)),
            "keys.json" => keys(&mut ledger, &read(file)),
            "signatures.json" => signatures(&mut ledger, &read(file), &Keyring::read(&folder)),
            "grants.json" => grants(&mut ledger, &read(file)),
            "event_hashes.json" => event_hashes(&mut ledger, &read(file)),
            _ => ledger.case(&name, || Err("no test here knows this file".into())),
        }
        println!("{name}: {} cases", ledger.run - before);
        assert!(ledger.run > before, "{name} has no cases");
    }
    println!("{} cases of {} files in {}", ledger.run, files.len(), folder.display());
    assert!(ledger.failures.is_empty(), "\n{}\n", ledger.failures.join("\n"));
}

fn folder() -> PathBuf {
    env::var_os("MTP_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors"), PathBuf::from)
}

fn read(file: &Path) -> Value {
    let bytes = fs::read(file).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()))
}

fn cases<'a>(file: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    file[list].as_array().unwrap_or_else(|| panic!("no list {list}")).iter()
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_else(|| panic!("no text {member} in {case}"))
}

fn now(case: &Value) -> Timestamp {
    Timestamp::from_secs(case["now"].as_u64().unwrap())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("{what} is {got:?}, expected {expected:?}")) }
}

// Identifiers

fn identifiers(ledger: &mut Ledger, file: &Value) {
    for case in cases(file, "valid") {
        ledger.case(text(case, "uri"), || valid_identifier(case));
    }
    for case in cases(file, "invalid") {
        let uri = text(case, "uri");
        let kind = match (uri.parse::<UserUri>(), uri.parse::<ClientUri>(), uri.parse::<GroupUri>()) {
            (Err(_), Err(_), Err(_)) => None,
            (Ok(_), ..) => Some("user"),
            (_, Ok(_), _) => Some("client"),
            (.., Ok(_)) => Some("group"),
        };
        ledger.case(format_args!("{uri:?} ({})", text(case, "why")), || {
            same("what it is taken for", kind, None)
        });
    }
}

fn valid_identifier(case: &Value) -> Outcome {
    let uri = text(case, "uri");
    let (written, provider, name) = match text(case, "kind") {
        "user" => {
            let user: UserUri = uri.parse().map_err(|fault| format!("{fault}"))?;
            same("a user made of its parts", &UserUri::new(user.provider(), user.name()), &user)?;
            (user.to_string(), user.provider().to_string(), user.name().to_string())
        }
        "client" => {
            let client: ClientUri = uri.parse().map_err(|fault| format!("{fault}"))?;
            same("its user", client.user().as_str(), text(case, "user"))?;
            same("a client made of its parts", &ClientUri::new(client.user(), client.name()), &client)?;
            (client.to_string(), client.provider().to_string(), client.name().to_string())
        }
        "group" => {
            let group: GroupUri = uri.parse().map_err(|fault| format!("{fault}"))?;
            same("a group made of its parts", &GroupUri::new(group.provider(), group.name()), &group)?;
            (group.to_string(), group.provider().to_string(), group.name().to_string())
        }
        kind => return Err(format!("an unknown kind, {kind}")),
    };
    let kinds =
        [uri.parse::<UserUri>().is_ok(), uri.parse::<ClientUri>().is_ok(), uri.parse::<GroupUri>().is_ok()];
    same("how many kinds it is taken for", kinds.iter().filter(|is| **is).count(), 1)?;
    same("its spelling", written.as_str(), uri)?;
    same("its provider", provider.as_str(), text(case, "provider"))?;
    same("its name", name.as_str(), text(case, "name"))
}

// Keys

fn keys(ledger: &mut Ledger, file: &Value) {
    for (provider, pair) in file.as_object().unwrap() {
        let key = secret(pair).public();
        let written: Value = serde_json::from_slice(&wire::encode(Encoding::Json, &key)).unwrap();
        ledger.case(format_args!("the JWK of {provider}"), || same("it", &written, &pair["jwk"]));
        ledger.case(format_args!("the key in the JWK of {provider}"), || {
            same("it", public(&pair["jwk"]), Ok(key))
        });
    }
}

fn secret(pair: &Value) -> SecretKey {
    SecretKey::from_seed(BASE64_URL_SAFE_NO_PAD.decode(text(pair, "seed")).unwrap().try_into().unwrap())
}

fn public(jwk: &Value) -> Result<PublicKey, String> {
    serde_json::from_value(jwk.clone()).map_err(|fault| fault.to_string())
}

/// The providers of `keys.json`, and what can be had of each one's document.
struct Keyring(Value);

impl Keyring {
    fn read(folder: &Path) -> Self {
        Self(read(&folder.join("keys.json")))
    }

    fn of(&self, provider: &Provider) -> KeySet {
        self.0.get(provider.as_str()).map(|pair| public(&pair["jwk"]).unwrap()).into_iter().collect()
    }

    fn signer(&self, provider: &Provider) -> Signer {
        Signer::new(provider.clone(), secret(&self.0[provider.as_str()]))
    }
}

// Signatures

/// `signatures.json`: the verifier of requests, and the responder, is b.example.
fn signatures(ledger: &mut Ledger, file: &Value, keyring: &Keyring) {
    let here: Provider = "b.example".parse().unwrap();
    for case in cases(file, "requests") {
        let name = format!("request {}", text(case, "name"));
        ledger.case(&name, || {
            let answer = match Request::of(case).judge(&here, keyring, now(case)) {
                Ok(()) => "ok".to_owned(),
                Err(code) => code,
            };
            same("the answer", answer.as_str(), text(case, "expect"))
        });
        if let Some(base) = case.get("signature_base") {
            ledger.case(format_args!("{name}: signature base"), || {
                same("it", Request::of(case).base().as_str(), base.as_str().unwrap())
            });
        }
        if text(case, "expect") == "ok" {
            ledger.case(format_args!("{name}: signed here"), || Request::of(case).signed_here(keyring));
        }
    }
    for case in cases(file, "responses") {
        let name = format!("response {}", text(case, "name"));
        ledger.case(&name, || {
            let verified = Response::of(case).judge(&here, keyring, now(case));
            let judgement = if verified.is_ok() { "ok" } else { "refused" };
            same("the judgement", judgement, text(case, "expect"))
        });
        if let Some(base) = case.get("signature_base") {
            ledger.case(format_args!("{name}: signature base"), || {
                same("it", Response::of(case).base().as_str(), base.as_str().unwrap())
            });
        }
        if text(case, "expect") == "ok" {
            ledger
                .case(format_args!("{name}: signed here"), || Response::of(case).signed_here(&here, keyring));
        }
    }
}

struct Request {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

struct Response {
    request: Request,
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    fn of(case: &Value) -> Self {
        Self {
            method: text(case, "method").parse().unwrap(),
            uri: text(case, "uri").to_owned(),
            headers: headers(case),
            body: case["body"].as_str().unwrap_or_default().into(),
        }
    }

    fn unverified(&self) -> Result<UnverifiedRequest, SignatureFault> {
        UnverifiedRequest::parse(&self.method, &self.uri, &self.headers, !self.body.is_empty())
    }

    /// What the server of `here` says, as a code where it refuses.
    fn judge(&self, here: &Provider, keyring: &Keyring, now: Timestamp) -> Result<(), String> {
        if signature::is_meant_for_another(&self.headers, here) {
            return Err("not-here".into());
        }
        let code = |fault: SignatureFault| fault.code().to_string();
        let request = self.unverified().map_err(code)?.at(now).map_err(code)?;
        let document = keyring.of(request.signer());
        let key = document.get(request.kid()).cloned();
        request.verify(key.as_ref(), &self.body).map_err(code)?;
        Ok(())
    }

    fn base(&self) -> String {
        String::from_utf8(self.unverified().unwrap().signature_base().to_vec()).unwrap()
    }

    fn binding(&self) -> RequestBinding {
        RequestBinding::of(&self.method, &self.uri, &self.headers)
    }

    /// Ed25519 is deterministic, so what we sign is what the file has.
    fn signed_here(&self, keyring: &Keyring) -> Outcome {
        let theirs = self.unverified().unwrap();
        let to = self.headers["mtp-to"].to_str().unwrap().parse().unwrap();
        let content = self.headers.get("content-type").map(|of| (of.to_str().unwrap(), self.body.as_slice()));
        let stamp = stamp(theirs.created(), theirs.expires(), theirs.nonce());
        let ours = keyring.signer(theirs.signer()).sign_request(&self.method, &self.uri, &to, content, stamp);
        same("the request's fields", &ours.headers, &self.headers)?;
        same("its binding", ours.binding, self.binding())
    }
}

impl Response {
    fn of(case: &Value) -> Self {
        let body = case["body_b64"].as_str().unwrap_or_default();
        Self {
            request: Request::of(&case["request"]),
            status: StatusCode::from_u16(case["status"].as_u64().unwrap() as u16).unwrap(),
            headers: headers(case),
            body: BASE64_URL_SAFE_NO_PAD.decode(body).unwrap(),
        }
    }

    fn judge(&self, responder: &Provider, keyring: &Keyring, now: Timestamp) -> Result<(), ResponseFault> {
        let (binding, keys) = (self.request.binding(), keyring.of(responder));
        signature::verify_response(self.status, &self.headers, &self.body, &binding, responder, &keys, now)?;
        Ok(())
    }

    fn base(&self) -> String {
        let binding = self.request.binding();
        let response = UnverifiedResponse::parse(self.status, &self.headers, !self.body.is_empty(), &binding);
        String::from_utf8(response.unwrap().signature_base().to_vec()).unwrap()
    }

    fn signed_here(&self, responder: &Provider, keyring: &Keyring) -> Outcome {
        let (created, expires, nonce) = stamp_in(&self.headers);
        let mut ours = self.headers.clone();
        for name in ["content-digest", "signature-input", "signature"] {
            ours.remove(name);
        }
        let stamp = stamp(created, expires, &nonce);
        keyring.signer(responder).sign_response(
            self.status,
            &mut ours,
            &self.body,
            &self.request.binding(),
            stamp,
        );
        same("the response's fields", &ours, &self.headers)
    }
}

fn headers(case: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in case["headers"].as_object().unwrap() {
        let lines = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for line in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(line.as_str().unwrap()).unwrap());
        }
    }
    headers
}

fn stamp(created: u64, expires: u64, nonce: &[u8; 16]) -> Stamp {
    Stamp { created, lifetime_s: (expires - created) as u16, nonce: *nonce }
}

/// Reads the times and the nonce of a signature that the file says is good.
fn stamp_in(headers: &HeaderMap) -> (u64, u64, [u8; 16]) {
    let input = headers[SIGNATURE_INPUT].to_str().unwrap();
    let parameter = |name: &str| {
        let (_, value) = input.split_once(&format!(";{name}=")).unwrap();
        value.split(';').next().unwrap().trim_matches('"')
    };
    let nonce = BASE64_URL_SAFE_NO_PAD.decode(parameter("nonce")).unwrap().try_into().unwrap();
    (parameter("created").parse().unwrap(), parameter("expires").parse().unwrap(), nonce)
}

// Grants

fn grants(ledger: &mut Ledger, file: &Value) {
    let key = public(&file["issuer_key"]).unwrap();
    let (owner, now) = (text(file, "owner").parse().unwrap(), now(file));
    for case in cases(file, "cases") {
        ledger.case(format_args!("grant {}", text(case, "name")), || {
            let jws = text(case, "jws");
            let judge =
                || -> Result<_, GrantFault> { UnverifiedGrant::parse(jws)?.verify(&key, &owner, now) };
            match (judge(), case["valid"].as_bool().unwrap()) {
                (Err(fault), true) => Err(format!("refused: {fault}")),
                (Ok(_), false) => Err(format!("accepted, though {}", text(case, "why"))),
                _ => Ok(()),
            }
        });
    }
}

// Event hashes

fn event_hashes(ledger: &mut Ledger, file: &Value) {
    let mut head = Head::EMPTY;
    for case in cases(file, "events") {
        ledger.case(format_args!("event {}", case["seq"]), || event_hash(case, &head));
        head = Head { seq: case["seq"].as_u64().unwrap(), hash: text(case, "hash").parse().unwrap() };
    }
}

fn event_hash(case: &Value, head: &Head) -> Outcome {
    let bytes = serde_json::to_vec(case).unwrap();
    let event: Event = wire::decode(Encoding::Json, &bytes).map_err(|fault| fault.to_string())?;
    let hash: Hash32 = text(case, "hash").parse().unwrap();
    same("its computed hash", event.computed_hash(), hash)?;
    let written: Value = serde_json::from_slice(&wire::encode(Encoding::Json, &event)).unwrap();
    same("the event, written again", &written, case)?;
    let group = event.group.clone();
    let chained = event.follow(&group, head).map_err(|fault| fault.to_string())?;
    same("the head with it", chained.head(), Head { seq: head.seq + 1, hash })
}
