//! Commits at the owner of a group: verified, numbered, stored, and beside that what a bare `PublicGroup` does of it.

use std::time::{Duration, Instant};

use drawbridge_client::Home;
use drawbridge_mtp::id::{ClientUri, GroupUri, UserUri};
use drawbridge_mtp::message::{
    ClaimReply, ClaimedClient, ClaimedUser, ClientClaim, GroupInfoReply, ItemBody, Outcome as Became,
    Submission, UserClaim,
};
use drawbridge_mtp::octets::Octets;
use drawbridge_node::Node;
use drawbridge_node::store::{Reader, StoreFault, UserRule};
use drawbridge_testkit::{CommitPlan, MlsClient, MutualPeers, ScriptedPeer, TestNode, policy};
use openmls::framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent};
use openmls::group::{ProposalStore, PublicGroup};
use openmls::messages::group_info::VerifiableGroupInfo;
use openmls::prelude::tls_codec::DeserializeBytes;
use openmls::prelude::{OpenMlsProvider, RatchetTreeIn, Sender, Verifiable};
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::outcome::Outcome;
use crate::setup::{Setup, connection, millis};
use crate::table::{Row, Target, quantile};

/// How large the groups are, and how many of them there are.
const SIZES: [(usize, usize); 4] = [(10, 12), (100, 2), (500, 1), (1_000, 1)];
/// Clients that commit: half of the smallest group, all over the tree.
const COMMITTERS: usize = 5;
/// Each commits once in the fresh tree, and so often after that.
const LATER: usize = 4;
/// Transactions after which the store's log has been written once from end to end.
const WEAR: usize = 3_000;
/// What the owner may take beside a bare group: half as much again, and an append.
const MOST: f64 = 1.5;

/// How long one commit took: with us, with a bare group, and an append.
#[derive(Default)]
struct Times {
    ours: Vec<f64>,
    bare: Vec<f64>,
    append: Vec<f64>,
}

/// Milliseconds for a commit, in a fresh tree and after updates all over it.
pub(crate) async fn measure(_: &Setup) -> Outcome<Vec<Row>> {
    eprintln!("commits");
    let peers = MutualPeers::of(1).await;
    let test_node = peers.nodes.first().ok_or("a provider")?;
    let beta = peers.federation.scripted_peer();
    test_node.allows(beta.provider()).await;
    let alice = test_node.node().operator().create_user("alice".parse()?, UserRule::Ask).await?;
    wear_in(test_node).await?;
    let mut rows = Vec::new();
    for (size, groups) in SIZES {
        let (mut fresh, mut later) = (Times::default(), Times::default());
        for number in 0..groups {
            let name = format!("of{size}-{number}");
            let (clients, group) = group_of(test_node, &beta, &alice, &name, size).await?;
            commit(test_node, &beta, &clients, &group, &mut fresh, &mut later).await?;
        }
        rows.push(row(size, "fresh tree", fresh));
        rows.push(row(size, "tree after updates", later));
    }
    test_node.stop().await;
    Ok(rows)
}

/// Writes so much that the store's log has reached its size, which it keeps from then on: while it grows, which is the first
/// minutes of a node, each transaction takes longer, by how many pages it writes.
async fn wear_in(test_node: &TestNode) -> Outcome<()> {
    let (node, somebody) = (test_node.node(), test_node.address("somebody"));
    let item = connection(test_node.clock().id(), &somebody, &somebody, node.now());
    let reader = Reader::Client(ClientUri::new(&somebody, &"c".parse()?));
    for _ in 0..WEAR {
        append(&node, &reader, &item).await?;
    }
    Ok(())
}

fn row(size: usize, tree: &str, mut times: Times) -> Row {
    let (bare, append) = (quantile(&mut times.bare, 0.5), quantile(&mut times.append, 0.5));
    Row {
        what: format!("commit in a group of {size}, {tree}, median"),
        target: Some(Target::AtMost(MOST * bare + append)),
        figure: quantile(&mut times.ours, 0.5),
        unit: "ms",
        limit: (
            bare + append,
            "openmls's PublicGroup doing the same with its storage in memory, and one append",
        ),
    }
}

/// A group of Alice's clients, which commit, and many of Bob's at another provider.
async fn group_of(
    test_node: &TestNode,
    beta: &ScriptedPeer,
    alice: &UserUri,
    name: &str,
    size: usize,
) -> Outcome<(Vec<MlsClient>, GroupUri)> {
    let mut clients = Vec::new();
    for number in 0..COMMITTERS {
        clients.push(test_node.client(alice, &format!("{name}-{number}")).await);
    }
    let first = clients.first().ok_or("a client")?;
    let group = first.creates(name, &policy(&[alice])).await;
    let bob = beta.address("bob");
    let claimed = |client: ClientUri, package: Octets| ClaimedClient {
        client,
        status: ClientClaim::Ok,
        key_package: Some(package),
    };
    let spread = size.div_ceil(COMMITTERS);
    let (mut own, mut users) = (clients.iter().skip(1), Vec::new());
    for leaf in 1..size {
        let (user, client) = match own.len() > 0 && (leaf % spread == 0 || own.len() >= size - leaf) {
            true => {
                let client = own.next().ok_or("a client")?;
                (alice, claimed(client.uri().clone(), client.key_package()))
            }
            false => {
                let client = ClientUri::new(&bob, &format!("c{leaf}").parse()?);
                // Each with a signature key of its own.
                let package = beta.client("bob").key_package_as(client.as_str());
                (&bob, claimed(client, package))
            }
        };
        users.push(ClaimedUser {
            user: user.clone(),
            status: UserClaim::Ok,
            clients: vec![client],
            grant: None,
        });
    }
    let grant = beta.grant(&bob, alice, &group).sign(beta.signer().key());
    let change = CommitPlan::adding(&ClaimReply { users }).grants(vec![grant]);
    let placed = first.does(&group, &first.commit(&group, change)).await;
    first.hears_of(&group, placed.seq).await;
    for client in clients.iter().skip(1) {
        client.comes_into(&group).await;
    }
    Ok((clients, group))
}

async fn commit(
    test_node: &TestNode,
    beta: &ScriptedPeer,
    clients: &[MlsClient],
    group: &GroupUri,
    fresh: &mut Times,
    later: &mut Times,
) -> Outcome<()> {
    let node = test_node.node();
    let first = clients.first().ok_or("a client")?;
    let mut bare = Bare::open(&first.info(group).await.map_err(|fault| fault.code)?)?;
    let reader = Reader::Peer(beta.provider().clone());
    let item = connection(test_node.clock().id(), &beta.address("bob"), first.user(), node.now());
    for round in 0..=LATER {
        for client in clients {
            let submission = client.commit(group, CommitPlan::renewal());
            let times = if round == 0 { &mut *fresh } else { &mut *later };
            // In the same run, one after the other, so that both meet the same neighbours; and each behind an append, so that
            // both begin when the processor has waited for the disk.
            times.append.push(append(&node, &reader, &item).await?);
            times.bare.push(millis(tokio::task::block_in_place(|| bare.take(&submission))?));

            times.append.push(append(&node, &reader, &item).await?);
            let home = node.home_of(client.uri().clone());
            let began = Instant::now();
            let results = home.submit(group, vec![submission]).await?;
            times.ours.push(millis(began.elapsed()));
            let seq = match results.first().map(|result| &result.outcome) {
                Some(Became::Accepted(placed)) => placed.seq,
                other => return Err(format!("a commit is not accepted but {other:?}").into()),
            };
            for client in clients {
                client.hears_of(group, seq).await;
            }
        }
    }
    Ok(())
}

async fn append(node: &Node, reader: &Reader, item: &ItemBody) -> Outcome<f64> {
    let (reader, item) = (reader.clone(), item.clone());
    let began = Instant::now();
    let seq: Result<u64, StoreFault> = node.store().write(move |tx| tx.append(&reader, &item)).await;
    seq?;
    Ok(millis(began.elapsed()))
}

/// The public state with nothing around it.
struct Bare {
    provider: OpenMlsRustCrypto,
    group: PublicGroup,
}

impl Bare {
    fn open(info: &GroupInfoReply) -> Outcome<Self> {
        let provider = OpenMlsRustCrypto::default();
        let verifiable = read_info(&info.group_info)?;
        let tree = RatchetTreeIn::tls_deserialize_exact_bytes(info.ratchet_tree.as_slice())?;
        let (crypto, storage) = (provider.crypto(), provider.storage());
        let opened = PublicGroup::from_external(crypto, storage, tree, verifiable, ProposalStore::new());
        let (group, _) = opened.map_err(|fault| fault.to_string())?;
        Ok(Self { provider, group })
    }

    /// Verifies a commit and the GroupInfo that comes with it, and makes it; returns how long that took.
    fn take(&mut self, commit: &Submission) -> Outcome<Duration> {
        let began = Instant::now();
        let message = MlsMessageIn::tls_deserialize_exact_bytes(commit.mls.as_slice())?;
        let message = message.try_into_protocol_message()?;
        let processed = self.group.process_message(self.provider.crypto(), message)?;
        let Sender::Member(committer) = *processed.sender() else { return Err("no member".into()) };
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err("no commit".into());
        };
        self.group.merge_commit(self.provider.storage(), *staged)?;
        // An owner has to see that the new epoch's GroupInfo is by the committer too.
        let info = commit.group_info.as_ref().ok_or("no GroupInfo")?;
        let info = read_info(info)?;
        let leaf = self.group.leaf(committer).ok_or("no leaf")?;
        let scheme = self.group.ciphersuite().signature_algorithm();
        let key = leaf.signature_key().clone().into_signature_public_key_enriched(scheme);
        info.verify_no_out(self.provider.crypto(), &key).map_err(|fault| fault.to_string())?;
        if info.group_context() != self.group.group_context() {
            return Err("a GroupInfo of another epoch".into());
        }
        Ok(began.elapsed())
    }
}

fn read_info(bytes: &Octets) -> Outcome<VerifiableGroupInfo> {
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes.as_slice())?;
    let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { return Err("no GroupInfo".into()) };
    Ok(info)
}
