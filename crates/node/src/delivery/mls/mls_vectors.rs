//! Others' MLS vectors, held against the public state as a group's owner keeps it. They lie where `MLS_VECTORS` says, and
//! count as skipped where they are absent (`scripts/test`).
//!
//! Identities, group ids and contexts there are not MTP's, so the conventions here are others than [`crate::delivery::mls::framing::MTP`]; no
//! configuration leads to them. Only MLS counts, since those groups have no policy.

mod tree;

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
use openmls::prelude::tls_codec::{DeserializeBytes, Serialize, VLBytes};
use openmls::prelude::{
    BasicCredential, Ciphersuite, Credential, CredentialWithKey, Extensions, HpkePrivateKey, KeyPackage,
    KeyPackageBundle, MlsMessageBodyIn, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent,
    RatchetTreeIn, Sender,
};
use openmls::schedule::PreSharedKeyId;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::signatures::Signer;
use openmls_traits::storage::StorageProvider;
use serde_json::{Value, json};

use crate::delivery::mls::framing::{self, Conventions, Framed};
use crate::delivery::mls::state::{Hold, JudgedHandshake, PublicState};
use crate::mls::CRYPTO;
use tree::Tree;

static FOREIGN: Conventions = Conventions { group_id, client_of, policy_of, message: framing::message };

/// The group's name is its foreign id in hexadecimal.
fn group_id(group: &GroupUri) -> GroupId {
    GroupId::from_slice(&octets(group.name().as_str()))
}

fn client_of(credential: &Credential) -> Result<ClientUri, Problem> {
    let name = hexadecimal(&Hash32::of(credential.serialized_content()).as_bytes()[..16]);
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
    VLBytes::new(octets.to_vec()).tls_serialize_detached().unwrap()
}

/// Somebody who joins others' trees, to sign for them.
struct Guest {
    keys: SignatureKeyPair,
    leaf: Vec<u8>,
    init_key: Vec<u8>,
}

impl Guest {
    fn new(suite: Ciphersuite) -> Self {
        let keys = SignatureKeyPair::new(suite.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(b"guest".to_vec()).into(),
            signature_key: keys.public().to_vec().into(),
        };
        let package =
            KeyPackage::builder().build(suite, &OpenMlsRustCrypto::default(), &keys, credential).unwrap();
        let package = package.key_package();
        Self {
            leaf: package.leaf_node().tls_serialize_detached().unwrap(),
            init_key: package.hpke_init_key().as_slice().to_vec(),
            keys,
        }
    }

    /// A GroupInfo of epoch 0 around a tree in which the guest has the leaf `at` (RFC 9420, section 12.4.3).
    fn group_info(&self, suite: Ciphersuite, group: &[u8], tree_hash: &[u8], at: u32) -> Vec<u8> {
        let mut info = vec![0, 1];
        info.extend(u16::from(suite).to_be_bytes());
        info.extend(opaque(group));
        info.extend(0_u64.to_be_bytes());
        // The tree's hash, the transcript's, and no extensions of the context.
        info.extend([opaque(tree_hash), opaque(&[]), opaque(&[])].concat());
        // One extension, `external_pub`: any key will do. The confirmation tag is for members.
        info.extend(opaque(&[vec![0, 4], opaque(&opaque(&self.init_key))].concat()));
        info.extend(opaque(&[0; 32]));
        info.extend(at.to_be_bytes());
        let signed = [opaque(b"MLS 1.0 GroupInfoTBS"), opaque(&info)].concat();
        info.extend(opaque(&self.keys.sign(&signed).unwrap()));
        info
    }
}

/// A tree comes without a GroupInfo, and nobody has the keys to sign one; so a guest is added to each, who can. The
/// public state has to take the tree, and the same with a bit wrong in any of its nodes not.
#[test]
fn tree_validation() {
    let Some(vectors) = read("tree-validation.json") else { return };
    let (mut tally, mut spoilt) = (Tally::default(), 0);
    for vector in &vectors {
        tally.count(suite(vector).and_then(|suite| validate_tree(vector, suite, &mut spoilt)));
    }
    tally.print("tree-validation");
    println!("  {spoilt} times a tree was refused in which one bit was wrong");
    assert!(tally.refused.keys().all(|reason| reason == NO_SUITE), "{:?}", tally.refused);
}

fn validate_tree(vector: &Value, suite: Ciphersuite, spoilt: &mut u32) -> Result<(), String> {
    let (bytes, group) = (of(vector, "tree"), of(vector, "group_id"));
    let mut tree = Tree::read(&bytes);
    let hashes = vector["tree_hashes"].as_array().unwrap();
    assert_eq!(tree.write(), bytes);
    assert!(
        tree.hashes(suite)
            .iter()
            .map(|hash| hexadecimal(hash))
            .eq(hashes.iter().map(|it| it.as_str().unwrap()))
    );

    let guest = Guest::new(suite);
    let at = tree.add(guest.leaf.clone());
    let uri: GroupUri = format!("mimi://vectors.example/g/{}", hexadecimal(&group)).parse().unwrap();
    let open = |tree: &Tree| {
        let info = guest.group_info(suite, &group, &tree.hash(suite), at);
        PublicState::open(&uri, &info, &tree.write(), &FOREIGN).map_err(|problem| problem.detail)
    };
    let (state, _) = open(&tree)?;
    let leaves = tree.filled().filter(|node| node.is_multiple_of(2)).map(|node| node as u32 / 2);
    if !state.members().map(|(leaf, _)| leaf).eq(leaves) || state.ratchet_tree().unwrap() != tree.write() {
        return Err("the public state has another tree".into());
    }
    for node in tree.filled() {
        if open(&tree.spoilt(node)).is_ok() {
            return Err(format!("a wrong bit in node {node} is not noticed"));
        }
        *spoilt += 1;
    }
    Ok(())
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
    let message = match owner.framed(bytes).map_err(|problem| problem.detail)? {
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
        JudgedHandshake::Proposal(judged) => owner.keep(judged),
        JudgedHandshake::Commit(judged) => {
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
