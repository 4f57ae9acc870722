//! Others' MLS vectors, held against the public state as a group's owner keeps it. They lie where `MLS_VECTORS` says, and
//! count as skipped where they are absent (`scripts/test`).
//!
//! Identities, group ids and contexts there are not MTP's, so the conventions here are others than [`super::mls::MTP`]; no
//! configuration leads to them. Only MLS counts, since those groups have no policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use drawbridge_mtp::id::{ClientUri, GroupUri};
use drawbridge_mtp::octets::Hash32;
use drawbridge_mtp::policy::{Policy, Who};
use drawbridge_mtp::problem::Problem;
use openmls::group::{
    GroupContext, GroupId, JoinBuilder, MIXED_PLAINTEXT_WIRE_FORMAT_POLICY, MlsGroup, MlsGroupJoinConfig,
    ProcessedWelcome,
};
use openmls::prelude::tls_codec::{DeserializeBytes, Serialize};
use openmls::prelude::{
    BasicCredential, Ciphersuite, Credential, Extensions, HpkePrivateKey, KeyPackage, KeyPackageBundle,
    MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent, RatchetTreeIn, Sender,
};
use openmls::schedule::PreSharedKeyId;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::storage::StorageProvider;
use serde_json::{Value, json};

use super::mls::{self, Conventions, Framed};
use super::state::{Hold, Judged, PublicState};
use crate::mls::CRYPTO;

static FOREIGN: Conventions = Conventions { group_id, client_of, policy_of };

/// The group's name is its foreign id in hexadecimal.
fn group_id(group: &GroupUri) -> GroupId {
    GroupId::from_slice(&octets(group.name().as_str()))
}

fn client_of(credential: &Credential) -> Result<ClientUri, Problem> {
    let identity = BasicCredential::try_from(credential.clone()).unwrap();
    let name = hexadecimal(&Hash32::of(identity.identity()).as_bytes()[..16]);
    Ok(format!("mimi://vectors.example/u/{name}/d/x").parse().unwrap())
}

fn policy_of(_: &Extensions<GroupContext>) -> Result<Policy, Problem> {
    Ok(Policy { name: String::new(), admins: Vec::new(), add: Who::Members, send: Who::Members })
}

fn octets(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn of(vector: &Value, name: &str) -> Vec<u8> {
    octets(vector[name].as_str().unwrap())
}

/// The vectors in a file, or none where they are absent.
fn read(name: &str) -> Option<Vec<Value>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mls-vectors");
    let path = std::env::var_os("MLS_VECTORS").map_or(beside, PathBuf::from).join(name);
    match std::fs::read(&path) {
        Ok(content) => Some(serde_json::from_slice(&content).unwrap()),
        Err(_) => {
            eprintln!("skipped: {} is not there", path.display());
            None
        }
    }
}

/// How many were run, and what became of them.
#[derive(Default)]
struct Tally {
    passed: u32,
    refused: BTreeMap<String, u32>,
}

impl Tally {
    /// Counts one vector, which may be refused before it is run.
    fn count(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => *self.refused.entry(reason).or_default() += 1,
        }
    }

    fn print(&self, name: &str) {
        let Self { passed, refused } = self;
        let (not_here, all) = (refused.get(NO_SUITE).copied().unwrap_or(0), refused.values().sum::<u32>());
        println!("{name}: {} run, {passed} passed, {all} refused", passed + all - not_here);
        for (reason, count) in refused {
            println!("  {count} refused: {reason}");
        }
    }
}

const NO_SUITE: &str = "the cipher suite is not here";

fn suite(vector: &Value) -> Result<Ciphersuite, String> {
    let suite = Ciphersuite::try_from(vector["cipher_suite"].as_u64().unwrap() as u16);
    suite.ok().filter(|suite| CRYPTO.supports(*suite).is_ok()).ok_or_else(|| NO_SUITE.into())
}

/// An opaque vector of MLS (RFC 9420, section 2.1.2).
fn opaque(octets: &[u8]) -> Vec<u8> {
    let mut written = match octets.len() {
        short @ 0..64 => vec![short as u8],
        long => (0x4000 | long as u16).to_be_bytes().to_vec(),
    };
    written.extend_from_slice(octets);
    written
}

/// A GroupInfo of epoch 0 around a tree, which nobody has signed.
fn unsigned_info(suite: Ciphersuite, group: &[u8], tree_hash: &[u8], signer: u32) -> Vec<u8> {
    let mut info = vec![0, 1];
    info.extend(u16::from(suite).to_be_bytes());
    info.extend(opaque(group));
    info.extend(0_u64.to_be_bytes());
    // The tree's hash, the transcript's, no extensions of the context or of the GroupInfo, tag, signer, signature.
    info.extend([opaque(tree_hash), opaque(&[]), opaque(&[]), opaque(&[]), opaque(&[0; 32])].concat());
    info.extend(signer.to_be_bytes());
    info.extend(opaque(&[0; 64]));
    info
}

/// A tree comes without a GroupInfo, and nobody has the keys to sign one: the public state has to find no other fault
/// than that with a tree that is good, and another with one in which a bit is wrong.
#[test]
fn tree_validation() {
    let Some(vectors) = read("tree-validation.json") else { return };
    let mut tally = Tally::default();
    for vector in &vectors {
        tally.count(suite(vector).and_then(|suite| validate_tree(vector, suite)));
    }
    tally.print("tree-validation");
    assert!(tally.refused.keys().all(|reason| reason == NO_SUITE), "{:?}", tally.refused);
}

fn validate_tree(vector: &Value, suite: Ciphersuite) -> Result<(), String> {
    const UNSIGNED: &str = "The signature on the GroupInfo is not valid.";
    let (tree, group) = (of(vector, "tree"), of(vector, "group_id"));
    let hashes = vector["tree_hashes"].as_array().unwrap();
    let root = octets(hashes[root_of(hashes.len())].as_str().unwrap());
    let uri: GroupUri = format!("mimi://vectors.example/g/{}", hexadecimal(&group)).parse().unwrap();
    let open = |tree: &[u8]| {
        // Some leaf of every tree is there to have signed.
        (0..hashes.len() as u32)
            .map(|signer| {
                let info = unsigned_info(suite, &group, &root, signer);
                PublicState::open(&uri, &info, tree, &FOREIGN).err().and_then(|problem| problem.detail.into())
            })
            .map(|detail: Option<String>| detail.unwrap_or_default())
            .find(|detail| !detail.contains("ender"))
            .unwrap_or_default()
    };
    let good = open(&tree);
    if !good.contains(UNSIGNED) {
        return Err(good);
    }
    let mut broken = tree;
    let at = broken.len() / 2;
    broken[at] ^= 1;
    let bad = open(&broken);
    if bad.contains(UNSIGNED) { Err(format!("a broken tree is not noticed: {bad}")) } else { Ok(()) }
}

/// The root of a tree of so many nodes (RFC 9420, appendix C).
fn root_of(nodes: usize) -> usize {
    nodes.next_power_of_two() / 2 - usize::from(nodes > 1)
}

#[test]
fn passive_clients() {
    for name in ["passive-client-welcome", "passive-client-handling-commit"] {
        let Some(vectors) = read(&format!("{name}.json")) else { return };
        let mut tally = Tally::default();
        let mut handshakes = 0;
        for vector in &vectors {
            tally.count(suite(vector).and_then(|suite| follow(vector, suite, &mut handshakes)));
        }
        tally.print(name);
        println!("  {handshakes} handshakes went through the owner's verification");
        assert!(tally.refused.keys().all(|reason| reason == NO_SUITE), "{:?}", tally.refused);
    }
}

/// A passive client joins; the owner's public state begins there, and both go on together.
fn follow(vector: &Value, suite: Ciphersuite, handshakes: &mut u32) -> Result<(), String> {
    let provider = OpenMlsRustCrypto::default();
    let mut client = join(vector, &provider)?;
    same(client.epoch_authenticator().as_slice(), &of(vector, "initial_epoch_authenticator"))?;

    let own = client.own_leaf_node().unwrap().signature_key().as_slice().to_vec();
    let keys = SignatureKeyPair::from_raw(suite.signature_algorithm(), of(vector, "signature_priv"), own);
    let info = client.export_group_info(provider.crypto(), &keys, false).map_err(text)?;
    let tree = client.export_ratchet_tree().tls_serialize_detached().unwrap();
    let name = hexadecimal(client.group_id().as_slice());
    let uri: GroupUri = format!("mimi://vectors.example/g/{name}").parse().unwrap();
    let info = info.tls_serialize_detached().unwrap();
    let (mut owner, _) = PublicState::open(&uri, &info, &tree, &FOREIGN).map_err(|problem| problem.detail)?;

    for epoch in vector["epochs"].as_array().unwrap() {
        let proposals = epoch["proposals"].as_array().unwrap();
        for bytes in proposals.iter().chain([&epoch["commit"]]) {
            let bytes = octets(bytes.as_str().unwrap());
            verify(&mut owner, &bytes)?;
            take(&mut client, &provider, &bytes)?;
            *handshakes += 1;
        }
        same(client.epoch_authenticator().as_slice(), &of(epoch, "epoch_authenticator"))?;
        if owner.epoch() != client.epoch().as_u64() || owner.ratchet_tree().unwrap() != tree_of(&client) {
            return Err("the owner and the client are not in the same epoch".into());
        }
    }
    Ok(())
}

fn tree_of(client: &MlsGroup) -> Vec<u8> {
    client.export_ratchet_tree().tls_serialize_detached().unwrap()
}

fn text(fault: impl std::fmt::Display) -> String {
    fault.to_string()
}

fn same(found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err("another epoch authenticator".into()) }
}

/// Judges a handshake and makes it, as [`super::submit`] does.
fn verify(owner: &mut PublicState, bytes: &[u8]) -> Result<(), String> {
    let message = match mls::message(bytes, owner.group_id()).map_err(|problem| problem.detail)? {
        Framed::Handshake(message) => *message,
        Framed::Application { .. } => return Err("an application message".into()),
    };
    let sender = match message.sender() {
        Sender::Member(leaf) => {
            let found = owner.members().find(|(at, _)| *at == leaf.u32());
            found.map(|(_, client)| client.clone()).ok_or("its sender is not a member")?
        }
        other => return Err(format!("its sender is {other:?}")),
    };
    match owner.judge(&sender, message, Hold::Nothing).map_err(|problem| problem.detail)? {
        Judged::Proposal(judged) => owner.keep(judged),
        Judged::Commit(judged) => {
            owner.merge(*judged).map_err(|problem| problem.detail)?;
        }
    }
    Ok(())
}

fn take(client: &mut MlsGroup, provider: &OpenMlsRustCrypto, bytes: &[u8]) -> Result<(), String> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(text)?;
    let message = message.try_into_protocol_message().map_err(text)?;
    match client.process_message(provider, message).map_err(text)?.into_content() {
        ProcessedMessageContent::ProposalMessage(proposal) => {
            client.store_pending_proposal(provider.storage(), *proposal).map_err(text)
        }
        ProcessedMessageContent::StagedCommitMessage(staged) => {
            client.merge_staged_commit(provider, *staged).map_err(text)
        }
        _ => Err("neither a proposal nor a commit".into()),
    }
}

/// A client with the vector's keys joins by the vector's Welcome.
fn join(vector: &Value, provider: &OpenMlsRustCrypto) -> Result<MlsGroup, String> {
    for psk in vector["external_psks"].as_array().unwrap() {
        let id = PreSharedKeyId::external(of(psk, "psk_id"), Vec::new());
        id.store(provider, &of(psk, "psk")).map_err(text)?;
    }
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&of(vector, "key_package")).map_err(text)?;
    let MlsMessageBodyIn::KeyPackage(package) = message.extract() else { return Err("no KeyPackage".into()) };
    // openmls takes no KeyPackage whose lifetime is over, and makes no bundle of keys that it has not made itself; but it
    // reads both.
    let package: KeyPackage = serde_json::from_value(serde_json::to_value(package).unwrap()).map_err(text)?;
    let key = |name| serde_json::to_value(HpkePrivateKey::from(of(vector, name))).unwrap();
    let bundle: KeyPackageBundle = serde_json::from_value(json!({
        "key_package": package,
        "private_init_key": key("init_priv"),
        "private_encryption_key": {"key": key("encryption_priv")},
    }))
    .map_err(text)?;
    let reference = package.hash_ref(provider.crypto()).map_err(text)?;
    provider.storage().write_key_package(&reference, &bundle).map_err(text)?;

    let message = MlsMessageIn::tls_deserialize_exact_bytes(&of(vector, "welcome")).map_err(text)?;
    let MlsMessageBodyIn::Welcome(welcome) = message.extract() else { return Err("no Welcome".into()) };
    let config = MlsGroupJoinConfig::builder()
        .wire_format_policy(MIXED_PLAINTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
        .number_of_resumption_psks(16)
        .build();
    let processed = ProcessedWelcome::new_from_welcome(provider, &config, welcome).map_err(text)?;
    let mut builder = JoinBuilder::new(provider, processed).skip_lifetime_validation();
    if let Some(tree) = vector["ratchet_tree"].as_str() {
        let tree = octets(tree);
        builder = builder.with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact_bytes(&tree).map_err(text)?);
    }
    builder.build().map_err(text)?.into_group(provider).map_err(text)
}
